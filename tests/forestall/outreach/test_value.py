import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.outreach.value import add_value, monthly_retention, retention_of_risk, value_at_risk


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


def option(**values):
    usual = {"churn_probability": 0.4, "prior_save_probability": 0.25, "value_at_risk": 333.333, "acceptance": 0.35,
             "offer_price": 30.0, "expected_minutes": 8.75}  # fmt: skip
    return pd.DataFrame([usual | values])


def test_expected_value_by_hand_in_whole_cents():
    row = add_value(option(), cost_per_minute=0.6).iloc[0]
    assert row["save_probability"] == pytest.approx(0.1)
    assert row["value_at_risk_cents"] == 33_333
    assert row["offer_cost_cents"] == 1_050
    assert row["contact_cost_cents"] == 525
    assert row["expected_value_cents"] == 3_333 - 1_050 - 525


def test_an_action_that_drives_customers_away_costs_their_value():
    row = add_value(option(prior_save_probability=-0.1, value_at_risk=100.0), cost_per_minute=0.0).iloc[0]
    assert row["expected_value_cents"] == -400 - 1_050


def test_without_a_score_only_the_costs_are_known():
    row = add_value(option(churn_probability=np.nan), cost_per_minute=0.6).iloc[0]
    assert np.isnan(row["save_probability"])
    assert row["expected_value_cents"] == -1_575
