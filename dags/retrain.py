"""The weekly challenger: trains a churn model and promotes it only where it is better.

**Owner:** whoever runs forestall here.

**When:** `schedule.retrain`, Sunday 12:30 by the site's clock: after the night, before nobody's deadline. It
takes the warehouse lock, so a night that starts meanwhile waits for it.

**Retries:** once; a mistake in the configuration is not tried again. **When it breaks:** the champion stays,
and the next night scores with it.

**Is a re-run safe?** Yes; it trains another challenger on the same dates. `forestall rollback churn` goes back
to the champion before.
"""

from airflow.sdk import DAG

from forestall.scheduling.timetable import RUN_DATE, alert_failure, local_cron, settings_of_dag, step

with DAG(
    dag_id="retrain",
    schedule=local_cron(settings_of_dag().schedule.retrain),
    catchup=False,
    max_active_runs=1,
    params={"run_date": RUN_DATE},
    on_failure_callback=alert_failure,
    doc_md=__doc__,
    tags=["forestall"],
):
    step("retrain_churn")
