"""The planners' journal: `var/planning.db`, to which entries are added and in which none is ever changed.

An undo is an entry of its own. A night counts what was entered before its cutoff, so running it again, or
making it anew years later, gives the same. It is no part of the warehouse: a planner need not wait for the
night that holds its lock. The file lies under `var`, so a backup holds it.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from forestall.planning.events import PlannedEvent
from forestall.planning.overrides import Entered, Override
from forestall.settings import ConfigError, Settings

Kind = Literal["override", "event", "undo"]
Origin = Literal["command", "file"]

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
    entered_at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('override', 'event', 'undo')),
    origin TEXT NOT NULL,
    author TEXT NOT NULL,
    content TEXT NOT NULL,
    undoes INTEGER REFERENCES entries (entry_id)
);
CREATE TRIGGER IF NOT EXISTS entries_are_not_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry of the journal is never changed'); END;
CREATE TRIGGER IF NOT EXISTS entries_are_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry of the journal is never deleted'); END;
"""
_COLUMNS = "entry_id, entered_at, kind, origin, author, content, undoes"


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    Attributes:
        entry_id: rises with each entry.
        entered_at: UTC instant.
        kind: what it is.
        origin: the command line, or `overrides.yml` as a night found it.
        author: who made it.
        content: the override, the event, or the reason of an undo.
        undoes: the entry that an undo takes back.
    """

    entry_id: int
    entered_at: datetime
    kind: Kind
    origin: Origin
    author: str
    content: str
    undoes: int | None


def journal_path(settings: Settings) -> Path:
    return settings.var_path / "planning.db"


def entries(settings: Settings) -> list[Entry]:
    """All entries, in their order; none where there is no journal."""
    path = journal_path(settings)
    if not path.is_file():
        return []
    with _opened(path) as journal:
        rows = journal.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY entry_id").fetchall()
    return [Entry(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows]


def enter(
    settings: Settings, kind: Literal["override", "event"], said: Override | PlannedEvent, at: datetime,
    origin: Origin = "command",
) -> int:  # fmt: skip
    """Add an override or an event; returns the number of its entry."""
    return _add(settings, kind, said.author, said.model_dump_json(), None, at, origin)


def undo(
    settings: Settings, kind: Literal["override", "event"], entry_id: int, author: str, reason: str, at: datetime,
    origin: Origin = "command",
) -> int:  # fmt: skip
    """Take an entry back; it and its undoing both stay.

    Raises:
        ConfigError: there is no such entry, or it was taken back already.
    """
    known = entries(settings)
    if not any(one.entry_id == entry_id and one.kind == kind for one in known):
        raise ConfigError(f"{kind} {entry_id}: there is none of that number; see `forestall {kind} list`")
    if entry_id in {one.undoes for one in known}:
        raise ConfigError(f"{kind} {entry_id}: was undone already")
    return _add(settings, "undo", author, json.dumps({"reason": reason}), entry_id, at, origin)


def standing(known: list[Entry], kind: Kind, before: datetime) -> list[Entry]:
    """Entries of a kind made before an instant and not taken back before it."""
    earlier = [one for one in known if one.entered_at < before]
    undone = {one.undoes for one in earlier}
    return [one for one in earlier if one.kind == kind and one.entry_id not in undone]


def overrides_at(known: list[Entry], cutoff: datetime, run_date: date) -> list[Entered]:
    """The overrides that count for a night: entered before its cutoff, not undone by then, not expired."""
    found = [
        Entered(one.entry_id, one.entered_at, Override.model_validate_json(one.content))
        for one in standing(known, "override", cutoff)
    ]
    return [one for one in found if one.override.expires_on is None or one.override.expires_on >= run_date]


def events_at(known: list[Entry], cutoff: datetime, zone: Any) -> pd.DataFrame:
    """Events that planners entered, known since the day of their entry: name, starts_on, ends_on, queues, known_on."""
    rows = [
        {
            "name": event.name,
            "starts_on": event.starts_on,
            "ends_on": event.ends_on,
            "queues": ",".join(event.queues) or None,
            "known_on": one.entered_at.astimezone(zone).date(),
        }
        for one in standing(known, "event", cutoff)
        for event in [PlannedEvent.model_validate_json(one.content)]
    ]
    return pd.DataFrame(rows, columns=["name", "starts_on", "ends_on", "queues", "known_on"], dtype=object)


def _add(
    settings: Settings, kind: Kind, author: str, content: str, undoes: int | None, at: datetime, origin: Origin
) -> int:
    path = journal_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    row = (at.astimezone(UTC).isoformat(), kind, origin, author, content, undoes)
    with _opened(path) as journal, journal:
        added = journal.execute(
            "INSERT INTO entries (entered_at, kind, origin, author, content, undoes) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        return int(added.lastrowid or 0)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=30)) as journal:
            journal.executescript(_TABLES)
            yield journal
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path}: the planners' journal cannot be used: {error}") from error
