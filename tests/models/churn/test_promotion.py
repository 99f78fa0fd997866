"""When a challenger replaces the champion, on a window whose truth is known."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.churn.calibration import constant
from models.churn.design import Design
from models.churn.list_value import ListAssumptions, list_gain
from models.churn.model import ChurnModel
from models.churn.promotion import Decision, compared_on, decide, promotion_rules
from models.churn.training import Trained, label

WINDOW = date(2026, 1, 1)
RULES = promotion_rules()


def _model(rate: float, newest: str, kind: str = "lightgbm", horizon: int = 90) -> ChurnModel:
    """Says `rate` of everybody; learned from dates up to `newest`."""
    about = {"as_of_dates": [newest], "gap_days": 104, "threads": 1}
    return ChurnModel(kind, (horizon,), horizon, Design((), {}), {}, {horizon: constant(rate)}, about)  # type: ignore[arg-type]


def _challenger(
    said_of_leavers: float, said_of_others: float, judged: str = "newest window", kind: str = "lightgbm"
) -> Trained:
    outcome = np.repeat([1.0, 0.0], [100, 900])
    rows = pd.DataFrame({
        "customer_id": [f"c{number}" for number in range(1000)], "as_of_on": WINDOW, label(90): outcome,
        "churn_probability_90d": np.where(outcome == 1, said_of_leavers, said_of_others), "monthly_margin": 20.0,
    })  # fmt: skip
    model = _model(0.1, "2026-01-01", kind)
    return Trained(model, model, judged, rows)  # type: ignore[arg-type]


def _old(rate: float = 0.1) -> ChurnModel:
    return _model(rate, "2025-09-19")


def test_a_better_challenger_is_promoted_with_figures() -> None:
    decision = decide(_challenger(0.5, 0.05), _old(), None, RULES)
    assert decision.is_promoted
    assert decision.reason.startswith("better: log loss falls by 0.2")
    expected = 0.325083 - (-(100 * np.log(0.5) + 900 * np.log(0.95)) / 1000)
    assert decision.evidence["log_loss_gain"] == pytest.approx(expected, abs=1e-5)
    assert decision.evidence["log_loss_gain_low"] < expected < decision.evidence["log_loss_gain_high"]
    assert decision.evidence["profit_gain"] >= 0
    assert "profit of the list (assumed)" in decision.reason


@pytest.mark.parametrize(
    ("challenger", "champion", "twin", "why"),
    [
        (_challenger(0.1, 0.1), _old(), None, "not better"),
        (_challenger(0.05, 0.2), _old(), None, "not better"),
        (_challenger(0.5, 0.05), _model(0.1, "2025-12-01"), None, "have seen the window"),
        (_challenger(0.5, 0.05), _model(0.1, "2025-12-01"), _model(0.1, "2025-09-20"), "have seen the window"),
        (_challenger(0.5, 0.05, "customers left out"), _old(), None, "no labelled window"),
        (_challenger(0.5, 0.05, kind="base_rate"), _old(), None, "base rate"),
    ],
)
def test_it_is_not_promoted_otherwise(
    challenger: Trained, champion: ChurnModel, twin: ChurnModel | None, why: str
) -> None:
    decision = decide(challenger, champion, twin, RULES)
    assert not decision.is_promoted
    assert why in decision.reason


def test_a_champion_that_saw_the_window_is_stood_in_for_by_its_twin() -> None:
    assert decide(_challenger(0.5, 0.05), _model(0.1, "2025-12-01"), _old(), RULES).is_promoted


def test_a_base_rate_leaves_office_as_soon_as_something_was_learned() -> None:
    base = _model(0.1, "2025-12-01", "base_rate")
    assert decide(_challenger(0.5, 0.05, "customers left out"), base, None, RULES) == Decision(
        True, "the champion was a base rate", {}
    )


def test_a_list_that_earns_less_is_no_improvement() -> None:
    challenger = _challenger(0.5, 0.05)
    rules = RULES.model_copy(update={"least_profit_gain": 1e6})
    decision = decide(challenger, _old(), None, rules)
    assert (decision.is_promoted, decision.reason.startswith("earns less")) == (False, True)


def test_lots_that_were_drawn_after_the_window_decide_about_the_money() -> None:
    challenger = _challenger(0.5, 0.05)
    rows = challenger.predictions.assign(account_id=lambda all_rows: all_rows["customer_id"])
    arms = pd.DataFrame({
        "account_id": rows["customer_id"], "arm": np.where(np.arange(1000) % 2, "treatment", "holdout"),
        "arm_probability": 0.5,
    })  # fmt: skip
    # a list of a tenth: ours is the leavers, theirs the first hundred of those who all look alike
    shuffled = rows.sample(frac=1, random_state=2, ignore_index=True)
    decision = decide(replace(challenger, predictions=shuffled), _old(), None, RULES, arms)
    assert decision.evidence["profit_is_off_policy"] == 1
    assert decision.evidence["profit_logged_share"] == 1
    assert "off-policy, lots drawn for 100%" in decision.reason


def test_the_window_of_a_comparison() -> None:
    assert compared_on(_challenger(0.5, 0.05)) == WINDOW
    assert compared_on(_challenger(0.5, 0.05, "customers left out")) is None


def test_the_profit_of_a_list_in_money() -> None:
    rows = pd.DataFrame({"customer_id": list("abcd"), "monthly_margin": [10.0, 50, 10, 10]})
    left = np.array([1.0, 0, 0, 1])
    assumed = ListAssumptions(0.5, 0.2, 12, 5, 0.5, 25)
    # by 0.9 x 10 and 0.3 x 50 the first two are listed, one leaver of margin 10: saved with 0.2 for 12 months; the
    # other list holds the last two, one leaver of the same margin; each has two calls
    ours, theirs = np.array([0.9, 0.3, 0.8, 0.1]), np.array([0.1, 0.01, 0.9, 0.8])
    assert list_gain(rows, left, ours, theirs, assumed, seed=1).gain.value == 0
    worse = np.array([0.1, 0.9, 0.9, 0.1])
    assert list_gain(rows, left, ours, worse, assumed, seed=1).gain.value == pytest.approx(0.2 * 12 * 10)
