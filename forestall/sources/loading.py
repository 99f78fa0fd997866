"""One source into the warehouse: read, map, judge, keep. What a source brings, it brings whole.

Rows, watermark, file states and the entry in the book of pulls commit together, so that a pull that
was killed has never happened. Names go into the vault before that.
"""

import logging
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from features.contract import CONTRACT
from forestall.night import Night
from forestall.privacy.vault import Vault
from forestall.sections import Source
from forestall.settings import Settings, secret
from forestall.sources.columns import unused
from forestall.sources.files import read_files
from forestall.sources.mapping import map_batch
from forestall.sources.pulls import Counts, State, read_state, write_files, write_pull, write_state
from forestall.sources.quarantine import bad_lines, bad_rows, judge_anew, quarantine
from forestall.sources.reading import Reading, Since, SourceDownError, SourceError
from forestall.sources.versions import Arrival, append_versions, count, duplicates, order_versions
from forestall.warehouse import Warehouse

log = logging.getLogger(__name__)


def read_source(settings: Settings, name: str, source: Source, since: Since, limit: int | None = None) -> Reading:
    """The source's rows, by its kind.

    Raises:
        SourceError: it cannot be read as it is mapped.
        SourceDownError: it does not answer.
    """
    if source.kind == "file":
        return read_files(name, source, settings, since, limit)
    # Imported here: a company of files only pays nothing for dlt and SQLAlchemy.
    address = secret(settings, f"sources.{name}: connection", source.connection)
    if source.kind == "sql":
        from forestall.sources.sql import read_sql

        return read_sql(name, source, address, since, limit)
    from forestall.sources.rest import read_rest

    token = secret(settings, f"sources.{name}: token", source.token) if source.token else ""
    return read_rest(name, source, address, token, since, limit)


def load_source(
    warehouse: Warehouse, vault: Vault, night: Night, name: str, source: Source, pull_id: int
) -> tuple[Counts, str]:
    """Pull one source; returns what became of its rows, and why it is degraded (empty: it is not).

    Raises:
        SourceError: it has never been read, and cannot be read as it is mapped. A source that was
            read before is degraded instead: the night has its last good rows.
    """
    state = read_state(warehouse, name, source, night.run_date)
    if state.run_date is not None and state.run_date > night.run_date:
        log.info("%s: already read for %s; %s takes what was known then", name, state.run_date, night.run_date)
        return Counts(), ""
    try:
        return _load_patiently(warehouse, vault, night, name, source, pull_id, state), ""
    except SourceDownError as error:
        reason = str(error)
    except SourceError as error:
        if state.is_first:
            raise
        reason = str(error)
    log.warning("%s: degraded: %s", name, reason)
    write_pull(warehouse, night, name, source, pull_id, Counts(), reason=reason)
    return Counts(), reason


def _load_patiently(
    warehouse: Warehouse, vault: Vault, night: Night, name: str, source: Source, pull_id: int, state: State
) -> Counts:
    """A database that breaks off is read again from the start, after a longer wait each time.

    The client of an API tries each page again by itself.
    """
    retries = source.retries if source.kind == "sql" else 0
    for attempt in range(retries):
        try:
            with warehouse.transaction():
                return _load(warehouse, vault, night, name, source, pull_id, state)
        except SourceDownError as error:
            wait_s = 2**attempt
            log.warning("%s; trying again in %d s", error, wait_s)
            time.sleep(wait_s)
    with warehouse.transaction():
        return _load(warehouse, vault, night, name, source, pull_id, state)


def _load(
    warehouse: Warehouse, vault: Vault, night: Night, name: str, source: Source, pull_id: int, state: State
) -> Counts:
    arrival = Arrival(night, name, CONTRACT[source.table], pull_id, state.is_first_load)
    reading = read_source(night.settings, name, source, state.since(source, night.cutoff))
    total, changed_at, offered = Counts(), state.changed_at, set[str]()
    due: dict[str | None, datetime] = {}
    with closing(reading.batches) as batches:
        for batch in batches:
            map_batch(warehouse.scratch(), night, name, source, batch)
            if state.run_date == night.run_date:
                judge_anew(warehouse, name, night.run_date, pull_id, is_whole=state.is_remapped)
            total.add(keep_batch(warehouse, vault, arrival))
            offered |= set(batch.column_names)
            changed_at = _later(changed_at, _newest(warehouse, source))
            for path, at in _files_with_future_rows(warehouse).items():
                due[path] = min(at, due.get(path, at))
    lines = bad_lines(reading.rejected, name, source.table, night.run_date.isoformat(), pull_id)
    rejected = quarantine(warehouse, lines)
    total.add(Counts(read=rejected, quarantined=rejected))
    # A file with rows that are not ours yet is read again when they are, though it does not change.
    # Where a `select` has lost sight of the files, it may be any of them.
    files = [replace(file, due_at=_first(due.get(None), due.get(file.path))) for file in reading.files]
    write_files(warehouse, name, files)
    write_state(warehouse, night, name, source, pull_id, changed_at)
    write_pull(warehouse, night, name, source, pull_id, total, note=unused_columns(source, offered))
    return total


def keep_batch(warehouse: Warehouse, vault: Vault, arrival: Arrival) -> Counts:
    """The rows of `mapped` to where they belong: versions, vault, quarantine; counted."""
    scratch, night = warehouse.scratch(), arrival.night
    read = count(scratch, "mapped")
    forgotten = _drop_forgotten(warehouse, arrival)
    order_versions(scratch, arrival.table)
    vault.keep(scratch, arrival.table)
    bad = bad_rows(scratch, arrival.name, arrival.table.name, night.run_date.isoformat(), arrival.pull_id)
    quarantined = quarantine(warehouse, bad) + quarantine(warehouse, duplicates(scratch, arrival))
    counts = append_versions(warehouse, arrival)
    not_yet = count(scratch, "mapped WHERE is_future")
    counts.add(Counts(read=read, not_yet=not_yet, quarantined=quarantined, forgotten=forgotten))
    return counts


def _drop_forgotten(warehouse: Warehouse, arrival: Arrival) -> int:
    """Take the rows of forgotten customers out of `mapped`; returns how many there were."""
    if "customer_id" not in arrival.table.names:
        return 0
    scratch = warehouse.scratch()
    scratch.register("tombstones", warehouse.query("SELECT customer_id FROM forestall.forgotten"))
    is_forgotten = "customer_id IN (SELECT customer_id FROM tombstones)"
    dropped = count(scratch, f"mapped WHERE {is_forgotten}")
    if dropped:
        scratch.execute(f"DELETE FROM mapped WHERE {is_forgotten}").fetchall()
    scratch.unregister("tombstones")
    return dropped


def _newest(warehouse: Warehouse, source: Source) -> datetime | None:
    """The latest change in `mapped` that is ours: as far as the source has been read."""
    if not source.updated_at:
        return None
    sql = "SELECT max(version_at) FROM mapped WHERE NOT is_future"
    newest: datetime | None = warehouse.scratch().execute(sql).fetchall()[0][0]
    return newest


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _files_with_future_rows(warehouse: Warehouse) -> dict[str | None, datetime]:
    """The files of `mapped` with rows that are not ours yet, and when the first of these will be."""
    # Python's calendar ends there; DuckDB's does not.
    sql = "SELECT file, least(min(due_at), TIMESTAMPTZ '9999-12-31') FROM mapped WHERE is_future GROUP BY file"
    return dict(warehouse.scratch().execute(sql).fetchall())


def unused_columns(source: Source, offered: set[str]) -> str:
    """Which of the source's columns nothing was made of: noted, in case one was meant."""
    columns = ", ".join(unused(source, offered))
    return f"columns not used: {columns}" if columns else ""
