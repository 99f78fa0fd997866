"""One night: its run date, its cutoff, and the folder in which its tables gather before publication.

Nobody below asks the clock. A table is written aside and renamed into place, so that a job killed
half way leaves either the old table or the new one.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.aside import written_aside
from features.published import PUBLISHED
from features.tables import Table
from forestall.settings import ConfigError, Settings


class SchemaError(Exception):
    """A table does not have the columns of its contract."""


@dataclass(frozen=True)
class Night:
    """The night that ends on the morning of `run_date`."""

    settings: Settings
    run_date: date

    @property
    def cutoff(self) -> datetime:
        """`run_date` 00:00 in the site's zone, as a UTC instant: nothing known later enters."""
        return datetime.combine(self.run_date, time(), self.settings.zone).astimezone(UTC)

    @property
    def base(self) -> Path:
        """Where runs and published nights are kept; a backfill has a place of its own."""
        var = self.settings.var_path
        return var / "backfill" if self.settings.is_backfill else var

    @property
    def folder(self) -> Path:
        """`var/runs/<run date>`: the tables of the night, before they are published."""
        return self.base / "runs" / self.run_date.isoformat()

    @property
    def published(self) -> Path:
        """`var/published`: one folder for each published night, and `current`."""
        return self.base / "published"

    def write(self, name: str, rows: pd.DataFrame | pa.Table) -> Path:
        """Write a table of the night as `<name>.parquet`, in its contract's columns and key order.

        Tables that are not published (intermediate results of a job) have no contract and keep
        their columns.

        Raises:
            SchemaError: a column is missing, is unknown or cannot be converted.
        """
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False)
        if name in PUBLISHED:
            table = conform(table, PUBLISHED[name])
        path = self._path(name)
        with written_aside(path) as aside:
            pq.write_table(table, aside)
        return path

    def has(self, name: str) -> bool:
        """Whether a job of this night has written the table."""
        return self._path(name).is_file()

    def read(self, name: str) -> pd.DataFrame:
        """A table that an earlier job of this night wrote.

        Raises:
            ConfigError: the job has not run; the text names the table and the night.
        """
        frame: pd.DataFrame = self.table(name).to_pandas()
        return frame

    def table(self, name: str) -> pa.Table:
        """The same as Arrow: exact decimals, dates that are dates.

        Raises:
            ConfigError: as `read`.
        """
        if not self.has(name):
            raise ConfigError(f"{name} of {self.run_date}: not there yet; run the job that makes it first")
        return pq.read_table(self._path(name), partitioning=None)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"


def conform(rows: pa.Table, table: Table) -> pa.Table:
    """`rows` in the columns, types and key order of `table`.

    Raises:
        SchemaError: names the table and the columns.
    """
    missing = [name for name in table.names if name not in rows.column_names]
    extra = [name for name in rows.column_names if name not in table.names]
    if missing or extra:
        raise SchemaError(f"{table.name}: missing columns {missing}, unknown columns {extra}")
    try:
        cast = rows.select(table.names).cast(table.arrow_schema())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaError(f"{table.name}: {error}") from error
    return cast.sort_by([(name, "ascending") for name in table.key])
