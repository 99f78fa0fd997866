"""The tables that a pull writes: fifteen of versions, and our own bookkeeping beside them.

All of them are created before the first row comes, so that whoever reads never asks whether a table
exists. Columns are only ever added.
"""

from features.contract import CONTRACT
from features.tables import SQL, Table
from forestall.privacy.reduction import REDUCED
from forestall.warehouse import Warehouse

REDUCED_SQL = {"length": "BIGINT", "sentiment": "DOUBLE PRECISION", "language": "VARCHAR"}

# What a version says of itself. `version_at` is when the source says that the row took this form.
VERSION_SQL = {
    "known_at": "TIMESTAMPTZ",
    "pull_id": "BIGINT",
    "row_hash": "VARCHAR",
    "source": "VARCHAR",
    "version_at": "TIMESTAMPTZ",
}

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


def raw_columns(table: Table) -> dict[str, str]:
    """Columns of `raw.<table>` and their SQL types: what the contract says, without what is personal."""
    columns: dict[str, str] = {}
    for column in table.columns:
        if column.privacy == "text":
            columns |= {f"{column.name}_{part}": REDUCED_SQL[part] for part in REDUCED}
        elif column.privacy != "vault":
            columns[column.name] = SQL[column.kind]
    return columns | VERSION_SQL


def create_tables(warehouse: Warehouse) -> None:
    """Create what is not there yet: tables, and of older warehouses' tables the columns they lack."""
    written = {f"raw.{table.name}": raw_columns(table) for table in CONTRACT.values()}
    for name, columns in (BOOKKEEPING | written).items():
        told = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS {name} ({told})")
        for column in columns.keys() - warehouse.columns_of(name):
            warehouse.execute(f"ALTER TABLE {name} ADD COLUMN {column} {columns[column]}")
    if warehouse.dialect == "postgres":  # DuckDB prunes by column statistics; an index there slows every load
        for table in CONTRACT.values():
            keys = ", ".join(table.key)
            warehouse.execute(f"CREATE INDEX IF NOT EXISTS {table.name}_key ON raw.{table.name} ({keys})")
