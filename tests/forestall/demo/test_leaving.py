"""Hazards and effects go the way they are told to, and the true chances are what then happens."""

import numpy as np
import pandas as pd
import pytest

from forestall.demo import leaving
from forestall.demo.batch import take
from forestall.demo.customers import People, draw_customers
from forestall.demo.describe import auc
from forestall.demo.life import create, live_day
from forestall.demo.parameters import BASE
from forestall.demo.prospects import customer_truth


@pytest.fixture
def people() -> People:
    rng = np.random.default_rng(3)
    return draw_customers(BASE, rng, 400, 0, None)


def test_everything_that_hurts_raises_the_hazard(people: People) -> None:
    before = leaving.log_hazard(people, BASE.leaving, 0)
    for memory in (
        "waits",
        "repeats",
        "complaints",
        "abandons",
        "price_shock",
        "decline",
        "lateness",
        "severity_state",
    ):
        worse = people | {memory: people[memory] + 0.5}
        assert (leaving.log_hazard(worse, BASE.leaving, 0) >= before - 1e-12).all(), memory
        assert (leaving.log_hazard(worse, BASE.leaving, 0) > before).mean() > 0.9, memory


def test_waits_weigh_more_while_a_problem_is_open(people: People) -> None:
    count = len(people["plan"])
    problem = people | {"problem_since": np.full(count, -3), "problem_until": np.full(count, 50)}

    def added(state: People) -> float:
        worse = state | {"waits": np.full(count, 3.0)}
        return float((leaving.log_hazard(worse, BASE.leaving, 0) - leaving.log_hazard(state, BASE.leaving, 0)).mean())

    assert added(problem) > added(people) + 0.5


def test_the_right_outreach_helps_the_wrong_one_hardly_and_some_are_woken(people: People) -> None:
    calm = people | {"tolerance": np.zeros(400)}
    waited = calm | {"waits": np.full(400, 4.0)}

    def effect(state: People, about: int) -> np.ndarray:
        return leaving.effect_of(state, BASE.leaving, BASE.reaction, 0, np.full(400, about))

    assert np.allclose(effect(waited, leaving.SERVICE), BASE.reaction.matched)
    assert np.allclose(effect(waited, leaving.PRICE), BASE.reaction.unmatched)
    dogs = leaving.is_sleeping_dog(calm, BASE.leaving, 0)
    assert 0.03 < dogs.mean() < 0.4
    assert np.allclose(effect(calm, leaving.PRICE)[dogs], BASE.reaction.sleeping_dog)


def test_an_account_leaves_as_a_whole(people: People) -> None:
    log = np.random.default_rng(1).normal(-5, 1, 400)
    chance = pd.Series(leaving.account_chance(people, log)).groupby(people["account"]).nunique()
    assert chance.max() == 1
    assert take(people, people["account"] == people["account"][0])["account"].size >= 1


def test_the_true_chances_are_what_happens() -> None:
    """Lived on for ninety days: as many leave as were expected, and those who were expected to."""
    state = create(5, "base", 0.25, -60)
    for _ in range(60):
        live_day(state)
    truth = customer_truth(state)
    left: set[int] = set()
    for _ in range(90):
        left |= set(live_day(state).decided.tolist())
    happened = truth["customer_id"].isin([f"K{position + 100_000}" for position in left])
    assert happened.sum() == pytest.approx(truth["chance_90"].sum(), rel=0.25)
    assert 0.72 < auc(truth["chance_90"], happened) < 0.88
    assert auc(truth["chance_90"], happened) > auc(truth["chance_90_of_ordinary_severity"], happened)


def test_auc_is_mann_whitney() -> None:
    chance, happened = pd.Series([0.1, 0.4, 0.35, 0.8]), pd.Series([False, False, True, True])
    assert auc(chance, happened) == 0.75
