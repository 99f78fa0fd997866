"""Looks at sources without loading anything: for `check-config --sample` and `doctor`.

Nothing is written, and names are masked: a preview is read on screens and pasted into tickets.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from features.contract import CONTRACT
from forestall.night import Night
from forestall.privacy.pseudonyms import teach_pseudonyms
from forestall.sections import Source
from forestall.settings import ConfigError, Settings
from forestall.sources.loading import read_source, unused_columns
from forestall.sources.mapping import map_batch
from forestall.sources.reading import Since, SourceDownError
from forestall.warehouse import connect_duckdb

LAST_DAY = date(9999, 1, 1)  # a preview shows future rows too


@dataclass(frozen=True)
class Problem:
    """What is wrong with a source, in one line."""

    source: str
    what: str
    is_blocking: bool = True


def sample(settings: Settings, rows: int = 20) -> Mapping[str, pa.Table]:
    """The first rows of each source as the mapping makes them, by source name.

    Columns are the contract's, then `broken_rule`; of personal columns only that there is something.

    Raises:
        ConfigError: a source cannot be read as it is mapped.
        SourceDownError: a source does not answer.
    """
    with closing(_scratch(settings)) as scratch:
        return {
            name: _sample_source(scratch, settings, name, source, rows) for name, source in settings.sources.items()
        }


def check_sources(settings: Settings) -> list[Problem]:
    """What is wrong with each source, from its first rows; an empty list where nothing is."""
    try:
        scratch = _scratch(settings)
    except ConfigError as error:
        return [Problem("privacy", str(error))]
    with closing(scratch):
        return [
            problem
            for name, source in settings.sources.items()
            for problem in _problems(scratch, settings, name, source)
        ]


def _scratch(settings: Settings) -> duckdb.DuckDBPyConnection:
    scratch = connect_duckdb(":memory:")
    teach_pseudonyms(scratch, settings)
    return scratch


def _problems(scratch: duckdb.DuckDBPyConnection, settings: Settings, name: str, source: Source) -> list[Problem]:
    try:
        offered = _map_first(scratch, settings, name, source, rows=1000)
    except (ConfigError, SourceDownError) as error:
        return [Problem(name, str(error))]
    if offered is None:
        return [Problem(name, f"sources.{name}: has no rows yet", is_blocking=False)]
    read = scratch.execute("SELECT count(*) FROM mapped").fetchall()[0][0]
    found = scratch.execute(
        """
        SELECT rule, count(*), arg_min(json_extract_string(payload, '$.' || split_part(rule, ':', 2)), seq)
        FROM mapped WHERE rule IS NOT NULL GROUP BY rule ORDER BY 2 DESC, 1
        """
    ).fetchall()
    problems = [
        Problem(
            name,
            f"sources.{name}: {number:,} of the first {read:,} rows break {rule}{_advice(name, source, rule, value)}",
            is_blocking=number == read,  # not one of a thousand rows fits: the mapping is wrong, not the data
        )
        for rule, number, value in found
    ]
    note = unused_columns(source, offered)
    return [*problems, Problem(name, f"sources.{name}: {note}", is_blocking=False)] if note else problems


def _advice(name: str, source: Source, rule: str, value: str | None) -> str:
    """What was found in a column that breaks a rule, unless it is personal, and how it is mended."""
    kind, _, column_name = rule.partition(":")
    told = f": `{value}`".replace("\0", "") if value else ""
    columns = {column.name: column for column in CONTRACT[source.table].columns}
    if kind == "unknown_word":
        return f"{told}; map it under [sources.{name}.words.{column_name}] to {', '.join(columns[column_name].words)}"
    if kind == "wrong_type" and columns[column_name].kind in ("instant", "date"):
        return f"{told}; write dates as 2026-03-01, or read them with try_strptime under [sources.{name}.columns]"
    if kind == "zero_character":
        return f"{told}; take it out: {column_name} = \"replace(..., chr(0), '')\" under [sources.{name}.columns]"
    if kind == "time_without_zone":
        return f"{told}; set `time_zone` under [sources.{name}]"
    return told


def _sample_source(
    scratch: duckdb.DuckDBPyConnection, settings: Settings, name: str, source: Source, rows: int
) -> pa.Table:
    table = CONTRACT[source.table]
    if _map_first(scratch, settings, name, source, rows) is None:
        return table.arrow_schema().empty_table()
    shown = [
        column.name
        if column.privacy is None
        else f"CASE WHEN {column.name} IS NOT NULL THEN '***' END AS {column.name}"
        for column in table.columns
    ]
    return scratch.sql(f"SELECT {', '.join(shown)}, rule AS broken_rule FROM mapped ORDER BY seq").to_arrow_table()


def _map_first(
    scratch: duckdb.DuckDBPyConnection, settings: Settings, name: str, source: Source, rows: int
) -> set[str] | None:
    """Map the first batch into `mapped`; its columns, or None where there is no row at all."""
    with closing(read_source(settings, name, source, Since(), limit=rows).batches) as batches:
        batch = next(batches, None)
    if batch is None:
        return None
    map_batch(scratch, Night(settings, LAST_DAY), name, source, batch)
    return set(batch.column_names)
