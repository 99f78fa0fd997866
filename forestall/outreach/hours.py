"""When a customer may be called: the company's calling hours by the customer's own clock, while the team is there.

Hours are texts such as `09:00-12:00, 17:00-19:00`, which no spreadsheet takes for a date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd

DAY_MIN = 24 * 60
LEAST_MIN = 30  # less than that is no time to reach anybody in
Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Clock:
    """What calls go by.

    Attributes:
        run_date: zones are as far apart as at its noon.
        site_zone: the site's.
        work_hours: from, to: by the site's clock.
        calling_hours: from, to: by the customer's.
    """

    run_date: date
    site_zone: str
    work_hours: tuple[int, int]
    calling_hours: tuple[int, int]

    def minutes_ahead(self, zone: str) -> int:
        """How far the clock of `zone` is ahead of the site's.

        Worked: Shanghai is 7 hours ahead of Berlin in winter, 6 in summer.
        """
        noon = datetime.combine(self.run_date, time(12), ZoneInfo(self.site_zone))
        offsets = [noon.astimezone(ZoneInfo(name)).utcoffset() for name in (zone, self.site_zone)]
        there, here = (offset.total_seconds() // 60 if offset else 0 for offset in offsets)
        return int(there - here)


def add_hours(people: pd.DataFrame, clock: Clock) -> pd.DataFrame:
    """`people` with call_hours and best_hours, by each customer's clock; None where there are none.

    Args:
        people: time_zone (missing or unknown: the site's), answered_hours by the site's clock, such as `9,17`.
        clock: what calls go by.
    """
    zones = people["time_zone"].where(people["time_zone"].isin(available_timezones()), clock.site_zone)
    ahead = {zone: clock.minutes_ahead(zone) for zone in zones.unique()}
    allowed = {zone: _allowed(clock, minutes) for zone, minutes in ahead.items()}
    pairs = pd.DataFrame({"zone": zones, "answered": people["answered_hours"]}).drop_duplicates()
    best = {
        (zone, answered): in_words(_within(_answered(answered, ahead[zone]), allowed[zone]))
        for zone, answered in pairs.itertuples(index=False)
        if isinstance(answered, str)
    }
    called = zones.map({zone: in_words(spans) for zone, spans in allowed.items()}).astype(object)
    liked = pd.Series(
        [best.get(pair) for pair in zip(zones, people["answered_hours"], strict=True)], people.index, dtype=object
    )
    return people.assign(call_hours=called.where(called.notna(), None), best_hours=liked)


def unknown_zones(people: pd.DataFrame) -> pd.Series:
    """Time zones that do not exist, and how many customers have each."""
    given = people["time_zone"].dropna()
    return given[~given.isin(available_timezones())].value_counts()


def _allowed(clock: Clock, ahead: int) -> Spans:
    """Minutes of the customer's day in which the team is there and the customer may be called."""
    start, end = (hour * 60 + ahead for hour in clock.work_hours)
    there = [(start + shift, end + shift) for shift in (-DAY_MIN, 0, DAY_MIN)]
    spans = _within(there, [(clock.calling_hours[0] * 60, clock.calling_hours[1] * 60)])
    return [(start, end) for start, end in spans if end - start >= LEAST_MIN]


def _answered(text: str, ahead: int) -> Spans:
    """Hours by the site's clock as spans of the customer's day; hours that touch are one span."""
    return touching(((int(hour) * 60 + ahead) % DAY_MIN for hour in text.split(",") if hour.strip()), 60)


def touching(starts: Iterable[int], length: int) -> Spans:
    """Stretches of `length` minutes; those that touch are one."""
    spans: Spans = []
    for start in sorted(set(starts)):
        if spans and start == spans[-1][1]:
            spans[-1] = (spans[-1][0], start + length)
        else:
            spans.append((start, start + length))
    return spans


def _within(spans: Spans, limits: Spans) -> Spans:
    cut = [(max(start, first), min(end, last)) for start, end in spans for first, last in limits]
    return sorted((start, end) for start, end in cut if start < end)


def in_words(spans: Spans) -> str | None:
    """`09:00-12:00, 17:00-19:00`; None where there are none."""
    told = ", ".join("-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in span) for span in spans)
    return told or None
