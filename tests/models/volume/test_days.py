"""Days of a year: sums where there are intervals, totals that know what queues share."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from models.volume.accuracy import bucket_of
from models.volume.backtest import Span, backtest, weekly_cutoffs, with_actuals
from models.volume.candidates import BLENDED, forecast_candidates
from models.volume.combine import WEIGHTS, choose_weights
from models.volume.daily import damped_trend
from models.volume.days import DayErrors, days_of_intervals, learn_days, volume_days
from models.volume.forecast import apply, forecast_rows, learn, night_forecast
from models.volume.params import volume_params
from models.volume.quantiles import QUANTILE_COLUMNS, Spread

PARAMS = volume_params()


@pytest.fixture(scope="module")
def night(request):
    from tests.models.volume.conftest import NO_EVENTS, Site

    site = Site(ahead=100).queue("a", phi=0.01).queue("b", a_day=200, seed=2).queue("m", channel="email", seed=3)
    histories = site.histories()
    past = backtest(histories, NO_EVENTS, weekly_cutoffs(site.run_date, 3), Span(28, 730), PARAMS, None)
    scored = with_actuals(past, histories, site.run_date, PARAMS)
    learned = learn(scored, PARAMS)
    tonight = forecast_candidates(histories, NO_EVENTS, [site.run_date], 100, 730, PARAMS)
    rows = forecast_rows(tonight, histories, learned, 28)
    forecast = night_forecast(rows, histories, site.run_date, 28, PARAMS)
    errors = learn_days(apply(scored, learned), PARAMS.days)
    return site, forecast, volume_days(forecast, tonight, learned.weights, errors, site.run_date, PARAMS.days)


def test_days_within_the_horizon_are_the_sums_of_their_intervals(night):
    _, forecast, days = night
    sums = forecast.groupby(["queue", "local_on"])["contacts"].sum()
    own = days[(days["scope"] == "queue") & (days["basis"] == "intervals")].set_index(["scope_value", "local_on"])
    assert len(own) == 3 * 28
    np.testing.assert_allclose(own["contacts"].to_numpy(), sums.loc[own.index].to_numpy(), rtol=1e-12)


def test_means_add_up_and_quantiles_of_totals_do_not_cross(night):
    _, _, days = night
    by_day = days.pivot_table(index="local_on", columns=["scope", "scope_value"], values="contacts")
    np.testing.assert_allclose(by_day["queue"].sum(axis=1), by_day["all"]["all"])
    np.testing.assert_allclose(by_day["queue"][["a", "b"]].sum(axis=1), by_day["channel"]["phone"])
    levels = days[list(QUANTILE_COLUMNS)].to_numpy()
    assert (levels >= 0).all()
    assert (np.diff(levels, axis=1) >= -1e-9).all()


def test_later_days_go_on_where_the_intervals_end_and_closed_ones_are_zero(night):
    site, _, days = night
    own = days[(days["scope"] == "queue") & (days["scope_value"] == "a")].set_index("lead_days")
    truth = site.mean_matrix("a")[site.grid.day_index(site.run_date) :].sum(axis=1)
    later = own.loc[29:100, "contacts"].to_numpy()
    assert later.sum() == pytest.approx(truth[28:100].sum(), rel=0.1)
    assert (later[truth[28:100] == 0] == 0).all()
    assert own["local_on"].iloc[0] == site.run_date


def test_later_days_are_weighed_as_the_longest_leads():
    """The model says 100 a day, last week 60, two intervals a day: half of each is 160 a day."""
    basis = SimpleNamespace(intervals=np.full((3, 2), 1.0), ahead=slice(0, 3))
    candidates = SimpleNamespace(
        basis=basis,
        blended=dict(zip(BLENDED, (np.full((3, 2), contacts) for contacts in (100.0, 0.0, 60.0, 0.0)), strict=True)),
    )
    shares = {name: [1.0 * (name == "weight_rival"), 0.5 * (name in ("weight_daily", "weight_last_week"))]
              for name in WEIGHTS}  # fmt: skip
    weights = pd.DataFrame({"queue": "a", "bucket": [0, 5], **shares})
    forecast = pd.DataFrame({"queue": "a", "channel": "phone", "lead_days": [1], "contacts": 160.0})
    on = date(2025, 7, 7)
    days = volume_days(forecast, {("a", on): candidates}, weights, DayErrors({}, pd.DataFrame()), on, PARAMS.days)
    own = days[days["scope"] == "queue"]
    assert own["contacts"].tolist() == [160.0, 160.0, 160.0]
    assert own["basis"].tolist() == ["intervals", "daily", "daily"]


def test_beyond_what_was_judged_the_variance_grows_with_the_lead():
    """Judged ten days ahead on average: days 29 to 40, one block, lie 34.5 ahead on average: phi .01 x 3.45."""
    basis = SimpleNamespace(intervals=np.ones((40, 1)), ahead=slice(0, 40))
    found = SimpleNamespace(basis=basis, blended=dict.fromkeys(BLENDED, np.full((40, 1), 1e5)))
    forecast = pd.DataFrame({"queue": "a", "channel": "phone", "lead_days": np.arange(1, 11), "contacts": 1e5})
    errors = DayErrors({("a", 3): Spread(0.01)}, pd.DataFrame(), {"a": 10.0})
    on, none = date(2025, 7, 7), choose_weights(pd.DataFrame(), PARAMS.combine)
    days = volume_days(forecast, {("a", on): found}, none, errors, on, PARAMS.days).query("scope == 'queue'")
    width = (days["contacts_p90"] - days["contacts_p10"]).to_numpy()
    assert width[0] == pytest.approx(np.diff(stats.nbinom.ppf([0.1, 0.9], 100, 100 / (100 + 1e5)))[0], rel=0.01)
    size = 1 / 0.0345
    assert width[39] == pytest.approx(np.diff(stats.nbinom.ppf([0.1, 0.9], size, size / (size + 1e5)))[0], rel=0.01)


def test_what_was_judged_is_told_by_queue():
    days = pd.DataFrame({"queue": "a", "bucket": [3, 5, 5], "lead_days": [10, 30, 40], "contacts": 100.0,
                         "cutoff_on": pd.Timestamp("2025-01-06"), "forecast": 100.0,
                         "day_on": pd.to_datetime(["2025-01-15", "2025-02-04", "2025-02-14"])})  # fmt: skip
    assert learn_days(days, PARAMS.days).judged == {"a": 35.0}


def two_queues(correlation, phi=0.04, mean=1000.0):
    spreads = {(queue, 0): Spread(phi) for queue in ("a", "b")}
    matrix = pd.DataFrame([[1.0, correlation], [correlation, 1.0]], index=["a", "b"], columns=["a", "b"])
    forecast = pd.DataFrame({"queue": ["a", "b"], "channel": "phone", "lead_days": 1, "contacts": mean})
    basis = SimpleNamespace(intervals=np.ones((1, 1)), ahead=slice(0, 1))
    found = SimpleNamespace(basis=basis, blended=dict.fromkeys(BLENDED, np.array([[mean]])))
    tonight = {(queue, date(2025, 7, 7)): found for queue in ("a", "b")}
    none = choose_weights(pd.DataFrame(), PARAMS.combine)
    days = volume_days(forecast, tonight, none, DayErrors(spreads, matrix), date(2025, 7, 7), PARAMS.days)
    return days[days["scope"] == "all"].iloc[0]


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_a_total_is_as_wide_as_its_parts_err_together(correlation):
    """Variance of the sum: 2 v (1 + r), v = m + phi m^2 of each; the sum of two is nearly normal."""
    total = two_queues(correlation)
    deviation = np.sqrt(2 * (1000 + 0.04 * 1000**2) * (1 + correlation))
    width = total["contacts_p90"] - total["contacts_p10"]
    assert width == pytest.approx(2 * stats.norm.ppf(0.9) * deviation, rel=0.05)
    assert total["contacts"] == 2000


def test_what_queues_share_is_found_in_their_errors():
    rng = np.random.default_rng(4)
    n = 150
    common = rng.normal(0, 0.2, n)
    days = pd.date_range("2025-01-01", periods=n)
    frames = [
        pd.DataFrame({"queue": queue, "bucket": 0, "cutoff_on": days[0], "day_on": days, "lead_days": 1,
                      "forecast": 1000.0, "contacts": 1000 * (1 + shared * common + rng.normal(0, 0.02, n))})
        for queue, shared in (("a", 1.0), ("b", 1.0), ("alone", 0.0))
    ]  # fmt: skip
    found = learn_days(pd.concat(frames), PARAMS.days).correlation
    assert found.loc["a", "b"] > 0.7
    assert found.loc["a", "alone"] < 0.3
    assert np.linalg.eigvalsh(found.to_numpy()).min() > 0


def test_a_trend_flattens():
    """Two a day, 0.98 kept after day 56: what is added then adds up to 2 x 0.98 x (1 - 0.98^n) / 0.02."""
    lead = np.arange(-9, 157)
    params = PARAMS.daily.model_copy(update={"damp_after_days": 56, "damp_keep": 0.98})
    damped = damped_trend(100 + 2.0 * lead, lead, params)
    np.testing.assert_allclose(damped[lead <= 56], 100 + 2.0 * lead[lead <= 56])
    assert damped[-1] == pytest.approx(100 + 2 * 56 + 2 * 0.98 * (1 - 0.98**100) / 0.02)


def test_without_any_backtest_days_have_wide_quantiles():
    errors = learn_days(pd.DataFrame(), PARAMS.days)
    assert errors.spreads == {}
    assert errors.correlation.empty


def errors_of_days(rng, queues=8, cutoffs=6, mean=3000.0):
    """What came of days that were forecast as `mean`, off by a tenth, one in twelve by a third."""
    at = pd.MultiIndex.from_product(
        [range(queues), range(cutoffs), range(1, 8)], names=["queue", "cutoff", "lead_days"]
    )
    rows = at.to_frame(index=False)
    spread = np.where(rng.random(len(rows)) < 1 / 12, 0.33, 0.1)
    rate = mean * np.exp(spread * rng.standard_normal(len(rows)) - spread**2 / 2)
    cutoff_on = pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * rows["cutoff"], unit="D")
    return rows.assign(
        queue="q" + rows["queue"].astype(str), cutoff_on=cutoff_on, forecast=mean, contacts=rng.poisson(rate),
        day_on=cutoff_on + pd.to_timedelta(rows["lead_days"] - 1, unit="D"),
        bucket=bucket_of(rows["lead_days"].to_numpy()),
    )  # fmt: skip


def test_intervals_of_days_hold_what_they_say_though_a_queue_has_few_of_them():
    """Six cutoffs have six days a queue that are one day ahead; bad days stretch each queue's own dispersion."""
    held = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        told = days_of_intervals(errors_of_days(rng, cutoffs=1), learn_days(errors_of_days(rng), PARAMS.days))
        came = errors_of_days(rng, cutoffs=1)["contacts"].to_numpy()
        held.append(((came >= told["contacts_p10"]) & (came <= told["contacts_p90"])).mean())
    assert np.mean(held) == pytest.approx(0.8, abs=0.025)
