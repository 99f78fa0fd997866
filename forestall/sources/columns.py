"""Finds each contract column in a source: by name, by expression, or not at all.

The only place that says what is missing or misnamed. What a value means is the mapping's affair.
"""

import difflib
import re
from collections.abc import Mapping, Sequence

import duckdb

from features.contract import CONTRACT
from forestall.privacy.pseudonyms import BLANKS
from forestall.settings import Source
from forestall.sources.reading import FILE_COLUMN, UPDATED_COLUMN, SourceError, one_line

CONSTANTS = {"true", "false", "null"}
EACH_BLANK = "('" + "', '".join(BLANKS) + "')"
ZONELESS = {"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "DATE"}


def pick_columns(
    scratch: duckdb.DuckDBPyConnection, name: str, source: Source, offered: Sequence[str]
) -> Mapping[str, str]:
    """SQL that gives each contract column as text; columns that the source lacks are absent.

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
    texts = {}
    for column in table.columns:
        expression = find(name, source.columns.get(column.name, ""), column.name, offered)
        if expression:
            kind = type_of(scratch, f"sources.{name}: columns.{column.name}", expression, offered)
            if column.kind == "instant" and kind in ZONELESS and source.time_zone is None:
                raise SourceError(f"sources.{name}: `{column.name}` has times without a zone; set `time_zone`")
            texts[column.name] = as_text(expression, kind)
        elif column.is_required:
            raise SourceError(
                f"sources.{name}: {source.table} needs `{column.name}`: {no_column(column.name, offered)}; "
                f"map it under [sources.{name}.columns]"
            )
    return texts


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
    # Few values have blanks around them, and to look costs a quarter of a trim.
    has_blanks = f"{expression}[1] IN {EACH_BLANK} OR {expression}[-1] IN {EACH_BLANK}"
    return f"CASE WHEN {has_blanks} THEN trim({expression}, '{BLANKS}') ELSE {expression} END"
