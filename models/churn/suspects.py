"""Features that say too much by themselves: mostly a column without history that gives the future away.

What was overwritten since, at leavers otherwise than at stayers, tells them apart as nothing known then could
(docs/decisions/0006). This module measures each feature alone and names those beyond the limit. It takes
nothing out of the model: a feature may also be that good, and only who knows the source can say.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.design import Kind, Matrix, learn_design
from models.metrics import Numbers

BINS = 20  # of a number, by quantile; nulls have one of their own


def single_feature_auc(
    learn: pd.DataFrame, later: pd.DataFrame, kinds: Mapping[str, Kind], labels: Mapping[int, str]
) -> pd.DataFrame:
    """How well each feature alone tells leavers from stayers on dates that come later.

    A customer is given the share that left among earlier customers in the same twentieth of the feature, so
    that a null, a category or a hump counts as much as a slope.

    Args:
        learn: earlier rows of the training set.
        later: rows of the window to judge on.
        kinds: the features and what they are.
        labels: by horizon (days), the column that says who left.

    Returns:
        feature x horizon: AUC; best first by its best horizon. A horizon with one outcome only is left out.
    """
    design = learn_design(learn, kinds)
    before, after = design.matrix(learn), design.matrix(later)
    found: dict[str, dict[int, float]] = {}
    for position, name in enumerate(design.names):
        bins = _bins(before[:, position], after[:, position], is_category=name in design.levels)
        aucs = {horizon: _auc(*bins, learn[label], later[label]) for horizon, label in labels.items()}
        found[name] = {horizon: auc for horizon, auc in aucs.items() if not np.isnan(auc)}
    frame = pd.DataFrame.from_dict(found, orient="index")
    return frame.loc[frame.max(axis=1).sort_values(ascending=False, kind="stable").index]


def suspicion(aucs: pd.DataFrame, limit: float) -> str:
    """One line that names the features beyond the limit; empty where none is."""
    beyond = aucs[(aucs > limit).any(axis=1)]
    if beyond.empty:
        return ""
    named = ", ".join(f"{name} (AUC {best:.2f})" for name, best in beyond.max(axis=1).items())
    return (
        f"churn: beyond {limit:.2f} on the newest window by itself: {named}; "
        "may hold what was known only later (docs/decisions/0006)"
    )


def _bins(before: Matrix, after: Matrix, *, is_category: bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Bin of each row; the greatest is that of nulls."""
    known = before[~np.isnan(before)]
    edges = np.unique(known if is_category else np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else known
    earlier, later = (
        np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values)) for values in (before, after)
    )
    return earlier, later


def _auc(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64], learned: pd.Series, judged: pd.Series) -> float:
    """NaN where nobody or everybody left."""
    outcome, later = (column.to_numpy(dtype=np.float64) for column in (learned, judged))
    is_known, is_judged = ~np.isnan(outcome), ~np.isnan(later)
    if len(np.unique(later[is_judged])) < 2 or not is_known.any():
        return float("nan")
    rates = _rates(before[is_known], outcome[is_known], int(max(before.max(), after.max())) + 1)
    return _rank_auc(rates, after[is_judged], later[is_judged])


def _rank_auc(rates: Numbers, bins: npt.NDArray[np.int64], outcome: Numbers) -> float:
    """AUC of the rate of each row's bin: among pairs, how often the leaver's is greater; a tie counts half."""
    levels, level = np.unique(rates, return_inverse=True)
    left, rows = (np.bincount(level[bins], counted, len(levels)) for counted in (outcome, None))
    stayed = rows - left
    return float(left @ (np.cumsum(stayed) - stayed / 2) / (left.sum() * stayed.sum()))


def _rates(bins: npt.NDArray[np.int64], outcome: Numbers, count: int) -> Numbers:
    """Share that left in each bin, drawn towards the share of all by one row."""
    left, rows = np.bincount(bins, outcome, count), np.bincount(bins, minlength=count)
    return np.asarray((left + outcome.mean()) / (rows + 1))
