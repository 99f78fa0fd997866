"""How straight lines are learned: logistic regression with a ridge, the known signs, and a weight beside the trees.

scikit-learn's has no bounds on coefficients, so SciPy's L-BFGS-B does it: a coefficient of a feature with which risk
may only rise is never negative. Linear algebra runs in one thread, or sums would differ with the number of processors.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from models.churn.boosting import Chosen, Labels, levelled_log_loss
from models.churn.design import Design, Matrix
from models.churn.linear import TREES_ALONE, Column, Linear, Weights, learn_columns, standardised
from models.churn.params import ChurnParams, MonotoneParams
from models.metrics import Numbers

Bounds = list[tuple[float | None, float | None]]

STEPS = 200  # of L-BFGS-B; 20 to 60 are usual
ENOUGH = 1e-8  # of the mean log loss a step must gain, or it was the last


def choose_ridge(
    matrix: Matrix, design: Design, learned: Chosen, validated: Chosen, labels: Labels, params: ChurnParams
) -> float:
    """The ridge of `params.linear.ridges` with the least loss on the validated rows, judged as trees are."""
    seen = learned | validated
    learned, validated, labels = learned[seen], validated[seen], labels.of(seen)
    columns = learn_columns(matrix[seen][learned], design)
    values, bounds = standardised(matrix[seen], columns), _bounds(columns, design, params.monotone)
    losses: dict[float, float] = {}
    found = np.zeros(len(columns) + 1)
    with threadpool_limits(1, "blas"):
        for ridge in sorted(params.linear.ridges, reverse=True):
            found = _fitted(values, learned, labels, ridge, bounds, found)
            said = expit(_log_odds(values[validated], found) + labels.level[validated])
            losses[ridge] = levelled_log_loss(labels.outcome[validated], said, labels.weight[validated])
    return min(losses, key=lambda ridge: losses[ridge])


def grow_linear(
    matrix: Matrix, design: Design, folds: np.ndarray, labels: Mapping[int, Labels], ridge: float, params: ChurnParams
) -> tuple[Linear, dict[int, Numbers]]:
    """The straight lines of all rows by horizon; and log odds of each row from lines that saw no row of its fold.

    Args:
        matrix: rows x features.
        design: of the matrix.
        folds: of each row.
        labels: by horizon, of the rows; one with a single known outcome is left out.
        ridge: what a coefficient costs: half of it x its square, beside the sum of the rows' log loss.
        params: of the repository.

    Returns:
        Lines that weigh nothing yet, and log odds by horizon, without level.
    """
    columns = learn_columns(matrix, design)
    values, bounds = standardised(matrix, columns), _bounds(columns, design, params.monotone)

    def grown(own: Labels) -> tuple[Numbers, Numbers] | None:
        known = ~np.isnan(own.outcome)
        if len(np.unique(own.outcome[known])) < 2:
            return None
        found = _fitted(values, known, own, ridge, bounds, np.zeros(len(columns) + 1))
        said = np.full(len(values), np.nan)
        for fold in np.unique(folds):
            left_out = folds == fold
            learned = known & ~left_out
            if len(np.unique(own.outcome[learned])) == 2:
                blind = _fitted(values, learned, own, ridge, bounds, found)
                said[left_out] = _log_odds(values[left_out], blind)
        return found, said

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(params.threads) as pool:
        growing = {horizon: pool.submit(grown, own) for horizon, own in labels.items()}
        every = {horizon: result for horizon, future in growing.items() if (result := future.result()) is not None}
    linear = Linear(
        columns,
        {horizon: found[:-1] for horizon, (found, _) in every.items()},
        {horizon: float(found[-1]) for horizon, (found, _) in every.items()},
        dict.fromkeys(every, TREES_ALONE),
    )
    return linear, {horizon: said for horizon, (_, said) in every.items()}


def learn_weights(raw: Numbers, outcome: Numbers, weight: Numbers, dates: pd.Series) -> Weights:
    """What the log odds of trees and of lines weigh: a logistic regression on the two, with an intercept for each date.

    None is negative; where neither says anything, the trees speak alone.

    Args:
        raw: rows x 2, log odds without level, of trees and of lines that saw none of these rows.
        outcome: 0 or 1.
        weight: by row.
        dates: as-of date by row.
    """
    columns = np.column_stack([raw, pd.get_dummies(dates).to_numpy(dtype=np.float64)])

    def loss(found: Numbers) -> tuple[float, Numbers]:
        value, residual = _log_loss(columns @ found, outcome, weight)
        return value, residual @ columns

    bounds = [(0, None), (0, None), *[(None, None)] * (columns.shape[1] - 2)]
    start = np.array([0.5, 0.5, *np.zeros(columns.shape[1] - 2)])
    with threadpool_limits(1, "blas"):
        of_trees, of_lines = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x[:2]
    return (float(of_trees), float(of_lines)) if of_trees + of_lines > 0 else TREES_ALONE


def _fitted(values: Matrix, learned: Chosen, labels: Labels, ridge: float, bounds: Bounds, start: Numbers) -> Numbers:
    """Coefficients, then the intercept; rows that are not learned from weigh nothing, so that none is copied."""
    weight = np.where(learned, labels.weight, 0.0)
    outcome, level = np.where(learned, labels.outcome, 0.0), np.where(learned, labels.level, 0.0)
    penalty = ridge / weight.sum()

    def loss(found: Numbers) -> tuple[float, Numbers]:
        slopes = found[:-1]
        value, residual = _log_loss(level + _log_odds(values, found), outcome, weight)
        slope = residual.astype(np.float32) @ values + penalty * slopes
        return value + penalty / 2 * float(slopes @ slopes), np.append(slope, residual.sum())

    settings = {"maxiter": STEPS, "ftol": ENOUGH}
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=settings).x)


def _log_odds(values: Matrix, found: Numbers) -> Numbers:
    return np.asarray(values @ found[:-1].astype(np.float32) + found[-1], dtype=np.float64)


def _log_loss(log_odds: Numbers, outcome: Numbers, weight: Numbers) -> tuple[float, Numbers]:
    """The mean log loss, and by row what it rises by with the row's log odds."""
    total = weight.sum()
    value = weight @ (np.logaddexp(0.0, log_odds) - outcome * log_odds) / total
    return float(value), weight * (expit(log_odds) - outcome) / total


def _bounds(columns: Sequence[Column], design: Design, signs: MonotoneParams) -> Bounds:
    """Of the coefficients, then the intercept. That a value is missing has no sign."""
    known = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}
    of = [0 if column.form == "missing" else signs.sign(design.names[column.feature]) for column in columns]
    return [*(known[sign] for sign in of), known[0]]
