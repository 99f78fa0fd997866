"""What tests of jobs that read contact volumes share: a warehouse that holds just these tables."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from forestall.history.contacts import CHANGES
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

HOURLY = """
[company]
time_zone = "America/New_York"
[volume]
interval_minutes = 60
backtest_cutoffs = 2
"""
MORNINGS = 'default: {hours: {default: "09:00-13:00", saturday: closed, sunday: closed}}\n'
LAST = date(2026, 3, 20)  # a Friday

STAFFING_TABLES = """
    CREATE TABLE marts.fct_agent_time (local_on DATE, team VARCHAR, activity VARCHAR, is_planned BOOLEAN,
        agent_count BIGINT, agent_s BIGINT);
    CREATE TABLE marts.fct_contact_volume (queue VARCHAR, local_on DATE, abandoned_count BIGINT, wait_time_s BIGINT);
    CREATE TABLE intermediate.int_interaction_versions (queue VARCHAR, channel VARCHAR, agent_id VARCHAR,
        taken_at TIMESTAMPTZ, handle_time_s BIGINT, is_live BOOLEAN, started_on DATE, valid_from TIMESTAMPTZ,
        valid_to TIMESTAMPTZ);
    CREATE TABLE raw.backlog (
        queue VARCHAR, counted_at TIMESTAMPTZ, open_count BIGINT, known_at TIMESTAMPTZ, pull_id BIGINT)
"""


def fill(settings: Settings, calendar: str, tables: Mapping[str, pd.DataFrame | pa.Table]) -> Settings:
    """Write `calendar.yml` and put each `schema.table` in place of the one the warehouse holds."""
    (settings.root / "calendar.yml").write_text(calendar)
    with open_warehouse(settings, "test") as warehouse:
        scratch = warehouse.scratch()
        for name, rows in tables.items():
            scratch.register("given", rows)
            scratch.execute(f"CREATE OR REPLACE TABLE {name} AS FROM given").fetchall()
    return settings


def add_staffing_tables(settings: Settings) -> None:
    """Empty tables of what staffing reads beside the contacts."""
    with open_warehouse(settings, "test") as warehouse:
        for statement in STAFFING_TABLES.split(";"):
            warehouse.execute(statement)


def morning_office(settings: Settings) -> Settings:
    """Three months of one queue of calls, `a`, on weekdays from nine to one: 60 to 100 an hour, more towards Friday."""
    days = pd.bdate_range(LAST - timedelta(days=90), LAST)
    local = (days.to_numpy()[:, None] + np.array([9, 10, 11, 12], dtype="timedelta64[h]")).ravel()
    at = pd.DatetimeIndex(local).tz_localize("America/New_York")
    mean = 60 + 10 * np.asarray(at.day_of_week)
    count = np.random.default_rng(1).poisson(mean)
    rows = pd.DataFrame(
        {"queue": "a", "channel": "phone", "interval_start_at": at.tz_convert("UTC"), "local_on": at.date,
         "known_on": (at.tz_localize(None).normalize() + pd.Timedelta(days=1)).date, "offered_count": count,
         "handled_count": count, "redial_count": 0, "handle_time_s": 0}
    )  # fmt: skip
    return fill(settings, MORNINGS, {CHANGES: rows})
