"""What being listed did, and what that teaches: the experiment, as far as its outcomes are known.

Reads earlier published nights' lists (kept in `forestall.listings`), what was known of accounts when they were first
listed (`forestall.listing_features`) and the warehouse as known at the cutoff; writes `outreach_effect`,
`outreach_power`, `net_load` (what listing adds to the queues; for the forecast), `save_chances` (what each action
keeps, and how long it takes) and `save_models`. It stands before tonight's list is chosen, which goes by what was
learned: groups that contact is known to harm are not to be disturbed, and an action is worth what outcomes make of the
playbook's number.
"""

import logging
from datetime import date

import pandas as pd

from forestall.history.learning import learned_models
from forestall.history.minutes import worked_minutes
from forestall.history.outreach import Experiment, agent_cost_per_minute, read_experiment, record_listings
from forestall.night import Night
from forestall.outreach.chances import UPLIFT, evidence, learn_chances, told_chances
from forestall.outreach.effect_table import ALL, effects, measures, net_load, power
from forestall.outreach.effect_words import with_sentences
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.minutes import learn_minutes
from forestall.outreach.playbook import load_playbook
from forestall.records import LINE_END, Summary
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

log = logging.getLogger(__name__)


def measure_outreach(settings: Settings, run_date: date) -> Summary:
    """Write `outreach_effect`, `outreach_power`, `net_load`, `save_chances` and `save_models` of the night.

    Raises:
        ConfigError: `playbook.yml` holds a mistake.
    """
    night = Night(settings, run_date)
    playbook = load_playbook(settings)
    with open_warehouse(settings, f"measure_outreach {run_date}") as warehouse:
        record_listings(warehouse, night)
        cost = agent_cost_per_minute(warehouse, night)
        experiment = read_experiment(
            warehouse, night, playbook, float(playbook.cost_per_minute) if cost is None else cost
        )
        sought = measures(experiment.horizon_days, settings.churn.grace_days if experiment.has_grace else 0)
        known = evidence(experiment.accounts, sought[0], run_date)
        minutes = learn_minutes(worked_minutes(warehouse, night), playbook)
        chances = learn_chances(known, playbook).merge(minutes, on="action", how="left", validate="many_to_one")
        models = learned_models(warehouse, night, known, chances, playbook, sought[0].wait_days)
    found = effects(experiment.accounts, sought, run_date)
    told = with_sentences(found, experiment.horizon_days, settings.company.currency)
    night.write("outreach_effect", told)
    night.write("outreach_power", power(experiment.accounts, found, sought[0], run_date))
    night.write("net_load", net_load(found))
    night.write("save_chances", chances)
    night.write("save_models", models)
    learned = "; ".join([told_chances(chances), *models.loc[models["approach"] == UPLIFT, "reason"]])
    return {**_told(experiment, told), "learned": learned}


def _told(experiment: Experiment, told: pd.DataFrame) -> Summary:
    """Accounts by arm, what was recorded against the rules, and what is known by now."""
    is_held = experiment.accounts["arm"] == HOLDOUT
    now = told[(told["scope"] == ALL) & told["is_current"].astype(bool)].set_index("measure")
    contaminated = int((is_held & experiment.accounts["was_contacted"].astype(bool)).sum())
    notes = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (
                contaminated,
                "account of the holdout was contacted all the same; whoever calls must keep to the list",
                "accounts of the holdout were contacted all the same; whoever calls must keep to the list",
            ),
            (
                experiment.never_listed_count,
                "outcome is of a row, or of a customer, that was on no list",
                "outcomes are of rows, or of customers, that were on no list",
            ),
            (experiment.repeated_count, "outcome was recorded more than once", "outcomes were recorded more than once"),
        )
        if count
    ]
    for note in notes:
        log.info("%s", note)
    return {
        "listed_accounts": int((~is_held).sum()),
        "holdout_accounts": int(is_held.sum()),
        "holdout_contacted": contaminated,
        "outcomes_never_listed": experiment.never_listed_count,
        "outcomes_repeated": experiment.repeated_count,
        "do_not_disturb": int(told["is_do_not_disturb"].astype(bool).sum()),
        "effect": str(now["sentence"]["left"]) if "left" in now.index else "nobody's outcome is known yet",
        "notes": LINE_END.join(notes),
    }
