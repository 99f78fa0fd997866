"""Facts that ask for an action without any model, each with a deadline of its own.

The facts are columns of `marts.fct_outreach_candidates`; which of them the company acts on, how, and
which comes first is the playbook's.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.phrases import worded
from forestall.outreach.playbook import QUOTABLE, Playbook

Flags = pd.Series
NOTICE, PAYMENT = "notice_given", "payment_failed"
_FORMAT = re.compile(r"[!:][^{}]*}")  # of a placeholder

# Name in the playbook -> whether the fact holds for a customer.
FACTS: Mapping[str, Callable[[pd.DataFrame], Flags]] = {
    "complaint_unanswered": lambda rows: rows["is_complaint_unanswered_24h"].fillna(False).astype(bool),
    "first_response_late": lambda rows: rows["is_first_response_late"].fillna(False).astype(bool),
    "notice_given": lambda rows: rows["is_under_notice"].fillna(False).astype(bool),
    "low_csat": lambda rows: rows["low_csat_7d"].notna(),
    "repeated_topic": lambda rows: rows["repeat_topic_7d"].notna(),
    "payment_failed": lambda rows: rows["failed_payment_count_30d"].fillna(0) > 0,
}
# Said of a fact of which evidence knows no more.
UNTOLD = {
    "complaint": "complaint without an answer",
    "contacts": "three or more contacts on one topic in 7 days",
    "satisfaction": "low satisfaction within the last 7 days",
    "given_up": "gave up waiting",
}
# Of a candidate, what the facts above ask for.
FACT_COLUMNS = (
    "is_complaint_unanswered_24h", "is_first_response_late", "is_under_notice", "low_csat_7d", "repeat_topic_7d",
    "failed_payment_count_30d",
)  # fmt: skip


def find_triggers(candidates: pd.DataFrame, playbook: Playbook) -> pd.Series:
    """The most urgent trigger of each customer, in the playbook's order; None where there is none.

    Args:
        candidates: rows of `marts.fct_outreach_candidates`.
        playbook: names the triggers that are acted on.
    """
    found = pd.Series([None] * len(candidates), index=candidates.index, dtype=object)
    for name in reversed(playbook.triggers):  # the most urgent is written last
        found[FACTS[name](candidates)] = name
    return found


def has_any(candidates: pd.DataFrame) -> Flags:
    """Whether some fact holds for a customer, whichever of them the company acts on.

    Args:
        candidates: `FACT_COLUMNS` of `marts.fct_outreach_candidates`.
    """
    return pd.Series(np.any([holds(candidates) for holds in FACTS.values()], axis=0), candidates.index)


def days_since(triggers: pd.Series, candidates: pd.DataFrame) -> pd.Series:
    """Days since the first night that could know of each customer's trigger: its deadline runs from there.

    A fact whose age is not known is taken for tonight's; missing without a trigger.
    """
    found = pd.Series(np.nan, index=candidates.index)
    for name in FACTS:
        is_so = triggers == name
        found[is_so] = candidates.loc[is_so, f"{name}_days"].astype(float).fillna(0.0)
    return found


def tell(triggers: pd.Series, candidates: pd.DataFrame, playbook: Playbook) -> pd.Series:
    """The sentence of each customer's trigger, with the customer's own values; None without a trigger."""
    told = pd.Series([None] * len(candidates), index=candidates.index, dtype=object)
    failed = candidates["failed_payment_count_30d"].fillna(0).astype(int)
    words = {
        "open_complaint_for": duration(candidates["open_complaint_h"]),
        "notice_given_ago": days_ago(candidates["notice_given_days"] + 1).fillna("some time ago"),
        "failed_payments": failed.map(lambda count: worded("{value} failed payments", count)),
    }
    quotable = candidates.assign(**words).reindex(columns=list(QUOTABLE)).astype(object).fillna(UNTOLD)
    for name, rule in playbook.triggers.items():
        rows = quotable[triggers == name]
        told[rows.index] = [_filled(rule.sentence, rows.loc[index]) for index in rows.index]
    return told


def days_ago(days: pd.Series) -> pd.Series:
    """Days as they are said: `yesterday`, `4 days ago`; null stays null."""
    whole = days.astype("Int64")
    return (whole.astype("str") + " days ago").mask(whole == 1, "yesterday").where(whole.notna())


def duration(hours: pd.Series) -> pd.Series:
    """Hours as they are said: `31 h`, from three days on `12 days`; null stays null."""
    known = hours.astype("float64").fillna(0)
    in_days = (known / 24).round().astype("int64").astype("str") + " days"
    return in_days.where(known >= 72, known.round().astype("int64").astype("str") + " h").where(hours.notna())


def _filled(sentence: str, values: "pd.Series[Any]") -> str:
    """A value that is not known is said to be so; one that a format does not take is quoted as it is."""
    known = values.dropna().to_dict()
    try:
        return sentence.format_map(known)
    except KeyError:
        return sentence.split("{")[0].strip() + " (not known)"
    except (TypeError, ValueError):  # a column of another type than the playbook was checked for
        return _FORMAT.sub("}", sentence).format_map(known)
