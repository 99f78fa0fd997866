"""A real `airflow standalone` on a port of its own, and `airflow dags test`, both by way of `forestall airflow`."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from forestall.jobs import NIGHT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300  # until something must have happened; on an idle machine it takes a minute
JOB = """
def {name}(settings, run_date):
    with open(r"{log}", "a") as file:
        file.write("{name} " + run_date.isoformat() + "\\n")
    return {{}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A company whose jobs only say that they ran, put in place in every process by `sitecustomize`."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name in NIGHT:
        (jobs / f"{name}.py").write_text(JOB.format(name=name, log=tmp_path / "ran.txt"))
    (tmp_path / "sitecustomize.py").write_text(f"import forestall.jobs\nforestall.jobs.__path__.insert(0, r'{jobs}')\n")
    (tmp_path / "forestall.toml").write_text('[company]\ntime_zone = "Europe/Berlin"\n')
    return tmp_path


def _start(site: Path, *words: str, port: int = 8080) -> "subprocess.Popen[bytes]":
    """`forestall airflow ...` in a process group of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "FORESTALL"))}
    options = ["--config", str(site / "forestall.toml"), "--port", str(port)]
    with (site / "output.txt").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "forestall", "airflow", *options, *words],
            env=kept | {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}"},
            start_new_session=True, stdout=output, stderr=output,
        )  # fmt: skip


def _ran(site: Path) -> list[str]:
    log = site / "ran.txt"
    return log.read_text().splitlines() if log.exists() else []


def _told(site: Path) -> str:
    return (site / "output.txt").read_text(errors="replace")[-4000:]


def test_dags_test_runs_the_night(site: Path) -> None:
    done = _start(site, "dags", "test", "nightly", "--conf", json.dumps({"run_date": "2026-03-01"}))
    assert done.wait(PATIENCE_S) == 0, _told(site)
    assert sorted(_ran(site)) == sorted(f"{name} 2026-03-01" for name in NIGHT)


@pytest.fixture
def server(site: Path) -> Iterator[int]:
    """The port of a scheduler that is up; every process of it is gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = _start(site, "standalone", port=port)
    try:
        _wait(lambda: _has_dag(site), site)
        yield port
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the group to end, then make it."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                os.killpg(process.pid, word)
            except ProcessLookupError:
                break
            process.poll()
            time.sleep(0.5)


def _wait(is_so: Callable[[], object], site: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, _told(site)
        time.sleep(1)


def _has_dag(site: Path) -> bool:
    return bool(_rows(site, "SELECT dag_id FROM dag WHERE dag_id = 'nightly' AND NOT is_paused"))


def _rows(site: Path, sql: str) -> list[tuple[str, ...]]:
    database = site / "var" / "airflow-server" / "airflow.db"
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:  # its tables are not made yet
            return []


def test_a_standalone_scheduler_runs_a_triggered_night_for_its_date(site: Path, server: int) -> None:
    conf = json.dumps({"run_date": "2026-03-01"})
    trigger = _start(site, "dags", "trigger", "nightly", "--run-id", "by-hand", "--conf", conf, port=server)
    assert trigger.wait(PATIENCE_S) == 0, _told(site)
    ended = "SELECT state FROM dag_run WHERE run_id = 'by-hand' AND state IN ('success', 'failed')"
    _wait(lambda: _rows(site, ended), site)
    assert _rows(site, ended) == [("success",)]
    assert sorted(line for line in _ran(site) if line.endswith("2026-03-01")) == sorted(
        f"{name} 2026-03-01" for name in NIGHT
    )
