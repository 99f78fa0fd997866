"""Once a week, a challenger that must beat the champion.

Every challenger is logged and compared on the newest labelled window by `mlflow/promotion.yml`; the
alias moves, or the summary says why not.
"""

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING

from forestall.history.arms import logged_arms
from forestall.jobs.train_churn import suspicion_of
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.warehouse import open_warehouse, warehouse_lock
from models.churn.params import MODEL
from models.tracking import Version, champion_on, model_files, move_alias, tag_version

if TYPE_CHECKING:  # what trains takes seconds to import
    from models.churn.promotion import Decision
    from models.churn.training import Trained

log = logging.getLogger(__name__)


def retrain_churn(settings: Settings, run_date: date) -> Summary:
    """Train a challenger, compare, promote or say why not; a promotion takes effect the night after.

    Returns:
        `challenger`, `champion` (labels, after the decision), `is_promoted`, `reason`, `notes`, and the figures.

    Raises:
        ConfigError: no night has been built yet.
    """
    from forestall.history.churn import last_build_on, read_churn_history
    from models.churn.logbook import log_decision, log_training
    from models.churn.training import train

    uri = settings.tracking_uri
    with warehouse_lock(settings, f"retrain_churn {run_date}"):
        if last_build_on(settings) is None:
            raise ConfigError("retrain: nothing is known yet; run `forestall nightly` first")
        history = read_churn_history(settings, run_date)
        trained = train(history.rows, history.plan)
        version = log_training(uri, run_date, history.rows, trained, history.plan)
    move_alias(uri, version, "challenger", reason="retrained", effective_on=run_date.isoformat())
    champion = champion_on(uri, MODEL, run_date.isoformat())
    decision = _decision(settings, trained, version, champion)
    verdict = "promoted" if decision.is_promoted else "not promoted"
    tag_version(uri, version, {"decided_on": run_date.isoformat(), "decision": f"{verdict}: {decision.reason}"})
    log_decision(uri, version, decision.evidence)
    log.info("churn: %s %s: %s", version.label, verdict, decision.reason)
    if decision.is_promoted:
        effective_on = run_date if champion is None else run_date + timedelta(days=1)
        move_alias(uri, version, "champion", reason=decision.reason, effective_on=effective_on.isoformat())
    office = version if decision.is_promoted or champion is None else champion
    return {
        "challenger": version.label,
        "champion": office.label,
        "is_promoted": int(decision.is_promoted),
        "reason": decision.reason,
        "notes": suspicion_of(trained, history),
        **decision.evidence,
    }


def _decision(settings: Settings, trained: "Trained", version: Version, champion: Version | None) -> "Decision":
    from models.churn.logbook import read_version
    from models.churn.promotion import Decision, compared_on, decide, promotion_rules

    if champion is None:
        return Decision(True, "the first", {})
    if champion.number == version.number:
        return Decision(False, "nothing new was learned: it is the champion again", {})
    model, twin = read_version(model_files(settings.tracking_uri, champion))
    rules, window = promotion_rules(), compared_on(trained)
    if window is None:
        return decide(trained, model, twin, rules)
    with open_warehouse(settings, "retrain_churn") as warehouse:
        return decide(trained, model, twin, rules, logged_arms(warehouse, window, rules.logged_days))
