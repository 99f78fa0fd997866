"""When a challenger replaces the champion, on a window whose truth is known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.churn.calibration import constant
from models.churn.design import Design
from models.churn.model import ChurnModel
from models.churn.promotion import Decision, decide, list_profit, promotion_rules
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
    assert decision.evidence["assumed_profit_gain"] >= 0


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


def test_the_profit_of_a_list_in_money() -> None:
    rows = pd.DataFrame({label(90): [1.0, 0, 0, 1], "monthly_margin": [10.0, 50, 10, 10]})
    rules = RULES.model_copy(
        update={"listed_share": 0.5, "assumed_save_probability": 0.2, "margin_months": 12, "contact_cost": 5}
    )
    # 0.9 x 10 and 0.3 x 50 are listed: one leaver of margin 10 is saved with 0.2 for 12 months, two calls cost 5 each
    assert list_profit(rows, np.array([0.9, 0.3, 0.8, 0.1]), 90, rules) == pytest.approx(0.2 * 12 * 10 - 10)
