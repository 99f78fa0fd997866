"""Whole people: rounding hires nobody, and a group is rounded up once."""

import pandas as pd

from forestall.staffing.scheduled import whole_agents


def test_agents_are_whole_people_and_rounding_hires_nobody():
    rows = pd.DataFrame({"queue": "care", "queue_group": "care", "interval_start_at": pd.date_range("2026", periods=4),
                         "agents_gross": [0.0, 10.0000001, 10.01, 4 / 0.7]})  # fmt: skip
    assert whole_agents(rows).tolist() == [0, 10, 11, 6]


def test_a_group_is_rounded_up_once_whatever_the_order_of_rows():
    at = pd.Timestamp("2026-03-02")
    rows = pd.DataFrame({"queue": ["sales", "mail", "care"], "queue_group": ["service", "mail", "service"],
                         "interval_start_at": at, "agents_gross": [1.4, 1.4, 1.4]})  # fmt: skip
    assert whole_agents(rows).tolist() == [1, 2, 2]
    assert whole_agents(rows[::-1]).tolist() == [2, 2, 1]
