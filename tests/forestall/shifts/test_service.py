"""What a plan gives: nothing with nobody, all with plenty, Erlang's share in between; losses drawn as they are."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.shifts.plan import plan_shifts
from forestall.shifts.rules import Pattern, StaffingRules
from forestall.shifts.service import Losses, QueueLoad, simulate_plan
from forestall.staffing.queueing import evaluate
from forestall.staffing.standards import Standards

MONDAY, BERLIN = date(2026, 3, 2), ZoneInfo("Europe/Berlin")
CONTACTS, HANDLE_S = 60.0, 300.0  # an hour: 5 erlangs


def service(agents, losses, patience_s=180.0):
    starts = pd.date_range(MONDAY, periods=24, freq="h", tz=BERLIN)
    is_open = (starts.hour >= 8) & (starts.hour < 16)
    wanted = pd.DataFrame({"queue": "care", "interval_start_at": starts.tz_convert("UTC"), "local_on": MONDAY,
                           "agents": np.where(is_open, max(agents, 1), 0)})  # fmt: skip
    rules = StaffingRules(step_minutes=30, patterns={"eight": Pattern(starts=["08:00"], minutes=480)})
    roster = pd.DataFrame({"agent_id": [f"a{at}" for at in range(max(agents, 1))], "team": "t", "site": "s",
                           "skills": "care" if agents else "none", "contract_hours": 40.0, "hired_on": None,
                           "left_on": None})  # fmt: skip
    plan = plan_shifts(wanted, roster, rules, BERLIN, 3600)
    rates = np.repeat(np.where(is_open, CONTACTS, 0.0)[:, None], 7, axis=1)
    load = QueueLoad(
        Standards().for_queue("care", "phone"), patience_s, np.zeros(24), np.zeros(24), rates, np.full(24, HANDLE_S)
    )
    rows, occupancy = simulate_plan(plan, {"care": ["care"]}, {"care": load}, losses, ServiceLevelSettings(), 3)
    return rows.iloc[0], occupancy


def test_shrinkage_is_days_and_hours():
    losses = Losses.of(0.28, {"sick": 0.1, "training": 0.18})
    assert (losses.day, losses.within) == pytest.approx((0.1, 0.2))
    assert Losses.of(0.3, {}).day == 0.15
    assert Losses.of(0.0, {}) == Losses(0.0, 0.0)


def test_with_nobody_all_give_up():
    row, occupancy = service(0, Losses(0, 0))
    assert (row["service_level"], row["abandonment"], row["standard_probability"]) == (0.0, 1.0, 0.0)
    assert np.isnan(occupancy).all()


def test_as_many_as_given_serve_as_erlang_says():
    row, occupancy = service(6, Losses(0, 0))
    level = ServiceLevelSettings()
    told = evaluate(np.array([6]), CONTACTS / 3600, HANDLE_S, 180.0, 20.0, level.short_abandon_s, level.formula)
    # A day begins empty, so it is a little better; 20 days of 480 contacts know it within some 4 points.
    assert row["service_level"] == pytest.approx(float(np.ravel(told.service_level)[0]), abs=0.05)
    assert np.nanmean(occupancy) == pytest.approx(float(np.ravel(told.occupancy)[0]), abs=0.05)
    assert row["contacts"] == 480


def test_who_is_away_is_missed():
    all_there, _ = service(8, Losses(0, 0))
    some_away, _ = service(8, Losses(0.25, 0))
    hours_lost, _ = service(8, Losses(0, 0.25))
    assert some_away["service_level"] < all_there["service_level"] - 0.05
    assert hours_lost["service_level"] < all_there["service_level"] - 0.05
    # Days on which many are away at once are worse than the same loss spread over all days.
    assert some_away["service_level_low"] < hours_lost["service_level_low"]


def test_what_is_simulated_has_its_range():
    """Twenty days each: most lie around the mean, and days on which a quarter may be away differ more."""
    alike, _ = service(8, Losses(0, 0.25))
    uneven, _ = service(8, Losses(0.25, 0))
    for name in ("service_level", "asa_s", "abandonment", "occupancy"):
        for row in (alike, uneven):
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"], name
        width = {key: row[f"{name}_high"] - row[f"{name}_low"] for key, row in (("alike", alike), ("uneven", uneven))}
        assert width["uneven"] > width["alike"], name


def test_where_nobody_is_there_waits_have_no_range():
    row, _ = service(0, Losses(0, 0))
    assert (row["abandonment_low"], row["abandonment_high"]) == (1.0, 1.0)
    assert "asa_s_low" not in row
    assert pd.isna(row["occupancy"])
