from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.outreach.value import (
    account_margin,
    add_value,
    fresh_share,
    load_minutes,
    monthly_retention,
    retention_of_risk,
    saved_retention,
    value_at_risk,
)


@pytest.mark.parametrize(
    ("margin", "retention", "rate", "cap", "expected"),
    [
        (10, 0.5, 0.0, 3, 8.75),
        (10, 1.0, 0.0, 36, 360),
        (10, 1.0, 0.21, 2, 10 / 1.21 ** (1 / 12) + 10 / 1.21 ** (2 / 12)),
        (10, 0.0, 0.1, 36, 0),
        (-5, 0.9, 0.1, 36, 0),
    ],
)
def test_value_at_risk_by_hand(margin, retention, rate, cap, expected):
    assert value_at_risk(np.array([margin]), np.array([retention]), rate, cap) == pytest.approx(expected)


@given(retention=st.floats(0, 1), rate=st.floats(0, 0.5), cap=st.integers(1, 120))
def test_value_at_risk_is_the_sum_of_its_months(retention, rate, cap):
    months = (retention / (1 + rate) ** (1 / 12)) ** np.arange(1, cap + 1)
    assert value_at_risk(np.array([7.0]), np.array([retention]), rate, cap) == pytest.approx(7 * months.sum(), rel=1e-6)


def test_retention_is_weighted_by_customers():
    kpis = pd.DataFrame({"segment": ["home", "home", "shop", "new"], "customer_count": [100, 300, 50, 0],
                         "retention_rate": [0.9, 0.98, 0.8, None]})  # fmt: skip
    by_segment, overall = monthly_retention(kpis)
    assert by_segment == pytest.approx({"home": 0.96, "shop": 0.8})
    assert overall == pytest.approx((90 + 294 + 40) / 450)
    assert monthly_retention(kpis.iloc[3:]) == ({}, None)


def test_without_kpis_retention_follows_from_the_risk():
    # ten per cent leave within a quarter of a year: the third root of .9 stays each month
    assert retention_of_risk(pd.Series([0.05, 0.15]), 365.25 / 4) == pytest.approx(0.9 ** (1 / 3))
    assert retention_of_risk(pd.Series(dtype=float), 90) == 1


NO_LOAD = pd.Series(dtype=float)


def option(**values):
    usual = {"churn_probability": 0.4, "addressed_share": 1.0, "fresh_share": 1.0, "learned_save_probability": 0.25,
             "value_at_risk": 333.333,
             "offer_acceptance": 0.35, "offer_price": 30.0, "expected_minutes": 8.75, "action": "call"}  # fmt: skip
    return pd.DataFrame([usual | values])


def test_expected_value_by_hand_in_whole_cents():
    row = add_value(option(), 0.6, NO_LOAD).iloc[0]
    assert row["save_probability"] == pytest.approx(0.1)
    assert row["value_at_risk_cents"] == 33_333
    assert row["offer_cost_cents"] == 1_050
    assert row["contact_cost_cents"] == 525
    assert row["expected_value_cents"] == 3_333 - 1_050 - 525


def test_an_action_that_drives_customers_away_costs_their_value():
    row = add_value(option(learned_save_probability=-0.1, value_at_risk=100.0), 0.0, NO_LOAD).iloc[0]
    assert row["expected_value_cents"] == -400 - 1_050


def test_without_a_score_only_the_costs_are_known():
    row = add_value(option(churn_probability=np.nan), 0.6, NO_LOAD).iloc[0]
    assert np.isnan(row["save_probability"])
    assert row["expected_value_cents"] == -1_575


@pytest.mark.parametrize(("minutes", "cents"), [(10.0, 600), (-5.0, -300)])
def test_the_contacts_that_an_action_causes_cost_and_those_it_avoids_pay(minutes, cents):
    row = add_value(option(), 0.6, pd.Series({"call": minutes, "other": 99.0})).iloc[0]
    assert row["load_cost_cents"] == cents
    assert row["expected_value_cents"] == 3_333 - 1_050 - 525 - cents
    assert row["expected_value_cents"] == row["saved_cents"] - row["cost_cents"]


def test_saved_customers_may_leave_sooner_than_others():
    segment = pd.Series(["home", "shop", "fair", None, "new"])
    by_segment, ratio = {"home": 0.96, "shop": 0.8, "fair": 0.5}, {"default": 2.0, "shop": 3.0, "fair": 3.0}
    stay = saved_retention(segment, by_segment, 0.9, ratio, "default")
    assert stay == pytest.approx([0.92, 0.4, 0.0, 0.8, 0.8])  # of the fair's one and a half would leave: all do


def test_only_load_that_the_experiment_shows_is_counted():
    columns = ["scope", "scope_value", "measure", "is_current", "effect", "always_low", "always_high"]
    effects = pd.DataFrame(
        [("all", "all", "handle_minutes_14d", True, 2.0, 0.5, 3.5),
         ("all", "all", "handle_minutes_14d", False, 9, 8, 10),
         ("all", "all", "left", True, -0.1, -0.2, -0.05), ("action", "coach", "handle_minutes_14d", True, -4.0, -6, -2),
         ("action", "fix", "handle_minutes_14d", True, 7.0, -1, 15)], columns=columns,
    )  # fmt: skip
    assert load_minutes(effects, ["coach", "fix", "new"]).to_dict() == {"coach": -4.0, "fix": 2.0, "new": 2.0}
    assert load_minutes(effects.iloc[2:3], ["fix"]).to_dict() == {"fix": 0.0}
    assert load_minutes(effects.iloc[:0], ["fix"]).to_dict() == {"fix": 0.0}


def test_an_account_leaves_as_a_whole_but_who_gave_notice_leaves_alone():
    people = pd.DataFrame({"account_id": ["a", "a", "b", "a"], "is_under_notice": [False, None, False, True]})
    margin = pd.Series([10.0, 30.0, 5.0, 7.0])
    assert account_margin(people, margin).tolist() == [40.0, 40.0, 5.0, 7.0]


def test_of_another_call_only_what_an_earlier_one_does_not_keep_already_is_new():
    rows = pd.DataFrame({
        "trigger": [None, None, None, "notice_given", "low_csat", None, None],
        "last_reached_on": pd.to_datetime(
            ["2026-01-16", None, "2025-01-01", "2026-03-01", "2026-02-28", "2026-02-01", "2026-03-02"]
        ),
        "held_out_on": [None, date(2026, 1, 31), None, None, None, date(2026, 2, 20), None],
    })  # fmt: skip
    found = fresh_share(rows, date(2026, 3, 2), 90)
    # 45 days; held out 30 days ago rests as if called; long ago; notice is news; 2 days; the later of both; at least 1
    assert found == pytest.approx([0.5, 30 / 90, 1.0, 1.0, 2 / 90, 10 / 90, 1 / 90])
    nobody = pd.DataFrame({"trigger": [None], "last_reached_on": [pd.NaT], "held_out_on": [None]})
    assert fresh_share(nobody, date(2026, 3, 2), 90).tolist() == [1.0]
