"""The shape of a day by season, against made-up queues whose true shape is known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.volume.candidates import interval_shares, prepare
from models.volume.params import volume_params
from models.volume.season import Origin, Wave, _coefficients, _worth, origins, places, season_factors

PARAMS = volume_params()
TWO_YEARS, ELEVEN_MONTHS = 730, 330


def moving(hours, until="2100-01-01"):
    """The busy hour wanders by so many hours either side of eleven over a year, until a day from which it stays."""

    def factor(local):
        hour = np.asarray(local.hour + local.minute / 60)
        wave = np.cos(2 * np.pi * np.asarray(local.day_of_year) / 365.25 - 1) * (
            local < pd.Timestamp(until, tz=local.tz)
        )
        return (np.exp(-((hour - 11 - hours * wave) ** 2) / 18) + 0.1) / (np.exp(-((hour - 11) ** 2) / 18) + 0.1)

    return factor


def errors(made, name, events, cutoffs, history_days=TWO_YEARS):
    """How far a day's shares lie from the true ones, eight weeks ahead: with the season, and without (its ones)."""
    with_season, plain = [], []
    histories = made.histories()
    for cutoff in cutoffs:
        own = {queue: prepare(one, events, cutoff, 56, history_days, PARAMS) for queue, one in histories.items()}
        basis = own[name]
        truth = made.mean_matrix(name)[basis.end : basis.until]
        day = truth.sum(axis=1, keepdims=True)
        is_open = (day[:, 0] > 0) & (basis.kind[basis.ahead] == 0)
        never = PARAMS.model_copy(update={"profile": PARAMS.profile.model_copy(update={"season_contacts": 1e15})})
        for found, params in ((with_season, PARAMS), (plain, never)):
            shares = interval_shares(basis, list(own.values()), params)[basis.ahead]
            found.append(np.abs(shares - truth / np.maximum(day, 1e-9))[is_open].sum(axis=1).mean())
    return float(np.mean(with_season)), float(np.mean(plain))


@pytest.fixture
def two_years(site):
    return site(first_on=date(2023, 1, 9), run_date=date(2026, 1, 5), ahead=60)


CUTOFFS = [date(2025, 1, 13), date(2025, 4, 14), date(2025, 7, 14), date(2025, 10, 13)]


@pytest.mark.parametrize("a_day", [100, 2000])
def test_a_busy_hour_that_moves_with_the_season_is_foreseen(two_years, no_events, a_day):
    made = two_years.queue("a", a_day=a_day, phi=0.02, factor=moving(2), seed=3)
    found, plain = errors(made, "a", no_events, CUTOFFS)
    assert found < 0.4 * plain


@pytest.mark.parametrize("a_day", [100, 2000])
def test_where_the_shape_stays_the_season_does_no_harm(two_years, no_events, a_day):
    found, plain = errors(two_years.queue("a", a_day=a_day, phi=0.02, seed=3), "a", no_events, CUTOFFS)
    assert found < 1.01 * plain


def test_with_less_than_a_year_nothing_changes(two_years, no_events):
    made = two_years.queue("a", a_day=2000, factor=moving(2), seed=3)
    found, plain = errors(made, "a", no_events, CUTOFFS[:1], ELEVEN_MONTHS)
    assert found == plain


def test_a_season_that_the_last_weeks_did_not_bear_out_is_not_used(two_years, no_events):
    """It moved for two years and has stayed since May: what last year did is held against it."""
    made = two_years.queue("a", a_day=2000, factor=moving(2, until="2025-05-01"), seed=3)
    basis = prepare(made.histories()["a"], no_events, date(2025, 10, 13), 56, TWO_YEARS, PARAMS)
    trusted = season_factors(basis.origins[:1], [basis.origins[:1]], basis.place, PARAMS.profile)
    found = season_factors(basis.origins, [basis.origins], basis.place, PARAMS.profile)
    assert (trusted == 1).all()  # a cutoff without any later days has borne out nothing
    usual = prepare(made.histories()["a"], no_events, date(2025, 4, 14), 56, TWO_YEARS, PARAMS)
    before = season_factors(usual.origins, [usual.origins], usual.place, PARAMS.profile)
    is_open = slice(8, 20)
    assert np.abs(found[:, is_open] - 1).mean() < 0.35 * np.abs(before[:, is_open] - 1).mean()


def test_a_small_queue_borrows_the_wave_of_its_kin(two_years, no_events):
    made = two_years.queue("small", a_day=10, factor=moving(2), seed=3)
    alone, _ = errors(made, "small", no_events, CUTOFFS)
    made.queue("large", a_day=3000, factor=moving(2), seed=4)
    with_kin, _ = errors(made, "small", no_events, CUTOFFS)
    assert with_kin < 0.75 * alone


def test_days_that_teach_nothing_tell_nothing_of_the_season():
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", periods=400)
    came, usual = rng.poisson(50, (400, 6)).astype(float), np.ones((7, 6))
    is_day = rng.random(400) > 0.2
    odd = np.where(is_day[:, None], came, came * [9, 1, 1, 1, 0, 0])
    first, second = (
        origins(one, np.ones((400, 6)), is_day, days.day_of_week.to_numpy(), usual, places(days), PARAMS.profile)
        for one in (came, odd)
    )
    assert len(first) == len(second) == 2  # day 400, and 28 days before it; the next has no year behind it
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one.before.score, other.before.score)
        np.testing.assert_allclose(one.after.information, other.after.information)


def test_a_wave_is_shrunk_to_its_prior():
    """Score 100 and 0, information 500, prior 500 contacts: 100 / 1000 from none; 250 and 150 / 1000 from .3."""
    wave = Wave(np.array([[100.0, 0.0]]), np.array([np.diag([500.0, 500.0])]))
    np.testing.assert_allclose(_coefficients(wave, np.zeros((1, 2)), 500), [[0.1, 0.0]])
    np.testing.assert_allclose(_coefficients(wave, np.array([[0.3, 0.3]]), 500), [[0.25, 0.15]])


@pytest.mark.parametrize(("score", "expected"), [(200.0, 0.5 * 400 / 500), (-200.0, 0.0), (2000.0, 1.0)])
def test_a_wave_counts_as_far_as_later_days_bore_it_out(score, expected):
    """A wave of .2 where information of 10,000 came: .2^2 x 10,000 = 400 told, score borne out, 100 of prior."""
    after = Wave(np.array([[5 * score, 0.0]]), np.array([np.diag([10_000.0, 0.0])]))
    origin = Origin(after, after, np.zeros(2))
    found = _worth([origin], [np.array([[0.2, 0.0]])], 0.0, PARAMS.profile)
    assert PARAMS.profile.season_worth == 100
    assert found == pytest.approx(expected)


def test_places_go_round_the_year():
    found = places(pd.DatetimeIndex(["2025-12-31", "2026-01-01", "2025-07-02"]))
    assert np.abs(found[0] - found[1]).max() < 0.03
    np.testing.assert_allclose(found[2], -found[0], atol=0.02)
