"""Net load in the forecast: by hand, nothing twice, nothing that is not known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forestall.outreach.load import added_contacts, change_of, with_outreach
from models.volume.quantiles import QUANTILE_COLUMNS

RUN = date(2026, 3, 2)


def measured(change, low, high, action="all", measure="contacts_14d"):
    return {"measure": measure, "action": action, "change": change, "low": low, "high": high}


def nights(first, last, count):
    """`count` accounts listed in each night that many days before the run date."""
    days = pd.date_range(pd.Timestamp(RUN) - pd.Timedelta(days=first), pd.Timestamp(RUN) - pd.Timedelta(days=last))
    return pd.Series(float(count), index=[day.date() for day in days])


def test_a_change_counts_once_its_interval_leaves_zero_and_only_that_of_all_contacts():
    rows = [measured(-0.4, -0.7, -0.1), measured(9.0, 8.0, 10.0, "care_call"),
            measured(5.0, 4.0, 6.0, measure="handle_minutes_14d")]  # fmt: skip
    assert change_of(pd.DataFrame(rows)) == -0.4
    assert change_of(pd.DataFrame([measured(-0.4, -0.9, 0.1)])) == 0
    assert change_of(pd.DataFrame([measured(np.nan, np.nan, np.nan)])) == 0
    assert change_of(pd.DataFrame(rows[:0], columns=list(rows[0]))) == 0


def test_nights_that_began_a_week_ago_add_what_four_weeks_do_not_hold_yet():
    # Ten a night for a week: 70 listings count, 5 more tonight (70 in 14 nights); 10 did on the mean of four weeks.
    added = added_contacts(-1.4, nights(7, 1, 10), RUN, 21)
    assert added[0] == pytest.approx(-0.1 * (75 - 10))
    # In a fortnight only listings of nights to come count, five a night.
    assert added[14:] == pytest.approx(np.full(7, -0.1 * (70 - 10)))


def test_steady_nights_are_in_the_level_already():
    assert added_contacts(-1.4, nights(60, 1, 10), RUN, 56) == pytest.approx(np.zeros(56))


def test_after_outreach_has_stopped_what_it_avoided_comes_back():
    added = added_contacts(-1.4, nights(60, 15, 10), RUN, 3)
    # Of the last four weeks the first two were full: 140 counted, then 130, 120, ... 0; today nothing counts.
    counted = np.concatenate([np.full(14, 140.0), np.arange(130, -1, -10)])
    assert added == pytest.approx(np.full(3, 0.1 * counted.mean()))


def test_nobody_listed_adds_nothing():
    assert (added_contacts(-1.4, pd.Series(dtype=float), RUN, 5) == 0).all()


def forecast():
    rows = pd.DataFrame({"queue": ["a", "a", "b", "a"], "lead_days": [1, 1, 1, 2], "contacts": [30.0, 60.0, 10.0, 0.0]})
    quantiles = rows["contacts"].to_numpy()[:, None] * np.array([0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3])
    return rows.assign(**dict(zip(QUANTILE_COLUMNS, quantiles.T, strict=True)))


def test_a_days_contacts_are_shared_out_as_its_forecast_is():
    out = with_outreach(forecast(), np.array([-20.0, -20.0]))
    assert out["contacts"].tolist() == pytest.approx([24, 48, 8, 0])
    assert out["outreach_contacts"].tolist() == pytest.approx([-6, -12, -2, 0])
    assert (out["contacts_p50"] <= forecast()["contacts_p50"]).all()
    assert out.loc[1, "contacts_p90"] < forecast().loc[1, "contacts_p90"]


def test_no_more_is_avoided_than_there_is():
    out = with_outreach(forecast(), np.array([-1e6, 0.0]))
    assert (out["contacts"] == 0).all()
    assert (out[list(QUANTILE_COLUMNS)].to_numpy() == 0).all()


def test_nothing_to_add_leaves_the_forecast_as_it_was():
    out = with_outreach(forecast(), np.zeros(2))
    pd.testing.assert_frame_equal(out.drop(columns="outreach_contacts"), forecast())
    assert (out["outreach_contacts"] == 0).all()
