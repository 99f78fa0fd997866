"""Plans of the past lived through, at a company that plans no shifts."""

from pathlib import Path

import pandas as pd
import pytest

from forestall.jobs.backtest_staffing import DAYS, OUTREACH, backtest_staffing
from forestall.staffing.lived import FUTURE, OURS
from tests.forestall.jobs.volumes import HOURLY, add_staffing_tables, morning_office


@pytest.fixture
def settings(company):
    settings = morning_office(company(HOURLY))
    add_staffing_tables(settings)
    return settings


def test_without_shift_patterns_plans_are_lived_through_without_outreach(settings, capsys):
    found = backtest_staffing(settings, cutoffs=2, horizon_days=7)
    folder = Path(str(found["folder"]))
    assert pd.read_parquet(folder / OUTREACH).empty
    assert 0.9 < found[f"{OURS}_agent_hours"] / found[f"{FUTURE}_agent_hours"] < 1.2
    assert FUTURE in capsys.readouterr().out


def test_a_day_is_lived_through_once_for_each_cutoff_that_planned_it(settings):
    """Two Mondays, two weeks each: the last week is planned by both; the contacts end after it."""
    found = backtest_staffing(settings, cutoffs=2, horizon_days=14)
    days = pd.read_parquet(Path(str(found["folder"])) / DAYS)
    ours = days[days["plan"] == OURS]
    assert ours.groupby("cutoff_on").size().tolist() == [10, 5]
    assert ours.groupby("day_on").size().tolist() == [1] * 5 + [2] * 5
