"""The requirement is the true minimum, by exhaustive search and on published cases."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forestall.staffing.requirement import AGENT_LIMIT, Demand, expect, is_met, least_agents
from forestall.staffing.uncertainty import WEIGHTS, likely_rates


def demand(calls, interval_s, handle_time_s, threshold_s, target, patience_s=np.inf, cap=1.0, concurrency=1):
    size = len(np.atleast_1d(calls))

    def each(value):
        return np.broadcast_to(np.asarray(value, float), size).copy()

    return Demand(
        rates_per_s=each(calls)[:, None] / interval_s,
        weights=np.ones(1),
        handle_time_s=each(handle_time_s),
        patience_s=each(patience_s),
        threshold_s=each(threshold_s),
        service_level=each(target),
        occupancy_cap=each(cap),
        concurrency=each(concurrency).astype(np.int64),
    )


@pytest.mark.parametrize(
    ("calls", "interval_s", "handle_time_s", "threshold_s", "target", "cap", "agents"),
    [
        (100, 1800, 180, 19.8, 0.80, 0.85, 14),  # pyworkforce, test_erlang.py
        (100, 1800, 180, 19.8, 0.80, 0.70, 15),  # the same, where the occupancy binds
        (25, 900, 752, 20, 0.90, 1.0, 28),  # test case of a public repository named stimulus
        (250, 3600, 330, 30, 0.80, 1.0, 28),  # jonesthenet.com, erlang-uplift
    ],
)
def test_meets_published_requirements(calls, interval_s, handle_time_s, threshold_s, target, cap, agents):
    assert least_agents(demand(calls, interval_s, handle_time_s, threshold_s, target, cap=cap)).tolist() == [agents]


@pytest.mark.parametrize("name", ["rates_per_s", "handle_time_s", "patience_s", "service_level"])
def test_a_missing_value_is_an_error_that_names_it(name):
    one = demand([100, 200], 1800, 180, 20, 0.8)
    values = getattr(one, name).copy()
    values[1] = np.nan
    with pytest.raises(ValueError, match=f"demand: {name}: 1 of 2 values are missing"):
        replace(one, **{name: values})


def random_demand(rng, size):
    mean = rng.gamma(1.0, 60.0, size)
    quantiles = mean[:, None] * (1 + rng.uniform(0, 0.4, (size, 1)) * np.array([-1.6, -1.3, -0.7, 0, 0.7, 1.3, 1.6]))
    one = demand(
        mean, 1800, rng.uniform(60, 900, size), rng.choice([0, 20, 60, 300], size), rng.uniform(0.5, 0.97, size)
    )
    return replace(
        one,
        rates_per_s=likely_rates(mean, quantiles) / 1800,
        weights=WEIGHTS,
        patience_s=np.where(rng.random(size) < 0.4, np.inf, rng.uniform(20, 900, size)),
        occupancy_cap=rng.uniform(0.6, 1.0, size),
        concurrency=rng.integers(1, 4, size),
    )


def test_is_the_minimum_by_exhaustive_search():
    asked = random_demand(np.random.default_rng(3), 300)
    found = least_agents(asked)
    met = np.array([is_met(asked, np.full(len(asked), agents)) for agents in range(1, found.max() + 2)])
    assert met.any(axis=0).all()
    assert found.tolist() == (met.argmax(axis=0) + 1).tolist()


def test_no_load_takes_nobody_and_a_trickle_takes_one():
    assert least_agents(demand([0.0, 0.001], 1800, 300, 20, 0.8)).tolist() == [0, 1]


def test_a_gigantic_load_is_capped():
    assert least_agents(demand([1e9], 1800, 300, 20, 0.8)).tolist() == [AGENT_LIMIT]


def test_an_agent_with_two_chats_at_once_counts_for_two_servers():
    one_by_one = least_agents(demand([200], 1800, 400, 60, 0.8))[0]
    assert least_agents(demand([200], 1800, 400, 60, 0.8, concurrency=2))[0] == -(-one_by_one // 2)


def test_expectation_weighs_by_contacts():
    # half of the intervals bring 0.02, half 0.04 contacts a second: two thirds of the contacts meet the busy one
    asked = replace(
        demand([1], 1, 200, 20, 0.8, patience_s=120), rates_per_s=np.array([[0.02, 0.04]]), weights=np.array([0.5, 0.5])
    )
    alone = [
        expect(replace(asked, rates_per_s=np.array([[rate]]), weights=np.ones(1)), np.array([7]))
        for rate in (0.02, 0.04)
    ]
    found = expect(asked, np.array([7]))
    assert found.service_level == pytest.approx((alone[0].service_level + 2 * alone[1].service_level) / 3)
    assert found.occupancy == pytest.approx((alone[0].occupancy + alone[1].occupancy) / 2)


@settings(max_examples=40)
@given(
    calls=st.floats(0.01, 5000),
    handle_time_s=st.floats(10, 1800),
    target=st.floats(0.05, 0.98),
    patience_s=st.sampled_from([30.0, 200.0, np.inf]),
)
def test_more_load_or_a_higher_target_never_takes_fewer(calls, handle_time_s, target, patience_s):
    found = least_agents(
        demand([calls, calls * 1.1, calls], 1800, handle_time_s, 20, [target, target, target + 0.01], patience_s, 0.9)
    )
    assert found[1] >= found[0]
    assert found[2] >= found[0]
