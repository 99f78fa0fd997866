"""Erlang B, C and A against published numbers, an independent library, a simulation and their limits."""

import heapq
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.staffing.queueing import erlang_b, erlang_c, evaluate
from forestall.staffing.requirement import Demand, least_agents

HERE = Path(__file__).parent
HANDLED = "answered_in_standard_over_handled"


@pytest.mark.parametrize(
    ("calls", "interval_s", "handle_time_s", "agents", "target_s", "p_wait", "level", "asa_s", "occupancy"),
    [
        # CRAN ErlangC 0.1.0, README
        (100, 1800, 180, 14, 20, 0.1741319, 0.88835, 7.83593701177724, 0.7142857),
        # pyworkforce, test_erlang.py: 15 positions where the occupancy is capped at .70
        (100, 1800, 180, 15, 19.8, 0.102, 0.941, None, 0.667),
        # test cases of a public repository named stimulus
        (25, 900, 752, 28, 20, None, 0.9194963616597318, None, None),
        (25, 900, 752, 27, 20, None, 0.8776021351149103, None, None),
        (35, 900, 752, 37, 20, None, 0.9042163387423418, None, None),
        # jonesthenet.com, erlang-uplift, worked example: 28 agents for 80 % in 30 s
        (250, 3600, 330, 27, 30, None, 0.782180129976142, None, None),
        (250, 3600, 330, 28, 30, None, 0.8568503026203446, None, None),
        # step-by-step example, 48 erlangs on 55 agents
        (360, 1800, 240, 55, 15, 0.2387009363780091, 0.8458830921705804, 8.184032104388884, 0.8727272727272727),
    ],
)
def test_erlang_c_meets_published_cases(
    calls, interval_s, handle_time_s, agents, target_s, p_wait, level, asa_s, occupancy
):
    found = evaluate(agents, calls / interval_s, handle_time_s, np.inf, target_s)
    for value, expected in (
        (found.p_wait, p_wait), (found.service_level, level), (found.asa_s, asa_s), (found.occupancy, occupancy)
    ):  # fmt: skip
        if expected is not None:
            assert value == pytest.approx(expected, abs=6e-4 if expected < 0.95 and len(str(expected)) < 6 else 1e-6)


def test_erlang_a_meets_the_published_case():
    # pyworkforce, test_abandonment.py: 100 calls in 30 min, 3 min each, patience 5 min, 14 agents, 20 s
    found = evaluate(14, 100 / 1800, 180, 300, 20)
    assert found.p_wait == pytest.approx(0.14526, abs=1e-5)
    assert found.abandonment == pytest.approx(0.013984, abs=1e-6)
    assert found.occupancy == pytest.approx(0.704297, abs=1e-6)
    assert found.asa_s / 60 == pytest.approx(0.069919, abs=1e-6)
    assert found.service_level == pytest.approx(0.916792, abs=1e-6)


def grid():
    """500 random cases with what pyworkforce 0.5.4 says of them: written by it, on Python 3.12."""
    return pd.read_csv(HERE / "pyworkforce_cases.csv")


def test_equals_pyworkforce_on_a_random_grid():
    cases = grid()
    assert len(cases) == 500
    is_a = cases["patience_s"].notna().to_numpy()
    found = evaluate(
        cases["agents"], cases["calls"] / 1800, cases["handle_time_s"], cases["patience_s"].fillna(np.inf),
        cases["threshold_s"],
    )  # fmt: skip
    for name in ("p_wait", "service_level", "occupancy"):
        assert getattr(found, name) == pytest.approx(cases[name].to_numpy(), abs=1e-7), name
    for name, error in (("abandonment", 1e-8), ("asa_s", 1e-5)):
        assert getattr(found, name)[is_a] == pytest.approx(cases.loc[is_a, name].to_numpy(), abs=error), name


def test_the_written_grid_is_what_pyworkforce_says():
    theirs = pytest.importorskip("pyworkforce.queuing", reason="pyworkforce needs Python 3.12")
    for case in grid().dropna().itertuples():
        model = theirs.ErlangA(transactions=case.calls, aht=case.handle_time_s / 60, interval=30,
                               asa=case.threshold_s / 60, patience=case.patience_s / 60)  # fmt: skip
        assert model.service_level(case.agents) == pytest.approx(case.service_level, abs=1e-9)
        assert model.abandonment_probability(case.agents) == pytest.approx(case.abandonment, abs=1e-9)
        assert 60 * model.average_speed_of_answer(case.agents) == pytest.approx(case.asa_s, abs=1e-7)


def asked_of_the_grid(cases, target):
    """What takes so high a level in the cases of the grid."""
    patience_s = cases["patience_s"].fillna(np.inf).to_numpy()
    ones = np.ones(len(cases))
    return Demand(
        cases[["calls"]].to_numpy() / 1800, np.ones(1), cases["handle_time_s"].to_numpy(float), patience_s,
        cases["threshold_s"].to_numpy(float), ones * target, ones, np.ones(len(cases), np.int64),
    )  # fmt: skip


@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.95])
def test_the_requirement_is_the_least_of_all_numbers_on_the_grid(target):
    cases = grid()
    asked = asked_of_the_grid(cases, target)
    found = least_agents(asked)
    tried = np.arange(1, found.max() + 20)
    level = evaluate(
        tried, asked.rates_per_s, asked.handle_time_s[:, None], asked.patience_s[:, None], asked.threshold_s[:, None]
    ).service_level
    is_enough = level >= target
    assert is_enough.any(axis=1).all()
    assert found.tolist() == tried[is_enough.argmax(axis=1)].tolist()


def test_for_the_level_that_pyworkforce_gives_with_so_many_agents_so_many_are_asked_for():
    cases = grid()
    cases = cases[cases["service_level"].between(0.05, 0.98)]
    assert len(cases) > 250
    level = cases["service_level"].to_numpy()
    agents = cases["agents"].tolist()
    assert least_agents(asked_of_the_grid(cases, level - 1e-6)).tolist() == agents
    assert least_agents(asked_of_the_grid(cases, level + 1e-6)).tolist() == [one + 1 for one in agents]


NAMES = {"p_wait": "p_wait", "service_level": "service_level", "asa_s": "asa_s", "occupancy": "occupancy",
         "p_abandon": "abandonment"}  # fmt: skip


def test_meets_every_case_of_a_file():
    """Worked cases from public sources, as JSON; `FORESTALL_ERLANG_CASES` says where the file lies."""
    if "FORESTALL_ERLANG_CASES" not in os.environ:
        pytest.skip("FORESTALL_ERLANG_CASES names no file")
    cases = json.loads(Path(os.environ["FORESTALL_ERLANG_CASES"]).read_text(encoding="utf-8"))
    for case in cases:
        seconds = {name: case.get(f"{name}_s", 60 * case.get(f"{name}_min", 0)) for name in ("interval", "aht")}
        # "0.33 min" is meant as given: 19.8 s
        target_s = case.get("target_s", 60 * case.get("target_min", case.get("asa_target_min", 0)))
        patience_s = 60 * case["patience_min"] if "patience_min" in case else np.inf
        one = [np.array([value], float) for value in (seconds["aht"], patience_s, target_s)]
        wanted, expected = case.get("service_level_target"), case["expect"]
        agents = case.get("agents")
        if wanted is not None:
            demand = Demand(
                np.array([[case["calls"] / seconds["interval"]]]), np.ones(1), *one, np.array([wanted]),
                np.array([case.get("max_occupancy", 1.0)]), np.ones(1, np.int64),
            )  # fmt: skip
            agents = int(least_agents(demand)[0])
            assert agents == expected.get("raw_positions", expected.get("agents")), case
            if "shrinkage" in case:
                assert np.ceil(agents / (1 - case["shrinkage"])) == expected["positions"], case
        found = evaluate(agents, case["calls"] / seconds["interval"], *one)
        for name, value in expected.items():
            if name in NAMES:
                assert float(getattr(found, NAMES[name])[0]) == pytest.approx(value, abs=half_a_digit(value)), case
        if "asa_min" in expected:
            assert found.asa_s[0] / 60 == pytest.approx(expected["asa_min"], abs=half_a_digit(expected["asa_min"]))
        for name in ("erlangs", "traffic_erlangs"):
            if name in expected:
                load = case["calls"] * seconds["aht"] / seconds["interval"]
                assert load == pytest.approx(expected[name], abs=half_a_digit(expected[name]))
        if "service_level_between" in expected:
            low, high = expected["service_level_between"]
            assert low <= found.service_level[0] <= high


def half_a_digit(value):
    """Of the last digit that is given."""
    return max(0.51 * 10.0 ** -len(str(value).partition(".")[2]), 1e-12 * abs(value))


def test_erlang_b_equals_its_recursion_up_to_thousands():
    servers = np.arange(0, 4001)
    for load in (0.01, 1.0, 37.5, 3600.0):
        blocked = np.ones(servers.size)
        for n in servers[1:]:
            blocked[n] = load * blocked[n - 1] / (n + load * blocked[n - 1])
        likely = blocked > 1e-200
        assert erlang_b(servers[likely], load) == pytest.approx(blocked[likely], rel=1e-9)


def test_erlang_b_and_c_by_hand():
    # two servers, one erlang: B = (1/2) / (1 + 1 + 1/2) = 1/5; C = n B / (n - a (1 - B)) = 1/3
    assert erlang_b(2, 1.0) == pytest.approx(0.2)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    # one server: the chance to wait is the load, the mean wait load / (1 - load) handle times
    found = evaluate(1, 0.5 / 100, 100, np.inf, 0)
    assert (found.p_wait, found.asa_s) == (pytest.approx(0.5), pytest.approx(100))


def test_erlang_a_with_patience_equal_to_handle_time_is_a_poisson_queue():
    # With equal rates every customer leaves at the same rate, served or not: the number present is
    # Poisson(load). P(wait) = P(N >= n), abandonment = E[N - n]+ / load.
    load, n = 3.0, 4
    poisson = np.exp(-load) * np.cumprod(np.concatenate([[1.0], load / np.arange(1, 60)]))
    found = evaluate(n, load / 200, 200, 200, 20)
    assert found.p_wait == pytest.approx(poisson[n:].sum())
    assert found.abandonment == pytest.approx((poisson[n:] * np.arange(60 - n)).sum() / load)


def test_endless_patience_is_erlang_c():
    agents, rate = np.array([3, 14, 60, 1050]), np.array([2.0, 10.0, 50.0, 1000.0]) / 180
    c = evaluate(agents, rate, 180, np.inf, 20)
    for patience_s in (1e8, 1e10):
        a = evaluate(agents, rate, 180, patience_s, 20)
        for name in ("p_wait", "service_level", "asa_s", "occupancy"):
            assert getattr(a, name) == pytest.approx(getattr(c, name), rel=1e-4)
        assert (a.abandonment < 1e-5).all()


def test_no_load_and_no_servers():
    found = evaluate([5, 0, 0], [0.0, 0.01, 0.01], 300, [60, 60, np.inf], 20)
    assert found.service_level.tolist() == [1, 0, 0]
    assert found.abandonment.tolist() == [0, 1, 0]
    assert found.p_wait.tolist() == [0, 1, 1]
    assert found.asa_s.tolist() == [0, 60, np.inf]
    assert found.occupancy.tolist() == [0, 1, 1]


@pytest.mark.parametrize("missing", range(6))
def test_what_is_not_known_leaves_nothing_known(missing):
    given = [10.0, 0.03, 300.0, 180.0, 20.0, 5.0]
    given[missing] = np.nan
    found = evaluate(*np.array([given, [10.0, 0.03, 300.0, 180.0, 20.0, 5.0]]).T)
    for name in ("p_wait", "service_level", "asa_s", "abandonment", "occupancy"):
        assert np.isnan(getattr(found, name)).tolist() == [True, False], name


def test_an_overloaded_queue_without_abandonment_never_settles():
    found = evaluate(10, 11 / 180, 180, np.inf, 20)
    assert (found.service_level, found.asa_s, found.occupancy) == (0, np.inf, 1)


def simulate(rng, n, rate, handle_time_s, patience_s, count):
    """Waits and abandonments of a first-come first-served queue, customer by customer."""
    arrivals = np.cumsum(rng.exponential(1 / rate, count))
    services = rng.exponential(handle_time_s, count)
    patiences = rng.exponential(patience_s, count) if np.isfinite(patience_s) else np.full(count, np.inf)
    free = [0.0] * n
    waits, is_abandoned = np.empty(count), np.zeros(count, bool)
    for k in range(count):
        offered_wait = max(free[0] - arrivals[k], 0.0)
        if offered_wait > patiences[k]:
            waits[k], is_abandoned[k] = patiences[k], True
        else:
            waits[k] = offered_wait
            heapq.heapreplace(free, arrivals[k] + offered_wait + services[k])
    return waits[count // 20 :], is_abandoned[count // 20 :]


@pytest.mark.parametrize(
    ("n", "load", "patience_s"), [(1, 0.9, 90), (6, 5.5, 120), (14, 15.0, 60), (30, 27.0, 400), (8, 6.0, np.inf)]
)
def test_equals_an_independent_simulation(n, load, patience_s):
    rng = np.random.default_rng(5)
    waits, is_abandoned = simulate(rng, n, load / 240, 240, patience_s, 120_000)
    in_standard = ~is_abandoned & (waits <= 20)
    counts = ~(is_abandoned & (waits <= 5))
    found = evaluate(n, load / 240, 240, patience_s, 20, 5)
    handled = evaluate(n, load / 240, 240, patience_s, 20, 5, HANDLED)
    # successive waits are alike: the error is taken over 30 batches
    batches = np.array_split(np.arange(waits.size), 30)
    for expected, value in (
        (found.service_level, lambda rows: in_standard[rows].sum() / counts[rows].sum()),
        (handled.service_level, lambda rows: in_standard[rows].sum() / (~is_abandoned[rows]).sum()),
        (found.asa_s, lambda rows: waits[rows].mean()),
        (found.p_wait, lambda rows: (waits[rows] > 0).mean()),
        (found.abandonment, lambda rows: is_abandoned[rows].mean()),
    ):
        by_batch = np.array([value(rows) for rows in batches])
        error = by_batch.std(ddof=1) / np.sqrt(len(batches))
        assert abs(by_batch.mean() - expected) <= 4 * error + 1e-9


cases = {
    "n": st.integers(1, 3000),
    "intensity": st.floats(0.05, 1.6),
    "handle_time_s": st.floats(5, 3000),
    "patience_s": st.floats(5, 1e6),
    "threshold_s": st.floats(0, 600),
}


@given(**cases)
def test_more_agents_never_serve_worse(n, intensity, handle_time_s, patience_s, threshold_s):
    rate = n * intensity / handle_time_s
    for formula in ("answered_in_standard_over_offered", HANDLED):
        found = evaluate([n, n + 1], rate, handle_time_s, [[patience_s], [np.inf]], threshold_s, 5, formula)
        assert (found.service_level[:, 1] >= found.service_level[:, 0] - 1e-7).all()
        assert (found.occupancy[:, 1] <= found.occupancy[:, 0] + 1e-7).all()
        assert (found.abandonment[:, 1] <= found.abandonment[:, 0] + 1e-7).all()
        for values in (found.p_wait, found.service_level, found.abandonment, found.occupancy):
            assert ((values >= 0) & (values <= 1)).all()


@given(**cases)
def test_more_load_waits_longer_and_more_patience_abandons_less(n, intensity, handle_time_s, patience_s, threshold_s):
    rate = n * intensity / handle_time_s
    busier = evaluate(n, [rate, rate * 1.05], handle_time_s, patience_s, threshold_s)
    assert busier.service_level[1] <= busier.service_level[0] + 1e-7
    assert busier.asa_s[1] >= busier.asa_s[0] - 1e-6 * patience_s
    patient = evaluate(n, rate, handle_time_s, [patience_s, patience_s * 1.1], threshold_s)
    assert patient.abandonment[1] <= patient.abandonment[0] + 1e-7
