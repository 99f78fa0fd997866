"""Overrides: what planners put on top of the forecast, and by which rule they meet.

The number of an override is the contacts of one day in all the queues and intervals that it names: they are
shared out as the model's own forecast is. A percentage changes each interval. Overrides count in the order of
their entry: a `set` replaces what earlier ones made of its intervals, `add` and `percent` go on top of it.
Values in, values out; nothing here is stored.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from features.calendar import parse_hours
from features.contract import LIVE_CHANNELS
from features.sections import Section
from models.volume.quantiles import QUANTILE_COLUMNS, moved_along

MOST_TIMES = 50  # the busiest interval of all queues: beyond is a slip, and would take all night to staff for

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Override(Section):
    """One decision of a planner."""

    queues: tuple[str, ...] = Field((), description="all where empty")
    first_on: date
    last_on: date | None = Field(None, description="the first where empty")
    hours: str = Field("", description="local time, such as 09:00-12:00; the whole day where empty")
    action: Literal["set", "add", "percent"]
    amount: float = Field(description="contacts of a day (set, add), or percent such as -10", allow_inf_nan=False)
    author: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    expires_on: date | None = Field(None, description="last night on which it counts; for good where empty")

    @field_validator("hours")
    @classmethod
    def _hours_are_hours(cls, hours: str) -> str:
        if hours and not parse_hours(hours):
            raise ValueError("`closed` is for calendar.yml; name hours such as 09:00-12:00")
        return hours

    @model_validator(mode="after")
    def _makes_sense(self) -> "Override":
        if self.last_on is not None and self.last_on < self.first_on:
            raise ValueError(f"ends on {self.last_on}, before it starts on {self.first_on}")
        if self.action == "set" and self.amount < 0:
            raise ValueError(f"set {self.amount:g}: contacts cannot be negative")
        if self.action == "percent" and self.amount < -100:
            raise ValueError(f"percent {self.amount:g}: no more than all contacts can be taken away (-100)")
        return self

    @property
    def words(self) -> str:
        """What it does, such as `percent -10, 2026-03-02 to 2026-03-06, 09:00-12:00, all queues`."""
        days = f"{self.first_on}" if self.last_on in (None, self.first_on) else f"{self.first_on} to {self.last_on}"
        parts = [f"{self.action} {self.amount:g}", days, self.hours, ", ".join(self.queues) or "all queues"]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Entered:
    """An override as it stands in the journal: the number of its entry, and when it was made."""

    entry_id: int
    entered_at: datetime
    override: Override


def apply_overrides(
    forecast: pd.DataFrame, overrides: Sequence[Entered], zone: ZoneInfo
) -> tuple[pd.DataFrame, list[str]]:
    """Put the overrides that stand on top of the model's forecast.

    Args:
        forecast: queue, interval_start_at, local_on, channel, is_open, contacts and quantiles, as the model
            has them.
        overrides: those that count tonight, in any order.
        zone: of the hours that they name.

    Returns:
        The same rows with `contacts` and quantiles as decided, `model_contacts` as the model had them and
        `override_id` (`5`, or `5+7` where two count; null where none does); and lines about overrides that met,
        or did nothing. Contacts never come to intervals in which a live queue is closed, and are never negative.
    """
    model = forecast["contacts"].to_numpy(np.float64)
    local = _LocalTimes.of(forecast, zone)
    decided, ids = model.copy(), np.full(len(forecast), "", dtype=object)
    notes: list[str] = []
    for one in sorted(overrides, key=lambda entered: entered.entry_id):
        cells = _cells(one.override, forecast, local)
        notes += _about_cells(one, cells, forecast, local)
        if not cells.any():
            continue
        asked = _changed(one.override, decided[cells], model[cells], local.day[cells])
        if asked.max() > MOST_TIMES * max(model.max(), 1.0):
            notes.append(
                f"override {one.entry_id}: {one.override.words} would bring {asked.max():,.0f} contacts in an interval,"
                f" and the busiest of all queues has {model.max():,.0f}; left out: undo it and enter what is meant"
            )
            continue
        notes += _about_meeting(one, ids[cells])
        if (asked < -1e-9).any():
            notes.append(f"override {one.entry_id}: takes away more than there is; stopped at 0")
        decided[cells] = np.maximum(asked, 0.0)
        joined = ids[cells] if one.override.action != "set" else np.full(int(cells.sum()), "", dtype=object)
        ids[cells] = [f"{before}+{one.entry_id}" if before else str(one.entry_id) for before in joined]
    is_moved = ids != ""
    quantiles = forecast[list(QUANTILE_COLUMNS)].to_numpy(np.float64, copy=True)
    quantiles[is_moved] = moved_along(quantiles[is_moved], model[is_moved], decided[is_moved])
    out = forecast.assign(
        contacts=decided, model_contacts=model, override_id=pd.Series(ids, forecast.index, dtype=object).mask(~is_moved)
    )
    out[list(QUANTILE_COLUMNS)] = quantiles
    return out, notes


def effect_by_day(forecast: pd.DataFrame, one: Entered, zone: ZoneInfo) -> tuple[pd.DataFrame, list[str]]:
    """What an override does to a published forecast: queue x local_on with before and after, and its notes.

    Args:
        forecast: rows of `volume_forecast`; the override goes on top of those that count there already.
        one: the override.
        zone: of the hours that it names.
    """
    changed, notes = apply_overrides(forecast, [one], zone)
    days = changed[changed["override_id"].notna()].groupby(["queue", "local_on"], as_index=False)
    moved = days.agg(before=("model_contacts", "sum"), after=("contacts", "sum"))
    return moved.assign(local_on=pd.to_datetime(moved["local_on"])), notes


@dataclass(frozen=True)
class _LocalTimes:
    """Day (as a number) and minute of the day by the site's clock, and whether contacts arrive at all."""

    day: NDArray[np.int64]
    minute: NDArray[np.int64]
    accepts: Mask

    @classmethod
    def of(cls, forecast: pd.DataFrame, zone: ZoneInfo) -> "_LocalTimes":
        local = pd.DatetimeIndex(forecast["interval_start_at"]).tz_convert(zone)
        accepts = forecast["is_open"].to_numpy(np.bool_) | ~forecast["channel"].isin(LIVE_CHANNELS).to_numpy()
        day = pd.to_datetime(forecast["local_on"]).to_numpy().astype("datetime64[D]").astype(np.int64)
        return cls(day, (local.hour * 60 + local.minute).to_numpy(), accepts)


def _cells(override: Override, forecast: pd.DataFrame, local: _LocalTimes) -> Mask:
    """Intervals that the override names and in which contacts arrive."""
    first, last = (np.datetime64(on, "D").astype(np.int64) for on in (override.first_on, _last(override)))
    cells = local.accepts & (local.day >= first) & (local.day <= last)
    if override.queues:
        cells = cells & forecast["queue"].isin(override.queues).to_numpy()
    if override.hours:
        spans = parse_hours(override.hours)
        cells = cells & np.logical_or.reduce([(local.minute >= start) & (local.minute < end) for start, end in spans])
    return np.asarray(cells)


def _changed(override: Override, now: Floats, model: Floats, day: NDArray[np.int64]) -> Floats:
    """Contacts of the intervals after the override; may fall below zero."""
    if override.action == "percent":
        return now * (1 + override.amount / 100)
    which = np.unique(day, return_inverse=True)[1]
    total, count = np.bincount(which, weights=model), np.bincount(which)
    share = np.where(total[which] > 0, model / np.maximum(total[which], 1e-12), 1 / count[which])
    return override.amount * share + (now if override.action == "add" else 0.0)


def _last(override: Override) -> date:
    return override.last_on or override.first_on


def _about_cells(one: Entered, cells: Mask, forecast: pd.DataFrame, local: _LocalTimes) -> list[str]:
    known = sorted(forecast["queue"].astype(str).unique())
    notes = []
    for queue in one.override.queues:
        if queue not in known:
            near = difflib.get_close_matches(queue, known, n=1)
            hint = f"meant `{near[0]}`?" if near else f"known: {', '.join(known)}"
            notes.append(f"override {one.entry_id}: there is no queue `{queue}`; {hint}")
    first, last = (np.datetime64(on, "D").astype(np.int64) for on in (one.override.first_on, _last(one.override)))
    is_ahead = len(local.day) > 0 and last >= local.day.min() and first <= local.day.max()
    if is_ahead and not cells.any() and not notes:
        notes.append(f"override {one.entry_id}: no open interval in {one.override.words}; it changes nothing")
    return notes


def _about_meeting(one: Entered, before: NDArray[np.object_]) -> list[str]:
    met = sorted({entry for ids in set(before) for entry in str(ids).split("+") if entry}, key=int)
    if not met:
        return []
    others = ", ".join(met)
    if one.override.action == "set":
        return [f"override {one.entry_id} (set): replaces {others} in the intervals that both name"]
    return [f"override {one.entry_id} ({one.override.action}): goes on top of {others} in the intervals that both name"]
