"""Attributes of any type become features; what is no attribute says nothing."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.attributes import attribute_kinds, attribute_phrases, with_attributes

TOLD = [
    {"size": 3, "tier": "gold", "is_vip": True, "since": "2026-01-01", "code": "1", "charge": "29.85", "it's": "a"},
    {"size": None, "tier": "none", "is_vip": False, "since": "2025-12-31T10:00:00Z", "code": "x", "charge": " "},
    {"size": 4.5, "more": {"deep": [1, 2]}, "code": "2", "charge": "12"},
]  # fmt: skip


@pytest.fixture
def rows() -> pd.DataFrame:
    texts = [*map(json.dumps, TOLD), None, "no JSON", "[1, 2]"]
    return pd.DataFrame({"as_of_on": date(2026, 1, 11), "attributes": texts}, index=[5, 3, 9, 1, 0, 2])


def test_each_entry_is_a_column_of_its_type(rows: pd.DataFrame) -> None:
    found = with_attributes(rows)
    assert found.index.tolist() == rows.index.tolist()
    assert "attribute_size" not in with_attributes(rows, ["size"])
    assert attribute_kinds(found) == {
        "attribute_charge": "number", "attribute_code": "category", "attribute_is_vip": "category",
        "attribute_it's": "category", "attribute_more": "category", "attribute_since": "number",
        "attribute_size": "number", "attribute_tier": "category",
    }  # fmt: skip
    assert found["attribute_size"].tolist()[::2][:2] == [3, 4.5]
    assert found["attribute_charge"].head(3).tolist() == pytest.approx([29.85, np.nan, 12], nan_ok=True)
    assert found["attribute_since"].head(2).tolist() == [10, 11]
    assert found["attribute_is_vip"].astype("object").tolist()[:2] == ["true", "false"]
    assert found["attribute_more"].astype("object").tolist()[2] == '{"deep":[1,2]}'
    assert found.iloc[3:].drop(columns="as_of_on").isna().all(axis=None)
    assert "attributes" in rows


def test_where_there_is_none_nothing_is_added(rows: pd.DataFrame) -> None:
    for texts in (None, "{}", "no JSON"):
        assert list(with_attributes(rows.assign(attributes=texts))) == ["as_of_on"]
    assert list(with_attributes(rows[["as_of_on"]])) == ["as_of_on"]
    assert list(with_attributes(rows.head(0))) == ["as_of_on"]


def test_an_agent_is_told_the_name_and_the_value() -> None:
    told = attribute_phrases(["attribute_pay_by{x}", "tenure_days"])
    assert {name: phrase.format(value="card") for name, phrase in told.items()} == {
        "attribute_pay_by{x}": "pay by{x}: card"
    }
