"""A first churn model where there is none; and, once a week, a challenger that must beat the champion.

The night trains only if no champion is in office, or only a base rate for want of data. The weekly
retraining logs every challenger, compares it on the newest labelled window by `mlflow/promotion.yml`,
and moves the alias or says why not.
"""

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING

from forestall.jobs import Summary
from forestall.settings import Settings
from forestall.warehouse import warehouse_lock
from models.churn.params import MODEL, churn_params
from models.tracking import Version, champion_on, model_files, move_alias

if TYPE_CHECKING:  # what trains takes seconds to import, and most nights train nothing
    from models.churn.promotion import Decision
    from models.churn.training import Trained

log = logging.getLogger(__name__)


def train_churn(settings: Settings, run_date: date) -> Summary:
    """Put a first champion into office, in effect from this night on.

    A backfill trains nothing: it uses only models of its own time.

    Returns:
        `champion` (its label, or empty), `kind`, and `notes` where something must be known.
    """
    champion = champion_on(settings.tracking_uri, MODEL, run_date.isoformat())
    if champion is not None and champion.tags["kind"] != "base_rate":
        return {"champion": champion.label, "kind": champion.tags["kind"]}
    if settings.is_backfill:
        return {"champion": champion.label if champion else "", "notes": "no model was trained before this date"}
    from forestall.history.churn import read_churn_history
    from models.churn.logbook import log_training
    from models.churn.training import train

    with warehouse_lock(settings, f"train_churn {run_date}"):
        history = read_churn_history(settings, run_date)
        trained = train(history.rows, history.plan)
        if champion is not None and trained.model.kind == "base_rate":
            return {"champion": champion.label, "kind": "base_rate", "notes": _why_base_rate(trained)}
        version = log_training(settings.tracking_uri, run_date, history.rows, trained, history.plan)
    reason = "the first" if champion is None else "the champion was a base rate"
    move_alias(settings.tracking_uri, version, "champion", reason=reason, effective_on=run_date.isoformat())
    notes = _why_base_rate(trained) if trained.model.kind == "base_rate" else _suspicion(trained)
    return {"champion": version.label, "kind": trained.model.kind, "judged": trained.judged, "notes": notes}


def retrain_churn(settings: Settings, run_date: date) -> Summary:
    """Train a challenger, compare, promote or say why not; a promotion takes effect the night after.

    Returns:
        `challenger`, `champion` (labels, after the decision), `is_promoted`, `reason`, `notes`, and the figures.
    """
    from forestall.history.churn import read_churn_history
    from models.churn.logbook import log_training
    from models.churn.training import train

    uri = settings.tracking_uri
    with warehouse_lock(settings, f"retrain_churn {run_date}"):
        history = read_churn_history(settings, run_date)
        trained = train(history.rows, history.plan)
        version = log_training(uri, run_date, history.rows, trained, history.plan)
    move_alias(uri, version, "challenger", reason="retrained", effective_on=run_date.isoformat())
    champion = champion_on(uri, MODEL, run_date.isoformat())
    decision = _decision(settings, trained, version, champion)
    log.info("churn: %s %s: %s", version.label, "promoted" if decision.is_promoted else "not promoted", decision.reason)
    if decision.is_promoted:
        effective_on = run_date if champion is None else run_date + timedelta(days=1)
        move_alias(uri, version, "champion", reason=decision.reason, effective_on=effective_on.isoformat())
    office = version if decision.is_promoted or champion is None else champion
    return {
        "challenger": version.label,
        "champion": office.label,
        "is_promoted": int(decision.is_promoted),
        "reason": decision.reason,
        "notes": _suspicion(trained),
        **decision.evidence,
    }


def _decision(settings: Settings, trained: "Trained", version: Version, champion: Version | None) -> "Decision":
    from models.churn.logbook import read_version
    from models.churn.promotion import Decision, decide, promotion_rules

    if champion is None:
        return Decision(True, "the first", {})
    if champion.number == version.number:
        return Decision(False, "nothing new was learned: it is the champion again", {})
    model, twin = read_version(model_files(settings.tracking_uri, champion))
    return decide(trained, model, twin, promotion_rules())


def _suspicion(trained: "Trained") -> str:
    """Names features that may hold the future; logged as a warning too."""
    from models.churn.suspects import suspicion

    found = suspicion(trained.alone, churn_params().feature_auc_limit)
    if found:
        log.warning(found)
    return found


def _why_base_rate(trained: "Trained") -> str:
    return f"churn: {trained.model.about['reason']}; base rates stand in"
