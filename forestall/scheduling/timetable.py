"""What the DAG files share: the settings, the business date, a task for each step, the alert.

A DAG file is parsed again and again, so nothing here imports a job, pandas or a model library before
a task runs. Only DAG files import this module.
"""

import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, task
from airflow.sdk.exceptions import AirflowFailException

from forestall.jobs import JOBS
from forestall.settings import DEFAULT_FILE, Settings, load_settings

RETRY_DELAY = timedelta(seconds=10)
RUN_DATE = Param(
    None,
    type=["null", "string"],
    format="date",
    description="the morning that the night is for; empty: the local day of the run",
)


def settings_of_dag() -> Settings:
    """The settings that `FORESTALL_CONFIG` points to; `forestall.toml` beside `dags/` where it is not set."""
    return load_settings(Path(os.environ.get("FORESTALL_CONFIG") or Path(__file__).parents[2] / DEFAULT_FILE))


def local_cron(cron: str) -> CronTriggerTimetable:
    """A timetable by the site's clock."""
    return CronTriggerTimetable(cron, timezone=settings_of_dag().company.time_zone)


def run_date_of(context: Mapping[str, Any], settings: Settings) -> date:
    """The business date of a DAG run.

    Passed on explicitly as the parameter `run_date`; else the site's local day on which the run is
    due (a run that an asset or a person triggered has no logical date).
    """
    if given := context["params"].get("run_date"):
        return date.fromisoformat(given)
    due: date = context["dag_run"].run_after.astimezone(settings.zone).date()
    return settings.run_date or due


def range_of(params: Mapping[str, Any]) -> list[date]:
    """The nights from `first_date` to `last_date`, oldest first; none where the parameters do not say which."""
    if not (params.get("first_date") and params.get("last_date")):
        return []
    first, last = (date.fromisoformat(params[name]) for name in ("first_date", "last_date"))
    return [first + timedelta(days=days) for days in range((last - first).days + 1)]


def step(name: str, *, retries: int = 1) -> Any:
    """The task that runs one job."""

    @task(task_id=name, retries=retries, retry_delay=RETRY_DELAY, doc_md=JOBS[name])
    def run(**context: Any) -> dict[str, Any]:
        settings = settings_of_dag()
        return run_or_fail(settings, name, run_date_of(context, settings))

    return run()


def run_or_fail(settings: Settings, name: str, run_date: date) -> dict[str, Any]:
    """Run a step; what another try cannot mend fails at once.

    Raises:
        AirflowFailException: a gate failed, or the user has to mend something.
        Exception: anything else; Airflow tries again.
    """
    from forestall.scheduling.steps import ExitCode, exit_code, one_line, run_step

    try:
        return dict(run_step(settings, name, run_date))
    except Exception as error:
        if exit_code(error) in (ExitCode.GATE, ExitCode.MEND):
            raise AirflowFailException(one_line(error)) from error
        raise


def alert_failure(context: Mapping[str, Any]) -> None:
    """`on_failure_callback` of a DAG: say which night failed, where and why."""
    from forestall.operations.alerts import backfill_failed, night_failed, send

    settings = settings_of_dag()
    dag_id = context["dag"].dag_id if "dag" in context else context["dag_run"].dag_id
    if dag_id == "backfill":
        send(settings, backfill_failed(settings, range_of(context["params"])))
    else:
        send(settings, night_failed(settings, run_date_of(context, settings), dag_id))
