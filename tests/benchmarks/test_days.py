from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.days import day_table, score_days
from models.volume.candidates import forecast_candidates
from models.volume.params import volume_params
from tests.models.volume.conftest import NO_EVENTS, Site


def test_measures_by_bucket_are_those_of_days() -> None:
    """Day 57: 110 for 100, within; day 84: 90 for 100, without: WAPE .1, no bias, half. Day 85 is the next bucket's."""
    days = pd.DataFrame(
        {"company": "c", "queue": "a", "lead_days": [57, 84, 85], "contacts": [100.0, 100.0, 200.0],
         "forecast": [110.0, 90.0, 100.0], "rival": [100.0, 120.0, 200.0],
         "p10": [95.0, 80.0, 90.0], "p90": [120.0, 99.0, 110.0]}
    )  # fmt: skip
    table = day_table(days)
    near = table.loc["c", "a", "57-84"]
    assert near[["days", "wape", "rival_wape", "bias", "coverage_80"]].tolist() == pytest.approx([2, 0.1, 0.1, 0, 0.5])
    assert table.loc["c", "a", "85-126"][["wape", "bias", "coverage_80"]].tolist() == pytest.approx([0.5, -0.5, 0])


def test_days_that_passed_are_scored_and_a_gap_is_left_out_of_the_total() -> None:
    """70 days ahead of which 66 passed: leads 57 to 66; `b` has no data on one of them, an open Tuesday."""
    site = Site(first_on=date(2025, 1, 6), run_date=date(2025, 7, 7), ahead=70).queue("a").queue("b", seed=2)
    gap, known_on = pd.Timestamp("2025-09-09"), date(2025, 9, 11)
    for place, frame in enumerate(site.frames):
        site.frames[place] = frame[(frame["on"] < pd.Timestamp(known_on)) & ((place == 0) | (frame["on"] != gap))]
    histories = site.histories()
    tonight = forecast_candidates(histories, NO_EVENTS, [site.run_date], 70, 730, volume_params())
    levels = pd.DataFrame(
        [
            {
                "scope": scope,
                "scope_value": value,
                "lead_days": lead,
                "contacts": 1.0,
                "contacts_p10": 0.0,
                "contacts_p90": 2.0,
            }
            for scope, value in (("queue", "a"), ("queue", "b"), ("channel", "phone"), ("all", "all"))
            for lead in range(1, 71)
        ]
    )
    found = score_days(levels, tonight, histories, known_on).set_index(["queue", "lead_days"])
    leads = {queue: found.loc[queue].index.tolist() for queue in ("a", "b", "all")}
    # 7 July is lead 1, so lead 57 is Monday 1 September; the weekend (62, 63) is closed, 9 September is lead 65.
    assert leads["a"] == [57, 58, 59, 60, 61, 64, 65, 66]
    assert leads["b"] == leads["all"] == [57, 58, 59, 60, 61, 64, 66]
    came = site.frames[0].groupby("on")["contacts"].sum()
    assert found.loc[("a", 57), "contacts"] == came[pd.Timestamp("2025-09-01")]
    np.testing.assert_allclose(
        found.loc["all"]["contacts"], found.loc["a"]["contacts"].drop(65) + found.loc["b"]["contacts"]
    )
    monday = tonight["a", site.run_date].rival[56] * tonight["a", site.run_date].basis.intervals[-14]
    assert found.loc[("a", 57), "rival"] == pytest.approx(monday.sum())
