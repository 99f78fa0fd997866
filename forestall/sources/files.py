"""Files: CSV, TSV, JSON lines, Parquet, plain or gzip, one or many, by glob or by folder.

DuckDB reads them; every column of a text file is read as text, so that our casts decide and not a
guess from the first rows. A file that did not change is not read again; one that did is read whole, for
nothing tells where in it a late row stands. Lines that are no rows are
set apart with their number; a file that cannot be read as a whole is an error that names it.
"""

import csv
import glob
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from forestall.sections import Source
from forestall.settings import Settings
from forestall.sources.reading import (
    BATCH_ROWS,
    FILE_COLUMN,
    Batches,
    FileState,
    Reading,
    Rejected,
    Since,
    SourceError,
    in_batches,
    one_line,
    read_ahead,
)
from forestall.warehouse import connect_duckdb

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".tab": "csv",
    ".json": "json", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
READER_MEMORY = "1GB"
DELIMITERS = (",", ";", "\t", "|")
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Layout:
    """How a file is to be read. Neighbouring files of one layout are read together."""

    format: str
    delimiter: str = ""
    columns: tuple[str, ...] = ()


def read_files(name: str, source: Source, settings: Settings, since: Since, limit: int | None = None) -> Reading:
    """The rows of the files that are new or have changed, oldest name first.

    Args:
        name: the source's name, for errors.
        source: what to read; `location` is a path, a glob or a folder.
        settings: what a relative location starts from, and how much memory there is.
        since: files that were read before.
        limit: stop after so many rows, for a preview.

    Raises:
        SourceError: no file is there, or a file cannot be read; while it is being read, too.
    """
    paths = find_files(name, source, settings.root)
    changed = [(path, state) for path in paths if (state := changed_state(path, since)) is not None]
    fresh = [path for path, state in changed if not _is_same(state, since)]
    rejected: list[Rejected] = []
    batches = read_ahead(_batches(name, source, settings, fresh, rejected, limit))
    return Reading(batches, rejected, [state for _, state in changed])


def find_files(name: str, source: Source, root: Path) -> list[Path]:
    """The files of the location, by name; what other programs are still writing is left alone.

    Raises:
        SourceError: there is none.
    """
    place = root / source.location
    if place.is_dir():
        found = [path for path in place.rglob("*") if _format_of(path)]
    else:
        found = [Path(path) for path in glob.glob(str(place), recursive=True)]  # noqa: PTH207  # may be absolute
    files = sorted(path for path in found if path.is_file() and not path.name.startswith((".", "_")))
    if not files:
        raise SourceError(f"sources.{name}: {place}: no such file; put it there or change `location`")
    return files


def changed_state(path: Path, since: Since) -> FileState | None:
    """The file's state if size or time differ from what was read before, else None."""
    stat = path.stat()
    before = since.files.get(str(path))
    if before is not None and (before.size_bytes, before.modified_ns) == (stat.st_size, stat.st_mtime_ns):
        return None
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    return FileState(str(path), stat.st_size, stat.st_mtime_ns, content)


def _is_same(state: FileState, since: Since) -> bool:
    """Touched or copied again, but of the same content."""
    before = since.files.get(state.path)
    return before is not None and before.content_hash == state.content_hash


def _format_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return FORMATS.get(suffixes[-1], "") if suffixes else ""


def _batches(
    name: str, source: Source, settings: Settings, paths: Sequence[Path], rejected: list[Rejected], limit: int | None
) -> Batches:
    reader = connect_duckdb(":memory:", None if limit else settings)  # a preview leaves no trace
    # What is read goes through; the memory is the warehouse's, which works on it at the same time.
    reader.execute(f"SET memory_limit = '{READER_MEMORY}'").fetchall()
    try:
        laid_out = ((layout_of(name, source, path), path) for path in paths)
        filled = ((layout, path) for layout, path in laid_out if layout is not None)
        for layout, group in groupby(filled, key=lambda pair: pair[0]):
            yield from _group_batches(reader, name, source, layout, [str(path) for _, path in group], rejected, limit)
    finally:
        reader.close()


def _group_batches(
    reader: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    layout: Layout,
    paths: Sequence[str],
    rejected: list[Rejected],
    limit: int | None,
) -> Batches:
    try:
        select = _select(reader, name, layout, paths)
        if not select:
            return
        if source.select:
            select = f"WITH source AS ({select}) SELECT * FROM ({source.select})"
        relation = reader.sql(select + (f" LIMIT {limit}" if limit else ""))
        pieces = relation.to_arrow_reader(BATCH_ROWS)
        yield from in_batches(pieces.schema, pieces)
        rejected += _rejected_lines(reader, name) if layout.format == "csv" else []
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        raise SourceError(f"sources.{name}: select: {one_line(error)}") from error
    except duckdb.ConversionException as error:
        # What DuckDB says holds the value, and a value may be a name.
        where = "select" if source.select else ", ".join(paths[:3])
        raise SourceError(f"sources.{name}: {where}: a value has the wrong type; TRY_CAST makes it empty") from error
    except duckdb.Error as error:
        place = "" if any(path in one_line(error) for path in paths) else f"{', '.join(paths[:3])}: "
        raise SourceError(f"sources.{name}: {place}{one_line(error)}; deliver the file again") from error


def layout_of(name: str, source: Source, path: Path) -> Layout | None:
    """How to read the file; None for a file without a byte.

    Raises:
        SourceError: its kind is unknown, its head is broken, or it names a column twice.
    """
    kind = source.format if source.format != "auto" else _format_of(path)
    if not kind:
        raise SourceError(f"sources.{name}: {path}: unknown kind of file; set `format` to csv, json or parquet")
    if path.stat().st_size == 0:
        return None
    if kind == "parquet":
        try:
            return Layout("parquet", columns=tuple(pq.read_schema(path).names))
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"sources.{name}: {path}: {one_line(error)}; deliver the file again") from error
    head = _head(name, path)
    if kind == "json":
        if head.startswith(BYTE_ORDER_MARK):
            raise SourceError(f"sources.{name}: {path}: begins with a byte-order mark; save the file without")
        return Layout("json array" if head.lstrip().startswith("[") else "json lines")
    head = head.removeprefix(BYTE_ORDER_MARK)
    try:
        rows = {delimiter: next(csv.reader([head], delimiter=delimiter), []) for delimiter in DELIMITERS}
    except csv.Error as error:
        raise SourceError(f"sources.{name}: {path}: line 1 has no end; end lines with a line feed") from error
    delimiter = max(DELIMITERS, key=lambda each: len(rows[each]))
    columns = tuple(column.strip() or f"column{index}" for index, column in enumerate(rows[delimiter], 1))
    if not columns:
        raise SourceError(f"sources.{name}: {path}: line 1 is empty; it must name the columns")
    if twice := named_twice(columns):
        raise SourceError(f"sources.{name}: {path}: column `{twice}` stands there twice")
    return Layout("csv", delimiter, columns)


def named_twice(columns: Sequence[str]) -> str:
    """The first name, in small letters, that more than one of the columns has; empty where none does."""
    lower = sorted(column.lower() for column in columns)
    return next((one for one, next_one in pairwise(lower) if one == next_one), "")


def _head(name: str, path: Path) -> str:
    """The first line."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return file.readline().decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"sources.{name}: {path}: line 1 is not UTF-8; save the file as UTF-8") from error
    except (OSError, EOFError) as error:
        raise SourceError(f"sources.{name}: {path}: {one_line(error)}; deliver the file again") from error


def _select(reader: duckdb.DuckDBPyConnection, name: str, layout: Layout, paths: Sequence[str]) -> str:
    """The SELECT that reads the files; empty where none of them has a value.

    Raises:
        SourceError: no line is an object of JSON, or two of its keys differ in capitals only.
    """
    files = "[" + ", ".join(quoted(path) for path in paths) + "]"
    if layout.format == "parquet":
        # By name: a column that is empty throughout one file, or whole numbers there, takes the type that fits all.
        return f"SELECT * FROM read_parquet({files}, union_by_name = true, filename = '{FILE_COLUMN}')"
    if layout.format == "csv":
        columns = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in layout.columns)
        return (
            f"SELECT * FROM read_csv({files}, auto_detect = false, header = true, delim = {quoted(layout.delimiter)}, "
            f"quote = '\"', escape = '\"', columns = {{{columns}}}, filename = '{FILE_COLUMN}', store_rejects = true)"
        )
    kind = "array" if layout.format == "json array" else "newline_delimited"
    lines = f"format = '{kind}', ignore_errors = {kind == 'newline_delimited'}"
    # Every key of every row, in the memory of a few rows: what DuckDB's own detection does not promise.
    objects = f"read_json_objects({files}, {lines})"
    rows = f"SELECT unnest(json_keys(json)) AS key FROM {objects}"
    keys = [
        key for (key,) in reader.execute(f"SELECT DISTINCT key FROM ({rows}) WHERE key <> '' ORDER BY key").fetchall()
    ]
    if twice := named_twice(keys):
        raise SourceError(
            f"sources.{name}: {paths[0]}: column `{twice}` stands there twice, in capitals and in small letters"
        )
    if not keys:
        # What is broken beside good lines comes as a row without a value, and goes to quarantine.
        if reader.execute(
            f"SELECT 1 FROM {objects} WHERE json_type(json) IS DISTINCT FROM 'OBJECT' LIMIT 1"
        ).fetchall():
            raise SourceError(f"sources.{name}: {paths[0]}: no line is an object of JSON; deliver one object a line")
        return ""
    columns = ", ".join(f"{quoted(key)}: 'VARCHAR'" for key in keys)
    return f"SELECT * FROM read_json({files}, {lines}, columns = {{{columns}}}, filename = '{FILE_COLUMN}')"


def _rejected_lines(reader: duckdb.DuckDBPyConnection, name: str) -> list[Rejected]:
    """Lines that DuckDB could not split into columns.

    Raises:
        SourceError: a line is not UTF-8. Then the whole file is in another encoding, and the rows
            that seem to be right are right by chance only. Or a quote that nothing closes took
            the lines after it in, and nobody can say how many.
    """
    rows = reader.execute(
        """
        SELECT DISTINCT
            file_path, line, lower(error_type::VARCHAR) AS problem, contains(rtrim(csv_line, chr(10)), chr(10))
        FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
        ORDER BY file_path, line
        """
    ).fetchall()
    for path, line, problem, runs_on in rows:
        if "encoding" in problem:
            raise SourceError(f"sources.{name}: {path}: line {line} is not UTF-8; save the file as UTF-8")
        if problem == "unquoted value" and runs_on:
            raise SourceError(f"sources.{name}: {path}: line {line} opens a quote that it does not close; close it")
    reader.execute("DELETE FROM reject_errors").fetchall()
    return [Rejected(path, line, problem) for path, line, problem, _ in rows]


def quoted(text: str) -> str:
    """`text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
