import numpy as np
import pytest

from models.volume.handle_time import has_handle_times, week_of_handle_times
from models.volume.history import Series
from models.volume.params import HandleTimeParams

DAYS = np.arange(28) % 7


def series(queue, per_slot_s, handled=100.0, channel="phone"):
    matrix = np.full((28, 4), handled)
    return Series(queue, channel, matrix, matrix, matrix * np.asarray(per_slot_s), 0.0)


def week(*all_series, strength=40.0):
    params = HandleTimeParams(half_life_days=28, slot_contacts=strength)
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
