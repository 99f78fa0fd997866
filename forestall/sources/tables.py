"""The tables that a pull writes: fifteen of versions, and our own bookkeeping beside them.

All of them are created before the first row comes, so that whoever reads never asks whether a table
exists. Columns are only ever added.
"""

from collections.abc import Iterable

from features.contract import CONTRACT
from features.tables import SQL, Column, Table
from forestall.warehouse import Warehouse

# What a version says of itself, beside the contract's columns.
VERSION_COLUMNS = (
    Column("known_at", "instant", "since when this version could be known", is_required=True),
    Column("pull_id", "integer", "number of the pull that brought it", is_required=True),
    Column("row_hash", "text", "hash of the contract's columns", is_required=True),
    Column("source", "text", "the source's name in `forestall.toml`", is_required=True),
    Column("version_at", "instant", "when the source says that the row took this form"),
)

BOOKKEEPING = {
    # One row for each source and pull; `status` is ok or degraded, `reason` one line.
    "forestall.pulls": {
        "pull_id": "BIGINT", "source": "VARCHAR", "table_name": "VARCHAR", "run_date": "DATE",
        "cutoff_at": "TIMESTAMPTZ", "status": "VARCHAR", "reason": "VARCHAR", "note": "VARCHAR",
        "rows_read": "BIGINT", "rows_new": "BIGINT", "rows_unchanged": "BIGINT", "rows_stale": "BIGINT",
        "rows_not_yet": "BIGINT", "rows_quarantined": "BIGINT", "rows_forgotten": "BIGINT",
    },
    # How far each source has been read, and under which mapping.
    "forestall.watermarks": {
        "source": "VARCHAR", "changed_at": "TIMESTAMPTZ", "mapping_hash": "VARCHAR", "run_date": "DATE",
        "pull_id": "BIGINT",
    },
    # Files that were read; `due_at` is when the first of their rows is ours that was not yet.
    "forestall.files": {
        "source": "VARCHAR", "path": "VARCHAR", "size_bytes": "BIGINT", "modified_ns": "BIGINT",
        "content_hash": "VARCHAR", "due_at": "TIMESTAMPTZ",
    },
    # Rows that broke a rule. `row_key` and `customer_id` are pseudonymised, `payload` has nothing personal.
    "forestall.quarantine": {
        "source": "VARCHAR", "table_name": "VARCHAR", "rule": "VARCHAR", "row_key": "VARCHAR",
        "customer_id": "VARCHAR", "run_date": "DATE", "pull_id": "BIGINT", "file": "VARCHAR", "payload": "VARCHAR",
        "row_hash": "VARCHAR",
    },
    "forestall.forgotten": {"customer_id": "VARCHAR", "forgotten_at": "TIMESTAMPTZ"},
}  # fmt: skip


def kept_columns(table: Table) -> tuple[Column, ...]:
    """The columns of a contract table as the warehouse holds them: nothing personal among them.

    `vault` columns are absent, a `text` column `c` is `c_length`, `c_sentiment` and `c_language`.
    """
    return tuple(kept for column in table.columns for kept in _reduced(column))


def _reduced(column: Column) -> Iterable[Column]:
    if column.privacy == "vault":
        return ()
    if column.privacy != "text":
        return (column,)
    name, about = column.name, column.about
    return (
        Column(f"{name}_length", "integer", f"characters of {about}"),
        Column(f"{name}_sentiment", "number", f"tone of {about}, -1 to 1"),
        Column(f"{name}_language", "text", f"language of {about}, ISO 639-1"),
    )


def raw_columns(table: Table) -> dict[str, str]:
    """Columns of `raw.<table>` and their SQL types."""
    return {column.name: SQL[column.kind] for column in (*kept_columns(table), *VERSION_COLUMNS)}


def create_tables(warehouse: Warehouse) -> None:
    """Create what is not there yet: tables, and of older warehouses' tables the columns they lack."""
    written = {f"raw.{table.name}": raw_columns(table) for table in CONTRACT.values()}
    for name, columns in (BOOKKEEPING | written).items():
        told = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS {name} ({told})")
    stored = _stored_columns(warehouse)
    for name, columns in (BOOKKEEPING | written).items():
        for column, kind in columns.items():
            if (name, column) not in stored:
                warehouse.execute(f"ALTER TABLE {name} ADD COLUMN {column} {kind}")
    if warehouse.dialect == "postgres":  # DuckDB prunes by column statistics; an index there slows every load
        for table in CONTRACT.values():
            keys = ", ".join(table.key)
            warehouse.execute(f"CREATE INDEX IF NOT EXISTS {table.name}_key ON raw.{table.name} ({keys})")


def _stored_columns(warehouse: Warehouse) -> set[tuple[str, str]]:
    """`schema.table` and name of every column there is, asked for once: a catalogue answers slowly."""
    columns = warehouse.query(
        """
        SELECT table_schema, table_name, column_name FROM information_schema.columns
        WHERE table_schema IN ('raw', 'forestall')
        """
    )
    schemas, tables, names = (column.to_pylist() for column in columns.columns)
    return {(f"{schema}.{table}", name) for schema, table, name in zip(schemas, tables, names, strict=True)}
