"""The straight lines: what a column is, what it adds, and that the parts make the whole."""

import json

import numpy as np
import pytest

from models.churn.design import Design
from models.churn.linear import Column, Linear, blended, learn_columns, standardised

DESIGN = Design(("calls", "plan", "csat", "is_new"), {"plan": ("basic", "plus", "pro")})
NAN = np.nan


def _matrix(rows: int = 400, seed: int = 3) -> np.ndarray:
    random = np.random.default_rng(seed)
    plan = random.choice([0.0, 1, 2], rows, p=[0.6, 0.38, 0.02])
    csat = np.where(random.random(rows) < 0.3, NAN, random.integers(1, 6, rows))
    return np.column_stack([random.poisson(4, rows), plan, csat, random.random(rows) < 0.2]).astype(np.float32)


def _linear(columns: tuple[Column, ...]) -> Linear:
    random = np.random.default_rng(5)
    coefficients = {horizon: random.normal(size=len(columns)) for horizon in (30, 90)}
    return Linear(columns, coefficients, {30: -2.0, 90: -1.0}, {30: (1.0, 0.25), 90: (0.5, 0.5)})


def test_each_kind_of_feature_has_its_columns() -> None:
    found = [(DESIGN.names[c.feature], c.form, c.word) for c in learn_columns(_matrix(), DESIGN)]
    assert found == [
        ("calls", "value", 0), ("calls", "log", 0), ("plan", "word", 0), ("plan", "word", 1),
        ("csat", "value", 0), ("csat", "log", 0), ("csat", "missing", 0), ("is_new", "value", 0),
    ]  # fmt: skip
    assert (_matrix()[:, 1] == 2).sum() < 20  # which is why the third word has none


def test_columns_are_standardised_and_what_is_missing_is_the_mean() -> None:
    matrix = _matrix()
    values = standardised(matrix, learn_columns(matrix, DESIGN))
    assert values.mean(axis=0) == pytest.approx(np.zeros(8), abs=0.02)  # the furthest count as four
    of_csat = values[:, 4][~np.isnan(matrix[:, 2])]
    assert of_csat.std() == pytest.approx(1, abs=1e-5)
    assert (values[:, 4][np.isnan(matrix[:, 2])] == 0).all()


def test_a_column_worked_by_hand() -> None:
    values = np.array([0.0, 3.0, -3.0, NAN, 1e9], dtype=np.float32)
    log = Column(0, "log", 0, 0.0, np.log(2.0))
    assert log.of(values) == pytest.approx([0, 2, -2, 0, 4])  # ln(1 + 3) = 2 ln 2; a billion counts as four
    assert Column(0, "missing", 0, 0.5, 0.5).of(values) == pytest.approx([-1, -1, -1, 1, -1])
    assert Column(0, "word", 3, 0.2, 0.4).of(values) == pytest.approx([-0.5, 2, -0.5, -0.5, -0.5])


def test_nothing_is_learned_of_what_hardly_varies_or_is_hardly_known() -> None:
    rows = 100
    hardly_known = np.full(rows, NAN)
    hardly_known[:19] = np.arange(19)
    matrix = np.column_stack([hardly_known, np.zeros(rows), np.full(rows, NAN), np.ones(rows)]).astype(np.float32)
    assert learn_columns(matrix, DESIGN) == ()  # 19 known are too few, for their values and for what is missing
    assert learn_columns(matrix[:0], DESIGN) == ()


def test_parts_add_up_to_the_log_odds_less_the_intercept() -> None:
    linear, unseen = _linear(learn_columns(_matrix(), DESIGN)), _matrix(50, seed=9)
    unseen[0] = NAN
    for horizon, intercept in linear.intercepts.items():
        parts = linear.parts(unseen, horizon)
        assert parts.shape == unseen.shape
        assert parts.sum(axis=1) + intercept == pytest.approx(linear.log_odds(unseen)[horizon])
    values = standardised(unseen, linear.columns)
    assert linear.log_odds(unseen)[90] == pytest.approx(values @ linear.coefficients[90] - 1.0, abs=1e-5)


def test_what_a_feature_moves_is_counted_in_either_direction() -> None:
    columns = (Column(0, "value", 0, 0.0, 1.0), Column(0, "log", 0, 0.0, 1.0), Column(2, "missing", 0, 0.5, 0.5))
    linear = Linear(columns, {90: np.array([0.5, -0.25, 0.1])}, {90: 0.0}, {90: (0.5, 0.5)})
    assert linear.moves(90, 4) == pytest.approx([0.75, 0, 0.1, 0])


def test_json_gives_the_lines_back() -> None:
    linear = _linear(learn_columns(_matrix(), DESIGN))
    read = Linear.from_dict(json.loads(json.dumps(linear.as_dict())))
    assert (read.columns, read.weights) == (linear.columns, linear.weights)
    assert (read.log_odds(_matrix())[30] == linear.log_odds(_matrix())[30]).all()


def test_a_blend_is_of_log_odds_and_nothing_of_lines_that_weigh_nothing() -> None:
    assert blended(np.array([1.0]), np.array([3.0]), (0.5, 0.25)) == pytest.approx([1.25])
    assert blended(np.array([1.0]), np.array([NAN]), (1.0, 0.0)) == pytest.approx([1.0])
