"""From chosen options to the rows that people work: key, rank, deadline and status.

A customer who stays on the list keeps the row's key and its deadline from night to night, so that
what was done about it stays with it.
"""

import hashlib
from datetime import date

import numpy as np
import pandas as pd

from features.published_outreach import OUTREACH_LIST, OUTREACH_WITHHELD
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.triggers import NOTICE, PAYMENT

OPEN = "open"
FIRM, IF_QUIET = "firm", "if_quiet"
RISK, SAVE_QUEUE, RENEWAL, PAYMENT_FAILURE = "risk", "save_queue", "renewal", "payment_failure"


def row_id(customer_id: str, listed_since_on: date) -> str:
    """Key of a row: the same customer, listed since the same night, is the same row."""
    return hashlib.sha256(f"{customer_id}|{listed_since_on.isoformat()}".encode()).hexdigest()[:16]


def list_names(rows: pd.DataFrame, renewal_days: int) -> pd.Series:
    """Which list a row is on: under notice, a payment that failed, a renewal near, or at risk.

    Args:
        rows: trigger, days_to_renewal.
        renewal_days: so many days are near.
    """
    is_near = rows["trigger"].isna() & (rows["days_to_renewal"].astype(float) <= renewal_days)
    kinds = [rows["trigger"] == NOTICE, rows["trigger"] == PAYMENT, is_near]
    return pd.Series(np.select(kinds, [SAVE_QUEUE, PAYMENT_FAILURE, RENEWAL], RISK), index=rows.index, dtype=object)


def listed_since(rows: pd.DataFrame, previous: pd.DataFrame, run_date: date) -> pd.Series:
    """First night of each customer's listing, if the night before had it; otherwise tonight."""
    since = rows["customer_id"].map(previous.set_index("customer_id")["listed_since_on"])
    return pd.to_datetime(since.where(since.notna(), run_date))


def due(rows: pd.DataFrame, since: pd.Series, run_date: date) -> pd.Series:
    """Deadline of each row: a trigger's runs from the night that could first know of it, any other from its listing.

    Args:
        rows: days_to_act, trigger_days (missing without a trigger).
        since: first night of listing.
        run_date: tonight.
    """
    known_on = pd.Timestamp(run_date) - pd.to_timedelta(rows["trigger_days"].astype(float), unit="D")
    return known_on.where(rows["trigger_days"].notna(), since) + pd.to_timedelta(rows["days_to_act"].astype(int), "D")


def carry_over(rows: pd.DataFrame, previous: pd.DataFrame, run_date: date) -> pd.DataFrame:
    """Keys and deadlines.

    Args:
        rows: customer_id, days_to_act, trigger_days, suppression_reason.
        previous: customer_id, listed_since_on of who was on the list of the night before, the
            holdout included; empty where there was none.
        run_date: rows that were not there begin today.
    """
    is_selected = rows["suppression_reason"].isna() | (rows["suppression_reason"] == HOLDOUT)
    since = listed_since(rows, previous, run_date).where(is_selected, pd.Timestamp(run_date))
    keys = [row_id(customer, on.date()) for customer, on in zip(rows["customer_id"], since, strict=True)]
    return rows.assign(row_id=keys, listed_since_on=since.dt.date, due_on=due(rows, since, run_date).dt.date)


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order in which they are worked: by day, firm first, and of each team's promises and worth in turn.

    Promises (triggers within their deadline) go by urgency, the others by value a minute; the two are
    dealt out in proportion to their minutes, so that the first page of a list shows both, and whoever
    gets halfway has done half of each. Of equals the one with more to lose comes first: without a score,
    that is all that is known.

    Args:
        rows: tier, planned_on (missing where held back), team, trigger_place, is_overdue, expected_minutes,
            expected_value_cents, value_at_risk_cents, customer_id.
    """
    is_promise = rows["trigger_place"].notna() & ~rows["is_overdue"].astype(bool)
    keys: dict[str, pd.Series] = {
        "_day": pd.to_datetime(rows["planned_on"]),  # held back: last
        "_tier": rows["tier"].eq(IF_QUIET),
        "_place": rows["trigger_place"].where(is_promise, np.inf),
        "_worth": -rows["expected_value_cents"] / rows["expected_minutes"],
        "_loss": -rows["value_at_risk_cents"],
    }
    ordered = rows.assign(**keys, _promise=is_promise).sort_values([*keys, "customer_id"])
    minutes = ordered["expected_minutes"].astype(float)
    deal = minutes.groupby([ordered[name] for name in ("_day", "_tier", "team", "_promise")], dropna=False)
    ordered["_turn"] = (deal.cumsum() - minutes) / deal.transform("sum")
    ordered = ordered.sort_values(["_day", "_tier", "_turn", *keys, "customer_id"], ignore_index=True)
    return ordered.drop(columns=[*keys, "_promise", "_turn"])


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
            for name in ("value_at_risk", "offer_cost", "contact_cost", "load_cost", "expected_value")
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
