"""The columns of `marts.fct_customer_features`: what each is for, and how it is told to an agent.

They are declared once, in the model's yml. This module reads them there and refuses a column that
does not say its role; what the model learns from is decided by that role and by nothing else.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from features.phrases import kind_of

YML = Path(__file__).parent.parent / "dbt_project" / "models" / "marts" / "fct_customer_features.yml"

Role = Literal["key", "population", "feature", "attributes"]


@dataclass(frozen=True)
class FeatureColumn:
    """One column of the feature mart.

    Attributes:
        name: the column.
        role: `key` identifies a row, `population` says whom a score may be about, `feature` is learnt from,
            `attributes` holds further features as a JSON object (`features/attributes.py`).
        data_type: its SQL type.
        about: what it means.
        phrase: how an agent is told (`features.phrases`); features that are told as another have none.
        told_as: the feature that is named to an agent in its place, where its own value would say nothing to one.
        gone: what an agent is told where the value is missing and was there the night before; empty: no news.
    """

    name: str
    role: Role
    data_type: str
    about: str
    phrase: str = ""
    told_as: str = ""
    gone: str = ""

    @property
    def is_categorical(self) -> bool:
        """Text: a category, never a number."""
        return self.data_type == "varchar"


@cache
def load_columns(path: Path = YML) -> tuple[FeatureColumn, ...]:
    """All columns in the mart's order.

    Raises:
        ValueError: a column has no role, or a feature no phrase; names it.
    """
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["models"][0]["columns"]
    return tuple(_column(values) for values in declared)


def features(path: Path = YML) -> tuple[FeatureColumn, ...]:
    """The columns that a model learns from."""
    return tuple(column for column in load_columns(path) if column.role == "feature")


def phrases(path: Path = YML) -> dict[str, str]:
    """How each feature is told that is told as itself, by name."""
    return {column.name: column.phrase for column in features(path) if column.phrase}


def tellers(path: Path = YML) -> dict[str, str]:
    """The feature that is named in place of another, by that other's name."""
    return {column.name: column.told_as for column in features(path) if column.told_as}


def gone_phrases(path: Path = YML) -> dict[str, str]:
    """What is told of each feature whose going away is news, by name."""
    return {column.name: column.gone for column in features(path) if column.gone}


def _column(values: dict[str, Any]) -> FeatureColumn:
    meta = values.get("config", {}).get("meta", {})
    role, phrase, told_as = meta.get("role"), meta.get("phrase", ""), meta.get("told_as", "")
    if role not in get_args(Role):
        raise ValueError(f"{values['name']}: meta.role is `{role}`, must be one of {', '.join(get_args(Role))}")
    if role == "feature" and not told_as:
        try:
            kind_of(phrase)
        except ValueError as error:
            raise ValueError(f"{values['name']}: a feature needs a meta.phrase or a meta.told_as: {error}") from error
    about = " ".join(values["description"].split())
    return FeatureColumn(values["name"], role, values["data_type"], about, phrase, told_as, meta.get("gone", ""))
