"""From feature columns to the matrix that LightGBM learns from, the same at training and at scoring.

Numbers stay as they are and nulls stay null: LightGBM sends a missing value down a branch of its own.
A category becomes the position of its word among those seen in training; a word never seen is null.
A column that says nothing in training (all null, or one value throughout) is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Kind = Literal["number", "boolean", "category"]
Matrix = npt.NDArray[np.float32]

MAX_LEVELS = 60  # a column with more words is cut to its most frequent


@dataclass(frozen=True)
class Design:
    """The columns of the matrix, in order, and the words of those that hold categories."""

    names: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]

    @property
    def categories(self) -> list[int]:
        """Positions of the columns that hold categories."""
        return [position for position, name in enumerate(self.names) if name in self.levels]

    def matrix(self, rows: pd.DataFrame) -> Matrix:
        """Rows x columns; a column that `rows` lack is null throughout."""
        filled = np.full((len(rows), len(self.names)), np.nan, dtype=np.float32)
        for position, name in enumerate(self.names):
            if name in rows:
                filled[:, position] = self._codes(rows[name], name)
        return filled

    def _codes(self, column: pd.Series, name: str) -> npt.NDArray[Any]:
        if name not in self.levels:
            return _numbers(column)
        codes = pd.Index(self.levels[name]).get_indexer(pd.Index(_words(column))).astype(np.float32)
        codes[codes < 0] = np.nan
        return codes

    def as_dict(self) -> dict[str, Any]:
        return {"names": list(self.names), "levels": {name: list(words) for name, words in self.levels.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Design":
        return cls(tuple(values["names"]), {name: tuple(words) for name, words in values["levels"].items()})


def learn_design(rows: pd.DataFrame, kinds: Mapping[str, Kind]) -> Design:
    """The columns of `kinds` that say something in `rows`, in the order of `kinds`."""
    names: list[str] = []
    levels: dict[str, tuple[str, ...]] = {}
    for name, kind in kinds.items():
        if name not in rows:
            continue
        if kind == "category":
            counts = _words(rows[name]).value_counts(dropna=True)
            if len(counts) + rows[name].isna().any() > 1:
                names.append(name)
                levels[name] = tuple(sorted(counts.index[:MAX_LEVELS]))
        elif _varies(_numbers(rows[name])):
            names.append(name)
    return Design(tuple(names), levels)


def _numbers(column: pd.Series) -> npt.NDArray[Any]:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float32, na_value=np.nan)


def _words(column: pd.Series) -> pd.Series:
    return column.astype("object").where(column.notna(), None).map(str, na_action="ignore")


def _varies(values: npt.NDArray[Any]) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and (len(known) < len(values) or bool(np.ptp(known) > 0))
