"""The plan as a whole: which model where, what is assumed, what cannot be met."""

import numpy as np
import pandas as pd
import pytest

from features.published_staffing import STAFFING_REQUIREMENT
from forestall.sections import ServiceLevelSettings
from forestall.staffing.plan import Known, plan_requirement
from forestall.staffing.standards import QueueOverride, Standards
from forestall.staffing.uncertainty import COLUMNS

LEVEL = ServiceLevelSettings()
UNKNOWN_PATIENCE = (
    "care: too few gave up to tell patience, so Erlang C, which asks for more agents (standards: patience_s)"
)


def forecast(queue, channel, contacts, handle_time_s=300.0, is_open=True):
    starts = pd.date_range("2026-03-02 08:00", periods=len(contacts), freq="30min", tz="UTC")
    rows = pd.DataFrame(
        {"queue": queue, "interval_start_at": starts, "local_on": starts.date, "channel": channel, "is_open": is_open,
         "contacts": np.array(contacts, float), "handle_time_s": handle_time_s}
    )  # fmt: skip
    return rows.assign(**dict.fromkeys(COLUMNS, rows["contacts"]))


def plan(*frames, standards=None, **known):
    known = Known(standards or Standards(), known.pop("shrinkage", 0.3), **known)
    return plan_requirement(pd.concat(frames, ignore_index=True), known, LEVEL, 1800)


def test_a_published_case_with_shrinkage():
    # pyworkforce, test_erlang.py: 14 working, 20 to schedule at a shrinkage of .30
    found, notes = plan(forecast("care", "phone", [100], 180))
    row = found.iloc[0]
    assert (row["agents_net"], row["agents_gross"], row["model"]) == (14, pytest.approx(20), "erlang_c")
    assert row["service_level"] == pytest.approx(0.888, abs=1e-3)
    assert row["offered_load"] == pytest.approx(10)
    assert row["standard"] == "80 % in 20 s"
    assert notes == [UNKNOWN_PATIENCE]
    assert set(found.columns) == set(STAFFING_REQUIREMENT.names)


def test_known_patience_is_erlang_a_and_saves_agents():
    patient, _ = plan(forecast("care", "phone", [400]))
    leaving, _ = plan(forecast("care", "phone", [400]), patience_s={"care": 90})
    assert leaving["model"].tolist() == ["erlang_a"]
    assert leaving["agents_net"][0] < patient["agents_net"][0]
    assert leaving["abandonment"][0] > 0


def test_the_standard_is_stronger_than_the_estimate():
    standards = Standards(queues={"care": QueueOverride(patience_s=60, shrinkage=0.5)})
    found, _ = plan(forecast("care", "phone", [400]), standards=standards, patience_s={"care": 600})
    other, _ = plan(forecast("care", "phone", [400]), patience_s={"care": 60})
    assert found["abandonment"][0] == pytest.approx(other["abandonment"][0])
    assert found["agents_gross"][0] == pytest.approx(2 * found["agents_net"][0])


def test_an_uncertain_forecast_takes_more_agents():
    sure = forecast("care", "phone", [300])
    spread = np.array([0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.5])
    unsure = sure.assign(**dict(zip(COLUMNS, 300 * spread, strict=True)))
    assert plan(unsure)[0]["agents_net"][0] > plan(sure)[0]["agents_net"][0]


def test_deferred_work_goes_to_whole_agents_and_backlog_is_added():
    found, _ = plan(forecast("mail", "email", [96] + [0] * 15, 300), backlog={"mail": 8})
    assert found["model"].unique().tolist() == ["deferred"]
    assert found["contacts"].sum() == pytest.approx(104)
    # 104 contacts of 300 s; who is scheduled is there for .7 of half an hour and busy for .88 of that: 28.1 take 29,
    # 3.6 on average in the eight half-hours of the standard
    assert found["agents_gross"].sum() == 29
    assert found["agents_gross"].max() == 4
    assert found["agents_gross"][8:].tolist() == [0] * 8
    # four on the schedule are 2.8 at work
    assert found["agents_net"][0] == 3
    assert found["occupancy"][0] == pytest.approx(0.88 * 2.8 / 3)
    assert found["service_level"].isna().all()


@pytest.mark.parametrize("load", [0.1, 0.5, 1, 3, 10, 30])
@pytest.mark.parametrize(("hours", "clock"), [(24, "elapsed"), (4, "business")])
def test_written_work_takes_the_hours_that_it_is_and_one_agent_interval_a_due_window(load, hours, clock):
    """Whoever does all that waits once in each window, rounded up, is in time; no plan may take more than he does."""
    days = 14
    starts = pd.date_range("2026-03-02", periods=48 * days, freq="30min", tz="UTC")
    is_open = (starts.hour >= 8) & (starts.hour < 20)
    arriving = np.where(is_open, load * 1800 / 300, 0.0)
    rows = pd.DataFrame({"queue": "mail", "interval_start_at": starts, "local_on": starts.date, "channel": "email",
                         "is_open": is_open, "contacts": arriving, "handle_time_s": 300.0})  # fmt: skip
    rows = rows.assign(**dict.fromkeys(COLUMNS, rows["contacts"]))
    standard = QueueOverride(first_response_s=hours * 3600, clock=clock)
    found, _ = plan(rows, standards=Standards(queues={"mail": standard}))
    least = arriving.sum() * 300 / 1800 / 0.88 / 0.7
    windows = days * 12 / (12 if clock == "elapsed" else hours)
    assert least - 1e-6 <= found["agents_gross"].sum() <= least + windows
    assert (found["agents_gross"] % 1 == 0).all()
    # Spread evenly, a whole agent at work in each interval, and rounded up once more for those who are away.
    before = np.ceil(np.ceil(load / 0.88) / 0.7) * 24 * days
    assert found["agents_gross"].sum() <= before
    assert found["agents_gross"].max() <= np.ceil(load / 0.88 / 0.7)


def test_a_standard_that_cannot_be_met_is_told_and_planned_all_the_same():
    found, notes = plan(forecast("social", "social", [10] * 8, 300, is_open=[False] * 4 + [True] * 4))
    assert found["contacts"].sum() == pytest.approx(80)
    assert notes == [
        "social: 50% of contacts are due while the queue is closed, so no number of agents keeps"
        " `first response within 15 min`; planned within 120 min of opening."
        " To mend it, open longer (calendar.yml), or let the clock run only while it is open (standards.yml:"
        " clock: business)"
    ]


def test_a_queue_that_never_opens_is_told():
    found, notes = plan(forecast("mail", "email", [10, 10], is_open=False))
    assert found["agents_net"].tolist() == [0, 0]
    assert notes == ["mail: never open in the whole horizon; its work is not planned"]


@pytest.mark.parametrize(("closed_days", "told"), [(7, 0), (8, 1)])
def test_a_queue_that_closes_for_good_is_told_with_what_it_leaves(closed_days, told):
    """Two contacts each half-hour, open on its first day, from 08:00 to 24:00: 96 lie there for each day after it."""
    count = 32 + 48 * closed_days
    mail = forecast("mail", "email", [2] * count, 300, is_open=[True] * 32 + [False] * (count - 32))
    _, notes = plan(mail)
    said = [note for note in notes if "not open after 2026-03-02" in note]
    assert len(said) == told
    assert all(f"{96 * closed_days} contacts" in note for note in said)


def test_missing_handle_times_are_filled_and_only_a_guess_is_told():
    gap = forecast("gap", "phone", [50, 50], np.array([200.0, np.nan]))
    none = forecast("none", "phone", [50, 50], np.array([0.0, np.nan]))
    found, notes = plan(gap, none, standards=Standards(queues={"none": QueueOverride(handle_time_s=240)}))
    assert found["handle_time_s"].tolist() == [200, 200, 240, 240]
    assert notes[0] == "none: no handle time in the data; 240 s assumed (standards: handle_time_s)"
    assert len(notes) == 2


def test_a_gigantic_day_is_capped_and_other_queues_keep_their_plan():
    found, notes = plan(forecast("care", "phone", [1e10]), forecast("sales", "phone", [100], 180))
    assert found.set_index("queue")["agents_net"].to_dict() == {"care": 100_000, "sales": 14}
    assert notes[1:] == ["care: 80 % in 20 s is out of reach in 1 intervals; capped at 100000 agents"]


def test_self_service_needs_nobody():
    found, notes = plan(
        forecast("bot", "self_service", [100]), forecast("care", "phone", [100], 180), patience_s={"care": 90}
    )
    assert found["queue"].tolist() == ["care"]
    assert notes == []


SURE_DAYS = ServiceLevelSettings(period="day", certainty=0.9)


@pytest.mark.parametrize("level", [LEVEL, SURE_DAYS], ids=["expected", "sure"])
@pytest.mark.parametrize(
    ("bad", "known", "says"),
    [
        (forecast("bad", "phone", [1e10, 50]), {}, "bad: 80 % in 20 s is out of reach in 1 intervals"),
        (forecast("bad", "social", [10] * 4, is_open=[False, False, False, True]), {},
         "bad: 75% of contacts are due while the queue is closed, so no number of agents keeps"),
        (forecast("bad", "email", [5, 5], is_open=False), {}, "bad: never open in the whole horizon"),
        (forecast("bad", "phone", [50, 50], 0.0), {}, "bad: no handle time in the data; 300 s assumed"),
        (forecast("bad", "email", [50, 50], 0.0), {}, "bad: no handle time in the data; 300 s assumed"),
        (forecast("bad", "phone", [50, 50]), {}, "bad: too few gave up to tell patience, so Erlang C"),
        (forecast("bad", "phone", [0, 0], np.nan), {}, "bad: no handle time in the data; 300 s assumed"),
        (forecast("bad", "phone", [50, 50]), {"backlog": {"gone": 40.0}},
         "gone: backlog of 40 contacts is not planned: no such queue is forecast"),
        (forecast("bad", "phone", [50, 50]), {"backlog": {"bad": 12.0}},
         "bad: backlog of 12 contacts is not planned: customers wait there live"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_all_other_queues_keep_their_plan(level, bad, known, says):
    good = forecast("good", "phone", [100, 120], 180)
    patience = {"patience_s": {"good": 180.0}}

    def planned(*frames, **more):
        return plan_requirement(
            pd.concat(frames, ignore_index=True), Known(Standards(), 0.3, **patience, **more), level, 1800
        )

    alone, nothing = planned(good)
    found, notes = planned(good, bad, **known)
    assert nothing == []
    assert sum(note.startswith(says) for note in notes) == 1, notes
    assert found.loc[found["queue"] == "good", "agents_net"].tolist() == alone["agents_net"].tolist()
    own = found[found["queue"] == "bad"]
    assert len(own) == len(bad)
    assert own[["agents_net", "agents_gross", "offered_load"]].notna().all(axis=None)
