"""What would be otherwise, on a published night with two days, three queues and shifts at two sites."""

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from features.published import PUBLISHED
from forestall.cli import app
from forestall.night import Night, conform
from forestall.operations.what_if import Question, ask
from forestall.settings import ConfigError
from forestall.staffing.concurrency import handle_times
from forestall.staffing.plan import Known, plan_requirement
from forestall.staffing.standards import QueueOverride, Standards
from models.volume.quantiles import QUANTILE_COLUMNS, Spread, quantiles
from tests.forestall.jobs.volumes import add_staffing_tables

RUN, ZONE = date(2026, 3, 2), ZoneInfo("Europe/Berlin")
TUESDAY = RUN + timedelta(days=1)
MEANS = {("care", "phone"): 40.0, ("sales", "phone"): 20.0, ("mail", "email"): 15.0}
KEY = ["queue", "interval_start_at"]
PATIENCE = {"care": 120.0, "sales": 200.0}


def forecast(**factors):
    """From 08:00 to 18:00, the same in every half-hour; `factors` by queue on Tuesday."""
    rows = []
    for (queue, channel), mean in MEANS.items():
        for day in (RUN, TUESDAY):
            local = pd.date_range(f"{day} 08:00", f"{day} 17:30", freq="30min", tz=ZONE)
            contacts = mean * (factors.get(queue, 1.0) if day == TUESDAY else 1.0)
            rows.append(pd.DataFrame({"queue": queue, "channel": channel, "interval_start_at": local.tz_convert("UTC"),
                                      "local_on": day, "contacts": contacts}))  # fmt: skip
    frame = pd.concat(rows, ignore_index=True)
    frame[list(QUANTILE_COLUMNS)] = quantiles(frame["contacts"].to_numpy(), Spread(0.02))
    seconds = dict.fromkeys(("handle_time_s", "handle_time_p10_s", "handle_time_p50_s", "handle_time_p90_s"), 300.0)
    return frame.assign(
        cutoff_at=datetime.combine(RUN, time(), ZONE), lead_days=1, is_open=True, method="prophet",
        model_version="v", model_contacts=frame["contacts"], override_id=None, outreach_contacts=0.0, **seconds,
    )  # fmt: skip


KNOWN = Known(Standards(), 0.3, PATIENCE, backlog={"mail": 40.0})


def requirement(settings, rows, known=KNOWN):
    return plan_requirement(rows, known, settings.service_level, 1800)[0]


def shifts_of(plan):
    """Care is covered to the agent: all but two of Leipzig, who rest from 12:00 to 12:30, and two of Muenchen."""
    rows = []
    for day in (RUN, TUESDAY):
        start, end = (pd.Timestamp(datetime.combine(day, time(hour), ZONE)).tz_convert("UTC") for hour in (8, 18))
        agents = int(np.ceil(plan.loc[plan["queue"] == "care", "agents_gross"].max() - 1e-3))
        usual = {"local_on": day, "is_assigned": True, "queue_group": "care", "pattern": "long", "starts_at": start,
                 "ends_at": end, "paid_hours": 10.0, "occupancy": 0.8}  # fmt: skip
        rows += [
            usual | {"slot_id": f"s{at:02d}", "site": "Muenchen" if at < 2 else "Leipzig",
                     "breaks": "" if at < 2 else "12:00-12:30", "break_minutes": "" if at < 2 else "240-270"}
            for at in range(agents)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def coverage_of(plan, shifts):
    care = plan[plan["queue"] == "care"]
    agents = shifts.groupby("local_on").size().iloc[0]
    rests = care["interval_start_at"].dt.tz_convert(ZONE).dt.strftime("%H:%M") == "12:00"
    rows = pd.DataFrame({
        "queue_group": "care", "interval_start_at": care["interval_start_at"], "local_on": care["local_on"],
        "required": np.ceil(care["agents_gross"] - 1e-3).astype(int), "planned": np.where(rests, 2.0, float(agents)),
        "on_break": np.where(rests, agents - 2.0, 0.0), "remedy": None,
    })  # fmt: skip
    return rows.assign(short=(rows["required"] - rows["planned"]).clip(lower=0.0))


@pytest.fixture
def settings(company):
    return night_of(company, forecast(), KNOWN)


def night_of(company, rows, known, level=""):
    """A published night with this forecast and the plan that it takes; care has shifts."""
    settings = company(f'[company]\ntime_zone = "Europe/Berlin"\n[volume]\ninterval_minutes = 30\n{level}')
    night = Night(settings, RUN)
    folder = night.published / RUN.isoformat()
    folder.mkdir(parents=True)
    plan = requirement(settings, rows, known)
    shifts = shifts_of(plan)
    tables = {"volume_forecast": rows, "staffing_requirement": plan, "shift_plan": shifts,
              "shift_coverage": coverage_of(plan, shifts)}  # fmt: skip
    for name, table in PUBLISHED.items():
        rows = pa.Table.from_pandas(tables[name], preserve_index=False) if name in tables else None
        kept = table.arrow_schema().empty_table() if rows is None else conform(rows, table)
        pa.parquet.write_table(kept, folder / f"{name}.parquet")
    (folder / "manifest.json").write_text(json.dumps({}))
    (night.published / "current").symlink_to(folder.name)
    told = {"patience_s": known.patience_s, "open_count": known.backlog}
    night.write("staffing_known", pd.DataFrame(told).rename_axis("queue").reset_index())
    return settings


def by_queue(answer, column):
    return answer.days.groupby("queue")[column].sum().to_dict()


def hours(plan):
    """Of whole people, who are the queues' own here."""
    return np.ceil(plan["agents_gross"] - 1e-3).groupby(plan["queue"]).sum().mul(0.5).to_dict()


def test_where_nothing_is_otherwise_the_plan_is_tonights(settings):
    answer = ask(settings, Question())
    assert by_queue(answer, "hours_now") == pytest.approx(hours(requirement(settings, forecast())))
    # Also for mail, whose backlog is in the run folder.
    assert by_queue(answer, "hours_then") == pytest.approx(by_queue(answer, "hours_now"))
    live = answer.days[answer.days["queue"] != "mail"]
    assert live["service_then"].tolist() == pytest.approx(live["service_now"].tolist())
    assert answer.shifts["short_then"].tolist() == pytest.approx(answer.shifts["short_now"].tolist())


def season():
    """Five weeks, busier at noon and towards the end, over a change of clocks and into a second month."""
    days = [RUN + timedelta(days=day) for day in range(35)]
    rows = pd.concat(
        forecast().query("local_on == @RUN").assign(
            local_on=day, contacts=lambda own, at=at: own["contacts"] * (0.7 + 0.5 * at / 34 + 0.2 * np.sin(at)),
            interval_start_at=lambda own, at=at: (own["interval_start_at"].dt.tz_convert(ZONE)
                                                  + pd.DateOffset(days=at)).dt.tz_convert("UTC"),
        )
        for at, day in enumerate(days)
    )  # fmt: skip
    clock = rows["interval_start_at"].dt.tz_convert(ZONE).dt
    noon = 1 - ((clock.hour + clock.minute / 60 - 12.75) / 8) ** 2
    rows = rows.assign(contacts=rows["contacts"] * noon).reset_index(drop=True)
    rows[list(QUANTILE_COLUMNS)] = quantiles(rows["contacts"].to_numpy(), Spread(0.02))
    return rows.assign(model_contacts=rows["contacts"],
                       handle_time_s=rows["handle_time_s"].mask(rows["queue"] == "sales", 700.0))  # fmt: skip


GROUPS = {"alone": {}, "pooled": {"service": ["care", "sales"]}, "blended": {"service": ["care", "mail"]}}
MONTH = '[service_level]\nperiod = "month"\ncertainty = 0.9\n'


@pytest.mark.parametrize(("level", "group"), [(MONTH, "alone"), ("", "pooled"), ("", "blended")])
def test_days_within_a_season_are_planned_as_the_night_planned_them(company, level, group):
    """A month's certainty, and what groups share, hang on days that nobody asks about."""
    groups = GROUPS[group]
    settings = night_of(company, season(), replace(KNOWN, groups=groups), level)
    if groups:
        (settings.root / "staffing.yml").write_text(f"groups:\n  service: {groups['service']}\n")
    days = ask(settings, Question(("care",), RUN, RUN + timedelta(days=6))).days
    assert set(days["queue"]) == set(groups.get("service", ["care"]))
    for name in ("contacts", "agents", "hours"):
        assert days[f"{name}_then"].tolist() == pytest.approx(days[f"{name}_now"].tolist())


def test_without_a_last_day_it_is_a_week(company):
    settings = night_of(company, season(), KNOWN)
    days = ask(settings, Question(("mail",), TUESDAY)).days["local_on"]
    assert list(days) == [TUESDAY + timedelta(days=day) for day in range(7)]


def test_shrinkage_of_some_queues_is_not_taken_for_that_of_the_others(company):
    standards = Standards(queues={"care": QueueOverride(shrinkage=0.1), "sales": QueueOverride(shrinkage=0.1)})
    settings = night_of(company, forecast(), replace(KNOWN, standards=standards))
    (settings.root / "standards.yml").write_text("queues:\n  care: {shrinkage: 0.1}\n  sales: {shrinkage: 0.1}\n")
    answer = ask(settings, Question())
    assert by_queue(answer, "hours_then") == pytest.approx(by_queue(answer, "hours_now"))


def test_an_event_on_a_day_is_as_if_it_had_been_forecast(settings):
    answer = ask(settings, Question(("care",), TUESDAY, TUESDAY, volume_percent=50))
    wanted = requirement(settings, forecast(care=1.5))
    wanted = wanted[(wanted["queue"] == "care") & (wanted["local_on"] == TUESDAY)]
    row = answer.days.iloc[0]
    assert len(answer.days) == 1
    assert (row["contacts_now"], row["contacts_then"]) == pytest.approx((800.0, 1200.0))
    assert not any("backlog" in note for note in answer.notes)  # mail, which lies open, is not asked about
    assert row["agents_then"] == wanted["agents_net"].max() > row["agents_now"]
    assert row["hours_then"] == hours(wanted)["care"]
    assert row["service_then"] < row["service_now"] - 0.2  # half as many again on the same agents
    short = answer.shifts.set_index("local_on")
    assert list(short.index) == [TUESDAY]
    missing = np.ceil(wanted["agents_gross"] - 1e-3) - np.ceil(
        requirement(settings, forecast()).merge(wanted[KEY], on=KEY)["agents_gross"].to_numpy() - 1e-3
    )
    assert short.loc[TUESDAY, "short_then"] - short.loc[TUESDAY, "short_now"] == pytest.approx(missing.sum() / 2)


def test_an_event_of_a_name_moves_the_queues_that_feel_it(settings):
    """Care by a tenth on each of both days, in half of whose forecast the daily model counts."""
    folder = Night(settings, RUN).published / RUN.isoformat()
    effects = pd.DataFrame({"queue": ["care"], "mark": "event: sale", "description": "sale", "effect": 0.1,
                            "days_seen": 4, "next_on": None, "model_version": "v"})  # fmt: skip
    methods = pd.DataFrame({"queue": ["care"], "lead_bucket": "1", "weight_prophet": 0.5})
    for name, rows in (("mark_effects", effects), ("forecast_methods", methods)):
        rows = rows.reindex(columns=list(PUBLISHED[name].names))
        kept = conform(pa.Table.from_pandas(rows, preserve_index=False), PUBLISHED[name])
        pa.parquet.write_table(kept, folder / f"{name}.parquet")
    both = ask(settings, Question(("care", "sales"), RUN, TUESDAY, event="sale"))
    assert by_queue(both, "contacts_then") == pytest.approx({"care": 1600 * 1.05, "sales": 800})
    assert any("care +10% (seen on 4 days)" in note for note in both.notes)
    # It runs for a day where no last one is named, and goes on top of a percentage.
    one = ask(settings, Question(("care",), event="sale", volume_percent=10)).days.set_index("local_on")
    assert one["contacts_then"].tolist() == pytest.approx([800 * 1.05 * 1.1, 800 * 1.1])
    assert by_queue(ask(settings, Question(("sales",), RUN, RUN, event="sale")), "contacts_then") == {"sales": 400}
    done = CliRunner().invoke(app, ["what-if", "--config", str(settings.root / "forestall.toml"), "--event", "fair"])
    assert "no event fair has passed" in str(done.exception)


def test_longer_contacts_a_higher_standard_and_more_shrinkage_take_more_hours(settings):
    for question in (
        Question(handle_time_percent=10), Question(service_level=0.95), Question(threshold_s=1),
        Question(shrinkage=0.4),
    ):  # fmt: skip
        answer = ask(settings, replace(question, queues=("care",)))
        assert answer.days["hours_then"].sum() > answer.days["hours_now"].sum(), question
    queues = {queue: QueueOverride(shrinkage=0.4) for queue in ("care", "sales", "mail")}
    lost = requirement(settings, forecast(), replace(KNOWN, standards=Standards(queues=queues)))
    assert by_queue(ask(settings, Question(shrinkage=0.4)), "hours_then") == hours(lost)
    standards = Standards(queues={"sales": QueueOverride(service_level=0.95, threshold_s=5)})
    better = requirement(settings, forecast(), replace(KNOWN, standards=standards))
    answer = ask(settings, Question(("sales",), service_level=0.95, threshold_s=5))
    assert by_queue(answer, "hours_then")["sales"] == pytest.approx(hours(better)["sales"])


def test_a_shorter_first_response_takes_more_people_at_once_for_work_that_can_wait(settings):
    standards = Standards(queues={"mail": QueueOverride(first_response_s=1800)})
    sooner = requirement(settings, forecast(), replace(KNOWN, standards=standards))
    answer = ask(settings, Question(("mail",), first_response_s=1800))
    assert by_queue(answer, "hours_then")["mail"] == pytest.approx(hours(sooner)["mail"])
    assert answer.days["agents_then"].max() > answer.days["agents_now"].max()


def test_a_closed_queue_takes_nobody_and_leaves_the_others(settings):
    answer = ask(settings, Question(closed_queues=("sales",)))
    assert by_queue(answer, "hours_then")["sales"] == by_queue(answer, "contacts_then")["sales"] == 0
    assert by_queue(answer, "hours_then")["care"] == pytest.approx(by_queue(answer, "hours_now")["care"])


def test_a_queue_may_be_closed_beside_others_that_are_asked_about(settings):
    answer = ask(settings, Question(("care",), closed_queues=("sales",)))
    assert by_queue(answer, "contacts_then") == pytest.approx({"care": 1600, "sales": 0})
    assert by_queue(answer, "hours_then")["sales"] == 0


def test_on_a_closed_day_nobody_does_what_lay_open(settings):
    """40 mails of the days before wait for Tuesday, when 300 come."""
    answer = ask(settings, Question(("mail",), RUN, RUN, closed_queues=("mail",)))
    assert by_queue(answer, "hours_now")["mail"] > by_queue(answer, "hours_then")["mail"] == 0
    both = ask(settings, Question(("mail",), RUN, TUESDAY, closed_queues=("mail",)))
    assert by_queue(both, "contacts_then")["mail"] == 0


def test_a_closed_site_takes_its_shifts_away_and_keeps_the_contacts(settings):
    answer = ask(settings, Question(("care",), RUN, RUN, closed_site="Muenchen"))
    row, shifts = answer.days.iloc[0], answer.shifts.iloc[0]
    assert row["contacts_then"] == row["contacts_now"]
    assert row["service_then"] < row["service_now"]
    # Two agents for ten hours; they are missed from 12:00 to 12:30 too, when the others rest.
    assert shifts["short_then"] - shifts["short_now"] == pytest.approx(20.0)
    others = ask(settings, Question(("care",), RUN, RUN, closed_site="Leipzig")).shifts.iloc[0]
    agents = len(shifts_of(requirement(settings, forecast()))) / 2
    # On a break nobody of Leipzig is missed.
    assert others["short_then"] - others["short_now"] == pytest.approx((agents - 2) * 9.5)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (Question(("billing",)), "there is no queue billing; known: care, mail, sales"),
        (Question(first_on=date(2027, 1, 1)), "2027-01-01 to 2027-01-07 is not within the forecast"),
        (Question(volume_percent=-101), "no more than all"),
        (Question(volume_percent=float("inf")), "inf is no number"),
        (Question(handle_time_percent=float("nan")), "nan is no number"),
        (Question(concurrency=2), "of some queues: name them"),
        (Question(closed_site="Bonn"), "no shift is planned at site `Bonn`; known: Leipzig, Muenchen"),
    ],
)
def test_what_is_asked_amiss_is_one_line(settings, question, told):
    with pytest.raises(ConfigError, match=told):
        ask(settings, question)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (Question(("mail",), service_level=0.9), "mail: work that can wait is promised a first response"),
        (Question(("care",), first_response_s=60), "care: customers wait for an agent"),
        (Question(("mail", "care"), first_response_s=60), None),
    ],
)
def test_what_means_nothing_to_any_queue_asked_about_is_told(settings, question, told):
    heard = [note for note in ask(settings, question).notes if "heard" in note]
    assert [note.startswith(str(told)) for note in heard] == ([] if told is None else [True])


def test_without_a_night_one_line(company):
    with pytest.raises(ConfigError, match="no night is published"):
        ask(company("[outreach]\n"), Question())


def test_the_command_shows_both_and_writes_the_table(settings, tmp_path):
    out = tmp_path / "then.csv"
    done = CliRunner().invoke(app, [
        "what-if", "--config", str(settings.root / "forestall.toml"), "--queue", "care", "--volume", "20", "--out",
        str(out),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Beside the plan of 2026-03-02" in done.output
    assert "care: shifts leave" in done.output
    assert len(pd.read_csv(out)) == 2


@pytest.mark.parametrize(
    ("in_pairs_s", "least_share", "most_share"), [(300, 0.4, 0.65), (660, 0.95, 1.1)], ids=["as fast", "no gain"]
)
def test_more_contacts_at_once_gain_what_handle_times_leave(settings, in_pairs_s, least_share, most_share):
    """Alone 300 s; agents lived as many contacts alone as in pairs."""
    lived = pd.DataFrame({"queue": "care", "concurrency": [1, 2], "contact_count": 100_000,
                          "contact_s": [30_000_000, in_pairs_s * 100_000]})  # fmt: skip
    table = handle_times(lived, {"care": 1})
    alone = replace(KNOWN, handle_times=table)
    folder = Night(settings, RUN).published / RUN.isoformat()
    tables = {"handle_time_by_concurrency": table, "staffing_requirement": requirement(settings, forecast(), alone)}
    for name, rows in tables.items():
        kept = conform(pa.Table.from_pandas(rows, preserve_index=False), PUBLISHED[name])
        pa.parquet.write_table(kept, folder / f"{name}.parquet")

    answer = ask(settings, Question(("care",), concurrency=2))
    pairs = replace(alone, standards=Standards(queues={"care": QueueOverride(concurrency=2)}))
    then, now = by_queue(answer, "hours_then")["care"], by_queue(answer, "hours_now")["care"]
    assert then == pytest.approx(hours(requirement(settings, forecast(), pairs))["care"])
    assert least_share < then / now < most_share
    assert any("2 contacts at once gain nothing" in note for note in answer.notes) == (in_pairs_s == 660)


def test_where_nobody_knows_what_more_at_once_does_the_answer_says_so(settings):
    answer = ask(settings, Question(("care", "mail"), concurrency=2))
    assert "care: how long a contact takes beside others is not known" in answer.notes[0]
    assert not any(note.startswith("mail: how long") for note in answer.notes)


@pytest.fixture
def shared(settings):
    """The same night where care and sales have the same people."""
    (settings.root / "staffing.yml").write_text("groups:\n  service: [care, sales]\n")
    night = Night(settings, RUN)
    plan = requirement(settings, forecast(), replace(KNOWN, groups={"service": ["care", "sales"]}))
    folder = night.published / RUN.isoformat()
    tables = {
        "staffing_requirement": conform(
            pa.Table.from_pandas(plan, preserve_index=False), PUBLISHED["staffing_requirement"]
        ),
        "shift_coverage": PUBLISHED["shift_coverage"].arrow_schema().empty_table(),
    }
    for name, table in tables.items():
        pa.parquet.write_table(table, folder / f"{name}.parquet")
    return settings


def test_a_queue_of_a_group_is_planned_with_those_who_share_its_agents(shared):
    """Asked about care alone, and nothing changed: neither it nor sales takes anybody more, or has another level."""
    answer = ask(shared, Question(queues=("care",), first_on=TUESDAY, last_on=TUESDAY))
    assert set(answer.days["queue"]) == {"care", "sales"}
    assert by_queue(answer, "agents_then") == by_queue(answer, "agents_now")
    assert by_queue(answer, "hours_then") == pytest.approx(by_queue(answer, "hours_now"))
    days = answer.days.set_index("queue")
    assert (days["service_then"] - days["service_now"]).abs().max() < 0.06  # of who has about as many of their own
    more = ask(shared, Question(queues=("care",), first_on=TUESDAY, last_on=TUESDAY, volume_percent=50))
    contacts = by_queue(more, "contacts_then")
    assert contacts["care"] == pytest.approx(1.5 * by_queue(answer, "contacts_now")["care"])
    assert contacts["sales"] == pytest.approx(by_queue(answer, "contacts_now")["sales"])
    assert sum(by_queue(more, "agents_then").values()) > sum(by_queue(more, "agents_now").values())


DAY_LONG = 'patterns:\n  long: {starts: ["08:00"], minutes: 600}\n'
MORNINGS = 'patterns:\n  morning: {starts: ["08:00"], minutes: 240}\n'


@pytest.fixture
def with_shifts(settings):
    """Tonight everybody is there from 08:00 to 18:00; `other.yml` is yet to be written."""
    add_staffing_tables(settings)
    (settings.root / "staffing.yml").write_text(DAY_LONG)
    return settings, settings.root / "other.yml"


def test_other_shifts_leave_the_afternoon_to_nobody(with_shifts):
    settings, other = with_shifts
    other.write_text(MORNINGS)
    answer = ask(settings, Question(staffing=other))
    now, then = (answer.plans.set_index("plan").loc[when] for when in ("now", "then"))
    plan = requirement(settings, forecast())
    afternoon = plan["interval_start_at"].dt.tz_convert(ZONE).dt.hour >= 12
    assert now["short_hours"] == 0
    assert then["short_hours"] == sum(hours(plan[afternoon]).values()) > 0
    assert then["paid_hours"] == then["shifts"] * 4 < now["paid_hours"]
    assert by_queue(answer, "hours_then") == by_queue(answer, "hours_now")  # the requirement is the same


def test_the_same_shifts_are_the_same_and_more_work_takes_more_of_them(with_shifts):
    settings, other = with_shifts
    other.write_text(DAY_LONG)
    now, then = (ask(settings, Question(staffing=other)).plans.drop(columns="plan").loc[at] for at in (0, 1))
    pd.testing.assert_series_equal(now, then, check_names=False)
    more = ask(settings, Question(("care",), volume_percent=50, staffing=other)).plans["paid_hours"]
    assert more[1] > more[0]


def test_groups_of_the_other_file_share_their_agents(with_shifts):
    settings, other = with_shifts
    other.write_text(DAY_LONG + "groups:\n  front: [care, sales]\n")
    answer = ask(settings, Question(staffing=other))
    assert sum(by_queue(answer, "hours_then").values()) < sum(by_queue(answer, "hours_now").values())
    assert answer.plans["paid_hours"][1] < answer.plans["paid_hours"][0]


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "there is no such file"), ("patterns: {}\n", "no patterns"), ("patern: {}\n", r"other\.yml:1: .*patterns")],
)
def test_other_rules_that_are_none_are_one_line(with_shifts, text, told):
    settings, other = with_shifts
    if text is not None:
        other.write_text(text)
    with pytest.raises(ConfigError, match=told):
        ask(settings, Question(staffing=other))


def test_the_command_shows_what_other_shifts_would_give(with_shifts):
    settings, other = with_shifts
    other.write_text(MORNINGS)
    config = str(settings.root / "forestall.toml")
    done = CliRunner().invoke(app, ["what-if", "--config", config, "--staffing", str(other)])
    assert done.exit_code == 0, done.output
    assert "planned afresh by staffing.yml" in done.output
    assert "other.yml: " in done.output.replace("\n", "")
