"""The one way to call dbt: its own runner, in this process, with variables from the settings.

Nothing is written into the repository: compiled SQL and logs go under `var/dbt`. The caller holds the
warehouse's lock and no connection of its own, since DuckDB refuses a second one with other settings.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from features.contract import CHANNELS
from forestall.night import Night
from forestall.settings import Settings
from forestall.staffing.standards import QueueStandard, load_standards

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

log = logging.getLogger(__name__)

PROJECT = Path(__file__).parent.parent / "dbt_project"
SOURCES = ("models", "macros", "seeds")  # the folders that say what is built

# The SQL that was run stands in `var/dbt/target/run`; the log need not hold it again.
LOGGED = ("--log-level-file", "info")

# Variables that only the SQL of a run holds. No model's `config`, and not which models it reads, may depend on them.
NOT_PARSED = frozenset({"run_date", "cutoff_at", "as_of_dates", "is_training", "training_dates", "sampled_below"})

_parsed: dict[str, "Manifest"] = {}  # the last one, by what it was parsed from: nights in a row differ in nothing of it


class TransformError(Exception):
    """A model or one of its tests failed; its text is one line."""


@dataclass(frozen=True)
class Build:
    """What dbt did.

    Attributes:
        model_count: models built.
        test_count: tests that held.
        seconds: run time by node.
    """

    model_count: int
    test_count: int
    seconds: Mapping[str, float]


def variables(night: Night, churn_rule: str, as_of_dates: Sequence[date], **others: object) -> dict[str, Any]:
    """The variables of dbt: everything that a model may depend on besides the raw tables."""
    settings = night.settings
    churn = settings.churn
    return {
        "run_date": night.run_date.isoformat(),
        "cutoff_at": night.cutoff.isoformat(),
        "time_zone": settings.company.time_zone,
        "as_of_dates": [day.isoformat() for day in as_of_dates],
        "horizons": list(churn.horizons),
        "main_horizon": churn.main_horizon,
        "grace_days": churn.grace_days,
        "inactive_days": churn.inactive_days,
        "activity_kinds": list(churn.activity_kinds),
        "dormant_days": churn.dormant_days,
        "announcing_topics": list(churn.announcing_topics),
        "churn_rule": churn_rule,
        "churn_level": churn.level,
        "interval_minutes": settings.volume.interval_minutes,
        "short_abandon_s": settings.service_level.short_abandon_s,
        "service_level_formula": settings.service_level.formula,
        "standards": promised(settings),
        "life_cap_months": settings.outreach.life_cap_months,
        "is_rebuild": False,  # said by every build: dbt takes a variable that is left out for another set of rules
        **others,
    }


def promised(settings: Settings) -> dict[str, Any]:
    """The service standards as plain values: for each channel, and for each queue that differs, by channel."""
    standards = load_standards(settings)
    return {
        "channels": {channel: _seconds(standards.for_queue("", channel)) for channel in CHANNELS},
        "queues": {
            queue: {channel: _seconds(standards.for_queue(queue, channel)) for channel in CHANNELS}
            for queue in sorted(standards.queues)
        },
        "queue_channels": {queue: standards.for_queue(queue, None).channel for queue in sorted(standards.queues)},
        "complaint_response_s": standards.complaint_response_s,
    }


def project_hash() -> str:
    """Changes with every line of the dbt project: what older lines built may have to be built anew."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in SOURCES for path in (PROJECT / folder).rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _seconds(standard: QueueStandard) -> dict[str, int | None]:
    return {"threshold_s": standard.threshold_s, "first_response_s": standard.first_response_s}


def build(settings: Settings, values: Mapping[str, Any], *arguments: str) -> Build:
    """Run `dbt build` on the warehouse.

    Args:
        settings: says where the warehouse is.
        values: dbt's variables.
        arguments: further ones of dbt's, such as `--select`, `tag:training`.

    Raises:
        TransformError: names the first model or test that failed, and why.
    """
    manifest = parse(settings, values)
    result = run_dbt(settings, "build", "--vars", json.dumps(dict(values)), *arguments, manifest=manifest)
    nodes = _nodes(result, settings)
    models = [node for node in nodes if node.node.resource_type == "model"]
    tests = [node for node in nodes if node.node.resource_type in ("test", "unit_test")]
    return Build(len(models), len(tests), {node.node.name: node.execution_time for node in nodes})


def parse(settings: Settings, values: Mapping[str, Any]) -> "Manifest":
    """The project as dbt understands it; what it understood last time is kept in `var/dbt/target`, and in this process.

    dbt would parse all of it anew wherever a variable differs, so it is not told those of the night.

    Raises:
        TransformError: the project cannot be parsed.
    """
    rules = {name: value for name, value in values.items() if name not in NOT_PARSED}
    told = json.dumps([project_hash(), _connection(settings), rules], sort_keys=True)
    if told not in _parsed:
        result = run_dbt(settings, "--no-write-json", "parse", "--vars", json.dumps(rules))
        _parsed.clear()
        _parsed[told] = cast("Manifest", _checked(result, settings).result)
    return _parsed[told]


def run_dbt(settings: Settings, *arguments: str, manifest: "Manifest | None" = None) -> "dbtRunnerResult":
    """One dbt command in this process; afterwards no connection of its own is left open."""
    from dbt.cli.main import dbtRunner

    work = settings.var_path / "dbt"
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
               "--target-path", str(work / "target"), "--log-path", str(work / "logs")]  # fmt: skip
    with _environment(_connection(settings)):
        try:
            return dbtRunner(manifest).invoke(["--quiet", "--no-use-colors", *LOGGED, *arguments, *folders])
        finally:
            _close_connections()


def _close_connections() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import cleanup_connections

    cleanup_connections()  # type: ignore[no-untyped-call]
    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _connection(settings: Settings) -> dict[str, str]:
    """What `profiles.yml` asks the environment for."""
    url = settings.warehouse_url
    if url.startswith("duckdb:///"):
        return {
            "DBT_WAREHOUSE": "duckdb",
            "DBT_DUCKDB_PATH": str(settings.root / url.removeprefix("duckdb:///")),
            "DBT_DUCKDB_MEMORY": settings.warehouse.memory_limit,
            "DBT_DUCKDB_THREADS": str(settings.warehouse.threads),
        }
    parts = urlsplit(url)
    # A socket's folder stands in the query, where libpq reads it too.
    host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
    return {
        "DBT_WAREHOUSE": "postgres",
        "DBT_POSTGRES_HOST": host,
        "DBT_POSTGRES_PORT": str(parts.port or 5432),
        "DBT_POSTGRES_USER": unquote(parts.username or "postgres"),
        "DBT_ENV_SECRET_POSTGRES_PASSWORD": unquote(parts.password or ""),
        "DBT_POSTGRES_DATABASE": parts.path.removeprefix("/") or "postgres",
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _nodes(result: "dbtRunnerResult", settings: Settings) -> list[Any]:
    """The results of all models and tests, if none of them failed."""
    nodes: list[Any] = list(cast(Iterable[Any], _checked(result, settings).result))
    failed = [node for node in nodes if str(node.status) in ("error", "fail")]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise TransformError(f"dbt: {failed[0].node.name}: {_line(str(failed[0].message))}{more}; {_where(settings)}")
    return nodes


def _checked(result: "dbtRunnerResult", settings: Settings) -> "dbtRunnerResult":
    if result.exception is not None:
        raise TransformError(f"dbt: {_line(str(result.exception))}; {_where(settings)}") from result.exception
    return result


def _where(settings: Settings) -> str:
    return f"see {settings.var_path / 'dbt' / 'logs' / 'dbt.log'}"


def _line(text: str) -> str:
    return " ".join(text.split())[:500]
