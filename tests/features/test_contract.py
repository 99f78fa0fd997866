"""The declarations are data: what they name must exist, or the past could not be reproduced."""

import pytest

from features.contract import CONTRACT
from features.published import PUBLISHED
from features.tables import Table

ALL = [*CONTRACT.values(), *PUBLISHED.values()]


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_every_column_that_is_named_exists(table: Table) -> None:
    named = [*table.key, *(column.revealed_by for column in table.columns if column.revealed_by)]
    named += [table.born_at] if table.born_at else []
    assert set(named) <= set(table.names)
    assert len(set(table.names)) == len(table.names)
    assert table.names[0] in table.key


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_what_reveals_a_value_is_a_time_and_names_tell_times_from_days(table: Table) -> None:
    for column in table.columns:
        if column.revealed_by:
            assert table[column.revealed_by].kind in ("instant", "date")
        if column.name.endswith("_at"):
            assert column.kind == "instant"
        if column.name.endswith("_on"):
            assert column.kind == "date"
        if column.name.startswith(("is_", "has_")):
            assert column.kind == "boolean"


def test_no_published_column_is_personal() -> None:
    assert not {"name", "email", "phone", "text", "comment"} & {
        name for table in PUBLISHED.values() for name in table.names
    }
