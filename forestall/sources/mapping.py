"""From a company's rows to the contract's: one path for every kind of source, all of it in SQL.

`map_batch` turns a batch into the temporary table `mapped`: columns picked, the company's words
changed into ours, text cast, rules judged, people replaced by pseudonyms. It drops nothing but what
`where` says is not ours: a bad row carries the rule that it breaks, a row of the future says so.
"""

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from features.contract import CONTRACT
from features.tables import SQL, Column, Table
from forestall.night import Night
from forestall.privacy.pseudonyms import HEX_CHARACTERS
from forestall.sections import Source
from forestall.sources.columns import Picked, as_text, find, pick_columns, type_of
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
    (the customer's own key, where it comes), `row_hash`, and of bad rows `bad_key`, `bad_customer_id` and `payload`
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
        sql = mapped_sql(scratch, night, name, source, rows.column_names)
        made = scratch.execute(f"CREATE OR REPLACE TEMP TABLE mapped AS {sql}").fetchall()[0][0]
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        # What DuckDB says holds the value, and a value may be a name.
        where = _failing(scratch, source)
        raise SourceError(
            f"sources.{name}: {where} fails on some of its rows; TRY_CAST or try_strptime helps"
        ) from error
    except duckdb.Error as error:
        raise SourceError(f"sources.{name}: the mapping fails on its rows: {one_line(error)}") from error
    if made > rows.num_rows:
        raise SourceError(f"sources.{name}: the mapping makes several rows of one; a `select` may do that")
    scratch.unregister("source_rows")


def _failing(scratch: duckdb.DuckDBPyConnection, source: Source) -> str:
    """The first expression of the mapping that some row of `source_rows` does not bear."""
    own = {"where": source.where, "updated_at": source.updated_at, "known_at": source.known_at}
    expressions = {f"columns.{column}": sql for column, sql in source.columns.items()} | own
    for key, expression in expressions.items():
        try:
            scratch.execute(f"SELECT count({expression or 1}) FROM source_rows").fetchall()
        except duckdb.Error:
            return f"{key}: `{expression}`"
    return "the mapping"


def mapped_sql(
    scratch: duckdb.DuckDBPyConnection, night: Night, name: str, source: Source, offered: Sequence[str]
) -> str:
    """The SELECT behind `mapped`, from `source_rows` with the columns `offered`.

    Each value is read once: what is computed in one SELECT is not computed again in the next. Of a
    column `c`, `picked_c` is what the source holds, `told_c` that in the contract's words, `c` the
    contract's value, and `unread_c` what was told where no value could be made of it.
    """
    table, site = CONTRACT[source.table], night.settings.company.time_zone
    picked = pick_columns(scratch, name, source, offered)
    reads = [f"{each.sql} AS picked_{column}" for column, each in picked.items()]
    told = [f"{_told(column, source, picked.get(column.name))} AS told_{column.name}" for column in table.columns]
    casts = [f"{_cast(column, source, site, picked.get(column.name))} AS {column.name}" for column in table.columns]
    unread = [
        f"{_unread(column, picked.get(column.name))} AS unread_{column.name}"
        for column in table.columns
        if column.kind != "text"
    ]
    file = FILE_COLUMN if FILE_COLUMN in offered else "NULL::VARCHAR"
    updated = UPDATED_COLUMN if UPDATED_COLUMN in offered else source.updated_at
    version = _own_text(scratch, name, "updated_at", updated, offered)
    known = _own_text(scratch, name, "known_at", source.known_at, offered)
    customer, person = (
        ("customer_id", "told_customer_id") if "customer_id" in table.names else ("NULL", "NULL::VARCHAR")
    )
    return f"""
        WITH picked AS NOT MATERIALIZED (
            SELECT {SEQUENCE} AS seq, {file} AS file, {version} AS own_version, {known} AS own_known, {", ".join(reads)}
            FROM source_rows WHERE {source.where or "true"}
        ),
        told AS NOT MATERIALIZED (
            SELECT
                *, {_own_instant("own_version", source)} AS source_version_at,
                {_own_instant("own_known", source)} AS source_known_at, {", ".join(told)}
            FROM picked
        ),
        -- A pseudonym costs more than a join, and a customer has many rows.
        people AS MATERIALIZED (
            SELECT person, {_pseudonym("person", source)} AS pseudonym
            FROM (SELECT DISTINCT {person} AS person FROM told)
        ),
        typed AS (
            SELECT told.*, {", ".join(casts)} FROM told LEFT JOIN people ON {person} = person
        ),
        dated AS (
            SELECT *, {", ".join([*unread, f"{_version_at(table)} AS version_at, {_born_at(table, site)} AS born_at"])}
            FROM typed
        ),
        due AS (
            SELECT *, {_due_at(table)} AS due_at FROM dated
        ),
        judged AS (
            SELECT
                *,
                {broken_rule(table, _zoneless(table, source, picked))} AS rule,
                coalesce(due_at >= TIMESTAMPTZ {quoted(night.cutoff.isoformat())}, false) AS is_future,
                coalesce(source_known_at, born_at) AS known_from
            FROM due
        )
        SELECT
            seq, file, version_at, known_from, due_at, is_future,
            CASE WHEN NOT is_future THEN rule END AS rule,
            {"NULL::VARCHAR" if source.has_pseudonyms else person} AS original_id,
            CASE WHEN rule IS NOT NULL THEN {_bad_key(table)} END AS bad_key,
            CASE WHEN rule IS NOT NULL THEN {customer} END AS bad_customer_id,
            CASE WHEN rule IS NOT NULL THEN {_payload(table)} END AS payload,
            {row_hash(table)} AS row_hash,
            {", ".join(table.names)}
        FROM judged
    """


def _told(column: Column, source: Source, picked: Picked | None) -> str:
    """What the source says, in the contract's words; of texts, null where it is no value."""
    if picked is None:
        return "NULL::VARCHAR"
    found = f"picked_{column.name}"
    words = source.words.get(column.name, {})
    cases = " ".join(f"WHEN {quoted(theirs.strip().lower())} THEN {quoted(ours)}" for theirs, ours in words.items())
    otherwise = found
    if column.kind == "text":
        otherwise = f"CASE WHEN {found} NOT IN {NO_VALUE} THEN {found} END"
        otherwise = f"lower({otherwise})" if column.words else otherwise
    return f"CASE lower(coalesce({found}, '')) {cases} ELSE {otherwise} END" if cases else otherwise


def _cast(column: Column, source: Source, site: str, picked: Picked | None) -> str:
    """The contract's type, or null where what was told does not have it; people become pseudonyms."""
    told = f"told_{column.name}"
    if column.privacy == "key":
        return "people.pseudonym" if column.name == "customer_id" else _pseudonym(told, source)
    if column.kind == "text":
        return told
    if picked is None:
        return f"NULL::{SQL[column.kind]}"
    if column.kind == "number":
        number = f"TRY_CAST({told} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    if picked.is_typed:
        return f"{told}::{SQL[column.kind]}"
    if column.kind == "instant":
        return _instant(told, source.time_zone)
    if column.kind == "date":
        local = f"timezone({quoted(site)}, TRY_CAST({told} AS TIMESTAMPTZ))::DATE"
        return f"CASE WHEN regexp_matches({told}, '{HAS_ZONE}') THEN {local} ELSE TRY_CAST({told} AS DATE) END"
    return f"TRY_CAST({told} AS {SQL[column.kind]})"


def _pseudonym(key: str, source: Source) -> str:
    """A key as the pseudonym that stands for it; where pseudonyms come, what is none is no key."""
    if not source.has_pseudonyms:
        return f"pseudonym({key})"
    return f"CASE WHEN regexp_full_match({key}, '[0-9a-f]{{{HEX_CHARACTERS}}}') THEN {key} END"


def _unread(column: Column, picked: Picked | None) -> str:
    """The text that was told where it is a value, but not one of the column's type."""
    if picked is None:
        return "NULL::VARCHAR"
    told = f"told_{column.name}"
    text = f"{told}::VARCHAR" if picked.is_typed else told
    is_value = f"{text} NOT IN {NO_VALUE} AND lower({text}) NOT IN {NO_NUMBER}"
    return f"CASE WHEN {column.name} IS NULL AND {told} IS NOT NULL AND {is_value} THEN {text} END"


def _instant(text: str, zone: str | None) -> str:
    """An instant: with the zone that is written, or else the source's.

    A local time that clocks skip counts from the hour before; one that comes twice is the later.
    """
    local = f"timezone({quoted(zone)}, TRY_CAST({text} AS TIMESTAMP))" if zone else "NULL"
    return f"CASE WHEN regexp_matches({text}, '{HAS_ZONE}') THEN TRY_CAST({text} AS TIMESTAMPTZ) ELSE {local} END"


def _own_text(scratch: duckdb.DuckDBPyConnection, name: str, key: str, mapped: str, offered: Sequence[str]) -> str:
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


def _zoneless(table: Table, source: Source, picked: Mapping[str, Picked]) -> dict[str, str]:
    """For each instant, the condition that it was written without a zone that nobody set."""
    return {
        column.name: f"TRY_CAST(unread_{column.name} AS TIMESTAMP) IS NOT NULL"
        for column in table.columns
        if column.kind == "instant" and column.name in picked and source.time_zone is None
    }


def row_hash(table: Table) -> str:
    """SQL of what tells one version of a row from another: a text of 32 hexadecimal characters.

    Texts count by a keyed hash of their own, names not at all. A column that joined the contract later
    than its table counts only where it has a value, so that no hash changes until a source fills it.
    """
    columns = [column for column in table.columns if column.privacy != "vault"]
    founders = ", ".join(f"coalesce({_hashed(column)}, '')" for column in columns if column.since == 1)
    joiners = "".join(
        f" || coalesce(chr(31) || '{column.name}=' || {_hashed(column)}, '')" for column in columns if column.since > 1
    )
    return f"md5(concat_ws(chr(31), {founders}){joiners})"


def _hashed(column: Column) -> str:
    """A text that is different for different values, on every machine; an instant without its zone."""
    if column.kind == "instant":
        return f"epoch_us({column.name})::VARCHAR"
    if column.kind == "text":
        return f"pseudonym({column.name})" if column.privacy == "text" else column.name
    return f"{column.name}::VARCHAR"


def _bad_key(table: Table) -> str:
    """The key as it was told; who it was stays unsaid."""
    parts = [name if table[name].kind == "text" else f"told_{name}::VARCHAR" for name in table.key]
    return f"replace(concat_ws(' | ', {', '.join(parts)}), chr(0), '')"


def _payload(table: Table) -> str:
    """What was found, as JSON, of the columns that say nothing about who it was."""
    pairs = [f"'{column.name}', told_{column.name}::VARCHAR" for column in table.columns if column.privacy is None]
    return f"json_object({', '.join(pairs)})::VARCHAR"
