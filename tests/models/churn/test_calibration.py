import json

import numpy as np
import pytest

from models.churn.calibration import Calibration, calibrate, constant
from models.churn.params import churn_params
from models.metrics import Numbers, binary_metrics

PARAMS = churn_params().calibration
EXPECTED = {"platt": 1_500, "beta": 20_000, "isotonic": 200_000}


def _overconfident(rows: int, seed: int = 4) -> tuple[Numbers, Numbers]:
    """Raw scores whose logits are twice too wide and too high, and outcomes; about 13 % leave."""
    random = np.random.default_rng(seed)
    truth = random.normal(-2.3, 1, rows)
    outcome = (random.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)
    return 1 / (1 + np.exp(-(2 * truth + 1))), outcome


@pytest.mark.parametrize(("method", "rows"), EXPECTED.items())
def test_every_method_mends_scores_that_are_too_sure(method: str, rows: int) -> None:
    raw, outcome = _overconfident(rows)
    learned = calibrate(raw, outcome, np.ones(rows), PARAMS)
    assert learned.method == method
    later_raw, later = _overconfident(100_000, seed=5)
    measured = binary_metrics(later, learned(later_raw))
    assert measured["calibration_slope"] == pytest.approx(1, abs=0.2 if method == "platt" else 0.05)
    assert measured["observed_over_expected"] == pytest.approx(1, abs=0.15 if method == "platt" else 0.03)
    assert measured["auc"] == pytest.approx(binary_metrics(later, later_raw)["auc"], abs=2e-3)


@pytest.mark.parametrize(("method", "rows"), EXPECTED.items())
def test_the_map_never_falls_and_survives_json(method: str, rows: int) -> None:
    learned = calibrate(*_overconfident(rows), np.ones(rows), PARAMS)
    grid = np.linspace(0, 1, 501)
    assert (np.diff(learned(grid)) >= 0).all()
    assert ((learned(grid) > 0) & (learned(grid) < 1)).all()
    again = Calibration.from_dict(json.loads(json.dumps(learned.as_dict())))
    assert (again(grid) == learned(grid)).all()


def test_a_score_that_says_the_opposite_is_replaced_by_the_base_rate() -> None:
    raw, outcome = _overconfident(2_000)
    learned = calibrate(1 - raw, outcome, np.ones(2_000), PARAMS)
    assert learned == constant(outcome.mean())


def test_a_weight_moves_the_level() -> None:
    raw, outcome = _overconfident(5_000)
    plain, heavy = (calibrate(raw, outcome, 1 + extra * outcome, PARAMS)(raw).mean() for extra in (0, 1))
    assert heavy > 1.5 * plain


def test_one_class_gives_a_constant() -> None:
    assert calibrate(np.array([0.2, 0.6]), np.zeros(2), np.ones(2), PARAMS) == constant(0.0)
