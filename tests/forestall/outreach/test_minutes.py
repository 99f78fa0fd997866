"""Minutes of a row: the playbook's plan, moved by what rows took."""

import pandas as pd
import pytest

from forestall.outreach.minutes import learn_minutes, with_minutes
from forestall.outreach.playbook import Action, Playbook

NOTHING = pd.DataFrame({"action": [], "row_count": [], "minutes": []})


def playbook(**minutes):
    actions = {name: Action(team="t", save_probability=0.2, minutes=some) for name, some in minutes.items()}
    return Playbook.model_construct(actions=actions)


def test_by_hand():
    worked = pd.DataFrame({"action": ["call", "gone"], "row_count": [60, 9], "minutes": [240.0, 99.0]})
    found = learn_minutes(worked, playbook(call=9, visit=45)).set_index("action")
    assert found["expected_minutes"].to_dict() == {"call": pytest.approx(5.25), "visit": 45.0}
    assert found["worked_row_count"].to_dict() == {"call": 60, "visit": 0}


def test_before_any_row_was_worked_it_is_as_the_playbook_says():
    assert learn_minutes(NOTHING, playbook(call=9))["expected_minutes"].tolist() == [9.0]


def test_many_rows_outweigh_the_playbook():
    worked = pd.DataFrame({"action": ["call"], "row_count": [10_000], "minutes": [40_000.0]})
    assert learn_minutes(worked, playbook(call=9))["expected_minutes"][0] == pytest.approx(4, abs=0.02)


def test_options_take_what_was_learned_and_else_the_plan():
    options = pd.DataFrame({"action": ["call", "visit", "call"], "expected_minutes": [9.0, 45.0, 9.0]})
    learned = pd.DataFrame({"action": ["call", "call"], "segment": ["all", "home"], "expected_minutes": [5.0, 5.0]})
    assert with_minutes(options, learned)["expected_minutes"].tolist() == [5.0, 45.0, 5.0]
    assert with_minutes(options, learned[:0])["expected_minutes"].tolist() == [9.0, 45.0, 9.0]
