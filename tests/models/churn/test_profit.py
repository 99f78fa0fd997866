"""Expected maximum profit against its definition, integrated by scipy over every list that the order allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta

from models.bootstrap import poisson_draws
from models.churn.profit import STANDARD, ProfitAssumptions, expected_maximum_profit, profit_curve, resampled_profit
from models.metrics import Numbers


def _by_definition(outcome: Numbers, probability: Numbers, assumed: ProfitAssumptions) -> float:
    """The paper's equation 6, read literally: for each accepted share the best threshold, all thresholds tried."""
    delta, phi = assumed.offer_cost / assumed.customer_value, assumed.contact_cost / assumed.customer_value
    called = probability[None, :] >= np.append(np.unique(probability), np.inf)[:, None]
    leavers = (called * outcome).sum(axis=1) / len(outcome)
    stayers = (called * (1 - outcome)).sum(axis=1) / len(outcome)

    def best(accepted: float) -> float:
        return float(np.max((accepted * (1 - delta) - phi) * leavers - (delta + phi) * stayers))

    density = beta(assumed.alpha, assumed.beta).pdf
    return assumed.customer_value * quad(lambda g: best(g) * density(g), 0, 1, limit=400, epsabs=1e-10)[0]


@pytest.mark.parametrize(
    "assumed", [STANDARD, ProfitAssumptions(100, 20, 2, 8, 16), ProfitAssumptions(150, 15, 1.5, 1, 1)]
)
@pytest.mark.parametrize("rate", [0.02, 0.3, 0.7])
def test_it_is_the_integral_of_its_definition(assumed: ProfitAssumptions, rate: float) -> None:
    random = np.random.default_rng(2)
    outcome = (random.random(300) < rate).astype(float)
    probability = np.round(random.normal(size=300) + outcome, 1)  # with ties
    expected = _by_definition(outcome, probability, assumed)
    assert expected_maximum_profit(outcome, probability, assumed=assumed) == pytest.approx(expected, abs=1e-5)


def test_worked_by_hand() -> None:
    outcome = np.array([1.0, 0, 1, 0])
    # A perfect order: two of four are called, and a call pays unless less than 1 / 190 accept, which never happens.
    perfect = expected_maximum_profit(outcome, outcome)
    assert perfect == pytest.approx(0.5 * (190 * 0.3 - 1), rel=1e-6)
    # No order at all: all or nobody; 190 g / 2 - 1 - 10 / 2 = 95 g - 6 is positive in nearly every case.
    assert expected_maximum_profit(outcome, np.full(4, 0.5)) == pytest.approx(95 * 0.3 - 6, abs=0.01)
    assert expected_maximum_profit(np.zeros(4), outcome) == 0
    assert np.isnan(expected_maximum_profit(np.empty(0), np.empty(0)))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.99)), min_size=2, max_size=40))
def test_only_the_order_counts_and_a_better_one_earns_no_less(rows: list[tuple[bool, float]]) -> None:
    outcome, probability = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = expected_maximum_profit(outcome, probability)
    _, rank = np.unique(probability, return_inverse=True)
    assert expected_maximum_profit(outcome, rank.astype(float)) == pytest.approx(found)
    assert -1e-9 <= found <= expected_maximum_profit(outcome, outcome) + 1e-9


def test_a_weight_counts_like_so_many_rows() -> None:
    outcome, probability, weight = np.array([0.0, 1, 0, 1]), np.array([0.1, 0.4, 0.5, 0.8]), np.array([1.0, 3, 2, 1])
    repeated = [np.repeat(values, weight.astype(int)) for values in (outcome, probability)]
    assert expected_maximum_profit(outcome, probability, weight) == pytest.approx(expected_maximum_profit(*repeated))


def test_a_replicate_is_the_profit_of_its_own_rows() -> None:
    random = np.random.default_rng(4)
    outcome = (random.random(900) < 0.2).astype(float)
    probability, weight = random.normal(size=900) + outcome, random.choice([1.0, 2.0], 900)
    draws = poisson_draws(900, seed=1, replicates=20)
    alone = [expected_maximum_profit(outcome, probability, weight * np.maximum(drawn, 1e-12)) for drawn in draws]
    assert resampled_profit(outcome, probability, weight, draws) == pytest.approx(alone, rel=0.02)


def test_the_curve_in_money() -> None:
    # 0.3 x 190 - 1 = 56 for a leaver called, -11 for a stayer; per customer of three
    curve = profit_curve(np.array([1.0, 0, 1]), np.array([0.9, 0.5, 0.1]))
    assert curve == pytest.approx(np.array([0, 56, 45, 101]) / 3)
