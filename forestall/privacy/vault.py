"""The vault: names, addresses and numbers, encrypted apart from everything else.

One SQLite file, readable by its owner only. Each customer's entry is sealed (AES-256-GCM) with a
random key of its own, which is sealed with a key made from FORESTALL_SECRET_KEY. Forgetting a customer
deletes entry and key; the bytes are overwritten (`secure_delete`). What is kept here is written before
the warehouse commits: an entry too many is harmless and is used by the next attempt.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from features.tables import Table
from forestall.privacy.pseudonyms import derived_key
from forestall.settings import ConfigError, Settings

_NONCE = 12  # bytes, as AES-GCM wants them

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (customer_id TEXT PRIMARY KEY, digest TEXT, sealed BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (customer_id TEXT PRIMARY KEY, sealed BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exports (at TEXT, user TEXT, what TEXT, customers INTEGER);
"""

# A customer's own key and what the vault columns hold, last word first. An entry that knows no more
# than the key is only written where there is none.
_ENTRIES = """
    WITH last AS (
        SELECT customer_id, {lasts} FROM mapped
        WHERE rule IS NULL AND NOT is_future AND original_id IS NOT NULL GROUP BY customer_id
    ),
    entries AS (
        SELECT customer_id, {has_names} AS has_names, to_json({{{pairs}}})::VARCHAR AS content FROM last
    )
    SELECT customer_id, pseudonym(content) AS digest, content
    FROM entries LEFT JOIN vault_entries AS kept USING (customer_id)
    WHERE kept.digest IS NULL OR (has_names AND kept.digest <> pseudonym(content))
"""


class Vault:
    """An open vault. Build it with `open_vault`."""

    def __init__(self, connection: sqlite3.Connection, master: bytes) -> None:
        self._connection = connection
        self._master = AESGCM(master)
        self._digests: dict[str, str] = {}  # of all entries; read when the first rows are kept

    def keep(self, scratch: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Write the entries of the customers among the good rows of `mapped` that are new or changed."""
        if "customer_id" not in table.names:
            return
        vaulted = [column.name for column in table.columns if column.privacy == "vault"]
        lasts = [f"arg_max({column}, seq) AS {column}" for column in ("original_id", *vaulted)]
        pairs = ["'customer_id': original_id", *(f"'{column}': {column}" for column in vaulted)]
        sql = _ENTRIES.format(
            lasts=", ".join(lasts),
            has_names=f"coalesce({', '.join(vaulted)}) IS NOT NULL" if vaulted else "false",
            pairs=", ".join(pairs),
        )
        if not self._digests:
            self._digests = dict(self._connection.execute("SELECT customer_id, digest FROM entries").fetchall())
        kept = [pa.array(list(values), pa.string()) for values in (self._digests, self._digests.values())]
        scratch.register("vault_entries", pa.table(kept, names=["customer_id", "digest"]))
        fresh = scratch.execute(sql).fetchall()
        scratch.unregister("vault_entries")
        self._write(fresh)

    def _write(self, entries: Sequence[tuple[str, str, str]]) -> None:
        sealed, keys = [], []
        for customer_id, digest, content in entries:
            key = AESGCM.generate_key(256)
            sealed.append((customer_id, digest, _seal(AESGCM(key), content.encode(), customer_id)))
            keys.append((customer_id, _seal(self._master, key, customer_id)))
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", sealed)
            self._connection.executemany("INSERT OR REPLACE INTO keys VALUES (?, ?)", keys)
        self._digests |= {customer_id: digest for customer_id, digest, _ in entries}

    def read(self, customer_ids: Sequence[str]) -> Mapping[str, Mapping[str, str | None]]:
        """What is kept of each pseudonym; one that is not there is left out.

        Raises:
            ConfigError: FORESTALL_SECRET_KEY is not the one that the vault was written with.
        """
        found = {}
        for customer_id in dict.fromkeys(customer_ids):
            row = self._connection.execute(
                "SELECT keys.sealed, entries.sealed FROM entries JOIN keys USING (customer_id) WHERE customer_id = ?",
                [customer_id],
            ).fetchone()
            if row is not None:
                key = _open(self._master, row[0], customer_id)
                found[customer_id] = json.loads(_open(AESGCM(key), row[1], customer_id))
        return found

    def forget(self, customer_id: str) -> int:
        """Delete the entry and its key; returns how many entries there were."""
        with self._connection:
            self._connection.execute("DELETE FROM keys WHERE customer_id = ?", [customer_id])
            return self._connection.execute("DELETE FROM entries WHERE customer_id = ?", [customer_id]).rowcount

    def note_export(self, at: str, user: str, what: str, customers: int) -> None:
        """Write down who saw names."""
        with self._connection:
            self._connection.execute("INSERT INTO exports VALUES (?, ?, ?, ?)", [at, user, what, customers])

    def exports(self) -> list[tuple[str, str, str, int]]:
        """Who saw names: when, who, what, and of how many customers."""
        return self._connection.execute("SELECT at, user, what, customers FROM exports ORDER BY at").fetchall()


@contextmanager
def open_vault(settings: Settings) -> Iterator[Vault]:
    """The vault of this installation, made where there is none.

    Raises:
        ConfigError: there is no secret key, or the file cannot be read or written.
    """
    master = derived_key(settings, "vault")
    path = vault_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA secure_delete = ON")
        connection.executescript(_TABLES)
        yield Vault(connection, master)
    except sqlite3.OperationalError as error:
        raise ConfigError(f"vault {path}: {error}; make room, or give the right to write there") from error
    finally:
        connection.close()


def vault_path(settings: Settings) -> Path:
    """Where the vault is kept."""
    return settings.var_path / "vault" / "vault.db"


def _seal(cipher: AESGCM, content: bytes, customer_id: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, content, customer_id.encode())


def _open(cipher: AESGCM, sealed: bytes, customer_id: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], customer_id.encode())
    except InvalidTag as error:
        raise ConfigError(
            "the vault does not open: FORESTALL_SECRET_KEY is not the key that it was written with; restore that key"
        ) from error
