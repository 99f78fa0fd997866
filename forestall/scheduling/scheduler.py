"""Airflow's embedded side: where its home is, how it is set, and how a DAG runs in this process.

`forestall nightly` is the DAG `nightly`, run by Airflow's own `DAG.test` in the foreground; there is
no second order of steps. Airflow is imported inside the functions, after its environment is set.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from forestall.settings import Settings

REPOSITORY = Path(__file__).parents[2]


def airflow_environment(
    settings: Settings, config: Path, *, is_server: bool = False, port: int = 8080
) -> dict[str, str]:
    """The variables that make Airflow ours.

    `AIRFLOW__*` that the user has set stay as they are (a database server, for instance); the home
    is always ours, so that another Airflow of the same user is left alone.

    Args:
        settings: says where `var` is.
        config: the `forestall.toml` that the DAGs are to read.
        is_server: for a scheduler that stays up. It has a home of its own: runs in the foreground
            and a scheduler must not share a SQLite file.
        port: of the server.
    """
    home = settings.var_path / ("airflow-server" if is_server else "airflow")
    ours = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.var_path / "logs" / home.name),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    if is_server:
        ours |= {
            "AIRFLOW__API__HOST": "127.0.0.1",  # a page with all rights; who wants it open says so
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
            # On two busy cores the first answers of the API take longer than its clients expect.
            "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "20",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        }
    return {
        **ours,
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "FORESTALL_CONFIG": str(config.resolve()),
        # `standalone` starts its parts by the name `airflow`, also where .venv is not activated.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def run_dag(settings: Settings, config: Path, dag_id: str, conf: Mapping[str, Any]) -> bool:
    """Run one DAG in this process, task after task; says whether it succeeded.

    Args:
        settings: says where `var` is.
        config: the `forestall.toml` that the DAG is to read.
        dag_id: file and name of the DAG.
        conf: the DAG's parameters.
    """
    os.environ.update(airflow_environment(settings, config))
    migrate(Path(os.environ["AIRFLOW_HOME"]))
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(REPOSITORY / "dags" / f"{dag_id}.py")
    if bag.import_errors:
        raise RuntimeError(f"dags/{dag_id}.py: {next(iter(bag.import_errors.values()))}")
    run = bag.dags[dag_id].test(run_conf=dict(conf))
    return str(run.state) == "success"


def become_airflow(settings: Settings, config: Path, arguments: Sequence[str], port: int) -> NoReturn:
    """Go on as an Airflow command: trials in the foreground's home, all else in the server's.

    Args:
        settings: says where `var` is.
        config: the `forestall.toml` that the DAGs are to read.
        arguments: of Airflow, such as `dags trigger nightly`.
        port: of the server.
    """
    is_trial = list(arguments[1:2]) == ["test"]
    os.environ.update(airflow_environment(settings, config, is_server=not is_trial, port=port))
    if is_trial:
        migrate(Path(os.environ["AIRFLOW_HOME"]))
    os.execv(sys.executable, [sys.executable, "-m", "airflow", *arguments])


def migrate(home: Path) -> None:
    """Bring Airflow's own database to this version's schema, once."""
    stamp = home / f"migrated-{version('apache-airflow')}"
    if stamp.is_file():
        return
    home.mkdir(parents=True, exist_ok=True)
    from airflow.utils.db import initdb

    initdb()
    stamp.touch()
