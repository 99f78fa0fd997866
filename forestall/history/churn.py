"""The labelled past of the customers, as training and backtests read it from the warehouse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from features.attributes import attribute_kinds, with_attributes
from features.columns import FeatureColumn, features
from features.training_set import holdout_weights, training_dates, training_set
from forestall.history.training_features import build_training_features, churn_rule
from forestall.night import Night
from forestall.outreach.experiment import HOLDOUT
from forestall.publishing.publication import nights
from forestall.settings import ConfigError, Settings
from forestall.warehouse import open_warehouse
from models.churn.design import Kind
from models.churn.model import CONTACTED
from models.churn.params import churn_params
from models.churn.training import Plan


@dataclass(frozen=True)
class ChurnHistory:
    """What can be learned from, and how.

    Attributes:
        rows: the training set: customer x as-of date, labels known on the day of training; of a large company
            about `max_rows` (`models/params/churn.yml`), in whole customers.
        plan: features, horizons and gap.
    """

    rows: pd.DataFrame
    plan: Plan


def read_churn_history(settings: Settings, run_date: date) -> ChurnHistory:
    """Features and labels of past as-of dates, all known on the run date; builds them first.

    Raises:
        TransformError: dbt failed.
    """
    return _read(settings, run_date, run_date, ())[0]


def read_churn_backtest(settings: Settings, known_on: date, as_of_on: date | None) -> tuple[ChurnHistory, pd.DataFrame]:
    """The history that was known on `as_of_on`, and that day's customers with what became of them by `known_on`.

    None: the newest date whose labels are known on `known_on`.
    """
    if as_of_on is None:
        with open_warehouse(settings, f"read_churn_backtest {known_on}") as warehouse:
            as_of_on = known_on - timedelta(days=_plan(settings, churn_rule(warehouse, settings)).gap_days)
    return _read(settings, known_on, as_of_on, (as_of_on,))


def last_build_on(settings: Settings) -> date | None:
    """The run date up to which the warehouse was last built; None where it never was."""
    with open_warehouse(settings, "last_build_on") as warehouse:
        if not warehouse.has_table("forestall.builds"):
            return None
        found: date | None = warehouse.scalar("SELECT max(run_date) FROM forestall.builds")
        return found


def _read(
    settings: Settings, run_date: date, known_on: date, further: Sequence[date]
) -> tuple[ChurnHistory, pd.DataFrame]:
    with open_warehouse(settings, f"read_churn_history {run_date}") as warehouse:
        plan = _plan(settings, churn_rule(warehouse, settings))
    dates = _dates(settings, plan, known_on)
    build_training_features(settings, run_date, (*dates, *further), plan.params.max_rows)
    with open_warehouse(settings, f"read_churn_history {run_date}") as warehouse:
        rows = with_attributes(
            warehouse.frame("SELECT * FROM marts.fct_customer_features WHERE is_training"),
            settings.outreach.fairness_attributes,
        )
        labels = warehouse.frame("SELECT * FROM marts.fct_churn_labels")
    plan = replace(plan, kinds={**plan.kinds, **attribute_kinds(rows)})
    every = sorted({*dates, *further})
    weights = holdout_weights(_withheld(settings, run_date), every, plan.main_horizon)
    sets = [
        training_set(
            rows[pd.to_datetime(rows["as_of_on"]).dt.date.isin(days)],
            labels, horizons=plan.horizons, known_on=day, weights=weights,
        )
        for days, day in ((dates, known_on), (further, run_date))
    ]  # fmt: skip
    return ChurnHistory(sets[0], plan), sets[1]


def _dates(settings: Settings, plan: Plan, known_on: date) -> tuple[date, ...]:
    """As-of dates whose main label is known, and newer ones on which only that of shorter horizons is."""
    churn = settings.churn
    dates = training_dates(known_on, plan.gap_days, churn.training_dates, churn.training_step_days)
    shortest = plan.gap_days - plan.main_horizon + min(plan.horizons)
    newer = training_dates(known_on, shortest, churn.training_dates, churn.training_step_days)
    return (*dates, *(day for day in newer if day > dates[-1]))


def _plan(settings: Settings, rule: str) -> Plan:
    """Under the rule of inactivity the silence itself is the label: one horizon, and no grace.

    Raises:
        ConfigError: the rule was found to be inactivity, but the horizons are those of subscriptions.
    """
    churn, params = settings.churn, churn_params()
    kinds = feature_kinds() | {CONTACTED: "boolean"}
    if rule == "inactivity":
        if churn.horizons != (churn.inactive_days,):
            raise ConfigError(
                f'churn: there is activity and no subscription; set rule = "inactivity", '
                f"horizons = [{churn.inactive_days}] and main_horizon = {churn.inactive_days}"
            )
        return Plan(kinds, (churn.inactive_days,), churn.inactive_days, churn.inactive_days, params)
    horizons = tuple(sorted(churn.horizons))
    return Plan(kinds, horizons, churn.main_horizon, churn.main_horizon + churn.grace_days, params)


def feature_kinds() -> dict[str, Kind]:
    """The declared features and what they are."""
    return {column.name: _kind(column) for column in features()}


def _kind(column: FeatureColumn) -> Kind:
    if column.is_categorical:
        return "category"
    return "boolean" if column.data_type == "boolean" else "number"


def _withheld(settings: Settings, run_date: date) -> pd.DataFrame:
    """Whom the experiment kept from being called, and when, in the nights published before the run date."""
    night = Night(settings, run_date)
    columns = ["customer_id", "arm_probability"]
    found = [pd.DataFrame(columns=[*columns, "withheld_on"])]
    for published in nights(night.published):
        if published.run_date < run_date:
            rows = published.frame("outreach_withheld")
            own = rows.loc[rows["suppression_reason"] == HOLDOUT, columns]
            found += [own.assign(withheld_on=published.run_date)] if len(own) else []
    return pd.concat(found[1:] or found, ignore_index=True)
