from datetime import date, timedelta

import numpy as np
import pytest

from features.calendar import Calendar
from features.published_volume import VOLUME_FORECAST
from models.volume.accuracy import wape
from models.volume.backtest import Span, backtest, weekly_cutoffs, with_actuals
from models.volume.candidates import forecast_candidates
from models.volume.forecast import (
    apply,
    forecast_rows,
    learn,
    never_surer,
    night_forecast,
    with_longer_leads,
)
from models.volume.params import volume_params
from models.volume.quantiles import QUANTILE_COLUMNS, Spread

PARAMS = volume_params()


def night_of(site, events, cutoffs=3):
    histories = site.histories()
    past = backtest(histories, events, weekly_cutoffs(site.run_date, cutoffs), Span(site.ahead, 730), PARAMS, None)
    learned = learn(with_actuals(past, histories, site.run_date, PARAMS), PARAMS)
    tonight = forecast_candidates(histories, events, [site.run_date], site.ahead, 730, PARAMS)
    rows = forecast_rows(tonight, histories, learned)
    return night_forecast(rows, histories, site.run_date, site.ahead, PARAMS)


def test_every_interval_of_the_horizon_has_one_row_a_queue(site, no_events):
    made = site(ahead=14).queue("a").queue("mail", channel="email", seed=2)
    forecast = night_of(made, no_events)
    added = {"cutoff_at", "model_version", "model_contacts", "override_id", "outreach_contacts"}  # by the job
    assert set(VOLUME_FORECAST.names) - set(forecast.columns) == added
    assert len(forecast) == 2 * 14 * 24
    assert not forecast.duplicated(["queue", "interval_start_at"]).any()
    assert forecast["lead_days"].min() == 1
    assert forecast.loc[forecast["lead_days"] == 1, "local_on"].unique().tolist() == [made.run_date]
    assert forecast["lead_days"].max() == 14
    assert not forecast.drop(columns="handle_time_s").isna().any().any()


def test_nothing_is_negative_quantiles_never_cross_and_live_queues_rest_when_closed(site, no_events):
    forecast = night_of(site(ahead=14).queue("a").queue("mail", channel="email", seed=2), no_events)
    levels = forecast[list(QUANTILE_COLUMNS)].to_numpy()
    assert (levels >= 0).all()
    assert (forecast["contacts"] >= 0).all()
    assert (np.diff(levels, axis=1) >= 0).all()
    closed = forecast[~forecast["is_open"]]
    assert (closed.loc[closed["queue"] == "a", "contacts"] == 0).all()
    mail_at_night = closed[closed["queue"] == "mail"]
    assert (mail_at_night["contacts"] > 0).all()


def test_handle_times_stand_beside_the_contacts(site, no_events):
    forecast = night_of(site(ahead=14).queue("a", handle_s=180).queue("mail", channel="email", handle_s=600), no_events)
    means = forecast.groupby("queue")["handle_time_s"].agg(["min", "max"])
    np.testing.assert_allclose(means.loc["a"], 180)
    np.testing.assert_allclose(means.loc["mail"], 600)


@pytest.mark.parametrize(
    ("run_date", "on", "intervals"),
    [(date(2025, 3, 24), date(2025, 3, 30), 23), (date(2025, 10, 20), date(2025, 10, 26), 25)],
)
def test_clock_changes_give_days_of_23_and_25_hours(site, no_events, run_date, on, intervals):
    made = site(run_date=run_date, first_on=run_date - timedelta(days=140), ahead=14, calendar=Calendar())
    forecast = night_of(made.queue("m", a_day=4800, channel="email"), no_events)
    day = forecast[forecast["local_on"] == on]
    assert len(day) == intervals
    assert day["interval_start_at"].is_unique
    truth = made.means["m"][made.grid.instants.isin(day["interval_start_at"])]
    assert wape(day["contacts"].to_numpy(), truth) < 0.12


def test_never_worse_than_the_rival_on_its_own_backtest(site, no_events):
    """One queue whose level jumps, where the average of four weeks does badly, and one without any pattern."""
    made = site(ahead=14)
    made.queue("jumps", a_day=900, factor=lambda local: np.where(local.month >= 6, 1.6, 1.0))
    made.queue("noise", a_day=300, phi=1.0, seed=9)
    histories = made.histories()
    past = backtest(histories, no_events, weekly_cutoffs(made.run_date, 4), Span(14, 730), PARAMS, None)
    scored = with_actuals(past, histories, made.run_date, PARAMS)
    out = apply(scored, learn(scored, PARAMS))
    for _, own in out.groupby(["queue", "bucket"]):
        actual = own["contacts"].to_numpy()
        assert wape(own["forecast"].to_numpy(), actual) <= wape(own["rival"].to_numpy(), actual) + 1e-12


def test_longer_leads_are_never_surer_and_wander_beyond_what_was_judged():
    """29-56 days were judged 34 ahead on average: 42.5 / 34 = 1.25 times the phi of .02 that shorter leads showed."""
    spreads = {("a", 0): Spread(0.01), ("a", 3): Spread(0.02), ("a", 5): Spread(0.005), ("b", 2): Spread(0.01)}
    steady = never_surer(spreads)
    assert {key: spread.phi for key, spread in steady.items()} == {
        ("a", 0): 0.01, ("a", 3): 0.02, ("a", 5): 0.02, ("b", 2): 0.01
    }  # fmt: skip
    found = with_longer_leads(steady, {"a": 34.0, "b": 7.0})
    assert found["a", 5].phi == pytest.approx(0.025)
    assert found["a", 3].phi == 0.02
    # `b` was judged up to a week: no surer at 4-7 days than at 7, and 21.5 / 7 at 15-28 days.
    assert [found["b", bucket].phi for bucket in (2, 3, 4)] == pytest.approx([0.01, 0.01 * 11 / 7, 0.01 * 21.5 / 7])
