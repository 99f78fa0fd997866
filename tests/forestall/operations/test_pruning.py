import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from features.contract import CONTRACT
from features.tables import SQL
from forestall.operations.pruning import STANDING, prune
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse

Company = Callable[[str], Settings]
TODAY = date(2026, 3, 1)
OLD, NEW = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
INSTANT = pa.timestamp("us", tz="UTC")


def _make_raw(warehouse: Warehouse, name: str) -> None:
    columns = [f"{column.name} {SQL[column.kind]}" for column in CONTRACT[name].columns]
    warehouse.execute(f"CREATE TABLE raw.{name} ({', '.join(columns)}, known_at TIMESTAMPTZ, pull_id BIGINT)")


@pytest.fixture(params=["duckdb", "postgres"])
def settings(request: pytest.FixtureRequest, company: Company) -> Iterator[Settings]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    settings = company(f'[warehouse]\nurl = "{url}"\n[privacy]\nkeep_days = 100\npublished_nights = 2')
    with open_warehouse(settings, "test") as warehouse:
        _make_raw(warehouse, "interactions")
        _make_raw(warehouse, "customers")
        contacts = pa.table(
            {
                "interaction_id": ["old", "new"],
                "started_at": pa.array([OLD, NEW], INSTANT),
                "known_at": pa.array([NEW, NEW], INSTANT),
                "pull_id": [1, 1],
            }
        )
        warehouse.append("raw.interactions", contacts)
        versions = pa.table(
            {
                "customer_id": [
                    "stays",
                    "replaced long ago",
                    "replaced long ago",
                    "replaced lately",
                    "replaced lately",
                ],
                "known_at": pa.array([OLD, OLD, OLD, OLD, NEW], INSTANT),
                "pull_id": [1, 1, 2, 1, 2],
            }
        )
        warehouse.append("raw.customers", versions)
    return settings


def test_old_events_and_versions_replaced_before_the_limit_go(settings: Settings) -> None:
    assert prune(settings, TODAY) == {"raw.interactions": 1, "raw.customers": 1}
    with open_warehouse(settings, "test") as warehouse:
        assert warehouse.query("SELECT interaction_id FROM raw.interactions").to_pydict() == {"interaction_id": ["new"]}
        left = warehouse.query("SELECT customer_id, pull_id FROM raw.customers ORDER BY 1, 2")
        assert list(zip(*left.to_pydict().values(), strict=True)) == [
            ("replaced lately", 1), ("replaced lately", 2), ("replaced long ago", 2), ("stays", 1),
        ]  # fmt: skip
    assert prune(settings, TODAY) == {}


def test_every_table_of_events_has_a_birth_to_judge_it_by() -> None:
    assert set(CONTRACT) >= STANDING
    assert all(table.born_at for name, table in CONTRACT.items() if name not in STANDING)


def test_nights_runs_and_logs_beyond_the_limit_go_but_never_the_current_night(company: Company) -> None:
    settings = company("[privacy]\npublished_nights = 2")
    published = settings.var_path / "published"
    for name in ("2026-02-01", "2026-02-02", "2026-02-02.r2", "2026-02-03", "2026-02-04"):
        (published / name).mkdir(parents=True)
        (published / name / "manifest.json").write_text("{}")
    (published / "current").symlink_to("2026-02-01")
    for day in range(1, 17):
        (settings.var_path / "runs" / f"2026-02-{day:02}").mkdir(parents=True)
    old, fresh = settings.var_path / "logs" / "old.log", settings.var_path / "logs" / "fresh.log"
    for log in (old, fresh):
        log.parent.mkdir(exist_ok=True)
        log.touch()
    os.utime(old, (0, 0))
    assert prune(settings, TODAY) == {"published nights": 2, "runs": 2, "logs": 1}
    assert _names(published) == ["2026-02-01", "2026-02-03", "2026-02-04", "current"]
    assert _names(settings.var_path / "runs")[0] == "2026-02-03"
    assert _names(old.parent) == ["fresh.log"]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
