from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from models.volume import backtest as module
from models.volume.backtest import Span, backtest, learned_on, weekly_cutoffs, with_actuals
from models.volume.params import volume_params

PARAMS = volume_params()
SPAN = Span(horizon_days=14, history_days=365)


@pytest.mark.parametrize(
    ("run_date", "expected"),
    [
        (date(2026, 3, 2), [date(2026, 2, 16), date(2026, 2, 23)]),  # a Monday: the week before it has passed
        (date(2026, 3, 8), [date(2026, 2, 16), date(2026, 2, 23)]),
        (date(2026, 3, 9), [date(2026, 2, 23), date(2026, 3, 2)]),
    ],
)
def test_all_nights_of_a_week_share_their_cutoffs(run_date, expected):
    assert weekly_cutoffs(run_date, 2) == expected
    assert learned_on(run_date) == expected[-1] + timedelta(days=7)


class Counter:
    """Maps fits like `map`, and counts them."""

    def __init__(self):
        self.count = 0

    def __call__(self, fit, tasks):
        for task in tasks:
            self.count += 1
            yield fit(task)


def test_a_stored_backtest_is_not_fitted_again_and_says_the_same(site, no_events, tmp_path):
    made = site(first_on=date(2025, 3, 3)).queue("a").queue("b", seed=2)
    histories, cutoffs, counter = made.histories(), weekly_cutoffs(made.run_date, 2), Counter()
    first = backtest(histories, no_events, cutoffs, SPAN, PARAMS, tmp_path, counter)
    assert counter.count == 4
    again = backtest(histories, no_events, cutoffs, SPAN, PARAMS, tmp_path, counter)
    assert counter.count == 4
    pd.testing.assert_frame_equal(first, again)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{cutoff}.parquet" for cutoff in cutoffs]

    later = weekly_cutoffs(made.run_date + timedelta(days=7), 2)
    backtest(histories, no_events, later, SPAN, PARAMS, tmp_path, counter)
    assert counter.count == 6  # one new cutoff

    alone = backtest(histories, no_events, cutoffs, SPAN, PARAMS, None)
    pd.testing.assert_frame_equal(first, alone)


def test_what_was_learned_later_of_the_past_makes_a_new_backtest(site, no_events, tmp_path):
    made = site(first_on=date(2025, 3, 3)).queue("a").queue("mail", channel="email", seed=2)
    cutoffs, counter = weekly_cutoffs(made.run_date, 1), Counter()
    backtest(made.histories(), no_events, cutoffs, SPAN, PARAMS, tmp_path, counter)
    late = made.frames[0].head(1).assign(known_on=pd.Timestamp(cutoffs[0]) + pd.Timedelta(days=1))
    made.frames.append(late)
    backtest(made.histories(), no_events, cutoffs, SPAN, PARAMS, tmp_path, counter)
    assert counter.count == 2  # known only after the cutoff: the backtest stands
    made.frames.append(late.assign(known_on=pd.Timestamp(cutoffs[0])))
    backtest(made.histories(), no_events, cutoffs, SPAN, PARAMS, tmp_path, counter)
    assert counter.count == 4  # the mail too: what holidays do is taken from all queues together


@pytest.mark.parametrize("change", ["params", "event", "hours"])
def test_other_inputs_make_a_new_backtest(site, no_events, tmp_path, change):
    made = site(first_on=date(2025, 3, 3)).queue("a")
    cutoffs, counter = weekly_cutoffs(made.run_date, 1), Counter()
    backtest(made.histories(), no_events, cutoffs, SPAN, PARAMS, tmp_path, counter)
    params, events = PARAMS, no_events
    if change == "params":
        params = PARAMS.model_copy(update={"daily": PARAMS.daily.model_copy(update={"month_days": 1})})
    if change == "event":
        events = pd.DataFrame([{"name": "x", "starts_on": date(2025, 6, 1), "ends_on": None, "queues": "",
                                "known_on": date(2025, 5, 1)}])  # fmt: skip
    if change == "hours":
        made.calendar = made.calendar.in_country("").model_copy(
            update={"closures": (type(made.calendar).model_validate(
                {"closures": [{"starts_on": "2025-07-01"}]}).closures)}
        )  # fmt: skip
    backtest(made.histories(), events, cutoffs, SPAN, params, tmp_path, counter)
    assert counter.count == 2


def test_a_queue_that_did_not_exist_yet_has_no_backtest(site, no_events):
    made = site(first_on=date(2025, 3, 3)).queue("a").queue("new", since=date(2025, 7, 2))
    rows = backtest(made.histories(), no_events, weekly_cutoffs(made.run_date, 1), SPAN, PARAMS, None)
    assert set(rows["queue"]) == {"a"}


def test_a_killed_write_leaves_the_old_file(site, no_events, tmp_path, monkeypatch):
    made = site(first_on=date(2025, 3, 3)).queue("a")
    cutoffs = weekly_cutoffs(made.run_date, 1)

    def stop(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(module.Path, "replace", stop)
    with pytest.raises(OSError, match="disk full"):
        backtest(made.histories(), no_events, cutoffs, SPAN, PARAMS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_actuals_are_rates_of_days_that_have_passed_and_have_data(site):
    made = site(first_on=date(2025, 3, 3)).queue("a", a_day=2000)
    made.frames[0] = made.frames[0][made.frames[0]["on"] != "2025-07-02"]
    days = pd.to_datetime(["2025-07-01", "2025-07-02", "2025-07-03", "2025-07-08"])
    rows = pd.DataFrame({"queue": "a", "day_on": days, "slot": 11, "daily": 1.0})
    found = with_actuals(rows, made.histories(), made.run_date, PARAMS)
    assert list(found["day_on"].dt.day) == [1, 3]  # the 2nd has no data, the 8th lies ahead
    frame = made.frames[0]
    expected = frame.loc[(frame["on"] == "2025-07-01") & (frame["interval_start_at"].dt.hour == 9), "contacts"]
    assert found["contacts"].iloc[0] == expected.item()
    assert np.isfinite(found["contacts"]).all()
