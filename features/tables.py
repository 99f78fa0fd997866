"""The vocabulary in which every table that enters or leaves forestall is declared.

A `Table` says what one row is, which columns identify it and what each column means. The contract
of the data that comes in (`features.contract`) and of the nights that go out (`features.published`)
are both written in it, so a data dictionary, an Arrow schema and a warehouse table all come from the
same lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Kind = Literal["text", "instant", "date", "integer", "number", "money", "boolean"]

# Money and durations never travel as floats: a parallel sum of doubles differs from run to run.
ARROW: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "instant": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": pa.decimal128(18, 4),
    "boolean": pa.bool_(),
}

# The same in SQL; every word means the same to DuckDB and to PostgreSQL.
SQL: Mapping[Kind, str] = {
    "text": "VARCHAR",
    "instant": "TIMESTAMPTZ",
    "date": "DATE",
    "integer": "BIGINT",
    "number": "DOUBLE PRECISION",
    "money": "DECIMAL(18, 4)",
    "boolean": "BOOLEAN",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: lower case; carries its unit (`_s`, `_at`, `_on`, `_count`).
        kind: the type, in the words of `ARROW` and `SQL`.
        about: what it means, for the dictionary.
        is_required: a row without it cannot be used.
        words: the allowed values; empty means any.
        at_least: the least value that is not absurd.
        at_most: the greatest value that is not absurd (inclusive).
        revealed_by: the instant or date column of the same row at which this value becomes known;
            before that instant it reads as null, however early the row itself was known.
        privacy: `key` is replaced by a pseudonym, `vault` is kept encrypted apart and never carried
            on, `text` is reduced to what can be said without it.
        since: the edition of the contract in which the column joined it.
    """

    name: str
    kind: Kind
    about: str
    is_required: bool = False
    words: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    revealed_by: str | None = None
    privacy: Literal["key", "vault", "text"] | None = None
    since: int = 1


def columns(*rows: tuple[str, Kind, str]) -> tuple[Column, ...]:
    """Columns that have a name, a kind and a meaning, and no rule."""
    return tuple(Column(name, kind, about) for name, kind, about in rows)


@dataclass(frozen=True)
class Table:
    """One table: its grain, its key, its columns, and since when a row of it could be known.

    Attributes:
        name: the table's name.
        grain: what one row is.
        key: the columns that identify a row.
        columns: all columns, key first.
        born_at: the instant or date at which a row comes into being. On the first load it stands in
            for the moment of knowing; None where a row carries no such instant.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    born_at: str | None = None

    def __getitem__(self, name: str) -> Column:
        return {column.name: column for column in self.columns}[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def arrow_schema(self) -> pa.Schema:
        return pa.schema([pa.field(column.name, ARROW[column.kind]) for column in self.columns])
