"""A first churn model where there is none.

The night trains only if no champion is in office, or only a base rate for want of data; all later models
come from the weekly `retrain_churn`.
"""

import logging
from datetime import date
from typing import TYPE_CHECKING

from forestall.records import Summary
from forestall.settings import Settings
from forestall.warehouse import warehouse_lock
from models.churn.params import MODEL, churn_params
from models.tracking import champion_on, move_alias

if TYPE_CHECKING:  # what trains takes seconds to import, and most nights train nothing
    from forestall.history.churn import ChurnHistory
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
    notes = _why_base_rate(trained) if trained.model.kind == "base_rate" else suspicion_of(trained, history)
    return {"champion": version.label, "kind": trained.model.kind, "judged": trained.judged, "notes": notes}


def suspicion_of(trained: "Trained", history: "ChurnHistory") -> str:
    """Names features that may hold the future, or announce what was decided; logged as a warning too."""
    from models.churn.suspects import announcement, last_days, suspicion
    from models.churn.training import label

    plan = history.plan
    announced = last_days(history.rows, plan.kinds, label(max(plan.horizons)))
    lines = (suspicion(trained.alone, churn_params().feature_auc_limit), announcement(announced))
    found = [line for line in lines if line]
    for line in found:
        log.warning(line)
    return "; ".join(found)


def _why_base_rate(trained: "Trained") -> str:
    return f"churn: {trained.model.about['reason']}; base rates stand in"
