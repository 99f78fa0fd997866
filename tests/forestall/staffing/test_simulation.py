"""Contacts are settled one by one: by hand on few, by a plain event simulation on many, by Erlang in the long run."""

import heapq

import numpy as np
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.staffing.idle import Outreach
from forestall.staffing.promise import Promise
from forestall.staffing.queueing import evaluate
from forestall.staffing.simulation import Arrivals, draw_arrivals, simulate

HOUR = 3600.0


def arrivals(at, handle, patience):
    one = [np.array([values], float) for values in (at, handle, patience)]
    return Arrivals(*one, np.zeros((1, len(at)), np.int64))


def test_three_contacts_and_one_agent_by_hand():
    served = simulate(arrivals([0, 10, 20], [100, 50, 50], [1e9, 30, 1e9]), np.array([[1]]), HOUR)
    # The second gives up after 30 s of 90; the third is answered when the first ends.
    assert served.wait_s.tolist() == [[0, 30, 80]]
    assert served.is_abandoned.tolist() == [[False, True, False]]
    assert served.busy_s.tolist() == [[150]]


def test_an_agent_who_goes_ends_the_contact_and_the_next_waits_for_who_comes():
    agents = np.array([[1, 0, 2]])
    served = simulate(arrivals([50, 90, 250], [80, 10, 10], [1e9] * 3), agents, 100.0)
    assert served.wait_s.tolist() == [[0, 110, 0]]
    assert served.busy_s.tolist() == [[50, 30, 20]]


def test_where_nobody_ever_is_all_give_up():
    served = simulate(arrivals([10, 20], [5, 5], [30, np.inf]), np.array([[0, 0]]), 100.0)
    assert served.is_abandoned.all()
    assert served.wait_s.tolist() == [[30, 180]]


def by_events(at, handle, patience, agents):
    """The plain way, for a constant number of agents: events in a heap, a queue from which people vanish."""
    events = [(moment, 1, contact) for contact, moment in enumerate(at)]
    heapq.heapify(events)
    idle, queue, wait, gave_up = agents, [], np.full(len(at), np.nan), np.zeros(len(at), bool)
    while events:
        moment, kind, contact = heapq.heappop(events)
        if kind == 1:
            queue.append(contact)
            heapq.heappush(events, (moment + patience[contact], 2, contact))
        elif kind == 2:
            if contact in queue:
                queue.remove(contact)
                gave_up[contact], wait[contact] = True, patience[contact]
        else:
            idle += 1
        while idle and queue:
            following = queue.pop(0)
            idle -= 1
            wait[following] = moment - at[following]
            heapq.heappush(events, (moment + handle[following], 0, following))
    return wait, gave_up


def test_equal_to_an_event_simulation():
    rng = np.random.default_rng(3)
    at = np.sort(rng.random(400) * HOUR)
    handle, patience = rng.exponential(120, 400), rng.exponential(90, 400)
    wait, gave_up = by_events(at, handle, patience, 12)
    served = simulate(arrivals(at, handle, patience), np.array([[12]]), HOUR)
    assert served.is_abandoned[0].tolist() == gave_up.tolist()
    assert 0.05 < gave_up.mean() < 0.5
    np.testing.assert_allclose(served.wait_s[0], wait, atol=1e-9)


@pytest.mark.parametrize(("agents", "patience"), [(11, 120.0), (13, np.inf)])
def test_the_long_run_is_erlangs(agents, patience):
    rng, hours, lanes = np.random.default_rng(5), 8, 60
    rates = np.full((lanes, 1, hours), 200.0)
    drawn = draw_arrivals(rng, rates, np.array([[180.0]]), np.array([patience]), HOUR)
    served = simulate(drawn, np.full((lanes, hours), agents), HOUR)
    warm = np.isfinite(drawn.at_s) & (drawn.at_s > HOUR)
    in_time = np.array(
        [(~served.is_abandoned & (served.wait_s <= 20))[lane][warm[lane]].mean() for lane in range(lanes)]
    )
    told = evaluate(np.array([agents]), 200 / HOUR, 180.0, patience, 20.0, 0.0, "answered_in_standard_over_offered")
    error = in_time.std(ddof=1) / np.sqrt(lanes)
    assert abs(in_time.mean() - float(np.ravel(told.service_level)[0])) < 3.5 * error
    busy = served.busy_s[:, 1:].sum() / (lanes * (hours - 1) * agents * HOUR)
    assert busy == pytest.approx(float(np.ravel(told.occupancy)[0]), abs=0.02)


def calls(idle, contact_s, intervals=1):
    return Outreach(idle, contact_s, np.ones(intervals, bool))


def test_outreach_begins_as_soon_as_one_more_is_idle_by_hand():
    # Two agents, one of whom has to stay idle: the other calls for 100 s on end until 300 s, when both are wanted.
    comers = arrivals([300, 300, 300], [100, 100, 50], [1e9] * 3)
    served = simulate(comers, np.array([[2]]), 1000.0, calls(1, 100))
    # At 300 s a call has just ended and another would begin; who comes at that instant is first.
    assert served.wait_s.tolist() == [[0, 0, 100]]
    # 0 to 300, then from 450 (both idle again) to 950: the one from 950 would end too late.
    assert served.outreach_s.tolist() == [[800]]
    assert served.busy_s.tolist() == [[250]]


def test_outreach_makes_who_comes_wait():
    served = simulate(arrivals([50], [10], [1e9]), np.array([[1]]), 1000.0, calls(0, 100))
    assert served.wait_s.tolist() == [[50]]


def test_no_outreach_where_nobody_may_be_called_or_the_agent_goes_too_soon():
    nobody_comes = arrivals([np.inf], [0], [np.inf])
    allowed = Outreach(0, 100, np.array([True, False, True]))
    served = simulate(nobody_comes, np.array([[1, 1, 1]]), 1000.0, allowed)
    assert served.outreach_s.tolist() == [[1000, 0, 900]]
    goes = simulate(nobody_comes, np.array([[1, 0]]), 1000.0, calls(0, 600, 2))
    assert goes.outreach_s.tolist() == [[600, 0]]


def test_outreach_waits_until_the_day_is_ahead_and_stops_when_it_is_not_by_hand():
    # Half within 20 s is asked for: each answer in time is worth .5, each late one takes .5; a half is wanted.
    half = Promise(np.array([20.0]), np.array([0.5]), ServiceLevelSettings())
    comers = arrivals([100, 150, 160], [10, 10, 10], [1e9] * 3)
    served = simulate(comers, np.array([[1]]), 600.0, Outreach(0, 100, np.ones(1, bool), half, 0.5))
    # Nothing before the answer at 100. A call from 110 to 210 makes two wait for 60 and 60 s: no call after that.
    assert served.wait_s.tolist() == [[0, 60, 60]]
    assert served.outreach_s.tolist() == [[100]]


def test_lanes_have_reserves_of_their_own_by_interval():
    nobody_comes = Arrivals(*(np.full((2, 1), value) for value in (np.inf, 0.0, np.inf)), np.zeros((2, 1), np.int64))
    reserves = np.array([[0, 1], [1, 2]])
    served = simulate(nobody_comes, np.full((2, 2), 2), 100.0, Outreach(reserves, 100, np.ones(2, bool)))
    # Calls that would end with the day do not begin: whoever is there must be there when it ends.
    assert served.outreach_s.tolist() == [[200, 0], [100, 0]]


def test_what_was_begun_before_the_lane_keeps_its_agent_and_counts_for_nothing():
    served = simulate(arrivals([50], [10], [1e9]), np.array([[1]]), 1000.0, begun_s=np.array([[80.0]]))
    assert (served.wait_s.tolist(), served.busy_s.tolist()) == ([[30]], [[10]])


@pytest.mark.parametrize(("agents", "idle", "contact_s"), [(5, 0, 300.0), (5, 2, 700.0), (12, 3, 50.0), (3, 0, 2000.0)])
def test_where_nothing_changes_outreach_is_begun_as_one_by_one(agents, idle, contact_s):
    rng = np.random.default_rng(2)
    comers = draw_arrivals(rng, np.full((4, 1, 8), 15.0), np.full((1, 8), 300.0), np.array([200.0]), 1800.0)
    always = Promise(np.array([20.0]), np.array([0.5]), ServiceLevelSettings())  # one by one, as the credit may change
    by_one = Outreach(idle, contact_s, np.ones(8, bool), always, -np.inf)
    found, expected = (simulate(comers, np.full((4, 8), agents), 1800.0, each)
                       for each in (calls(idle, contact_s, 8), by_one))  # fmt: skip
    assert expected.outreach_s.sum() > 0
    np.testing.assert_array_equal(found.wait_s, expected.wait_s)
    np.testing.assert_allclose(found.outreach_s, expected.outreach_s)


def test_more_who_stay_idle_never_make_waits_longer_by_much():
    rng = np.random.default_rng(4)
    rates = np.full((10, 1, 8), 60.0)
    comers = draw_arrivals(rng, rates, np.full((1, 8), 300.0), np.array([np.inf]), 1800.0)
    agents = np.full((10, 8), 16)
    waits = [np.nanmean(simulate(comers, agents, 1800.0, calls(idle, 480, 8)).wait_s) for idle in (0, 2, 4, 16)]
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] == np.nanmean(simulate(comers, agents, 1800.0).wait_s)


def one_case(seed):
    """A random queue at about its standard; every second one's arrivals rise and fall within the interval."""
    rng = np.random.default_rng(seed)
    calls, handle_s, patience_s = rng.uniform(20, 150), rng.uniform(60, 400), rng.uniform(60, 900)
    load = calls * handle_s / 1800
    agents = max(int(np.ceil(load + rng.uniform(-0.3, 1.2) * np.sqrt(load))), 1)
    swing = rng.uniform(0.1, 0.3) if seed % 2 else 0.0
    return rng, calls, handle_s, patience_s, agents, swing


@pytest.mark.parametrize("seed", range(20))
def test_what_is_planned_with_is_what_an_event_simulation_gives(seed):
    rng, calls, handle_s, patience_s, agents, swing = one_case(seed)
    lanes, parts, part_s, halves = 60, 6, 300.0, 8  # half hours in parts of five minutes
    within = 1 + swing * np.sin(2 * np.pi * (np.arange(parts) + 0.5) / parts)
    rates = np.tile(calls / parts * within, (lanes, 1, halves))
    drawn = draw_arrivals(rng, rates, np.array([[handle_s]]), np.array([patience_s]), part_s)
    served = simulate(drawn, np.full((lanes, parts * halves), agents), part_s)
    warm = np.isfinite(drawn.at_s) & (drawn.at_s > 2 * 1800)
    is_short = served.is_abandoned & (served.wait_s < 5)
    in_time = (warm & ~served.is_abandoned & (served.wait_s <= 20)).sum(axis=1) / (warm & ~is_short).sum(axis=1)
    abandoned = (warm & served.is_abandoned).sum(axis=1) / warm.sum(axis=1)
    wait = np.where(warm, served.wait_s, 0).sum(axis=1) / warm.sum(axis=1)
    told = evaluate(agents, calls / 1800, handle_s, patience_s, 20.0, 5.0)
    # What rises and falls within the half hour moves the level by its curvature: no more than a point or two here.
    curvature = {"level": 0.12 * swing, "abandonment": 0.05 * swing, "wait": 0.05 * swing * patience_s}
    for name, found, expected in (("level", in_time, told.service_level), ("abandonment", abandoned, told.abandonment),
                                  ("wait", wait, told.asa_s)):  # fmt: skip
        error = found.std(ddof=1) / np.sqrt(lanes)
        assert abs(found.mean() - expected) < 3.5 * error + curvature[name], name
