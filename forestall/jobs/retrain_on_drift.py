"""A retraining out of turn, where tonight's customers are no longer those that the champion learned from.

Runs once the night is published. It is a step like any other, so that it happens under Airflow and from the command
line alike, without one DAG having to start another. What it trains must beat the champion as any challenger must.
"""

import logging
from datetime import date

from features.published_churn import SCORE_DRIFT
from forestall.jobs.retrain_churn import retrain_churn
from forestall.night import Night
from forestall.records import LINE_END, Summary
from forestall.settings import Settings
from models.churn.params import MODEL, churn_params

log = logging.getLogger(__name__)


def retrain_on_drift(settings: Settings, run_date: date) -> Summary:
    """Retrain where `score_drift` of the night is past its limits, unless a model was trained a few days ago.

    A backfill trains nothing. Safe to run again: the challenger of a first try is young then.

    Returns:
        `is_retrained`, `notes` (why, or why not), and what `retrain_churn` says.

    Raises:
        ConfigError: the night has not been scored.
    """
    from models.churn.drift import drift_verdict

    limits = churn_params().drift
    verdict = drift_verdict(Night(settings, run_date).read(SCORE_DRIFT.name), limits)
    if not verdict or settings.is_backfill:
        return {"is_retrained": 0}
    age = _newest_model_age(settings, run_date)
    if age is not None and age < limits.retrain_after_days:
        notes = f"churn: {verdict}; not trained again, since the newest model is {age} days old"
        return {"is_retrained": 0, "notes": notes}
    log.warning("churn: %s; a challenger is trained", verdict)
    found = retrain_churn(settings, run_date)
    return {
        **found,
        "is_retrained": 1,
        "notes": LINE_END.join(filter(None, [f"churn: {verdict}", str(found["notes"])])),
    }


def _newest_model_age(settings: Settings, run_date: date) -> int | None:
    """Days since a model was last trained, whatever became of it; None where none ever was."""
    from models.tracking import versions

    trained_on = [date.fromisoformat(version.tags["run_date"]) for version in versions(settings.tracking_uri, MODEL)]
    earlier = [day for day in trained_on if day <= run_date]
    return (run_date - max(earlier)).days if earlier else None
