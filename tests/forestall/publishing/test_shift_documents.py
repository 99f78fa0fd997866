"""Shifts as planners paste them and as calendars read them."""

import re
from datetime import UTC, datetime

import openpyxl
import pandas as pd
import pytest

from forestall.publishing.publication import publish_night
from forestall.publishing.shift_documents import calendar_text, write_shifts

DAY = datetime(2026, 3, 2).date()


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
    shifts = night.frame("shift_plan").assign(
        from_time="08:00", to_time="16:15", local_on=pd.Timestamp(DAY), site="a;b,c\\d\ne" + "ü" * 80
    )
    found = events(calendar_text(shifts, "M", "2026-03-01T23:00:00+00:00"))
    assert {one["LOCATION"] for one in found} == {"a;b,c\\d\ne" + "ü" * 80}


def test_the_workbook_has_a_line_an_agent_and_a_cell_a_day(night):
    book = openpyxl.load_workbook(night.folder / "shift_plan.xlsx")
    assert book.sheetnames == ["Week 2026-03-02", "All shifts", "Not covered", "Coverage", "Service", "Capacity",
                               "Usable for outreach"]  # fmt: skip
    head, *lines = book["Week 2026-03-02"].values
    assert head[:4] == ("Agent", "Site", "Queues", "Mon 2026-03-02")
    assert lines[0] == ("0a1b2c3d4e5f60718293", "Leipzig", "billing", "08:00-16:15", *[None] * 6, 7.75)
    _, *short = book["Not covered"].values
    assert [row[1] for row in short] == ["2026-03-02 16:00", "2026-03-02 16:30"]
    assert short[0][-1].startswith("overtime of 1")
    _, *usable = book["Usable for outreach"].values
    assert [row[4:6] for row in usable] == [(f"2026-03-02 {at}", firm) for at, firm in (
        ("10:00", 21), ("10:30", 21), ("11:00", 0), ("11:30", 0),
    )]  # fmt: skip


def test_both_are_in_the_manifest_and_again_the_same(night, tmp_path, night_tables, about_the_night):
    again = publish_night(tmp_path / "again", DAY, night_tables(DAY), about_the_night, write_shifts)
    for name in ("shift_plan.xlsx", "shifts.ics"):
        assert night.manifest["files"][name] == again.manifest["files"][name]


def test_a_night_without_shifts_has_neither(tmp_path, night_tables, about_the_night):
    tables = night_tables(DAY)
    tables["shift_plan"] = tables["shift_plan"].slice(0, 0)
    night = publish_night(tmp_path, DAY, tables, about_the_night, write_shifts)
    assert not {"shift_plan.xlsx", "shifts.ics"} & set(night.manifest["files"])
