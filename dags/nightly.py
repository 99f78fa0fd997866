"""The night: from the sources to a published outreach list and staffing plan.

**Owner:** whoever runs forestall here; alerts go to `alerts.email_to` and `alerts.webhook_url`.

**When:** `schedule.nightly`, 03:30 by the site's clock. The cutoff is midnight, so the sources have three
hours to bring yesterday in; and half past three exists once on both nights on which clocks change.
The plan is due at `alerts.due_at`; the DAG `watch` says so if it never came.

**Retries:** every step once, in case its process was killed; the pull three times, since what it reads is
not ours. A gate that fails and a mistake in the configuration are not tried again.

**When it breaks:** `current` still shows the last good night. The failed step says why in one line, also in
`var/runs/<run date>/steps/`; a failed gate leaves its evidence in `var/runs/<run date>/report.html`.
Then docs/runbook.md. Where `deliver` failed the night is published all the same: `forestall deliver` sends the rest.
Where `retrain_on_drift` failed the champion stays, and the next night tries again.

**Is a re-run safe?** Always, of any step and of the whole night: same data, same result. A second
publication of a date is a new revision beside the first, and only where something differs. What a receiver
has taken is not sent to it again.
"""

from airflow.sdk import DAG

from forestall.scheduling.timetable import RUN_DATE, alert_failure, local_cron, settings_of_dag, step

settings = settings_of_dag()

with DAG(
    dag_id="nightly",
    schedule=local_cron(settings.schedule.nightly),
    catchup=False,  # a morning that is gone needs no list; `backfill` is for history
    max_active_runs=1,  # courtesy: what counts is the warehouse lock
    params={"run_date": RUN_DATE},
    on_failure_callback=alert_failure,
    doc_md=__doc__,
    tags=["forestall"],
):
    pull = step("pull", retries=3)
    check_batch = step("check_batch")
    build_features = step("build_features")
    check_features = step("check_features")
    measure_outreach = step("measure_outreach")
    train_churn = step("train_churn")
    score_churn = step("score_churn")
    forecast_volume = step("forecast_volume")
    plan_staffing = step("plan_staffing")
    plan_shifts = step("plan_shifts")
    value_agents = step("value_agents")
    choose_outreach = step("choose_outreach")
    explain_churn = step("explain_churn")
    measure = step("measure")
    check_publication = step("check_publication")
    publish = step("publish")

    pull >> check_batch >> build_features >> check_features
    check_features >> train_churn >> score_churn
    check_features >> [measure, measure_outreach]
    measure_outreach >> forecast_volume >> plan_staffing
    [score_churn, plan_shifts, measure_outreach] >> choose_outreach
    [score_churn, plan_staffing] >> value_agents
    plan_staffing >> plan_shifts
    choose_outreach >> explain_churn
    [explain_churn, value_agents, measure] >> check_publication >> publish
    delivered = publish >> step("deliver") if settings.receivers else publish
    delivered >> step("retrain_on_drift")  # minutes in which it holds the warehouse: the list goes out first
