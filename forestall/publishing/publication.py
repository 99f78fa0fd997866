"""Published nights: immutable folders, their revisions, their manifest, and `current`.

A night is written aside and renamed into place, so a reader sees all of it or nothing. What was
published is never altered: the same run date with other content adds a revision, with the same
content it adds nothing. `current` is a link to the last good night and never moves to an older date.
Nothing here reads the warehouse or asks the clock; the jobs hand in what they know.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from os import getpid
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from features.published import PUBLISHED, SCHEMA_VERSION
from features.tables import Table
from forestall.settings import ConfigError

MANIFEST = "manifest.json"
CURRENT = "current"
_FOLDER = re.compile(r"(?P<run_date>\d{4}-\d{2}-\d{2})(?:\.r(?P<revision>\d+))?")

Tables = Mapping[str, pa.Table]


class PublicationError(ConfigError):
    """A night cannot be published or read; its text is one line that says where and why."""


@dataclass(frozen=True, order=True)
class PublishedNight:
    """A night that was published; its tables are read when asked for.

    Attributes:
        run_date: the morning it was made for.
        revision: 1 for the first publication of the run date, which is the one the ledger scores.
        folder: where it lies.
    """

    run_date: date
    revision: int
    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What `manifest.json` says about the night."""
        try:
            manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PublicationError(f"{self.folder / MANIFEST}: cannot be read: {error}") from error
        return manifest

    def table(self, name: str) -> pa.Table:
        """A table in today's columns, whichever schema version it was published with.

        Raises:
            PublicationError: the file is broken.
            KeyError: no such table is published.
        """
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            return migrate(pa.table({}), PUBLISHED[name])
        try:
            return migrate(pq.read_table(path, partitioning=None), PUBLISHED[name])
        except (pa.ArrowInvalid, OSError) as error:
            raise PublicationError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error

    def frame(self, name: str) -> pd.DataFrame:
        """`table(name)` as pandas; money becomes floats."""
        rows = self.table(name)
        floats = [
            pa.field(column.name, pa.float64() if column.kind == "money" else rows.schema.field(column.name).type)
            for column in PUBLISHED[name].columns
        ]
        frame: pd.DataFrame = rows.cast(pa.schema(floats)).to_pandas()
        return frame


def migrate(rows: pa.Table, table: Table) -> pa.Table:
    """`rows` of any schema version in the columns that `table` has today.

    Versions only add columns. A column that an older version did not have is null; a column that a
    newer version added is not ours to read and is left out. A table without columns has no rows.
    """
    schema = table.arrow_schema()
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def load_night(folder: Path) -> PublishedNight:
    """The night in `folder`, which may be `current`.

    Raises:
        PublicationError: it is no published night.
    """
    folder = folder.resolve()
    name = _FOLDER.fullmatch(folder.name)
    if name is None or not (folder / MANIFEST).is_file():
        raise PublicationError(f"{folder}: is no published night; expected <run date>[.rN]/{MANIFEST}")
    return PublishedNight(date.fromisoformat(name["run_date"]), int(name["revision"] or 1), folder)


def nights(published: Path) -> list[PublishedNight]:
    """All published nights, oldest run date first, revisions of a date in their order."""
    if not published.is_dir():
        return []
    folders = [folder for folder in published.iterdir() if _FOLDER.fullmatch(folder.name)]
    return sorted(load_night(folder) for folder in folders if (folder / MANIFEST).is_file())


def current_night(published: Path) -> PublishedNight | None:
    """The last good night, or None where nothing was ever published."""
    link = published / CURRENT
    return load_night(link) if link.exists() else None


def canonical_hash(rows: pa.Table, table: Table) -> str:
    """Hash of what the rows say, whatever their order and however the file was written.

    Rows are sorted by key and written as CSV: instants in UTC, decimals with four places, floats in
    the shortest text that reads back as the same number, NaN as missing.
    """
    rows = rows.select(table.names).sort_by([(name, "ascending") for name in table.key])
    for index, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type):
            values = pc.if_else(pc.is_nan(rows[field.name]), None, rows[field.name])
            rows = rows.set_column(index, field, pc.add(values, 0.0))  # minus zero is zero
    sink = _Digest()
    pa_csv.write_csv(rows, pa.PythonFile(sink, mode="w"))
    return sink.digest.hexdigest()


class _Digest:
    """A file that keeps only the hash of what is written to it."""

    closed = False

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True


def publish_night(
    published: Path,
    run_date: date,
    tables: Tables,
    about: Mapping[str, Any],
    render: Callable[[PublishedNight], None],
    *,
    moves_current: bool = True,
) -> PublishedNight:
    """Publish a night once: write it aside, rename it into place, point `current` to it.

    Killed at any instant and run again, it gives what an undisturbed run gives. The caller holds
    the warehouse lock, so whatever lies aside was left by a process that died.

    Args:
        published: folder of the published nights.
        run_date: the morning it is for.
        tables: all tables of `PUBLISHED`, in their contract's columns.
        about: what the manifest says beside files and hashes; only its `run` block may differ
            between two runs on the same data.
        render: writes the documents (CSV, XLSX, report) into the folder of the night it is given.
        moves_current: False for a backfill.

    Raises:
        PublicationError: the folder cannot be written; `current` is as it was.
    """
    hashes = {name: canonical_hash(tables[name], PUBLISHED[name]) for name in sorted(PUBLISHED)}
    # Gates say how the night was judged, not what it says: the same night judged again adds no revision.
    said = {name: digest for name, digest in hashes.items() if name != "gate_results"}
    content = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    with _told_in_one_line(published):
        published.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(published)
        earlier = [night for night in nights(published) if night.run_date == run_date]
        if earlier and earlier[-1].manifest["canonical_hash"] == content:
            night = earlier[-1]
        else:
            revision = earlier[-1].revision + 1 if earlier else 1
            manifest = {
                "schema_version": SCHEMA_VERSION,
                "run_date": run_date.isoformat(),
                "revision": revision,
                "canonical_hash": content,
                "tables": {
                    name: {"rows": tables[name].num_rows, "canonical_hash": digest} for name, digest in hashes.items()
                },
                **about,
            }
            night = _write(published, run_date, revision, tables, manifest, render)
        if moves_current:
            _point_current(published, night)
    return night


def _write(
    published: Path,
    run_date: date,
    revision: int,
    tables: Tables,
    manifest: Mapping[str, Any],
    render: Callable[[PublishedNight], None],
) -> PublishedNight:
    aside = published / f".{run_date}.tmp-{getpid()}"
    aside.mkdir()
    try:
        for name in PUBLISHED:
            pq.write_table(tables[name], aside / f"{name}.parquet")
        _write_json(aside / MANIFEST, manifest)
        render(PublishedNight(run_date, revision, aside))
        files = sorted(path for path in aside.rglob("*") if path.is_file() and path != aside / MANIFEST)
        entries = {path.relative_to(aside).as_posix(): _file_entry(path) for path in files}
        _write_json(aside / MANIFEST, {**manifest, "files": entries})
        folder = published / (f"{run_date}" if revision == 1 else f"{run_date}.r{revision}")
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return PublishedNight(run_date, revision, folder)


def _point_current(published: Path, night: PublishedNight) -> None:
    """Point `current` to the night, unless it already shows a later run date."""
    shown = current_night(published)
    if shown is not None and (shown.run_date > night.run_date or shown == night):
        return
    aside = published / f".{CURRENT}.tmp-{getpid()}"
    aside.symlink_to(night.folder.name, target_is_directory=True)
    aside.replace(published / CURRENT)


def _clear_leftovers(published: Path) -> None:
    for leftover in published.glob(".*.tmp-*"):
        if leftover.is_symlink():
            leftover.unlink()
        else:
            shutil.rmtree(leftover)


def _file_entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _told_in_one_line(published: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        link = published / CURRENT
        shown = link.readlink() if link.is_symlink() else "nothing"
        raise PublicationError(
            f"{published}: cannot publish: {error.strerror or error}; `current` still shows {shown}"
        ) from error
