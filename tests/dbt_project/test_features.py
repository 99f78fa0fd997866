"""Features against plain re-computation in pandas, from the versions that a past morning knew.

Problems that are stitched, opened and settled are shown by hand in the project's unit tests, tone in test_marts.py.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forestall.settings import Settings
from forestall.transform import promised
from forestall.warehouse import open_warehouse

ZONE = "Europe/Berlin"
AS_OF = date(2025, 7, 1)
CUTOFF = pd.Timestamp(AS_OF, tz=ZONE)
CHANNELS = {"phone": ["phone"], "chat": ["chat"], "written": ["email", "web_form", "social"],
            "self_service": ["self_service"]}  # fmt: skip
STAGES = ("reception", "consultation", "complaint", "feedback")
Frames = Mapping[str, pd.DataFrame]


def _known(frames: Frames, table: str, *key: str) -> pd.DataFrame:
    """The versions that were the latest that morning, with missing values as the last version has them."""
    rows = frames[table]
    known = rows[rows["known_at"] < CUTOFF].sort_values(["known_at", "pull_id"], kind="stable")
    return known.drop_duplicates(list(key), keep="last").reset_index(drop=True)


def _days_ago(on: pd.Series) -> "pd.Series[int]":
    """Days from local dates, or the local days of instants, to the morning."""
    days = pd.to_datetime(on) if on.dtype == object else on.dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    return (pd.Timestamp(AS_OF) - days).dt.days


@pytest.fixture(scope="module")
def found(built: Settings) -> pd.DataFrame:
    sql = f"SELECT * FROM marts.fct_customer_features WHERE as_of_on = DATE '{AS_OF}'"
    with open_warehouse(built, "test") as warehouse:
        return warehouse.frame(sql).set_index("customer_id").sort_index()


def _check(found: pd.DataFrame, wanted: Mapping[str, pd.Series], missing: float = np.nan) -> None:
    """Each feature is what was computed; who has no rows has `missing`. None is the same for everybody."""
    for name, values in wanted.items():
        own = values.astype(float).reindex(found.index, fill_value=missing)
        assert own.nunique() > 1, name
        pd.testing.assert_series_equal(
            found[name].astype(float), own, check_names=False, check_index_type=False, rtol=1e-9, atol=1e-9, obj=name
        )


@pytest.fixture(scope="module")
def contacts(built: Settings, frames: Frames) -> pd.DataFrame:
    """Contacts of the 90 days before, but for those that announce leaving; what came after the morning is not known."""
    rows = _known(frames, "interactions", "interaction_id").dropna(subset=["customer_id"])
    rows = rows.assign(days_ago=_days_ago(rows["started_at"]), is_inbound=rows["direction"] == "inbound")
    rows = rows[rows["days_ago"].between(1, 90) & (rows["topic"] != "move")].reset_index(drop=True)
    is_later = rows["answered_at"] >= CUTOFF
    rows = rows.assign(
        wait=rows["wait_time_s"].astype(float).mask(is_later),
        handled=rows["handle_time_s"].astype(float).mask(is_later),
        response=(rows["first_response_at"] - rows["started_at"]).dt.total_seconds().mask(is_later),
        tone=rows["text_sentiment"].astype(float), gave_up=rows["is_abandoned"].fillna(value=False).astype(bool),
    )  # fmt: skip
    limits = {
        channel: limit["threshold_s"] or limit["first_response_s"]
        for channel, limit in promised(built)["channels"].items()
    }
    limit = rows["channel"].map(limits).astype(float)
    is_live = rows["channel"].isin(["phone", "chat"])
    taken = rows["response"].mask(is_live, rows["wait"])
    age = (CUTOFF - rows["started_at"]).dt.total_seconds()
    is_open = rows["answered_at"].isna() | is_later
    missed = pd.Series(np.where(is_open & ~rows["gave_up"], age > limit, taken > limit), rows.index)
    return rows.assign(missed=(missed | rows["gave_up"]) & limit.notna() & rows["is_inbound"])


def test_contacts_are_counted_by_channel_stage_and_what_became_of_them(
    found: pd.DataFrame, contacts: pd.DataFrame
) -> None:
    inbound, customer = contacts["is_inbound"], contacts["customer_id"]
    kinds = {"contact": inbound, "abandoned": contacts["gave_up"], "missed_standard": contacts["missed"]}
    kinds |= {name: inbound & contacts["channel"].isin(members) for name, members in CHANNELS.items()}
    kinds |= {name: inbound & (contacts["stage"] == name) for name in STAGES}
    recent, wanted, since = contacts["days_ago"] <= 30, {}, {}
    for name, is_kind in kinds.items():
        for days in (7, 30, 90):
            wanted[f"{name}_count_{days}d"] = (is_kind & (contacts["days_ago"] <= days)).groupby(customer).sum()
        now, before = (part.groupby(customer).sum() for part in (is_kind & recent, is_kind & ~recent))
        wanted[f"{name}_change_30d"] = now - before / 2
        since[f"days_since_last_{name}"] = contacts["days_ago"][is_kind].groupby(customer).min()
    for days in (7, 30, 90):
        passed_on = contacts["transfer_count"].where(contacts["days_ago"] <= days, 0)
        wanted[f"transfer_count_{days}d"] = passed_on.groupby(customer).sum()
    wanted["outbound_count_30d"] = (~inbound & recent).groupby(customer).sum()
    for name in ("channel", "topic"):
        wanted[f"{name}_count_90d"] = contacts.loc[inbound, name].groupby(customer).nunique()
    _check(found, wanted, missing=0)
    _check(found, since)


def test_waits_answers_and_tone_of_contacts(found: pd.DataFrame, contacts: pd.DataFrame) -> None:
    def by(column: str, rows: pd.Series) -> "pd.core.groupby.SeriesGroupBy":  # type: ignore[type-arg]
        return contacts.loc[rows, column].groupby(contacts["customer_id"])

    inbound, recent = contacts["is_inbound"], contacts["days_ago"] <= 30
    wanted = {
        f"wait_time_s_mean_{days}d": by("wait", inbound & (contacts["days_ago"] <= days)).mean() for days in (7, 30, 90)
    }
    everybody = pd.Series(True, contacts.index)
    wanted |= {
        "wait_time_s_max_90d": by("wait", inbound).max(),
        "wait_time_s_change_30d": by("wait", inbound & recent).mean() - by("wait", inbound & ~recent).mean(),
        "handle_time_s_mean_90d": by("handled", inbound).mean(),
        "first_response_s_mean_90d": by("response", inbound).mean(),
        "text_sentiment_mean_90d": by("tone", everybody).mean(),
        "text_sentiment_min_90d": by("tone", everybody).min(),
    }
    _check(found, wanted)


def test_answers_to_surveys_their_change_and_their_silence(found: pd.DataFrame, frames: Frames) -> None:
    rows = _known(frames, "surveys", "survey_id").dropna(subset=["customer_id"])
    rows = rows.assign(days_ago=_days_ago(rows["answered_at"]), score=rows["score"].astype(float))
    rows = rows[rows["days_ago"].between(1, 180)].sort_values("answered_at")
    is_recent = rows["days_ago"] <= 90
    wanted = {}
    for kind in ("csat", "nps", "ces"):
        by_customer = rows[rows["kind"] == kind].groupby("customer_id")
        last, total, count = (getattr(by_customer["score"], part)() for part in ("last", "sum", "size"))
        wanted[f"{kind}_last"] = last
        wanted[f"{kind}_mean_180d"] = total / count
        wanted[f"{kind}_change"] = last - (total - last) / (count - 1).where(count > 1)
        wanted[f"days_since_last_{kind}"] = by_customer["days_ago"].min()
    _check(found, wanted)
    is_low = (rows["kind"] == "csat") & (rows["score"] <= 2) & is_recent
    counted = {"low_csat_count_90d": is_low, "survey_count_90d": is_recent}
    counts = {name: flags.groupby(rows["customer_id"]).sum() for name, flags in counted.items()}
    counts["survey_count_change_90d"] = counts["survey_count_90d"] - (~is_recent).groupby(rows["customer_id"]).sum()
    _check(found, counts, missing=0)


def test_bills_that_are_late_fail_or_are_not_paid(found: pd.DataFrame, frames: Frames) -> None:
    rows = _known(frames, "payments", "invoice_id")
    rows = rows.assign(days_ago=_days_ago(rows["due_on"]), paid_on=pd.to_datetime(rows["paid_on"]))
    rows = rows[rows["days_ago"].between(1, 365)]
    # what was paid that morning or later was not paid yet, and how an invoice ended is known when it was paid
    paid_on = rows["paid_on"].where(rows["paid_on"] < pd.Timestamp(AS_OF))
    rows = rows[rows["status"] != "refunded"].assign(paid_on=paid_on)
    late = (rows["paid_on"].fillna(pd.Timestamp(AS_OF)) - pd.to_datetime(rows["due_on"])).dt.days
    customer, is_unpaid = rows["customer_id"], rows["paid_on"].isna()
    wanted = {
        f"{name}_{days}d": (flags & (rows["days_ago"] <= days)).groupby(customer).sum()
        for name, flags, windows in (
            ("invoice_count", late.notna(), (90, 365)), ("late_payment_count", late > 0, (90, 365)),
            ("failed_payment_count", rows["status"] == "failed", (30, 90)), ("unpaid_count", is_unpaid, (365,)),
        )
        for days in windows
    }  # fmt: skip
    wanted["unpaid_amount_365d"] = rows["amount"].astype(float).where(is_unpaid, 0.0).groupby(customer).sum()
    _check(found, wanted, missing=0)
    since = {"days_late_mean_365d": late.clip(lower=0).groupby(customer).mean()}
    since["days_since_late_payment"] = rows["days_ago"][late > 0].groupby(customer).min()
    _check(found, since)


def test_activity_its_level_its_change_and_what_came_back(found: pd.DataFrame, frames: Frames) -> None:
    rows = _known(frames, "activity", "customer_id", "occurred_on", "kind")
    rows = rows.assign(days_ago=_days_ago(rows["occurred_on"]), value=rows["value"].astype(float))
    rows = rows[rows["days_ago"].between(1, 365)]
    counts = rows[rows["kind"] != "return"]
    customer, wanted = counts["customer_id"], {}
    for days in (7, 30, 90, 180, 365):
        own = counts[counts["days_ago"] <= days]
        wanted[f"active_day_count_{days}d"] = own.groupby("customer_id")["days_ago"].nunique()
        wanted[f"activity_count_{days}d"] = own.groupby("customer_id")["event_count"].sum()
        wanted[f"activity_value_{days}d"] = own.groupby("customer_id")["value"].sum()
    back = rows[rows["kind"] == "return"].groupby("customer_id")
    wanted["return_count_365d"], wanted["return_value_365d"] = back["event_count"].sum(), -back["value"].sum()
    _check(found, wanted, missing=0)
    days = counts.groupby("customer_id")["days_ago"].unique().map(np.sort)
    gaps = days.map(np.diff)
    now, before = (
        counts.loc[part, "days_ago"].groupby(customer).nunique().reindex(days.index, fill_value=0)
        for part in (counts["days_ago"] <= 30, counts["days_ago"].between(31, 90))
    )
    mean_gap = gaps[gaps.map(len) > 0].map(np.mean)
    _check(found, {
        "days_since_last_activity": days.map(min), "active_day_change_30d": now - before / 2,
        "activity_gap_days_mean": mean_gap, "activity_overdue_ratio": (days.map(min) / mean_gap),
        "activity_gap_days_std": gaps[gaps.map(len) > 1].map(lambda own: np.std(own, ddof=1)),
    })  # fmt: skip


def test_subscriptions_their_age_and_changes_of_plan(found: pd.DataFrame, frames: Frames) -> None:
    rows = _known(frames, "subscriptions", "subscription_id")
    rows = rows[rows["started_at"] < CUTOFF]
    ended_at = rows["ended_at"].where(rows["ended_at"] < CUTOFF)
    customer, is_running = rows["customer_id"], ended_at.isna()
    ended = ended_at >= CUTOFF - pd.Timedelta(days=365)
    is_change = ended_at.notna() & (rows["end_reason"] == "plan_change")
    _check(found, {
        "subscription_count": is_running.groupby(customer).sum(),
        "ended_subscription_count_365d": ended.groupby(customer).sum(),
        "plan_change_count_365d": (ended & is_change).groupby(customer).sum(),
        "monthly_value": rows["monthly_value"].astype(float).where(is_running, 0.0).groupby(customer).sum(),
    })  # fmt: skip
    signed_up = _known(frames, "customers", "customer_id").set_index("customer_id")["signed_up_at"]
    tenure = _days_ago(signed_up).reindex(found.index)
    assert tenure.isna().any()  # the customer's own row came late: since the first subscription
    _check(found, {
        "subscription_age_days": _days_ago(rows["started_at"][is_running]).groupby(customer).max(),
        "days_since_plan_change": _days_ago(ended_at[is_change]).groupby(customer).min(),
        "tenure_days": tenure.fillna(_days_ago(rows["started_at"]).groupby(customer).max()),
    })  # fmt: skip


def test_whom_a_score_may_be_about(found: pd.DataFrame, frames: Frames) -> None:
    """Who has something running; under notice only where all of it is; without a refused profile."""
    rows = _known(frames, "subscriptions", "subscription_id")
    rows = rows[(rows["started_at"] < CUTOFF) & ~(rows["ended_at"] < CUTOFF)]
    assert sorted(found.index) == sorted(rows["customer_id"].unique())
    by_customer = (rows["notice_given_at"] < CUTOFF).groupby(rows["customer_id"])
    assert (by_customer.any() & ~by_customer.all()).any()
    consents = _known(frames, "consents", "customer_id", "channel", "purpose")
    refused = consents.loc[(consents["purpose"] == "profiling") & (consents["status"] == "refused"), "customer_id"]
    outcomes = _known(frames, "outreach_outcomes", "outcome_id")
    outcomes = outcomes[outcomes["happened_at"].between(CUTOFF - pd.Timedelta(days=90), CUTOFF, inclusive="left")]
    spoken_to = outcomes[outcomes["result"].isin(["reached", "accepted", "declined"])]["customer_id"]
    wanted = {
        "is_under_notice": by_customer.all(),
        "is_profiling_allowed": pd.Series(~found.index.isin(refused), found.index),
        "is_contacted_recently": pd.Series(found.index.isin(spoken_to), found.index),
    }
    _check(found, wanted)
