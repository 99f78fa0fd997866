"""A site in Berlin whose arrivals are known: means by day and slot, drawn as negative binomials."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from features.calendar import Calendar
from models.volume.history import Grid, History, build_histories

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = (1.3, 1.1, 1.0, 1.0, 0.9, 0.5, 0.4)
NO_EVENTS = pd.DataFrame(columns=["name", "starts_on", "ends_on", "queues", "known_on"])
OFFICE = Calendar.model_validate(
    {"default": {"hours": {"default": "08:00-20:00", "saturday": "closed", "sunday": "closed"}},
     "holidays": {"country": "DE"}}
)  # fmt: skip


@dataclass
class Site:
    """Builds histories of queues with a known shape, and remembers the means behind them."""

    calendar: Calendar = OFFICE
    first_on: date = date(2025, 1, 6)
    run_date: date = date(2025, 7, 7)
    ahead: int = 28
    minutes: int = 60
    frames: list[pd.DataFrame] = field(default_factory=list)
    means: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def grid(self) -> Grid:
        return Grid(self.first_on, (self.run_date - self.first_on).days + self.ahead, self.minutes, BERLIN)

    def queue(
        self, name: str, a_day: float = 500.0, channel: str = "phone", phi: float = 0.0, seed: int = 1,
        since: date | None = None, factor: Callable[[pd.DatetimeIndex], np.ndarray] | None = None, peak: float = 11.0,
        handle_s: float = 240.0,
    ) -> "Site":  # fmt: skip
        """Add a queue: contacts a day on average, spread around a peak hour, until the grid's end."""
        grid = self.grid
        local = grid.local
        hour = np.asarray(local.hour + local.minute / 60)
        is_open = self.calendar.is_open(name, local, grid.minutes) if channel == "phone" else np.ones(len(local), bool)
        shape = np.exp(-((hour - peak) ** 2) / 18) + 0.1
        weight = np.asarray(WEEK)[np.asarray(local.day_of_week)] * (factor(local) if factor else 1.0)
        mean = a_day * weight * is_open * shape / shape[: grid.slots][is_open[: grid.slots]].sum()
        rng = np.random.default_rng(seed)
        contacts = rng.poisson(mean * rng.gamma(1 / phi, phi, len(mean)) if phi else mean)
        on = local.tz_localize(None).normalize()
        frame = pd.DataFrame(
            {"queue": name, "channel": channel, "interval_start_at": grid.instants, "on": on, "contacts": contacts}
        )
        frame = frame[(frame["contacts"] > 0) & (frame["on"] >= pd.Timestamp(since or self.first_on))]
        known = frame["on"] + pd.Timedelta(days=1)
        self.means[name] = mean
        self.frames.append(
            frame.assign(known_on=known, handled_count=frame["contacts"], handle_time_s=handle_s * frame["contacts"])
        )
        return self

    def changes(self) -> pd.DataFrame:
        return pd.concat(self.frames, ignore_index=True)

    def histories(self) -> dict[str, History]:
        return build_histories(self.changes(), self.grid, self.calendar)

    def mean_matrix(self, name: str) -> np.ndarray:
        grid = self.grid
        flat = np.bincount(grid.cells, weights=self.means[name], minlength=grid.day_count * grid.slots)
        return flat.reshape(grid.day_count, grid.slots)

    def weeks_back(self, count: int) -> list[date]:
        return [self.run_date - timedelta(days=7 * step) for step in range(count, 0, -1)]


@pytest.fixture
def site() -> type[Site]:
    return Site


@pytest.fixture
def no_events() -> pd.DataFrame:
    return NO_EVENTS
