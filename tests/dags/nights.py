"""Runs DAGs in this process on a company whose jobs only say that they ran; prints what came of each.

`python nights.py FOLDER`, started by test_nights.py: Airflow reads its home once, when it is imported,
and its first task costs seconds, so all nights share one process.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

import forestall.jobs
from forestall.scheduling.foreground import run_night, run_other
from forestall.scheduling.scheduler import airflow_environment
from forestall.settings import load_settings

JOB = """
import json, os, pathlib
def {name}(settings, run_date):
    folder = pathlib.Path(r"{folder}")
    with (folder / "ran.jsonl").open("a") as log:
        log.write(json.dumps(["{name}", run_date.isoformat(), settings.is_backfill]) + "\\n")
    behaviour = json.loads((folder / "behaviour.json").read_text()).get("{name}", "pass")
    summary = {{"rows": 3}}
    exec(behaviour)
    return summary
"""

PUBLISH = """
from features.published import PUBLISHED
from forestall.night import Night
from forestall.publishing.publication import publish_night
night = Night(settings, run_date)
tables = {name: table.arrow_schema().empty_table() for name, table in PUBLISHED.items()}
about = {"degraded": json.loads((folder / "degraded.json").read_text())}
publish_night(night.published, run_date, tables, about, lambda aside: None, moves_current=not settings.is_backfill)
"""

FAILS_ONCE = """
mark = folder / "failed-once"
if not mark.exists():
    mark.touch()
    raise ConnectionResetError("the process was killed")
"""
GATE = "from features.gates import GateFailedError; raise GateFailedError('batch.calls.share failed: 9 of 10 rows')"
MEND = "from forestall.settings import ConfigError; raise ConfigError('calls.csv: no such file')"
DEFECT = "raise ZeroDivisionError('divided by nothing')"


@contextmanager
def told(folder: Path, name: str, results: dict[str, Any], **behaviour: str) -> Iterator[dict[str, Any]]:
    """One run: how the jobs behave, and what they and the screen said."""
    (folder / "ran.jsonl").unlink(missing_ok=True)
    (folder / "behaviour.json").write_text(json.dumps({"publish": PUBLISH} | behaviour))
    screen = folder / "screen.txt"
    with screen.open("w") as file:
        result: dict[str, Any] = {"console": Console(file=file, width=200)}
        yield result
    del result["console"]
    lines = (folder / "ran.jsonl").read_text().splitlines() if (folder / "ran.jsonl").exists() else []
    current = folder / "var" / "published" / "current"
    result["ran"] = [json.loads(line) for line in lines]
    result["screen"] = screen.read_text()
    result["current"] = current.resolve().name if current.exists() else None
    results[name] = result


def main(folder: Path) -> None:
    """All runs, one after the other."""
    jobs = folder / "jobs"
    jobs.mkdir()
    forestall.jobs.__path__.insert(0, str(jobs))
    for name in forestall.jobs.JOBS:
        (jobs / f"{name}.py").write_text(JOB.format(name=name, folder=folder))
    (folder / "degraded.json").write_text("[]")
    config = folder / "forestall.toml"
    config.write_text('[company]\nname = "Acme"\ntime_zone = "Europe/Berlin"\n')
    os.environ["FORESTALL_SECRET_KEY"] = "a key that only the tests know"
    settings = load_settings(config)
    os.environ.update(airflow_environment(settings, config))
    from forestall.scheduling import timetable  # imports Airflow, which reads its home then

    timetable.RETRY_DELAY = timedelta(0)
    results: dict[str, Any] = {}

    def night(name: str, day: str, **behaviour: str) -> None:
        with told(folder, name, results, **behaviour) as result:
            result["code"] = run_night(settings, config, date.fromisoformat(day), result["console"])

    def other(name: str, dag_id: str, conf: Mapping[str, str], **behaviour: str) -> None:
        with told(folder, name, results, **behaviour) as result:
            result["code"] = run_other(settings, config, dag_id, conf, result["console"])

    night("good", "2026-03-01")
    night("gate", "2026-03-02", check_batch=GATE)
    night("mend", "2026-03-02", pull=MEND)
    night("defect", "2026-03-02", measure=DEFECT)
    night("killed once", "2026-03-02", forecast_volume=FAILS_ONCE)
    (folder / "degraded.json").write_text('["crm: is down"]')
    night("degraded", "2026-03-03")
    (folder / "degraded.json").write_text("[]")
    config.write_text(
        f"{config.read_text()}[receivers.crm]\nkind = 'webhook'\nurl = 'http://localhost'\nsecret = 'S'\n"
    )
    night("undelivered", "2026-03-03", deliver="summary['down'] = 'receivers.crm: answers 503'")
    week, day = ({"first_date": first, "last_date": "2026-03-01"} for first in ("2026-02-27", "2026-03-01"))
    other("backfill", "backfill", week)
    other("backfill gate", "backfill", day, check_features=GATE)
    other("retrain", "retrain", {"run_date": "2026-03-01"})
    other("retrain mend", "retrain", {"run_date": "2026-03-01"}, retrain_churn=MEND)
    other("retrain defect", "retrain", {"run_date": "2026-03-01"}, retrain_churn=DEFECT)
    results["log"] = "".join(path.read_text() for path in sorted((folder / "var" / "logs").glob("*.log")))
    (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
