"""The book of pulls: how far each source has been read, what came of it, and which is degraded."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from forestall.night import Night
from forestall.sections import Source
from forestall.sources.reading import FileState, Since
from forestall.warehouse import Warehouse

# Of `forestall.files`, in the order of `FileState`.
FILES = pa.schema(
    {
        "source": pa.string(),
        "path": pa.string(),
        "size_bytes": pa.int64(),
        "modified_ns": pa.int64(),
        "content_hash": pa.string(),
        "due_at": pa.timestamp("us", tz="UTC"),
    }
)


@dataclass
class Counts:
    """What became of the rows of a pull; each row that was read is in one of the others."""

    read: int = 0
    new: int = 0
    unchanged: int = 0
    stale: int = 0
    not_yet: int = 0
    quarantined: int = 0
    forgotten: int = 0

    def add(self, other: "Counts") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass(frozen=True)
class State:
    """How far a source has been read before.

    `is_first_load` says whether what comes counts as known since its birth: a source that was never read,
    one that is read again for the only night that it was read for (its mapping was mended in between), and
    one of which no row was ever fit to be kept.
    """

    is_first: bool = True
    is_first_load: bool = True
    changed_at: datetime | None = None
    run_date: date | None = None
    is_remapped: bool = False
    files: dict[str, FileState] = field(default_factory=dict)

    def since(self, source: Source, cutoff: datetime) -> Since:
        """Where to go on: nothing is skipped after the mapping has changed, and no file with a row that is due now."""
        if self.is_remapped or self.is_first:
            return Since()
        overlap = timedelta(hours=source.overlap_hours)
        done = {path: file for path, file in self.files.items() if file.due_at is None or file.due_at >= cutoff}
        return Since(self.changed_at - overlap if self.changed_at else None, done)


@dataclass(frozen=True)
class Degraded:
    """A source that did not deliver, the contract table that it fills, and why in one line."""

    source: str
    table_name: str
    reason: str


def next_pull_id(warehouse: Warehouse) -> int:
    """A number greater than that of every pull before."""
    return int(warehouse.scalar("SELECT coalesce(max(pull_id), 0) FROM forestall.pulls")) + 1


def mapping_hash(source: Source) -> str:
    """Changes when the source would be read or understood otherwise."""
    seen = source.model_dump_json(exclude={"retries", "overlap_hours", "token", "connection"})
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def read_state(warehouse: Warehouse, name: str, source: Source, run_date: date) -> State:
    """What earlier pulls of the source left, for a pull of `run_date`."""
    rows = warehouse.query(
        "SELECT changed_at, mapping_hash, run_date FROM forestall.watermarks WHERE source = ?", [name]
    ).to_pylist()
    if not rows:
        return State()
    files = warehouse.query(
        f"SELECT {', '.join(FILES.names[1:])} FROM forestall.files WHERE source = ?", [name]
    ).to_pylist()
    return State(
        is_first=False,
        is_first_load=_is_first_load(warehouse, name, run_date),
        changed_at=rows[0]["changed_at"],
        run_date=rows[0]["run_date"],
        is_remapped=rows[0]["mapping_hash"] != mapping_hash(source),
        files={row["path"]: FileState(**row) for row in files},
    )


def _is_first_load(warehouse: Warehouse, name: str, run_date: date) -> bool:
    """Whether no earlier night has a row of a source that was read before.

    A source that delivered nothing is no such case: what it brings later did not exist then, or came late.
    """
    earlier = warehouse.query(
        """
        SELECT count(*) AS pulls, sum(rows_new + rows_unchanged + rows_stale) AS kept, sum(rows_quarantined) AS bad
        FROM forestall.pulls WHERE source = ? AND status = 'ok' AND run_date <> ?
        """,
        [name, run_date],
    ).to_pylist()[0]
    return not earlier["pulls"] or (not earlier["kept"] and bool(earlier["bad"]))


def write_state(
    warehouse: Warehouse, night: Night, name: str, source: Source, pull_id: int, changed_at: datetime | None
) -> None:
    """Move the source's watermark; it never moves back."""
    warehouse.execute("DELETE FROM forestall.watermarks WHERE source = ?", [name])
    row = {
        "source": [name], "changed_at": pa.array([changed_at], pa.timestamp("us", tz="UTC")),
        "mapping_hash": [mapping_hash(source)], "run_date": [night.run_date], "pull_id": [pull_id],
    }  # fmt: skip
    warehouse.append("forestall.watermarks", pa.table(row))


def write_files(warehouse: Warehouse, name: str, files: Iterable[FileState]) -> None:
    """Remember files that were read; called within the transaction of their rows."""
    fresh = {state.path: {"source": name, **vars(state)} for state in files}
    if not fresh:
        return
    known = warehouse.query(f"SELECT {', '.join(FILES.names)} FROM forestall.files WHERE source = ?", [name])
    kept = [row for row in known.to_pylist() if row["path"] not in fresh]
    warehouse.execute("DELETE FROM forestall.files WHERE source = ?", [name])
    warehouse.append("forestall.files", pa.Table.from_pylist([*fresh.values(), *kept], FILES))


def move_files(warehouse: Warehouse, folder: Path, to: Path) -> None:
    """A copy of a company lies elsewhere, and its files count as read there if they did here."""
    warehouse.execute("UPDATE forestall.files SET path = replace(path, ?, ?)", [str(folder), str(to)])


def write_pull(
    warehouse: Warehouse,
    night: Night,
    name: str,
    source: Source,
    pull_id: int,
    counts: Counts,
    *,
    reason: str = "",
    note: str = "",
) -> None:
    """Enter a pull into the book; with a reason it is degraded."""
    row = {
        "pull_id": [pull_id], "source": [name], "table_name": [source.table], "run_date": [night.run_date],
        "cutoff_at": pa.array([night.cutoff], pa.timestamp("us", tz="UTC")),
        "status": ["degraded" if reason else "ok"], "reason": [reason], "note": [note],
        **{f"rows_{each.name}": [getattr(counts, each.name)] for each in fields(counts)},
    }  # fmt: skip
    warehouse.append("forestall.pulls", pa.table(row))


def degraded_sources(warehouse: Warehouse, run_date: date) -> list[Degraded]:
    """The sources that did not deliver for that night, by name.

    A source that failed and was pulled well in a later attempt of the same night is not degraded.
    """
    if not warehouse.has_table("forestall.pulls"):
        return []
    found = warehouse.query(
        """
        SELECT source, table_name, reason FROM (
            SELECT source, table_name, status, reason,
                row_number() OVER (PARTITION BY source ORDER BY pull_id DESC) AS newest
            FROM forestall.pulls WHERE run_date = ?
        ) AS attempts
        WHERE newest = 1 AND status = 'degraded' ORDER BY source
        """,
        [run_date],
    )
    return [Degraded(**row) for row in found.to_pylist()]


def pulls_of(warehouse: Warehouse, run_date: date) -> list[int]:
    """Numbers of the pulls of that night: one, or more where it was run again."""
    found = warehouse.query(
        "SELECT DISTINCT pull_id FROM forestall.pulls WHERE run_date = ? ORDER BY pull_id", [run_date]
    )
    return [int(number) for number in found.column(0).to_pylist()]
