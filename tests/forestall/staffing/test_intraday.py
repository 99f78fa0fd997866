"""What still waits of the contacts that came, and what to propose."""

import pandas as pd

from forestall.staffing.intraday import propose, still_waiting


def test_what_came_first_is_answered_first():
    # 4 lay open, 5 and 6 came; 7 were handled: the 4 and 3 of the 5
    left, beyond = still_waiting([5.0, 6.0, 0.0], 4.0, 7.0)
    assert (left.tolist(), beyond) == ([2.0, 6.0, 0.0], 0.0)
    # with 2 handled 2 of the backlog are left, and count to the first interval
    assert still_waiting([5.0, 6.0], 4.0, 2.0)[0].tolist() == [7.0, 6.0]


def test_more_handled_than_known_of_leaves_nothing_and_is_told():
    left, beyond = still_waiting([5.0, 6.0], 4.0, 18.0)
    assert (left.tolist(), beyond) == ([0.0, 0.0], 3.0)


def test_runs_shorter_than_an_hour_and_gaps_propose_nothing():
    starts = pd.date_range("2026-03-02 08:00", periods=7, freq="30min", tz="UTC").delete(4)
    rows = pd.DataFrame({"queue": "a", "interval_start_at": starts, "planned_agents": 5,
                         "agents_net": [6, 5, 7, 8, 9, 3]})  # fmt: skip
    (run,) = propose(rows, 30).to_dict("records")
    assert (run["starts_at"], run["ends_at"]) == (starts[2], starts[3] + pd.Timedelta("30min"))
    assert (run["proposal"], run["agents"], run["agent_hours"]) == ("overtime", 2, 2.0)
