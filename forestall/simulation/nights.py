"""One weekly night of a simulated company, by the night's own jobs: whom a policy has called that week.

A list is for a week and takes a week's minutes, all at once: 52 nights a policy, not 365, in which whatever is worth
it may take any minute, as it could on one of five nights. So deadlines of a day are promises only where they fall on
a Monday. Only jobs that decide are run: gates, forecast and plan change no list.
"""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from features.published import PUBLISHED
from features.training_set import scored_population
from forestall.demo.calls import expected_falls
from forestall.demo.company import current_state
from forestall.history.changes import FEATURES
from forestall.history.outreach import record_listings
from forestall.jobs.build_features import build_features
from forestall.jobs.choose_outreach import ARMS, choose_outreach, what_is_known
from forestall.jobs.measure_outreach import measure_outreach
from forestall.jobs.pull import pull
from forestall.jobs.retrain_churn import retrain_churn
from forestall.jobs.score_churn import score_churn
from forestall.jobs.train_churn import train_churn
from forestall.night import Night
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.listing import judged_options
from forestall.outreach.playbook import load_playbook
from forestall.privacy.pseudonyms import pseudonym
from forestall.publishing.publication import publish_night
from forestall.settings import Settings
from forestall.simulation.policies import (
    KNOWING,
    OURS,
    RECORDED,
    RETRAINED,
    Choice,
    Policy,
    choose_as_best,
    choose_as_rival,
    everything_for_everybody,
)
from forestall.simulation.recorded import told_by_features
from forestall.warehouse import open_warehouse

WORKING_DAYS = 5  # of a week, whose minutes the weekly list takes
# What outreach reads of the marts, and what these are made of.
NEEDED = ("+fct_customer_features", "+fct_outreach_candidates", "+fct_customer_kpis")
ROW = ["row_id", "customer_id", "account_id", "list_name", "trigger", "reason", "action", "offer", "channel",
       "best_hours", "expected_minutes", "value_at_risk", "offer_price", "arm", "churn_probability",
       "expected_value", "save_probability"]  # fmt: skip


def first_night(settings: Settings, run_date: date) -> None:
    """All that every policy begins with: the history pulled and built, and a first model."""
    for job in (pull, build_features, train_churn):
        job(settings, run_date)


def rows_of_night(
    settings: Settings, run_date: date, policy: Policy, *, is_first: bool, retrains: bool
) -> pd.DataFrame:
    """The rows that the policy has worked in the week from the run date on.

    Returns:
        `ROW` in working order, with planned_on, customer (the company's own number), attempts, and is_acted: False
        for the holdout, which would have been listed and is left alone.
    """
    if not is_first:
        pull(settings, run_date)
        build_features(settings, run_date, NEEDED)
    if retrains and policy in RETRAINED:
        retrain_churn(settings, run_date)
    score_churn(settings, run_date)
    night = Night(settings, run_date)
    _measure(night, policy, is_first=is_first)
    rows = _our_list(night) if policy in OURS else _chosen(night, policy)
    numbers = customer_numbers(settings)
    attempts = {name: action.attempts for name, action in load_playbook(settings).actions.items()}
    return rows.assign(
        customer=rows["customer_id"].map(numbers), attempts=rows["action"].map(attempts),
        planned_on=days_of(rows["expected_minutes"].astype(float), run_date),
    )  # fmt: skip


def days_of(minutes: "pd.Series[float]", run_date: date) -> list[date]:
    """The working day on which each row's turn comes: as many minutes on each."""
    before = (minutes.cumsum() - minutes) / minutes.sum()
    return [run_date + timedelta(days=int(day)) for day in before * WORKING_DAYS]


def customer_numbers(settings: Settings) -> "pd.Series[str]":
    """The company's own numbers by pseudonym."""
    customers = pd.read_parquet(settings.root / "data" / "customers" / "customers.parquet", columns=["kundennr"])
    numbers = customers["kundennr"].astype(str)
    return pd.Series(numbers.to_numpy(), index=[pseudonym(settings, number) for number in numbers])


def _measure(night: Night, policy: Policy, *, is_first: bool) -> None:
    """What outcomes say; a policy that learns nothing goes on with what they said on its first night."""
    kept = night.base / "first_measured"
    if policy == "before" and not is_first:
        _copy(kept, night.folder)
        with open_warehouse(night.settings, f"simulate {night.run_date}") as warehouse:
            record_listings(warehouse, night)  # who was held out rests, whatever is learned
        return
    there = set(night.folder.glob("*.parquet"))
    measure_outreach(night.settings, night.run_date)
    if is_first:
        kept.mkdir(exist_ok=True)
        for file in set(night.folder.glob("*.parquet")) - there:
            shutil.copyfile(file, kept / file.name)


def _copy(kept: Path, folder: Path) -> None:
    for file in kept.glob("*.parquet"):
        shutil.copyfile(file, folder / file.name)


def _our_list(night: Night) -> pd.DataFrame:
    """The night's own list, published so that later nights learn from it; without documents for people."""
    choose_outreach(night.settings, night.run_date)
    tables = {
        name: night.table(name) if night.has(name)
        else table.arrow_schema().empty_table()
        for name, table in PUBLISHED.items()
    }  # fmt: skip
    published = publish_night(night.published, night.run_date, tables, {}, lambda _: None)
    withheld = published.frame("outreach_withheld")
    held = withheld[withheld["suppression_reason"] == HOLDOUT]
    both = [published.frame("outreach_list").assign(is_acted=True), held.assign(is_acted=False)]
    rows = pd.concat([rows[[*ROW, "is_acted", "list_rank"]] for rows in both if len(rows)] or both[:1])
    return rows.sort_values("list_rank", kind="stable", ignore_index=True)[[*ROW, "is_acted"]]


def _chosen(night: Night, policy: Policy) -> pd.DataFrame:
    settings = night.settings
    playbook = load_playbook(settings)
    offered = everything_for_everybody(playbook) if policy in KNOWING else playbook
    with open_warehouse(settings, f"simulate {night.run_date}") as warehouse:
        warehouse.execute(ARMS)
        known = what_is_known(warehouse, night, playbook)
    options = judged_options(known, offered, settings.outreach, settings.churn.main_horizon)
    allowed = options[options["suppression_reason"].isna()].reset_index(drop=True)
    choice = Choice(
        allowed, settings.outreach, playbook, night.run_date, settings.churn.main_horizon, settings.outreach.seed
    )
    if policy in KNOWING:
        expected = expected_of_all(settings)
        chosen = choose_as_best(choice, _recorded(night, expected) if policy == RECORDED else expected)
    else:
        chosen = choose_as_rival(policy, choice)
    rows = chosen.assign(
        row_id=[f"{customer}-{night.run_date}" for customer in chosen["customer_id"]], arm=None, is_acted=True,
        expected_value=chosen["expected_value_cents"] / 100,
    )  # fmt: skip
    return rows[[*ROW, "is_acted"]].reset_index(drop=True)


def expected_of_all(settings: Settings) -> pd.DataFrame:
    """What calls of this morning promise (`demo.calls.expected_falls`): pseudonyms (index) x fall_<reason>."""
    expected = expected_falls(current_state(settings.root)).set_index("customer_id")
    numbers = customer_numbers(settings)
    return expected.reindex(numbers.to_numpy()).set_axis(numbers.index, axis="index").rename_axis("customer_id")


def _recorded(night: Night, expected: pd.DataFrame) -> pd.DataFrame:
    """What features tell of it; whoever gave notice is as anybody can see."""
    with open_warehouse(night.settings, f"simulate {night.run_date}") as warehouse:
        rows = scored_population(warehouse.frame(FEATURES, [night.run_date]))
    rows = rows[rows["customer_id"].isin(expected.index)].set_index("customer_id", drop=False)
    told = told_by_features(rows, expected.loc[rows.index])
    return pd.concat([told, expected.drop(index=rows.index)])
