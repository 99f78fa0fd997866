import numpy as np
import pandas as pd
import pytest

from models.volume.accuracy import bucket_of, wape
from models.volume.candidates import MEMBERS
from models.volume.combine import WEIGHTS, choose_weights, combined, method_names, mixtures
from models.volume.params import CombineParams

PARAMS = CombineParams(steps=4, lead_share=0.5, pooled_days=20)
BIG = 400.0  # an error that nobody would take


def scored(daily_error, rival_error, leads=(1, 2, 5), queue="a", n=300, seed=1, week_error=BIG, year_error=BIG):
    rng = np.random.default_rng(seed)
    actual = rng.uniform(50, 150, n)
    errors = dict(zip(MEMBERS, (daily_error, rival_error, week_error, year_error), strict=True))
    forecasts = {member: actual + rng.normal(0, error, n) for member, error in errors.items()}
    days = pd.Timestamp("2025-03-03") + pd.to_timedelta(np.arange(n) // 10, unit="D")
    return pd.DataFrame(
        {"queue": queue, "day_on": days, "lead_days": np.resize(leads, n), "contacts": actual, **forecasts}
    )


def weights_of(rows, params=PARAMS):
    return choose_weights(rows, params)


def test_mixtures_are_all_ways_to_share_four_quarters():
    tried = mixtures(4)
    assert len(tried) == 35  # four quarters among four: C(7, 3)
    np.testing.assert_allclose(tried.sum(axis=1), 1)
    assert tried[0].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(("daily", "rival", "weight"), [(1, 30, 1.0), (30, 1, 0.0), (20, 20, 0.5)])
def test_the_better_one_wins_and_equals_are_blended(daily, rival, weight):
    assert set(weights_of(scored(daily, rival))["weight_daily"]) == {weight}


@pytest.mark.parametrize(("candidate", "errors"), [("last_week", (30, 30, 1, 30)), ("last_year", (30, 30, 30, 1))])
def test_any_candidate_may_win(candidate, errors):
    daily, rival, week, year = errors
    weights = weights_of(scored(daily, rival, week_error=week, year_error=year))
    assert set(weights[f"weight_{candidate}"]) == {1.0}


@pytest.mark.parametrize("seed", range(20))
def test_never_worse_than_the_rival_where_it_was_chosen(seed):
    rows = scored(25, 20, leads=(1, 3, 7, 10, 20, 40), seed=seed, n=60, week_error=22, year_error=24)
    out = combined(rows, weights_of(rows))
    for _, own in out.groupby(bucket_of(out["lead_days"].to_numpy())):
        actual = own["contacts"].to_numpy()
        assert wape(own["forecast"].to_numpy(), actual) <= wape(own["rival"].to_numpy(), actual) + 1e-12


def test_each_queue_has_its_own_winner():
    weights = weights_of(pd.concat([scored(1, 30, queue="a"), scored(30, 1, queue="b")]))
    assert weights.groupby("queue")["weight_daily"].first().to_dict() == {"a": 1.0, "b": 0.0}


def test_little_evidence_goes_with_what_won_everywhere():
    """Three intervals in which both are equally far off, one above and one below: a blend would be perfect."""
    few = scored(1, 30, queue="few", n=3, leads=(1,))
    few = few.assign(daily=few["contacts"] + 10.0, rival=few["contacts"] - 10.0)
    every = pd.concat([few, *[scored(1, 30, queue=f"q{step}", seed=step) for step in range(8)]])
    alone = weights_of(every, PARAMS.model_copy(update={"pooled_days": 0.0}))
    assert alone.loc[alone["queue"] == "few", "weight_daily"].iloc[0] == 0.5
    together = weights_of(every, PARAMS.model_copy(update={"pooled_days": 100.0}))
    assert together.loc[together["queue"] == "few", "weight_daily"].iloc[0] > 0.5


def test_a_bucket_without_evidence_takes_the_next_shorter_one():
    weights = weights_of(scored(1, 30, leads=(1,)))
    assert len(weights) == 6
    assert (weights["weight_daily"] == 1.0).all()


def test_without_any_backtest_the_daily_model_stands():
    rows = scored(1, 1, n=3)
    out = combined(rows, weights_of(rows.iloc[:0]))
    assert (out["forecast"] == out["daily"]).all()


def test_a_forecast_is_never_negative():
    rows = scored(1, 1, n=3).assign(**dict.fromkeys(MEMBERS, -5.0))
    assert (combined(rows, weights_of(rows))["forecast"] == 0).all()


def test_methods_are_named_by_what_made_them():
    values = [(0, 1, 0, 0), (0.5, 0.5, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    is_short = pd.Series([False, False, False, True, True, False, False])
    names = method_names(pd.DataFrame(values, columns=list(WEIGHTS)), is_short)
    assert list(names) == [
        "four_like_weekdays", "blend", "prophet", "kin", "four_like_weekdays", "last_week", "last_year"
    ]  # fmt: skip
