"""Whole agents for work that may wait: enough for every due time, none too many, at most as many at once as needed."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forestall.staffing.deferred import smoothest
from forestall.staffing.fewest import done_by, fewest_agents


def limits(seed, count, allowed, mean):
    """Running totals of random work, in agent intervals, that may wait up to `allowed` intervals."""
    rng = np.random.default_rng(seed)
    work = rng.exponential(mean, count) * (rng.random(count) < 0.7)
    due = np.minimum(np.arange(count) + rng.integers(0, allowed), count - 1)
    due = np.maximum.accumulate(due)
    return np.cumsum(work), np.cumsum(np.bincount(due, work, count))


def fewest(arrived, must_be_done, before=None):
    return fewest_agents(arrived, must_be_done, smoothest(arrived, must_be_done), before)


def is_enough(agents, arrived, must_be_done):
    """By doing it: whoever is there works while there is work, and nothing is late."""
    waits, done = 0.0, []
    for some, came in zip(agents, np.diff(arrived, prepend=0.0), strict=True):
        waits += came
        done.append(min(waits, float(some)))
        waits -= done[-1]
    return bool((np.cumsum(done) >= must_be_done - 1e-9).all())


def stretches(agents):
    return int(np.clip(np.diff(agents, prepend=0), 0, None).sum())


def test_by_hand():
    # A fifth in each of ten intervals, all due at the end: two, and the last fifth is not there before the tenth.
    arrived = np.arange(1, 11) / 5
    end = np.where(np.arange(10) < 9, 0.0, 2.0)
    assert fewest(arrived, end, before=0).tolist() == [0] * 8 + [1, 1]
    # What lies there in the morning is done at once by whoever comes first; whoever comes later waits till it is due.
    there = np.full(6, 1.5)
    late = np.where(np.arange(6) < 4, 0.0, 1.5)
    assert fewest(there, late).tolist() == [1, 1, 0, 0, 0, 0]
    assert fewest(there, late, before=0).tolist() == [0, 0, 0, 1, 1, 0]
    # Two agents for work of one interval, where nothing may wait.
    assert fewest(np.array([0, 1.2, 1.2]), np.array([0, 1.2, 1.2])).tolist() == [0, 2, 0]
    # Where it may wait an interval more, nobody needs a second one beside him.
    assert fewest(np.array([0, 1.2, 1.2]), np.array([0, 0, 1.2])).tolist() == [0, 1, 1]


@pytest.mark.parametrize("seed", range(60))
def test_no_plan_takes_fewer_and_none_of_these_has_a_lower_peak(seed):
    arrived, must_be_done = limits(seed, count=5, allowed=1 + seed % 5, mean=(0.3, 0.7)[seed % 2])
    found = fewest(arrived, must_be_done)
    assert is_enough(found, arrived, must_be_done)
    enough = [
        plan for plan in product(range(6), repeat=5)
        if sum(plan) <= found.sum() and is_enough(plan, arrived, must_be_done)
    ]  # fmt: skip
    assert found.max() <= 5
    assert min(sum(plan) for plan in enough) == found.sum()
    assert min(max(plan) for plan in enough if sum(plan) == found.sum()) == found.max()


@pytest.mark.parametrize("seed", range(40))
def test_where_one_agent_is_enough_no_plan_comes_less_often(seed):
    arrived, must_be_done = limits(seed, count=11, allowed=6, mean=0.25)
    found = fewest(arrived, must_be_done, before=0)
    if found.max() > 1:
        pytest.skip("two at once")
    plans = [plan for plan in product(range(2), repeat=11) if sum(plan) == found.sum()]
    assert min(stretches(plan) for plan in plans if is_enough(plan, arrived, must_be_done)) == stretches(found)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), allowed=st.integers(1, 30), mean=st.sampled_from([0.05, 0.5, 3.0, 40.0]))
def test_all_is_done_in_time_and_a_plan_that_was_kept_goes_on(seed, allowed, mean):
    arrived, must_be_done = limits(seed, 60, allowed, mean)
    found = fewest(arrived, must_be_done)
    assert is_enough(found, arrived, must_be_done)
    done = np.cumsum(done_by(arrived, found.astype(float)))
    assert done[-1] == pytest.approx(arrived[-1])
    now = int(np.random.default_rng(seed).integers(1, 60))
    left = (np.maximum(values[now:] - done[now - 1], 0.0) for values in (arrived, must_be_done))
    assert fewest(*left, before=int(found[now - 1])).sum() == found[now:].sum()


def test_a_running_total_of_others_is_theirs():
    # Who catches up has an interval and a half to spare: only half an interval is missing.
    arrived, taken = np.array([2.0, 2, 2, 2]), np.array([0, 0.5, 1.5, 1.5])
    due = np.array([0.0, 0, 0, 2])
    assert fewest_agents(arrived - taken, due - taken, np.full(4, 0.5)).sum() == 1
