"""Keeps every version of every row: appends what is new, passes over what is known.

The versions of a key stand in the order of `version_at`, and where the source does not say, in the
order of reading. A row that comes again unchanged is no version; one that is older than what is
stored is stale. Two that differ, with nothing to say which is later, cannot both be right: the one
read last is taken, the other goes to quarantine as `duplicate_key`.
"""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from features.tables import Table
from forestall.night import Night
from forestall.privacy.reduction import SCORED, register_scores
from forestall.sources.files import quoted
from forestall.sources.pulls import Counts
from forestall.sources.tables import raw_columns
from forestall.warehouse import Warehouse


@dataclass(frozen=True)
class Arrival:
    """Which pull brings the rows, and whether they are the source's first load."""

    night: Night
    name: str
    table: Table
    pull_id: int
    is_first: bool


def order_versions(scratch: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Make the temporary table `versions`: the good rows of `mapped` by `seq`, and their order.

    Adds `is_alone` (the only row of its key: most are, and need no ordering), `is_repeated` (same as
    the version before it) and `is_duplicate` (nothing says whether it is older than the next).
    """
    keys = ", ".join(table.key)
    in_order = f"PARTITION BY {keys} ORDER BY version_at NULLS FIRST, seq"
    changed_in_order = f"PARTITION BY {keys}, is_repeated ORDER BY version_at NULLS FIRST, seq"
    scratch.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE versions AS
        WITH good AS (
            SELECT seq, {keys}, version_at, known_from, row_hash FROM mapped WHERE rule IS NULL AND NOT is_future
        ),
        crowds AS MATERIALIZED (
            SELECT {keys} FROM good GROUP BY {keys} HAVING count(*) > 1
        ),
        compared AS (
            SELECT *, coalesce(row_hash = lag(row_hash) OVER ({in_order}), false) AS is_repeated
            FROM good SEMI JOIN crowds USING ({keys})
        )
        SELECT *, true AS is_alone, false AS is_repeated, false AS is_duplicate
        FROM good ANTI JOIN crowds USING ({keys})
        UNION ALL BY NAME
        SELECT
            *, false AS is_alone,
            NOT is_repeated AND lead(seq) OVER changed IS NOT NULL
                AND lead(version_at) OVER changed IS NOT DISTINCT FROM version_at AS is_duplicate
        FROM compared WINDOW changed AS ({changed_in_order})
        """
    ).fetchall()


def duplicates(scratch: duckdb.DuckDBPyConnection, arrival: Arrival) -> pa.Table:
    """The duplicates among `versions`, in the columns of `forestall.quarantine`."""
    table = arrival.table
    pairs = ", ".join(f"'{column.name}', {column.name}" for column in table.columns if column.privacy is None)
    customer = "customer_id" if "customer_id" in table.names else "NULL::VARCHAR"
    return scratch.sql(
        f"""
        SELECT
            {quoted(arrival.name)} AS source, {quoted(table.name)} AS table_name, 'duplicate_key' AS rule,
            concat_ws(' | ', {", ".join(table.key)}) AS row_key, {customer} AS customer_id,
            DATE '{arrival.night.run_date}' AS run_date, {arrival.pull_id}::BIGINT AS pull_id, file,
            json_object({pairs})::VARCHAR AS payload, row_hash
        FROM mapped WHERE seq IN (SELECT seq FROM versions WHERE is_duplicate)
        """
    ).to_arrow_table()


def append_versions(warehouse: Warehouse, arrival: Arrival) -> Counts:
    """Append the news among `versions` to `raw.<table>`; counts what was new, unchanged and stale."""
    scratch, table = warehouse.scratch(), arrival.table
    scratch.register("latest", latest_versions(warehouse, table))
    scratch.execute(f"CREATE OR REPLACE TEMP TABLE compared AS {_compared_sql(arrival)}").fetchall()
    scratch.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {_fresh_sql(arrival)}").fetchall()
    scratch.unregister("latest")
    _append_fresh(warehouse, arrival)
    stale = count(scratch, "compared WHERE is_stale")
    new = count(scratch, "fresh")
    known = count(scratch, "versions WHERE NOT is_duplicate") - stale - new
    return Counts(new=new, unchanged=known, stale=stale)


def latest_versions(warehouse: Warehouse, table: Table) -> pa.Table:
    """The latest stored version of each key that stands in `versions`."""
    raw, keys = f"raw.{table.name}", ", ".join(table.key)
    if warehouse.scalar(f"SELECT 1 FROM {raw} LIMIT 1") is None:
        return warehouse.query(_latest_sql(keys, raw))
    incoming = f"forestall.incoming_{table.name}"
    types = raw_columns(table)
    warehouse.execute(f"CREATE TABLE {incoming} ({', '.join(f'{key} {types[key]}' for key in table.key)})")
    warehouse.append(incoming, warehouse.scratch().sql(f"SELECT DISTINCT {keys} FROM versions").to_arrow_table())
    latest = warehouse.query(_latest_sql(keys, f"{raw} JOIN {incoming} USING ({keys})"))
    warehouse.execute(f"DROP TABLE {incoming}")
    return latest


def _latest_sql(keys: str, rows: str) -> str:
    return f"""
        SELECT {keys}, row_hash AS latest_hash, version_at AS latest_version_at, known_at AS latest_known_at
        FROM (
            SELECT
                {keys}, row_hash, version_at, known_at,
                row_number() OVER (PARTITION BY {keys} ORDER BY known_at DESC, pull_id DESC) AS newest
            FROM {rows}
        ) AS stored
        WHERE newest = 1
    """


def _compared_sql(arrival: Arrival) -> str:
    """`versions` beside what is stored; on a first load what is older is history, not stale."""
    keys = ", ".join(arrival.table.key)
    is_stale = "false" if arrival.is_first else "coalesce(version_at < latest_version_at, false)"
    return f"""
        SELECT versions.*, latest_hash, latest_version_at, latest_known_at, {is_stale} AS is_stale
        FROM versions LEFT JOIN latest USING ({keys})
        WHERE NOT is_repeated AND NOT is_duplicate
    """


def _fresh_sql(arrival: Arrival) -> str:
    """New versions with `known_at`, which rises with every version of a key (docs/decisions/0002).

    On a first load a row was known since its birth, a later version of it since it changed. Versions
    that would share an instant are moved apart by microseconds, the earlier ones back: no version
    may pass the cutoff.
    """
    keys = ", ".join(arrival.table.key)
    pulled = f"TIMESTAMPTZ {quoted(arrival.night.cutoff.isoformat())} - INTERVAL 1 MICROSECOND"
    first = """
        CASE WHEN place = 1 AND latest_known_at IS NULL THEN known_from
             WHEN version_at < latest_version_at THEN version_at
             ELSE greatest(coalesce(version_at, known_from), latest_known_at + INTERVAL 1 MICROSECOND) END
    """
    could_know = f"least(coalesce({first}, {pulled}), {pulled})" if arrival.is_first else pulled
    return f"""
        WITH placed AS (
            SELECT *, 1 AS place FROM compared WHERE is_alone AND NOT is_stale
            UNION ALL
            SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY version_at NULLS FIRST, seq) AS place
            FROM compared WHERE NOT is_alone AND NOT is_stale
        ),
        news AS (
            SELECT *, {could_know} AS could_know
            FROM placed WHERE place > 1 OR row_hash IS DISTINCT FROM latest_hash
        )
        SELECT seq, could_know AS known_at FROM news WHERE is_alone
        UNION ALL
        SELECT
            seq,
            min(could_know - to_microseconds(place)) OVER (
                PARTITION BY {keys} ORDER BY place DESC ROWS UNBOUNDED PRECEDING
            ) + to_microseconds(place) AS known_at
        FROM news WHERE NOT is_alone
    """


def _append_fresh(warehouse: Warehouse, arrival: Arrival) -> None:
    """The rows of `mapped` that are in `fresh` into `raw.<table>`, texts reduced to what may be said without them."""
    scratch, table = warehouse.scratch(), arrival.table
    texts = [column.name for column in table.columns if column.privacy == "text"]
    stated = "mapped.language" if any(column.name == "language" for column in table.columns) else "NULL"
    fresh = "mapped SEMI JOIN fresh USING (seq)"
    scores = {column: register_scores(scratch, fresh, column, stated) for column in texts}
    reduced = {f"{column}_length": f"length(mapped.{column})" for column in texts}
    reduced |= {f"{column}_{part}": f"{scores[column]}.{part}" for column in texts for part in SCORED}
    own = {
        "known_at": "fresh.known_at",
        "pull_id": f"{arrival.pull_id}::BIGINT",
        "source": quoted(arrival.name),
    }
    picked = ", ".join(f"{(reduced | own).get(name, 'mapped.' + name)} AS {name}" for name in raw_columns(table))
    joins = " ".join(
        f"LEFT JOIN {scores[column]} ON mapped.{column} = {scores[column]}.text"
        f" AND {stated} IS NOT DISTINCT FROM {scores[column]}.stated"
        for column in texts
    )
    warehouse.insert(f"raw.{table.name}", f"SELECT {picked} FROM mapped JOIN fresh USING (seq) {joins}")
    for name in scores.values():
        scratch.unregister(name)


def count(scratch: duckdb.DuckDBPyConnection, rows: str) -> int:
    """How many rows `rows` (a relation, with a condition or without) has."""
    return int(scratch.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
