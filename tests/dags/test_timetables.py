"""DAG files are parsed again and again: they must be light, and say what a person on call needs."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))

LOOK = """
import gc, json, runpy, sys
from airflow.sdk import DAG
airflow_brings = set(sys.modules)
modules = [runpy.run_path(file) for file in sys.argv[1:]]
dags = [one for one in gc.get_objects() if isinstance(one, DAG)]
def tasks(dag):
    return [task.task_id for task in dag.topological_sort()]
found = {dag.dag_id: [repr(dag.timetable), dag.catchup, tasks(dag)] for dag in dags}
print(json.dumps([found, sorted({name.partition(".")[0] for name in set(sys.modules) - airflow_brings})]))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[object]], list[str]]:
    """The DAGs, and the packages that parsing them brought in."""
    folder = tmp_path_factory.mktemp("company")
    (folder / "forestall.toml").write_text(
        '[company]\ntime_zone = "Asia/Kathmandu"\n[alerts]\ndue_at = 06:45:00\n'
        '[receivers.crm]\nkind = "webhook"\nurl = "https://crm.example.com"\nsecret = "S"\n'
    )
    environment = os.environ | {
        "AIRFLOW_HOME": str(folder), "FORESTALL_CONFIG": str(folder / "forestall.toml"), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *map(str, FILES)], env=environment, capture_output=True, text=True, check=True
    )
    dags, packages = json.loads(done.stdout.splitlines()[-1])
    return dags, packages


def test_no_heavy_package_is_imported_by_parsing(parsed: tuple[dict[str, list[object]], list[str]]) -> None:
    heavy = {
        "pandas",
        "duckdb",
        "lightgbm",
        "prophet",
        "mlflow",
        "dbt",
        "dlt",
        "great_expectations",
        "sklearn",
        "models",
    }
    assert heavy.isdisjoint(parsed[1])


def test_each_file_holds_the_dag_of_its_name_by_the_sites_clock(
    parsed: tuple[dict[str, list[object]], list[str]],
) -> None:
    dags = parsed[0]
    assert set(dags) == {file.stem for file in FILES}
    for name in ("nightly", "retrain", "watch"):
        assert "Asia/Kathmandu" in str(dags[name][0]), name
    assert "45 6 * * *" in str(dags["watch"][0])
    assert not any(catchup for _, catchup, _ in dags.values())
    assert dags["nightly"][2][-3:] == ["publish", "deliver", "retrain_on_drift"]  # type: ignore[index]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_docstring_is_the_triage_note(file: Path) -> None:
    note = ast.get_docstring(ast.parse(file.read_text())) or ""
    for word in ("**Owner:**", "**When:**", "**Retries:**", "**When it breaks:**", "**Is a re-run safe?**"):
        assert word in note, word
