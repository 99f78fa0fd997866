"""Who must not be contacted, and by which rule: each row that is held back names it.

Filters are a table, read from top to bottom; the first that holds is the one named. They know
nothing of value: nobody is contacted against a rule because it would pay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Limits:
    """What the filters measure against.

    Attributes:
        cutoff: the night's cutoff, a UTC instant.
        run_date: the night's run date.
        cooldown_days: days of rest after a contact.
        contact_limit: days on which a customer is reached, over all channels, at most ...
        contact_limit_days: ... within so many days.
    """

    cutoff: datetime
    run_date: date
    cooldown_days: int
    contact_limit: int
    contact_limit_days: int


# Columns that say whether a customer may be reached on a channel for a purpose.
CONSENTS = {
    f"can_{channel}_{purpose}": (channel, purpose)
    for channel in ("phone", "email", "chat") for purpose in ("marketing", "service")
}  # fmt: skip

Rule = Callable[[pd.DataFrame, Limits], pd.Series]


def _flag(name: str) -> Rule:
    return lambda rows, _: rows[name].fillna(False).astype(bool)


def _profiling_refused(rows: pd.DataFrame, _: Limits) -> pd.Series:
    return ~rows["is_profiling_allowed"].fillna(True).astype(bool)


def _no_consent(rows: pd.DataFrame, _: Limits) -> pd.Series:
    """No consent for the action's channel and purpose; a company without consents has none to ask."""
    may = np.select(
        [(rows["channel"] == channel) & (rows["purpose"] == purpose) for channel, purpose in CONSENTS.values()],
        [rows[name].astype("boolean").fillna(True).astype(bool) for name in CONSENTS],
        default=False,
    )
    return pd.Series(~may.astype(bool), index=rows.index)


def _do_not_disturb(rows: pd.DataFrame, limits: Limits) -> pd.Series:
    """The experiment shows that contact drives such customers away; an answer that is owed is not held back."""
    return rows["is_do_not_disturb"].fillna(False).astype(bool) & ~_still_owed(rows, limits)


def _complaint_owned(rows: pd.DataFrame, _: Limits) -> pd.Series:
    """Somebody is at it: a second voice from us would not help."""
    is_open = rows["has_open_complaint"].fillna(False).astype(bool)
    is_unanswered = rows["is_complaint_unanswered_24h"].fillna(False).astype(bool)
    return is_open & ~is_unanswered


def _cooldown(rows: pd.DataFrame, limits: Limits) -> pd.Series:
    """Contacted, or for the holdout listed, of late; an answer that is owed is not held back."""
    days = pd.Series(float(limits.cooldown_days), rows.index)
    return _contacted_within(days, rows, limits) & ~_still_owed(rows, limits)


def _contact_limit(rows: pd.DataFrame, limits: Limits) -> pd.Series:
    """Reached often enough of late, whoever called or wrote; an answer that is owed is not held back."""
    reached = rows[f"reached_day_count_{limits.contact_limit_days}d"].astype(float).fillna(0)
    return (reached >= limits.contact_limit) & ~_still_owed(rows, limits)


def _quiet_hours(rows: pd.DataFrame, _: Limits) -> pd.Series:
    """While the team is there it is too early or too late where the customer lives, on any day."""
    return (rows["channel"] == "phone") & rows["call_hours"].isna()


FILTERS: dict[str, Rule] = {
    "do_not_contact": _flag("has_do_not_contact"),
    "minor": _flag("is_minor"),
    "protected": _flag("is_protected"),
    "profiling_refused": _profiling_refused,
    "no_consent": _no_consent,
    "do_not_disturb": _do_not_disturb,
    "complaint_owned": _complaint_owned,
    "cooldown": _cooldown,
    "contact_limit": _contact_limit,
    "quiet_hours": _quiet_hours,
    "no_speaker": _flag("is_unspoken"),
}


def _still_owed(rows: pd.DataFrame, limits: Limits) -> pd.Series:
    """An answer is owed until it was given, or withheld for the experiment."""
    return rows["is_owed"] & ~_contacted_within(rows["trigger_days"].astype(float), rows, limits)


def _contacted_within(days: "pd.Series[float]", rows: pd.DataFrame, limits: Limits) -> pd.Series:
    """Reached by outreach within so many days, or listed and left alone; missing days: never."""
    span = pd.to_timedelta(days, unit="D")
    was_reached = rows["last_reached_at"] >= limits.cutoff - span
    return was_reached | (pd.to_datetime(rows["held_out_on"]) >= pd.Timestamp(limits.run_date) - span)


def suppression_reasons(options: pd.DataFrame, limits: Limits) -> pd.Series:
    """The first filter that holds each option back; None where it may go ahead.

    Args:
        options: customer x action, with the columns of `marts.fct_outreach_candidates` and `channel`, `purpose`
            (of the action), `is_owed`, `trigger_days` (since the first night that could know of the trigger),
            `is_do_not_disturb`, `held_out_on` (last night on which the experiment withheld it), `call_hours`,
            `is_unspoken` (nobody of the team speaks the customer's language).
        limits: what they measure against.
    """
    found = pd.Series([None] * len(options), index=options.index, dtype=object)
    for name in reversed(FILTERS):  # the first of the table is written last
        found[FILTERS[name](options, limits)] = name
    return found
