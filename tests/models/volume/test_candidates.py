from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.calendar import Calendar
from models.volume.accuracy import wape
from models.volume.candidates import forecast_candidates
from models.volume.daily import DailyTask, fit_daily, level_correction
from models.volume.history import History
from models.volume.notes import notes_on
from models.volume.params import volume_params

PARAMS = volume_params()


def candidates_of(site, events, cutoffs=None):
    made = forecast_candidates(site.histories(), events, cutoffs or [site.run_date], site.ahead, 730, PARAMS)
    return {queue: found for (queue, _), found in made.items()}


def ahead_of(site, name):
    return site.mean_matrix(name)[site.grid.day_index(site.run_date) :]


def test_a_known_week_and_shape_are_recovered(site, no_events):
    made = site(first_on=date(2024, 7, 1)).queue("a", a_day=3000, phi=0.002)
    found, truth = candidates_of(made, no_events)["a"], ahead_of(made, "a")
    assert wape(found.daily.ravel(), truth.ravel()) < 0.04
    assert wape(found.rival.ravel(), truth.ravel()) < 0.06
    assert not found.is_short


def test_the_effect_of_days_after_holidays_is_learned_from_other_holidays(site, no_events):
    """A third more on the first open day after any day off; the next one to come has never been seen."""
    calendar = Calendar.model_validate(
        {"default": {"hours": {"default": "08:00-20:00", "saturday": "closed", "sunday": "closed"}},
         "holidays": {"country": "DE", "also": {"2025-07-09": "Once only"}}}
    )  # fmt: skip
    made = site(calendar=calendar, first_on=date(2024, 7, 1))
    days = calendar.days("a", made.first_on, date(2025, 9, 1))
    after = days.index[days["open_days_after_off"] == 1]
    made.queue(
        "a", a_day=3000, factor=lambda local: np.where(local.tz_localize(None).normalize().isin(after), 1.33, 1.0)
    )
    found, truth = candidates_of(made, no_events)["a"], ahead_of(made, "a")
    assert found.daily[2].sum() == 0  # closed on the day itself
    expected = truth[3].sum()
    assert found.day_contacts[3] == pytest.approx(expected, rel=0.10)
    assert found.rival[3].sum() < 0.85 * expected
    assert found.moved["moved_rival"][3].sum() == pytest.approx(expected, rel=0.12)  # like days are moved along
    np.testing.assert_array_equal(found.rival[8], found.moved["moved_rival"][8])  # nothing marks the day: they are not


def test_what_a_holiday_does_is_told_of_queues_that_it_does_not_close(site, no_events):
    made = site(first_on=date(2025, 3, 3)).queue("phone").queue("mail", channel="email")
    found = candidates_of(made, no_events)
    told = {queue: set(found[queue].basis.open_marks["holiday"]) for queue in found}
    assert "holiday: Good Friday" in told["mail"] - told["phone"]
    assert "before: 1" in told["mail"] & told["phone"]


def test_an_event_has_its_own_effect_only_if_it_was_known(site):
    runs = pd.to_datetime(["2025-03-11", "2025-04-08", "2025-05-13", "2025-06-10", "2025-07-08"])
    events = pd.DataFrame(
        {
            "name": "billing",
            "starts_on": runs,
            "ends_on": pd.NaT,
            "queues": "a",
            "known_on": runs - pd.Timedelta(days=20),
        }
    )
    made = site(first_on=date(2024, 12, 2))
    made.queue("a", a_day=3000, factor=lambda local: np.where(local.tz_localize(None).normalize().isin(runs), 1.6, 1.0))
    found, truth = candidates_of(made, events)["a"], ahead_of(made, "a")
    assert found.day_contacts[1] == pytest.approx(truth[1].sum(), rel=0.12)
    unknown = candidates_of(made, events.assign(known_on=runs + pd.Timedelta(days=1)))["a"]
    assert unknown.day_contacts[1] < 0.8 * truth[1].sum()


def test_each_queue_has_its_own_effect_of_an_event(site):
    runs = pd.to_datetime([f"2025-{month:02d}-{day:02d}" for month in range(1, 7) for day in (9, 22)] + ["2025-07-08"])
    events = pd.DataFrame({"name": "sale", "starts_on": runs, "ends_on": pd.NaT, "queues": None,
                           "known_on": pd.Timestamp("2024-01-01")})  # fmt: skip
    made = site(first_on=date(2024, 12, 2))
    made.queue("moved", a_day=3000,
               factor=lambda local: np.where(local.tz_localize(None).normalize().isin(runs), 1.5, 1.0))  # fmt: skip
    made.queue("plain", a_day=3000, seed=2)
    found = candidates_of(made, events)
    for queue in found:
        assert found[queue].day_contacts[1] == pytest.approx(ahead_of(made, queue)[1].sum(), rel=0.07), queue


def test_intervals_add_up_to_the_day_and_closed_ones_are_zero(site, no_events):
    found = candidates_of(site().queue("a").queue("m", channel="email"), no_events)
    for name in ("a", "m"):
        own = found[name]
        intervals = own.basis.intervals[own.basis.ahead]
        np.testing.assert_allclose((own.daily * intervals).sum(axis=1), own.day_contacts)
        assert (own.daily[intervals == 0] == 0).all()
        assert (own.rival[intervals == 0] == 0).all()
        assert (own.daily >= 0).all()
    assert (found["m"].daily[:, 3] > 0).all()


def test_short_days_and_clock_changes_take_their_share_of_a_day(site, no_events):
    made = site(first_on=date(2024, 12, 2), run_date=date(2025, 3, 24), ahead=14, calendar=Calendar())
    made.queue("m", a_day=2400, channel="email")
    own = candidates_of(made, no_events)["m"]
    truth = ahead_of(made, "m")
    assert own.basis.intervals[own.basis.ahead][6].sum() == 23
    assert own.daily[6, 2] == 0
    assert wape(own.day_contacts[6:7], truth.sum(axis=1)[6:7]) < 0.08


def test_a_clock_going_back_brings_both_hours(site, no_events):
    made = site(first_on=date(2025, 6, 2), run_date=date(2025, 10, 20), ahead=14, calendar=Calendar())
    own = candidates_of(made.queue("m", a_day=2400, channel="email"), no_events)["m"]
    intervals = own.basis.intervals[own.basis.ahead]
    assert intervals[6].sum() == 25
    # The slot holds the rate of one interval, not of two.
    assert own.daily[6, 2] == pytest.approx(own.daily[13, 2], rel=0.15)
    assert own.day_contacts[6] == pytest.approx((own.daily[6] * intervals[6]).sum())


def test_the_past_does_not_move_when_the_future_is_known(site, no_events):
    made = site().queue("a", a_day=200)
    cutoff = made.weeks_back(3)[0]
    before = candidates_of(made, no_events, [cutoff])["a"]
    made.frames[0].loc[made.frames[0]["known_on"] > pd.Timestamp(cutoff), "contacts"] *= 50
    after = candidates_of(made, no_events, [cutoff])["a"]
    np.testing.assert_array_equal(before.daily, after.daily)
    np.testing.assert_array_equal(before.rival, after.rival)


def test_a_level_that_moved_last_week_corrects_the_next_days():
    """28 days, the last five 10 % above the fit: 1.0179 over all, of which .99 a day is kept, and 1.0807 beyond, .9."""
    actual, fitted = np.append(np.full(25, 100.0), np.full(5, 110.0)), np.full(30, 100.0)
    factor = level_correction(actual, fitted, np.array([1, 7]), PARAMS.daily)
    weeks, days = 2850 / 2800, 1.1 * 2800 / 2850
    expected = [(1 + (weeks - 1) * 0.99**lead) * (1 + (days - 1) * 0.9**lead) for lead in (1, 7)]
    np.testing.assert_allclose(expected, [1.0916, 1.0559], atol=1e-4)
    np.testing.assert_allclose(factor, expected)
    assert (level_correction(actual, fitted * 0, np.array([1]), PARAMS.daily) == 1).all()


def test_a_week_of_a_fifth_more_is_in_tomorrows_forecast_and_less_in_that_of_a_month_ahead(site, no_events):
    since = pd.Timestamp("2025-06-30", tz="Europe/Berlin")
    made = site(run_date=date(2025, 7, 7))
    made.queue("a", a_day=3000, factor=lambda local: np.where(local < since, 1.0, 1.2))
    found, truth = candidates_of(made, no_events)["a"], ahead_of(made, "a").sum(axis=1)
    assert found.day_contacts[0] == pytest.approx(truth[0], rel=0.06)
    assert found.day_contacts[21] < 0.96 * truth[21]


def test_a_level_that_moved_weeks_ago_stays_corrected():
    """All of 28 days came 10 % above the fit: 1 + .1 x .99^56 = 1.057 in eight weeks; five days alone are forgotten."""
    factor = level_correction(np.full(40, 110.0), np.full(40, 100.0), np.array([56]), PARAMS.daily)
    np.testing.assert_allclose(factor, [1.0570], atol=1e-4)


@pytest.mark.parametrize("factor", [0.15, 3.0])
def test_a_week_of_strike_or_of_flood_at_the_end_of_a_month_moves_no_later_week(site, no_events, factor):
    made = site(first_on=date(2024, 9, 2)).queue("a", a_day=800, phi=0.005, seed=3)
    frame, week = made.frames[0], pd.date_range("2025-06-23", "2025-06-27")
    came = (frame["contacts"] * factor).round().astype(int)
    made.frames[0] = frame.assign(contacts=frame["contacts"].mask(frame["on"].isin(week), came))
    found, truth = candidates_of(made, no_events)["a"], ahead_of(made, "a")
    assert found.basis.is_outlier[-14:].sum() == 5
    assert found.day_contacts.sum() == pytest.approx(truth.sum(), rel=0.03)
    assert found.rival.sum() != pytest.approx(truth.sum(), rel=0.15)  # the mean of four like weekdays holds it


def test_a_young_queue_borrows_from_its_own_channel_only(site, no_events):
    """Calls come in the afternoon, mails in the night: the new queue of calls has the day of the other."""
    made = site().queue("old", a_day=500, peak=16)
    made.queue("new", a_day=20, peak=16, since=date(2025, 7, 2), seed=2)
    made.queue("mail", a_day=5000, peak=3, channel="email", seed=3)
    found = candidates_of(made, no_events)
    hours = np.arange(24)
    middle = {name: (found[name].daily.sum(axis=0) * hours).sum() / found[name].daily.sum() for name in ("old", "new")}
    assert middle["new"] == pytest.approx(middle["old"], abs=0.5)


def test_a_fit_gives_its_model_only_where_asked():
    on = pd.date_range("2025-01-06", periods=60)
    marks = pd.DataFrame({"ds": pd.to_datetime([]), "holiday": pd.Series([], dtype=object)})
    task = DailyTask(on, np.arange(60.0) + 100, pd.date_range("2025-03-07", periods=7), marks, PARAMS.daily)
    assert fit_daily(task).model == ""
    assert '"growth"' in fit_daily(task, with_model=True).model


def _history(site, name, **values):
    return {"three_days": {"since": date(2025, 7, 4)}, "ordinary": {}}[name] | values


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("three_days", r"q: \d days of history; level of these days, shape of its kin"),
        ("all_zeros", "q: no contact in its whole history; forecast is zero"),
        ("gigantic_day", "q: 1 day, being an outlier, left out, in the last 56 days"),
        ("month_gap", r"q: \d+ open days without data left out, in the last 56 days"),
        ("opened_yesterday", "q: 1 day of history"),
        ("closed_for_good", "q: no contact for weeks; taken as closed"),
        ("one_contact", "q: 1 day of history"),
        ("no_handle_times", "q: no handle times in the data; those of queues alike are taken, or of standards.yml"),
        ("wrong_hours", r"q: 250 contacts \(0.\d%\) outside its opening hours left out"),
        ("only_wrong_hours", r"q: all of its 250 contacts came outside its opening hours; forecast is zero"),
        ("never_open", r"q: calendar.yml never opens it; forecast is zero"),
        ("no_hours", r"q: nobody came between 20:00 and 08:00 or on a Saturday or on a Sunday in the last 56 days"),
    ],
)
def test_degenerate_histories_get_a_usable_forecast_and_a_line(site, no_events, case, told):
    made = site(ahead=28).queue("kin", a_day=500)
    since = {"three_days": date(2025, 7, 2), "opened_yesterday": date(2025, 7, 4), "one_contact": date(2025, 7, 4)}
    made.queue("q", a_day=200, since=since.get(case), seed=4)
    frame = made.frames[1]
    if case == "gigantic_day":
        made.frames[1] = frame.assign(
            contacts=frame["contacts"].where(frame["on"] != "2025-06-24", frame["contacts"] * 100)
        )
    if case == "month_gap":
        made.frames[1] = frame[~frame["on"].between("2025-05-20", "2025-06-20")]
    if case == "closed_for_good":
        made.frames[1] = frame[frame["on"] < "2025-03-01"]
    if case == "one_contact":
        made.frames[1] = frame.iloc[:1].assign(contacts=1)
    if case == "no_handle_times":
        made.frames[1] = frame.assign(handle_time_s=0.0)
    if case.endswith("wrong_hours"):  # two calls at three on 26 weeks' weekdays but five holidays; it opens at eight
        night = frame.drop_duplicates("on").assign(contacts=2, interval_start_at=lambda rows: (
            rows["on"] + pd.Timedelta(hours=3)).dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC"))  # fmt: skip
        made.frames[1] = pd.concat([frame, night], ignore_index=True)
    if case == "only_wrong_hours":
        made.frames[1] = night
    histories = made.histories()
    if case == "never_open":
        histories["q"] = replace(histories["q"], is_open=np.zeros_like(histories["q"].is_open))
    if case == "no_hours":
        histories["q"] = replace(histories["q"], is_open=np.ones_like(histories["q"].is_open))
    if case == "all_zeros":
        kin = histories["kin"]
        histories["q"] = History("q", "phone", kin.grid, kin.is_open, kin.days, kin.changes.iloc[:0])
    every = forecast_candidates(histories, no_events, [made.run_date], made.ahead, 730, PARAMS)
    own = every["q", made.run_date]
    truth = ahead_of(made, "q")
    for values in (own.daily, own.rival, own.last_week, own.last_year):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    if case in ("three_days", "opened_yesterday", "gigantic_day", "month_gap", "no_handle_times", "wrong_hours"):
        assert wape(own.daily.ravel(), truth.ravel()) < 0.35
    if case in ("all_zeros", "closed_for_good", "only_wrong_hours", "never_open"):
        assert own.daily.sum() < 0.2 * truth.sum()
    notes = notes_on(every, histories, made.run_date)
    assert pd.Series(notes).str.contains(told).any(), notes
    assert len(every) == 2


def test_stray_contacts_before_a_queue_opens_teach_nothing_and_are_told(site, no_events):
    made = site(first_on=date(2025, 3, 3)).queue("plain", a_day=400, channel="email", since=date(2025, 6, 2))
    made.queue("tried", a_day=400, channel="email", since=date(2025, 6, 2))
    before = made.grid.instants[(made.grid.local >= "2025-05-12") & (made.grid.local < "2025-06-02")][::24]
    stray = made.frames[-1].head(len(before)).assign(interval_start_at=before, contacts=1)
    made.frames.append(stray.assign(on=before.tz_localize(None), known_on=before.tz_localize(None).ceil("D")))
    every = forecast_candidates(made.histories(), no_events, [made.run_date], made.ahead, 730, PARAMS)
    daily = {queue: found.daily for (queue, _), found in every.items()}
    np.testing.assert_array_equal(daily["tried"], daily["plain"])
    notes = notes_on(every, made.histories(), made.run_date)
    told = [note for note in notes if "history to have begun" in note]
    assert told == [f"tried: {len(before)} contacts before 2025-06-02 left out: too few for its history to have begun"]
