"""Customers as `marts.fct_outreach_candidates` gives them, a score and a reason for each, and a small playbook."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
import yaml

from features.published_outreach import OUTREACH_LIST
from forestall.outreach.effect_table import COLUMNS as EFFECTS
from forestall.outreach.experiment import COLUMNS
from forestall.outreach.listing import Known
from forestall.outreach.playbook import Playbook
from forestall.outreach.triggers import FACTS

RUN_DATE = date(2026, 3, 2)
CUTOFF = datetime(2026, 3, 2, tzinfo=UTC)

PLAYBOOK = """
cost_per_minute: 0.50
margin_share: 0.4
trigger_share: 0.5
offers:
  credit: {cost: 20, acceptance: 0.5}
actions:
  fix: {team: care, save_probability: 0.2, minutes: 10, days_to_act: 2, script: scripts/fix.md}
  credit_call: {team: care, offer: credit, save_probability: 0.3, minutes: 8, days_to_act: 3}
  coach: {team: success, channel: email, save_probability: 0.1, minutes: 4, days_to_act: 7}
reasons:
  trouble: {features: ["complaint_*", "unresolved_*"], actions: [fix]}
  waits: {features: ["wait_*"], actions: [credit_call, fix]}
  default: {actions: [coach]}
triggers:
  complaint_unanswered:
    {action: fix, sentence: "complaint open for {open_complaint_for}", days_to_act: 0, is_owed: true}
  notice_given: {action: credit_call, sentence: "notice given", days_to_act: 1}
  low_csat: {action: fix, sentence: "satisfaction of {low_csat_7d:.0f}", days_to_act: 1}
"""


@pytest.fixture
def playbook():
    return Playbook.model_validate(yaml.safe_load(PLAYBOOK))


@pytest.fixture
def candidates():
    """Makes `count` customers nobody would hold back; given columns replace the usual values."""

    def make(count, **columns):
        names = [f"c{number:04d}" for number in range(count)]
        rows = pd.DataFrame({"customer_id": names, "account_id": [f"a{name[1:]}" for name in names]}, dtype=str)
        usual = {
            "segment": "home", "region": "north", "language": "de", "time_zone": "Europe/Berlin",
            "preferred_channel": "phone", "is_minor": False, "is_protected": False, "is_under_notice": False,
            "is_profiling_allowed": True, "monthly_value": 50.0, "monthly_margin": 20.0, "tenure_days": 400,
            "days_to_renewal": 90, "has_do_not_contact": False,
            **{f"can_{channel}_{purpose}": True for channel in ("phone", "email", "chat")
               for purpose in ("marketing", "service")},
            **{f"{trigger}_days": 0 for trigger in FACTS}, **{f"reached_day_count_{days}d": 0 for days in (7, 30, 90)},
            "last_reached_at": pd.NaT, "last_reached_on": pd.NaT, "held_out_on": pd.NaT, "has_open_complaint": False,
            "open_complaint_h": np.nan, "is_complaint_unanswered_24h": False, "is_first_response_late": False,
            "low_csat_7d": np.nan, "repeat_topic_7d": None, "failed_payment_count_30d": 0,
            "answered_hours": "9,17,18", "net_activity_value_365d": np.nan,
        }  # fmt: skip
        rows = rows.assign(**usual).assign(**columns)
        rows["last_reached_at"] = pd.to_datetime(rows["last_reached_at"], utc=True)
        return rows

    return make


@pytest.fixture
def known(candidates):
    """Makes what is known on a night: `count` customers at the given risk, all of it for waits."""

    def make(count=20, risk=0.3, people=None, reasons=None, **others):
        people = candidates(count) if people is None else people
        scores = pd.DataFrame({"customer_id": people["customer_id"], "horizon_days": 90})
        scores = scores.assign(
            churn_probability=risk,
            previous_churn_probability=0.2,
            risk_band="high",
            model_version="churn 1",
            change_reason="up 10.0 points since yesterday",
        )
        if reasons is None:
            reasons = pd.DataFrame({"customer_id": people["customer_id"], "place": 1, "feature": "wait_time_s_max_90d"})
            reasons = reasons.assign(contribution=50.0, sentence="waited for 12 min")
        values = {
            "run_date": RUN_DATE, "cutoff": CUTOFF, "candidates": people, "scores": scores, "churn_reasons": reasons,
            "contributions": reasons.pivot_table(
                index="customer_id", columns="feature", values="contribution", aggfunc="sum"
            ).fillna(0.0).rename_axis(None, axis="columns").reset_index(),
            "kpis": pd.DataFrame({"segment": ["home"], "customer_count": [100], "retention_rate": [0.9]}),
            "arms": pd.DataFrame(columns=list(COLUMNS)),
            "previous": pd.DataFrame(columns=["customer_id", "listed_since_on"]),
            "outcomes": pd.Series(dtype=object),
            "effects": pd.DataFrame(columns=list(EFFECTS)),
            "worked": pd.DataFrame(columns=list(OUTREACH_LIST.names)), "site_zone": "Europe/Berlin",
        }  # fmt: skip
        return Known(**values | others)

    return make
