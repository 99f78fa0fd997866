"""Overrides by hand: three queues, two days, hours of an hour each."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from forestall.planning.overrides import Entered, Override, apply_overrides, effect_by_day
from models.volume.quantiles import LEVELS, QUANTILE_COLUMNS, Spread, moved_along, quantiles

ZONE = ZoneInfo("Europe/Berlin")
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def forecast():
    """`a` and `b` by phone from 09:00 to 12:00 of 07:00 to 13:00, `mail` at any hour; 10, 20, 30 from 09:00 on."""
    rows = []
    for queue, channel in (("a", "phone"), ("b", "phone"), ("mail", "email")):
        for on in (MONDAY, TUESDAY):
            for hour in range(7, 13):
                is_open = 9 <= hour < 12
                mean = {9: 10.0, 10: 20.0, 11: 30.0}.get(hour, 0.0)
                at = pd.Timestamp(f"{on} {hour:02d}:00", tz=ZONE).tz_convert("UTC")
                rows.append((queue, at, on, channel, is_open, mean))
    frame = pd.DataFrame(rows, columns=["queue", "interval_start_at", "local_on", "channel", "is_open", "contacts"])
    frame[list(QUANTILE_COLUMNS)] = quantiles(frame["contacts"].to_numpy(), Spread(0.05))
    return frame


def override(action, amount, queues=("a",), first_on=MONDAY, **more):
    return Override(
        action=action, amount=amount, queues=queues, first_on=first_on, author="anna", reason="fair", **more
    )


def applied(*overrides):
    entered = [Entered(number, datetime(2026, 3, 1, tzinfo=UTC), one) for number, one in enumerate(overrides, start=1)]
    return apply_overrides(forecast(), entered[::-1], ZONE)  # whatever the order in which they are handed over


def by_hour(rows, queue="a", on=MONDAY):
    own = rows[(rows["queue"] == queue) & (rows["local_on"] == on)]
    return own["contacts"].tolist()


def test_a_percentage_changes_each_interval_of_its_days_queues_and_hours():
    rows, notes = applied(override("percent", -50, hours="10:00-12:00"))
    assert by_hour(rows) == [0, 0, 10, 10, 15, 0]
    assert by_hour(rows, "b") == by_hour(rows, on=TUESDAY) == [0, 0, 10, 20, 30, 0]
    assert notes == []
    assert rows.loc[rows["override_id"].notna(), "model_contacts"].tolist() == [20, 30]
    assert (rows["model_contacts"] == forecast()["contacts"]).all()


def test_set_and_add_are_contacts_of_a_day_shared_out_as_the_model_has_them():
    rows, _ = applied(override("set", 120, last_on=TUESDAY), override("add", 6, queues=("b",), first_on=TUESDAY))
    assert by_hour(rows) == by_hour(rows, on=TUESDAY) == pytest.approx([0, 0, 20, 40, 60, 0])
    assert by_hour(rows, "b", TUESDAY) == pytest.approx([0, 0, 11, 22, 33, 0])


def test_a_slip_of_some_zeros_is_left_out_and_told():
    """The busiest interval has 30; 1,400 in one are fewer than 50 times that, 1,600 more."""
    rows, notes = applied(override("set", 2800), override("set", 3200, first_on=TUESDAY))
    assert by_hour(rows) == pytest.approx([0, 0, 1400 / 3, 2800 / 3, 1400, 0])
    assert by_hour(rows, on=TUESDAY) == [0, 0, 10, 20, 30, 0]
    assert notes == [
        "override 2: set 3200, 2026-03-03, a would bring 1,600 contacts in an interval, and the busiest of all queues"
        " has 30; left out: undo it and enter what is meant"
    ]


def test_what_an_override_does_is_told_by_queue_and_day():
    said = override("percent", 50, queues=("a", "b"), last_on=TUESDAY, hours="09:00-10:00")
    moved, notes = effect_by_day(forecast(), Entered(7, datetime(2026, 3, 1, tzinfo=UTC), said), ZONE)
    assert moved[["queue", "before", "after"]].to_numpy().tolist() == [[queue, 10.0, 15.0] for queue in "aabb"]
    assert notes == []


def test_all_queues_together_get_the_number_of_the_day():
    rows, _ = applied(override("set", 360, queues=()))
    monday = rows[rows["local_on"] == MONDAY]
    assert monday.groupby("queue")["contacts"].sum().tolist() == pytest.approx([120, 120, 120])


def test_where_the_model_expects_nothing_contacts_are_spread_evenly_but_never_while_a_live_queue_is_closed():
    rows, notes = applied(override("add", 30, hours="07:00-09:00"), override("set", 30, ("mail",), hours="07:00-09:00"))
    assert by_hour(rows) == [0, 0, 10, 20, 30, 0]
    assert by_hour(rows, "mail") == [15, 15, 10, 20, 30, 0]
    assert notes == ["override 1: no open interval in add 30, 2026-03-02, 07:00-09:00, a; it changes nothing"]
    fresh = rows[(rows["queue"] == "mail") & (rows["contacts"] == 15)]
    assert fresh["contacts_p50"].between(10, 16).all()
    assert (fresh["contacts_p95"] > 20).all()


def test_a_later_set_replaces_and_percent_and_add_go_on_top_in_the_order_of_their_entry():
    rows, notes = applied(
        override("percent", 100), override("set", 60), override("percent", 10), override("add", 6, hours="09:00-10:00")
    )
    assert by_hour(rows) == pytest.approx([0, 0, 10 * 1.1 + 6, 22, 33, 0])
    ids = rows.loc[rows["override_id"].notna(), "override_id"].tolist()
    assert ids == ["2+3+4", "2+3", "2+3"]
    assert notes == [
        "override 2 (set): replaces 1 in the intervals that both name",
        "override 3 (percent): goes on top of 2 in the intervals that both name",
        "override 4 (add): goes on top of 2, 3 in the intervals that both name",
    ]


def test_nothing_falls_below_zero_and_a_wrong_queue_is_named():
    rows, notes = applied(override("add", -90), override("percent", 5, queues=("mial",)))
    assert by_hour(rows) == [0, 0, 0, 0, 0, 0]
    assert notes == [
        "override 1: takes away more than there is; stopped at 0",
        "override 2: there is no queue `mial`; meant `mail`?",
    ]
    moved = rows[rows["override_id"].notna()]
    assert (moved[list(QUANTILE_COLUMNS)] == 0).all(axis=None)


def test_quantiles_move_with_the_mean_and_keep_the_spread_of_their_level():
    # Against the quantiles of a negative binomial whose mean was that from the start.
    for phi in (1e-6, 0.02, 0.2):
        for mean, to in ((100.0, 200.0), (100.0, 40.0), (30.0, 33.0)):
            start = quantiles(np.array([mean]), Spread(phi))
            moved = moved_along(start, np.array([mean]), np.array([to]))[0]
            expected = quantiles(np.array([to]), Spread(phi))[0]
            sd = np.sqrt(to + phi * to**2)
            assert np.abs(moved - expected).max() <= 0.16 * sd + 1
            assert (np.diff(moved) >= 0).all()
    assert len(LEVELS) == moved.size


def test_quantiles_of_untouched_intervals_stay():
    rows, _ = applied(override("percent", 20))
    same = rows["override_id"].isna()
    assert rows.loc[same, list(QUANTILE_COLUMNS)].equals(forecast().loc[same, list(QUANTILE_COLUMNS)].astype(float))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"action": "set", "amount": -1}, "cannot be negative"),
        ({"action": "percent", "amount": -101}, "no more than all contacts"),
        ({"action": "add", "amount": float("nan")}, "finite"),
        ({"action": "add", "amount": 1, "last_on": date(2026, 3, 1)}, "before it starts"),
        ({"action": "add", "amount": 1, "hours": "9-12"}, "such as 08:00-20:00"),
        ({"action": "add", "amount": 1, "author": ""}, "at least 1 character"),
    ],
)
def test_what_makes_no_sense_is_refused(values, said):
    with pytest.raises(ValidationError, match=said):
        Override.model_validate({"first_on": MONDAY, "author": "anna", "reason": "fair", **values})
