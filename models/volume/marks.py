"""Marks on days: what may make a day unlike its weekday, each with an effect of its own.

Holidays and events keep their names; the days around any day off share one effect per distance, so
that one Memorial Day teaches what a Labor Day will do. The model is told of a mark only if the
history has one.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.calendar import FAR_DAYS
from models.volume.params import DailyParams

AFTER = " after "
MARGIN_DAYS = 31  # around the days that are asked for: a month's working days count from its true ends


def event_mark(name: str, days_after: int = 0) -> str:
    """The mark of an event's days, or of a day so long after its end."""
    return f"event: {name}" + (f"{AFTER}{days_after}" if days_after > 0 else "")


def day_marks(days: pd.DataFrame, events: pd.DataFrame, queue: str, params: DailyParams) -> pd.DataFrame:
    """Marks of one queue, in the columns of Prophet's holidays: `ds`, `holiday`.

    Args:
        days: `Calendar.days` of the queue.
        events: business events known at the cutoff: name, starts_on, ends_on (may be null), queues
            (comma-separated; null or empty for all).
        queue: whose marks.
        params: how many days around a day off have an effect.
    """
    named = {
        "holiday": days["holiday"].to_numpy(dtype=object),
        "after": _near(days["open_days_after_off"], params.days_after_off),
        "before": _near(days["open_days_before_off"], params.days_before_off),
        "bridge": np.where(days["is_bridge"], "day", ""),
        "month": _month_position(days, params.month_days),
        "year end": _year_end(pd.DatetimeIndex(days.index)),
    }
    marks = [
        pd.DataFrame({"ds": days.index[names != ""], "holiday": [f"{kind}: {name}" for name in names[names != ""]]})
        for kind, names in named.items()
    ]
    marks.append(_event_days(events, queue, days.index, params.event_after_days))
    return pd.concat(marks, ignore_index=True).drop_duplicates(ignore_index=True)


def in_words(mark: str) -> str:
    """A mark's name as people say it: `after: 2` is `2nd open day after a day off`."""
    kind, _, name = mark.partition(": ")
    if kind == "event":
        event, _, days = name.rpartition(AFTER)
        return f"{event}, {_ordinal(days)} day after" if event and days.isdigit() else name
    if kind in ("after", "before"):
        return f"{_ordinal(name)} open day {kind} a day off"
    if kind == "month":
        side, _, place = name.partition(" ")
        return (
            f"{_ordinal(place)} working day of a month" if side == "first" else f"{_ordinal(place)} from a month's end"
        )
    named = {"bridge": "bridge day", "year end": "25 to 30 December" if name == "between" else f"{name} December"}
    return named.get(kind, name)


def _ordinal(number: str) -> str:
    return number + {"1": "st", "2": "nd", "3": "rd"}.get(number, "th")


def _near(distance: pd.Series, most: int) -> NDArray[np.object_]:
    steps = distance.to_numpy()
    return np.where((steps <= most) & (steps < FAR_DAYS), steps.astype(str), "").astype(object)


def _month_position(days: pd.DataFrame, most: int) -> NDArray[np.object_]:
    """`first 1`, `last 2`... for the first and last working days of a month; elsewhere empty.

    Months cut off at the edge of `days` count from there; the caller gives a margin.
    """
    is_working = (days["open_minutes"] > 0) & (days["weekday"] < 5) & ~days["is_off"]
    month = pd.DatetimeIndex(days.index).to_period("M")
    from_start = is_working.groupby(month).cumsum()
    from_end = is_working[::-1].groupby(month[::-1]).cumsum()[::-1]
    names = np.full(len(days), "", dtype=object)
    for step in range(1, most + 1):
        names[(is_working & (from_end == step)).to_numpy()] = f"last {step}"
        names[(is_working & (from_start == step)).to_numpy()] = f"first {step}"
    return names


def _year_end(days: pd.DatetimeIndex) -> NDArray[np.object_]:
    """24 and 31 December by their date, the days between them as one: half a holiday nearly anywhere."""
    names = np.full(len(days), "", dtype=object)
    is_december = days.month == 12
    names[is_december & (days.day > 24) & (days.day < 31)] = "between"
    names[is_december & (days.day == 24)] = "24"
    names[is_december & (days.day == 31)] = "31"
    return names


def _event_days(events: pd.DataFrame, queue: str, days: pd.Index, after_days: int) -> pd.DataFrame:
    """A row for each day of each event that the queue feels, and for the days after it, one name each."""
    queues = events["queues"].fillna("").astype(str).str.replace(" ", "")
    is_felt = (queues == "") | ("," + queues + ",").str.contains(f",{queue.replace(' ', '')},", regex=False)
    own = events[is_felt & events["starts_on"].notna().to_numpy()]  # an event without a date can mark no day
    starts = pd.to_datetime(own["starts_on"])
    ends = pd.to_datetime(own["ends_on"]).fillna(starts)
    length = ((ends - starts).dt.days + 1).clip(lower=1).to_numpy()
    event = np.repeat(np.arange(len(own)), length + after_days)
    step = np.arange(len(event)) - np.repeat(np.cumsum(length + after_days) - length - after_days, length + after_days)
    past_end = step - length[event] + 1
    names = own["name"].astype(str).to_numpy(dtype=object)[event]
    marks = pd.DataFrame(
        {
            "ds": starts.to_numpy()[event] + pd.to_timedelta(step, unit="D"),
            "holiday": [event_mark(name, day) for name, day in zip(names, past_end, strict=True)],
        }
    )
    return marks[marks["ds"].isin(days)]
