"""Keeps `var` small: drops rows, nights, runs and logs that are older than the settings allow.

It holds the warehouse lock, so it never meets a half-written night, and never takes the night that
`current` shows.
"""

import shutil
import time
from datetime import date, timedelta

from features.contract import CONTRACT
from features.tables import Table
from forestall.publishing.outbox import open_outbox, outbox_path
from forestall.publishing.publication import current_night, nights
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse

RUNS_KEPT = 14
LOG_DAYS = 30

# Tables whose rows say how things stand; they are kept however old. The others tell of events.
STANDING = {"customers", "consents", "subscriptions", "agents", "business_events", "costs", "evaluations"}


def prune(settings: Settings, run_date: date) -> dict[str, int]:
    """Drop what is older than `privacy.keep_days` and more nights than `privacy.published_nights`.

    Events go by their age. Of what stands (customers, consents, subscriptions...) the version that
    holds is kept, and versions that another replaced before the limit go.

    Returns:
        What was dropped, by name: rows, nights, runs, logs.
    """
    limit = run_date - timedelta(days=settings.privacy.keep_days)
    with open_warehouse(settings, f"prune {run_date}") as warehouse:
        dropped = {
            f"raw.{table.name}": _prune_table(warehouse, table, limit)
            for table in CONTRACT.values()
            if warehouse.has_table(f"raw.{table.name}")
        }
        if warehouse.has_table("forestall.quarantine"):
            dropped["forestall.quarantine"] = _delete(warehouse, "forestall.quarantine", "run_date < ?", limit)
        dropped["published nights"] = _prune_nights(settings)
        dropped["withdrawals"] = _prune_outbox(settings, limit)
        dropped["runs"] = _prune_runs(settings)
        dropped["logs"] = _prune_logs(settings)
    return {name: count for name, count in dropped.items() if count}


def _prune_table(warehouse: Warehouse, table: Table, limit: date) -> int:
    if table.name not in STANDING:
        return _delete(warehouse, f"raw.{table.name}", f"{table.born_at} < ?", limit)
    key = ", ".join(table.key)
    replaced = f"""
        ({key}, known_at, pull_id) IN (
            SELECT {key}, known_at, pull_id FROM (
                SELECT {key}, known_at, pull_id,
                    lead(known_at) OVER (PARTITION BY {key} ORDER BY known_at, pull_id) AS replaced_at
                FROM raw.{table.name}
            ) AS versions WHERE replaced_at < ?
        )
    """
    return _delete(warehouse, f"raw.{table.name}", replaced, limit)


def _delete(warehouse: Warehouse, table: str, condition: str, limit: date) -> int:
    with warehouse.transaction():
        before = int(warehouse.scalar(f"SELECT count(*) FROM {table}"))
        warehouse.execute(f"DELETE FROM {table} WHERE {condition}", [limit])
        return before - int(warehouse.scalar(f"SELECT count(*) FROM {table}"))


def _prune_nights(settings: Settings) -> int:
    published = settings.var_path / "published"
    shown = current_night(published)
    kept_dates = sorted({night.run_date for night in nights(published)})[-settings.privacy.published_nights :]
    old = [night for night in nights(published) if night.run_date not in kept_dates and night != shown]
    for night in old:
        shutil.rmtree(night.folder)
    return len(old)


def _prune_outbox(settings: Settings, limit: date) -> int:
    if not outbox_path(settings.var_path).is_file():
        return 0
    with open_outbox(settings.var_path) as outbox:
        return outbox.prune(limit)


def _prune_runs(settings: Settings) -> int:
    old = sorted((settings.var_path / "runs").glob("????-??-??"))[:-RUNS_KEPT]
    for folder in old:
        shutil.rmtree(folder)
    return len(old)


def _prune_logs(settings: Settings) -> int:
    oldest = time.time() - LOG_DAYS * 86_400
    logs = [path for path in (settings.var_path / "logs").rglob("*") if path.is_file()]
    old = [path for path in logs if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink()
    return len(old)
