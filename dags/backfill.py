"""Past nights, as they would have been: for a comparison, never for the record.

**Owner:** whoever runs forestall here.

**When:** by hand, with `first_date` and `last_date`.

**What it writes:** `var/backfill/` alone. It never moves `current`, never enters the ledger, pulls nothing, and
scores only with models that were trained before the date. The marts then stand at the last date of the range; the
next night builds its own.

**Retries:** once a night; a gate that fails and a mistake in the configuration are not tried again.

**When it breaks:** nothing that people work with is touched; start it again.

**Is a re-run safe?** Yes.
"""

from datetime import date, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowFailException

from forestall.jobs import NIGHT
from forestall.scheduling.timetable import RETRY_DELAY, alert_failure, run_or_fail, settings_of_dag

with DAG(
    dag_id="backfill",
    schedule=None,
    max_active_runs=1,
    # Without a default a run in the foreground that fails breaks off before its callback (Airflow 3.3, November 2026).
    params={
        "first_date": Param(None, type=["null", "string"], format="date", description="first night"),
        "last_date": Param(None, type=["null", "string"], format="date", description="last night, inclusive"),
    },
    on_failure_callback=alert_failure,
    doc_md=__doc__,
    tags=["forestall"],
):

    @task
    def dates(params: dict[str, Any]) -> list[str]:
        """The nights of the range, oldest first."""
        if not (params["first_date"] and params["last_date"]):
            raise AirflowFailException("say which nights: first_date and last_date")
        first, last = (date.fromisoformat(params[name]) for name in ("first_date", "last_date"))
        return [(first + timedelta(days=days)).isoformat() for days in range((last - first).days + 1)]

    @task(retries=1, retry_delay=RETRY_DELAY, max_active_tis_per_dag=1)
    def night(run_date: str) -> str:
        """All steps of one past night; in a backfill the pull reads no source and nothing is trained."""
        settings = settings_of_dag().for_backfill()
        for name in NIGHT:
            run_or_fail(settings, name, date.fromisoformat(run_date))
        return run_date

    night.expand(run_date=dates())  # type: ignore[call-arg, misc]
