"""What a night leaves behind, in a form that can be searched for what must not be in it."""

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forestall.warehouse import Warehouse


def files_below(folder: Path) -> list[Path]:
    """Every file in the folder and its folders; links lead to files that are found by themselves."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _texts(rows: pa.Table) -> bytes:
    """All texts of a table, each once, a line each."""
    is_text = [pa.types.is_string(field.type) or pa.types.is_large_string(field.type) for field in rows.schema]
    columns = [rows.column(place).unique().drop_null() for place, is_one in enumerate(is_text) if is_one]
    return "\n".join(str(text) for column in columns for text in column.to_pylist()).encode()


def readable(path: Path) -> bytes:
    """A file as it lies there, and what is packed in it."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        content += _texts(pq.read_table(path, partitioning=None))
    if path.suffix == ".gz":
        content += gzip.decompress(content)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content += b"\n".join(archive.read(name) for name in archive.namelist())
    return content


def tables(warehouse: Warehouse) -> Iterator[tuple[str, bytes]]:
    """Every table and view of the warehouse, and all its texts."""
    found = warehouse.frame(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema IN ('raw', 'staging', 'intermediate', 'marts', 'forestall') ORDER BY ALL"
    )
    for schema, name in found.itertuples(index=False):
        yield f"{schema}.{name}", _texts(warehouse.query(f"SELECT * FROM {schema}.{name}"))
