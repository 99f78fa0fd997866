"""The table that `forestall nightly` ends with, against the files that the night published."""

import csv
import json
import math
from datetime import datetime
from io import StringIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from forestall.jobs import NIGHT
from forestall.night import Night
from forestall.records import steps_of
from forestall.scheduling.closing import CALLS_SHOWN, show_closing
from forestall.scheduling.steps import ExitCode
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from tests.nights.company import FIRST


@pytest.fixture(scope="module")
def screen(first_night: Settings) -> str:
    """What the night of the small company ends with."""
    night, file = Night(first_night, FIRST), StringIO()
    assert show_closing(night, steps_of(night, NIGHT), Console(file=file, width=250)) is ExitCode.DONE
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(first_night: Settings) -> Path:
    """Where the night was published."""
    return first_night.var_path / "published" / FIRST.isoformat()


def _table(screen: str, title: str) -> list[list[str]]:
    """The cells of a table, row by row."""
    lines = screen[screen.index(title) :].splitlines()
    end = next(place for place, line in enumerate(lines) if line.startswith("└"))
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines[:end] if line.startswith("│")]


def _column(folder: Path, table: str, column: str) -> list[object]:
    return pq.read_table(folder / f"{table}.parquet", partitioning=None).column(column).to_pylist()


def test_it_says_what_came_in_and_what_decided(first_night: Settings, screen: str, folder: Path) -> None:
    told = dict(_table(screen, "Night of Monday 2 March 2026"))
    with open_warehouse(first_night, "test") as warehouse:
        quarantined = warehouse.scalar("SELECT count(*) FROM forestall.quarantine")
    counts = dict(part.rsplit(" ", 1) for part in told["pulled"].split(" · "))
    numbers = {name: int(count.replace(",", "")) for name, count in counts.items()}
    assert numbers["quarantined rows"] == quarantined > 0
    assert numbers["read rows"] == sum(numbers.values()) - numbers["read rows"]
    assert {told["churn model"]} == set(_column(folder, "churn_scores", "model_version"))
    series = (_column(folder, "volume_forecast", name) for name in ("method", "queue"))
    methods = set(zip(*series, strict=True))
    queues = {method: sorted(queue for one, queue in methods if one == method) for method, _ in methods}
    assert told["forecast"] == "; ".join(f"{method}: {', '.join(queues[method])}" for method in sorted(queues))
    passed = _column(folder, "gate_results", "is_passed")
    assert told["gates"] == f"{passed.count(True)} held, {passed.count(False)} warned"


def test_it_says_whom_to_call_first(screen: str, folder: Path) -> None:
    with (folder / "outreach_list.csv").open(encoding="utf-8-sig") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["list_rank"]))
    assert len(rows) > CALLS_SHOWN
    assert f"Who to call first ({len(rows)} on the list; worth in EUR)" in screen
    assert _table(screen, "Who to call first") == [
        [
            row["list_rank"],
            row["customer_id"][:8],
            f"{100 * float(row['churn_probability']):.0f}%" if row["churn_probability"] else "-",
            f"{float(row['expected_value']):,.0f}",
            row["reasons"].split(" | ")[0],
            row["action"].replace("_", " "),
        ]
        for row in rows[:CALLS_SHOWN]
    ]


def test_it_says_how_many_agents_each_queue_takes_in_the_morning(
    first_night: Settings, screen: str, folder: Path
) -> None:
    hours = json.loads((folder / "manifest.json").read_text())["interval_minutes"] / 60
    plan = pq.read_table(folder / "staffing_requirement.parquet", partitioning=None).to_pylist()
    queues: dict[str, list[dict[str, object]]] = {}
    for row in plan:
        if row["local_on"] == FIRST:
            queues.setdefault(row["queue"], []).append(row)
    expected = []
    for queue, rows in sorted(queues.items()):
        rows.sort(key=lambda row: row["interval_start_at"])
        agents = [math.ceil(row["agents_gross"] - 1e-3) for row in rows]
        peak = rows[agents.index(max(agents))]  # the first of equals
        if max(agents) > 0:
            at: datetime = peak["interval_start_at"].astimezone(first_night.zone)
            contacts = sum(row["contacts"] for row in rows)
            expected.append([queue, f"{contacts:,.0f}", str(max(agents)), f"{at:%H:%M}", f"{sum(agents) * hours:,.0f}"])
    assert len(expected) > 3
    assert _table(screen, "Agents to schedule on Monday 2 March") == expected


def test_it_ends_with_the_paths_of_what_people_open_first(screen: str, folder: Path) -> None:
    paths = [Path(line.strip()) for line in screen.splitlines()[-5:]]
    assert paths == [
        folder / "report.html",
        folder / "outreach_list.xlsx",
        folder / "staffing_requirement.xlsx",
        folder / "volume_forecast.xlsx",
        folder,
    ]
    assert all(path.exists() for path in paths)
