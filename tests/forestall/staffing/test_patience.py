import numpy as np
import pandas as pd
import pytest

from forestall.staffing.patience import FEWEST_ABANDONS, estimate_patience
from forestall.staffing.simulation import draw_arrivals, simulate


def test_censored_waits_are_taken_into_account():
    rng = np.random.default_rng(1)
    patience, offered_wait = rng.exponential(150, 20_000), rng.exponential(40, 20_000)
    volume = pd.DataFrame(
        {"queue": "care", "abandoned_count": patience < offered_wait, "wait_time_s": np.minimum(patience, offered_wait)}
    )
    assert estimate_patience(volume)["care"] == pytest.approx(150, rel=0.05)


def test_few_abandonments_tell_nothing():
    volume = pd.DataFrame(
        {"queue": ["few", "enough", "no_waits"], "abandoned_count": [FEWEST_ABANDONS - 1, FEWEST_ABANDONS, 500],
         "wait_time_s": [9_000, 9_000, 0]}
    )  # fmt: skip
    assert estimate_patience(volume) == {"enough": 300}


def test_the_truth_of_each_queue_is_found_in_simulated_interval_sums():
    """Two queues live through busy days contact by contact; only counts and summed waits are seen."""
    rng, truths = np.random.default_rng(7), {"quick": 60.0, "patient": 400.0}
    frames = []
    for queue, patience_s in truths.items():
        drawn = draw_arrivals(rng, np.full((40, 1, 16), 60.0), np.array([[300.0]]), np.array([patience_s]), 1800.0)
        served = simulate(drawn, np.full((40, 16), 9), 1800.0)
        days = {"abandoned_count": served.is_abandoned.sum(axis=1), "wait_time_s": np.nansum(served.wait_s, axis=1)}
        frames.append(pd.DataFrame(days).assign(queue=queue))
    found = estimate_patience(pd.concat(frames))
    assert found == pytest.approx(truths, rel=0.06)
    # those who gave up waited less than their kind would: the plain mean of their waits is wrong
    assert np.nanmean(served.wait_s[served.is_abandoned]) < 0.8 * truths["patient"]
