"""Written work in idle minutes: all of it is done and calls are served as without it, by an event simulation."""

import numpy as np
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.staffing.blending import Written, _able
from forestall.staffing.group import as_one, simulated
from forestall.staffing.idle import Outreach
from forestall.staffing.simulation import in_standard, place_arrivals, simulate
from forestall.staffing.standards import QueueOverride, Standards
from tests.forestall.staffing.test_plan import forecast, plan
from tests.forestall.staffing.test_requirement import demand

GROUP = {"service": ["care", "mail"]}
PATIENCE_S, THRESHOLD_S = 180.0, 20.0


def group(calls, handle_s, pieces, piece_s, intervals=16, occupancy_cap=1.0):
    """A group of one hotline and one mail queue, each the same all day."""
    rows = [forecast("care", "phone", [calls] * intervals, handle_s),
            forecast("mail", "email", [pieces] * intervals, piece_s)]  # fmt: skip
    return plan(*rows, patience_s={"care": PATIENCE_S}, groups=GROUP, standards=Standards(occupancy_cap=occupancy_cap))


def agents_of(found):
    table = found.pivot_table(index="interval_start_at", columns="queue", values=["agents_net", "agents_alone"])
    return table.iloc[8]  # in the middle of the day mail comes as it goes


def lived(calls, handle_s, piece_s, agents, reserve):
    """Service level of calls, and agents busy with written work, of which there is always some; one long day."""
    lanes, length_s = (12, 50_000) if calls < 500 else (24, 20_000)
    rng = np.random.default_rng(4)
    # As many and as long as they are on average: with a hundred agents and more, chance makes half a one of difference.
    count = np.full((lanes, 1, 1), round(calls * length_s / 1800))
    arrivals = place_arrivals(rng, count, np.array([[handle_s]]), np.array([PATIENCE_S]), length_s)
    arrivals.handle_time_s[:] *= handle_s / arrivals.handle_time_s.mean()
    work = None if reserve is None else Outreach(reserve, piece_s, np.ones(1, bool))
    parts = 50
    served = simulate(arrivals, np.full((lanes, parts), agents), length_s / parts, work)
    in_time, counted = in_standard(arrivals, served, THRESHOLD_S, ServiceLevelSettings())
    judged = counted & (arrivals.at_s > 0.2 * length_s) & (arrivals.at_s < 0.9 * length_s)
    return (in_time & judged).sum() / judged.sum(), served.outreach_s[:, 10:45].mean() / (length_s / parts)


@pytest.mark.parametrize(
    ("calls", "handle_s", "pieces", "piece_s"),
    [(60, 240.0, 30, 240.0), (120, 380.0, 40, 340.0), (120, 180.0, 26, 450.0), (900, 300.0, 180, 300.0)],
)
def test_all_written_work_is_done_and_calls_keep_their_level_and_one_at_most_is_too_many(
    calls, handle_s, pieces, piece_s
):
    found, notes = group(calls, handle_s, pieces, piece_s)
    agents, alone = int(agents_of(found)["agents_net"].sum()), agents_of(found)["agents_alone"]
    assert agents < alone.sum()
    assert "written work goes into idle minutes" in notes[-1]
    without, _ = lived(calls, handle_s, piece_s, int(alone["care"]), None)
    work_wanted = pieces * piece_s / 1800
    assert best_level(calls, handle_s, piece_s, agents, work_wanted) >= without - 0.02
    assert best_level(calls, handle_s, piece_s, agents - 2, work_wanted) < without + 0.02


def best_level(calls, handle_s, piece_s, agents, work_wanted):
    """Of callers with the greatest reserve with which all written work is done; 0 where none does it."""
    best, low, high = 0.0, 0, agents // 3
    while low <= high:
        reserve = (low + high) // 2
        level, work = lived(calls, handle_s, piece_s, agents, reserve)
        if work >= 0.98 * work_wanted:  # the day may bring a few calls more than the mean
            best, low = level, reserve + 1
        else:
            high = reserve - 1
    return best


def test_the_simulation_of_a_busy_group_is_that_of_a_long_day():
    """A call a second: in a day that begins empty the pieces that all begin at once are felt for an hour."""
    agents, reserve, piece_s = 398, 1, 300.0
    rows, one = forecast("care", "phone", [1800], 300.0), np.zeros(1, np.int64)
    group = as_one(rows, demand([1800], 1800, 300, THRESHOLD_S, 0.8, PATIENCE_S), one, one)
    work = Outreach(reserve, piece_s, np.ones(1, bool))
    level, done = simulated(group, 0, agents, ServiceLevelSettings(), np.random.default_rng(1), work)
    level_of_day, done_of_day = lived(1800, 300.0, piece_s, agents, reserve)
    assert level[0] == pytest.approx(level_of_day, abs=0.02)
    assert done == pytest.approx(done_of_day, rel=0.03)


def test_chance_above_the_cut_by_hand():
    """Two agents, one call at a time, load 1, nobody gives up: 1/3 none, 1/3 one, 1/3 two or more in the system.

    With one idle beside (reserve 1) the states are one (1/2) and two or more (1/2): all wait half of the time and
    E[busy] = 1.5, so half an agent writes. With no reserve both are busy always, and everybody waits.
    """
    rows = forecast("care", "phone", [18], 100.0)
    one = np.zeros(1, np.int64)

    def work(load):
        return Written(np.array([load]), np.array([100.0]), one)

    group = as_one(rows, demand([18], 1800, 100, 0, 0.5), one, one)
    able = _able(group, np.array([[0.499]]), one, np.array([2]), work(0.5))
    assert able.reserve[0] == 1
    assert able.load[0] == pytest.approx(0.5)
    able = _able(group, np.array([[0.0]]), one, np.array([2]), work(1.0))
    assert able.reserve[0] == 0
    assert able.load[0] == pytest.approx(1.0)
    too_strict = _able(group, np.array([[0.7]]), one, np.array([2]), work(0.5))
    assert (too_strict.reserve[0], too_strict.load[0]) == (-1, 0)


@pytest.mark.parametrize("occupancy_cap", [0.88, 0.8, 0.7])
@pytest.mark.parametrize(("calls", "pieces"), [(300, 120), (540, 180), (900, 240)])
def test_a_cap_on_occupancy_holds_for_both_kinds_of_work(calls, pieces, occupancy_cap):
    found, _ = group(calls, 300.0, pieces, 300.0, occupancy_cap=occupancy_cap)
    together = found.groupby("interval_start_at")[["offered_load", "agents_net"]].sum().iloc[8]
    assert 0.99 * together["offered_load"] <= occupancy_cap * together["agents_net"]  # one in a hundred may give up


@pytest.mark.filterwarnings("error")
def test_heavy_written_work_beside_few_calls_is_told_to_stay_apart():
    found, notes = group(90, 60.0, 150, 3600.0)
    assert set(found["model"]) == {"erlang_a", "deferred"}
    assert (found["agents_net"] == found["agents_alone"]).all()
    assert "service: written work keeps people of its own" in notes[-1]


def test_chats_held_two_at_a_time_stay_apart():
    rows = [forecast("talk", "chat", [60] * 8, 300.0), forecast("mail", "email", [20] * 8, 300.0)]
    found, _ = plan(*rows, groups={"service": ["talk", "mail"]}, patience_s={"talk": 180})
    assert set(found["model"]) == {"erlang_a", "deferred"}


def test_where_nobody_calls_written_work_takes_its_own_people():
    rows = [forecast("care", "phone", [60, 0, 0, 60], 240.0), forecast("mail", "email", [8, 8, 8, 8], 300.0)]
    strict = Standards(queues={"mail": QueueOverride(first_response_s=1800)})
    found, _ = plan(*rows, patience_s={"care": 180}, groups=GROUP, standards=strict)
    mail = found[found["queue"] == "mail"].set_index("interval_start_at")
    assert mail["model"].tolist()[1:3] == ["deferred", "deferred"]
    assert (mail["agents_net"].iloc[1:3] == mail["agents_alone"].iloc[1:3]).all()


def test_queues_of_no_common_group_are_not_blended():
    rows = [forecast("care", "phone", [60] * 8, 240.0), forecast("mail", "email", [30] * 8, 300.0)]
    found, _ = plan(*rows, patience_s={"care": 180})
    assert set(found["model"]) == {"erlang_a", "deferred"}
    assert (found["agents_net"] == found["agents_alone"]).all()
