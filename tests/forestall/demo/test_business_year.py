"""Days of 23, 24 and 25 hours, holidays of two states, and events that were known or were not."""

from datetime import date, timedelta

import numpy as np
import pytest

from forestall.demo.business_year import (
    calendar_factor,
    day_number,
    day_of,
    event_factors,
    events_between,
    is_closed,
    local_times,
    profile,
)
from forestall.demo.parameters import BASE, EPOCH, FIRST_RUN, QUEUES


@pytest.mark.parametrize(("on", "hours"), [("2025-03-30", 23), ("2025-03-29", 24), ("2024-10-27", 25)])
def test_a_day_has_the_hours_that_the_clocks_give_it(on: str, hours: int) -> None:
    day = day_of(day_number(date.fromisoformat(on)))
    assert day.end - day.start == hours * 3600
    assert len(day.starts) == 2 * hours


def test_local_times_carry_their_offset_through_both_hours_of_a_clock_change() -> None:
    day = day_of(day_number(date(2024, 10, 27)))
    written = local_times(day.starts)
    assert list(written[4:8]) == [
        "2024-10-27T02:00:00+0200", "2024-10-27T02:30:00+0200", "2024-10-27T02:00:00+0100", "2024-10-27T02:30:00+0100",
    ]  # fmt: skip


def test_each_site_keeps_the_holidays_of_its_state() -> None:
    reformation = date(2025, 10, 31)
    assert is_closed(reformation, "leipzig")
    assert not is_closed(reformation, "muenchen")
    assert calendar_factor(QUEUES[0], BASE, reformation) == 0
    assert calendar_factor(QUEUES[1], BASE, reformation) > 0


def test_the_morning_after_a_holiday_is_fuller() -> None:
    after, week_later = date(2025, 6, 10), date(2025, 6, 17)  # Tuesday after Whit Monday
    assert calendar_factor(QUEUES[0], BASE, after) > 1.15 * calendar_factor(QUEUES[0], BASE, week_later)


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.key)
def test_a_profile_shares_the_whole_day_out(queue) -> None:
    weekday, sunday = profile(queue.key, 8), profile(queue.key, 7)
    assert weekday.sum() == pytest.approx(1)
    assert sunday.sum() == pytest.approx(0 if queue.is_live else 1)
    if queue.is_live:
        assert not weekday[: 8 * 2].any()


@pytest.mark.parametrize("seed", [1, 2, 20])
def test_two_outages_and_one_price_increase_fall_into_the_history(seed: int) -> None:
    events = events_between(seed, "base", BASE, EPOCH, FIRST_RUN)
    inside = events[(events["starts_on"] >= EPOCH) & (events["starts_on"] < FIRST_RUN)]
    assert (inside["kind"] == "outage").sum() == 2
    assert (inside["kind"] == "price_increase").sum() == 1
    is_outage = inside["kind"] == "outage"
    assert (inside["known_on"][is_outage] > inside["starts_on"][is_outage]).all()
    assert (inside["known_on"][~is_outage] < inside["starts_on"][~is_outage]).all()


def test_an_outage_fills_the_lines_and_fades() -> None:
    events = events_between(20, "base", BASE, EPOCH, FIRST_RUN)
    first = events.loc[(events["kind"] == "outage") & (events["starts_on"] >= EPOCH), "starts_on"].iloc[0]
    factors = [event_factors(20, "base", BASE, first + timedelta(days=days)).get("phone", 1.0) for days in (0, 20)]
    assert factors[0] > 1.6
    assert np.isclose(factors[1], 1.0, atol=0.35)
