"""A real `airflow standalone` on a port of its own, and `airflow dags test`, both by way of `forestall airflow`."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from forestall.jobs import JOBS, NIGHT
from forestall.night import Night
from forestall.publishing.publication import load_night
from forestall.records import steps_of
from forestall.settings import load_settings
from tests.examples.bank import RUN_DATE, make_bank
from tests.nights.company import SMALLER
from tests.processes import end, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300  # until something must have happened; on an idle machine it takes a minute
JOB = """
def {name}(settings, run_date):
    with open(r"{log}", "a") as file:
        file.write("{name} " + run_date.isoformat() + "\\n")
    return {{}}
"""


@dataclass(frozen=True)
class Site:
    """A company's folder, what its processes find in their environment, and the port of its Airflow."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 8080

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """`forestall airflow ...` in a process group of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "FORESTALL"))}
        options = ["--config", str(self.folder / "forestall.toml"), "--port", str(self.port)]
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "forestall", "airflow", *options, *words],
                env=kept | {"PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}", **self.environment},
                start_new_session=True, stdout=output, stderr=output,
            )  # fmt: skip

    def told(self) -> str:
        """The end of what its processes said."""
        return (self.folder / "output.txt").read_text(errors="replace")[-4000:]

    def wait(self, is_so: Callable[[], object]) -> None:
        """Until something is so; fails with what was said when patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, self.told()
            time.sleep(1)

    def rows(self, sql: str) -> list[tuple[str, ...]]:
        """What the scheduler's database answers; nothing while it is not made yet."""
        database = self.folder / "var" / "airflow-server" / "airflow.db"
        if not database.exists():
            return []
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
            try:
                return connection.execute(sql).fetchall()
            except sqlite3.OperationalError:  # its tables are not made yet
                return []

    def run(self, dag_id: str, conf: Mapping[str, str]) -> str:
        """Trigger a DAG by hand and wait; its state in the end."""
        run_id = f"by-hand-{dag_id}"
        trigger = self.start("dags", "trigger", dag_id, "--run-id", run_id, "--conf", json.dumps(conf))
        assert trigger.wait(PATIENCE_S) == 0, self.told()
        ended = f"SELECT state FROM dag_run WHERE run_id = '{run_id}' AND state IN ('success', 'failed')"
        self.wait(lambda: self.rows(ended))
        return self.rows(ended)[0][0]


def test_dags_test_runs_the_night(tmp_path: Path) -> None:
    """In a company whose jobs only say that they ran, put in place in every process by `sitecustomize`."""
    jobs, log = tmp_path / "jobs", tmp_path / "ran.txt"
    jobs.mkdir()
    for name in JOBS:
        (jobs / f"{name}.py").write_text(JOB.format(name=name, log=log))
    (tmp_path / "sitecustomize.py").write_text(f"import forestall.jobs\nforestall.jobs.__path__.insert(0, r'{jobs}')\n")
    (tmp_path / "forestall.toml").write_text('[company]\ntime_zone = "Europe/Berlin"\n')
    site = Site(tmp_path)
    done = site.start("dags", "test", "nightly", "--conf", json.dumps({"run_date": "2026-03-01"}))
    assert done.wait(PATIENCE_S) == 0, site.told()
    assert sorted(log.read_text().splitlines()) == sorted(f"{name} 2026-03-01" for name in (*NIGHT, "retrain_on_drift"))


class _Hook(BaseHTTPRequestHandler):
    """Keeps the subjects of the alerts that it is told."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.subjects.append(json.loads(body)["subject"])  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def alerts() -> Iterator[HTTPServer]:
    """Where the scheduler's alerts go; `subjects` lists them."""
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    server.subjects = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def bank(alerts: HTTPServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bank of interval counts alone, whose scheduler is up; every process of it is gone afterwards."""
    folder = tmp_path_factory.mktemp("bank")
    # Airflow starts at once what was due within the last tenth of its interval: nothing is, for half a year.
    due = date.today() + timedelta(days=180)
    yearly = f"30 3 {min(due.day, 28)} {due.month} *"
    more = {
        "FORESTALL_SCHEDULE__NIGHTLY": yearly,
        "FORESTALL_SCHEDULE__RETRAIN": yearly,
        "FORESTALL_ALERTS__WEBHOOK_URL": f"http://127.0.0.1:{alerts.server_port}/",
    }
    site = Site(folder, make_bank(folder) | SMALLER | more, free_port())
    process = site.start("standalone")
    try:
        site.wait(lambda: site.rows("SELECT dag_id FROM dag WHERE dag_id = 'nightly' AND NOT is_paused"))
        yield site
    finally:
        end(process)


def test_a_standalone_scheduler_runs_a_triggered_night_to_its_publication(bank: Site) -> None:
    assert bank.run("nightly", {"run_date": RUN_DATE.isoformat()}) == "success", bank.told()
    night = load_night(bank.folder / "var" / "published" / "current")
    assert night.run_date == RUN_DATE
    forecast, plan = night.frame("volume_forecast"), night.frame("staffing_requirement")
    assert forecast["local_on"].min() == plan["local_on"].min() == RUN_DATE
    assert plan["agents_net"].max() > 10
    with pytest.MonkeyPatch.context() as environment:
        for name, value in bank.environment.items():
            environment.setenv(name, value)
        settings = load_settings(bank.folder / "forestall.toml")
    assert [(step.job, step.status) for step in steps_of(Night(settings, RUN_DATE), NIGHT)] == [
        (job, "done") for job in NIGHT
    ]


def test_a_standalone_scheduler_tells_of_a_run_that_failed(bank: Site, alerts: HTTPServer) -> None:
    assert bank.run("backfill", {"first_date": "2003-09-02", "last_date": "2003-09-01"}) == "failed", bank.told()
    bank.wait(lambda: "A North American bank: backfill failed" in alerts.subjects)  # type: ignore[attr-defined]
