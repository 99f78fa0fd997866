import re
import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCK = runpy.run_path(str(ROOT / "deploy" / "lock.py"))
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"apache-airflow==', '"apache-airflow>='),
        ('    "pyarrow",\n', ""),
        ('    "pytest",\n', '    "pytest",\n    "pytest-randomly",\n'),
        ('requires-python = ">=3.11,<3.14"', 'requires-python = ">=3.11"'),
    ],
)
def test_a_changed_dependency_makes_both_locks_stale(tmp_path: Path, before: str, after: str) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert before in text
    assert LOCK["stale"](ROOT / "pyproject.toml", *LOCKS) == []
    changed = tmp_path / "pyproject.toml"
    changed.write_text(text.replace(before, after, 1))
    assert LOCK["stale"](changed, *LOCKS) == ["requirements.lock", "requirements-dev.lock"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_has_hashes_and_no_index_is_named(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"^[\w.\[\]-]+==.*(?:\n    .*)*", text, re.MULTILINE)
    assert len(pins) > 200
    assert all("--hash=sha256:" in pin for pin in pins)
    assert not re.search(r"https?://|file://|--index|--find-links", text)


def test_runtime_pins_are_the_same_in_development() -> None:
    runtime, development = (set(re.findall(r"^[\w.\[\]-]+==\S+", path.read_text(), re.MULTILINE)) for path in LOCKS)
    assert runtime <= development


def test_the_compose_file_can_be_read() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    assert set(services) == {"postgres", "mlflow", "airflow", "watch"}
