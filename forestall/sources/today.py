"""What came so far today, and was handled, straight from the sources or from a file: nothing is kept.

Files that have not changed since midnight hold nothing of today and are not opened; databases and APIs are asked
for what changed since. A contact is one that is no redial, as in the night; interval reports do not tell redials.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
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

COLUMNS = ["queue", "at", "contacts", "handled_count"]
OPTIONAL = ["redial_count", "handled_count"]  # of a file
LAST_DAY = date(9999, 1, 1)  # rows of today are later than any night's cutoff
REDIAL_WITHIN = timedelta(minutes=30)  # as in int_interaction_versions
_OF_TODAY = {
    "contact_volumes": """
        SELECT queue, interval_start_at AS at, offered_count AS contacts, handled_count FROM mapped
        WHERE rule IS NULL AND interval_start_at >= $midnight
    """,
    "interactions": """
        SELECT
            queue, interaction_id, customer_id, started_at, coalesce(is_abandoned, false) AS is_abandoned,
            coalesce(first_response_at, answered_at) AS responded_at
        FROM mapped
        WHERE rule IS NULL AND coalesce(direction, 'inbound') = 'inbound'
            AND (started_at >= $earliest OR responded_at >= $midnight)
    """,
}
_KEY = {"contact_volumes": ["queue", "at"], "interactions": ["interaction_id"]}
_SINGLE = """
    SELECT queue, started_at AS at, 1 AS contacts, NULL AS handled_count FROM single AS contact
    WHERE started_at >= $midnight AND NOT EXISTS (
        SELECT 1 FROM single AS earlier
        WHERE earlier.customer_id = contact.customer_id AND earlier.queue = contact.queue AND earlier.is_abandoned
            AND earlier.started_at < contact.started_at AND earlier.started_at >= contact.started_at - $within
    )
    UNION ALL
    SELECT queue, responded_at, 0, 1 FROM single WHERE responded_at >= $midnight
"""


def contacts_since(settings: Settings, midnight: datetime) -> pd.DataFrame:
    """Contacts since an instant, of the sources that tell of volumes.

    Interval reports count where a queue has them, as in the night; its single contacts otherwise.

    Returns:
        queue, at, contacts (that came then), handled_count (that were answered then; null where nothing tells).

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
        reports, single = (_whole(frames[table], _KEY[table]) for table in _OF_TODAY)
        if len(single):
            scratch.register("single", single)
            asks = {"midnight": midnight, "within": REDIAL_WITHIN}
            counted: pa.Table = scratch.execute(_SINGLE, asks).to_arrow_table()
            single = counted.to_pandas()
    if len(reports) and len(single):
        single = single[~single["queue"].isin(reports["queue"])]
    told = [rows[COLUMNS] for rows in (reports, single) if len(rows)]
    empty = pd.DataFrame({"queue": [], "at": pd.to_datetime([], utc=True), "contacts": [], "handled_count": []})
    return pd.concat(told, ignore_index=True) if told else empty


def _rows(
    scratch: duckdb.DuckDBPyConnection, settings: Settings, name: str, source: Source, midnight: datetime
) -> Iterator[pd.DataFrame]:
    sql, instants = _OF_TODAY[source.table], {"midnight": midnight, "earliest": midnight - REDIAL_WITHIN}
    reading = read_source(settings, name, source, _since(settings, name, source, midnight))
    with closing(reading.batches) as batches:
        for batch in batches:
            map_batch(scratch, Night(settings, LAST_DAY), name, source, batch)
            asked = {key: at for key, at in instants.items() if f"${key}" in sql}
            rows: pa.Table = scratch.execute(sql, asked).to_arrow_table()
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
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame()
    return pd.concat(filled, ignore_index=True).drop_duplicates(key, keep="last")


def read_counts(path: Path, settings: Settings) -> pd.DataFrame:
    """What a CSV of `queue`, `interval_start_at`, `contacts` tells, in the columns of `contacts_since`.

    Where it has them, `redial_count` is taken off the contacts and `handled_count` (empty: not told) is kept. A time
    without a zone is the site's.

    Raises:
        ConfigError: one line: file, line, what is wrong.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    try:  # a queue may be called NA; what is left empty is missing
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except ValueError as error:  # no rows, no text, or lines that differ
        raise ConfigError(f"{path}: is no CSV file: {' '.join(str(error).split())}") from error
    if not isinstance(rows.index, pd.RangeIndex):  # `1,234` contacts would be 1
        raise ConfigError(f"{path}:2: has more fields than its header names")
    if missing := [name for name in ("queue", "interval_start_at", "contacts") if name not in rows]:
        raise ConfigError(f"{path}:1: has no column {', '.join(missing)}; needs queue, interval_start_at, contacts")
    rows = rows.assign(**{name: np.nan for name in OPTIONAL if name not in rows})
    _refuse(path, rows["queue"], rows["queue"].isna(), "queue", "a queue")
    numbers = rows[["contacts", *OPTIONAL]].apply(pd.to_numeric, errors="coerce").replace(np.inf, np.nan)
    for name in numbers:
        is_given = rows[name].notna() | (name not in OPTIONAL)
        _refuse(path, rows[name], ~(numbers[name] >= 0) & is_given, name, "a count, 0 or more")
    redials = numbers["redial_count"].fillna(0.0)
    _refuse(path, rows["redial_count"], redials > numbers["contacts"], "redial_count", "within the contacts of its row")
    # Of a time that comes twice a row that comes once more tells the first; alone it is the second, as in the sources.
    is_first = rows.duplicated(["queue", "interval_start_at"], keep="last")
    at = pd.Series(
        [_instant(*one, settings) for one in zip(rows["interval_start_at"], is_first, strict=True)], dtype=object
    )
    _refuse(path, rows["interval_start_at"], at.isna(), "interval_start_at", "a time such as 2026-03-02T09:30")
    return pd.DataFrame({
        "queue": rows["queue"], "at": pd.to_datetime(at, utc=True), "contacts": numbers["contacts"] - redials,
        "handled_count": numbers["handled_count"],
    })  # fmt: skip


def _refuse(path: Path, texts: pd.Series, is_bad: pd.Series, name: str, expected: str) -> None:
    if is_bad.any():
        line = int(np.flatnonzero(is_bad)[0])
        raise ConfigError(f"{path}:{line + 2}: {name}: `{texts.fillna('').iloc[line]}` is not {expected}")


def _instant(text: object, is_first: bool, settings: Settings) -> pd.Timestamp | None:
    try:
        at = pd.Timestamp(str(text))
        if at.tzinfo is not None:
            return at
        return at.tz_localize(settings.zone, ambiguous=is_first, nonexistent="shift_forward")
    except ValueError:
        return None
