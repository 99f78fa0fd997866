"""Whether an uplift model makes tonight's list: found on MLflow, or tried on outcomes that were never looked at.

The two ways to know what an action saves, each with its figures, and why the one or the other is used.
"""

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.published_outreach import SAVE_MODELS
from forestall.history.listing_features import read_listing_features, recorded_count
from forestall.night import Night
from forestall.outreach.chances import OUTCOMES, UPLIFT
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.playbook import Playbook
from forestall.outreach.uplift import due, smaller_arm, try_uplift
from forestall.warehouse import Warehouse
from models.provenance import data_version
from models.uplift.params import UpliftParams, uplift_params

if TYPE_CHECKING:
    from forestall.outreach.uplift import Trial

log = logging.getLogger(__name__)

# What makes two looks the same: the outcomes, and what they are compared with.
LOOKED_AT = ["account_id", "arm", "arm_probability", "action", "segment", "risk", "left", "prior"]


def learned_models(
    warehouse: Warehouse, night: Night, known: pd.DataFrame, chances: pd.DataFrame, playbook: Playbook, wait_days: int
) -> pd.DataFrame:
    """The rows of `save_models` of the night.

    A look is taken whenever outcomes have grown enough (`models/params/uplift.yml`); it trains, judges and logs. On
    other nights what the last look decided holds.

    Args:
        warehouse: with the features of listed accounts.
        night: the night.
        known: what `chances.evidence` gave.
        chances: what `chances.learn_chances` made of it.
        playbook: the prior.
        wait_days: from the night of listing until an outcome is known.
    """
    by_outcomes: dict[str, Any] = {
        "approach": OUTCOMES,
        "account_count": len(known),
        "holdout_count": int((known["arm"] == HOLDOUT).sum()),
        "is_used": len(known) > 0,
        "reason": "stands in for whatever no uplift model says" if len(known) else "no outcome is known yet",
    }
    by_uplift, shared = _uplift(warehouse, night, known, chances, playbook, wait_days)
    return pd.DataFrame([by_outcomes | shared, {"approach": UPLIFT} | by_uplift]).reindex(
        columns=list(SAVE_MODELS.names)
    )


Row = dict[str, Any]


def _uplift(
    warehouse: Warehouse, night: Night, known: pd.DataFrame, chances: pd.DataFrame, playbook: Playbook, wait_days: int
) -> tuple[Row, Row]:
    """The uplift model's row, and what the judging says of the outcomes' row."""
    params = uplift_params()
    if night.settings.is_backfill:
        return {"is_used": False, "account_count": 0, "holdout_count": 0, "reason": "a backfill trains no model"}, {}
    if min(recorded_count(warehouse), len(known)) < params.least_accounts:
        return _too_few(known.iloc[:0], params), {}
    own = known[known["action"].isin(list(playbook.actions))]
    rows, kinds = read_listing_features(warehouse, own, night.settings.outreach.fairness_attributes)
    looked_at = due(rows, params)
    if looked_at.empty:
        return _too_few(rows, params), {}
    from models.uplift.logbook import find_trial, log_trial, verdict_of  # MLflow takes a second to import

    prior = looked_at["action"].map({name: action.save_probability for name, action in playbook.actions.items()})
    outcomes_version = data_version(looked_at.assign(prior=prior * playbook.prior_outcomes)[LOOKED_AT])
    uri = night.settings.tracking_uri
    version = find_trial(uri, outcomes_version)
    if version is None:
        trial = try_uplift(looked_at, kinds, playbook, wait_days, params)
        verdict = _verdict(trial, looked_at, params, night.settings.company.currency)
        log.info("uplift: %s", verdict["reason"])
        version = log_trial(uri, night.run_date, outcomes_version, trial.model, verdict, chances, params)
    verdict = verdict_of(version)
    judged = {name: verdict[name] for name in ("judged_by", "judged_count")}
    by_chance = {"policy_value": verdict.pop("value_by_chance"), "qini": verdict.pop("qini_by_chance")}
    return verdict | {"model_version": version.label}, judged | by_chance


def _too_few(rows: pd.DataFrame, params: UpliftParams) -> Row:
    held = int((rows["arm"] == HOLDOUT).sum())
    reason = (
        f"no uplift model yet: outcomes of {len(rows):,} accounts with features, {smaller_arm(rows):,} in the "
        f"smaller arm; it takes {params.least_accounts:,} and {params.least_arm:,}"
    )
    return {"is_used": False, "account_count": len(rows), "holdout_count": held, "reason": reason}


def _verdict(trial: "Trial", looked_at: pd.DataFrame, params: UpliftParams, currency: str) -> Row:
    """Figures and choice, as JSON can hold them."""
    judged = trial.judged
    figures = (
        f"on {judged.count:,} {trial.judged_by} its list is worth {currency} {judged.gain:+,.2f} an account against "
        f"the one by outcomes ({params.confidence:.0%} {judged.gain_low:+,.2f} to {judged.gain_high:+,.2f})"
    )
    why = "even the lower end lies above zero" if trial.is_better else "the lower end would have to lie above zero"
    if judged.gain_low == judged.gain_high == 0:
        why = "it finds nothing that the outcomes by action and segment do not say"
    return {
        "is_used": trial.is_better,
        "account_count": len(looked_at),
        "holdout_count": int((looked_at["arm"] == HOLDOUT).sum()),
        "judged_by": trial.judged_by,
        "judged_count": judged.count,
        "policy_value": judged.value_by_uplift,
        "value_by_chance": judged.value_by_chance,
        "gain": judged.gain,
        "gain_low": judged.gain_low,
        "gain_high": judged.gain_high,
        "qini": judged.qini_by_uplift,
        "qini_by_chance": judged.qini_by_chance,
        "reason": f"{'used' if trial.is_better else 'not used'}: {figures}; {why}",
    }
