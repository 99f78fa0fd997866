"""The DAGs in Airflow's own hands: order, business date, gates, retries, alerts, backfill, retraining."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forestall.jobs import NIGHT

pytestmark = pytest.mark.slow

# What must have ended before a job may begin.
AFTER = {
    "check_batch": {"pull"},
    "build_features": {"check_batch"},
    "check_features": {"build_features"},
    "train_churn": {"check_features"},
    "score_churn": {"train_churn"},
    "forecast_volume": {"measure_outreach"},
    "plan_staffing": {"forecast_volume"},
    "measure_outreach": {"check_features"},
    "plan_shifts": {"plan_staffing"},
    "choose_outreach": {"score_churn", "plan_shifts", "measure_outreach"},
    "measure": {"check_features"},
    "explain_churn": {"choose_outreach"},
    "value_agents": {"score_churn", "plan_staffing"},
    "check_publication": {"explain_churn", "value_agents", "measure"},
    "publish": {"check_publication"},
    "retrain_on_drift": {"publish"},
}


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each run of nights.py."""
    folder = tmp_path_factory.mktemp("nights")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "FORESTALL"))}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("nights.py")), str(folder)],
        env=environment | {"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return results


def _jobs(result: dict[str, Any]) -> list[str]:
    return [name for name, _, _ in result["ran"]]


def test_a_night_runs_every_job_once_in_order_for_its_date(nights: dict[str, Any]) -> None:
    good = nights["good"]
    assert good["code"] == 0
    assert sorted(_jobs(good)) == sorted([*NIGHT, "retrain_on_drift"])
    for place, name in enumerate(_jobs(good)):
        assert AFTER.get(name, set()) <= set(_jobs(good)[:place]), name
    assert {(day, is_backfill) for _, day, is_backfill in good["ran"]} == {("2026-03-01", False)}
    assert good["current"] == "2026-03-01"


def test_the_screen_shows_each_step_and_nothing_of_the_libraries(nights: dict[str, Any]) -> None:
    screen = nights["good"]["screen"]
    assert "Night of Sunday 1 March 2026" in screen
    assert "var/published/2026-03-01" in screen
    assert "airflow" not in screen
    assert "pull 2026-03-01: done" in nights["log"]


def test_a_gate_stops_publication_leaves_current_and_exits_3(nights: dict[str, Any]) -> None:
    gate = nights["gate"]
    assert gate["code"] == 3
    assert _jobs(gate) == ["pull", "check_batch"]  # not tried again
    assert gate["current"] == "2026-03-01"
    assert "check_batch 2026-03-02: batch.calls.share failed: 9 of 10 rows" in gate["screen"]
    assert "Acme: nightly of 2026-03-02 failed" in nights["log"]


def test_what_the_user_can_mend_is_one_line_and_exits_2(nights: dict[str, Any]) -> None:
    mend = nights["mend"]
    assert mend["code"] == 2
    assert _jobs(mend) == ["pull"]
    assert "pull 2026-03-02: calls.csv: no such file" in mend["screen"]
    assert "Traceback" not in mend["screen"]


def test_a_defect_is_tried_again_and_then_exits_1_with_the_log_named(nights: dict[str, Any]) -> None:
    defect = nights["defect"]
    assert defect["code"] == 1
    assert _jobs(defect).count("measure") == 2
    assert "publish" not in _jobs(defect)
    assert "measure 2026-03-02: divided by nothing; details in " in defect["screen"]


def test_a_step_that_was_killed_once_runs_again_and_the_night_is_published(nights: dict[str, Any]) -> None:
    killed = nights["killed once"]
    assert killed["code"] == 0
    assert _jobs(killed).count("forecast_volume") == 2
    assert killed["current"] == "2026-03-02"


def test_a_degraded_night_is_published_and_exits_4(nights: dict[str, Any]) -> None:
    degraded = nights["degraded"]
    assert (degraded["code"], degraded["current"]) == (4, "2026-03-03")
    assert "Degraded: crm: is down" in degraded["screen"]


def test_a_list_that_its_receiver_did_not_take_is_published_and_exits_4(nights: dict[str, Any]) -> None:
    undelivered = nights["undelivered"]
    assert (undelivered["code"], undelivered["current"]) == (4, "2026-03-03")
    assert _jobs(undelivered)[-3:] == ["publish", "deliver", "retrain_on_drift"]
    assert "Not delivered: receivers.crm: answers 503" in undelivered["screen"]
    assert "nightly of 2026-03-03 failed" not in nights["log"]


def test_a_backfill_runs_each_night_of_the_range_apart(nights: dict[str, Any]) -> None:
    backfill = nights["backfill"]
    assert backfill["code"] == 0
    days = ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert backfill["ran"] == [[name, day, True] for day in days for name in NIGHT]
    assert backfill["current"] == "2026-03-03"


def test_retraining_gets_the_business_date(nights: dict[str, Any]) -> None:
    assert nights["retrain"]["code"] == 0
    assert nights["retrain"]["ran"] == [["retrain_churn", "2026-03-01", False]]
    assert "retrain: done; details in " in nights["retrain"]["screen"]


def test_a_backfill_that_a_gate_stops_exits_3_and_says_on_which_night(nights: dict[str, Any]) -> None:
    gate = nights["backfill gate"]
    assert gate["code"] == 3
    assert _jobs(gate) == ["pull", "check_batch", "build_features", "check_features"]  # not tried again
    stopped = "check_features 2026-03-01: batch.calls.share failed: 9 of 10 rows"
    assert stopped in gate["screen"]
    assert f"Acme: backfill of 2026-03-01 to 2026-03-01 failed: {stopped}\n" in nights["log"]


def test_a_retraining_whose_cause_the_user_can_mend_exits_2_at_once(nights: dict[str, Any]) -> None:
    mend = nights["retrain mend"]
    assert mend["code"] == 2
    assert _jobs(mend) == ["retrain_churn"]
    assert mend["screen"].endswith("retrain_churn 2026-03-01: calls.csv: no such file\n")
    assert "Acme: retrain of 2026-03-01 failed: retrain_churn: calls.csv: no such file" in nights["log"]


def test_a_defect_of_a_retraining_is_tried_again_and_then_exits_1_with_the_log_named(nights: dict[str, Any]) -> None:
    defect = nights["retrain defect"]
    assert defect["code"] == 1
    assert _jobs(defect) == ["retrain_churn", "retrain_churn"]
    assert "retrain_churn 2026-03-01: divided by nothing; details in " in defect["screen"]
