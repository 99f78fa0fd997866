"""The measures of `models.metrics` under many weightings of the same rows at once: how sure they are.

A bootstrap draws units, not rows: whoever belongs together (the customers of an account, the dates of a
customer) is drawn together. Each replicate gives every unit a Poisson count of mean one, which is the
multinomial bootstrap without its fixed total, and needs no row to be copied.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.metrics import Numbers, logits, row_log_loss, top_tenth

REPLICATES = 200
CELLS = 2_000_000  # of replicate x row that are in memory together
NEWTON_STEPS = 8

Counts = npt.NDArray[np.uint8]


def poisson_draws(units: int, seed: int, replicates: int = REPLICATES) -> Counts:
    """How often each unit is drawn: replicates x units."""
    return np.random.default_rng(seed).poisson(1.0, (replicates, units)).astype(np.uint8)


def resampled_metrics(outcome: Numbers, probability: Numbers, weight: Numbers, draws: Counts) -> dict[str, Numbers]:
    """The measures of `binary_metrics` in each replicate.

    The top tenth is the one of all rows: in a replicate its customers count as often as they were drawn.

    Args:
        outcome: 0 or 1 by row.
        probability: by row.
        weight: by row.
        draws: replicates x rows.

    Returns:
        By measure, one value a replicate; NaN where a replicate holds one outcome only.
    """
    order = np.argsort(-probability, kind="stable")
    rows = _Ordered(outcome[order], probability[order], len(top_tenth(probability)))
    parts = [rows.measured(part * weight[order]) for part in _pieces(draws[:, order])]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _pieces(draws: Counts) -> Iterator[Counts]:
    at_once = max(1, CELLS // max(1, draws.shape[1]))
    for start in range(0, len(draws), at_once):
        yield draws[start : start + at_once]


class _Ordered:
    """Rows by falling probability, of which everything but the weights is known."""

    def __init__(self, outcome: Numbers, probability: Numbers, top: int) -> None:
        self.outcome, self.probability, self.top = outcome, probability, top
        self.loss = np.column_stack([row_log_loss(outcome, probability), (outcome - probability) ** 2, probability])
        self.ends = np.flatnonzero(np.append(np.diff(probability) != 0, [True]))  # last of those with one probability

    def measured(self, weights: Numbers) -> dict[str, Numbers]:
        """Weights: replicates x rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            total, sums = weights.sum(axis=1), weights @ self.loss
            left = np.cumsum(weights * self.outcome, axis=1)[:, self.ends]
            seen = np.cumsum(weights, axis=1)[:, self.ends]
            all_left, stayed = left[:, -1], total - left[:, -1]
            new_left = np.diff(left, axis=1, prepend=0)
            new_stayed = np.diff(seen - left, axis=1, prepend=0)
            precision = np.divide(left, seen, out=np.zeros_like(left), where=seen > 0)
            top = weights[:, : self.top]
            top_left, top_total = top @ self.outcome[: self.top], top.sum(axis=1)
            both = np.where((all_left > 0) & (stayed > 0), 1.0, np.nan)
            return {
                "auc": both * (new_stayed * (left - new_left / 2)).sum(axis=1) / (all_left * stayed),
                "average_precision": both * (new_left * precision).sum(axis=1) / all_left,
                "log_loss": sums[:, 0] / total,
                "brier": sums[:, 1] / total,
                "calibration_slope": both * self._slope(weights),
                "observed_over_expected": all_left / sums[:, 2],
                "top_observed_over_expected": top_left / (top @ self.probability[: self.top]),
                "top_lift": top_left / top_total / (all_left / total),
            }

    def _slope(self, weights: Numbers) -> Numbers:
        """Of the outcome on the predicted log odds, by Newton's method from a perfect calibration."""
        logit = logits(self.probability)
        if np.ptp(logit) == 0:
            return np.full(len(weights), np.nan)
        powers = np.column_stack([np.ones_like(logit), logit, logit**2])
        level, slope = np.zeros(len(weights)), np.ones(len(weights))
        for _ in range(NEWTON_STEPS):
            chance = expit(level[:, None] + slope[:, None] * logit)
            miss = (weights * (self.outcome - chance)) @ powers[:, :2]
            bend = (weights * chance * (1 - chance)) @ powers
            determinant = bend[:, 0] * bend[:, 2] - bend[:, 1] ** 2
            level = level + (bend[:, 2] * miss[:, 0] - bend[:, 1] * miss[:, 1]) / determinant
            slope = slope + (bend[:, 0] * miss[:, 1] - bend[:, 1] * miss[:, 0]) / determinant
        return slope
