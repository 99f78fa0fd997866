"""The rest of a day against simulation: credibility, and how often the alarm rings for nothing."""

import numpy as np
import pytest

from models.volume.intraday import (
    Level,
    Spread,
    day_dispersion,
    interval_dispersion,
    level_of,
    rest_of_day,
    surge_probability,
)
from models.volume.quantiles import LEVELS, quantiles
from models.volume.quantiles import Spread as Counts

PROFILE = np.concatenate([np.linspace(5, 60, 10), np.linspace(60, 10, 10)])  # twenty half-hours


def days(count, spread, rng):
    """Counts of days x intervals: a level a day, a gamma of its own an interval, Poisson on top."""
    level = rng.gamma(1 / spread.day, spread.day, (count, 1))
    own = rng.gamma(1 / spread.interval, spread.interval, (count, len(PROFILE)))
    return rng.poisson(level * own * PROFILE)


def test_a_worked_case():
    level = level_of(np.array([120.0]), np.array([100.0]), Spread(0.04, 0.0))
    assert level.factor == pytest.approx(1.16)
    assert level.variance == pytest.approx(0.008)


def test_what_is_believed_forecasts_the_rest_better_than_the_morning_and_than_the_plain_ratio():
    rng, spread = np.random.default_rng(1), Spread(0.03, 0.02)
    came = days(4000, spread, rng)
    rest = came[:, 8:].sum(axis=1)
    expected = PROFILE[8:].sum()
    factor = np.array([level_of(own, PROFILE[:8], spread).factor for own in came[:, :8].astype(float)])
    ratio = came[:, :8].sum(axis=1) / PROFILE[:8].sum()
    errors = {name: ((rest - by * expected) ** 2).mean() for name, by in
              (("believed", factor), ("morning", 1.0), ("ratio", ratio))}  # fmt: skip
    assert errors["believed"] < 0.75 * errors["morning"]
    assert errors["believed"] < 0.98 * errors["ratio"]
    # Of all linear rules it is the best: a regression finds the same slope.
    slope = np.polyfit(ratio, rest / expected, 1)[0]
    assert (factor[0] - 1) / (ratio[0] - 1) == pytest.approx(slope, abs=0.06)


def test_the_alarm_rings_as_rarely_as_it_says_and_hears_an_incident():
    rng, spread = np.random.default_rng(2), Spread(0.02, 0.02)
    came = days(3000, spread, rng).astype(float)
    looks = range(4, 18)

    def rings(rows, limit):
        found = np.zeros(len(rows), bool)
        for end in looks:
            before = [level_of(own[: end - 2], PROFILE[: end - 2], spread) for own in rows]
            window = rows[:, end - 2 : end].sum(axis=1)
            probability = [
                surge_probability(seen, PROFILE[end - 2 : end], level, spread.interval)
                for seen, level in zip(window, before, strict=True)
            ]
            found |= np.array(probability) < limit
        return found

    share = rings(came, 0.05 / len(looks)).mean()
    assert 0.005 < share < 0.07  # a day of one queue, at five in a hundred; the looks overlap, so fewer ring
    poisson_only = [
        surge_probability(own[8:10].sum(), PROFILE[8:10], Level(1.0, 0.0), 0.0) < 0.05 / len(looks) for own in came
    ]
    assert np.mean(poisson_only) > 0.05  # one look without over-dispersion rings more often than all of them
    incident = came[:300].copy()
    incident[:, 10:12] *= 2
    assert rings(incident, 0.05 / len(looks)).mean() > 0.9


def test_dispersion_is_read_from_quantiles_and_from_days():
    for phi in (0.01, 0.05, 0.2):
        table = quantiles(PROFILE, Counts(phi))
        found = interval_dispersion(PROFILE, table[:, LEVELS.index(0.10)], table[:, LEVELS.index(0.90)])
        assert found == pytest.approx(phi, rel=0.25, abs=0.004)
    rng = np.random.default_rng(3)
    totals = days(3000, Spread(0.03, 0.02), rng).sum(axis=1).astype(float)
    expected = 0.03 + 1.03 * 0.02 * (PROFILE**2).sum() / PROFILE.sum() ** 2
    assert day_dispersion(np.full(3000, PROFILE.sum()), totals, 0.5) == pytest.approx(expected, rel=0.15)
    assert day_dispersion(np.zeros(0), np.zeros(0), 0.02) == 0.02


def test_a_surge_fades_and_the_level_stays():
    factors = rest_of_day(Level(1.1, 0.01), 3.0, np.array([0.0, 1.0, 2.0, 20.0]))
    assert factors == pytest.approx([1.1 * 3, 1.1 * 2, 1.1 * 1.5, 1.1], rel=1e-4)


def test_nothing_expected_or_nothing_known():
    assert level_of(np.zeros(0), np.zeros(0), Spread(0.1, 0.1)) == Level(1.0, 0.1)
    assert level_of(np.array([5.0]), np.array([0.0]), Spread(0.1, 0.1)).factor == 1.0
    assert surge_probability(0, np.array([0.0]), Level(1.0, 0.1), 0.1) == 1.0
    assert surge_probability(3, np.array([0.0]), Level(1.0, 0.1), 0.1) == 0.0
