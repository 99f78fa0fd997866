"""Roles and phrases are read from the mart's yml, and a column without them is refused."""

from pathlib import Path

import pytest

from features.columns import features, load_columns, phrases, tellers


def test_every_feature_says_how_it_is_told() -> None:
    columns = load_columns()
    assert len(columns) == len({column.name for column in columns})
    assert phrases()["complaint_count_30d"] == "{value} complaints in the last 30 days"
    assert {c.name for c in columns if c.is_categorical and c.role == "feature"} == {
        "segment", "region", "language", "preferred_channel", "plan",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("meta", "message"),
    [("role: feature", "calls: a feature needs a meta.phrase"), ("phrase: x", "calls: meta.role is `None`")],
)
def test_a_column_that_does_not_say_what_it_is_for_is_refused(tmp_path: Path, meta: str, message: str) -> None:
    yml = tmp_path / "features.yml"
    column = f"{{name: calls, data_type: bigint, description: Calls., config: {{meta: {{{meta}}}}}}}"
    yml.write_text(f"models: [{{columns: [{column}]}}]")
    with pytest.raises(ValueError, match=message):
        load_columns(yml)


def test_only_features_are_learned_from() -> None:
    assert {"customer_id", "as_of_on", "is_under_notice", "is_training"}.isdisjoint(c.name for c in features())


def test_what_is_told_as_another_names_a_feature_that_has_a_phrase() -> None:
    assert tellers()["contact_count_faded_90d"] == "contact_count_90d"
    assert set(tellers().values()) <= set(phrases())
    assert set(tellers()).isdisjoint(phrases())
