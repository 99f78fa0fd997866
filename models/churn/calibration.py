"""From a model's raw score to a probability that holds: monotone, small, and kept as JSON.

Platt's line on the logit where churners are few, beta calibration (Kull, Silva Filho and Flach 2017)
where there are more, isotonic steps joined by straight lines where there are plenty. A score that
turns out to say nothing, or the opposite, is replaced by the base rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from models.churn.params import CalibrationParams
from models.metrics import CLIP, Numbers

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

Method = Literal["constant", "platt", "beta", "isotonic"]


@dataclass(frozen=True)
class Calibration:
    """A monotone map from raw to calibrated probability.

    Attributes:
        method: which family.
        values: constant: (rate,); platt: (slope, intercept); beta: (a, b, intercept) of
            `a ln p - b ln(1 - p) + intercept`; isotonic: raw knots, then as many calibrated ones.
    """

    method: Method
    values: tuple[float, ...]

    def __call__(self, raw: Numbers) -> Numbers:
        clipped = np.clip(raw, CLIP, 1 - CLIP)
        if self.method == "constant":
            return np.full(len(raw), self.values[0])
        if self.method == "isotonic":
            knots = len(self.values) // 2
            return np.asarray(np.interp(clipped, self.values[:knots], self.values[knots:]))
        a, b, intercept = self.values if self.method == "beta" else (self.values[0], *self.values)
        line = a * np.log(clipped) - b * np.log1p(-clipped) + intercept
        return np.asarray(1 / (1 + np.exp(-line)))

    def as_dict(self) -> dict[str, Any]:
        return {"method": self.method, "values": list(self.values)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        return cls(values["method"], tuple(values["values"]))


def calibrate(raw: Numbers, outcome: Numbers, weight: Numbers, params: CalibrationParams) -> Calibration:
    """Learn the map from raw probabilities that the model gave to rows it had not learned from."""
    rate = float(np.average(outcome, weights=weight))
    clipped = np.clip(raw, CLIP, 1 - CLIP)
    if not 0 < rate < 1 or np.ptp(clipped) == 0:
        return constant(rate)
    churners = min(outcome.sum(), len(outcome) - outcome.sum())
    if churners >= params.isotonic_churners:
        return _isotonic(clipped, outcome, weight)
    if churners >= params.beta_churners:
        return _beta(clipped, outcome, weight) or _platt(clipped, outcome, weight) or constant(rate)
    return _platt(clipped, outcome, weight) or constant(rate)


def constant(rate: float) -> Calibration:
    """The same probability for everybody."""
    return Calibration("constant", (float(np.clip(rate, CLIP, 1 - CLIP)),))


def _platt(raw: Numbers, outcome: Numbers, weight: Numbers) -> Calibration | None:
    fit = _line((np.log(raw) - np.log1p(-raw))[:, None], outcome, weight)
    slope, intercept = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    return Calibration("platt", (slope, intercept)) if slope > 0 else None


def _beta(raw: Numbers, outcome: Numbers, weight: Numbers) -> Calibration | None:
    """Both powers must be positive, or the map would not be monotone."""
    fit = _line(np.column_stack([np.log(raw), -np.log1p(-raw)]), outcome, weight)
    a, b = (float(value) for value in fit.coef_[0])
    return Calibration("beta", (a, b, float(fit.intercept_[0]))) if a > 0 and b > 0 else None


def _line(columns: Numbers, outcome: Numbers, weight: Numbers) -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression  # a second; scoring applies what was learned, and does without

    return LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(columns, outcome, sample_weight=weight)


def _isotonic(raw: Numbers, outcome: Numbers, weight: Numbers) -> Calibration:
    """Steps at their weighted centres, so that scores within a step keep their order (Oron and Flournoy 2017)."""
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(y_min=CLIP, y_max=1 - CLIP).fit_transform(raw, outcome, sample_weight=weight)
    levels, group = np.unique(steps, return_inverse=True)
    centres = np.bincount(group, weights=raw * weight) / np.bincount(group, weights=weight)
    return Calibration("isotonic", (*centres.tolist(), *levels.tolist()))
