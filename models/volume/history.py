"""What is known of each queue's contacts, densified over the site's days and cut at any run date.

A day is a row of wall-clock slots: slot 16 of half-hours is 08:00, whatever the clock change. Where
clocks go back two intervals share a slot (`multiplicity` 2); where they go forward a slot has none.
Nothing here fits or forecasts.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.calendar import Calendar
from features.contract import LIVE_CHANNELS

Matrix = NDArray[np.float64]  # days x slots
Mask = NDArray[np.bool_]

CHANGE_COLUMNS = ("queue", "channel", "interval_start_at", "known_on", "contacts", "handled_count", "handle_time_s")


@dataclass(frozen=True)
class Grid:
    """Consecutive local days in wall-clock slots, and the instants behind them."""

    first_on: date
    day_count: int
    minutes: int
    zone: ZoneInfo

    @property
    def slots(self) -> int:
        return 24 * 60 // self.minutes

    @cached_property
    def dates(self) -> pd.DatetimeIndex:
        """One midnight a day, without a zone."""
        return pd.date_range(self.first_on, periods=self.day_count)

    @cached_property
    def instants(self) -> pd.DatetimeIndex:
        """First instant (UTC) of each interval, in order: counted from each local midnight, as contacts are."""
        days = [datetime.combine(self.first_on + timedelta(days=day), time(), self.zone)
                for day in range(self.day_count + 1)]  # fmt: skip
        midnights = np.array([int(day.timestamp()) for day in days])
        step_s = 60 * self.minutes
        counts = -(-np.diff(midnights) // step_s)
        place = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
        seconds = np.repeat(midnights[:-1], counts) + place * step_s
        return pd.DatetimeIndex(pd.to_datetime(seconds, unit="s", utc=True)).as_unit("us")

    @cached_property
    def local(self) -> pd.DatetimeIndex:
        """The same instants on the site's clocks."""
        return self.instants.tz_convert(self.zone)

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """Index of each instant's cell in a flattened days x slots matrix."""
        return self.cells_of(self.instants)

    @cached_property
    def multiplicity(self) -> Matrix:
        """Intervals in each cell: 1, and 0 or 2 where clocks change."""
        return self._matrix(np.ones(len(self.cells)))

    def cells_of(self, instants: pd.DatetimeIndex) -> NDArray[np.int64]:
        """Cells of any instants; negative or too large where they lie outside of the days."""
        local = instants.tz_convert(self.zone)
        midnight = local.tz_localize(None).normalize()
        day = (midnight - pd.Timestamp(self.first_on)).days.to_numpy()
        slot = (local.hour.to_numpy() * 60 + local.minute.to_numpy()) // self.minutes
        return np.asarray(day * self.slots + slot, dtype=np.int64)

    def day_index(self, on: date) -> int:
        """Number of days before `on`, within the grid."""
        return int(np.clip((on - self.first_on).days, 0, self.day_count))

    def _matrix(self, values: NDArray[np.float64]) -> Matrix:
        flat = np.bincount(self.cells, weights=values, minlength=self.day_count * self.slots)
        return flat.astype(np.float64).reshape(self.day_count, self.slots)


@dataclass(frozen=True)
class Series:
    """One queue as known at a cutoff: matrices of days before it x slots.

    Attributes:
        contacts: new contacts in each cell (both intervals, where two share it).
        handled: contacts handled, and
        handle_s: their handle time in seconds.
        outside: contacts that came while the queue was closed; they are not forecast.
    """

    queue: str
    channel: str
    contacts: Matrix
    handled: Matrix
    handle_s: Matrix
    outside: float

    @property
    def day_totals(self) -> NDArray[np.float64]:
        return np.asarray(self.contacts.sum(axis=1))


@dataclass(frozen=True)
class History:
    """Every change ever known of one queue, and its calendar over the grid.

    `days` is `Calendar.days` over the grid; `accepts` marks the cells in which contacts arrive: the
    open ones of a live channel, all of a deferred one. `is_open` marks those that are served.
    """

    queue: str
    channel: str
    grid: Grid
    is_open: Mask
    days: pd.DataFrame
    changes: pd.DataFrame

    @property
    def accepts(self) -> Mask:
        if self.channel in LIVE_CHANNELS:
            return self.is_open
        return self.grid.multiplicity > 0

    def as_of(self, on: date) -> Series:
        """The days before `on` as they were known on that morning."""
        end = self.grid.day_index(on)
        size = end * self.grid.slots
        known = self.changes[(self.changes["known_on"] <= pd.Timestamp(on)) & (self.changes["cell"] < size)]
        cell = known["cell"].to_numpy()
        matrices = [
            np.bincount(cell, weights=known[column].to_numpy(dtype=np.float64), minlength=size)
            .astype(np.float64)
            .reshape(end, self.grid.slots)
            for column in ("contacts", "handled_count", "handle_time_s")
        ]  # fmt: skip
        contacts = np.where(self.accepts[:end], matrices[0], 0.0)
        outside = float(matrices[0].sum() - contacts.sum())
        return Series(self.queue, self.channel, np.maximum(contacts, 0.0), matrices[1], matrices[2], outside)


def build_histories(changes: pd.DataFrame, grid: Grid, calendar: Calendar) -> dict[str, History]:
    """One `History` a queue, in the order of their names.

    Args:
        changes: rows of CHANGE_COLUMNS, queue x interval x known_on; counts are signed and add up.
            Rows before the grid's first day are left out.
        grid: from the first day of history to the last day of the forecast.
        calendar: opening hours.
    """
    local = grid.local
    last_on = grid.dates[-1].date()
    cells = pd.DataFrame(
        {
            "cell": grid.cells_of(pd.DatetimeIndex(changes["interval_start_at"])),
            "known_on": pd.to_datetime(changes["known_on"]).astype("datetime64[s]"),
            **{name: changes[name] for name in ("queue", "channel", "contacts", "handled_count", "handle_time_s")},
        }
    )
    cells = cells[cells["cell"] >= 0].sort_values(["queue", "cell", "known_on"], kind="stable")
    histories: dict[str, History] = {}
    for queue, own in cells.groupby("queue", sort=True):
        name = str(queue)
        mask = np.zeros(grid.day_count * grid.slots, dtype=np.bool_)
        mask[grid.cells[calendar.is_open(name, local, grid.minutes)]] = True
        channel = str(own["channel"].mode().iloc[0])
        days = calendar.days(name, grid.first_on, last_on)
        histories[name] = History(name, channel, grid, mask.reshape(grid.day_count, -1), days,
                                  own.drop(columns=["queue", "channel"]).reset_index(drop=True))  # fmt: skip
    return histories
