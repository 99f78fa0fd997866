"""When each queue is served, and which days are not like others.

One `Calendar` is read from `calendar.yml` and answers two questions, for whole arrays at a time: is
this queue open at these instants, and what kind of day is each of these dates. Public holidays come
from the `holidays` library; what the site makes of them (closed or not) is written in the file. It
refuses to guess: without a file every queue is open at all hours, and forecasts learn the rest.
"""

import difflib
import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import holidays
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from features.sections import Section

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES = 1440
FAR_DAYS = 99  # stands for "no such day near"

_SPAN = re.compile(r"^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$")


def parse_hours(text: str) -> tuple[tuple[int, int], ...]:
    """Opening hours as minutes of the day: `08:00-12:00, 13:00-18:00` gives ((480, 720), (780, 1080)).

    `closed` gives no span. Hours past midnight are written on both days: `22:00-24:00` and
    `00:00-06:00`.

    Raises:
        ValueError: the text is no such span, or a span ends before it starts.
    """
    if text.strip().lower() == "closed":
        return ()
    spans = []
    for part in text.split(","):
        match = _SPAN.match(part.strip())
        if match is None:
            raise ValueError(f"`{part.strip()}` is neither `closed` nor hours such as 08:00-20:00")
        start_hour, start_minute, end_hour, end_minute = (int(group) for group in match.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if not 0 <= start < end <= DAY_MINUTES or max(start_minute, end_minute) > 59:
            raise ValueError(f"`{part.strip()}` does not end after it starts, or is no time of day")
        spans.append((start, end))
    return tuple(spans)


class QueueHours(Section):
    """Opening hours by weekday; `default` holds for the weekdays that are not named."""

    hours: Mapping[str, str] = Field({"default": "00:00-24:00"}, description="weekday or default: hours, or closed")
    country: str | None = Field(None, description="ISO 3166 code, where it is not the company's")
    subdivision: str | None = Field(None, description="state or province of the holidays")
    is_closed_on_holidays: bool | None = Field(None, description="where it is not as under holidays")

    @field_validator("hours", mode="before")
    @classmethod
    def _one_text_for_all_days(cls, hours: Any) -> Any:
        return {"default": hours} if isinstance(hours, str) else hours

    @field_validator("hours")
    @classmethod
    def _hours_are_hours(cls, hours: Mapping[str, str]) -> Mapping[str, str]:
        for weekday, text in hours.items():
            if weekday not in (*WEEKDAYS, "default"):
                near = difflib.get_close_matches(weekday, WEEKDAYS, n=1)
                raise ValueError(f"`{weekday}` is no weekday{f'; meant {near[0]}?' if near else ''}")
            parse_hours(text)
        return hours

    @model_validator(mode="after")
    def _country_is_known(self) -> "QueueHours":
        _check_country(self.country or "", self.subdivision or "")
        return self

    def spans(self, weekday: int) -> tuple[tuple[int, int], ...]:
        """Spans of minutes in which a weekday (0 is Monday) is open; none where nothing is said."""
        return parse_hours(self.hours.get(WEEKDAYS[weekday], self.hours.get("default", "closed")))


class Closure(Section):
    """Days on which hours differ: closed, unless `hours` says otherwise."""

    starts_on: date
    ends_on: date | None = Field(None, description="last day; the first where empty")
    name: str = ""
    hours: str = "closed"
    queues: tuple[str, ...] = Field((), description="all where empty")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Closure":
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError(f"ends on {self.ends_on}, before it starts on {self.starts_on}")
        parse_hours(self.hours)
        return self


class HolidayRules(Section):
    """What public holidays mean to the site."""

    country: str = Field("", description="ISO 3166 code; the company's where empty")
    subdivision: str = ""
    is_closed: bool = Field(True, description="queues are closed on public holidays")
    open_on: tuple[str, ...] = Field((), description="holidays that are ordinary days here, by name or part of it")
    also: Mapping[date, str] = Field({}, description="the site's own holidays: date and name")

    @model_validator(mode="after")
    def _country_is_known(self) -> "HolidayRules":
        _check_country(self.country, self.subdivision)
        return self


def _check_country(country: str, subdivision: str) -> None:
    known = holidays.list_supported_countries()
    if country and country not in known:
        near = difflib.get_close_matches(country, known, n=1)
        raise ValueError(f"`{country}` is no country whose holidays are known{f'; meant {near[0]}?' if near else ''}")
    if country and subdivision and subdivision not in known[country]:
        raise ValueError(f"`{subdivision}` is no part of {country}; known: {', '.join(known[country]) or 'none'}")


class Calendar(Section):
    """Opening hours, closures and holidays of all queues."""

    default: QueueHours = QueueHours()
    queues: Mapping[str, QueueHours] = {}
    closures: tuple[Closure, ...] = ()
    holidays: HolidayRules = HolidayRules()

    def in_country(self, country: str, subdivision: str = "") -> "Calendar":
        """The same calendar with the company's country where the file names none."""
        if self.holidays.country or not country:
            return self
        _check_country(country, subdivision)
        rules = self.holidays.model_copy(update={"country": country, "subdivision": subdivision})
        return self.model_copy(update={"holidays": rules})

    def is_open(self, queue: str, instants: pd.DatetimeIndex, minutes: int = 1) -> NDArray[np.bool_]:
        """Whether the queue is served at some moment of the `minutes` that begin at each instant.

        Args:
            queue: its name; `default` hours hold for a queue that the file does not name.
            instants: in the site's zone (zone-aware); wall-clock time is what opening hours mean.
            minutes: length of the interval.

        Returns:
            One flag for each instant.
        """
        if not len(instants):
            return np.zeros(0, dtype=np.bool_)
        on = _dates(instants)
        minute = instants.hour.to_numpy() * 60 + instants.minute.to_numpy()
        plan, row = self._minute_plan(queue, on)
        opened = np.concatenate([np.zeros((len(plan), 1)), plan.cumsum(axis=1)], axis=1)
        end = np.minimum(minute + minutes, DAY_MINUTES)
        return np.asarray(opened[row, end] > opened[row, minute], dtype=np.bool_)

    def days(self, queue: str, first_on: date, last_on: date) -> pd.DataFrame:
        """What kind of day each date is for a queue.

        Returns:
            One row a day, indexed by `local_on` (midnight, no zone), with `weekday` (0 is Monday),
            `open_minutes`, `holiday` (its name, or empty), `is_off` (a holiday, or closed where the
            weekday is usually open), `open_days_after_off` and `open_days_before_off` (1 is the
            next open day; FAR_DAYS where none is near), and `is_bridge` (an open day between a
            day off and a closed weekend).
        """
        margin = timedelta(days=14)  # so that days at the edges see their neighbours
        dates = pd.date_range(first_on - margin, last_on + margin)
        plan, row = self._minute_plan(queue, dates)
        open_minutes = plan.sum(axis=1)[row].astype(int)
        usual = np.array([sum(end - start for start, end in self._hours(queue).spans(day)) for day in range(7)])
        weekday = dates.day_of_week.to_numpy()
        names = self._holidays(queue, dates)
        holiday = np.array([names.get(day, "") for day in dates.date], dtype=object)
        is_off = (usual[weekday] > 0) & ((open_minutes == 0) | (holiday != ""))
        is_working = (open_minutes > 0) & ~is_off
        after = _open_days_since(is_off, is_working)
        before = _open_days_since(is_off[::-1], is_working[::-1])[::-1]
        is_rest = ~is_working
        near = np.pad(is_rest, 1, constant_values=False)
        is_bridge = is_working & near[:-2] & near[2:] & ((after == 1) | (before == 1)) & (usual == 0).any()
        days = pd.DataFrame(
            {"weekday": weekday, "open_minutes": open_minutes, "holiday": holiday, "is_off": is_off,
             "open_days_after_off": after, "open_days_before_off": before, "is_bridge": is_bridge},
            index=dates.rename("local_on"),
        )  # fmt: skip
        return days.loc[pd.Timestamp(first_on) : pd.Timestamp(last_on)]

    def _hours(self, queue: str) -> QueueHours:
        return self.queues.get(queue, self.default)

    def _minute_plan(self, queue: str, on: pd.DatetimeIndex) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """A row of 1440 open minutes for each distinct plan of a day, and the row of each date."""
        hours = self._hours(queue)
        plans = [hours.spans(day) for day in range(7)]
        unique, inverse = np.unique(on.to_numpy(), return_inverse=True)
        days = pd.DatetimeIndex(unique)
        row = days.day_of_week.to_numpy().copy()
        if self._is_closed_on_holidays(queue):
            plans.append(())
            row[days.isin([pd.Timestamp(day) for day in self._holidays(queue, days)])] = len(plans) - 1
        for closure in self.closures:
            if not closure.queues or queue in closure.queues:
                plans.append(parse_hours(closure.hours))
                last = closure.ends_on or closure.starts_on
                row[(days >= pd.Timestamp(closure.starts_on)) & (days <= pd.Timestamp(last))] = len(plans) - 1
        table = np.zeros((len(plans), DAY_MINUTES), dtype=np.bool_)
        for number, spans in enumerate(plans):
            for start, end in spans:
                table[number, start:end] = True
        return table, row[inverse]

    def _is_closed_on_holidays(self, queue: str) -> bool:
        own = self._hours(queue).is_closed_on_holidays
        return self.holidays.is_closed if own is None else own

    def _holidays(self, queue: str, days: pd.DatetimeIndex) -> Mapping[date, str]:
        hours = self._hours(queue)
        country = hours.country or self.holidays.country
        subdivision = hours.subdivision if hours.country else self.holidays.subdivision
        years = tuple(range(days.min().year, days.max().year + 1))
        named = dict(_public_holidays(country, subdivision or "", years)) if country else {}
        ordinary = tuple(name.lower() for name in self.holidays.open_on)
        kept = {day: name for day, name in named.items() if not any(part in name.lower() for part in ordinary)}
        return kept | dict(self.holidays.also)


@lru_cache(maxsize=64)
def _public_holidays(country: str, subdivision: str, years: tuple[int, ...]) -> tuple[tuple[date, str], ...]:
    """Public holidays with one name each, in English where the library knows it."""
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=years, language="en_US")
    return tuple(sorted(found.items()))


def _dates(instants: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return instants.tz_localize(None).normalize()


def _open_days_since(is_off: NDArray[np.bool_], is_working: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many working days lie between each working day and the last day off, counting itself."""
    worked = is_working.cumsum()
    at_off = np.maximum.accumulate(np.where(is_off, worked, -1))
    since = np.where(is_working & (at_off >= 0), worked - at_off, FAR_DAYS)
    return np.minimum(since, FAR_DAYS)
