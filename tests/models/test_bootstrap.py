"""Many weightings at once give what `binary_metrics` (scikit-learn) gives one by one, and spreads that theory knows."""

import numpy as np
import pytest

from models import bootstrap
from models.bootstrap import poisson_draws, resampled_metrics
from models.metrics import Numbers, binary_metrics


def _rows(count: int, seed: int = 1) -> tuple[Numbers, Numbers]:
    random = np.random.default_rng(seed)
    truth = random.normal(-1.5, 1, count)
    outcome = (random.random(count) < 1 / (1 + np.exp(-truth))).astype(float)
    return outcome, np.round(1 / (1 + np.exp(-1.3 * truth)), 2).clip(0.01, 0.99)  # with ties


def test_each_replicate_is_what_scikit_learn_says_of_those_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "CELLS", 1500)  # in several pieces
    outcome, probability = _rows(600)
    weight = np.random.default_rng(2).choice([1.0, 3.0], 600)
    draws = poisson_draws(600, seed=3, replicates=5)
    found = resampled_metrics(outcome, probability, weight, draws)
    for number, drawn in enumerate(draws):
        alone = binary_metrics(outcome, probability, weight * np.maximum(drawn, 1e-12))
        for name, values in found.items():
            assert values[number] == pytest.approx(alone[name], rel=1e-4), name


def test_the_spread_of_a_mean_is_its_standard_error() -> None:
    outcome, probability = _rows(2000)
    drawn = poisson_draws(2000, seed=4, replicates=400)
    found = resampled_metrics(outcome, probability, np.ones(2000), drawn)["brier"]
    assert found.std() == pytest.approx(((outcome - probability) ** 2).std() / np.sqrt(2000), rel=0.12)


def test_rows_of_one_unit_are_drawn_together() -> None:
    outcome, probability = _rows(500)
    unit = np.repeat(np.arange(500), 4)
    drawn = poisson_draws(500, seed=5, replicates=300)
    alone = resampled_metrics(outcome, probability, np.ones(500), drawn)["auc"].std()
    fourfold = resampled_metrics(outcome[unit], probability[unit], np.ones(2000), drawn[:, unit])["auc"].std()
    assert fourfold == pytest.approx(alone)


def test_one_outcome_gives_no_guess() -> None:
    found = resampled_metrics(
        np.zeros(3), np.array([0.1, 0.2, 0.3]), np.ones(3), poisson_draws(3, seed=1, replicates=4)
    )
    assert np.isnan([found[name] for name in ("auc", "average_precision", "calibration_slope")]).all()
