"""Six accounts that were listed, and what became of each, by hand; on both engines."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from features.published import PUBLISHED
from forestall.history.minutes import worked_minutes
from forestall.history.outreach import agent_cost_per_minute, read_experiment, record_listings
from forestall.jobs.measure_outreach import measure_outreach
from forestall.night import Night
from forestall.outreach.effect_table import ALL
from forestall.outreach.playbook import Playbook
from forestall.outreach.value import MONTH_DAYS
from forestall.warehouse import open_warehouse

LISTED, RUN_DATE = date(2026, 1, 10), date(2026, 6, 1)
TOML = '[company]\ntime_zone = "Europe/Berlin"\n'
PLAYBOOK = """
cost_per_minute: 0.5
margin_share: 0.4
offers:
  credit: {cost: 20, acceptance: 0.5}
actions:
  call: {team: care, offer: credit, save_probability: 0.2, minutes: 10}
"""
TABLES = """
    CREATE TABLE staging.stg_customers (customer_id VARCHAR, account_id VARCHAR);
    CREATE TABLE staging.stg_subscriptions (customer_id VARCHAR, monthly_value DECIMAL(18, 4), margin DECIMAL(18, 4),
        started_at TIMESTAMPTZ, ended_at TIMESTAMPTZ);
    CREATE TABLE staging.stg_outreach_outcomes (outcome_id VARCHAR, customer_id VARCHAR, row_id VARCHAR,
        action VARCHAR, offer VARCHAR, happened_at TIMESTAMPTZ, result VARCHAR, minutes DOUBLE PRECISION);
    CREATE TABLE intermediate.int_customer_spells (customer_id VARCHAR, spell_number BIGINT, started_on DATE,
        left_on DATE, gone_on DATE, is_involuntary BOOLEAN);
    CREATE TABLE intermediate.int_interaction_versions (customer_id VARCHAR, channel VARCHAR, is_inbound BOOLEAN,
        started_on DATE, handle_time_s BIGINT, valid_from TIMESTAMPTZ, valid_to TIMESTAMPTZ);
    CREATE TABLE intermediate.int_activity_versions (customer_id VARCHAR, occurred_on DATE, kind VARCHAR,
        value DECIMAL(18, 4), is_counted BOOLEAN, valid_from TIMESTAMPTZ, valid_to TIMESTAMPTZ);
    CREATE TABLE raw.subscriptions (subscription_id VARCHAR);
    CREATE TABLE raw.activity (customer_id VARCHAR);
    CREATE TABLE raw.costs (kind VARCHAR, starts_on DATE, per_minute DECIMAL(18, 4), known_at TIMESTAMPTZ,
        pull_id BIGINT)
"""
# c1 left, c2 stayed, c3 was ended by the company, c4 left after the horizon, c5 gave notice before it was listed and
# took it back, c6 left and has a brother in the same account.
ROWS = """
    INSERT INTO raw.subscriptions VALUES ('s1');
    INSERT INTO staging.stg_customers VALUES ('c1', 'a1'), ('c2', 'a2'), ('c3', 'a3'), ('c4', 'a4'), ('c5', 'a5'),
        ('c6', 'moved'), ('brother', 'moved');
    INSERT INTO intermediate.int_customer_spells VALUES
        ('c1', 1, '2020-01-01', '2021-01-01', '2021-01-01', false),
        ('c1', 2, '2024-01-01', '2026-02-01', '2026-02-01', false),
        ('c2', 1, '2024-01-01', NULL, '9999-12-31', false),
        ('c3', 1, '2024-01-01', '2026-02-10', '2026-02-10', true),
        ('c4', 1, '2024-01-01', '2026-04-10', '2026-04-10', false),
        ('c5', 1, '2024-01-01', NULL, '9999-12-31', false),
        ('c6', 1, '2024-01-01', '2026-04-09', '2026-04-09', false);
    INSERT INTO staging.stg_subscriptions VALUES
        ('c1', 50, 30, '2024-01-01 00:00+00', '2026-02-09 00:00+01'),
        ('c2', 50, NULL, '2025-12-31 00:00+01', NULL),
        ('c6', 50, 30, '2024-01-01 00:00+00', NULL),
        ('brother', 50, 10, '2024-01-01 00:00+00', NULL);
    INSERT INTO staging.stg_outreach_outcomes VALUES
        ('o1', 'c1', 'r-c1', 'call', 'credit', '2026-01-11 10:00+01', 'accepted', 8),
        ('o2', 'c1', 'r-c1', 'call', 'credit', '2026-01-11 10:00+01', 'accepted', 8),
        ('o3', 'c1', 'r-c1', 'call', NULL, '2026-01-12 10:00+01', 'not_reached', 1.5),
        ('o4', 'c1', 'r-c1', 'call', NULL, '2026-01-09 10:00+01', 'reached', 99),
        ('o5', 'c4', NULL, 'call', NULL, '2026-01-20 10:00+01', 'reached', 4),
        ('o6', 'stranger', 'r-nobody', 'call', NULL, '2026-01-20 10:00+01', 'reached', 4);
    INSERT INTO intermediate.int_interaction_versions VALUES
        ('c1', 'phone', true, '2026-01-10', 600, '2026-01-11 00:00+00', '9999-12-31 00:00+00'),
        ('c1', 'email', true, '2026-01-23', NULL, '2026-01-24 00:00+00', '9999-12-31 00:00+00'),
        ('c1', 'phone', true, '2026-01-24', 60, '2026-01-25 00:00+00', '9999-12-31 00:00+00'),
        ('c1', 'phone', true, '2026-01-09', 120, '2026-01-10 00:00+00', '9999-12-31 00:00+00'),
        ('c1', 'phone', false, '2026-01-11', 480, '2026-01-12 00:00+00', '9999-12-31 00:00+00'),
        ('c1', 'self_service', true, '2026-01-11', NULL, '2026-01-12 00:00+00', '9999-12-31 00:00+00'),
        ('c1', 'phone', true, '2026-01-12', 999, '2026-01-13 00:00+00', '2026-01-14 00:00+00'),
        ('brother', 'phone', true, '2026-01-12', 300, '2026-01-13 00:00+00', '9999-12-31 00:00+00')
"""


def listing(customer, arm="treatment", probability=0.9, **others):
    usual = {
        "row_id": f"r-{customer}", "list_rank": 1, "customer_id": customer, "account_id": f"a{customer[1:]}",
        "arm": arm, "arm_probability": probability, "segment": "home", "action": "call", "churn_probability": 0.4,
        "addressed_share": 1.0, "fresh_share": 1.0,
        "suppression_reason": "holdout" if arm == "holdout" else None,
    }  # fmt: skip
    return usual | others


FIRST_NIGHT = [
    listing("c1"), listing("c2", "holdout", 0.1), listing("c3"), listing("c4", "holdout", 0.1),
    listing("c5", trigger="notice_given", churn_probability=None), listing("c6", reason="waits"),
    listing("c7", "holdout", 0.1, suppression_reason="no_minutes", list_rank=None),
]  # fmt: skip


def publish(settings, run_date, rows, revision=1):
    """A published night with the list and the holdout; all else is missing."""
    folder = Night(settings, run_date).published / (f"{run_date}" + ("" if revision == 1 else f".r{revision}"))
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    listed = [row for row in rows if row["suppression_reason"] is None]
    withheld = [row for row in rows if row["suppression_reason"] is not None]
    for name, part in (("outreach_list", listed), ("outreach_withheld", withheld)):
        pq.write_table(pa.Table.from_pylist(part, PUBLISHED[name].arrow_schema()), folder / f"{name}.parquet")


def fill(settings, statements):
    with open_warehouse(settings, "test") as warehouse:
        for statement in statements.split(";"):
            warehouse.execute(statement)
    return settings


@pytest.fixture
def settings(company):
    (settings := company(TOML)).root.joinpath("playbook.yml").write_text(PLAYBOOK)
    return fill(settings, TABLES)


def read(settings, run_date=RUN_DATE):
    playbook = Playbook.model_validate(yaml.safe_load(PLAYBOOK))
    night = Night(settings, run_date)
    with open_warehouse(settings, "test") as warehouse:
        record_listings(warehouse, night)
        return read_experiment(warehouse, night, playbook, 0.5)


def check_by_hand(experiment):
    accounts = experiment.accounts.set_index("account_id")
    assert list(accounts.index) == ["a1", "a2", "a3", "a4", "a5", "a6"]  # c7 was held back by a filter, not by its arm
    # Within 90 days from 10 January: until 9 April.
    assert accounts["left"].tolist() == [1, 0, 0, 0, 0, 1]
    assert accounts["churn_probability"].tolist() == [0.4, 0.4, 0.4, 0.4, 1.0, 0.4]
    assert accounts["reason"].tolist() == ["unknown"] * 4 + ["notice_given", "waits"]
    # c1: 30 days of 30; 9.5 minutes at 0.5 and one credit; what happened before the listing, and twice, does not count.
    assert accounts.loc["a1", "margin"] == pytest.approx(30 * 30 / MONTH_DAYS - 9.5 * 0.5 - 20)
    assert accounts.loc["a1", "margin_before"] == pytest.approx(90 * 30 / MONTH_DAYS)
    # c2 joined ten days before, and has a value without a margin.
    assert accounts.loc["a2", "margin"] == pytest.approx(90 * 50 * 0.4 / MONTH_DAYS)
    assert accounts.loc["a2", "margin_before"] == pytest.approx(10 * 50 * 0.4 / MONTH_DAYS)
    # c6 belongs to another account by now, with its brother.
    assert accounts.loc["a6", "margin"] == pytest.approx(90 * 40 / MONTH_DAYS)
    assert accounts.loc["a6", ["contacts_14d", "handle_minutes_14d"]].tolist() == [1, 5]
    columns = ["contacts_14d", "contacts_before", "handle_minutes_14d", "handle_minutes_before"]
    assert accounts.loc["a1", columns].tolist() == [2, 1, 10, 2]
    assert accounts.loc["a2", columns].tolist() == [0, 0, 0, 0]
    assert accounts["was_contacted"].tolist() == [True, False, False, True, False, False]
    assert (experiment.never_listed_count, experiment.repeated_count) == (1, 1)
    assert (experiment.horizon_days, experiment.has_grace) == (90, True)


# A try of which nobody wrote the minutes down; one of last week, whose row may still be tried; one of long ago.
MORE_OUTCOMES = f"""
    INSERT INTO staging.stg_outreach_outcomes VALUES
        ('m1', 'c3', 'r-c3', 'call', NULL, '2026-02-01 10:00+01', 'not_reached', 1),
        ('m2', 'c3', 'r-c3', 'call', NULL, '2026-02-02 10:00+01', 'reached', NULL),
        ('m3', 'c6', 'r-c6', 'call', NULL, '{RUN_DATE - timedelta(days=6)} 10:00+01', 'not_reached', 1),
        ('m4', 'c6', 'r-old', 'call', NULL, '{RUN_DATE - timedelta(days=366)} 10:00+01', 'reached', 50)
"""


def check_minutes(settings):
    """Of one list's row 8 + 1.5 + 99 minutes, the 8 written down twice; of a row of no list 4, by what was done."""
    fill(settings, MORE_OUTCOMES)
    with open_warehouse(settings, "test") as warehouse:
        found = worked_minutes(warehouse, Night(settings, RUN_DATE))
    assert found.to_dict("records") == [{"action": "call", "row_count": 2, "minutes": pytest.approx(112.5)}]


def test_what_became_of_them_by_hand(settings):
    fill(settings, ROWS)
    publish(settings, LISTED, FIRST_NIGHT)
    check_by_hand(read(settings))
    check_minutes(settings)


@pytest.mark.slow
def test_the_same_on_postgresql(company, postgres_url):
    settings = fill(fill(company(f'{TOML}[warehouse]\nurl = "{postgres_url}"\n'), TABLES), ROWS)
    publish(settings, LISTED, FIRST_NIGHT)
    check_by_hand(read(settings))
    check_minutes(settings)


def test_the_night_counts_and_tells_what_was_recorded_against_the_rules(settings, caplog):
    fill(settings, ROWS)
    publish(settings, LISTED, FIRST_NIGHT)
    with caplog.at_level("INFO"):
        summary = measure_outreach(settings, RUN_DATE)
    told = {name: summary[name] for name in ("holdout_contacted", "outcomes_never_listed", "outcomes_repeated")}
    assert told == {"holdout_contacted": 1, "outcomes_never_listed": 1, "outcomes_repeated": 1}
    assert [record.message for record in caplog.records if record.name.endswith("measure_outreach")] == [
        "1 account of the holdout was contacted all the same; whoever calls must keep to the list",
        "1 outcome is of a row, or of a customer, that was on no list",
        "1 outcome was recorded more than once",
    ]
    assert (summary["listed_accounts"], summary["holdout_accounts"]) == (4, 2)  # who was contacted stays in its arm


def test_an_outcome_without_a_row_is_of_its_customers_list(settings):
    """o5 above names no row, but its customer would have been listed; this one's was not, once before any was."""
    fill(settings, ROWS)
    fill(settings, """
        INSERT INTO staging.stg_outreach_outcomes VALUES
            ('o7', 'never listed', NULL, 'call', NULL, '2026-01-20 10:00+01', 'reached', 4),
            ('o8', 'never listed', NULL, 'call', NULL, '2025-11-20 10:00+01', 'reached', 4)
    """)  # fmt: skip
    publish(settings, LISTED, FIRST_NIGHT)
    summary = measure_outreach(settings, RUN_DATE)
    assert summary["outcomes_never_listed"] == 2
    assert "2 outcomes are of rows, or of customers, that were on no list" in summary["notes"]


def test_an_account_counts_from_its_first_night_in_whichever_revision(settings):
    publish(settings, LISTED, [listing("c1")])
    publish(settings, LISTED, [listing("c1"), listing("c2")], revision=2)
    publish(settings, LISTED + timedelta(days=1), [listing("c2", row_id="later"), listing("c3")])
    publish(settings, RUN_DATE, [listing("c4")])
    accounts = read(settings).accounts.set_index("account_id")
    assert accounts["listed_on"].dt.date.to_dict() == {"a1": LISTED, "a2": LISTED, "a3": LISTED + timedelta(days=1)}
    assert read(settings, LISTED + timedelta(days=1)).accounts["account_id"].tolist() == ["a1", "a2"]


def test_lists_are_copied_once_and_outlive_their_nights(settings):
    publish(settings, LISTED, FIRST_NIGHT)
    with open_warehouse(settings, "test") as warehouse:
        assert record_listings(warehouse, Night(settings, RUN_DATE)) == 6
        assert record_listings(warehouse, Night(settings, RUN_DATE)) == 0
        (Night(settings, LISTED).published / LISTED.isoformat()).rename(settings.var_path / "gone")
        assert record_listings(warehouse, Night(settings, RUN_DATE)) == 0
    assert len(read(settings).accounts) == 6


def test_who_was_forgotten_is_not_copied_again(settings):
    publish(settings, LISTED, FIRST_NIGHT)
    fill(
        settings,
        "CREATE TABLE forestall.forgotten AS SELECT 'c2' AS customer_id",
    )
    assert "a2" not in set(read(settings).accounts["account_id"])


def test_a_backfills_lists_teach_nothing(settings):
    backfill = settings.model_copy(update={"is_backfill": True})
    publish(backfill, LISTED, FIRST_NIGHT)
    assert read(backfill).accounts.empty


def test_a_shops_customer_has_left_when_nothing_was_bought_in_the_window(company):
    toml = TOML + '[churn]\nrule = "inactivity"\ninactive_days = 30\nhorizons = [30]\nmain_horizon = 30\n'
    settings = fill(company(toml), TABLES)
    # c1 buys within the window, c2 comes back on its last day, c3 on the day after, c4 never.
    fill(settings, """
        INSERT INTO intermediate.int_customer_spells VALUES
            ('c1', 1, '2025-12-01', '2026-02-14', '2026-02-14', false),
            ('c2', 1, '2025-12-01', '2026-01-15', '2026-01-15', false),
            ('c2', 2, '2026-02-08', NULL, '2026-07-01', false),
            ('c3', 1, '2025-12-01', '2026-01-15', '2026-01-15', false),
            ('c3', 2, '2026-02-09', NULL, '2026-07-01', false),
            ('c4', 1, '2025-12-01', '2026-01-15', '2026-01-15', false);
        INSERT INTO intermediate.int_activity_versions VALUES
            ('c1', '2026-01-15', 'purchase', 100, true, '2026-01-16 00:00+00', '9999-12-31 00:00+00'),
            ('c1', '2026-01-20', 'return', -40, false, '2026-01-21 00:00+00', '9999-12-31 00:00+00'),
            ('c1', '2026-01-20', 'visit', 7, false, '2026-01-21 00:00+00', '9999-12-31 00:00+00'),
            ('c1', '2026-02-09', 'purchase', 100, true, '2026-02-10 00:00+00', '9999-12-31 00:00+00'),
            ('c1', '2026-01-09', 'purchase', 10, true, '2026-01-10 00:00+00', '9999-12-31 00:00+00')
    """)  # fmt: skip
    publish(settings, LISTED, [listing(f"c{number}") for number in range(1, 5)])
    experiment = read(settings)
    accounts = experiment.accounts.set_index("account_id")
    assert accounts["left"].tolist() == [0, 0, 1, 1]
    assert accounts.loc["a1", ["margin", "margin_before"]].tolist() == pytest.approx([0.4 * 60, 0.4 * 10])
    assert (experiment.horizon_days, experiment.has_grace) == (30, False)


def test_the_cost_of_a_minute_is_the_one_known_that_night(settings):
    fill(settings, """
        INSERT INTO raw.costs VALUES
            ('agent', '2025-01-01', 0.7, '2025-01-01 00:00+00', 1),
            ('agent', '2026-06-02', 0.9, '2025-01-01 00:00+00', 1),
            ('agent', '2026-01-01', 0.8, '2026-06-02 00:00+00', 2),
            ('phone', '2026-01-01', 5, '2025-01-01 00:00+00', 1)
    """)  # fmt: skip
    with open_warehouse(settings, "test") as warehouse:
        assert agent_cost_per_minute(warehouse, Night(settings, RUN_DATE)) == 0.7
        assert agent_cost_per_minute(warehouse, Night(settings, date(2024, 1, 1))) is None


def test_a_night_before_anybody_was_listed_says_so(settings):
    summary = measure_outreach(settings, LISTED)
    assert summary["listed_accounts"] == summary["holdout_accounts"] == 0
    assert summary["effect"] == "nobody's outcome is known yet"
    assert Night(settings, LISTED).read("outreach_effect").empty
    assert Night(settings, LISTED).read("net_load").empty


def test_the_job_tells_a_measured_effect(settings):
    """A thousand accounts, half of them held out: 40 % leave, 20 % where they were listed."""
    rng = np.random.default_rng(8)
    names = [f"c{number}" for number in range(1000)]
    held, leaves = rng.random(1000) < 0.5, rng.random(1000)
    has_left = leaves < np.where(held, 0.4, 0.2)
    rows = [
        listing(name, "holdout" if is_held else "treatment", 0.5) for name, is_held in zip(names, held, strict=True)
    ]
    for night in range(10):
        publish(settings, LISTED + timedelta(days=night), rows[100 * night : 100 * (night + 1)])
    spells = pd.DataFrame(
        {"customer_id": names, "spell_number": 1, "started_on": date(2024, 1, 1), "is_involuntary": False,
         "left_on": np.where(has_left, pd.Timestamp("2026-02-01"), pd.NaT), "gone_on": date(2026, 2, 1)}
    )  # fmt: skip
    with open_warehouse(settings, "test") as warehouse:
        rows = spells.assign(left_on=pd.to_datetime(spells["left_on"]))
        warehouse.append("intermediate.int_customer_spells", pa.Table.from_pandas(rows, preserve_index=False))
        warehouse.execute("INSERT INTO raw.subscriptions VALUES ('s')")
    summary = measure_outreach(settings, RUN_DATE)
    assert "for the better" in summary["effect"]
    written = Night(settings, RUN_DATE).read("outreach_effect")
    row = written[(written["scope"] == ALL) & written["is_current"] & (written["measure"] == "left")].iloc[0]
    by_hand = has_left[~held].mean() - has_left[held].mean()
    assert row["effect"] == pytest.approx(by_hand, abs=0.02)
    assert (row["treatment_count"], row["holdout_count"]) == ((~held).sum(), held.sum())
    assert row["always_high"] < 0
    # Half of those who would leave are kept, and the playbook said a fifth.
    chances = Night(settings, RUN_DATE).read("save_chances").set_index(["action", "segment"])
    learned = chances.loc[("call", "home")]
    assert 0.35 < learned["learned_save_probability"] < 0.65
    assert learned["low"] > learned["prior_save_probability"] == 0.2
    assert learned[["expected_minutes", "worked_row_count"]].tolist() == [10.0, 0]  # nobody recorded minutes
    assert "moved most: call from 0.20" in summary["learned"]
    assert "no uplift model yet" in summary["learned"]
    again = measure_outreach(settings, RUN_DATE)
    assert again == summary
    pd.testing.assert_frame_equal(Night(settings, RUN_DATE).read("outreach_effect"), written)
