import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import binary_metrics, calibration_slope, logits, row_log_loss, top_tenth

OUTCOME = np.array([0.0, 0, 1, 1])
# The example of scikit-learn's documentation of roc_auc_score and average_precision_score.
SCORE = np.array([0.1, 0.4, 0.35, 0.8])


def test_published_values() -> None:
    measured = binary_metrics(OUTCOME, SCORE)
    assert measured["auc"] == pytest.approx(0.75)
    assert measured["average_precision"] == pytest.approx(0.8333333)
    assert measured["brier"] == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert measured["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.35, 0.8]).mean())
    assert measured["observed_over_expected"] == pytest.approx(2 / 1.65)
    assert (measured["top_lift"], measured["top_observed_over_expected"]) == (2.0, pytest.approx(1 / 0.8))


def test_a_weight_counts_like_so_many_rows() -> None:
    weight = np.array([1.0, 3, 2, 1])
    repeated = binary_metrics(np.repeat(OUTCOME, weight.astype(int)), np.repeat(SCORE, weight.astype(int)))
    weighted = binary_metrics(OUTCOME, SCORE, weight)
    for name in ("outcome_rate", "auc", "log_loss", "brier", "calibration_slope", "observed_over_expected"):
        assert weighted[name] == pytest.approx(repeated[name], rel=1e-4), name


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_the_slope_tells_over_confidence_from_under_confidence(slope: float) -> None:
    random = np.random.default_rng(3)
    truth = random.normal(-1, 1, 60_000)
    outcome = (random.random(60_000) < 1 / (1 + np.exp(-truth))).astype(float)
    said = 1 / (1 + np.exp(-truth / slope))
    assert calibration_slope(outcome, said) == pytest.approx(slope, abs=0.05)


def test_one_class_and_no_row_give_no_guess() -> None:
    measured = binary_metrics(np.zeros(3), np.array([0.1, 0.2, 0.3]))
    assert np.isnan([measured["auc"], measured["average_precision"], measured["calibration_slope"]]).all()
    assert measured["observed_over_expected"] == 0
    assert binary_metrics(np.empty(0), np.empty(0)) == {"row_count": 0.0}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_top_tenth_holds_the_greatest(values: list[float]) -> None:
    probability = np.array(values)
    top = top_tenth(probability)
    assert len(top) == max(1, round(len(values) / 10))
    assert probability[top].min() >= np.delete(probability, top).max(initial=-1)


def test_loss_and_logits_stay_finite_at_the_ends() -> None:
    assert np.isfinite(row_log_loss(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()
    assert np.isfinite(logits(np.array([0.0, 1.0]))).all()
