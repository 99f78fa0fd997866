"""Shares of a change by hand, and an event that is new since."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.volume.backtest import candidate_rows
from models.volume.candidates import BLENDED, MEMBERS, forecast_candidates
from models.volume.changes import CAUSES, share_out, without_new_events
from models.volume.params import volume_params

DAYS = pd.to_datetime(["2026-03-02", "2026-03-03"]).astype("datetime64[s]")


def days(contacts, model=None, outreach=0.0):
    rows = pd.DataFrame({"queue": "a", "local_on": DAYS[: len(contacts)], "contacts": contacts})
    return rows if model is None else rows.assign(model_contacts=model, outreach_contacts=outreach)


def test_each_cause_has_its_step_and_the_steps_add_up():
    # Then 100, and 10 by hand. Tonight with the weights and events of then 104, with tonight's events 124, with
    # tonight's weights too 121, and 30 by hand.
    found = share_out(
        days([151.0], [121.0]), days([110.0], [100.0]), days([124.0]), days([104.0]), is_other_model=False
    ).iloc[0]
    assert found["by_data"] == pytest.approx(4)
    assert found["by_event"] == pytest.approx(20)
    assert found["by_model"] == pytest.approx(-3)
    assert found["by_override"] == pytest.approx(20)
    assert found["change"] == pytest.approx(41) == sum(found[f"by_{cause}"] for cause in CAUSES)
    assert found["main_cause"] in ("event", "override")


def test_what_outreach_adds_is_its_own_share_and_no_data():
    # The model alone: 102 instead of 100; outreach takes 7 off tonight and took 3 off then.
    found = share_out(
        days([95.0], [95.0], -7.0), days([97.0], [97.0], -3.0), days([102.0]), days([102.0]), is_other_model=False
    ).iloc[0]
    assert (found["by_outreach"], found["by_data"], found["by_model"]) == (pytest.approx(-4), pytest.approx(2), 0)
    assert found["main_cause"] == "outreach"


def test_with_other_parameters_what_is_left_counts_as_the_models():
    found = share_out(
        days([121.0], [121.0]), days([100.0], [100.0]), days([124.0]), days([104.0]), is_other_model=True
    ).iloc[0]
    assert (found["by_data"], found["by_model"], found["main_cause"]) == (0, pytest.approx(1), "event")


def test_days_that_one_night_lacks_are_left_out_and_rounding_is_no_cause():
    found = share_out(
        days([5.0, 8.0], [5.0, 8.0]), days([5.01], [5.01]), days([5.0, 8.0]), days([5.0, 8.0]), is_other_model=False
    )
    assert found["main_cause"].tolist() == ["none"]


def test_random_nights_add_up():
    rng = np.random.default_rng(1)
    for _ in range(50):
        numbers = rng.uniform(0, 100, (6, 2))
        found = share_out(
            days(numbers[0], numbers[1]), days(numbers[2], numbers[3]), days(numbers[4]), days(numbers[5]),
            is_other_model=bool(rng.integers(2)),
        )  # fmt: skip
        assert np.allclose(found[[f"by_{cause}" for cause in CAUSES]].sum(axis=1), found["change"])


def test_without_an_event_that_is_new_all_that_it_moved_is_moved_back(site, no_events):
    """It adds a half to five days that have been; tomorrow's is entered tonight."""
    runs = pd.to_datetime(["2025-03-11", "2025-04-08", "2025-05-13", "2025-06-10", "2025-07-08"])
    events = pd.DataFrame({"name": "billing", "starts_on": runs, "ends_on": pd.NaT, "queues": "a",
                           "known_on": pd.Timestamp("2025-01-01")})  # fmt: skip
    made = site(first_on=date(2024, 12, 2), ahead=10)
    made.queue("a", a_day=3000, factor=lambda local: np.where(local.tz_localize(None).normalize().isin(runs), 1.5, 1.0))
    histories, params = made.histories(), volume_params()
    tonight = forecast_candidates(histories, events, [made.run_date], made.ahead, 730, params)
    found = tonight["a", made.run_date]
    rows = candidate_rows("a", histories["a"], found)
    then = without_new_events(rows, tonight, histories, events, events.iloc[:4], params)
    is_moved = (rows["day_on"] == runs[-1]).to_numpy()
    effect = 1 + found.effects["event: billing"]
    assert effect > 1.35
    for name in BLENDED:
        np.testing.assert_allclose(then.loc[is_moved, name], rows.loc[is_moved, name] / effect)
    alone = [member for member in MEMBERS if member != "daily"]
    pd.testing.assert_frame_equal(then[alone], rows[alone])  # like days alone never knew of it
    later = (rows["day_on"] > runs[-1] + pd.Timedelta(days=3)).to_numpy()
    np.testing.assert_allclose(then.loc[later, "daily"], rows.loc[later, "daily"])
    assert without_new_events(rows, tonight, histories, events, events, params) is rows
