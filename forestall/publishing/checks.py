"""What the three checking jobs share: reading what gates look at, measuring across rows, and the verdict.

The rules themselves stand in the jobs and in `features.gates`. Here is SQL that means the same to
both warehouses, and the end of a stage: all results are written before anything is stopped.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce

import pandas as pd
import pyarrow as pa

from features.aside import written_aside
from features.gates import MAX_ROWS, Gate, GateLimits, Measure, Stage, as_results, evaluate_rows, passed_or_raise
from features.published import GATE_RESULTS
from forestall.night import Night, conform
from forestall.publishing.publication import current_night
from forestall.records import Summary
from forestall.reviewed import load_reviewed
from forestall.settings import Settings
from forestall.warehouse import Parameters, Warehouse, as_frame

STAGES: tuple[Stage, ...] = ("batch", "features", "publication")


def load_limits(settings: Settings) -> GateLimits:
    """The reviewed `gates.yml`; built-in limits where there is none.

    Raises:
        ConfigError: the file holds a mistake; names file and line.
    """
    return load_reviewed(settings.root / settings.files.gates, GateLimits)


def check_rows(
    warehouse: Warehouse, table: str, gates: Sequence[Gate], key: Sequence[str], where: str, parameters: Parameters
) -> pd.DataFrame:
    """Judge rules about the single rows of `schema.table` that meet `where`, in bounded memory."""
    columns = reduce(_merged, ([gate.column] if gate.column else _pair(gate) for gate in gates), list(key))
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {where}"
    return evaluate_rows(gates, map(as_frame, warehouse.pieces(sql, parameters, MAX_ROWS)), key)


def _pair(gate: Gate) -> list[str]:
    return [gate.parameters["column_A"], gate.parameters["column_B"]]


def _merged(columns: list[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*columns, *more]))


def in_pieces(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """A frame in pieces of at most `MAX_ROWS` rows."""
    return (frame.iloc[start : start + MAX_ROWS] for start in range(0, len(frame), MAX_ROWS))


def duplicates(
    warehouse: Warehouse, table: str, key: Sequence[str], where: str = "true", parameters: Parameters = ()
) -> Measure:
    """How many rows of `schema.table` share their key with another; the value is their number."""
    names = ", ".join(key)
    shown = " || '/' || ".join(f"coalesce(cast({name} AS VARCHAR), '')" for name in key)
    sql = f"""
        WITH keys AS (SELECT {names}, count(*) AS row_count FROM {table} WHERE {where} GROUP BY {names})
        SELECT sum(row_count) AS checked, sum(CASE WHEN row_count > 1 THEN row_count ELSE 0 END) AS failed,
            (SELECT string_agg(shown, ', ') FROM
                (SELECT {shown} AS shown FROM keys WHERE row_count > 1 ORDER BY shown LIMIT 5) AS doubled) AS samples
        FROM keys
    """
    found = warehouse.query(sql, parameters).to_pylist()[0]
    failed = int(found["failed"] or 0)
    samples = (found["samples"] or "").split(", ") if failed else ()
    return Measure(failed, f"{failed} rows share a key", int(found["checked"] or 0), failed, samples)


def count_where(warehouse: Warehouse, table: str, condition: str, parameters: Parameters = ()) -> tuple[int, int]:
    """Rows of `schema.table`, and how many of them meet `condition`."""
    sql = f"SELECT count(*) AS rows_all, sum(CASE WHEN {condition} THEN 1 ELSE 0 END) AS rows_met FROM {table}"
    found = warehouse.query(sql, parameters).to_pylist()[0]
    return int(found["rows_all"]), int(found["rows_met"] or 0)


def finish_stage(night: Night, stage: Stage, results: Sequence[pd.DataFrame]) -> Summary:
    """Write `gates_<stage>`, and stop the night where a blocking gate failed.

    A night that is stopped gets `report.html` in its run folder, with all evidence up to this stage.

    Raises:
        GateFailedError: after everything was looked at and written.
    """
    found = pd.concat([frame for frame in results if len(frame)] or [as_results([])], ignore_index=True)
    night.write(f"gates_{stage}", conform(pa.Table.from_pandas(found, preserve_index=False), GATE_RESULTS))
    report = night.folder / "report.html"
    is_failed = bool((~found["is_passed"].astype(bool) & (found["severity"] == "blocking")).any())
    if is_failed:
        _write_failure_report(night, stage)
    else:
        report.unlink(missing_ok=True)  # of an attempt that was stopped here before
    passed_or_raise(found, report)
    return {"gates": len(found), "warnings": int((~found["is_passed"].astype(bool)).sum())}


def gates_until(night: Night, last: Stage) -> pd.DataFrame:
    """The results of all stages up to and including `last`.

    Raises:
        ConfigError: a stage was not looked at.
    """
    stages = STAGES[: STAGES.index(last) + 1]
    return pd.concat([night.read(f"gates_{stage}") for stage in stages], ignore_index=True)


def _write_failure_report(night: Night, stage: Stage) -> None:
    from forestall.web.report import failure_report  # Jinja is only loaded on the rare night that needs it

    stages = STAGES[: STAGES.index(stage) + 1]
    known = [night.read(f"gates_{one}") for one in stages if night.has(f"gates_{one}")]
    last = current_night(night.published)
    html = failure_report(
        pd.concat(known, ignore_index=True),
        night.run_date,
        night.settings.company.name,
        last.run_date.isoformat() if last else None,
    )
    with written_aside(night.folder / "report.html") as aside:
        aside.write_text(html, encoding="utf-8")
