"""What a backtest reports of our intervals, by hand."""

from datetime import date

import pandas as pd
import pytest

from models.volume.candidates import MOVED
from models.volume.contest import OURS, contest_rows, contestants
from models.volume.params import volume_params
from models.volume.quantiles import QUANTILE_COLUMNS

# forecast, contacts, pit: the 80 % interval is 5 to 25. With a mean of ten and more it counts, else the PIT.
TWO_DAYS = {
    "2026-03-02": [(20.0, 15.0, 0.99), (20.0, 25.0, 0.99), (3.0, 0.0, 0.5), (3.0, 40.0, 0.9)],  # all four inside
    "2026-03-03": [(20.0, 26.0, 0.5), (3.0, 10.0, 0.95), (3.0, 10.0, 0.05), (3.0, 10.0, 0.1)],  # the last
}


def scored(days, method=OURS):
    rows = pd.DataFrame(
        [(on, *row) for on, four in days.items() for row in four], columns=["day_on", "forecast", "contacts", "pit"]
    )
    levels = dict(zip(QUANTILE_COLUMNS, [4.0, 5.0, 10.0, 15.0, 20.0, 25.0, 26.0], strict=True))
    return rows.assign(
        day_on=pd.to_datetime(rows["day_on"]), queue="a", cutoff_on=pd.Timestamp("2026-03-02"), lead_days=1, slot=0,
        method=method, **levels,
    )  # fmt: skip


def measured(rows):
    return contest_rows(rows).set_index(["queue", "lead_bucket", "method"]).loc[("all", "all")]


def test_small_counts_are_covered_by_the_pit_and_the_interval_takes_days_as_the_sample():
    """Five of eight: 2.5 are expected of each day, 4 and 1 came: the error is sqrt(2 x 1.5^2 x 2 / 1) / 8 = .375."""
    ours = measured(scored(TWO_DAYS)).loc[OURS]
    assert ours["coverage_80_pooled"] == pytest.approx(5 / 8)
    assert (ours["coverage_80_low"], ours["coverage_80_high"]) == (0.0, 1.0)  # no share is beyond them
    assert ours["coverage_80"] == pytest.approx(5 / 8)  # both ends counted, whatever the mean


def test_more_days_make_the_interval_narrower():
    days = {f"2026-{month:02d}-{day:02d}": four for month in (3, 4, 5) for day, four in enumerate(TWO_DAYS.values(), 2)}
    found = measured(scored(days)).loc[OURS]
    error = (6 * 1.5**2 * 6 / 5) ** 0.5 / 24
    assert found["coverage_80_low"] == pytest.approx(5 / 8 - 1.96 * error)
    assert found["coverage_80_high"] == pytest.approx(5 / 8 + 1.96 * error)


def test_who_has_no_pit_has_no_pooled_coverage():
    both = pd.concat([scored(TWO_DAYS), scored(TWO_DAYS, "mstl").assign(pit=float("nan"))])
    theirs = measured(both).loc["mstl"]
    assert theirs[["coverage_80_pooled", "coverage_80_low", "coverage_80_high"]].isna().all()
    assert theirs["coverage_80"] == pytest.approx(5 / 8)


def test_rivals_are_judged_as_they_are_alone_not_as_they_are_blended():
    own = scored({"2026-03-02": [(20.0, 15.0, 0.5)]}).drop(columns="method")
    own = own.assign(daily=20.0, rival=18.0, last_week=17.0, last_year=16.0, **dict.fromkeys(MOVED, 99.0))
    found = contestants(own, own.iloc[:0], [date(2026, 3, 2)], 6, own.iloc[:0], volume_params())
    told = found.set_index("method")["forecast"]
    assert told.to_dict() == {OURS: 20, "prophet": 20, "four_like_weekdays": 18, "last_week": 17, "last_year": 16}
