"""Plans of demo companies: made from what was known, lived through with what came, kept for the same code."""

import pandas as pd
import pytest
from rich.console import Console

from forestall.jobs.backtest_staffing import OUTREACH
from forestall.shifts.lived import KNOWING, NONE, WAYS
from forestall.simulation.staffing import backtest_demo_staffing
from forestall.staffing.lived import FUTURE, PLANS


@pytest.mark.slow
def test_a_company_is_lived_through_once_and_remembered(tmp_path):
    def table():
        console = Console(record=True, width=200)
        found = backtest_demo_staffing(tmp_path, [1], "base", 1, 7, console, scale=0.03)
        return found.set_index("plan"), console.export_text()

    first, told = table()
    assert list(first.index) == list(PLANS)
    assert "base-1: its history is made and read" in told
    assert "seeds 1 together" in told
    assert "firm_and_if_quiet" in told
    assert first.loc[FUTURE, "hours_ratio"] == 1
    assert first["days_in_standard"].between(0, 1).all()
    outreach = pd.read_parquet(tmp_path / OUTREACH).set_index("way")
    assert list(outreach.index) == list(WAYS)
    assert outreach.loc[NONE, "minutes"] == 0
    assert outreach.loc[KNOWING, "of_value"] == 1
    again, told = table()
    assert "its history" not in told
    assert again.equals(first)
