"""Lists compared on randomised accounts: by hand, and where the better one is known."""

import numpy as np
import pandas as pd
import pytest

from models.uplift.judging import judge, listed_share, qini
from models.uplift.params import uplift_params

PARAMS = uplift_params()


def judged_rows(count, seed, *, knows):
    """Half are kept (share 0.6), half driven away (-0.2); the chances see 0.2 throughout, the model what it `knows`."""
    rng = np.random.default_rng(seed)
    true = np.where(rng.random(count) < 0.5, 0.6, -0.2)
    risk = rng.uniform(0.2, 0.6, count)
    return pd.DataFrame({
        "score": -true * risk + rng.normal(0, 0.9, count), "risk": risk, "chance": 0.2,
        "learned_chance": true if knows else 0.2 + rng.normal(0, 0.1, count), "value_at_risk": 100.0, "cost": 5.0,
    })  # fmt: skip


def test_shares_and_qini_by_hand():
    assert listed_share(np.array([4.0, 1, 3, 2]), (0.25, 0.5)).tolist() == [1, 0, 0.5, 0]
    assert qini(np.array([1.0, 0]), np.array([2.0, 1])) == pytest.approx(0.125)
    assert qini(np.array([1.0, 0]), np.array([1.0, 2])) == pytest.approx(-0.125)
    assert qini(np.ones(10), np.arange(10.0)) == pytest.approx(0)


def test_the_value_of_a_list_by_hand():
    """Of every two accounts one has a place: by chances the first (10 - 5), by the model the other (40 - 5)."""
    rows = pd.DataFrame({"score": [-0.1, -0.4], "risk": [0.5, 0.4], "chance": 0.2, "learned_chance": [0.2, 0.9],
                         "value_at_risk": 100.0, "cost": 5.0})  # fmt: skip
    rows = pd.concat([rows] * 20, ignore_index=True)
    found = judge(rows, PARAMS.model_copy(update={"capacity_shares": (0.5,)}))
    assert (found.value_by_chance, found.value_by_uplift) == pytest.approx((5 / 2, 35 / 2))
    assert found.gain == pytest.approx(15)


def test_a_model_that_knows_is_seen_to_be_better():
    found = judge(judged_rows(3_000, 1, knows=True), PARAMS)
    assert 0 < found.gain_low < found.gain < found.gain_high
    assert found.gain == pytest.approx(found.value_by_uplift - found.value_by_chance)
    assert found.qini_by_uplift > found.qini_by_chance + 0.02


def test_a_model_that_guesses_is_seldom_taken_for_better():
    """1 % at most by right; of 60, more than 3 would be a miracle (0.3 %)."""
    wrong = sum(judge(judged_rows(300, seed, knows=False), PARAMS).gain_low > 0 for seed in range(60))
    assert wrong <= 3
