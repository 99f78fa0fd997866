"""The job on a small warehouse: contacts whose truth is known stand for what was followed, all else is read."""

import numpy as np
import pandas as pd
import pytest

from features.published_churn import CHURN_SCORES
from forestall.jobs import value_agents as module
from forestall.jobs.plan_staffing import plan_staffing
from forestall.jobs.value_agents import value_agents
from forestall.night import Night
from forestall.staffing.wait_effect import CROWD, NAIVE
from forestall.warehouse import open_warehouse
from tests.forestall.jobs.test_plan_staffing import RUN_DATE, forecast
from tests.forestall.jobs.volumes import add_staffing_tables
from tests.forestall.staffing.test_wait_effect import TRUTH, contacts

TOML = """
[company]
time_zone = "Europe/Berlin"
[outreach]
discount_rate = 0.0
life_cap_months = 3
"""
TABLES = """
    ALTER TABLE intermediate.int_interaction_versions ADD COLUMN customer_id VARCHAR;
    ALTER TABLE intermediate.int_interaction_versions ADD COLUMN interval_start_at TIMESTAMPTZ;
    ALTER TABLE intermediate.int_interaction_versions ADD COLUMN topic VARCHAR;
    ALTER TABLE intermediate.int_interaction_versions ADD COLUMN wait_time_s BIGINT;
    ALTER TABLE intermediate.int_interaction_versions ADD COLUMN is_inbound BOOLEAN;
    CREATE TABLE raw.costs (kind VARCHAR, starts_on DATE, per_minute DECIMAL(18,4), known_at TIMESTAMPTZ,
        pull_id BIGINT);
    INSERT INTO raw.costs VALUES ('agent', '2025-01-01', 0.5, '2025-01-01', 1);
    CREATE TABLE marts.fct_customer_kpis (month_on DATE, segment VARCHAR, customer_count BIGINT, retention_rate DOUBLE);
    INSERT INTO marts.fct_customer_kpis VALUES ('2026-02-01', 'home', 100, 0.5)
"""
CALLERS = """
    INSERT INTO intermediate.int_interaction_versions
        (customer_id, queue, started_on, wait_time_s, is_inbound, is_live, valid_from, valid_to)
    SELECT customer_id, 'care', DATE '2026-02-20', 20, true, true, TIMESTAMPTZ '2026-02-20', TIMESTAMPTZ '9999-12-31'
    FROM (VALUES ('one'), ('one'), ('one'), ('two')) AS called(customer_id)
"""
A_LIFE = 0.5 + 0.25 + 0.125  # months of margin, half of all customers staying from month to month


@pytest.fixture
def night(company):
    settings = company(TOML)
    add_staffing_tables(settings)
    with open_warehouse(settings, "test") as warehouse:
        for statement in (TABLES + ";" + CALLERS).split(";"):
            warehouse.execute(statement)
    night = Night(settings, RUN_DATE)
    rows = forecast(("care", "phone"), ("mail", "email"))
    at_ten = rows["interval_start_at"] == rows["interval_start_at"].iloc[4]
    night.write("volume_forecast", rows.assign(is_open=~at_ten))
    scores = pd.DataFrame({
        "customer_id": ["one", "two", "brother", "silent"], "account_id": ["a1", "a2", "a2", "a3"], "horizon_days": 90,
        "churn_probability": 0.1, "monthly_margin": [8.0, 16.0, 24.0, 9999.0],
    })  # fmt: skip
    night.write("churn_scores", scores.reindex(columns=list(CHURN_SCORES.names)))
    plan_staffing(settings, RUN_DATE)
    return night


def priced(night, monkeypatch, followed):
    monkeypatch.setattr(module, "contacts_followed", lambda *_: followed)
    summary = value_agents(night.settings, RUN_DATE)
    return summary, night.read("wait_effect").set_index("approach"), night.read("agent_value")


def test_an_agent_is_worth_what_the_crowd_says_of_waits_and_the_accounts_of_callers(night, monkeypatch):
    summary, effects, found = priced(night, monkeypatch, contacts(1))
    crowd = effects.loc[CROWD]
    assert crowd["effect_low"] < TRUTH < crowd["effect_high"]
    assert (crowd["is_priced"], effects.loc[NAIVE, "is_priced"]) == (True, False)
    assert effects.loc[NAIVE, "effect_per_minute"] > crowd["effect_per_minute"]  # shown beside it
    # Three contacts of somebody with 8 a month, one of an account with 16 and 24.
    assert float(crowd["customer_value"]) == pytest.approx(A_LIFE * (3 * 8 + 40) / 4, abs=0.005)
    assert set(found["queue"]) == {"care"}  # nobody waits who writes
    assert len(found) == 15 == summary["intervals"]  # but for the interval that is closed
    plan = night.read("staffing_requirement").set_index(["queue", "interval_start_at"])
    at = pd.MultiIndex.from_frame(found[["queue", "interval_start_at"]])
    assert found["agents_net"].tolist() == plan.loc[at, "agents_net"].tolist()
    value = float(crowd["customer_value"])
    for column, effect in (("", "effect_per_minute"), ("_low", "effect_low"), ("_high", "effect_high")):
        expected = found["minutes_saved"] * crowd[effect] * value
        assert found[f"value_of_one_more{column}"].to_numpy(float) == pytest.approx(expected.to_numpy(float), abs=0.006)
    # Half an hour of an agent, 30 % of whose time is lost.
    assert found["agent_cost"].to_numpy(float) == pytest.approx(0.5 * 30 / 0.7, abs=0.006)
    assert found["agents_worthwhile"].notna().all()


def test_where_the_interval_spans_zero_nothing_is_published_but_the_reason(night, monkeypatch):
    summary, effects, found = priced(night, monkeypatch, contacts(2, truth=0.0))
    assert effects.loc[CROWD, "effect_low"] < 0 < effects.loc[CROWD, "effect_high"]
    assert effects.loc[NAIVE, "effect_low"] > 0  # the naive comparison would have given one
    assert not effects["is_priced"].any()
    assert found.empty
    assert summary["notes"].startswith("no price of an agent: each minute of waiting")


def test_without_margins_nobody_knows_what_a_leaver_costs(night, monkeypatch):
    night.write("churn_scores", night.read("churn_scores").assign(monthly_margin=np.nan))
    summary, effects, found = priced(night, monkeypatch, contacts(1))
    assert effects.loc[CROWD, "effect_low"] > 0
    assert found.empty
    assert "no margin is known" in summary["notes"]
