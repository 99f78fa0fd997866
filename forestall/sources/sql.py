"""An SQL database: a table or a SELECT, read as a stream through SQLAlchemy.

Rows become Arrow by dlt's conversion, which knows the types of its many databases. The watermark is
ours, kept with the rows; dlt keeps no state.
"""

import re
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa
from dlt.common.schema.typing import TTableSchemaColumns
from dlt.sources.sql_database.arrow_helpers import row_tuples_to_arrow
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from forestall.sections import Source
from forestall.sources.reading import UPDATED_COLUMN, Batches, Reading, Since, SourceDownError, SourceError, one_line

CHUNK_ROWS = 200_000  # rows are Python objects on their way: fewer at a time than from a file


def read_sql(name: str, source: Source, url: str, since: Since, limit: int | None = None) -> Reading:
    """The rows that changed since the watermark, or all of them where there is none.

    Args:
        name: the source's name, for errors.
        source: `location` is a table or a SELECT; `updated_at` is in the database's own SQL.
        url: as SQLAlchemy writes it.
        since: earlier pulls.
        limit: stop after so many rows, for a preview.

    Raises:
        SourceError: the URL, the table or the SELECT cannot be used; while it is read, too.
        SourceDownError: the database does not answer.
    """
    return Reading(_batches(name, source, url, since, limit))


def _batches(name: str, source: Source, url: str, since: Since, limit: int | None) -> Batches:
    try:
        engine = sa.create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise SourceError(
            f"sources.{name}: {source.connection} holds no URL of a database: {one_line(error)}"
        ) from error
    try:
        with engine.connect() as connection:
            result = connection.execution_options(yield_per=limit or CHUNK_ROWS).execute(query(source, since, limit))
            columns: TTableSchemaColumns = {column: {"name": column} for column in result.keys()}  # noqa: SIM118  # no mapping
            is_empty = True
            for rows in result.partitions():
                is_empty = False
                yield row_tuples_to_arrow(rows, columns=columns)
            if is_empty:
                yield pa.table({column: pa.array([], pa.string()) for column in columns})
    except (OperationalError, InterfaceError) as error:
        raise SourceDownError(f"sources.{name}: the database does not answer: {_told(error)}") from error
    except SQLAlchemyError as error:
        raise SourceError(f"sources.{name}: {_told(error)}") from error
    finally:
        engine.dispose()


def query(source: Source, since: Since, limit: int | None = None) -> sa.TextClause:
    """The SELECT in the database's own words; `updated_at` is judged there, so that little travels."""
    location = source.location.strip().rstrip(";")
    is_select = re.match(r"(select|with)\b", location, re.IGNORECASE)
    rows = f"({location})" if is_select else location
    updated = source.updated_at
    is_column = re.fullmatch(r"\w*", updated)
    text = f"SELECT source.*{'' if is_column else f', {updated} AS {UPDATED_COLUMN}'} FROM {rows} source"
    values = {}
    if updated and since.changed_at is not None:
        text += f" WHERE {updated} >= :changed_at OR {updated} IS NULL"
        zone = ZoneInfo(source.time_zone) if source.time_zone else None
        values["changed_at"] = since.changed_at.astimezone(zone).replace(tzinfo=None) if zone else since.changed_at
    if limit:
        text += f" LIMIT {limit}"
    return sa.text(text.replace(":", r"\:").replace(r">= \:changed_at", ">= :changed_at")).bindparams(**values)


def _told(error: SQLAlchemyError) -> str:
    """The driver's first line; SQLAlchemy's own text would repeat the statement."""
    return one_line(error.orig) if isinstance(error, DBAPIError) and error.orig is not None else one_line(error)
