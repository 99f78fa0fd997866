"""Gates: rules that data must pass before the night goes on, and their evaluation with Great Expectations.

A gate says what must hold, why, and how bad it is if it does not. Rules about single rows are looked
at in frames of at most `MAX_ROWS` rows (ten million rows in one frame would take 7.8 GB). Rules about
many rows (uniqueness, totals, drift) are measured in SQL by the caller and judged here as one small
frame. Values in, values out: nothing is read, written or stopped here; `passed_or_raise` turns
the verdict into an error for the job that asked.

Great Expectations is imported when the first gate is evaluated: it takes seconds, and the command
line only needs `GateFailedError`.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from features.published import GATE_RESULTS
from features.sections import Section
from features.tables import Table

MAX_ROWS = 500_000
SAMPLE_KEYS = 5

Stage = Literal["batch", "features", "publication"]
Severity = Literal["blocking", "warning"]


class GateFailedError(Exception):
    """A blocking gate failed; its text is one line: which gate, where, how many, where the report is."""


class GateLimits(Section):
    """Where the gates draw their lines; a company's own stand in `gates.yml`."""

    quarantine_share: float = Field(0.05, ge=0, le=1, description="share of a source's rows that broke a rule")
    quarantine_rows: int = Field(20, ge=1, description="fewer bad rows than this are a warning")
    row_count_share: float = Field(0.5, ge=0, description="rows of a source against its last nights")
    row_count_nights: int = Field(7, ge=1, description="so many nights")
    row_count_rows: float = Field(50, ge=0, description="smaller sources come and go")
    unknown_customer_share: float = Field(0.05, ge=0, le=1, description="share of contacts")
    population_share: float = Field(0.8, ge=0, description="customers with features against the date before")
    null_share_rise: float = Field(0.2, ge=0, le=1, description="of a feature, against the date before")
    drift_effect_size: float = Field(0.5, ge=0, description="move of a mean in standard deviations")
    fairness_severity: Severity = Field("warning", description="of a difference between groups nothing explains")


@dataclass(frozen=True)
class Gate:
    """One rule.

    Attributes:
        stage: batch, features or publication.
        table: what is looked at.
        rule: its short name; `stage.table.rule` identifies the gate.
        reason: why it is there, for the report.
        severity: a blocking gate stops publication, a warning is shown.
        expectation: class name in `great_expectations.expectations`.
        parameters: that class's arguments, without the column of a rule that has just one.
        column: the column it is about; None for rules over several columns or about a whole table.
    """

    stage: Stage
    table: str
    rule: str
    reason: str
    severity: Severity
    expectation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    column: str | None = None

    @property
    def name(self) -> str:
        return f"{self.stage}.{self.table}.{self.rule}"


@dataclass(frozen=True)
class Measure:
    """What was found for a gate over many rows.

    Attributes:
        value: the number that the gate judges; None where it cannot be measured yet, which passes.
        observed: the same in words.
        checked_count: rows that went into it.
        failed_count: rows that speak against it.
        sample_keys: some of their keys.
    """

    value: float | None
    observed: str
    checked_count: int = 0
    failed_count: int = 0
    sample_keys: Sequence[str] = ()


Found = tuple[Gate, Measure]


def contract_gates(stage: Stage, table: Table, columns: Iterable[str]) -> list[Gate]:
    """The gates that a table's contract implies for those of its `columns` that are there.

    Key and required columns hold a value, words come from the contract's list and numbers from its
    range. All are blocking: what breaks the contract should have gone to quarantine.
    """
    gates = []
    for column in (table[name] for name in columns):
        if column.is_required or column.name in table.key:
            gates.append(not_null(stage, table.name, column.name, "the contract requires it"))
        if column.words:
            gates.append(
                Gate(stage, table.name, f"{column.name}_in_words", "only the contract's words are understood",
                     "blocking", "ExpectColumnValuesToBeInSet", {"value_set": list(column.words)}, column.name)
            )  # fmt: skip
        if column.at_least is not None or column.at_most is not None:
            gates.append(
                between(stage, table.name, column.name, column.at_least, column.at_most, "a value outside is absurd")
            )
    return gates


def not_null(stage: Stage, table: str, column: str, reason: str) -> Gate:
    """Every row has a value."""
    return Gate(stage, table, f"{column}_is_there", reason, "blocking", "ExpectColumnValuesToNotBeNull", column=column)


def between(
    stage: Stage, table: str, column: str, least: Any, most: Any, reason: str, severity: Severity = "blocking"
) -> Gate:
    """Every value that is there lies in [least, most]; None leaves a side open."""
    limits = {"min_value": least, "max_value": most}
    return Gate(stage, table, f"{column}_in_range", reason, severity, "ExpectColumnValuesToBeBetween", limits, column)


def ordered(stage: Stage, table: str, smaller: str, greater: str, reason: str, severity: Severity = "blocking") -> Gate:
    """`smaller` <= `greater` in every row that has both."""
    return Gate(
        stage, table, f"{smaller}_until_{greater}", reason, severity,
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": greater, "column_B": smaller, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    )  # fmt: skip


def without(stage: Stage, table: str, column: str, rule: str, regex: str, reason: str) -> Gate:
    """No text matches `regex`."""
    return Gate(
        stage, table, f"{column}_{rule}", reason, "blocking", "ExpectColumnValuesToNotMatchRegex",
        {"regex": regex}, column,
    )  # fmt: skip


def measured(
    stage: Stage, table: str, rule: str, reason: str, severity: Severity, *,
    least: float | None = None, most: float | None = None, column: str | None = None,
) -> Gate:  # fmt: skip
    """A number measured over many rows lies in [least, most]."""
    limits = {"min_value": least, "max_value": most}
    return Gate(stage, table, rule, reason, severity, "ExpectColumnValuesToBeBetween", limits, column)


def evaluate_rows(gates: Sequence[Gate], frames: Iterable[pd.DataFrame], key: Sequence[str]) -> pd.DataFrame:
    """Judge rules about single rows.

    Args:
        gates: all about one table.
        frames: its rows, in pieces of at most `MAX_ROWS`; no piece at all passes with nothing checked.
        key: columns whose values name a row in the evidence.

    Returns:
        One row a gate, in the columns of `GATE_RESULTS`.

    Raises:
        ValueError: a piece is too large for the memory it would take.
    """
    found = {gate.name: _row(gate, is_passed=True) for gate in gates}
    columns = {gate.name: gate.column for gate in gates}
    for frame in frames:
        if len(frame) > MAX_ROWS:
            raise ValueError(f"a piece of {len(frame)} rows; at most {MAX_ROWS} are looked at together")
        if not frame.empty:
            for name, result in _validate(gates, columns, frame.reset_index(drop=True), "SUMMARY").items():
                _add(found[name], result, frame[list(key)])
    return as_results(found.values())


def evaluate_measures(found: Sequence[Found]) -> pd.DataFrame:
    """Judge rules about many rows, each by the one number that was measured for it.

    Args:
        found: gates made by `measured`, each with what was found.

    Returns:
        One row a gate, in the columns of `GATE_RESULTS`.
    """
    if not found:
        return as_results([])
    gates = [gate for gate, _ in found]
    frame = pd.DataFrame({gate.name: [measure.value] for gate, measure in found}, dtype="float64")
    verdicts = _validate(gates, {gate.name: gate.name for gate in gates}, frame, "BOOLEAN_ONLY")
    return as_results(
        _row(gate, is_passed=bool(verdicts[gate.name]["success"]))
        | {
            "checked_count": measure.checked_count,
            "failed_count": measure.failed_count,
            "observed": measure.observed,
            "sample_keys": ", ".join(measure.sample_keys[:SAMPLE_KEYS]) or None,
        }
        for gate, measure in found
    )


def as_results(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of evidence as a frame in the columns of `GATE_RESULTS`."""
    return pd.DataFrame(list(rows), columns=list(GATE_RESULTS.names))


def passed_or_raise(results: pd.DataFrame, report: Path) -> None:
    """Stop the night where a blocking gate failed; all gates were looked at before.

    Raises:
        GateFailedError: names the first failed gate, how many rows, and where the evidence is.
    """
    failed = results[~results["is_passed"].astype(bool) & (results["severity"] == "blocking")]
    if failed.empty:
        return
    first = failed.iloc[0]
    column = f".{first['column']}" if isinstance(first["column"], str) else ""
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    raise GateFailedError(
        f"gate {first['gate']} failed{more}: {first['table']}{column}: "
        f"{first['failed_count']} of {first['checked_count']} rows; {first['observed'] or first['reason']}; "
        f"evidence: {report}"
    )


def _row(gate: Gate, *, is_passed: bool) -> dict[str, Any]:
    return {
        "gate": gate.name, "stage": gate.stage, "table": gate.table, "column": gate.column, "reason": gate.reason,
        "severity": gate.severity, "is_passed": is_passed, "checked_count": 0, "failed_count": 0,
        "observed": None, "sample_keys": None,
    }  # fmt: skip


def _add(row: dict[str, Any], result: Mapping[str, Any], keys: pd.DataFrame) -> None:
    """Add what one piece showed to the evidence of a gate; `keys` name the piece's rows."""
    details = result["result"]
    row["is_passed"] &= bool(result["success"])
    if "element_count" not in details:
        row["observed"] = f"could not be looked at: {_first_message(result['exception_info'])}"
        return
    row["checked_count"] += int(details["element_count"])
    row["failed_count"] += int(details["unexpected_count"])
    positions = details.get("partial_unexpected_index_list", [])[:SAMPLE_KEYS]
    samples = row["sample_keys"].split(", ") if row["sample_keys"] else []
    samples += ["/".join(map(str, values)) for values in keys.iloc[positions].itertuples(index=False)]
    row["sample_keys"] = ", ".join(samples[:SAMPLE_KEYS]) or None


def _first_message(info: Mapping[str, Any]) -> str:
    """The message of an expectation that raised; GX nests it by metric where there are several."""
    if "exception_message" in info:
        return str(info["exception_message"]).splitlines()[0]
    return next((_first_message(inner) for inner in info.values() if isinstance(inner, Mapping)), "unknown")


def _validate(
    gates: Sequence[Gate],
    columns: Mapping[str, str | None],
    frame: pd.DataFrame,
    told: Literal["SUMMARY", "BOOLEAN_ONLY"],
) -> dict[str, Mapping[str, Any]]:
    """What Great Expectations says of each gate, by the gate's name: counts and rows by position, or the verdict only.

    Let it name rows by key columns, and it builds a dictionary for each failed row: thirty times slower.
    """
    gx, frames = _great_expectations()
    expectations = []
    for gate in gates:
        column = {} if columns[gate.name] is None else {"column": columns[gate.name]}
        expectation = getattr(gx.expectations, gate.expectation)
        expectations.append(expectation(**column, **gate.parameters, meta={"gate": gate.name}))
    # Given as a whole: added one by one, each would be compared with all before it.
    suite = gx.ExpectationSuite(name="gates", expectations=expectations)
    results = frames.get_batch({"dataframe": frame}).validate(suite, result_format=told).results
    return {result.expectation_config.meta["gate"]: result for result in results}


@cache
def _great_expectations() -> tuple[Any, Any]:
    """The library, silent, and the one batch definition of a context that lives in memory only."""
    logging.getLogger("great_expectations").setLevel(logging.ERROR)  # before the import: it logs while importing
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # This module raises its own level while it is imported, to tell of a folder that nobody asks for.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    rows = context.data_sources.add_pandas("frames").add_dataframe_asset("rows")
    return gx, rows.add_batch_definition_whole_dataframe("all")
