"""Deferred work: nothing lost, nothing late that could be in time, and no smoother plan exists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from forestall.staffing.deferred import Waiting, place_whole, smoothest
from forestall.staffing.deferred import place as place_evenly
from forestall.staffing.intraday import still_waiting

HALF_HOUR = 1800


def place(*of, **more):
    return place_evenly(Waiting(*of, **more))


def starts(count):
    return np.arange(count) * HALF_HOUR


def test_by_hand_even_work_stays_and_a_peak_is_spread_over_its_two_hours():
    work = np.array([0, 4000, 0, 0, 0, 0], float)
    placed = place(starts(6), HALF_HOUR, np.ones(6, bool), work, 4 * HALF_HOUR)
    assert placed.work_s.tolist() == pytest.approx([0, 1000, 1000, 1000, 1000, 0])


def test_a_quarter_of_an_hour_leaves_no_room():
    work = np.array([300, 0, 900.0])
    assert place(starts(3), HALF_HOUR, np.ones(3, bool), work, 900).work_s.tolist() == [300, 0, 900]


def test_work_of_the_night_is_done_after_opening():
    is_open = np.array([False, False, True, True, True, True])
    work = np.array([600, 0, 0, 0, 0, 0], float)
    # due three half hours after it came: only the first open one is in time
    assert place(starts(6), HALF_HOUR, is_open, work, 3 * HALF_HOUR).work_s.tolist() == [0, 0, 600, 0, 0, 0]
    # due before opening: late whatever is done, and caught up within an hour
    late = place(starts(6), HALF_HOUR, is_open, work, HALF_HOUR, catch_up_s=3600)
    assert late.work_s.tolist() == [0, 0, 300, 300, 0, 0]
    assert late.late_s == 600
    # the business clock starts at opening
    business = place(starts(6), HALF_HOUR, is_open, work, 3 * HALF_HOUR, "business")
    assert business.work_s.tolist() == pytest.approx([0, 0, 200, 200, 200, 0])
    assert business.late_s == 0


def test_backlog_is_caught_up_from_the_first_opening():
    is_open = np.array([False, True, True, True])
    placed = place(starts(4), HALF_HOUR, is_open, np.zeros(4), 900, catch_up_s=3600, backlog_s=500)
    assert placed.work_s.tolist() == [0, 250, 250, 0]


def test_backlog_that_can_be_in_time_has_its_whole_time():
    placed = place(starts(4), HALF_HOUR, np.ones(4, bool), np.zeros(4), 3 * HALF_HOUR, catch_up_s=900, backlog_s=600)
    assert placed.work_s.tolist() == pytest.approx([200, 200, 200, 0])
    assert placed.late_s == 0


def test_work_that_still_waits_keeps_its_due_time():
    def placed(begins, is_open=(True,) * 6, clock="elapsed"):
        work = np.array([600, 0, 0, 0, 0, 0], float)
        begins_s = begins * HALF_HOUR
        return place(starts(6), HALF_HOUR, np.array(is_open), work, 3 * HALF_HOUR, clock, 3600, begins_s=begins_s)

    # in time until the end of the third half-hour
    assert placed(1).work_s.tolist() == [0, 300, 300, 0, 0, 0]
    assert placed(2).work_s.tolist() == [0, 0, 600, 0, 0, 0]
    assert placed(2).late_s == 0
    # overdue, and to be caught up within the hour from then
    assert placed(3).work_s.tolist() == [0, 0, 0, 300, 300, 0]
    assert placed(4).work_s.tolist() == [0, 0, 0, 0, 600, 0]
    assert placed(3).late_s == 600
    # the business clock ran for two half-hours, stood still for two, and has one left
    pause = (True, True, False, False, True, True)
    assert placed(1, pause, "business").work_s.tolist() == [0, 300, 0, 0, 300, 0]
    assert placed(3, pause, "business").work_s.tolist() == [0, 0, 0, 0, 600, 0]
    assert placed(5, pause, "business").work_s.tolist() == [0, 0, 0, 0, 0, 600]
    assert placed(5, pause, "business").late_s == 600


@given(seed=st.integers(0, 10_000), clock=st.sampled_from(["elapsed", "business"]))
def test_a_plan_that_was_kept_so_far_goes_on_as_it_was(seed, clock):
    rng = np.random.default_rng(seed)
    count, is_open = 48, rng.random(48) < 0.8
    is_open[-8:] = True
    work, allowed_s = rng.exponential(100, count) * is_open, int(rng.integers(2, 9)) * HALF_HOUR
    before = place(starts(count), HALF_HOUR, is_open, work, allowed_s, clock, 3600)
    if before.late_s:
        return  # what is late is caught up beside what is not, and not in the order of arrival
    now = int(rng.integers(1, count - 1))
    came = np.where(np.arange(count) < now, work, 0.0)
    left, beyond = still_waiting(came, 0.0, float(before.work_s[:now].sum()))
    after = place(
        starts(count), HALF_HOUR, is_open, left + work - came, allowed_s, clock, 3600, begins_s=now * HALF_HOUR
    )
    assert beyond == pytest.approx(0, abs=1e-6)
    assert after.work_s[now:] == pytest.approx(before.work_s[now:], abs=1e-6)
    assert after.work_s[:now] == pytest.approx(0, abs=1e-6)


def test_a_queue_that_never_opens_places_nothing_and_says_so():
    placed = place(starts(3), HALF_HOUR, np.zeros(3, bool), np.array([1.0, 2.0, 3.0]), 900, backlog_s=4)
    assert (placed.work_s.sum(), placed.unplaced_s) == (0, 10)


@given(seed=st.integers(0, 10_000), allowed_s=st.sampled_from([900, 1800, 3600, 9000, 14_400]))
def test_all_work_is_placed_once_in_open_intervals(seed, allowed_s):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    is_open, work = rng.random(count) < 0.6, rng.exponential(100, count) * (rng.random(count) < 0.8)
    clock, backlog_s = rng.choice(["elapsed", "business"]), float(rng.choice([0, 700]))
    begins_s = int(rng.integers(0, count)) * HALF_HOUR
    placed = place(starts(count), HALF_HOUR, is_open, work, allowed_s, clock, 3600, backlog_s, begins_s)
    assert placed.work_s[starts(count) < begins_s] == pytest.approx(0, abs=1e-6)
    assert placed.work_s.sum() + placed.unplaced_s == pytest.approx(work.sum() + backlog_s)
    assert (placed.work_s[~is_open] == 0).all()
    assert (placed.work_s >= -1e-6).all()


def limits(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 40))
    work = rng.exponential(1, count) * (rng.random(count) < 0.7)
    due = np.minimum(np.arange(count) + rng.integers(0, 6), count - 1)
    return np.cumsum(work), np.cumsum(np.bincount(due, work, count))


@given(seed=st.integers(0, 10_000))
def test_the_pace_keeps_its_limits_and_bends_only_where_it_touches_one(seed):
    # A path between two limits is the smoothest exactly if it speeds up only where it leans on what
    # has arrived, and slows down only where it leans on what is due.
    arrived, must_be_done = limits(seed)
    pace = smoothest(arrived, must_be_done)
    done = np.cumsum(pace)
    assert (done <= arrived + 1e-6).all()
    assert (done >= must_be_done - 1e-6).all()
    change = np.diff(pace)
    assert done[:-1][change > 1e-6] == pytest.approx(arrived[:-1][change > 1e-6], abs=1e-6)
    assert done[:-1][change < -1e-6] == pytest.approx(must_be_done[:-1][change < -1e-6], abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_no_plan_has_a_lower_peak(seed):
    arrived, must_be_done = limits(seed)
    count = arrived.size
    running = np.tril(np.ones((count, count)))
    # variables: work in each interval, and the peak, which is minimised
    least = linprog(
        np.concatenate([np.zeros(count), [1.0]]),
        A_ub=np.block([
            [running, np.zeros((count, 1))], [-running, np.zeros((count, 1))], [np.eye(count), -np.ones((count, 1))]
        ]),
        b_ub=np.concatenate([arrived, -must_be_done, np.zeros(count)]),
    )  # fmt: skip
    assert smoothest(arrived, must_be_done).max() == pytest.approx(least.fun, abs=1e-6)


def test_a_bend_may_be_hundreds_of_intervals_away():
    work = np.zeros(3000)
    work[[0, 2000]] = [1500, 9000]
    placed = place(starts(3000), HALF_HOUR, np.ones(3000, bool), work, 1500 * HALF_HOUR)
    assert placed.work_s[:1500] == pytest.approx(np.ones(1500))
    assert placed.work_s[1500:2000].tolist() == [0] * 500
    assert placed.work_s[2000:] == pytest.approx(np.full(1000, 9))


def test_whole_agents_leave_what_they_have_to_spare_when_they_catch_up():
    # A quarter of an hour's standard: what came in the night is overdue, what comes at eight is done at once.
    is_open = np.array([False, False, True, True, True, True])
    work = np.array([600, 0, 400, 0, 0, 0], float)
    found = place_whole(Waiting(starts(6), HALF_HOUR, is_open, work, 900, catch_up_s=3600), agent_s=1000)
    assert found.agents.tolist() == [0, 0, 1, 0, 0, 0]
    assert found.work_s.tolist() == pytest.approx([0, 0, 1000, 0, 0, 0])
    assert found.late_s == 600


def test_whoever_is_at_it_goes_on_and_nobody_begins_again():
    work = np.array([0, 3000, 0, 0, 0, 0, 0, 0], float)

    def agents(before):
        waiting = Waiting(starts(8), HALF_HOUR, np.ones(8, bool), work, 7 * HALF_HOUR, begins_s=2 * HALF_HOUR)
        return place_whole(waiting, 1000, before).agents.tolist()

    assert agents(before=1) == [0, 0, 1, 1, 1, 0, 0, 0]
    assert agents(before=0) == [0, 0, 0, 0, 0, 1, 1, 1]


@given(seed=st.integers(0, 10_000), allowed_s=st.sampled_from([900, 3600, 14_400]))
def test_whole_agents_do_all_that_can_be_placed_in_open_intervals(seed, allowed_s):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    is_open, work = rng.random(count) < 0.6, rng.exponential(100, count) * (rng.random(count) < 0.8)
    clock, backlog_s = rng.choice(["elapsed", "business"]), float(rng.choice([0, 700]))
    begins_s = int(rng.integers(0, count)) * HALF_HOUR
    waiting = Waiting(starts(count), HALF_HOUR, is_open, work, allowed_s, clock, 3600, backlog_s, begins_s)
    found, even = place_whole(waiting, 300), place_evenly(waiting)
    assert found.work_s.sum() + found.unplaced_s == pytest.approx(work.sum() + backlog_s)
    assert (found.unplaced_s, found.late_s) == (even.unplaced_s, even.late_s)
    assert (found.agents[~is_open | (starts(count) < begins_s)] == 0).all()
    assert (found.work_s <= 300 * found.agents + 1e-6).all()
    assert (found.work_s >= -1e-6).all()
    if not found.late_s and not backlog_s:  # what is overdue has people of its own, less what they have to spare
        assert found.agents.sum() <= np.ceil(np.round(even.work_s / 300, 9)).sum()
