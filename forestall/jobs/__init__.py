"""The steps of the night, one file each, in the order in which they run; and what is run beside it.

A job is a plain function of (settings, run date) that can be run again with the same result. It
gives back a small summary for whoever watches.
"""

from collections.abc import Callable, Mapping
from datetime import date
from importlib import import_module
from typing import cast

from forestall.records import Summary
from forestall.settings import Settings

Job = Callable[[Settings, date], Summary]

# The table of contents: name of the job (and of its file and function), and what it does.
NIGHT: Mapping[str, str] = {
    "pull": "new and changed rows of each source, into versioned tables",
    "check_batch": "gates on tonight's rows",
    "build_features": "dbt: staging, intermediate, marts",
    "check_features": "gates on the feature tables",
    "measure_outreach": "what being listed did",
    "train_churn": "a first champion where there is none yet",
    "score_churn": "who is likely to leave",
    "forecast_volume": "how many contacts come in each interval",
    "plan_staffing": "how many agents that takes",
    "plan_shifts": "who works when, and whom to hire",
    "value_agents": "what a missing agent costs in customers",
    "choose_outreach": "whom to call, with what, and why",
    "explain_churn": "risk by segment, topic and product",
    "measure": "earlier forecasts against what happened",
    "check_publication": "gates on what is about to be published",
    "publish": "an immutable folder, and `current`",
}
# Once the night is published: it can neither stop nor undo it.
AFTERWARDS: Mapping[str, str] = {
    "deliver": "the list to its receivers",
    "retrain_on_drift": "a challenger out of turn, where customers have shifted",
}
# Once a week, by a timetable of its own.
WEEKLY: Mapping[str, str] = {"retrain_churn": "a challenger, promoted where it is better"}
JOBS: Mapping[str, str] = {**NIGHT, **AFTERWARDS, **WEEKLY}


def job(name: str) -> Job:
    """The job of that name, imported when asked for.

    Raises:
        KeyError: there is no such job.
    """
    if name not in JOBS:
        raise KeyError(name)
    return cast(Job, getattr(import_module(f"forestall.jobs.{name}"), name))
