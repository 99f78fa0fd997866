"""What the model of a week could give to nobody is covered by whoever has hours left, if that is worth its pay."""

import numpy as np
import pytest

from forestall.shifts.rules import Break, Pattern, Site, StaffingRules
from tests.forestall.shifts.test_plan import HOUR, agents, hours_short, need, plan

LATE = dict.fromkeys(range(14, 22), 2)
EARLY_AND_LATE = dict.fromkeys(range(6, 22), 1)


def rules(starts=(6, 9, 14), breaks=(), **given):
    pattern = Pattern(starts=[hour * HOUR for hour in starts], minutes=8 * HOUR, breaks=list(breaks))
    return StaffingRules(**({"step_minutes": 30, "rest_hours": 11.0, "patterns": {"day": pattern}} | given))


def test_who_may_not_come_early_after_a_late_shift_comes_as_soon_as_the_rest_is_over():
    """Both work until ten at night, so nobody may begin at six; at nine one may, and covers five of the eight hours."""
    found = plan(need([LATE, EARLY_AND_LATE]), agents(2), rules())
    assert hours_short(found) == 3.0
    second = found.shifts[found.shifts["local_on"] == found.grid.days[1]].set_index("is_assigned")
    begins = (second["first"] - found.grid.day_start[1]) / 2
    assert sorted(begins[True]) == [9, 14]
    assert begins[False] == 6  # still open: the first three hours want somebody


def test_the_added_shift_rests_where_least_is_short():
    """From two o'clock on the other one is there, so the break is taken then."""
    lunch = Break(minutes=60, earliest=2 * HOUR, latest=6 * HOUR)
    found = plan(need([LATE, EARLY_AND_LATE]), agents(2), rules(breaks=[lunch]))
    added = found.shifts[found.shifts["is_assigned"] & (found.shifts["first"] == found.grid.day_start[1] + 18)].iloc[0]
    (first, last) = added["breaks"][0]
    assert (first, last) == (found.grid.day_start[1] + 28, found.grid.day_start[1] + 30)


@pytest.mark.parametrize("given", [{"starts": (6, 14)}, {"days_a_week": 1}])
def test_nothing_is_added_that_no_rule_allows(given):
    found = plan(need([LATE, EARLY_AND_LATE]), agents(2), rules(**given))
    second = found.shifts[found.shifts["is_assigned"] & (found.shifts["local_on"] == found.grid.days[1])]
    assert not (second["first"] == found.grid.day_start[1] + 18).any()


def test_seats_are_counted_by_the_model_alone():
    found = plan(need([LATE, EARLY_AND_LATE]), agents(2), rules(sites={"here": Site(most_agents=2)}))
    assert hours_short(found) == 8.0


def test_nobody_works_beyond_the_rules_in_what_is_added():
    """Of random needs on a tight roster: hours, rest and one shift a day hold, added shifts included."""
    rng = np.random.default_rng(4)
    for _ in range(5):
        days = [{hour: int(rng.integers(0, 3)) for hour in range(6, 22)} for _ in range(5)]
        found = plan(need(days), agents(3), rules())
        mine = found.shifts[found.shifts["is_assigned"]].sort_values(["slot", "first"])
        assert mine.groupby("slot")["paid_h"].sum().max() <= 40
        assert not mine.duplicated(["slot", "local_on"]).any()
        rest = mine["first"] - mine.groupby("slot")["last"].shift()
        assert rest.dropna().min() >= 22
        assert found.bound <= found.cost + 1e-6


def test_an_open_shift_whose_hours_somebody_else_covers_is_no_longer_asked_for():
    """The cheapest begins at eight, when nobody has rested; who comes at ten covers all that was asked for."""
    dearer = Pattern(starts=[10 * HOUR], minutes=9 * HOUR)
    cheaper = Pattern(starts=[8 * HOUR, 14 * HOUR], minutes=8 * HOUR)
    given = rules(patterns={"eight": cheaper, "nine": dearer})
    found = plan(need([LATE, dict.fromkeys(range(10, 16), 1)]), agents(2, hours=50.0), given)
    assert hours_short(found) == 0.0
    assert found.shifts["pattern"].tolist() == ["eight", "eight", "nine"]
    assert found.shifts["is_assigned"].all()
