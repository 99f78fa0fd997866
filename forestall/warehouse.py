"""The warehouse: one way to talk to DuckDB and PostgreSQL, and one writer at a time.

`open_warehouse` takes the lock, opens the connection and gives both back at the end. SQL that passes
through here means the same to both engines; what differs between them is in this file, in
`warehouse_lock.py` and in `dbt_project/macros/`, nowhere else.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import duckdb
import pandas as pd
import pyarrow as pa

from forestall.settings import ConfigError, Settings
from forestall.warehouse_lock import WarehouseBusyError, warehouse_lock

__all__ = ["Warehouse", "WarehouseBusyError", "connect_duckdb", "open_warehouse", "warehouse_lock"]

Parameters = Sequence[Any]
SCHEMAS = ("raw", "staging", "intermediate", "marts", "forestall")


class Warehouse(ABC):
    """An open connection. Parameters are written `?` for both engines."""

    dialect: Literal["duckdb", "postgres"]

    @abstractmethod
    def query(self, sql: str, parameters: Parameters = ()) -> pa.Table:
        """The rows that a SELECT gives, as Arrow."""

    @abstractmethod
    def pieces(self, sql: str, parameters: Parameters = (), rows: int = 500_000) -> Iterator[pa.Table]:
        """The rows that a SELECT gives, at most `rows` at a time; read to the end before the next statement."""

    @abstractmethod
    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run a statement that gives no rows."""

    @abstractmethod
    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> int:
        """Add rows to `schema.table` by column name; returns how many."""

    def insert(self, table: str, select: str) -> int:
        """Add to `schema.table` by column name what a SELECT of the scratch connection gives; returns how many rows."""
        return self.append(table, self.scratch().sql(select).to_arrow_reader(100_000))

    @abstractmethod
    def scratch(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection to prepare rows in; with DuckDB it sees the warehouse's own tables."""

    @abstractmethod
    def close(self) -> None: ...

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def frame(self, sql: str, parameters: Parameters = ()) -> pd.DataFrame:
        """The rows that a SELECT gives, as pandas; decimals become floats for the models."""
        return as_frame(self.query(sql, parameters))

    def scalar(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first value of the first row, or None."""
        table = self.query(sql, parameters)
        return table.column(0)[0].as_py() if table.num_rows else None

    def has_table(self, table: str) -> bool:
        """Whether `schema.table` exists and is a table or a view."""
        return bool(self.columns_of(table))

    def columns_of(self, table: str) -> set[str]:
        """Names of the columns of `schema.table`; none where there is no such table or view."""
        schema, _, name = table.rpartition(".")
        sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ?"
        return set(self.query(sql, [schema, name]).column(0).to_pylist())


def as_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as pandas; decimals become floats for the models."""
    floats = [
        pa.field(field.name, pa.float64() if pa.types.is_decimal(field.type) else field.type) for field in table.schema
    ]
    frame: pd.DataFrame = table.cast(pa.schema(floats)).to_pandas()
    return frame


class DuckDBWarehouse(Warehouse):
    """A DuckDB file: one process writes, and while it does nobody else reads."""

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def query(self, sql: str, parameters: Parameters = ()) -> pa.Table:
        return self._connection.sql(sql, params=list(parameters)).to_arrow_table()

    def pieces(self, sql: str, parameters: Parameters = (), rows: int = 500_000) -> Iterator[pa.Table]:
        return _in_pieces(self._connection.sql(sql, params=list(parameters)).to_arrow_reader(rows), rows)

    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        self._connection.execute(sql, list(parameters)).fetchall()

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> int:
        self._connection.register("appended_rows", rows)
        try:
            return self.insert(table, "SELECT * FROM appended_rows")
        finally:
            self._connection.unregister("appended_rows")

    def insert(self, table: str, select: str) -> int:
        count = self._connection.execute(f"INSERT INTO {table} BY NAME {select}").fetchone()
        return int(count[0]) if count else 0

    def scratch(self) -> duckdb.DuckDBPyConnection:
        return self._connection

    def close(self) -> None:
        self._connection.close()


class PostgresWarehouse(Warehouse):
    """A PostgreSQL database, spoken to in Arrow through ADBC."""

    dialect = "postgres"

    def __init__(self, url: str, settings: Settings) -> None:
        import adbc_driver_postgresql.dbapi as adbc

        self._connection = adbc.connect(url, autocommit=True)
        self._in_transaction = False
        self._settings = settings
        self._scratch: duckdb.DuckDBPyConnection | None = None

    def query(self, sql: str, parameters: Parameters = ()) -> pa.Table:
        with self._connection.cursor() as cursor:
            cursor.execute(_numbered(sql), tuple(parameters) or None)
            return _with_decimals(cursor.fetch_arrow_table())

    def pieces(self, sql: str, parameters: Parameters = (), rows: int = 500_000) -> Iterator[pa.Table]:
        with self._connection.cursor() as cursor:
            cursor.execute(_numbered(sql), tuple(parameters) or None)
            for piece in _in_pieces(cursor.fetch_record_batch(), rows):
                yield _with_decimals(piece)

    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(_numbered(sql), tuple(parameters) or None)

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> int:
        schema, _, name = table.rpartition(".")
        with self._connection.cursor() as cursor:
            return int(cursor.adbc_ingest(name, rows, mode="append", db_schema_name=schema))

    def scratch(self) -> duckdb.DuckDBPyConnection:
        if self._scratch is None:
            self._scratch = connect_duckdb(":memory:", self._settings)
        return self._scratch

    def close(self) -> None:
        if self._scratch is not None:
            self._scratch.close()
        self._connection.close()


def _in_pieces(reader: pa.RecordBatchReader, rows: int) -> Iterator[pa.Table]:
    """The reader's batches, put together to as many rows as are allowed."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        for start in range(0, batch.num_rows, rows):
            part = batch.slice(start, rows)
            if count + part.num_rows > rows:
                yield pa.Table.from_batches(waiting)
                waiting, count = [], 0
            waiting.append(part)
            count += part.num_rows
    if waiting:
        yield pa.Table.from_batches(waiting)


def _with_decimals(table: pa.Table) -> pa.Table:
    """PostgreSQL's NUMERIC arrives as opaque text; here it becomes decimal again."""
    for index, field in enumerate(table.schema):
        if isinstance(field.type, pa.OpaqueType):
            text = pa.chunked_array([chunk.storage for chunk in table.column(index).chunks], pa.string())
            table = table.set_column(index, field.name, text.cast(pa.decimal128(38, 9)))
    return table


def _numbered(sql: str) -> str:
    """`?` as PostgreSQL writes it: `$1`, `$2`..."""
    numbers = iter(range(1, sql.count("?") + 1))
    return re.sub(r"\?", lambda _: f"${next(numbers)}", sql)


def connect_duckdb(path: Path | Literal[":memory:"], settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection that reads and writes instants as UTC and downloads nothing.

    Rows on their way may hold names. What does not fit into memory goes encrypted into a folder that
    only its owner may enter: `.spill` beside the warehouse (a backup leaves hidden folders out).
    Without settings nothing leaves the memory.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "true",
        "temp_directory": "",
        "temp_file_encryption": "true",
        # DuckDB 2.0 asks for its extension httpfs (OpenSSL) to encrypt with, which would be a download. Its own
        # cipher is AES too, with random numbers that are not cryptographic: hence the folder of its own.
        "force_mbedtls_unsafe": "true",
    }
    if settings is not None:
        spill = (settings.var_path if path == ":memory:" else path.parent) / ".spill"
        spill.mkdir(mode=0o700, parents=True, exist_ok=True)
        config |= {
            "memory_limit": settings.warehouse.memory_limit,
            "threads": str(settings.warehouse.threads),
            "temp_directory": str(spill),
        }
    connection = duckdb.connect(str(path), config=config)
    connection.execute("SET TimeZone = 'UTC'").fetchall()
    return connection


@contextmanager
def open_warehouse(settings: Settings, purpose: str) -> Iterator[Warehouse]:
    """The warehouse, locked, open and with all its schemas.

    Args:
        settings: says where it is.
        purpose: who is asking, such as `pull 2026-03-01`; shown to whoever has to wait.

    Raises:
        WarehouseBusyError: another writer did not finish within `warehouse.lock_wait_s`.
        ConfigError: the warehouse cannot be opened.
    """
    with warehouse_lock(settings, purpose):
        warehouse = _connect(settings)
        try:
            for schema in SCHEMAS:
                warehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            yield warehouse
        finally:
            warehouse.close()


def _connect(settings: Settings) -> Warehouse:
    url = settings.warehouse_url
    if url.startswith("duckdb:///"):
        path = settings.root / url.removeprefix("duckdb:///")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return DuckDBWarehouse(connect_duckdb(path, settings))
        except duckdb.Error as error:
            raise ConfigError(f"warehouse {path}: {str(error).splitlines()[0]}") from error
    if url.startswith(("postgresql://", "postgres://")):
        try:
            return PostgresWarehouse(url, settings)
        except Exception as error:  # ADBC raises its own hierarchy, whose root is not exported
            host = urlsplit(url).hostname
            raise ConfigError(f"warehouse at {host}: {str(error).splitlines()[0]}") from error
    raise ConfigError(f"warehouse.url: `{url}` is neither duckdb:/// nor postgresql://")
