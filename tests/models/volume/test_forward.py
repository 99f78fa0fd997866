"""Forecasts of the past: what a cutoff would have published, from what it could know."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.calendar import Calendar
from models.volume.accuracy import is_within_80
from models.volume.backtest import Span, backtest, weekly_cutoffs, with_actuals
from models.volume.candidates import forecast_candidates
from models.volume.combine import combined
from models.volume.days import learn_days, volume_days
from models.volume.forecast import forecast_rows, learn, night_forecast
from models.volume.forward import walk_forward
from models.volume.params import volume_params
from models.volume.quantiles import QUANTILE_COLUMNS

PARAMS = volume_params()


def test_walking_forward_learns_from_earlier_cutoffs_only(site, no_events):
    made = site(ahead=14).queue("a", phi=0.02)
    histories, cutoffs = made.histories(), weekly_cutoffs(made.run_date, 5)
    past = backtest(histories, no_events, cutoffs, Span(7, 730), PARAMS, None)
    scored = walk_forward(past, histories, cutoffs[-2:], 3, made.run_date, PARAMS).intervals
    assert sorted(scored["cutoff_on"].dt.date.unique()) == cutoffs[-2:]
    spoiled = past.assign(daily=np.where(past["cutoff_on"] == pd.Timestamp(cutoffs[-1]), 1e6, past["daily"]))
    again = walk_forward(spoiled, histories, cutoffs[-2:-1], 3, made.run_date, PARAMS).intervals
    first = scored[scored["cutoff_on"] == pd.Timestamp(cutoffs[-2])]
    np.testing.assert_array_equal(again["forecast"], first["forecast"])


def test_the_80_percent_interval_holds_80_percent_out_of_sample(site, no_events):
    """Over-dispersed counts: learned on six cutoffs, scored on the six after them."""
    made = site(first_on=date(2025, 1, 6), run_date=date(2025, 9, 1), ahead=8)
    made.queue("a", a_day=800, phi=0.02, seed=3).queue("b", a_day=150, phi=0.1, seed=4)
    histories, cutoffs = made.histories(), weekly_cutoffs(made.run_date, 12)
    past = backtest(histories, no_events, cutoffs, Span(7, 730), PARAMS, None)
    scored = walk_forward(past, histories, cutoffs[-6:], 6, made.run_date, PARAMS).intervals
    covered = is_within_80(scored[list(QUANTILE_COLUMNS)].to_numpy(), scored["contacts"].to_numpy()).mean()
    error = 3 * np.sqrt(0.8 * 0.2 / len(scored))
    assert 0.8 - error - 0.02 <= covered <= 0.8 + error + 0.05  # whole counts at the edges count in


def test_a_cutoffs_days_are_those_that_its_night_would_have_published(site, no_events):
    """A week ago, a night with no more than the history up to then; a closed day is none and takes no other's place."""
    hours = {"default": "08:00-20:00", "wednesday": "closed", "sunday": "closed"}
    made = site(ahead=8, calendar=Calendar.model_validate({"default": {"hours": hours}}))
    made.queue("a", phi=0.02).queue("b", a_day=200, seed=2, channel="email")
    histories, cutoffs = made.histories(), weekly_cutoffs(made.run_date, 5)
    then = cutoffs[-1]
    past = backtest(histories, no_events, cutoffs, Span(7, 730), PARAMS, None)
    days = walk_forward(past, histories, [then], 4, made.run_date, PARAMS).days

    known = with_actuals(past[past["cutoff_on"] < pd.Timestamp(then)], histories, then, PARAMS)
    learned = learn(known, PARAMS)
    tonight = forecast_candidates(histories, no_events, [then], 7, 730, PARAMS)
    forecast = night_forecast(forecast_rows(tonight, histories, learned, 7), histories, then, 7, PARAMS)
    errors = learn_days(combined(known, learned.weights), PARAMS.days)
    told = volume_days(forecast, tonight, learned.weights, errors, then, PARAMS.days)
    told = told[(told["scope"] == "queue") & (told["contacts"] > 0)]
    assert days["cutoff_on"].eq(pd.Timestamp(then)).all()
    assert len(days) == 5 + 7
    numbers = ["contacts", *QUANTILE_COLUMNS]
    as_told = told.assign(day_on=pd.to_datetime(told["local_on"])).set_index(["scope_value", "day_on"])[numbers]
    own = days.set_index(["queue", "day_on"])[numbers]
    np.testing.assert_allclose(own.to_numpy(), as_told.loc[own.index].to_numpy(), rtol=1e-9)
    assert set(days.loc[days["queue"] == "a", "day_on"].dt.date) == {then + timedelta(days=n) for n in (0, 1, 3, 4, 5)}


def test_a_cutoff_before_there_was_any_history_has_nothing(site, no_events):
    made = site(first_on=date(2025, 6, 2), ahead=8).queue("a", phi=0.02, since=date(2025, 6, 16))
    histories = made.histories()
    young, last = date(2025, 6, 9), weekly_cutoffs(made.run_date, 1)[0]
    past = backtest(histories, no_events, [young, last], Span(7, 730), PARAMS, None)
    both = walk_forward(past, histories, [young, last], 4, made.run_date, PARAMS)
    assert set(both.days["cutoff_on"]) == set(both.intervals["cutoff_on"]) == {pd.Timestamp(last)}
    assert len(both.days) == 5
    assert both.days["day_on"].dtype == both.intervals["day_on"].dtype
    assert walk_forward(past, histories, [young], 4, made.run_date, PARAMS).days.empty
