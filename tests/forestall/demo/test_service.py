"""Waits come from Erlang A, and deferred work from first come, first served."""

import numpy as np
import pytest

from forestall.demo.batch import Batch
from forestall.demo.business_year import day_of
from forestall.demo.parameters import BASE, INTERVAL_S, QUEUES
from forestall.demo.service import UNTIL_NEVER, erlang_a, mean_handle_time_s, serve_deferred

MAIL = 3


def erlang_b(load: float, agents: int) -> float:
    """The recursion, for checking."""
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def test_without_patience_it_is_erlang_b() -> None:
    """Who leaves at once when all are busy meets an Erlang B system: load 8, 10 agents, 12.17 % blocked."""
    chances, _ = erlang_a(np.array([8 / 300]), np.array([10]), 1 / 300, 1e6)
    assert 1 - chances[0, 9] == pytest.approx(erlang_b(8.0, 10), abs=1e-6)
    assert erlang_b(8.0, 10) == pytest.approx(0.1217, abs=1e-4)


def test_with_endless_patience_it_is_erlang_c() -> None:
    load, agents = 8.0, 12
    chances, _ = erlang_a(np.array([load / 300]), np.array([agents]), 1 / 300, 1e-9)
    blocked = erlang_b(load, agents)
    waits = blocked / (1 - load / agents * (1 - blocked))
    assert 1 - chances[0, agents - 1] == pytest.approx(waits, abs=1e-4)


def test_the_mean_wait_of_a_position_adds_up_the_departures_before_it() -> None:
    _, waits = erlang_a(np.array([0.02]), np.array([4]), 1 / 300, 1 / 200)
    assert waits[0, 0] == pytest.approx(300 / 4)
    assert waits[0, 1] == pytest.approx(300 / 4 + 1 / (4 / 300 + 1 / 200))


def mails(started: np.ndarray) -> Batch:
    return {"queue": np.full(len(started), MAIL), "started": started, "id": np.arange(len(started))}


def test_deferred_work_is_answered_in_order_and_never_before_it_came() -> None:
    day = day_of(8)
    agents = np.zeros((len(QUEUES), len(day.starts)))
    agents[MAIL, 16:30] = 1
    started = np.sort(np.random.default_rng(1).integers(day.start - 40_000, day.start + 20_000, 90))
    done, still = serve_deferred(mails(started), agents, BASE, 1, "base", day)
    capacity = 14 * INTERVAL_S / mean_handle_time_s(MAIL, BASE.service)
    assert 0.9 * capacity < len(done["id"]) <= capacity
    assert (done["answered"] > done["started"]).all()
    assert done["id"].max() < still["id"].min()
    assert (still["answered"] == UNTIL_NEVER).all()


def test_capacity_cannot_be_worked_ahead() -> None:
    """Agents who sat idle in the morning do not answer the evening's mail in advance."""
    day = day_of(8)
    agents = np.zeros((len(QUEUES), len(day.starts)))
    agents[MAIL, :20] = 30
    done, _ = serve_deferred(mails(np.full(10, day.start + 42 * INTERVAL_S)), agents, BASE, 1, "base", day)
    assert len(done["id"]) == 0
