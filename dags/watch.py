"""The watch: says that nothing was published by the time that it was due.

**Owner:** whoever runs forestall here.

**When:** at `alerts.due_at` by the site's clock. It looks at the published folder, not at `nightly`, so it
also speaks where no run ever started. It cannot speak where Airflow itself is down: for that,
`forestall watch` runs from a timer of its own (deploy/).

**Retries:** none. **When it breaks:** read docs/runbook.md, "Nothing was published".

**Is a re-run safe?** Yes; each missing night is told once.
"""

from typing import Any

from airflow.sdk import DAG, task

from forestall.scheduling.timetable import local_cron, settings_of_dag

due_at = settings_of_dag().alerts.due_at

with DAG(
    dag_id="watch",
    schedule=local_cron(f"{due_at.minute} {due_at.hour} * * *"),
    catchup=False,
    doc_md=__doc__,
    tags=["forestall"],
):

    @task
    def watch(**context: Any) -> bool:
        """Whether the night is there, late or not."""
        from forestall.operations.alerts import watch_night

        settings = settings_of_dag()
        return watch_night(settings, context["dag_run"].run_after.astimezone(settings.zone))

    watch()
