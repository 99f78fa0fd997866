import numpy as np
import pytest

from models.volume.handle_time import (
    handle_time_quantiles,
    handle_time_spreads,
    has_handle_times,
    slips,
    week_of_handle_times,
)
from models.volume.history import Series
from models.volume.params import HandleTimeParams, volume_params

DAYS = np.arange(28) % 7


def series(queue, per_slot_s, handled=100.0, channel="phone"):
    matrix = np.full((28, 4), handled)
    return Series(queue, channel, matrix, matrix, matrix * np.asarray(per_slot_s), 0.0)


def week(*all_series, strength=40.0):
    params = HandleTimeParams(half_life_days=28, slot_contacts=strength, spread_days=84)
    return week_of_handle_times({one.queue: one for one in all_series}, DAYS, params)


def test_intervals_of_the_week_keep_their_own_times():
    found = week(series("a", [200, 300, 400, 500]), strength=1e-6)["a"]
    assert found.shape == (7, 4)
    np.testing.assert_allclose(found[3], [200, 300, 400, 500], rtol=1e-6)


def test_few_contacts_are_shrunk_to_the_queues_mean():
    thin, thick = (week(series("a", [200, 400, 400, 400], handled=n))["a"][0, 0] for n in (0.2, 500))
    assert thick == pytest.approx(200, abs=5)
    assert 330 < thin < 360  # the mean is 350


def test_a_queue_that_measured_none_takes_its_kins():
    found = week(series("a", 240), series("b", 0), series("mail", 900, channel="email"))
    np.testing.assert_allclose(found["b"], 240)
    np.testing.assert_allclose(found["mail"], 900)


@pytest.mark.parametrize("factor", [1000, 1 / 60])
def test_a_day_in_another_unit_moves_neither_its_queue_nor_its_kin(factor):
    clean, kin = series("a", 240), series("b", 0)
    seconds = clean.handle_s.copy()
    seconds[20] *= factor
    slipped = Series("a", "phone", clean.contacts, clean.handled, seconds, 0.0)
    found = week(slipped, kin)
    np.testing.assert_allclose(found["a"], 240)
    np.testing.assert_allclose(found["b"], 240)
    assert slips(slipped) == 4
    assert slips(clean) == 0


def test_unknown_stays_unknown():
    nobody = series("a", 0)
    assert np.isnan(week(nobody)["a"]).all()
    assert not has_handle_times(nobody)
    assert has_handle_times(series("a", 240))


def test_recent_days_weigh_more():
    seconds = np.where(np.arange(28) < 14, 100.0, 300.0)[:, None] * np.ones((28, 4))
    handled = np.full((28, 4), 1000.0)
    found = week(Series("a", "phone", handled, handled, handled * seconds, 0.0))["a"]
    assert found.mean() > 205


def scattered(between, within, contacts, days=84):
    """Interval means around 300 s: a gamma for what moves all, and a gamma for what each contact takes."""
    rng = np.random.default_rng(8)
    count = np.full((days, 48), float(contacts))
    common = rng.gamma(1 / between, between, count.shape) if between else np.ones(count.shape)
    own = rng.gamma(count / within, within / count) if within else np.ones(count.shape)
    return Series("a", "phone", count, count, count * 300 * common * own, 0.0)


@pytest.mark.parametrize(("between", "within", "contacts"), [(0.0, 1.0, 20), (0.01, 1.0, 30), (0.02, 0.0, 5)])
def test_eight_means_in_ten_lie_within_the_quantiles(between, within, contacts):
    made, weekdays, params = scattered(between, within, contacts), np.arange(84) % 7, volume_params().handle_time
    expected = {"a": np.full((7, 48), 300.0)}
    spread = handle_time_spreads({"a": made}, expected, weekdays, params)["a"]
    n = made.handled.ravel()
    told = handle_time_quantiles(
        np.full(len(n), 300.0), n, np.full(len(n), spread.between), np.full(len(n), spread.within)
    )
    means = made.handle_s.ravel() / n
    assert ((means > told[:, 0]) & (means < told[:, 2])).mean() == pytest.approx(0.8, abs=0.02)
    assert (np.diff(told, axis=1) > 0).all()


def test_both_parts_of_the_scatter_are_told_apart():
    """Intervals of 2 and of 50 contacts: with 0.01 and 0.5, variances of 0.26 and of 0.02."""
    few, many = scattered(0.01, 0.5, 2), scattered(0.01, 0.5, 50)
    both = Series("a", "phone", *(np.hstack([getattr(few, name), getattr(many, name)])
                                  for name in ("contacts", "handled", "handle_s")), 0.0)  # fmt: skip
    expected = {"a": np.full((7, 96), 300.0)}
    spread = handle_time_spreads({"a": both}, expected, np.arange(84) % 7, volume_params().handle_time)["a"]
    assert spread.between == pytest.approx(0.01, abs=0.005)
    assert spread.within == pytest.approx(0.5, rel=0.1)


def test_quantiles_by_hand():
    told = handle_time_quantiles(np.array([240.0]), np.array([25.0]), np.array([0.0]), np.array([1.0]))
    np.testing.assert_allclose(told[0], [182.6, 235.3, 303.3], atol=0.2)


def test_without_measured_times_quantiles_are_unknown():
    made = series("a", [0, 0, 0, 0])
    spread = handle_time_spreads({"a": made}, {"a": np.full((7, 4), np.nan)}, DAYS, volume_params().handle_time)["a"]
    assert np.isnan(spread.between)
