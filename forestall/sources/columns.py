"""Finds each contract column in a source: by name, by expression, or not at all.

The only place that says what is missing or misnamed. What a value means is the mapping's affair.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from features.contract import CONTRACT
from features.tables import Kind
from forestall.privacy.pseudonyms import BLANKS
from forestall.sections import Source
from forestall.sources.reading import FILE_COLUMN, UPDATED_COLUMN, SourceError, one_line

CONSTANTS = {"true", "false", "null"}
ZONELESS = {"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "DATE"}

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
# DuckDB's types that need no reading: each of their values is one of the contract's.
OWN_TYPES: Mapping[Kind, set[str]] = {
    "instant": {"TIMESTAMP WITH TIME ZONE"},
    "date": {"DATE"},
    "integer": INTEGERS,
    "number": INTEGERS | {"DOUBLE"},
    "money": INTEGERS - {"BIGINT"},  # which has numbers of more than fourteen digits
    "boolean": {"BOOLEAN"},
}


@dataclass(frozen=True)
class Picked:
    """Where a contract column is in a source: SQL that gives text without blanks around it, or is of its own type."""

    sql: str
    is_typed: bool


def pick_columns(
    scratch: duckdb.DuckDBPyConnection, name: str, source: Source, offered: Sequence[str]
) -> Mapping[str, Picked]:
    """Where each contract column is; columns that the source lacks are absent.

    Args:
        scratch: sees the batch as `source_rows`.
        name: the source's name, for errors.
        source: its mapping.
        offered: the batch's columns.

    Raises:
        SourceError: a mapped column is not there (the nearest is named), an expression cannot be
            read, an instant has no zone, or a required column has no source.
    """
    table = CONTRACT[source.table]
    own = {FILE_COLUMN, UPDATED_COLUMN}
    if offered and not set(offered) - own - set(unused(source, offered)):
        # What stands there instead is not told: without a header it is somebody's row.
        raise SourceError(
            f"sources.{name}: {source.table}: none of its columns is mapped; does its first line name them?"
        )
    found = {}
    for column in table.columns:
        expression = find(name, source.columns.get(column.name, ""), column.name, offered)
        if expression:
            kind = type_of(scratch, f"sources.{name}: columns.{column.name}", expression, offered)
            if column.kind == "instant" and kind in ZONELESS and source.time_zone is None:
                raise SourceError(
                    f"sources.{name}: `{column.name}` has times without a zone; set `time_zone` under [sources.{name}]"
                )
            is_typed = kind in OWN_TYPES.get(column.kind, set()) and column.name not in source.words
            found[column.name] = Picked(expression if is_typed else as_text(expression, kind), is_typed)
        elif column.is_required:
            raise SourceError(
                f"sources.{name}: {source.table} needs `{column.name}`: {no_column(column.name, offered)}; "
                f"map it under [sources.{name}.columns]"
            )
    return found


def unused(source: Source, offered: Iterable[str]) -> list[str]:
    """The source's columns that nothing is made of."""
    told = " ".join((*source.columns.values(), source.updated_at, source.known_at, source.where)).lower()
    names = CONTRACT[source.table].names
    theirs = set(offered) - {FILE_COLUMN, UPDATED_COLUMN}
    return sorted(column for column in theirs if column.lower() not in names and column.lower() not in told)


def find(name: str, mapped: str, column: str, offered: Sequence[str]) -> str:
    """The SQL for a column: the source's column of that name, the expression, or nothing.

    Raises:
        SourceError: `mapped` is a plain name that the source does not have.
    """
    by_name = {each.lower(): each for each in offered}
    text = mapped or column
    if text.lower() in by_name:
        return f'"{by_name[text.lower()]}"'
    if re.fullmatch(r"[^\W\d]\w*", mapped) and mapped.lower() not in CONSTANTS:
        raise SourceError(f"sources.{name}: {column}: {no_column(mapped, offered)}")
    return f"({mapped})" if mapped else ""


def no_column(text: str, offered: Sequence[str]) -> str:
    """That a column is not there, and which was meant."""
    theirs = {each.lower(): each for each in offered if each not in (FILE_COLUMN, UPDATED_COLUMN)}
    near = difflib.get_close_matches(text.lower(), theirs, n=1)
    hint = f"meant `{theirs[near[0]]}`?" if near else f"it has {', '.join(theirs.values())}"
    return f"the source has no column `{text}`; {hint}"


def type_of(scratch: duckdb.DuckDBPyConnection, where: str, expression: str, offered: Sequence[str]) -> str:
    """DuckDB's type of an expression over `source_rows`.

    Raises:
        SourceError: it cannot be read; says what is wrong with it.
    """
    try:
        described = scratch.execute(f"DESCRIBE SELECT {expression} AS picked FROM source_rows").fetchall()
    except duckdb.Error as error:
        missing = re.search(r'column "([^"]+)" not found', str(error))
        told = no_column(missing[1], offered) if missing else one_line(error)
        raise SourceError(f"{where}: `{expression}`: {told}") from error
    return str(described[0][1])


def as_text(expression: str, kind: str) -> str:
    """The value as text without blanks around it, so that all kinds of sources are cast by the same rules.

    Whole floats lose their `.0`: a key that passed through a spreadsheet is the same key.
    """
    if kind in {"DOUBLE", "FLOAT"}:
        whole = f"isfinite({expression}) AND {expression} = trunc({expression}) AND abs({expression}) < 9e15"
        return (
            f"CASE WHEN {whole} THEN {expression}::BIGINT::VARCHAR "
            f"WHEN NOT isnan({expression}) THEN {expression}::VARCHAR END"
        )
    if kind != "VARCHAR":
        return f"{expression}::VARCHAR"
    # Few values have blanks around them: to look whether both ends are plain signs costs a fifth of a trim.
    is_bare = f"{expression} BETWEEN '!' AND '~~' AND {expression}[-1] BETWEEN '!' AND '~'"
    return f"CASE WHEN {is_bare} THEN {expression} ELSE trim({expression}, '{BLANKS}') END"
