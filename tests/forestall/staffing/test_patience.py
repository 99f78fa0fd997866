import numpy as np
import pandas as pd
import pytest

from forestall.staffing.patience import FEWEST_ABANDONS, estimate_patience


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
