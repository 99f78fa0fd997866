import numpy as np
import pandas as pd
import pytest

from models.volume.accuracy import bucket_of, wape
from models.volume.combine import choose_weights, combined, method_names


def scored(daily_error, rival_error, leads=(1, 2, 5), queue="a", n=300, seed=1):
    rng = np.random.default_rng(seed)
    actual = rng.uniform(50, 150, n)
    return pd.DataFrame(
        {"queue": queue, "lead_days": np.resize(leads, n), "contacts": actual,
         "daily": actual + rng.normal(0, daily_error, n), "rival": actual + rng.normal(0, rival_error, n)}
    )  # fmt: skip


@pytest.mark.parametrize(("daily", "rival", "weight"), [(1, 30, 1.0), (30, 1, 0.0), (20, 20, 0.5)])
def test_the_better_one_wins_and_equals_are_blended(daily, rival, weight):
    assert set(choose_weights(scored(daily, rival))["weight"]) == {weight}


@pytest.mark.parametrize("seed", range(20))
def test_never_worse_than_the_rival_where_it_was_chosen(seed):
    rows = scored(25, 20, leads=(1, 3, 7, 10, 20, 40), seed=seed, n=60)
    out = combined(rows, choose_weights(rows))
    for _, own in out.groupby(bucket_of(out["lead_days"].to_numpy())):
        actual = own["contacts"].to_numpy()
        assert wape(own["forecast"].to_numpy(), actual) <= wape(own["rival"].to_numpy(), actual) + 1e-12


def test_each_queue_has_its_own_winner():
    weights = choose_weights(pd.concat([scored(1, 30, queue="a"), scored(30, 1, queue="b")]))
    assert weights.groupby("queue")["weight"].first().to_dict() == {"a": 1.0, "b": 0.0}


def test_a_bucket_without_evidence_takes_the_next_shorter_one():
    weights = choose_weights(scored(1, 30, leads=(1,)))
    assert len(weights) == 6
    assert (weights["weight"] == 1.0).all()


def test_without_any_backtest_the_daily_model_stands():
    rows = scored(1, 1, n=3)
    out = combined(rows, choose_weights(rows.iloc[:0]))
    assert (out["forecast"] == out["daily"]).all()


def test_a_forecast_is_never_negative():
    rows = scored(1, 1, n=3).assign(daily=-5.0, rival=-1.0)
    assert (combined(rows, choose_weights(rows))["forecast"] == 0).all()


def test_methods_are_named_by_what_made_them():
    names = method_names(pd.Series([0.0, 0.5, 1.0, 1.0, 0.0]), pd.Series([False, False, False, True, True]))
    assert list(names) == ["four_like_weekdays", "blend", "prophet", "kin", "four_like_weekdays"]
