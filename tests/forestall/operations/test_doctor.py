import socket
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from forestall.operations.doctor import examine, packages
from forestall.settings import Settings
from forestall.warehouse_lock import warehouse_lock

Company = Callable[[str], Settings]
TODAY = date(2026, 3, 3)
CUSTOMERS = '[sources.crm]\nkind = "file"\ntable = "customers"\nlocation = "customers.csv"\n'


def _states(settings: Settings, port: int = 1) -> dict[str, str]:
    return {finding.about: finding.state for finding in examine(settings, TODAY, port)}


def _told(settings: Settings, about: str) -> str:
    return next(finding.told for finding in examine(settings, TODAY, 1) if finding.about == about)


def test_a_machine_and_a_company_that_are_well(company: Company, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_id\nc1\n")
    settings = company(CUSTOMERS)
    published = settings.var_path / "published"
    (published / "2026-03-02").mkdir(parents=True)
    (published / "2026-03-02" / "manifest.json").write_text("{}")
    (published / "current").symlink_to("2026-03-02")
    states = _states(settings)
    wanted = ("python", "var", "disk", "secret key", "port", "lock", "warehouse", "mlflow", "last night", "sources")
    assert {about: states[about] for about in wanted} == dict.fromkeys(wanted, "well")


def test_what_is_broken_is_said_with_a_remedy(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company("")
    monkeypatch.setenv("FORESTALL_SECRET_KEY", "")
    settings = company('mlflow_uri = "http://127.0.0.1:1"\n' + CUSTOMERS)
    states = _states(settings)
    assert states["secret key"] == "broken"
    assert "openssl rand -hex 32" in _told(settings, "secret key")
    assert states["mlflow"] == "broken"
    assert states["last night"] == "doubtful"


def test_a_reviewed_file_with_a_mistake_is_broken_and_overrides_are_one_of_them(company: Company) -> None:
    settings = company(CUSTOMERS)
    (settings.root / "standards.yml").write_text("queus: {}\n")
    assert _states(settings)["reviewed files"] == "broken"
    assert "standards.yml:1: queus: there is no such key; meant `queues`?" in _told(settings, "reviewed files")
    (settings.root / "standards.yml").unlink()
    (settings.root / "overrides.yml").write_text("overrides: [\n")
    assert "overrides.yml" in _told(settings, "reviewed files")


def test_what_was_looked_at_can_still_be_restored_into(company: Company) -> None:
    settings = company("")
    assert _states(settings)["warehouse"] == "well"
    assert not list(settings.var_path.glob("*.duckdb*"))


def test_a_source_that_is_not_there_is_named(company: Company) -> None:
    settings = company(CUSTOMERS)
    assert _states(settings)["source crm"] == "broken"
    assert "customers.csv" in _told(settings, "source crm")


def test_no_source_at_all_is_broken(company: Company) -> None:
    assert _states(company(""))["sources"] == "broken"


def test_a_night_that_runs_is_said(company: Company) -> None:
    settings = company("")
    with warehouse_lock(settings, "the night of today"):
        assert "the night of today" in _told(settings, "lock")


def test_a_port_that_is_taken_is_said(company: Company) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert _states(company(""), taken.getsockname()[1])["port"] == "doubtful"


def test_an_old_night_is_doubtful(company: Company) -> None:
    settings = company("")
    published = settings.var_path / "published"
    (published / "2026-03-01").mkdir(parents=True)
    (published / "2026-03-01" / "manifest.json").write_text("{}")
    (published / "current").symlink_to("2026-03-01")
    assert "2 days old" in _told(settings, "last night")


def test_a_package_other_than_the_lock_says_is_named(tmp_path: Path) -> None:
    from importlib.metadata import version

    lock = tmp_path / "requirements.lock"
    lock.write_text(f"apache-airflow=={version('apache-airflow')} \\\nrich=={version('rich')} ; python_version > '3'\n")
    assert packages(lock).state == "well"
    lock.write_text("rich==0.0.1 \\\n")
    assert packages(lock).told == "other than in requirements.lock: rich; run `make setup`"
