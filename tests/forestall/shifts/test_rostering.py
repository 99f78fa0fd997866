"""Names on shifts: what one choice made impossible is put right by a chain of shifts handed on."""

import numpy as np
import pytest

from forestall.shifts.jobs import Jobs
from forestall.shifts.rostering import Crew, Limits, State, assign_week

EIGHT_HOURS = 16  # planning steps
DAY = 48


def jobs(groups):
    """One shift of eight hours a day from eight in the morning, each of its own group."""
    day = np.arange(len(groups))
    first = day * DAY + EIGHT_HOURS
    zeros = np.zeros(len(groups), np.int64)
    return Jobs(day, first, first + EIGHT_HOURS, zeros + 480, zeros + 8.0, zeros, np.array(groups), zeros)


def crew(may_serve, days):
    """Agents who work one day each."""
    count, groups = np.shape(may_serve)
    ones = np.ones(count, np.int64)
    return Crew(
        np.array(may_serve, bool), ones * 0, np.ones((count, days), bool), ones * 8.0, ones, ones[:, None],
        np.ones((count, groups, days, 1), bool), np.zeros(days, bool),
    )  # fmt: skip


def assigned(may_serve, groups):
    given = jobs(groups)
    people = crew(may_serve, len(groups))
    return assign_week(
        people, given, Limits(22, 6, "none", 0.5), State.fresh(len(people)), np.full(len(people), np.nan)
    ).tolist()


def test_a_shift_that_only_one_can_work_goes_to_them_through_a_chain_of_two():
    # Day by day the first who can takes each shift: then only agent 0 could work the third, and has had their day.
    may_serve = [[1, 0, 1], [1, 1, 0], [0, 1, 0]]
    assert assigned(may_serve, groups=[0, 1, 2]) == [1, 2, 0]


@pytest.mark.parametrize("length", [3, 6, 10])
def test_chains_may_be_as_long_as_they_have_to(length):
    """Each agent can do what the one before does, too; the last shift only the first agent can."""
    may_serve = np.eye(length, dtype=int) + np.eye(length, k=-1, dtype=int)
    may_serve[[0, -1], -1] = [1, 0]
    assert assigned(may_serve, groups=range(length)) == [*range(1, length), 0]


def test_where_no_chain_helps_the_shift_stays_open_and_all_else_as_it_was():
    assert assigned([[1, 0, 0], [0, 1, 0]], groups=[0, 1, 2]) == [0, 1, -1]


def test_a_shift_that_could_not_be_given_is_given_once_a_chain_is_free():
    """Of two open shifts the first finds nobody; the second does, and what was tried for the first is forgotten."""
    may_serve = [[1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 0]]
    assert assigned(may_serve, groups=[0, 1, 2, 3]) == [1, 2, -1, 0]
