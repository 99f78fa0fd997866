"""What each receiver of the list is to be told, and what it has been told: `var/outbox.db`.

One line for each receiver and row of the list. It is written down before anything is sent, under a
version that rises with every change of what is to be said; so whatever breaks off half way is told
again under the same idempotency key, and nothing that is new is ever told under an old one.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

_TABLES = """
CREATE TABLE IF NOT EXISTS messages (
    receiver TEXT, row_id TEXT, version INTEGER, place INTEGER, content TEXT, is_withdrawn INTEGER, arrived_on TEXT,
    PRIMARY KEY (receiver, row_id)
);
CREATE TEMP TABLE listed (row_id TEXT PRIMARY KEY, place INTEGER, content TEXT);
"""
_LISTED = """
    INSERT INTO messages
    SELECT :receiver, row_id, 1, place, content, false, NULL FROM listed WHERE true
    ON CONFLICT DO UPDATE SET
        version = version + 1, place = excluded.place, content = excluded.content,
        is_withdrawn = false, arrived_on = NULL
    WHERE is_withdrawn OR content <> excluded.content
"""
_WITHDRAWN = """
    UPDATE messages SET version = version + 1, is_withdrawn = true, arrived_on = NULL
    WHERE receiver = :receiver AND NOT is_withdrawn AND row_id NOT IN (SELECT row_id FROM listed)
"""
# Who must not be called any more is said first, then whom to call, in the order of the list.
_PENDING = """
    SELECT row_id, version, content, is_withdrawn FROM messages
    WHERE receiver = :receiver AND arrived_on IS NULL ORDER BY is_withdrawn DESC, place, row_id
"""


@dataclass(frozen=True)
class Message:
    """What one receiver is to be told about one row.

    Attributes:
        row_id: key of the row.
        version: rises with each change of what is to be said about it.
        content: the row in the receiver's names.
        is_withdrawn: it has left the list; `content` is what was said of it last.
    """

    row_id: str
    version: int
    content: Mapping[str, Any]
    is_withdrawn: bool

    @property
    def idempotency_key(self) -> str:
        """The same for the same thing said again, another for anything else, also after a restore."""
        said = json.dumps([self.content, self.is_withdrawn], sort_keys=True)
        return f"{self.row_id}.{self.version}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"


class Outbox:
    """An open outbox. Build it with `open_outbox`; the caller holds the warehouse lock."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, receiver: str, listed: pd.DataFrame) -> None:
        """Write down what is to be said: rows that are new or changed, and rows that have left the list.

        Args:
            receiver: its name.
            listed: row_id, place (order of the list), content (JSON, its keys sorted): the whole list.
        """
        with self._connection:
            self._connection.execute("DELETE FROM listed")
            rows = listed[["row_id", "place", "content"]].itertuples(index=False, name=None)
            self._connection.executemany("INSERT INTO listed VALUES (?, ?, ?)", rows)
            for sql in (_LISTED, _WITHDRAWN):
                self._connection.execute(sql, {"receiver": receiver})

    def pending(self, receiver: str) -> list[Message]:
        """What has not arrived yet, withdrawals first, then in the order of the list."""
        found = self._connection.execute(_PENDING, {"receiver": receiver}).fetchall()
        return [
            Message(row_id, version, json.loads(content), bool(is_withdrawn))
            for row_id, version, content, is_withdrawn in found
        ]

    def note_arrival(self, receiver: str, row_ids: list[str], on: date) -> None:
        """Write down that the receiver has taken these."""
        with self._connection:
            self._connection.executemany(
                "UPDATE messages SET arrived_on = ? WHERE receiver = ? AND row_id = ?",
                [(on.isoformat(), receiver, row_id) for row_id in row_ids],
            )

    def prune(self, limit: date) -> int:
        """Drop withdrawals that arrived before `limit`; returns how many."""
        with self._connection:
            sql = "DELETE FROM messages WHERE is_withdrawn AND arrived_on < ?"
            return self._connection.execute(sql, [limit.isoformat()]).rowcount


def outbox_path(var: Path) -> Path:
    """Where it lies."""
    return var / "outbox.db"


@contextmanager
def open_outbox(var: Path) -> Iterator[Outbox]:
    """The outbox under `var`, made where there is none."""
    var.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(outbox_path(var))) as connection:
        connection.executescript(_TABLES)
        yield Outbox(connection)
