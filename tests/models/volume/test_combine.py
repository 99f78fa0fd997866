import numpy as np
import pandas as pd
import pytest

from models.volume.accuracy import bucket_of, wape
from models.volume.candidates import BLENDED
from models.volume.combine import WEIGHTS, choose_weights, combined, method_names, mixtures
from models.volume.params import CombineParams

PARAMS = CombineParams(steps=4, lead_share=0.5, pooled_days=20)
BIG = 400.0  # an error that nobody would take


def scored(daily_error, rival_error, leads=(1, 2, 5), queue="a", n=300, seed=1, week_error=BIG, year_error=BIG):
    rng = np.random.default_rng(seed)
    actual = rng.uniform(50, 150, n)
    errors = dict(zip(BLENDED, (daily_error, rival_error, week_error, year_error), strict=True))
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
    np.testing.assert_allclose(weights_of(scored(daily, rival))["weight_daily"], weight, atol=0.01)


@pytest.mark.parametrize(("candidate", "errors"), [("last_week", (30, 30, 1, 30)), ("last_year", (30, 30, 30, 1))])
def test_any_candidate_may_win(candidate, errors):
    daily, rival, week, year = errors
    weights = weights_of(scored(daily, rival, week_error=week, year_error=year))
    np.testing.assert_allclose(weights[f"weight_{candidate}"], 1.0, atol=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_never_worse_than_the_rival_where_it_was_chosen(seed):
    rows = scored(25, 20, leads=(1, 3, 7, 10, 20, 40), seed=seed, n=60, week_error=22, year_error=24)
    out = combined(rows, weights_of(rows))
    for _, own in out.groupby(bucket_of(out["lead_days"].to_numpy())):
        actual = own["contacts"].to_numpy()
        assert wape(own["forecast"].to_numpy(), actual) <= wape(own["moved_rival"].to_numpy(), actual) + 1e-12


def test_each_queue_has_its_own_winner():
    weights = weights_of(pd.concat([scored(1, 30, queue="a"), scored(30, 1, queue="b")]))
    won = weights.groupby("queue")["weight_daily"].first().to_dict()
    assert won == pytest.approx({"a": 1.0, "b": 0.0}, abs=0.01)


def errors_of(daily, rival, days, week=BIG):
    """A queue of one interval a day whose candidates are off by so much, all too high or all too low on a day."""
    sign = np.resize([1.0, -1.0], days)
    errors = dict(zip(BLENDED, (daily, rival, week, BIG), strict=True))
    made = {member: 1000 + sign * error for member, error in errors.items()}
    days_on = pd.date_range("2025-03-03", periods=days)
    return pd.DataFrame({"queue": "a", "day_on": days_on, "lead_days": 1, "contacts": 1000.0, **made})


def test_a_mixture_counts_as_likely_as_its_errors_make_it():
    """Errors of one sign add up: with so many quarters of the rival a mixture is off by 10 + .5 x quarters."""
    alone = PARAMS.model_copy(update={"pooled_days": 0.0})
    weights = weights_of(errors_of(10.0, 12.0, 20), alone).iloc[0]
    quarters = np.arange(5)
    likely = (10 / (10 + 0.5 * quarters)) ** 20
    assert weights["weight_rival"] == pytest.approx((likely * quarters / 4).sum() / likely.sum(), rel=1e-6)


def test_two_near_equals_do_not_change_places():
    """One in a thousand ahead or behind: the single best mixture is all of the one, then all of the other."""
    ahead, behind = (
        weights_of(errors_of(daily, 12.0, 30, week=10.0))["weight_daily"].iloc[0] for daily in (9.99, 10.01)
    )
    assert ahead > behind
    assert ahead - behind < 0.05


def test_a_candidate_that_stands_for_the_rival_weighs_nothing():
    rows = errors_of(10.0, 10.0, 20)
    weights = weights_of(rows.assign(moved_last_year=rows["moved_rival"], daily=2000.0))
    assert weights[["weight_rival", "weight_last_year"]].iloc[0].tolist() == [1.0, 0.0]


def test_all_perfect_and_all_empty_is_no_division_by_zero():
    weights = weights_of(scored(0, 0, week_error=0, year_error=0, n=20))
    assert (weights["weight_rival"] == 1.0).all()
    one = weights_of(scored(0, 10, n=20), PARAMS.model_copy(update={"pooled_days": 0.0}))
    np.testing.assert_allclose(one["weight_daily"], 1.0)


def test_little_evidence_goes_with_what_won_everywhere():
    """Three intervals in which both are equally far off, one above and one below: a blend would be perfect."""
    few = scored(1, 30, queue="few", n=3, leads=(1,))
    few = few.assign(daily=few["contacts"] + 10.0, moved_rival=few["contacts"] - 10.0)
    every = pd.concat([few, *[scored(1, 30, queue=f"q{step}", seed=step) for step in range(8)]])
    alone = weights_of(every, PARAMS.model_copy(update={"pooled_days": 0.0}))
    assert alone.loc[alone["queue"] == "few", "weight_daily"].iloc[0] == 0.5
    together = weights_of(every, PARAMS.model_copy(update={"pooled_days": 100.0}))
    assert together.loc[together["queue"] == "few", "weight_daily"].iloc[0] > 0.5


def test_a_bucket_without_evidence_takes_the_next_shorter_one():
    weights = weights_of(scored(1, 30, leads=(1,)))
    assert len(weights) == 6
    np.testing.assert_allclose(weights["weight_daily"], 1.0, atol=0.01)


def test_without_any_backtest_the_daily_model_stands():
    rows = scored(1, 1, n=3)
    out = combined(rows, weights_of(rows.iloc[:0]))
    assert (out["forecast"] == out["daily"]).all()


def test_a_forecast_is_never_negative():
    rows = scored(1, 1, n=3).assign(**dict.fromkeys(BLENDED, -5.0))
    assert (combined(rows, weights_of(rows))["forecast"] == 0).all()


def test_methods_are_named_by_what_made_them():
    values = [(0, 1, 0, 0), (0.5, 0.5, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    is_short = pd.Series([False, False, False, True, True, False, False])
    names = method_names(pd.DataFrame(values, columns=list(WEIGHTS)), is_short)
    assert list(names) == [
        "four_like_weekdays", "blend", "prophet", "kin", "four_like_weekdays", "last_week", "last_year"
    ]  # fmt: skip
