"""The truth about a call: of one customer of an account, in the place of an earlier one, and of who gave notice."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forestall.demo import leaving
from forestall.demo.calls import expected_falls, fall_if_reached, true_falls
from forestall.demo.export import customer_keys
from forestall.demo.life import State, create, live_day
from forestall.demo.money import VOLUNTARY
from forestall.demo.prospects import customer_truth, hazard_path, leaving_chances


@pytest.fixture(scope="module")
def state() -> State:
    """Some four hundred customers a month after the first day."""
    made = create(4, "base", 0.03, -30)
    for _ in range(30):
        live_day(made)
    return made


def _with(state: State, **people: np.ndarray) -> State:
    return replace(state, people=state.people | people)


def _falls(state: State, about: int) -> np.ndarray:
    every = np.full(len(state.people["plan"]), about)
    return fall_if_reached(state.people, state.parameters, state.day, every)


def test_the_fall_is_what_the_company_truth_tells(state: State) -> None:
    truth = customer_truth(state)
    here = state.people["status"] == 0
    assert _falls(state, leaving.SERVICE)[here] == pytest.approx(-truth["effect_service"].to_numpy())
    assert (_falls(state, leaving.SERVICE)[state.people["status"] == 2] == 0).all()


def test_of_an_account_only_the_one_who_is_called_changes(state: State) -> None:
    people = state.people
    shared = np.flatnonzero((leaving.member_count(people) == 2) & (people["status"] == 0))
    one = shared[0]
    path = hazard_path(people, state.parameters, state.day)
    lower = path.copy()
    lower[:, one] -= 1.0
    alone = leaving_chances(people, path, lower)
    by_hand = leaving_chances(people, lower)
    assert alone[one] == pytest.approx(by_hand[one])
    assert alone[one, -1] < leaving_chances(people, path)[one, -1]


def test_a_call_takes_the_place_of_an_earlier_one(state: State) -> None:
    count = len(state.people["plan"])
    felt = np.full(count, state.parameters.reaction.matched)
    called = _with(state, last_outreach=np.full(count, state.day - 40), outreach_effect=felt)
    # The reason is the same, so the second call gives back only what the first has lost since.
    reason = leaving.main_reason(state.people, state.parameters.leaving, state.day)
    has = (state.people["status"] == 0) & (reason == leaving.SERVICE)
    first, second = (_falls(one, leaving.SERVICE)[has] for one in (state, called))
    assert second.sum() < 0.6 * first.sum()


def test_whoever_gave_notice_may_take_it_back_and_leave_anew(state: State) -> None:
    one = int(np.flatnonzero(state.people["status"] == 0)[5])
    status, reason, end = (state.people[name].copy() for name in ("status", "end_reason", "end_day"))
    status[one], reason[one], end[one] = 1, VOLUNTARY, state.day + 20
    noticed = _with(state, status=status, end_reason=reason, end_day=end)
    fall = _falls(noticed, leaving.NOTHING)[one]
    chance = customer_truth(state).set_index("customer_id")["chance_90"][customer_keys(np.array([one]))[0]]
    withdraws = state.parameters.reaction.withdraws
    assert withdraws * (1 - 2 * chance) < fall < withdraws
    reason[one] = 0
    assert _falls(_with(noticed, end_reason=reason), leaving.NOTHING)[one] == 0  # moved away, or did not pay


def test_a_few_calls_are_told_as_among_all(state: State) -> None:
    here = np.flatnonzero(state.people["status"] == 0)[[3, 50, 90]]
    calls = pd.DataFrame(
        {"customer_id": customer_keys(here), "action": ["apology_call", "usage_coaching", "plan_review"]}
    )
    told = true_falls(state, calls)
    every = [_falls(state, about)[who] for about, who in zip((1, 3, 2), here, strict=True)]
    assert told.to_numpy() == pytest.approx(np.array(every))
    assert true_falls(state, calls.head(0)).empty


def test_what_is_expected_does_not_depend_on_what_nobody_sees(state: State) -> None:
    hidden = _with(state, tolerance=state.people["tolerance"] + 1.0)
    pd.testing.assert_frame_equal(expected_falls(state), expected_falls(hidden))
    true, other = (_falls(one, leaving.SERVICE) for one in (state, hidden))
    assert not np.allclose(true, other)
    expected = expected_falls(state)["fall_service"].to_numpy()
    assert np.corrcoef(expected, true)[0, 1] > 0.7
