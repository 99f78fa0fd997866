"""Shifts as calendars read them: all of them, and each agent's own."""

import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from forestall.cli import app
from forestall.privacy.pseudonyms import pseudonym
from forestall.publishing.calendars import calendar_file, calendar_of_all, calendars_of_agents
from forestall.publishing.publication import publish_night
from forestall.publishing.shift_documents import write_shifts

DAY = datetime(2026, 3, 2).date()
STAMP = "2026-03-01T23:00:00+00:00"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def night(tmp_path, night_tables, about_the_night):
    return publish_night(tmp_path / "published", DAY, night_tables(DAY), about_the_night, write_shifts)


def events(text):
    """A reader of its own, after RFC 5545: unfold, then name, value and escapes."""
    assert text.endswith("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    lines = re.sub(r"\r\n[ \t]", "", text).split("\r\n")[:-1]
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    found, one = [], None
    for line in lines[1:-1]:
        name, _, value = line.partition(":")
        value = re.sub(r"\\(.)", lambda sign: "\n" if sign[1] == "n" else sign[1], value)
        if line == "BEGIN:VEVENT":
            one = {}
        elif line == "END:VEVENT":
            found.append(one)
            one = None
        elif one is not None:
            assert name not in one
            one[name] = value
    return found


def test_the_calendar_holds_every_shift(night):
    found = events((night.folder / "shifts.ics").read_bytes().decode())
    assert len(found) == 2
    full, left_open = found
    begins = datetime.strptime(full["DTSTART"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    # 08:00 in Berlin, in winter.
    assert begins == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert full["DTEND"] == "20260302T151500Z"
    assert full["DESCRIPTION"] == "08:00-16:15, breaks 12:15-12:45"
    assert (full["STATUS"], left_open["STATUS"]) == ("CONFIRMED", "TENTATIVE")
    assert full["UID"] != left_open["UID"]


def test_signs_of_the_format_and_long_lines_come_back(night):
    shifts = night.frame("shift_plan").assign(site="a;b,c\\d\ne" + "ü" * 80)
    found = events(calendar_of_all(shifts, "Europe/Berlin", "M", STAMP))
    assert {one["LOCATION"] for one in found} == {"a;b,c\\d\ne" + "ü" * 80}


def shift(slot, begins, ends, breaks=""):
    """A row of `shift_plan`; times by the clock of Berlin with their offset."""
    begins, ends = (pd.Timestamp(text).tz_convert("UTC") for text in (begins, ends))
    usual = {"site": "Leipzig", "queue_group": "care", "pattern": "full", "is_assigned": True}
    day = begins.tz_convert(BERLIN).date()
    return usual | {"slot_id": slot, "local_on": day, "starts_at": begins, "ends_at": ends, "breaks": breaks}


def own(*shifts):
    return {name: events(text) for name, text in calendars_of_agents(pd.DataFrame(shifts), "Europe/Berlin", "M", STAMP)}


def spans(found, summary):
    return [(one["DTSTART"], one["DTEND"]) for one in found if one["SUMMARY"] == summary]


def test_an_agent_gets_the_own_shifts_and_breaks_and_nobody_elses(night):
    (file,) = (night.folder / "shifts").iterdir()  # the open shift is nobody's
    assert file.name == "0a1b2c3d4e5f60718293.ics"
    work, rest = events(file.read_bytes().decode())
    assert (work["SUMMARY"], work["DTSTART"], work["DTEND"]) == (
        "full (billing)",
        "20260302T070000Z",
        "20260302T151500Z",
    )
    assert (rest["SUMMARY"], rest["DTSTART"], rest["DTEND"]) == ("Break", "20260302T111500Z", "20260302T114500Z")
    assert work["UID"] != rest["UID"]
    assert work["UID"] in (night.folder / "shifts.ics").read_text()  # the same event
    told = own(shift("ann", "2026-03-02 08:00+01:00", "2026-03-02 12:00+01:00"),
               shift("bob", "2026-03-02 09:00+01:00", "2026-03-02 13:00+01:00"))  # fmt: skip
    assert {name[:3]: spans(found, "full (care)") for name, found in told.items()} == {
        "ann": [("20260302T070000Z", "20260302T110000Z")], "bob": [("20260302T080000Z", "20260302T120000Z")],
    }  # fmt: skip


def test_a_clock_change_moves_no_shift_and_no_break():
    (spring,) = own(
        shift("ann", "2026-03-28 08:00+01:00", "2026-03-28 16:00+01:00", "12:00-12:30"),
        shift("ann", "2026-03-29 08:00+02:00", "2026-03-29 16:00+02:00", "12:00-12:30 | 14:00-14:15"),
    ).values()
    assert spans(spring, "full (care)") == [
        ("20260328T070000Z", "20260328T150000Z"),
        ("20260329T060000Z", "20260329T140000Z"),
    ]
    assert spans(spring, "Break") == [
        ("20260328T110000Z", "20260328T113000Z"),
        ("20260329T100000Z", "20260329T103000Z"),
        ("20260329T120000Z", "20260329T121500Z"),
    ]
    # Over midnight, and through the hour that is left out or comes twice.
    (through,) = own(
        shift("ann", "2026-03-28 22:00+01:00", "2026-03-29 06:00+02:00", "01:45-03:15 | 04:00-04:30")
    ).values()
    assert spans(through, "Break") == [
        ("20260329T004500Z", "20260329T011500Z"),
        ("20260329T020000Z", "20260329T023000Z"),
    ]
    (autumn,) = own(
        shift("ann", "2026-10-25 02:30+02:00", "2026-10-25 09:00+01:00", "02:15-02:45 | 04:00-04:30")
    ).values()
    assert spans(autumn, "Break") == [
        ("20261025T011500Z", "20261025T014500Z"),
        ("20261025T030000Z", "20261025T033000Z"),
    ]


def test_a_shift_that_moves_keeps_its_uid():
    before, after = (
        own(shift("ann", f"2026-03-02 {hour}:00+01:00", "2026-03-02 16:00+01:00", f"12:00-{end}"))
        for hour, end in (("08", "12:30"), ("09", "12:45"))
    )
    assert before.keys() == after.keys()
    uids = [[one["UID"] for one in found] for told in (before, after) for found in told.values()]
    assert uids == [["ann-20260302@forestall", "ann-20260302-break-1@forestall"]] * 2


@given(ids=st.sets(st.text(min_size=1), min_size=2, max_size=6))
def test_any_id_has_a_harmless_file_of_its_own(ids):
    names = [calendar_file(one) for one in ids]
    assert all(re.fullmatch(r"[a-z0-9-]{1,80}\.ics", name) for name in names)
    assert len(set(names)) == len(ids)


@pytest.mark.parametrize(
    ("one", "other"),
    [("A1", "a1"), ("a b", "a-b"), ("../x", "x"), ("ab" * 10, "AB" * 10), ("a" * 300, "a" * 301)],
)
def test_ids_that_look_alike_do_not_meet(one, other):
    assert calendar_file(one) != calendar_file(other)


def test_the_command_says_which_file_is_an_agents(company, night_tables, about_the_night):
    settings = company("")
    tables = night_tables(DAY)
    plan = tables["shift_plan"]
    at = plan.schema.get_field_index("slot_id")
    slots = [pseudonym(settings, "A-17"), "open billing 001"]
    tables["shift_plan"] = plan.set_column(at, plan.schema.field(at), [slots])
    publish_night(settings.var_path / "published", DAY, tables, about_the_night, write_shifts)
    config = ["--config", str(settings.root / "forestall.toml")]
    done = CliRunner().invoke(app, ["shifts", "A-17", *config])
    assert done.exit_code == 0, done.output
    path = settings.var_path / "published" / "current" / "shifts" / f"{slots[0]}.ics"
    assert done.output.strip() == str(path)
    manifest = json.loads((settings.var_path / "published" / "current" / "manifest.json").read_text())
    assert f"shifts/{path.name}" in manifest["files"]
    missing = CliRunner().invoke(app, ["shifts", "B-1", *config])
    assert missing.exit_code != 0


def test_a_break_in_the_hour_that_comes_twice_is_where_it_was_planned():
    # From 22:00 in summer time: 02:00 comes after 4 hours and again after 5.
    night = shift("ann", "2026-10-24 22:00+02:00", "2026-10-25 06:00+01:00", "02:30-02:00 | 02:30-03:00")
    (told,) = own(night | {"break_minutes": "270-300 | 330-360"}).values()
    assert spans(told, "Break") == [
        ("20261025T003000Z", "20261025T010000Z"),
        ("20261025T013000Z", "20261025T020000Z"),
    ]
    assert [one["DESCRIPTION"] for one in told if one["SUMMARY"] == "Break"] == ["02:30-02:00", "02:30-03:00"]


def test_a_shift_without_breaks_or_site_on_record_has_none():
    bare = shift("ann", "2026-03-02 08:00+01:00", "2026-03-02 12:00+01:00")
    (told,) = own(bare | {"breaks": None, "break_minutes": None, "site": None}).values()
    (one,) = told
    assert (one["LOCATION"], one["DESCRIPTION"]) == ("", "08:00-12:00, breaks none")
