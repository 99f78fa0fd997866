import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.volume.accuracy import is_within_80
from models.volume.quantiles import LEVELS, Spread, estimate_spread, quantiles


def draw(rng, mean, phi):
    return rng.poisson(mean * rng.gamma(1 / phi, phi, len(mean))).astype(float)


@pytest.mark.parametrize(("mean", "phi"), [(300.0, 0.02), (40.0, 0.05), (8.0, 0.3)])
def test_coverage_on_negative_binomial_counts(mean, phi):
    rng = np.random.default_rng(7)
    means = mean * rng.uniform(0.5, 2, 6000)
    spread = estimate_spread(means[:3000], draw(rng, means[:3000], phi), prior_count=200, seed=1)
    actual = draw(rng, means[3000:], phi)
    levels = quantiles(means[3000:], spread)
    assert spread.phi == pytest.approx(phi, rel=0.25)
    error = 3 * np.sqrt(0.8 * 0.2 / 3000)
    # Whole counts cover a little more than asked: at least, and at most by the mass of the two edges.
    edges = ((actual == levels[:, 1]) | (actual == levels[:, 5])).mean()
    assert 0.8 - error <= is_within_80(levels, actual).mean() <= 0.8 + error + edges


def test_errors_of_another_shape_move_the_levels():
    """Half of the days come as forecast, half a third above: no negative binomial, yet covered."""
    rng = np.random.default_rng(3)
    means = np.full(8000, 400.0)
    actual = rng.poisson(np.where(rng.random(8000) < 0.5, 400, 540)).astype(float)
    spread = estimate_spread(means[:4000], actual[:4000], prior_count=200, seed=1)
    levels = quantiles(means[4000:], spread)
    assert is_within_80(levels, actual[4000:]).mean() == pytest.approx(0.8, abs=0.03)
    below = (actual[4000:, None] <= levels).mean(axis=0)
    np.testing.assert_allclose(below, LEVELS, atol=0.06)


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=30), st.floats(1e-6, 2.0))
def test_quantiles_are_whole_never_negative_and_never_cross(means, phi):
    levels = quantiles(np.array(means), Spread(phi))
    assert (levels >= 0).all()
    assert (np.diff(levels, axis=1) >= 0).all()
    assert (levels == np.round(levels)).all()


def test_nothing_is_expected_where_the_mean_is_zero():
    assert (quantiles(np.array([0.0, 5.0]), Spread(0.1))[0] == 0).all()


def test_a_handful_of_errors_does_not_set_the_tails():
    few = estimate_spread(np.full(5, 100.0), np.full(5, 100.0), prior_count=200, seed=1)
    np.testing.assert_allclose(few.levels, LEVELS, atol=0.02)


def test_the_same_errors_give_the_same_spread():
    rng = np.random.default_rng(2)
    means, actual = np.full(100, 3.0), rng.poisson(3.0, 100).astype(float)
    assert estimate_spread(means, actual, 50, 9) == estimate_spread(means, actual, 50, 9)
