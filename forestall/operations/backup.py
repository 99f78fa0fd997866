"""Backup and restore of everything under `var` that cannot be made again.

Both hold the warehouse lock. Airflow's home and the logs can be made again and are left out; so is the
secret key, which belongs somewhere else than its data.
"""

import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forestall.privacy.pseudonyms import derived_key
from forestall.settings import ConfigError, Settings
from forestall.warehouse import SCHEMAS, open_warehouse, warehouse_lock

MANIFEST = "backup.json"
DUMP = "warehouse.dump"
REMAKEABLE = {"airflow", "airflow-server", "logs", "warehouse.lock"}


def backup(settings: Settings, into: Path, at: datetime) -> Path:
    """A consistent copy of warehouse, vault, models and published nights, with a hash of each file.

    Written aside and renamed, so a folder of that name is whole. The secret key is not in it: without
    the key its pseudonyms and its vault are of no use to anyone, its owner included.

    Returns:
        The new folder, `forestall-<UTC instant>`.

    Raises:
        ConfigError: there is nothing to back up, or `pg_dump` is missing.
    """
    folder = into / f"forestall-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    with warehouse_lock(settings, f"backup to {into}"):
        if not any(_kept(settings.var_path)):
            raise ConfigError(f"{settings.var_path}: holds nothing to back up")
        aside.parent.mkdir(parents=True, exist_ok=True)
        aside.mkdir(mode=0o700)
        try:
            for path in _kept(settings.var_path):
                _copy(path, aside / path.relative_to(settings.var_path))
            if _is_postgres(settings):
                _run_postgres_tool("pg_dump", settings, "--format=custom", f"--file={aside / DUMP}")
            manifest = {"made_at": at.isoformat(), "key": _key_fingerprint(settings), "files": _hashes(aside)}
            (aside / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            aside.rename(folder)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    return folder


def restore(settings: Settings, folder: Path) -> int:
    """Put a backup back into an empty `var`; returns how many files.

    Raises:
        ConfigError: it is no backup, a file is damaged or missing, the key is another, or `var` (or the
            PostgreSQL warehouse) holds data already.
    """
    manifest = _verified(folder, settings)
    var = settings.var_path
    with warehouse_lock(settings, f"restore {folder.name}"):
        if held := next(_kept(var), None):
            raise ConfigError(f"{held}: {var} holds data already; move it away, then restore again")
        if DUMP in manifest["files"]:
            _restore_postgres(settings, folder)
        names = [name for name in manifest["files"] if name != DUMP]
        aside = var / f".restore.{os.getpid()}"
        for name in names:
            _copy(folder / name, aside / name)
        for path in aside.iterdir():
            path.rename(var / path.name)
        aside.rmdir()
    return len(names)


def _kept(var: Path) -> Iterator[Path]:
    """Files and links under `var` that a backup holds."""
    for path in sorted(var.rglob("*")):
        top = path.relative_to(var).parts[0]
        if (path.is_file() or path.is_symlink()) and top not in REMAKEABLE and not top.startswith("."):
            yield path


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif _is_sqlite(source):
        # An MLflow server may be writing to it; SQLite's own copy is consistent all the same.
        with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(target)) as copy:
            database.backup(copy)
        shutil.copymode(source, target)
    elif not source.name.endswith(("-wal", "-shm", "-journal")):
        shutil.copy2(source, target)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _hashes(folder: Path) -> dict[str, str]:
    hashes = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            hashes[str(path.relative_to(folder))] = f"link to {path.readlink()}"
        elif path.is_file():
            with path.open("rb") as file:
                hashes[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _verified(folder: Path, settings: Settings) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder}: is no backup: {MANIFEST} cannot be read") from error
    found = _hashes(folder)
    found.pop(MANIFEST)
    if damaged := sorted(set(manifest["files"].items()) ^ set(found.items())):
        raise ConfigError(
            f"{folder / damaged[0][0]}: is damaged, missing or not part of the backup; nothing was restored"
        )
    if manifest["key"] != _key_fingerprint(settings):
        raise ConfigError(f"{folder}: was made under another FORESTALL_SECRET_KEY; set that one, then restore again")
    return manifest


def _key_fingerprint(settings: Settings) -> str:
    """Tells two keys apart and tells nothing of either; empty without a key."""
    if not settings.secret_key.get_secret_value():
        return ""
    return hmac.new(derived_key(settings, "backup"), b"fingerprint", hashlib.sha256).hexdigest()[:16]


def _is_postgres(settings: Settings) -> bool:
    return settings.warehouse_url.startswith(("postgresql://", "postgres://"))


def _restore_postgres(settings: Settings, folder: Path) -> None:
    with open_warehouse(settings, f"restore {folder.name}") as warehouse:
        if warehouse.has_table("raw.interactions"):
            raise ConfigError(f"{folder}: the warehouse holds data already; restore into an empty database")
        for schema in SCHEMAS:
            warehouse.execute(f"DROP SCHEMA {schema} CASCADE")
    _run_postgres_tool("pg_restore", settings, "--exit-on-error", "--no-owner", str(folder / DUMP))


def _run_postgres_tool(tool: str, settings: Settings, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs; the password goes through its environment, not its arguments."""
    from psycopg.conninfo import conninfo_to_dict

    program = shutil.which(tool)
    if program is None:
        raise ConfigError(f"{tool}: not found; install PostgreSQL's client programs of the server's version")
    parts = conninfo_to_dict(settings.warehouse_url)
    database = str(parts["dbname"])
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}
    environment = os.environ | {names[name]: str(value) for name, value in parts.items() if name in names}
    target = [database] if tool == "pg_dump" else [f"--dbname={database}"]
    done = subprocess.run([program, *arguments, *target], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"{tool}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")
