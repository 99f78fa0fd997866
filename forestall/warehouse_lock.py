"""One writer at a time: DAG, command line, retraining and backfill all take this lock.

An operating-system lock on `var/warehouse.lock`, and on PostgreSQL an advisory lock on a connection of
its own as well, for hosts that share a database but no disk (docs/decisions/0003). Kernel and server
free them when their holder dies, however it dies: nothing is ever unlocked by hand.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from forestall.settings import ConfigError, Settings

log = logging.getLogger(__name__)

ADVISORY_KEY = 0x466F7265  # "Fore"; advisory locks are kept apart by database
POLL_S = 0.2

_HELD: set[Path] = set()


class WarehouseBusyError(Exception):
    """Another process writes to the warehouse and did not finish in time; its text is one line."""


@contextmanager
def warehouse_lock(settings: Settings, purpose: str) -> Iterator[None]:
    """Hold the warehouse. Reentrant within a process.

    Args:
        settings: `var` and the warehouse's URL say what is locked, `warehouse.lock_wait_s` for how
            long to wait.
        purpose: who is asking, such as `pull 2026-03-01`; shown to whoever has to wait.

    Raises:
        WarehouseBusyError: another writer did not finish in time.
        ConfigError: the database cannot be reached.
    """
    path = settings.var_path / "warehouse.lock"
    if path in _HELD:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    wait_s = settings.warehouse.lock_wait_s
    deadline = time.monotonic() + wait_s
    with path.open("a+") as file:
        _wait_until(lambda: _take(file), lambda: _told_holder(path), deadline, wait_s, purpose)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "purpose": purpose}))
        file.flush()
        try:
            with _advisory_lock(settings.warehouse_url, purpose, deadline, wait_s):
                _HELD.add(path)
                try:
                    yield
                finally:
                    _HELD.remove(path)
        finally:
            file.truncate(0)


def lock_holder(settings: Settings) -> str | None:
    """Who holds the lock on this host, or None; takes nothing."""
    path = settings.var_path / "warehouse.lock"
    if not path.is_file():
        return None
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _told_holder(path)
    return None


def _told_holder(path: Path) -> str:
    text = path.read_text()
    # The holder may be between taking the lock and signing it.
    if not text:
        return "another process"
    signed = json.loads(text)
    return f"{signed['purpose']} (process {signed['pid']})"


def _take(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _advisory_lock(url: str, purpose: str, deadline: float, wait_s: int) -> Iterator[None]:
    """PostgreSQL's own lock, held as long as its connection lives; nothing to do for DuckDB."""
    if not url.startswith(("postgresql://", "postgres://")):
        yield
        return
    import psycopg

    try:
        # Keepalives: a host that vanished must not hold the lock for hours.
        connection = psycopg.connect(
            url, autocommit=True, application_name=f"forestall {purpose}"[:63], keepalives_idle=60, keepalives_count=3
        )
    except psycopg.Error as error:
        raise ConfigError(f"warehouse at {urlsplit(url).hostname}: {str(error).splitlines()[0]}") from error
    with connection:

        def take() -> bool:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_KEY]).fetchone()
            return row is not None and bool(row[0])

        def holder() -> str:
            row = connection.execute(
                "SELECT application_name, client_addr FROM pg_locks JOIN pg_stat_activity USING (pid) "
                "WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s",
                [ADVISORY_KEY],
            ).fetchone()
            return f"{row[0]} at {row[1] or 'the database host'}" if row else "another host"

        _wait_until(take, holder, deadline, wait_s, purpose)
        yield


def _wait_until(
    take: Callable[[], bool], holder: Callable[[], str], deadline: float, wait_s: int, purpose: str
) -> None:
    is_told = False
    while not take():
        if time.monotonic() >= deadline:
            raise WarehouseBusyError(f"{purpose}: the warehouse is held by {holder()}; waited {wait_s} s")
        if not is_told:
            log.warning("%s: waiting for the warehouse, held by %s", purpose, holder())
            is_told = True
        time.sleep(POLL_S)
