"""What waiting does, on made-up contacts whose truth is known and hidden behind a confounder."""

import numpy as np
import pandas as pd
import pytest

from forestall.staffing.wait_effect import CROWD, NAIVE, is_known, sentence, wait_effect

TRUTH = 0.02  # a minute


def contacts(seed, truth=TRUTH, intervals=1500, callers=8, crowd=1.0):
    """Callers of one queue; who is hard to help waits longer and leaves oftener, whatever the crowd."""
    rng = np.random.default_rng(seed)
    interval = np.repeat(np.arange(intervals), callers)
    severity = rng.normal(size=interval.size)
    crowded = crowd * rng.gamma(1.0, 1.0, intervals)[interval]
    wait = np.maximum(crowded * rng.gamma(2.0, 0.5, interval.size) + 0.5 * severity, 0.0)
    leaves = 0.15 + truth * wait + 0.05 * severity
    rows = pd.DataFrame({
        "customer_id": rng.integers(0, intervals * callers // 3, interval.size).astype(str),
        "interval": interval, "alike": interval % 20, "queue_week": interval // 100,
        "day_contacts": 100 + interval // 20 % 5, "wait_minutes": wait,
        "is_left": (rng.random(interval.size) < leaves).astype(int),
    })  # fmt: skip
    total = rows.groupby("interval")["wait_minutes"].transform("sum")
    return rows.assign(others_wait_minutes=(total - rows["wait_minutes"]) / (callers - 1))


def by_approach(rows):
    return wait_effect(rows).set_index("approach", drop=False)


def test_the_crowd_tells_the_truth_where_the_naive_comparison_does_not():
    found = [by_approach(contacts(seed)) for seed in range(30)]
    told = pd.DataFrame([one.loc[CROWD] for one in found])
    assert told["effect_per_minute"].mean() == pytest.approx(TRUTH, abs=0.002)
    held = (told["effect_low"] <= TRUTH) & (told["effect_high"] >= TRUTH)
    assert held.mean() >= 0.85  # of 30 intervals at 95 %: fewer than 26 come by chance once in 600 times
    naive = pd.DataFrame([one.loc[NAIVE] for one in found])
    assert (naive["effect_low"] > TRUTH).mean() > 0.7


def test_where_waiting_does_nothing_no_price_is_told():
    prices = [is_known(by_approach(contacts(seed, truth=0.0)).loc[CROWD]) for seed in range(100, 120)]
    assert np.mean(prices) <= 0.15  # 2.5 % are expected: the upper tail
    naive = by_approach(contacts(100, truth=0.0)).loc[NAIVE]
    assert naive["effect_low"] > 0  # and yet hard cases wait longer


def test_a_crowd_that_moves_no_waits_prices_nothing():
    found = by_approach(contacts(3, crowd=0.0)).loc[CROWD]
    assert found["first_stage_f"] < 10
    assert not is_known(found)
    assert sentence(found, 90).endswith("no price is given")


def test_by_hand():
    # One cell: the crowd is 1 or 3, own waits 1 and 2, and of those in the crowd half leave: .5 for 1 minute.
    rows = pd.DataFrame({
        "customer_id": list("abcd"), "interval": [0, 1, 2, 3], "alike": 0, "queue_week": 0, "day_contacts": 5,
        "wait_minutes": [1.0, 1.0, 2.0, 2.0], "others_wait_minutes": [1.0, 1.0, 3.0, 3.0], "is_left": [0, 0, 1, 0],
    })  # fmt: skip
    found = by_approach(rows)
    assert found["effect_per_minute"].tolist() == pytest.approx([0.5, 0.5])
    assert found.loc[CROWD, ["contact_count", "customer_count", "leaver_count"]].tolist() == [4, 4, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_without_contacts_nothing_is_told(count):
    found = by_approach(contacts(1, intervals=20).head(count))
    assert found["effect_per_minute"].isna().all()
    assert not is_known(found.loc[CROWD])
    assert sentence(found.loc[CROWD], 90).startswith("too little to say")
