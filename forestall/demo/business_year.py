"""When the demo company is open, what happens in its year, and how many contacts a day brings on average.

Nothing here depends on what customers do: it is the calendar's part of the true arrival intensities.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.demo.parameters import COUNTRY, EPOCH, INTERVAL_S, QUEUES, SITES, TIME_ZONE, Parameters, Queue
from forestall.demo.randomness import stream

Array = NDArray[Any]
ZONE = ZoneInfo(TIME_ZONE)

# Factor on the contacts of a channel on the first day of an event, and how it fades from day to day.
_EFFECTS: dict[str, tuple[dict[str, float], float]] = {
    "billing_run": ({"phone": 1.32, "chat": 1.25, "email": 1.28, "web_form": 1.1, "self_service": 1.5}, 0.65),
    "campaign": ({"phone": 1.18, "chat": 1.26, "email": 1.1, "social": 1.5, "self_service": 1.15}, 0.97),
    "release": ({"phone": 1.16, "chat": 1.35, "email": 1.22, "social": 1.4, "self_service": 1.3}, 0.75),
    "price_increase": ({"phone": 1.45, "chat": 1.3, "email": 1.5, "web_form": 1.7, "social": 1.6}, 0.86),
    "outage": ({"phone": 2.1, "chat": 2.4, "email": 1.5, "web_form": 1.3, "social": 3.5, "self_service": 1.4}, 0.55),
}
_ECHO_DAYS = 12  # an event is felt for so long after its last day, fading
_OUTAGE_YEARS = {2024: (9, 12), 2026: (4, 12)}  # months in which the year's outage may fall: two in the history


@dataclass(frozen=True)
class Day:
    """One local day.

    Attributes:
        number: days since the first.
        on: its date.
        starts: first second of each interval, UTC; 46, 48 or 50 of them.
        minutes: local minute of the day at which each begins.
    """

    number: int
    on: date
    starts: Array
    minutes: Array

    @property
    def start(self) -> int:
        return int(self.starts[0])

    @property
    def end(self) -> int:
        return int(self.starts[-1]) + INTERVAL_S

    def interval_of(self, seconds: Array) -> Array:
        """Position of the interval in which each instant lies, within the day."""
        return np.asarray(np.clip((seconds - self.start) // INTERVAL_S, 0, len(self.starts) - 1), dtype=int)


def midnight(on: date) -> int:
    """First second of a local day, UTC."""
    return int(datetime.combine(on, time(), ZONE).timestamp())


@cache
def day_of(number: int) -> Day:
    """The day of that number; two a year have 23 and 25 hours."""
    on = EPOCH + timedelta(days=number)
    starts = np.arange(midnight(on), midnight(on + timedelta(days=1)), INTERVAL_S)
    offsets = np.array([datetime.fromtimestamp(second, ZONE).hour for second in starts.tolist()])
    return Day(number, on, starts, offsets * 60 + (starts // 60) % 60)


def day_number(on: date) -> int:
    return (on - EPOCH).days


@cache
def state_holidays(state: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(COUNTRY, subdiv=state, years=year))


def is_holiday(on: date, site: str) -> bool:
    return on in state_holidays(SITES[site], on.year)


def is_closed(on: date, site: str) -> bool:
    return on.weekday() == 6 or is_holiday(on, site)


@cache
def events_of(seed: int, world: str, year: int, campaigns: int) -> pd.DataFrame:
    """What the company does in a year, and what befalls it: kind, first and last day, since when it was known."""
    rng = stream(seed, world, day_number(date(max(year, EPOCH.year), 12, 31)), f"events {year}")
    rows: list[tuple[str, date, date, date]] = []
    for month in range(1, 13):  # the run is on the first weekday of the month that is no holiday
        first = date(year, month, 1)
        while is_closed(first, "leipzig") or first.weekday() > 4:
            first += timedelta(days=1)
        rows.append(("billing_run", first, first, first - timedelta(days=40)))
    for start in rng.choice(np.arange(10, 345), campaigns, replace=False):
        first = date(year, 1, 1) + timedelta(days=int(start))
        rows.append(("campaign", first, first + timedelta(days=int(rng.integers(6, 15))), first - timedelta(days=24)))
    for low, high in ((40, 110), (220, 320)):
        first = date(year, 1, 1) + timedelta(days=int(rng.integers(low, high)))
        rows.append(("release", first, first, first - timedelta(days=30)))
    first = date(year, int(rng.integers(4, 8)), 1)
    rows.append(("price_increase", first, first, first - timedelta(days=56)))
    months = _OUTAGE_YEARS.get(year, (1, 12))
    first = date(year, int(rng.integers(months[0], months[1])), int(rng.integers(2, 27)))
    rows.append(("outage", first, first + timedelta(days=int(rng.integers(0, 2))), first + timedelta(days=1)))
    events = pd.DataFrame(rows, columns=["kind", "starts_on", "ends_on", "known_on"]).sort_values(["starts_on", "kind"])
    return events.assign(event_id=[f"E{year}-{n:02d}" for n in range(1, len(events) + 1)]).reset_index(drop=True)


def events_between(seed: int, world: str, parameters: Parameters, first: date, last: date) -> pd.DataFrame:
    """All events of the years from `first` to `last`."""
    years = range(first.year, last.year + 1)
    campaigns = parameters.demand.campaigns_per_year
    return pd.concat([events_of(seed, world, year, campaigns) for year in years], ignore_index=True)


@cache
def _spans(seed: int, world: str, campaigns: int, year: int) -> dict[str, list[tuple[date, date]]]:
    """First and last days of each kind of event, up to the end of a year and from the one before."""
    events = pd.concat([events_of(seed, world, each, campaigns) for each in (year - 1, year)])
    return {
        kind: sorted(zip(mine["starts_on"], mine["ends_on"], strict=True))
        for kind, mine in ((kind, events[events["kind"] == kind]) for kind in _EFFECTS)
    }


def event_factors(seed: int, world: str, parameters: Parameters, on: date) -> dict[str, float]:
    """Factor of today's events on the contacts of each channel; of one kind, the newest event counts."""
    demand, factors = parameters.demand, dict[str, float]()
    for kind, spans in _spans(seed, world, demand.campaigns_per_year, on.year).items():
        begun = [span for span in spans if span[0] <= on]
        if not begun or (on - begun[-1][1]).days > _ECHO_DAYS:
            continue
        first, last = begun[-1]
        effects, fading = _EFFECTS[kind]
        # A campaign wears off slowly while it runs, and fast when it is over.
        age = (on - first).days + (12 * max(0, (on - last).days) if kind == "campaign" else 0)
        size = demand.event_size * (demand.outage_size if kind == "outage" else 1.0)
        for channel, factor in effects.items():
            factors[channel] = factors.get(channel, 1.0) * float(np.exp(np.log(factor) * size * fading**age))
    return factors


def running_kinds(seed: int, world: str, parameters: Parameters, on: date, within_days: int = 2) -> set[str]:
    """Kinds of events that began within so many days up to today."""
    spans = _spans(seed, world, parameters.demand.campaigns_per_year, on.year)
    return {kind for kind, mine in spans.items() if any(0 <= (on - first).days <= within_days for first, _ in mine)}


def calendar_factor(queue: Queue, parameters: Parameters, on: date) -> float:
    """Contacts of a queue on a day against its mean, by trend, weekday, season and holidays; events apart."""
    demand, weekday = parameters.demand, on.weekday()
    if queue.is_live and is_closed(on, queue.site):
        return 0.0
    season = demand.year_swing * queue.year_swing
    angle = 2 * np.pi * (on.timetuple().tm_yday - queue.year_peak_day) / 365.25
    level = np.exp(season * (np.cos(angle) + 0.25 * np.cos(2 * angle + 1.0)))
    level *= np.exp(demand.growth_per_year * day_number(on) / 365.25) * queue.week[weekday]
    yesterday, tomorrow = on - timedelta(days=1), on + timedelta(days=1)
    if is_holiday(on, queue.site):
        level *= demand.holiday
    elif is_holiday(yesterday, queue.site):
        level *= demand.after_holiday
    elif (weekday == 4 and is_holiday(yesterday, queue.site)) or (weekday == 0 and is_holiday(tomorrow, queue.site)):
        level *= demand.bridge_day
    if (on.month, on.day) in ((12, 24), (12, 31)):
        level *= demand.christmas * 0.75
    elif on.month == 12 and on.day > 26:
        level *= demand.christmas
    return float(level * (1.06 if on.day <= 5 else 1.0))


@cache
def profile(queue_key: str, number: int) -> Array:
    """Share of a day's contacts in each of its intervals; adds up to 1, all 0 on a day without any."""
    queue, day = next(queue for queue in QUEUES if queue.key == queue_key), day_of(number)
    hour = day.minutes / 60 + 0.25
    weekday = day.on.weekday()
    if queue.is_live:
        opens, closes = (9, 16) if weekday == 5 else (8, 20)
        early = 0.5 if weekday == 0 else 0.0
        shape = 0.16 + 0.95 * _bell(hour, 10.4 - early, 1.5) + 0.75 * _bell(hour, 15.6, 2.1)
        shape = np.where((hour >= opens) & (hour < closes) & (not is_closed(day.on, queue.site)), shape, 0.0)
    else:
        evening = 1.0 if queue.channel in ("social", "self_service") else 0.55
        shape = 0.05 + _bell(hour, 10.8, 2.6) + evening * _bell(hour, 19.8, 2.0)
        shape = shape + (0.4 * _bell(hour, 13.5, 2.5) if weekday > 4 else 0.0)
    total = shape.sum()
    return np.asarray(shape / total if total else shape)


def _bell(hour: Array, centre: float, width: float) -> Array:
    return np.asarray(np.exp(-0.5 * ((hour - centre) / width) ** 2))


def open_mask(day: Day, site: str) -> Array:
    """Intervals in which people work at a site."""
    opens, closes = (9, 16) if day.on.weekday() == 5 else (8, 20)
    hour = day.minutes / 60
    return np.asarray((hour >= opens) & (hour < closes) & (not is_closed(day.on, site)))


def to_utc(seconds: Array) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(seconds, unit="s", utc=True))


def local_times(seconds: Array, is_known: Array | None = None) -> Array:
    """Instants as local time with its offset, such as `2024-10-27T02:30:00+0200`; empty where not known."""
    local = pd.to_datetime(seconds, unit="s", utc=True).tz_convert(ZONE).tz_localize(None).to_numpy()
    clock = local.astype("datetime64[s]")
    minutes = (clock.astype("int64") - seconds) // 60
    offsets, which = np.unique(minutes, return_inverse=True)
    written = np.array(
        [f"{'-' if m < 0 else '+'}{abs(m) // 60:02d}{abs(m) % 60:02d}" for m in offsets.tolist()], object
    )
    text = np.datetime_as_string(clock).astype(object) + written[which]
    return np.asarray(text, dtype=object) if is_known is None else blank(text, ~is_known)


def blank(values: Array, where: Array) -> Array:
    """The values, empty at these places."""
    kept = values.astype(object)
    kept[where] = None
    return kept
