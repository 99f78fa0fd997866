"""How log odds become probabilities: what trees and straight lines weigh, each date's level, and the calibration.

All three are learned from what trees and lines say of customers whom they never saw.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from models.churn.calibration import Calibration, calibrate
from models.churn.level import Levels, date_levels
from models.churn.linear import TREES_ALONE, Weights, blended
from models.churn.params import CalibrationParams
from models.churn.ridge import learn_weights
from models.metrics import Numbers


@dataclass(frozen=True)
class Shape:
    """What stands between log odds and probabilities.

    Attributes:
        calibration: from levelled to calibrated probability.
        levels: by as-of date; none where nothing could be judged.
        weights: of trees and lines.
    """

    calibration: Calibration
    levels: Levels
    weights: Weights

    def blend(self, raw: Numbers) -> Numbers:
        """Log odds without level, from rows x 2: those of trees, those of lines."""
        return blended(raw[:, 0], raw[:, 1], self.weights)

    def __call__(self, raw: Numbers, dates: pd.Series) -> Numbers:
        """Probabilities at each date's own level; what cannot be told counts as even before calibration."""
        return self.calibration(np.nan_to_num(expit(self.blend(raw) + level_of(dates, self.levels)), nan=0.5))


def learn_shape(raw: Numbers, outcome: Numbers, weight: Numbers, dates: pd.Series, params: CalibrationParams) -> Shape:
    """The shape of rows whose label is known.

    Args:
        raw: rows x 2, log odds without level: of trees, of lines (NaN where none could be learned: trees alone speak).
        outcome: 0 or 1.
        weight: by row.
        dates: as-of date by row.
        params: of the calibration.
    """
    weights = TREES_ALONE if np.isnan(raw).any() else learn_weights(raw, outcome, weight, dates)
    said = blended(raw[:, 0], raw[:, 1], weights)
    levels = date_levels(said, outcome, weight, dates)
    calibration = calibrate(expit(said + level_of(dates, levels)), outcome, weight, params)
    return Shape(calibration, levels, weights)


def level_of(dates: pd.Series, levels: Levels) -> Numbers:
    """The level of each row's date; NaN where it has none."""
    values = dates.map({day: level.value for day, level in levels.items()})
    return np.asarray(values.to_numpy(dtype=np.float64), dtype=np.float64)
