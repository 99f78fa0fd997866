"""Past nights, as they would have been: for a comparison, never for the record.

**Owner:** whoever runs forestall here.

**When:** by hand, with `first_date` and `last_date`.

**What it writes:** `var/backfill/` alone. It never moves `current`, never enters the ledger, pulls nothing, and
scores only with models that were trained before the date. The marts then stand at the last date of the range; the
next night builds its own.

**Retries:** once, from the first night on; a gate that fails and a mistake in the configuration are not tried again.

**When it breaks:** nothing that people work with is touched; start it again.

**Is a re-run safe?** Yes.
"""

from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowFailException

from forestall.jobs import NIGHT
from forestall.scheduling.timetable import RETRY_DELAY, alert_failure, range_of, run_or_fail, settings_of_dag

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

    @task(retries=1, retry_delay=RETRY_DELAY)
    def nights(params: dict[str, Any]) -> None:
        """All steps of each night, oldest first; the pull reads no source and nothing is trained.

        One task, not one a night: Airflow promises no order among mapped tasks, and going back builds the marts anew.
        """
        run_dates = range_of(params)
        if not run_dates:
            raise AirflowFailException("say which nights: first_date and last_date")
        settings = settings_of_dag().for_backfill()
        for run_date in run_dates:
            for name in NIGHT:
                run_or_fail(settings, name, run_date)

    nights()  # type: ignore[call-arg, misc]
