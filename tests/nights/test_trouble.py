"""Nights on which something is wrong: a source that is down, a batch that is broken, a day that brings nothing."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from features.gates import GateFailedError
from forestall.demo.company import play
from forestall.jobs import NIGHT
from forestall.night import Night
from forestall.publishing.publication import load_night
from forestall.records import steps_of
from forestall.scheduling.closing import show_closing
from forestall.scheduling.steps import ExitCode
from forestall.settings import Settings
from tests.nights.company import FIRST, SECOND, copied, fingerprints, run_jobs

pytestmark = pytest.mark.slow


def test_without_fresh_consents_the_night_is_degraded_and_calls_nobody(first_night: Settings, tmp_path: Path) -> None:
    settings = copied(first_night.root, tmp_path / "company")
    play(settings.root, SECOND)
    (settings.root / "data" / "consents" / "consents.csv").write_bytes(b"kundennr;weg\n\xff\xfe\x00;\xc3\x28\n")
    summaries = run_jobs(settings, SECOND)
    assert summaries["pull"]["degraded"] == "consents"
    night = load_night(settings.var_path / "published" / "current")
    assert night.run_date == SECOND
    assert [line.split(":")[0] for line in night.manifest["degraded"]] == ["consents (consents)"]
    assert night.frame("outreach_list").empty
    assert summaries["choose_outreach"]["notes"] == "consents not of tonight: nobody is listed"
    assert night.frame("staffing_requirement")["agents_net"].sum() > 0
    assert len(night.frame("churn_scores")) > 100
    assert "batch.consents.consents_delivered" in night.manifest["gates"]["warnings"]
    steps = steps_of(Night(settings, SECOND), NIGHT)
    assert {step.status for step in steps} == {"done"}
    with (tmp_path / "screen.txt").open("w") as file:
        assert show_closing(Night(settings, SECOND), steps, Console(file=file)) is ExitCode.DEGRADED


def test_a_batch_that_is_mostly_broken_stops_the_night_with_evidence(first_night: Settings, tmp_path: Path) -> None:
    settings = copied(first_night.root, tmp_path / "company")
    play(settings.root, SECOND)
    usage = settings.root / "data" / "activity" / "usage_2026-03-02.parquet"
    rows = pd.concat([pd.read_parquet(usage)] * 2, ignore_index=True)
    rows["event"] = ["usage", "roaming"] * (len(rows) // 2)
    rows.loc[rows.index < 0.6 * len(rows), "customer"] = None
    rows.to_parquet(usage, index=False)
    before = fingerprints(settings.var_path / "published")
    with pytest.raises(GateFailedError, match=r"usage_quarantine_share"):
        run_jobs(settings, SECOND, ["pull", "check_batch"])
    assert fingerprints(settings.var_path / "published") == before
    assert (settings.var_path / "published" / "current").readlink() == Path(FIRST.isoformat())
    night = Night(settings, SECOND)
    failed = steps_of(night, NIGHT)[-1]
    assert (failed.job, failed.status, failed.exit_code) == ("check_batch", "failed", ExitCode.GATE)
    report = (night.folder / "report.html").read_text(encoding="utf-8")
    assert "batch.activity.usage_quarantine_share" in report
    assert "quarantined: missing:customer_id" in report
    assert FIRST.isoformat() in report
    gates = night.read("gates_batch").set_index("gate")
    # Rows that are alike in all but the missing key are kept once.
    assert gates.loc["batch.activity.usage_quarantine_share", "failed_count"] > 0.5 * len(rows)


def test_a_night_that_brings_nothing_is_published_with_a_warning(second_night, tmp_path: Path) -> None:
    settings = copied(second_night.settings.root, tmp_path / "company")
    third = date(2026, 3, 4)
    summaries = run_jobs(settings, third)
    assert summaries["pull"]["new_rows"] == 0
    night = load_night(settings.var_path / "published" / "current")
    assert night.run_date == third
    assert "batch.all.has_new_rows" in night.manifest["gates"]["warnings"]
    assert night.manifest["degraded"] == []
    assert night.frame("staffing_requirement")["agents_net"].sum() > 0
    assert len(night.frame("outreach_list")) > 0
