"""Days with outreach beside the calls: what must hold it back is the least that keeps the standard as it should be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.sections import ServiceLevelSettings
from forestall.shifts.quiet import Calling, ahead_of, by_day, drawn_servers, least_steps, quiet_days, reserve
from forestall.shifts.service import Losses, QueueLoad
from forestall.staffing.standards import Standards

LEVEL = ServiceLevelSettings()
SURE = ServiceLevelSettings(period="day", certainty=0.8)


def load(rate, standard_share=0.8):
    standard = replace(Standards().for_queue("care", "phone"), service_level=standard_share)
    return QueueLoad(standard, 300.0, np.zeros(16), np.zeros(16), np.full((16, 7), rate), np.full(16, 300.0))


def quiet(rate, agents, standard_share=0.8, hours=16, minutes=8, level=LEVEL):
    servers = np.full((1, 20, 16), agents)
    is_allowed = np.arange(16)[None] < hours
    rng = np.random.default_rng(5)
    bounds, calling = np.array([0, 16]), Calling((8, 20), minutes, 1)
    return quiet_days([load(rate, standard_share)], bounds, servers, is_allowed, level, calling, 1800, rng)[0]


def test_where_service_is_short_already_nothing_is_usable():
    found = quiet(120.0, 20)  # 20 erlangs
    assert found.idle_agents is None
    assert found.minutes.sum() == 0


def test_a_plenty_of_agents_gives_minutes_and_keeps_the_standard():
    found = quiet(120.0, 30)
    assert found.idle_agents is not None
    assert found.service_level >= 0.8
    assert 0 < found.idle_share < 1
    # Ten of thirty are idle on the mean: no more than these minutes are there.
    assert 0 < found.minutes.sum() <= 8 * 60 * 10.5
    assert quiet(120.0, 34).minutes.sum() > found.minutes.sum()


def test_a_higher_standard_leaves_more_idle():
    strict, lax = quiet(120.0, 30, 0.9), quiet(120.0, 30, 0.5)
    assert strict.idle_agents.sum() > lax.idle_agents.sum()
    assert strict.minutes.sum() < lax.minutes.sum()


def test_without_contacts_all_may_call_whoever_is_there():
    # Four agents call for 8 h but for what a last contact of 30 min cannot end in.
    found = quiet(0.0, 4, minutes=30)
    assert found.idle_agents.sum() == 0
    assert found.minutes.sum() == pytest.approx(4 * 8 * 60, abs=4 * 31)


def test_if_it_is_quiet_only_in_hours_in_which_customers_may_be_called():
    found = quiet(120.0, 30, hours=4)
    assert found.minutes[:4].sum() > 0
    assert found.minutes[5:].sum() == 0  # what began before may end in the interval after


def test_reserves_step_by_step_by_hand():
    assert reserve(np.array([0, 6, 8]), 4).tolist() == [[0, 0, 0, 0], [2, 2, 1, 1], [2, 2, 2, 2]]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_the_least_step_is_found_for_each(wanted):
    least = np.array(wanted)
    assert least_steps(len(least), 30, lambda some: some >= least).tolist() == wanted


def test_answers_ahead_by_hand():
    # 400 contacts at 80 % scatter by 8, half is 4; with 100 at 50 % more the variance is 64 + 25, its root 9.4.
    assert ahead_of(np.array([[400.0, 0.0], [400.0, 100.0]]), np.array([0.8, 0.5])).tolist() == [4, 5]


def test_a_day_that_a_clock_change_shortens_ends_with_zeros():
    assert by_day(np.array([[1, 2, 3, 4, 5]]), np.array([0, 2, 5])).tolist() == [[[1, 2, 0]], [[3, 4, 5]]]


def test_who_is_off_leaves_the_line_and_the_absences_stay_the_same():
    scheduled, none = np.full((1, 8), 20.0), np.zeros((1, 8))
    losses = Losses(0.2, 0.0)

    def drawn(off):
        return drawn_servers(scheduled, off, none, losses, 400, np.random.default_rng(3))

    whole, part = drawn(none), drawn(np.full((1, 8), 5.0))
    assert ((whole - part) >= 0).all()
    assert (whole - part).mean() == pytest.approx(5 * 0.8, abs=0.1)
    assert drawn(scheduled).max() == 0


def test_a_certainty_gives_fewer_minutes_than_the_mean_level_and_serves_better():
    surer, mean = quiet(120.0, 28, level=SURE), quiet(120.0, 28)
    # Half of the root of 16 x 120 x .8 x .2, which is 17.5.
    assert (surer.answers_ahead, mean.answers_ahead) == (9, None)
    assert 0 < surer.minutes.sum() < mean.minutes.sum()
    assert surer.service_level > mean.service_level


def test_a_day_less_sure_than_wanted_gives_nothing():
    found = quiet(120.0, 23, level=SURE)  # about 80 % on the mean day: half of the days
    assert found.idle_agents is None
    assert found.minutes.sum() == 0
