import re
import runpy
from pathlib import Path

import pytest
import typer
import yaml

from forestall.cli import app

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


def _commands() -> list[list[str]]:
    """What units and containers ask of `forestall`, as words."""
    units = [path.read_text() for path in (ROOT / "deploy" / "systemd").glob("*.service")]
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"].values()
    started = [line.split()[1:] for unit in units for line in re.findall(r"^ExecStart=(.+)", unit, re.MULTILINE)]
    contained = [one["command"] for one in services if "entrypoint" not in one and "command" in one]
    looped = [
        words.split() for one in services for words in re.findall(r"forestall ([\w ]+);", str(one.get("entrypoint")))
    ]
    return started + contained + looped


def test_units_and_containers_ask_for_commands_that_exist() -> None:
    known = typer.main.get_group(app)
    asked = _commands()
    assert {words[0] for words in asked} == {"nightly", "watch", "airflow", "retrain", "prune", "backup", "deliver"}
    assert len(asked) == 9
    for name, *options in asked:
        known.commands[name].make_context(name, options)  # an option that does not exist raises


def test_every_timer_starts_a_unit_that_is_there() -> None:
    names = {
        kind: {path.stem for path in (ROOT / "deploy" / "systemd").glob(f"*.{kind}")} for kind in ("timer", "service")
    }
    assert len(names["timer"]) == 6
    assert names["service"] - names["timer"] == {"forestall-airflow"}
    assert names["timer"] <= names["service"]


def test_the_compose_file_can_be_read() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    assert set(services) == {"postgres", "mlflow", "airflow", "watch"}
