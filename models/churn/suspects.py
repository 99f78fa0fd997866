"""Features that say too much by themselves: mostly a column without history that gives the future away.

What was overwritten since, at leavers otherwise than at stayers, tells them apart as nothing known then could
(docs/decisions/0006). This module measures each feature alone and names those beyond the limit. It takes
nothing out of the model: a feature may also be that good, and only who knows the source can say.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.design import Kind, Matrix, learn_design
from models.metrics import Numbers

LAST_DAYS = 14  # before leaving
LAST_DAYS_RATIO = 3.0  # so many times as often as elsewhere; of the demo's honest features none passes 1.6
LEAST_SEEN = 10  # customers, below which a share says nothing
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


def last_days(rows: pd.DataFrame, kinds: Mapping[str, Kind], horizon_label: str) -> pd.DataFrame:
    """What is there, or gone, mostly in the last days before a customer leaves: the decision, and not a sign of it.

    A number is there where it is neither null nor zero; of a category each word is. Leavers of whom a date lies in
    their last fortnight are compared with leavers on earlier dates, and with customers who stayed.

    Args:
        rows: of the training set, with `days_until_left`.
        kinds: the features and what they are.
        horizon_label: column that says who stayed (0) within the longest horizon.

    Returns:
        feature (`<name>`, `<name> = <word>`, `no <name>`), share_last_days, share_earlier, share_stayers, ratio (the
        first over the greater of the others); greatest first, of those seen at ten or more leavers.
    """
    days, stayed = rows["days_until_left"], (rows[horizon_label] == 0).to_numpy()
    groups = {"last_days": (days <= LAST_DAYS).to_numpy(), "earlier": (days > LAST_DAYS).to_numpy(), "stayers": stayed}
    columns = ["feature", *(f"share_{name}" for name in groups), "ratio"]
    if min(int(group.sum()) for group in groups.values()) < LEAST_SEEN:
        return pd.DataFrame(columns=columns)
    found = []
    for name, is_there in _signs(rows, kinds):
        seen = {group: int(is_there[chosen].sum()) for group, chosen in groups.items()}
        # one more row that shows it in each group: nothing is infinitely rarer for want of rows
        shares = {group: (count + 1) / (int(groups[group].sum()) + 1) for group, count in seen.items()}
        if seen["last_days"] >= LEAST_SEEN:
            found.append((name, *shares.values(), shares["last_days"] / max(shares["earlier"], shares["stayers"])))
    return pd.DataFrame(found, columns=columns).sort_values("ratio", ascending=False, ignore_index=True)


def announcement(found: pd.DataFrame) -> str:
    """One line that names what appears mostly in leavers' last days; empty where nothing does."""
    beyond = found[found["ratio"] >= LAST_DAYS_RATIO]
    if beyond.empty:
        return ""
    named = ", ".join(
        f"{name} ({last:.0%} of leavers then, {max(earlier, stayers):.1%} else)"
        for name, last, earlier, stayers in zip(
            beyond["feature"], beyond["share_last_days"], beyond["share_earlier"], beyond["share_stayers"], strict=True
        )
    )
    return (
        f"churn: mostly in the last {LAST_DAYS} days before leaving: {named}; may announce a decision that was taken "
        "(announcing_topics, docs/decisions/0006)"
    )


def _signs(rows: pd.DataFrame, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Each way in which a feature can be there: a name, and whether it is, by row."""
    design = learn_design(rows, kinds)
    matrix = design.matrix(rows)
    for position, name in enumerate(design.names):
        values = matrix[:, position]
        if name in design.levels:
            yield from ((f"{name} = {word}", values == code) for code, word in enumerate(design.levels[name]))
            yield f"no {name}", np.isnan(values)
        else:
            is_there = ~np.isnan(values) & (values != 0)
            yield name, is_there
            yield f"no {name}", ~is_there


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
