"""The straight lines beside the trees: standardised columns of the features, and what they add to the log odds.

A number enters as it is and as log(1 + x), so a constant step and a constant factor are both a straight line; what is
missing has a column of its own, and so has each word that is not rare. Values beyond four standard deviations count as
four: a customer unlike all others gets no score unlike all others. How they are learned: `models/churn/ridge.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models.churn.design import Design, Matrix
from models.metrics import Numbers

LEAST_ROWS = 20  # that have what a column is about, and that have not
FURTHEST = 4.0  # standard deviations
NO_SPREAD = 1e-6  # a standard deviation below it is rounding

Weights = tuple[float, float]  # of trees, of lines
TREES_ALONE: Weights = (1.0, 0.0)

Form = Literal["value", "log", "missing", "word"]


@dataclass(frozen=True)
class Column:
    """One column of the straight lines.

    Attributes:
        feature: position in the design.
        form: the number itself, log(1 + x) with x's sign, whether it is missing, or whether it is this word.
        word: position of the word among the feature's; 0 for other forms.
        mean: of the rows learned from; where a number is missing it counts as the mean.
        spread: their standard deviation.
    """

    feature: int
    form: Form
    word: int
    mean: float
    spread: float

    def of(self, values: Matrix) -> Matrix:
        """Standardised, from the feature's column of the design's matrix."""
        shaped = _shaped(values, self.form, self.word)
        standard = np.clip((shaped - np.float32(self.mean)) / np.float32(self.spread), -FURTHEST, FURTHEST)
        filled: Matrix = np.nan_to_num(standard, nan=0.0)
        return filled


@dataclass(frozen=True)
class Linear:
    """A logistic regression for each horizon, and what it weighs beside the trees.

    Attributes:
        columns: the same for all horizons.
        coefficients: by horizon, of the columns: log odds a standard deviation.
        intercepts: by horizon.
        weights: by horizon, of the trees' log odds and of the lines', none of them negative.
    """

    columns: tuple[Column, ...]
    coefficients: Mapping[int, Numbers]
    intercepts: Mapping[int, float]
    weights: Mapping[int, Weights]

    def log_odds(self, matrix: Matrix) -> dict[int, Numbers]:
        """By horizon, without level; a pass over the columns, so that a million rows need no second matrix.

        Args:
            matrix: rows x features, of the design.
        """
        said = {horizon: np.full(len(matrix), intercept) for horizon, intercept in self.intercepts.items()}
        for position, values in _standardised(matrix, self.columns):
            for horizon, coefficients in self.coefficients.items():
                if coefficients[position]:
                    said[horizon] += coefficients[position] * values
        return said

    def parts(self, matrix: Matrix, horizon: int) -> Numbers:
        """Rows x features: what each adds to `log_odds`; they add up to it less the intercept."""
        parts = np.zeros(matrix.shape, dtype=np.float64)
        for position, values in _standardised(matrix, self.columns):
            parts[:, self.columns[position].feature] += self.coefficients[horizon][position] * values
        return parts

    def moves(self, horizon: int, features: int) -> Numbers:
        """By feature the absolute log odds that a standard deviation of its columns moves."""
        owners = [column.feature for column in self.columns]
        return np.asarray(np.bincount(owners, np.abs(self.coefficients[horizon]), features), dtype=np.float64)

    def as_dict(self) -> dict[str, Any]:
        return {
            "columns": [list(astuple(column)) for column in self.columns],
            "coefficients": {str(horizon): values.tolist() for horizon, values in self.coefficients.items()},
            "intercepts": {str(horizon): value for horizon, value in self.intercepts.items()},
            "weights": {str(horizon): list(own) for horizon, own in self.weights.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Linear":
        return cls(
            tuple(Column(*column) for column in values["columns"]),
            {int(horizon): np.array(own, dtype=np.float64) for horizon, own in values["coefficients"].items()},
            {int(horizon): float(own) for horizon, own in values["intercepts"].items()},
            {int(horizon): (float(trees), float(lines)) for horizon, (trees, lines) in values["weights"].items()},
        )


def blended(trees: Numbers, lines: Numbers, weights: Weights) -> Numbers:
    """Log odds of both, each with its weight; lines that weigh nothing may be missing."""
    of_trees, of_lines = weights
    return of_trees * trees + of_lines * lines if of_lines else of_trees * trees


def learn_columns(matrix: Matrix, design: Design) -> tuple[Column, ...]:
    """The columns that say something in `matrix`, in the order of the design; no label is looked at."""
    return tuple(
        column
        for feature, name in enumerate(design.names)
        for column in _columns_of(matrix[:, feature], feature, len(design.levels.get(name, ())))
    )


def standardised(matrix: Matrix, columns: Sequence[Column]) -> Matrix:
    """Rows x columns."""
    filled = np.empty((len(matrix), len(columns)), dtype=np.float32)
    for position, values in _standardised(matrix, columns):
        filled[:, position] = values
    return filled


def _standardised(matrix: Matrix, columns: Sequence[Column]) -> Iterator[tuple[int, Matrix]]:
    for position, column in enumerate(columns):
        yield position, column.of(matrix[:, column.feature])


def _columns_of(values: Matrix, feature: int, words: int) -> Iterator[Column]:
    forms: list[tuple[Form, int]] = [("word", word) for word in range(words)]
    if not words:
        is_more_than_yes_or_no = len(np.unique(values[~np.isnan(values)])) > 2
        forms = [("value", 0), ("log", 0)] if is_more_than_yes_or_no else [("value", 0)]
    for form, word in [*forms, ("missing", 0)]:
        shaped = _shaped(values, form, word)
        known = shaped[~np.isnan(shaped)].astype(np.float64)
        if _says_something(known, form):
            yield Column(feature, form, word, float(known.mean()), float(known.std()))


def _says_something(known: Numbers, form: Form) -> bool:
    if form in ("word", "missing"):
        return LEAST_ROWS <= float(known.sum()) <= len(known) - LEAST_ROWS
    return len(known) >= LEAST_ROWS and float(known.std()) > NO_SPREAD


def _shaped(values: Matrix, form: Form, word: int) -> npt.NDArray[np.float32]:
    if form == "missing":
        return np.isnan(values).astype(np.float32)
    if form == "word":
        return np.equal(values, word).astype(np.float32)
    if form == "log":
        values = np.sign(values) * np.log1p(np.abs(values))
    return np.asarray(values, dtype=np.float32)
