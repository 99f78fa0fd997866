"""Shifts as planners paste them and as calendars read them."""

from datetime import datetime

import openpyxl
import pytest

from forestall.publishing.publication import publish_night
from forestall.publishing.shift_documents import write_shifts

DAY = datetime(2026, 3, 2).date()


@pytest.fixture
def night(tmp_path, night_tables, about_the_night):
    return publish_night(tmp_path / "published", DAY, night_tables(DAY), about_the_night, write_shifts)


def test_the_workbook_has_a_line_an_agent_and_a_cell_a_day(night):
    book = openpyxl.load_workbook(night.folder / "shift_plan.xlsx")
    assert book.sheetnames == ["Week 2026-03-02", "All shifts", "Not covered", "Coverage", "Service", "Capacity",
                               "Usable for outreach"]  # fmt: skip
    head, *lines = book["Week 2026-03-02"].values
    assert head[:4] == ("Agent", "Site", "Queues", "Mon 2026-03-02")
    assert lines[0] == ("0a1b2c3d4e5f60718293", "Leipzig", "billing", "08:00-16:15", *[None] * 6, 7.75)
    _, *short = book["Not covered"].values
    assert [row[1] for row in short] == ["2026-03-02 16:00", "2026-03-02 16:30"]
    assert short[0][-1].startswith("1 missing; overtime of 1")
    _, *usable = book["Usable for outreach"].values
    assert [row[4:6] for row in usable] == [(f"2026-03-02 {at}", firm) for at, firm in (
        ("10:00", 21), ("10:30", 21), ("11:00", 0), ("11:30", 0),
    )]  # fmt: skip


def test_all_are_in_the_manifest_and_again_the_same(night, tmp_path, night_tables, about_the_night):
    again = publish_night(tmp_path / "again", DAY, night_tables(DAY), about_the_night, write_shifts)
    for name in ("shift_plan.xlsx", "shifts.ics", "shifts/0a1b2c3d4e5f60718293.ics"):
        assert night.manifest["files"][name] == again.manifest["files"][name]


def test_a_night_without_shifts_has_none(tmp_path, night_tables, about_the_night):
    tables = night_tables(DAY)
    tables["shift_plan"] = tables["shift_plan"].slice(0, 0)
    night = publish_night(tmp_path, DAY, tables, about_the_night, write_shifts)
    assert not [name for name in night.manifest["files"] if name.startswith("shift") and not name.endswith("parquet")]
