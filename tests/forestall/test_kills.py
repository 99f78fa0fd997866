"""Every job is really killed, with SIGKILL at a random point, and run again: the night comes out the same.

A small demo company is run twice: undisturbed, and with every job killed on its way. What is published
and what the warehouse keeps must be equal, and nothing may be left running.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from features.contract import CONTRACT
from forestall.jobs import NIGHT
from forestall.night import Night
from forestall.publishing.publication import load_night
from forestall.records import steps_of
from forestall.settings import Settings, load_settings
from forestall.warehouse import open_warehouse

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SMALLER = """
[volume]
backtest_cutoffs = 1
horizon_days = 7
"""
START_S = 2.0  # a process imports for about so long before its job begins


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo company of some five hundred customers, and its configuration."""
    from forestall.demo.company import make_company

    folder = tmp_path_factory.mktemp("company")
    config = make_company(folder, seed=3, since=date(2025, 7, 1), scale=0.025).config
    text = config.read_text().replace("training_dates = 12", "training_dates = 4\nhorizons = [30]\nmain_horizon = 30")
    config.write_text(text + SMALLER)
    return config


def _settings(config: Path, var: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FORESTALL_VAR", var)
    return load_settings(config)


def _start(config: Path, job: str, var: str) -> "subprocess.Popen[str]":
    """A process of its own, and a group of its own, so that what it leaves behind can be seen."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORESTALL")}
    return subprocess.Popen(
        [sys.executable, "-m", "forestall", "job", job, "--config", str(config)],
        env=environment | {"FORESTALL_VAR": var, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _finish(process: "subprocess.Popen[str]") -> None:
    output, _ = process.communicate()
    assert process.returncode == 0, output[-3000:]


def _is_anything_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(process: "subprocess.Popen[str]", after_s: float) -> None:
    """Kill the process, and only it; its children must find out by themselves."""
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while _is_anything_left(process.pid):
        assert time.monotonic() < deadline, f"{process.args}: its workers outlived it"
        time.sleep(0.1)
    assert process.stdout is not None
    process.stdout.close()


def _content(settings: Settings) -> Mapping[str, Any]:
    """What was published, and how much the warehouse keeps, by table."""
    night = load_night(settings.var_path / "published" / "current")
    with open_warehouse(settings, "test") as warehouse:
        kept = {name: warehouse.scalar(f"SELECT count(*) FROM raw.{name}") for name in (*CONTRACT,)}
        kept["quarantine"] = warehouse.scalar("SELECT count(*) FROM forestall.quarantine")
    return {"published": night.manifest["tables"], "run_date": night.run_date, "kept": kept}


def test_a_night_whose_every_job_was_killed_comes_out_the_same(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = _settings(company, "undisturbed", monkeypatch)
    for job in NIGHT:
        _finish(_start(company, job, "undisturbed"))
    assert undisturbed.run_date is not None
    took = {step.job: step.seconds for step in steps_of(Night(undisturbed, undisturbed.run_date), NIGHT)}
    dice = random.Random(20)
    for job in NIGHT:
        _kill(_start(company, job, "killed"), dice.uniform(START_S, START_S + took[job]))
        _finish(_start(company, job, "killed"))
    killed = _settings(company, "killed", monkeypatch)
    assert _content(killed) == _content(undisturbed)
    assert sum(_content(killed)["kept"].values()) > 10_000
    leftovers = list(killed.var_path.rglob("*.tmp*"))
    assert leftovers == []


def test_two_pulls_at_once_load_every_row_once(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [_start(company, "pull", "at once") for _ in range(2)]
    for process in both:
        _finish(process)
    _finish(_start(company, "pull", "alone"))
    counts = []
    for var in ("at once", "alone"):
        with open_warehouse(_settings(company, var, monkeypatch), "test") as warehouse:
            counts.append({name: warehouse.scalar(f"SELECT count(*) FROM raw.{name}") for name in CONTRACT})
    assert counts[0] == counts[1]
