from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from features import gates
from features.contract import INTERACTIONS
from features.gates import (
    GateFailedError,
    GateLimits,
    Measure,
    between,
    contract_gates,
    evaluate_measures,
    evaluate_rows,
    measured,
    not_null,
    ordered,
    passed_or_raise,
    without,
)
from features.published import GATE_RESULTS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _rows(count: int = 10) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": [f"k{number}" for number in range(count)],
            "amount": np.arange(count, dtype=float),
            "at": pd.date_range(NOON, periods=count, freq="h").astype("datetime64[us, UTC]"),
            "later": pd.date_range(NOON, periods=count, freq="2h").astype("datetime64[us, UTC]"),
            "text": "fine",
        }
    )


@pytest.mark.parametrize(
    ("gate", "column", "value", "sample"),
    [
        (between("batch", "t", "amount", 0, 100, ""), "amount", -1.0, "k3"),
        (between("batch", "t", "amount", 0, 1e9, ""), "amount", np.inf, "k3"),
        (between("batch", "t", "at", None, NOON + timedelta(days=1), ""), "at", NOON + timedelta(days=2), "k3"),
        (not_null("batch", "t", "text", ""), "text", None, "k3"),
        (ordered("batch", "t", "at", "later", ""), "later", datetime(2026, 3, 1, tzinfo=UTC), "k3"),
        (without("batch", "t", "text", "has_no_mail", "@", ""), "text", "a@b.de", "k3"),
    ],
)  # fmt: skip
def test_a_gate_holds_on_good_rows_and_names_the_bad_one(
    gate: gates.Gate, column: str, value: object, sample: str
) -> None:
    good, bad = _rows(), _rows()
    bad.loc[3, column] = value
    assert evaluate_rows([gate], [good], ["key"])["is_passed"].tolist() == [True]
    (found,) = evaluate_rows([gate], [good, bad], ["key"]).to_dict("records")
    assert (found["is_passed"], found["checked_count"], found["failed_count"]) == (False, 20, 1)
    assert found["sample_keys"] == sample
    assert found["gate"] == gate.name


def test_missing_values_break_no_range_and_no_order() -> None:
    rows = _rows().assign(amount=np.nan, later=pd.Series(pd.NaT, range(10), "datetime64[us, UTC]"))
    checks = [between("batch", "t", "amount", 0, 1, ""), ordered("batch", "t", "at", "later", "")]
    assert evaluate_rows(checks, [rows], ["key"])["is_passed"].all()


def test_many_bad_rows_are_all_counted_and_few_are_named() -> None:
    gate = between("batch", "t", "amount", 0, 1, "")
    (found,) = evaluate_rows([gate], [_rows(1000)], ["key", "text"]).to_dict("records")
    assert found["failed_count"] == 998
    assert found["sample_keys"] == "k2/fine, k3/fine, k4/fine, k5/fine, k6/fine"


def test_no_row_passes_and_a_column_that_is_not_there_fails() -> None:
    gate = not_null("batch", "t", "gone", "")
    assert evaluate_rows([gate], [], ["key"])["is_passed"].tolist() == [True]
    (found,) = evaluate_rows([gate], [_rows()], ["key"]).to_dict("records")
    assert not found["is_passed"]
    assert 'The column "gone"' in found["observed"]


def test_a_piece_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MAX_ROWS", 9)
    with pytest.raises(ValueError, match="a piece of 10 rows; at most 9"):
        evaluate_rows([not_null("batch", "t", "text", "")], [_rows()], ["key"])


def test_measures_are_judged_by_their_number_and_keep_their_evidence() -> None:
    once = measured("batch", "t", "once", "", "blocking", most=0)
    enough = measured("batch", "t", "enough", "", "warning", least=0.5)
    unknown = measured("batch", "t", "unknown", "", "blocking", least=1)
    found = evaluate_measures(
        [
            (once, Measure(2, "2 rows share a key", 10, 2, ["a"])),
            (enough, Measure(0.5, "as usual")),
            (unknown, Measure(None, "no night before")),
        ]
    )
    assert found["is_passed"].tolist() == [False, True, True]
    assert list(found.columns) == list(GATE_RESULTS.names)
    assert found.loc[0, ["checked_count", "failed_count", "observed", "sample_keys"]].tolist() == [
        10, 2, "2 rows share a key", "a",
    ]  # fmt: skip


def test_only_a_blocking_gate_stops_and_says_where_to_look(tmp_path: Path) -> None:
    warning = measured("batch", "t", "few", "", "warning", most=0)
    blocking = measured("batch", "t", "none", "", "blocking", most=0, column="amount")
    bad = Measure(7, "7 rows are odd", 10, 7)
    passed_or_raise(evaluate_measures([(warning, bad)]), tmp_path)
    both = evaluate_measures([(warning, bad), (blocking, bad)])
    with pytest.raises(GateFailedError, match=r"gate batch\.t\.none failed: t\.amount: 7 of 10 rows; 7 rows are odd"):
        passed_or_raise(both, tmp_path / "report.html")


def test_the_contract_gives_gates_for_the_columns_that_are_kept() -> None:
    names = [gate.name for gate in contract_gates("batch", INTERACTIONS, ["interaction_id", "channel", "wait_time_s"])]
    assert names == [
        "batch.interactions.interaction_id_is_there",
        "batch.interactions.channel_is_there",
        "batch.interactions.channel_in_words",
        "batch.interactions.wait_time_s_in_range",
    ]


def test_the_commented_template_says_what_is_built_in() -> None:
    """Every line of `gates.yml`, once uncommented, is the limit that holds without the file."""
    template = Path(gates.__file__).parents[1] / "forestall" / "templates" / "gates.yml"
    lines = [line.removeprefix("# ") for line in template.read_text().splitlines() if ": " in line and "`" not in line]
    assert yaml.safe_load("\n".join(lines)) == GateLimits().model_dump()
