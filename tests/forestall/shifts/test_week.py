"""How the plans of days are brought together: by prices, and by planning again what nobody can work."""

import numpy as np
import pandas as pd
import pytest

from forestall.shifts import week
from forestall.shifts.rules import Break, Pattern
from tests.forestall.shifts.test_plan import HOUR, agents, need, plan, rules

LUNCH = Break(minutes=30, earliest=180, latest=300)
PATTERNS = {
    "full": Pattern(starts=[8 * HOUR, 9 * HOUR], minutes=8 * HOUR, breaks=[LUNCH]),
    "half": Pattern(starts=[8 * HOUR, 10 * HOUR, 12 * HOUR, 13 * HOUR], minutes=4 * HOUR),
}


def busy_week(seed):
    """Three queues with one day on which each needs two more, and twelve people of whom half can do two queues."""
    rng = np.random.default_rng(seed)
    peak = int(rng.integers(0, 5))
    needs = [
        need([
            *({hour: int(rng.integers(1, 3)) + 2 * (day == peak) for hour in range(8, 17)} for day in range(5)), {}, {}
        ], queue=queue)
        for queue in ("a", "b", "c")
    ]  # fmt: skip
    skills = ["a", "b", "c", "a,b", "b,c", "a,c"] * 2
    return plan(pd.concat(needs, ignore_index=True), agents(12, skills=skills), rules(patterns=PATTERNS))


@pytest.mark.parametrize("seed", [3, 4])
def test_a_day_whose_shifts_nobody_can_work_is_planned_with_those_that_somebody_can(seed, monkeypatch):
    at_last = busy_week(seed)
    monkeypatch.setattr(week, "ROUNDS", 1)  # so that prices have no say
    mended = busy_week(seed)
    monkeypatch.setattr(week, "_workable", lambda picked: ({} for _ in picked.plans))
    as_first_picked = busy_week(seed)
    assert mended.cost < as_first_picked.cost
    assert at_last.cost <= mended.cost + 1e-6
    assert at_last.gap < 0.01


def test_prices_alone_share_out_what_the_week_has_too_few_of(monkeypatch):
    """Two shifts of eight hours or four of four are as cheap; four people, 20 hours, three days work 8 of the ones."""
    both = {"full": Pattern(starts=[8 * HOUR], minutes=8 * HOUR),
            "half": Pattern(starts=[8 * HOUR, 12 * HOUR], minutes=4 * HOUR)}  # fmt: skip
    monkeypatch.setattr(week, "_workable", lambda picked: ({} for _ in picked.plans))
    days = [dict.fromkeys(range(8, 16), 2)] * 5 + [{}, {}]
    found = plan(need(days), agents(4, hours=20.0), rules(patterns=both, days_a_week=3))
    assert (found.short.sum(), found.paid_h, found.cost, found.gap) == (0, 80.0, 80.0, 0.0)
    assert found.shifts["pattern"].value_counts().to_dict() == {"full": 8, "half": 4}
