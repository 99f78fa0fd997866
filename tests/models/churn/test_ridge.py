"""Learning the straight lines: beside scikit-learn, with signs, blind to those left out, and what they weigh."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models.churn.boosting import Labels
from models.churn.design import Design
from models.churn.linear import standardised
from models.churn.params import ChurnParams, churn_params
from models.churn.ridge import choose_ridge, grow_linear, learn_weights

DESIGN = Design(("rises", "falls", "noise"), {})
ROWS = 3000


def _params(rising: tuple[str, ...] = (), falling: tuple[str, ...] = ()) -> ChurnParams:
    own = churn_params()
    return own.model_copy(update={"monotone": own.monotone.model_copy(update={"rising": rising, "falling": falling})})


def _world(rows: int = ROWS, seed: int = 3) -> tuple[np.ndarray, Labels, np.ndarray]:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, 3)).astype(np.float32)
    outcome = (random.random(rows) < expit(0.8 * matrix[:, 0] - 0.5 * matrix[:, 1] - 1)).astype(float)
    labels = Labels(outcome, random.uniform(0.5, 2, rows), np.zeros(rows))
    return matrix, labels, random.integers(0, 4, rows)


def test_it_is_scikit_learns_ridge_where_no_sign_is_known() -> None:
    matrix, labels, folds = _world()
    linear, _ = grow_linear(matrix, DESIGN, folds, {90: labels}, 50.0, _params())
    values = standardised(matrix, linear.columns)
    theirs = LogisticRegression(C=1 / 50, tol=1e-10, max_iter=10_000)
    theirs.fit(values, labels.outcome, sample_weight=labels.weight)
    assert linear.coefficients[90] == pytest.approx(theirs.coef_[0], abs=5e-3)
    assert linear.intercepts[90] == pytest.approx(theirs.intercept_[0], abs=5e-3)


def test_the_level_of_a_date_is_not_learned_again() -> None:
    matrix, labels, folds = _world()
    linear, _ = grow_linear(matrix, DESIGN, folds, {90: labels}, 50.0, _params())
    shifted, _ = grow_linear(matrix, DESIGN, folds, {90: replace(labels, level=np.full(ROWS, -1.0))}, 50.0, _params())
    assert shifted.intercepts[90] == pytest.approx(linear.intercepts[90] + 1, abs=5e-3)
    assert shifted.coefficients[90] == pytest.approx(linear.coefficients[90], abs=5e-3)


def test_a_known_sign_holds_against_the_data() -> None:
    matrix, labels, folds = _world()
    wrong = _params(rising=("falls",), falling=("rises",))
    linear, _ = grow_linear(matrix, DESIGN, folds, {90: labels}, 1.0, wrong)
    by_name = [(DESIGN.names[c.feature], b) for c, b in zip(linear.columns, linear.coefficients[90], strict=True)]
    assert all(b >= 0 for name, b in by_name if name == "falls")
    assert all(b <= 0 for name, b in by_name if name == "rises")
    at = np.zeros((9, 3), dtype=np.float32)
    at[:, 0] = np.linspace(-6, 6, 9)
    assert (np.diff(linear.log_odds(at)[90]) <= 0).all()
    free, _ = grow_linear(matrix, DESIGN, folds, {90: labels}, 1.0, _params())
    assert (np.diff(free.log_odds(at)[90]) >= 0).all()


def test_that_a_value_is_missing_has_no_sign() -> None:
    matrix, labels, folds = _world()
    is_missing = (labels.outcome == 0) & (np.arange(ROWS) % 2 == 0)  # missing means staying
    matrix[is_missing, 0] = np.nan
    linear, _ = grow_linear(matrix, DESIGN, folds, {90: labels}, 1.0, _params(rising=("rises",)))
    position = [column.form for column in linear.columns].index("missing")
    assert linear.coefficients[90][position] < -0.5


def test_what_is_said_of_a_fold_knows_nothing_of_its_labels() -> None:
    matrix, labels, folds = _world()
    own = folds == 2
    turned = replace(labels, outcome=np.where(own, 1 - labels.outcome, labels.outcome))
    (_, said), (_, again) = (grow_linear(matrix, DESIGN, folds, {90: one}, 50.0, _params()) for one in (labels, turned))
    assert said[90][own] == pytest.approx(again[90][own], abs=2e-3)
    assert np.abs(said[90][~own] - again[90][~own]).mean() > 0.1
    unknown = replace(labels, outcome=np.where(own, np.nan, labels.outcome))
    assert grow_linear(matrix, DESIGN, folds, {90: unknown}, 50.0, _params())[1][90][own] == pytest.approx(
        said[90][own], abs=2e-3
    )


def test_a_horizon_with_one_outcome_is_left_out() -> None:
    matrix, labels, folds = _world(200)
    stayed = replace(labels, outcome=np.zeros(200))
    linear, said = grow_linear(matrix, DESIGN, folds, {30: stayed, 90: labels}, 50.0, _params())
    assert (set(linear.coefficients), set(linear.weights), set(said)) == ({90}, {90}, {90})


def test_the_ridge_is_strong_where_rows_are_few_and_weak_where_there_is_much_to_learn() -> None:
    random = np.random.default_rng(4)
    design = Design(tuple(f"x{position}" for position in range(40)), {})
    chosen = []
    for rows, slope in ((200, 0.1), (6000, 1.0)):
        matrix = random.normal(size=(rows, 40)).astype(np.float32)
        outcome = (random.random(rows) < expit(slope * matrix[:, :5].sum(axis=1))).astype(float)
        is_later = np.arange(rows) % 2 == 0
        labels = Labels(outcome, np.ones(rows), np.zeros(rows))
        chosen.append(choose_ridge(matrix, design, ~is_later, is_later, labels, _params()))
    assert chosen[0] >= 100
    assert chosen[1] <= 10


def test_who_knows_more_weighs_more() -> None:
    random = np.random.default_rng(6)
    one, other, noise = random.normal(size=(3, 20_000))
    dates = pd.Series(np.arange(20_000) // 10_000)
    outcome = (random.random(20_000) < expit(one + other - 2 * dates)).astype(float)

    def weights(trees: np.ndarray, lines: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
        weight = np.ones(20_000) if weight is None else weight
        return learn_weights(np.column_stack([trees, lines]), outcome, weight, dates)

    assert weights(one, 2 * other) == pytest.approx((1, 0.5), abs=0.06)
    assert weights(noise, one + other) == pytest.approx((0, 1), abs=0.06)
    assert weights(one + other, -other) == pytest.approx((1, 0), abs=0.06)  # never against what it says
    assert weights(-one, -other) == (1, 0)
    reversed_later = np.where(dates == 0, other, -other)
    assert weights(one, reversed_later, np.where(dates == 0, 50.0, 0.02)) == pytest.approx((1, 1), abs=0.08)
