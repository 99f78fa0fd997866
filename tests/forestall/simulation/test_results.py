"""The figures of a simulated year, by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.backtests import OUTREACH_BACKTEST
from forestall.simulation.results import by_policy, by_week, effect_beside_truth, told_beside_true


def _year(policy: str, kept: list[float], falls: list[float], margin: float) -> pd.DataFrame:
    """Two weeks with a row each, and the end of each week."""
    rows = pd.DataFrame({
        "row_id": [f"{policy}{week}" for week in (1, 2)], "is_acted": True, "fall": falls,
        "value_at_risk": 100.0, "is_reached": [True, False], "minutes": 7.0, "cost": 4.0, "kept_margin": kept,
        "week": [1, 2],
    })  # fmt: skip
    ends = pd.DataFrame({"row_id": None, "is_acted": False, "week": [1, 2], "margin_left": [margin, margin]})
    return pd.concat([rows, ends]).assign(policy=policy, seed=1, world="base")


def _weeks() -> pd.DataFrame:
    nobody = pd.DataFrame({"row_id": None, "is_acted": False, "week": [1, 2], "margin_left": 1000.0})
    parts = [
        nobody.assign(policy="nobody", seed=1, world="base"),
        _year("probability", [7.0, 35.0], [0.1, 0.3], 1100.0),
        _year("after", [7.0, 49.0], [0.1, -0.06], 1200.0),
        _year("best", [14.0, 70.0], [0.2, 0.4], 1300.0),
    ]
    return by_week(pd.concat(parts, ignore_index=True))


def test_a_week_adds_up() -> None:
    weeks = _weeks()
    assert set(weeks.columns) == set(OUTREACH_BACKTEST.names)
    own = weeks.set_index(["policy", "week"]).loc[("after", 2)]
    assert (own["contact_count"], own["reached_count"], own["harmed_count"]) == (1, 0, 1)
    assert (own["minutes"], own["cost"], own["kept_margin"]) == (7, 4, 49)
    # 200 a month more than nobody's, for seven days of a month of 30.4375, less what it cost.
    assert own["realised_margin"] == pytest.approx(200 * 7 / 30.4375 - 4)
    assert weeks.loc[weeks["policy"] == "nobody", "realised_margin"].tolist() == [0, 0]


def test_policies_are_compared_in_the_weeks_after_learning() -> None:
    table = by_policy(_weeks(), learned_from_week=2)
    assert list(table.index) == ["nobody", "probability", "after", "best"]
    assert table.loc["after", "kept_all"] == pytest.approx((7 + 49) / 2 / 7)
    assert table.loc["after", "kept_late"] == pytest.approx(7)
    assert table.loc["after", "of_best"] == pytest.approx(0.7)
    assert table.loc["after", "over_probability"] == pytest.approx(1.4)
    assert table.loc["after", "harmed"] == 0.5
    assert np.isnan(table.loc["nobody", "harmed"])


def test_the_truth_beside_the_estimate_is_that_of_the_accounts_it_counts() -> None:
    rows = pd.DataFrame({
        "row_id": ["a", "b", "c", "d", None], "account_id": ["g1", "g2", "g3", "g1", None],
        "run_date": [date(2026, 3, 2)] * 3 + [date(2026, 3, 9)] * 2, "planned_on": date(2026, 3, 2),
        "arm": ["treatment", "treatment", "holdout", "treatment", None], "action": "courtesy_call",
        "is_reached": [True, False, False, True, None], "fall": [0.2, 0.1, 0.3, 0.9, None],
    })  # fmt: skip
    effects = pd.DataFrame({
        "scope": ["all", "all"], "measure": "left", "is_current": [True, False], "effect": [-0.1, 0.5],
        "effect_low": -0.2, "effect_high": 0.0, "always_low": -0.3, "always_high": 0.1,
        "matured_until_on": date(2026, 3, 2),
    })  # fmt: skip
    found = effect_beside_truth(rows, effects)
    assert found["accounts"] == 3
    assert found["truth"] == pytest.approx(-0.5 * (0.2 + 0.1 + 0.3) / 3)  # one of two was reached
    assert (found["estimate"], found["fixed_low"], found["always_high"]) == (-0.1, -0.2, 0.1)
    assert np.isnan(effect_beside_truth(rows, effects.head(0))["truth"])


def test_what_rows_were_listed_for_stands_beside_what_they_kept() -> None:
    rows = pd.DataFrame({
        "is_acted": [True, True, True, False, True], "trigger": [None, None, "notice_given", None, None],
        "save_probability": [0.1, 0.2, 0.15, 0.5, 0.1], "value_at_risk": 100.0,
        "is_reached": [True, False, True, True, True], "fall": [0.2, 0.3, 0.1, 0.4, 0.1],
        "churn_probability": [0.15, 0.25, None, 0.15, 0.12],
    })  # fmt: skip
    found = told_beside_true(rows)
    assert found.loc["none", ["row_count", "told", "true"]].tolist() == pytest.approx([3, 40 / 3, 10])
    assert found.loc["notice_given", "true"] == pytest.approx(10)
    assert found.loc["risk (0.1, 0.2]", ["row_count", "told", "true"]].tolist() == pytest.approx([2, 10, 15])
    assert found.loc["risk (0.2, 0.3]", "true"] == 0  # nobody answered
