"""A night as people and timers start it: `forestall nightly`, the DAG in a process of its own, on database and API.

A second one is started while the first runs. What the first leaves behind (logs, Airflow's and dlt's folders, home,
temporary files, screen) is searched for the people whom the sources name.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from forestall.privacy.pseudonyms import pseudonym
from forestall.privacy.vault import open_vault
from forestall.publishing.publication import load_night
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from forestall.warehouse_lock import lock_holder
from tests.nights.company import SMALLER, settings_of
from tests.nights.search import files_below, readable, tables

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RUN_DATE = date(2026, 3, 2)
PATIENCE_S = 300
TRACES = (b"Zebulon", b"Quirrenbach", b"planted.example", b"171 5550", b"KUNDE-", b"KONTO-")
# One call in forty has a channel that nobody knows, and goes into quarantine with what was said.
CRM = """
    CREATE SCHEMA crm;
    CREATE TABLE crm.people AS
    SELECT 'KUNDE-' || n AS customer_id, 'KONTO-' || n AS account_id, 'Zebulon ' || n || ' Quirrenbach' AS name,
        'zq' || n || '@planted.example' AS email, '+49 171 5550' || n AS phone,
        TIMESTAMPTZ '2024-06-01Z' + n * INTERVAL '1 day' AS signed_up_at
    FROM generate_series(1, 60) AS n;
    CREATE TABLE crm.contracts AS
    SELECT 'V' || n AS subscription_id, 'KUNDE-' || n AS customer_id, 30.0 AS monthly_value, 12.0 AS margin,
        TIMESTAMPTZ '2024-06-01Z' + n * INTERVAL '1 day' AS started_at
    FROM generate_series(1, 60) AS n;
    CREATE TABLE crm.calls AS
    SELECT 'C' || n AS interaction_id, 'KUNDE-' || 1 + n % 60 AS customer_id, 'sales' AS queue,
        CASE WHEN n % 40 = 0 THEN 'pigeon' ELSE 'phone' END AS channel,
        TIMESTAMPTZ '2026-01-05 09:00Z' + n * INTERVAL '3 hours' AS started_at,
        'Zebulon Quirrenbach (zq' || n || '@planted.example), call me at +49 171 5550' || n AS text
    FROM generate_series(1, 400) AS n;
"""
TOML = """
[company]
name = "Planted"
time_zone = "Europe/Berlin"

[sources.people]
kind = "sql"
table = "customers"
location = "crm.people"
connection = "CRM_URL"

[sources.contracts]
kind = "sql"
table = "subscriptions"
location = "crm.contracts"
connection = "CRM_URL"

[sources.calls]
kind = "sql"
table = "interactions"
location = "crm.calls"
connection = "CRM_URL"

[sources.desk]
kind = "rest"
table = "surveys"
location = "answers.json"
connection = "DESK_URL"
records = "data"
paging = { type = "single_page" }
"""
ANSWERS = [
    {
        "survey_id": f"S{number}", "customer_id": f"KUNDE-{number}", "kind": "csat", "score": number % 6,
        "answered_at": "2026-02-20T10:00:00Z",
        "comment": f"Zebulon Quirrenbach, KONTO-{number}, zq@planted.example or +49 171 5550{number}",
    }
    for number in range(1, 40)
]  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """A process that ended: its number, its exit code, and what it showed on the screen."""

    pid: int
    code: int
    screen: str


@dataclass(frozen=True)
class Both:
    """What two nights that were started at once left behind.

    Attributes:
        settings: of the company.
        folders: everything that they could write to: `var`, home folder, temporary files.
        first: the one that came first.
        second: the other, which was told not to wait.
    """

    settings: Settings
    folders: tuple[Path, Path, Path]
    first: Ended
    second: Ended


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an API that gives ANSWERS."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "answers.json").write_text(json.dumps({"data": ANSWERS}), encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def both(postgres_server: str, desk: str, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The company's first night, and a second start of it while it runs."""
    with psycopg.connect(postgres_server) as connection:
        connection.execute(CRM)
    folder = tmp_path_factory.mktemp("scheduled")
    company, home, temporary = (folder / name for name in ("company", "home", "temporary"))
    for one in (company, home, temporary):
        one.mkdir()
    (company / "forestall.toml").write_text(TOML, encoding="utf-8")
    (company / ".env").write_text("FORESTALL_SECRET_KEY=a key that only the tests know\n", encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "FORESTALL"))}
    environment = kept | SMALLER | {
        "PYTHONPATH": str(ROOT), "HOME": str(home), "TMPDIR": str(temporary), "CRM_URL": postgres_server,
        "DESK_URL": desk, "COLUMNS": "160",
    }  # fmt: skip
    settings = settings_of(company)
    first = _start(company, environment)
    while lock_holder(settings) is None:
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.1)
    second = _start(company, environment | {"FORESTALL_WAREHOUSE__LOCK_WAIT_S": "0"})
    return Both(settings, (settings.var_path, home, temporary), second=_end(second), first=_end(first))


def _start(company: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "forestall", "nightly", "--config", str(company / "forestall.toml"),
         "--run-date", RUN_DATE.isoformat()],
        env=environment, cwd=company, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _end(process: "subprocess.Popen[str]") -> Ended:
    screen, _ = process.communicate(timeout=PATIENCE_S)
    return Ended(process.pid, process.returncode, screen)


def test_a_second_night_at_once_says_who_holds_the_warehouse_and_leaves_it_alone(both: Both) -> None:
    assert both.first.code == 0, both.first.screen
    assert both.second.code == 75, both.second.screen
    held = f"forestall: night {RUN_DATE}: the warehouse is held by night {RUN_DATE} (process {both.first.pid})"
    assert both.second.screen.endswith(f"{held}; waited 0 s\n")
    assert "Traceback" not in both.second.screen
    published = both.settings.var_path / "published"
    assert {path.name for path in published.iterdir()} == {RUN_DATE.isoformat(), "current"}


def test_a_night_ends_with_what_came_in_and_where_everything_lies(both: Both) -> None:
    _, closing = both.first.screen.split("Night of Monday 2 March 2026", 1)
    # Of the calls ten have an unknown channel, and six of the answers a score below the scale.
    assert re.search(r"│ pulled +│ read rows 559 · new rows 543 · quarantined rows 16 +│", closing)
    lines = [line.strip() for line in closing.splitlines()]
    names = ("report.html", "outreach_list.xlsx", "staffing_requirement.xlsx", "volume_forecast.xlsx", "")
    assert lines[-5:] == [str(Path("var", "published", RUN_DATE.isoformat(), name)) for name in names]


def test_nothing_that_a_night_in_airflow_leaves_behind_names_anybody(both: Both) -> None:
    everybody = [pseudonym(both.settings, f"KUNDE-{number}") for number in range(1, 61)]
    with open_vault(both.settings) as vault:
        assert len(vault.read(everybody)) == 60  # so the names did come in
    night = load_night(both.settings.var_path / "published" / "current")
    assert set(night.frame("churn_scores")["customer_id"]) == set(everybody)

    var, home, _ = both.folders
    files = {path: readable(path) for folder in both.folders for path in files_below(folder)}
    parts = {path.relative_to(var).parts[0] for path in files if path.is_relative_to(var)}
    assert parts >= {"airflow", "logs", "mlflow", "published", "runs", "vault", "warehouse.duckdb"}
    assert any(b"pull 2026-03-02: done" in content for content in files.values())
    assert {str(path): found for path, content in files.items() if (found := _found_in(content))} == {}
    assert not (home / ".dlt").exists()
    assert _found_in((both.first.screen + both.second.screen).encode()) == []

    with open_warehouse(both.settings, "test") as warehouse:
        texts = dict(tables(warehouse))
        assert warehouse.scalar("SELECT count(*) FROM forestall.quarantine WHERE rule LIKE 'unknown_word:%'") == 10
    assert {name: found for name, text in texts.items() if (found := _found_in(text))} == {}


def test_the_search_finds_what_was_planted_where_it_is() -> None:
    assert _found_in(json.dumps(ANSWERS).encode()) == list(TRACES)


def _found_in(content: bytes) -> list[bytes]:
    return [trace for trace in TRACES if trace in content]
