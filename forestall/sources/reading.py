"""What every kind of source gives: batches of its own rows, as they are, and how it can fail.

A reader maps nothing and judges nothing. It yields Arrow tables of at most `BATCH_ROWS` rows in the
order in which they were found, so that a source of any size is read in bounded memory.
"""

from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from forestall.settings import ConfigError

BATCH_ROWS = 1_000_000
FILE_COLUMN = "forestall_file"
UPDATED_COLUMN = "forestall_updated_at"  # `updated_at`, where the source computed it itself


Batches = Generator[pa.Table, None, None]  # closed by who reads, so that connections are not left open


class SourceError(ConfigError):
    """What the source gave cannot be used: unreadable, or not as mapped. One line; the user can mend it."""


class SourceDownError(Exception):
    """The source did not answer after all retries. One line, without its password."""


@dataclass(frozen=True)
class FileState:
    """A file as it was when it was read: what tells that it need not be read again.

    `due_at` is the earliest instant from which on a row is ours that was not when it was read; null
    where all of them were.
    """

    path: str
    size_bytes: int
    modified_ns: int
    content_hash: str
    due_at: datetime | None = None


@dataclass(frozen=True)
class Rejected:
    """A line that is no row: it has no columns to be judged by, so only its place is kept."""

    file: str
    line: int | None
    problem: str


@dataclass(frozen=True)
class Since:
    """What earlier pulls have seen: the watermark less the overlap, and the files that hold nothing more for us."""

    changed_at: datetime | None = None
    files: Mapping[str, FileState] = field(default_factory=dict)


@dataclass
class Reading:
    """A source being read. `rejected` and `files` are complete once `batches` is exhausted."""

    batches: Batches
    rejected: list[Rejected] = field(default_factory=list)
    files: list[FileState] = field(default_factory=list)


def in_batches(schema: pa.Schema, pieces: Iterable[pa.RecordBatch]) -> Batches:
    """Small pieces as tables of about `BATCH_ROWS`: each batch has costs of its own.

    There is always one table, if only an empty one: the mapping is checked on it.
    """
    gathered: list[pa.RecordBatch] = []
    is_first = True
    for piece in pieces:
        gathered.append(piece)
        if sum(batch.num_rows for batch in gathered) >= BATCH_ROWS:
            yield pa.Table.from_batches(gathered, schema)
            gathered, is_first = [], False
    if gathered or is_first:
        yield pa.Table.from_batches(gathered, schema)


def read_ahead(batches: Batches) -> Batches:
    """The same batches, each read by a thread of its own while the one before it is worked on."""
    with closing(batches), ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def one_line(error: BaseException) -> str:
    """The first line of an error, without its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.partition("Error: ")[2] or text
