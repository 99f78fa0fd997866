"""Attributes of any type and topics of any name become features; what is none says nothing."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.attributes import TOPICS, attribute_kinds, attribute_phrases, with_attributes

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


def test_topics_are_counted_and_who_never_asked_about_one_has_asked_no_time(rows: pd.DataFrame) -> None:
    asked = ['{"bill_count_30d": 2, "bill_days_since": 4}', '{"a b_count_30d": 1, "a b_days_since": 9}', None]
    found = with_attributes(rows.head(3).assign(contact_topics=asked, topic_count_90d=[1, 1, 0]))
    assert found["contact_about_bill_count_30d"].tolist() == [2, 0, 0]
    assert found["contact_about_a b_days_since"].tolist() == pytest.approx([np.nan, 9, np.nan], nan_ok=True)
    kinds = attribute_kinds(found)
    assert {name for name in kinds if name.startswith(TOPICS.prefix)} == {
        f"contact_about_{topic}_{measure}" for topic in ("bill", "a b") for measure in ("count_30d", "days_since")
    }
    assert "topic_count_90d" not in kinds


def test_the_topics_most_asked_about_are_features(rows: pd.DataFrame) -> None:
    topics = [f"t{number:03d}" for number in range(100)]
    asked = [json.dumps({f"{topic}_days_since": 1 for topic in chosen}) for chosen in (topics, topics[20:])]
    often = rows.iloc[[0, 1]].assign(contact_topics=asked)
    assert set(with_attributes(often).filter(like="contact_about_")) == {
        f"contact_about_{topic}_days_since" for topic in topics[20:]
    }


def test_an_agent_is_told_topic_and_count() -> None:
    told = attribute_phrases(["contact_about_late_bill_count_30d", "contact_about_late_bill_days_since"])
    assert [phrase.format(value=3) for phrase in told.values()] == [
        "3 contacts about late bill in the last 30 days", "last contact about late bill 3 days ago",
    ]  # fmt: skip
