"""How well probabilities told what happened: discrimination, calibration, and what the top of the list is worth.

All take the outcome (1: left) and the probability, in the same order, with optional weights. What
cannot be computed (an AUC with one class) is NaN, never a guess.
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

CLIP = 1e-6
TOP_SHARE = 0.1


def binary_metrics(outcome: Numbers, probability: Numbers, weight: Numbers | None = None) -> dict[str, float]:
    """The table by which churn models are compared.

    Args:
        outcome: 0 or 1 by row.
        probability: predicted probability of 1 by row.
        weight: by row; ones where not given.

    Returns:
        row_count, outcome_rate, auc, average_precision, log_loss (natural log), brier,
        calibration_slope (of the outcome on the predicted logit; 1 is ideal, below 1 is
        over-confident), observed_over_expected, top_observed_over_expected and top_lift (both in the
        tenth with the greatest probability).
    """
    from sklearn.metrics import log_loss, roc_auc_score  # a second; only where something is judged

    weight = np.ones(len(outcome)) if weight is None else weight
    if not len(outcome):
        return {"row_count": 0.0}
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    has_both = 0 < outcome.sum() < len(outcome)
    top = top_tenth(probability)
    rate = float(np.average(outcome, weights=weight))
    return {
        "row_count": float(len(outcome)),
        "outcome_rate": rate,
        "auc": float(roc_auc_score(outcome, probability, sample_weight=weight)) if has_both else np.nan,
        "average_precision": _average_precision(outcome, probability, weight) if has_both else np.nan,
        "log_loss": float(log_loss(outcome, clipped, sample_weight=weight, labels=[0, 1])),
        "brier": float(np.average((outcome - probability) ** 2, weights=weight)),
        "calibration_slope": calibration_slope(outcome, probability, weight) if has_both else np.nan,
        "observed_over_expected": _ratio((outcome * weight).sum(), (clipped * weight).sum()),
        "top_observed_over_expected": _ratio((outcome * weight)[top].sum(), (clipped * weight)[top].sum()),
        "top_lift": _ratio(float(np.average(outcome[top], weights=weight[top])), rate),
    }


def top_tenth(probability: Numbers) -> npt.NDArray[np.int64]:
    """Positions of the tenth with the greatest probability (at least one); ties by position."""
    count = max(1, round(len(probability) * TOP_SHARE))
    return np.argsort(-probability, kind="stable")[:count]


def calibration_slope(outcome: Numbers, probability: Numbers, weight: Numbers | None = None) -> float:
    """Slope of a logistic regression of the outcome on the predicted logit (Cox 1958); NaN for one constant."""
    from sklearn.linear_model import LogisticRegression

    logit = logits(probability)
    if np.ptp(logit) == 0:
        return float("nan")
    fit = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(logit[:, None], outcome, sample_weight=weight)
    return float(fit.coef_[0, 0])


def logits(probability: Numbers) -> Numbers:
    """Log odds, clipped to about +-13.8."""
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def row_log_loss(outcome: Numbers, probability: Numbers) -> Numbers:
    """Log loss of each row, for paired comparisons of two models on the same rows."""
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    return np.asarray(-(outcome * np.log(clipped) + (1 - outcome) * np.log1p(-clipped)))


def _average_precision(outcome: Numbers, probability: Numbers, weight: Numbers) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(outcome, probability, sample_weight=weight))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
