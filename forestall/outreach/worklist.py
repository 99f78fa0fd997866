"""From chosen options to the rows that people work: key, rank, deadline and status.

A customer who stays on the list keeps the row's key and its deadline from night to night, so that
what was done about it stays with it.
"""

import hashlib
from datetime import date

import numpy as np
import pandas as pd

from features.published import OUTREACH_LIST, OUTREACH_WITHHELD
from forestall.outreach.experiment import HOLDOUT

OPEN = "open"
FIRM, IF_QUIET = "firm", "if_quiet"


def row_id(customer_id: str, listed_since_on: date) -> str:
    """Key of a row: the same customer, listed since the same night, is the same row."""
    return hashlib.sha256(f"{customer_id}|{listed_since_on.isoformat()}".encode()).hexdigest()[:16]


def carry_over(rows: pd.DataFrame, previous: pd.DataFrame, run_date: date) -> pd.DataFrame:
    """Keys and deadlines.

    Args:
        rows: customer_id, days_to_act, suppression_reason.
        previous: customer_id, listed_since_on of who was on the list of the night before, the
            holdout included; empty where there was none.
        run_date: rows that were not there begin today.
    """
    since = rows["customer_id"].map(previous.set_index("customer_id")["listed_since_on"])
    is_selected = rows["suppression_reason"].isna() | (rows["suppression_reason"] == HOLDOUT)
    is_new = since.isna() | ~is_selected
    listed_since = pd.to_datetime(since.mask(is_new, run_date))
    due = listed_since + pd.to_timedelta(rows["days_to_act"].astype(int), unit="D")
    keys = [row_id(customer, on.date()) for customer, on in zip(rows["customer_id"], listed_since, strict=True)]
    return rows.assign(row_id=keys, listed_since_on=listed_since.dt.date, due_on=due.dt.date)


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order in which they are worked: firm first, triggers by urgency, then by value a minute.

    Of equals the one with more to lose comes first: without a score, that is all that is known.
    """
    per_minute = rows["expected_value_cents"] / rows["expected_minutes"]
    keys = {
        "_tier": rows["tier"].eq(IF_QUIET),
        "_place": rows["trigger_place"].fillna(np.inf),
        "_worth": -per_minute,
        "_loss": -rows["value_at_risk_cents"],
    }
    ordered = rows.assign(**keys).sort_values([*keys, "customer_id"], ignore_index=True)
    return ordered.drop(columns=list(keys))


def publish(rows: pd.DataFrame, worked: pd.DataFrame, outcomes: pd.Series, playbook_version: str) -> pd.DataFrame:
    """Rows in the columns of `outreach_withheld` (the list's and the reason), in working order.

    Args:
        rows: chosen and held-back options, with key, arm and suppression_reason.
        worked: rows of an earlier list of the same day on which work has begun: never taken away.
        outcomes: last result by row_id.
        playbook_version: hash of the playbook.
    """
    shown = rows.assign(
        probability_change=rows["churn_probability"] - rows["previous_churn_probability"],
        playbook_version=playbook_version,
        **{
            name: rows[f"{name}_cents"] / 100
            for name in ("value_at_risk", "offer_cost", "contact_cost", "expected_value")
        },
    )
    shown = shown.reindex(columns=[name for name in OUTREACH_WITHHELD.names if name not in ("status", "list_rank")])
    shown = pd.concat([worked.reindex(columns=shown.columns), shown], ignore_index=True) if len(worked) else shown
    return shown.assign(status=shown["row_id"].map(outcomes.astype("str")).astype("str").fillna(OPEN))


def split(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The list and who is withheld, ranked; the holdout keeps the rank it would have had."""
    is_listed = rows["suppression_reason"].isna()
    is_selected = is_listed | (rows["suppression_reason"] == HOLDOUT)
    rank = is_selected.cumsum().astype("Int64").where(is_selected)
    withheld = rows[~is_listed].assign(list_rank=rank[~is_listed])
    listed = rows[is_listed].assign(list_rank=np.arange(1, is_listed.sum() + 1))
    return listed[list(OUTREACH_LIST.names)], withheld[list(OUTREACH_WITHHELD.names)]


def best_hours(answered_hours: pd.Series, calling_hours: tuple[int, int]) -> pd.Series:
    """Local hours in which calls were answered, as spans such as `9-10, 17-19`; None where not known."""
    spans = {text: _spans(text, *calling_hours) for text in answered_hours.dropna().unique()}
    found = answered_hours.map(spans)
    return found.where(found.notna() & (found != ""), None)


def _spans(text: str, first: int, last: int) -> str:
    hours = sorted({int(hour) for hour in text.split(",") if hour.strip()} & set(range(first, last)))
    starts = [hour for hour in hours if hour - 1 not in hours]
    ends = [hour + 1 for hour in hours if hour + 1 not in hours]
    return ", ".join(f"{start}-{end}" for start, end in zip(starts, ends, strict=True))
