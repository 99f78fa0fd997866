"""How far tonight's customers are from those that the model learned from: by effect size, never by significance.

The population stability index compares shares of bins: the sum of (now - before) ln(now / before), a symmetric
Kullback-Leibler divergence (Jeffreys 1946). Credit scoring calls below 0.1 stable and above 0.25 shifted (Siddiqi
2006). Of two samples from one population it is not zero but about (bins - 1)(1/n + 1/m) (Yurdakul 2018), which is
taken off: so neither many customers nor few raise an alarm by their number alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.churn.design import Design, Matrix
from models.churn.params import DriftParams
from models.metrics import Numbers
from models.splits import customer_sample

BINS = 10  # of a number: deciles of what was learned from
SMOOTHING = 0.5  # rows added to each bin, so that an empty one has a logarithm
SCORE, FEATURE = "score", "feature"


@dataclass(frozen=True)
class Histogram:
    """How many rows of the newest training date lay in each bin.

    Attributes:
        edges: between bins, ascending; a value on an edge belongs to the bin above.
        counts: of the bins, one more than the edges; the last entry counts the missing.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def missing_share(self) -> float:
        return self.counts[-1] / max(1, sum(self.counts))


@dataclass(frozen=True)
class Reference:
    """What the newest customers that a model learned from looked like.

    Attributes:
        as_of_on: their date (ISO).
        score: of the main horizon's probability, said by trees that never saw the customer.
        features: by name, of the design's columns.
    """

    as_of_on: str
    score: Histogram
    features: Mapping[str, Histogram]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Reference":
        def histogram(one: Mapping[str, Any]) -> Histogram:
            return Histogram(tuple(one["edges"]), tuple(one["counts"]))

        features = {name: histogram(one) for name, one in values["features"].items()}
        return cls(values["as_of_on"], histogram(values["score"]), features)


def reference_of(as_of_on: str, design: Design, matrix: Matrix, probability: Numbers) -> Reference:
    """What a model keeps of the customers it learned from: counts of bins, and no row.

    Args:
        as_of_on: ISO date of the rows.
        design: of the matrix.
        matrix: rows x features.
        probability: of the main horizon, by row; from trees that never saw the customer, or it would be too sure.
    """
    features = {}
    for position, name in enumerate(design.names):
        edges = _between_codes(len(design.levels[name])) if name in design.levels else _deciles(matrix[:, position])
        features[name] = Histogram(edges, _counts(matrix[:, position], edges))
    edges = _deciles(probability)
    return Reference(as_of_on, Histogram(edges, _counts(probability, edges)), features)


def measure_drift(
    reference: Reference, design: Design, rows: pd.DataFrame, probability: Numbers, gain: pd.Series, limits: DriftParams
) -> pd.DataFrame:
    """Score and features of tonight's customers against the reference.

    Args:
        reference: kept with the model.
        design: of the model.
        rows: tonight's customers; of many, a sample of `limits.max_rows` is looked at.
        probability: what the model says of them on the main horizon.
        gain: by feature, what the model's trees go by (`ChurnModel.importance`).
        limits: of `models/params/churn.yml`.

    Returns:
        kind x subject: `score` first, then the features by the gain they carry: stability_index, is_drifted, gain_share
        (null for the score), missing_share_before, missing_share_now, reference_count, current_count.
    """
    is_looked_at = customer_sample(rows["customer_id"], limits.max_rows / max(1, len(rows)))
    rows, probability = rows[is_looked_at], probability[is_looked_at]
    matrix = design.matrix(rows)
    share = gain.reindex(design.names, fill_value=0.0) / max(float(gain.sum()), 1e-12)
    lines = [_compared(SCORE, SCORE, reference.score, probability, np.nan, limits.stability_limit)]
    for name in share.sort_values(ascending=False, kind="stable").index:
        column = matrix[:, design.names.index(name)]
        before = reference.features[name]
        limit = np.inf if name in limits.calendar else limits.stability_limit
        lines.append(_compared(FEATURE, name, before, column, float(share[name]), limit))
    return pd.DataFrame(lines)


def drift_verdict(drift: pd.DataFrame, limits: DriftParams) -> str:
    """Why the model should be trained again, in one sentence; empty where nothing is past its limit."""
    drifted = drift[drift["is_drifted"]]
    score = drifted[drifted["kind"] == SCORE]
    if len(score):
        index = float(score["stability_index"].iloc[0])
        return f"the risks have shifted: stability index {index:.2f}, limit {limits.stability_limit:.2f}"
    features = drifted[drifted["kind"] == FEATURE]
    share = float(features["gain_share"].sum())
    if share < limits.gain_share:
        return ""
    return f"features that carry {share:.0%} of what the model goes by have shifted: {_named(features['subject'])}"


def stability_index(before: Sequence[int], now: Sequence[int]) -> float:
    """The index of two sets of counts over the same bins, less what chance alone gives; not below 0.

    Of a million rows each, half and half before and 60 to 40 now: 0.1 ln 1.2 - 0.1 ln 0.8 = 0.0405.
    """
    counts = np.array([before, now], dtype=np.float64)
    counts = counts[:, counts.sum(axis=0) > 0]
    totals, bins = counts.sum(axis=1, keepdims=True), counts.shape[1]
    if bins < 2 or not totals.all():
        return 0.0
    shares = (counts + SMOOTHING) / (totals + SMOOTHING * bins)
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    by_chance = float((bins - 1) * (1 / totals).sum())
    return max(0.0, index - by_chance)


def _compared(
    kind: str, subject: str, before: Histogram, values: Matrix | Numbers, gain_share: float, limit: float
) -> dict[str, Any]:
    now = Histogram(before.edges, _counts(values, before.edges))
    index = stability_index(before.counts, now.counts)
    return {
        "kind": kind, "subject": subject, "stability_index": index, "is_drifted": index > limit,
        "gain_share": gain_share, "missing_share_before": before.missing_share,
        "missing_share_now": now.missing_share, "reference_count": sum(before.counts), "current_count": len(values),
    }  # fmt: skip


def _deciles(values: Matrix | Numbers) -> tuple[float, ...]:
    """Edges between tenths, as many as differ; a value that most rows share has a bin for itself."""
    known = values[~np.isnan(values)]
    if not len(known):
        return ()
    edges = np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf")
    above = np.nextafter(edges, np.inf, dtype=edges.dtype)
    return tuple(float(edge) for edge in np.unique(np.concatenate([edges, above[np.diff(edges, append=np.inf) == 0]])))


def _between_codes(levels: int) -> tuple[float, ...]:
    return tuple(code + 0.5 for code in range(levels - 1))


def _counts(values: Matrix | Numbers, edges: Sequence[float]) -> tuple[int, ...]:
    is_missing = np.isnan(values)
    bins = np.searchsorted(np.array(edges), values[~is_missing].astype(np.float64), side="right")
    return (*np.bincount(bins, minlength=len(edges) + 1).tolist(), int(is_missing.sum()))


def _named(names: pd.Series, most: int = 5) -> str:
    shown = ", ".join(names.head(most))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
