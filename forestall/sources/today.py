"""What came so far today, straight from the sources: nothing is kept, and no night is disturbed.

Files that have not changed since midnight hold nothing of today and are not opened; databases and APIs are asked
for what changed since. Redials cannot be told from new contacts here, so a queue that loses callers shows more.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime

import duckdb
import pandas as pd
import pyarrow as pa

from forestall.night import Night
from forestall.privacy.pseudonyms import teach_pseudonyms
from forestall.sections import Source
from forestall.settings import ConfigError, Settings
from forestall.sources.files import find_files
from forestall.sources.loading import read_source
from forestall.sources.mapping import map_batch
from forestall.sources.reading import FileState, Since
from forestall.warehouse import connect_duckdb

LAST_DAY = date(9999, 1, 1)  # rows of today are later than any night's cutoff
_OF_TODAY = {
    "contact_volumes": """
        SELECT queue, interval_start_at AS at, offered_count AS contacts FROM mapped
        WHERE rule IS NULL AND interval_start_at >= ?
    """,
    "interactions": """
        SELECT queue, started_at AS at, 1 AS contacts, interaction_id FROM mapped
        WHERE rule IS NULL AND started_at >= ? AND coalesce(direction, 'inbound') = 'inbound'
    """,
}
_KEY = {"contact_volumes": ["queue", "at"], "interactions": ["interaction_id"]}


def contacts_since(settings: Settings, midnight: datetime) -> pd.DataFrame:
    """Contacts since an instant, of the sources that tell of volumes: queue, at, contacts.

    Interval reports count where a queue has them, as in the night; its single contacts otherwise.

    Raises:
        ConfigError: no source tells of contacts, or one cannot be read as it is mapped.
        SourceDownError: one does not answer.
    """
    asked = {name: source for name, source in settings.sources.items() if source.table in _OF_TODAY}
    if not asked:
        raise ConfigError("no source tells of contacts: map contact_volumes or interactions, or give --counts FILE")
    frames: dict[str, list[pd.DataFrame]] = {table: [] for table in _OF_TODAY}
    with closing(connect_duckdb(":memory:")) as scratch:
        teach_pseudonyms(scratch, settings)
        for name, source in asked.items():
            frames[source.table] += _rows(scratch, settings, name, source, midnight)
    reports, single = (_whole(frames[table], _KEY[table]) for table in ("contact_volumes", "interactions"))
    return pd.concat([reports, single[~single["queue"].isin(reports["queue"])]], ignore_index=True)


def _rows(
    scratch: duckdb.DuckDBPyConnection, settings: Settings, name: str, source: Source, midnight: datetime
) -> Iterator[pd.DataFrame]:
    reading = read_source(settings, name, source, _since(settings, name, source, midnight))
    with closing(reading.batches) as batches:
        for batch in batches:
            map_batch(scratch, Night(settings, LAST_DAY), name, source, batch)
            rows: pa.Table = scratch.execute(_OF_TODAY[source.table], [midnight]).to_arrow_table()
            yield rows.to_pandas()


def _since(settings: Settings, name: str, source: Source, midnight: datetime) -> Since:
    if source.kind != "file":
        return Since(midnight)
    old = {}
    for path in find_files(name, source, settings.root):
        stat = path.stat()
        if stat.st_mtime < midnight.timestamp():
            old[str(path)] = FileState(str(path), stat.st_size, stat.st_mtime_ns, "")
    return Since(midnight, old)


def _whole(frames: list[pd.DataFrame], key: list[str]) -> pd.DataFrame:
    """All rows once: the last version of a row that came twice."""
    columns = ["queue", "at", "contacts"]
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame({"queue": [], "at": pd.to_datetime([], utc=True), "contacts": []})
    return pd.concat(filled, ignore_index=True).drop_duplicates(key, keep="last")[columns]
