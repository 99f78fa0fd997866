"""From a company's rows to the contract's: one path for every kind of source, all of it in SQL.

`map_batch` turns a batch into the temporary table `mapped`: columns picked, the company's words
changed into ours, text cast, rules judged, people replaced by pseudonyms. It drops nothing but what
`where` says is not ours: a bad row carries the rule that it breaks, a row of the future says so.
"""

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from features.contract import CONTRACT
from features.tables import SQL, Column, Table
from forestall.night import Night
from forestall.settings import Source
from forestall.sources.columns import as_text, find, pick_columns, type_of
from forestall.sources.files import quoted
from forestall.sources.reading import FILE_COLUMN, UPDATED_COLUMN, SourceError, one_line
from forestall.sources.rules import broken_rule

# A time of day followed by a zone: `10:00Z`, `10:00:00+02`, `10:00 Europe/Berlin`. A date's own
# hyphens are no offset.
HAS_ZONE = r":[0-9.,]+ ?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?|UTC|GMT|[A-Za-z]+/[A-Za-z_/]+)$"
SEQUENCE = "forestall_sequence"
NO_VALUE = "('', 'NULL', '\\N')"
NO_NUMBER = "('nan', 'none', 'null', 'n/a', 'na', '-')"  # how exports write an empty number, time or flag


def map_batch(scratch: duckdb.DuckDBPyConnection, night: Night, name: str, source: Source, rows: pa.Table) -> None:
    """Fill the temporary table `mapped` with the batch, in the contract's columns.

    Beside them: `seq` (order of reading), `file`, `version_at` (when the source says that the row
    took this form), `known_from` (since when it could be known, had we been there), `rule` (the
    first one broken), `due_at` (a night whose cutoff is later may know it), `is_future`, `original_id`
    (the customer's own key), `row_hash`, and of bad rows `bad_key`, `bad_customer_id` and `payload`
    (what was found, without what is personal).

    Args:
        scratch: has learnt `pseudonym`.
        night: nothing from its cutoff on is ours yet.
        name: the source's name, for errors.
        source: its mapping.
        rows: as the source gave them.

    Raises:
        SourceError: the mapping does not fit the source.
    """
    # Numbered here: in SQL it would take a window, which runs on one core.
    numbers = pa.array(np.arange(rows.num_rows, dtype=np.int64))
    scratch.register("source_rows", rows.append_column(SEQUENCE, numbers))
    try:
        texts = pick_columns(scratch, name, source, rows.column_names)
        sql = _mapped(scratch, night, name, source, texts, rows.column_names)
        scratch.execute(f"CREATE OR REPLACE TEMP TABLE mapped AS {sql}").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"sources.{name}: the mapping fails on its rows: {one_line(error)}") from error
    scratch.unregister("source_rows")


def _mapped(
    scratch: duckdb.DuckDBPyConnection,
    night: Night,
    name: str,
    source: Source,
    texts: Mapping[str, str],
    offered: list[str],
) -> str:
    """The SELECT behind `mapped`."""
    table, site = CONTRACT[source.table], night.settings.company.time_zone
    told = [f"{text} AS told_{column}" for column, text in texts.items()]
    raws = [f"{_raw(column, source, is_told=column.name in texts)} AS raw_{column.name}" for column in table.columns]
    casts = [f"{_cast(column, source, site)} AS {column.name}" for column in table.columns]
    file = FILE_COLUMN if FILE_COLUMN in offered else "NULL::VARCHAR"
    updated = UPDATED_COLUMN if UPDATED_COLUMN in offered else source.updated_at
    version = _own_text(scratch, name, "updated_at", updated, offered)
    known = _own_text(scratch, name, "known_at", source.known_at, offered)
    is_mapped = {column: column in texts for column in table.names}
    return f"""
        WITH ours AS (
            SELECT * FROM source_rows WHERE {source.where or "true"}
        ),
        -- Each value is read once, here: what is computed in one SELECT is not computed again in the next.
        told AS (
            SELECT
                {SEQUENCE} AS seq, {file} AS file, {version} AS told_version, {known} AS told_known, {", ".join(told)}
            FROM ours
        ),
        picked AS (
            SELECT
                seq, file, {_own_instant("told_version", source)} AS source_version_at,
                {_own_instant("told_known", source)} AS source_known_at, {", ".join(raws)}
            FROM told
        ),
        typed AS (
            SELECT *, {", ".join(casts)} FROM picked
        ),
        dated AS (
            SELECT *, {_version_at(table)} AS version_at, {_born_at(table, site)} AS born_at FROM typed
        ),
        due AS (
            SELECT *, {_due_at(table)} AS due_at FROM dated
        ),
        judged AS (
            SELECT
                *,
                {broken_rule(table, _zoneless(table, source, is_mapped))} AS rule,
                coalesce(due_at >= TIMESTAMPTZ {quoted(night.cutoff.isoformat())}, false) AS is_future,
                coalesce(source_known_at, born_at) AS known_from
            FROM due
        )
        SELECT
            seq, file, version_at, known_from, due_at, is_future,
            CASE WHEN NOT is_future THEN rule END AS rule,
            {"raw_customer_id" if "customer_id" in table.names else "NULL::VARCHAR"} AS original_id,
            CASE WHEN rule IS NOT NULL THEN {_bad_key(table)} END AS bad_key,
            CASE WHEN rule IS NOT NULL THEN {"customer_id" if "customer_id" in table.names else "NULL"} END
                AS bad_customer_id,
            CASE WHEN rule IS NOT NULL THEN {_payload(table)} END AS payload,
            md5(row({", ".join(_hashed(table))})::VARCHAR) AS row_hash,
            {", ".join(table.names)}
        FROM judged
    """


def _raw(column: Column, source: Source, *, is_told: bool) -> str:
    """The text in the contract's words; null where there is none."""
    if not is_told:
        return "NULL::VARCHAR"
    told = f"told_{column.name}"
    known = f"CASE WHEN {told} NOT IN {NO_VALUE} THEN {told} END"
    if column.kind != "text":
        known = f"CASE WHEN {told} NOT IN {NO_VALUE} AND lower({told}) NOT IN {NO_NUMBER} THEN {told} END"
    otherwise = f"lower({known})" if column.words else known
    words = source.words.get(column.name, {})
    cases = " ".join(f"WHEN {quoted(theirs.strip().lower())} THEN {quoted(ours)}" for theirs, ours in words.items())
    return f"CASE lower(coalesce({told}, '')) {cases} ELSE {otherwise} END" if cases else otherwise


def _cast(column: Column, source: Source, site: str) -> str:
    """The contract's type, or null where the text does not have it; people become pseudonyms."""
    raw = f"raw_{column.name}"
    if column.privacy == "key":
        return f"pseudonym({raw})"
    if column.kind == "instant":
        return _instant(raw, source.time_zone)
    if column.kind == "date":
        local = f"timezone({quoted(site)}, TRY_CAST({raw} AS TIMESTAMPTZ))::DATE"
        return f"CASE WHEN regexp_matches({raw}, '{HAS_ZONE}') THEN {local} ELSE TRY_CAST({raw} AS DATE) END"
    if column.kind == "number":
        number = f"TRY_CAST({raw} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    return raw if column.kind == "text" else f"TRY_CAST({raw} AS {SQL[column.kind]})"


def _instant(raw: str, zone: str | None) -> str:
    """An instant: with the zone that is written, or else the source's.

    A local time that clocks skip counts from the hour before; one that comes twice is the later.
    """
    local = f"timezone({quoted(zone)}, TRY_CAST({raw} AS TIMESTAMP))" if zone else "NULL"
    return f"CASE WHEN regexp_matches({raw}, '{HAS_ZONE}') THEN TRY_CAST({raw} AS TIMESTAMPTZ) ELSE {local} END"


def _own_text(scratch: duckdb.DuckDBPyConnection, name: str, key: str, mapped: str, offered: list[str]) -> str:
    """The text of an instant that is none of the contract's."""
    if not mapped:
        return "NULL::VARCHAR"
    expression = find(name, mapped, key, offered)
    return as_text(expression, type_of(scratch, f"sources.{name}: {key}", expression, offered))


def _own_instant(text: str, source: Source) -> str:
    """An instant that is none of the contract's; without any zone it is read as UTC."""
    return _instant(text, source.time_zone or "UTC")


def _version_at(table: Table) -> str:
    """What orders the versions of a key: the source's own word, or the contract's where it has one."""
    return "coalesce(source_version_at, changed_at)" if "changed_at" in table.names else "source_version_at"


def _born_at(table: Table, site: str) -> str:
    """The instant at which the row came into being; a date counts from the end of its local day."""
    if table.born_at is None:
        return "NULL::TIMESTAMPTZ"
    if table[table.born_at].kind == "instant":
        return table.born_at
    next_day = f"({table.born_at} + INTERVAL 1 DAY)::TIMESTAMP"
    return f"timezone({quoted(site)}, {next_day}) - INTERVAL 1 MICROSECOND"


def _due_at(table: Table) -> str:
    """When the row was born and had taken this form: later nights may know it. A roster is known ahead."""
    born = "CASE WHEN is_planned IS DISTINCT FROM true THEN born_at END" if "is_planned" in table.names else "born_at"
    return f"greatest({born}, version_at)"


def _zoneless(table: Table, source: Source, is_mapped: Mapping[str, bool]) -> dict[str, str]:
    """For each instant, the condition that it was written without a zone that nobody set."""
    return {
        column.name: f"NOT regexp_matches(raw_{column.name}, '{HAS_ZONE}') "
        f"AND TRY_CAST(raw_{column.name} AS TIMESTAMP) IS NOT NULL"
        for column in table.columns
        if column.kind == "instant" and is_mapped[column.name] and source.time_zone is None
    }


def _hashed(table: Table) -> list[str]:
    """What tells one version from another: text by a keyed hash of its own, and no names."""
    columns = [column for column in table.columns if column.privacy != "vault"]
    return [f"pseudonym({column.name})" if column.privacy == "text" else column.name for column in columns]


def _bad_key(table: Table) -> str:
    parts = [name if table[name].privacy == "key" else f"raw_{name}" for name in table.key]
    return f"concat_ws(' | ', {', '.join(parts)})"


def _payload(table: Table) -> str:
    """What was found, as JSON, of the columns that say nothing about who it was."""
    pairs = [f"'{column.name}', raw_{column.name}" for column in table.columns if column.privacy is None]
    return f"json_object({', '.join(pairs)})::VARCHAR"
