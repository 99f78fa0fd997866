"""From log odds to probabilities: the weights are learned, levels are met, and without lines trees speak alone."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.churn.params import churn_params
from models.churn.shape import learn_shape, level_of

OLD, NEW = date(2025, 1, 1), date(2025, 2, 1)
ROWS = 20_000
CALIBRATION = churn_params().calibration


def _world() -> tuple[np.ndarray, np.ndarray, pd.Series, np.ndarray]:
    """Log odds of trees and lines, each of which knows half; the outcome, the date and the true probability."""
    random = np.random.default_rng(8)
    raw = random.normal(size=(ROWS, 2))
    dates = pd.Series(np.repeat([OLD, NEW], ROWS // 2))
    truth = expit(0.7 * raw.sum(axis=1) + np.where(dates == OLD, -2.0, -1.0))
    return raw, (random.random(ROWS) < truth).astype(float), dates, truth


def test_a_blend_is_told_at_each_dates_own_level() -> None:
    raw, outcome, dates, truth = _world()
    shape = learn_shape(raw, outcome, np.ones(ROWS), dates, CALIBRATION)
    assert shape.weights == pytest.approx((0.7, 0.7), abs=0.06)
    assert np.abs(shape(raw, dates) - truth).mean() < 0.01
    assert set(shape.levels) == {OLD, NEW}


def test_without_lines_trees_speak_alone() -> None:
    raw, outcome, dates, _ = _world()
    raw[:, 1] = np.nan
    shape = learn_shape(raw, outcome, np.ones(ROWS), dates, CALIBRATION)
    assert shape.weights == (1, 0)
    assert (shape.blend(raw) == raw[:, 0]).all()
    assert np.isfinite(shape(raw, dates)).all()


def test_a_date_without_level_says_so() -> None:
    shape = learn_shape(*_world()[:2], np.ones(ROWS), pd.Series([OLD] * ROWS), CALIBRATION)
    assert np.isnan(level_of(pd.Series([NEW]), shape.levels)).all()
