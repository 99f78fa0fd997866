"""Keeps the rows that broke a rule, with the rule, and without what is personal in them.

A bad row that comes again night after night is kept once; one that was mended before its night was
run again is no longer bad. Lines that are no rows at all are kept by
place only: their content has no columns, so nobody can say what in it is personal.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import date

import duckdb
import pyarrow as pa

from forestall.sources.reading import Rejected
from forestall.warehouse import Warehouse

# `{where}` is the source, the table and the night, said by whoever calls.
_OF_MAPPED = """
    SELECT
        $source AS source, $table AS table_name, rule, bad_key AS row_key, bad_customer_id AS customer_id,
        $run_date::DATE AS run_date, $pull_id::BIGINT AS pull_id, file, payload,
        md5(row($source, rule, bad_key, bad_customer_id, payload)::VARCHAR) AS row_hash
    FROM mapped WHERE rule IS NOT NULL
"""


def bad_rows(scratch: duckdb.DuckDBPyConnection, source: str, table: str, run_date: str, pull_id: int) -> pa.Table:
    """The rows of `mapped` that broke a rule, in the columns of `forestall.quarantine`."""
    values = {"source": source, "table": table, "run_date": run_date, "pull_id": pull_id}
    return scratch.sql(_OF_MAPPED, params=values).to_arrow_table()


def bad_lines(lines: Iterable[Rejected], source: str, table: str, run_date: str, pull_id: int) -> pa.Table:
    """Lines that are no rows, in the same columns."""
    rows = []
    for line in lines:
        payload = json.dumps({"line": line.line, "problem": line.problem})
        row_hash = hashlib.sha256(f"{source}|{line.file}|{payload}".encode()).hexdigest()[:32]
        rows.append(
            {
                "source": source,
                "table_name": table,
                "rule": "malformed_line",
                "row_key": None,
                "customer_id": None,
                "run_date": run_date,
                "pull_id": pull_id,
                "file": line.file,
                "payload": payload,
                "row_hash": row_hash,
            }
        )
    return pa.Table.from_pylist(rows)


def quarantine(warehouse: Warehouse, rows: pa.Table) -> int:
    """Add rows that are not kept yet; returns how many came, seen before or not."""
    if not rows.num_rows:
        return 0
    scratch = warehouse.scratch()
    source = rows.column("source")[0].as_py()
    kept = warehouse.query("SELECT row_hash AS kept_hash FROM forestall.quarantine WHERE source = ?", [source])
    scratch.register("found_rows", rows)
    scratch.register("kept_rows", kept)
    fresh = scratch.sql(
        """
        SELECT DISTINCT ON (row_hash) * REPLACE (run_date::DATE AS run_date)
        FROM found_rows ANTI JOIN kept_rows ON row_hash = kept_hash ORDER BY row_hash
        """
    ).to_arrow_table()
    scratch.unregister("found_rows")
    scratch.unregister("kept_rows")
    if fresh.num_rows:
        warehouse.append("forestall.quarantine", fresh)
    return int(rows.num_rows)


def judge_anew(warehouse: Warehouse, source: str, run_date: date, pull_id: int, *, is_whole: bool) -> None:
    """Let go of what earlier attempts of the night found bad in the files of `mapped`, or in the source as a whole.

    It is being read again: what is still bad comes in again, and what was mended since must not stop the
    night that it was mended for. Where files cannot be told apart, only a source read as a whole is judged anew.
    """
    found = warehouse.scratch().execute("SELECT DISTINCT file FROM mapped WHERE file IS NOT NULL").fetchall()
    files = [path for (path,) in found]
    if not (is_whole or files):
        return
    which = "true" if is_whole else f"file IN ({', '.join('?' for _ in files)})"
    warehouse.execute(
        f"DELETE FROM forestall.quarantine WHERE source = ? AND run_date = ? AND pull_id < ? AND {which}",
        [source, run_date, pull_id, *([] if is_whole else files)],
    )
