from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from forestall.publishing.export import write_csv, write_documents, write_plan
from forestall.publishing.publication import PublishedNight, publish_night
from forestall.web.summaries import with_local_time

Tables = Callable[..., dict[str, pa.Table]]
MONDAY = date(2026, 3, 2)


@pytest.fixture
def night(tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]) -> PublishedNight:
    return publish_night(tmp_path, MONDAY, night_tables(), about_the_night, write_documents)


def test_the_plan_has_the_first_day_by_interval_and_all_days(night: PublishedNight) -> None:
    book = openpyxl.load_workbook(night.folder / "staffing_requirement.xlsx")
    assert book.sheetnames == ["Agents 2026-03-02", "Agent hours by day", "Contacts by day"]
    first = [[cell.value for cell in row] for row in book["Agents 2026-03-02"].iter_rows()]
    assert first[0] == ["Local time", "billing", "claims", "support_chat", "All queues"]
    assert [row[0] for row in first[1:4]] == ["00:00", "00:30", "01:00"]
    assert len(first) == 49
    assert all(row[4] == sum(row[1:4]) for row in first[1:])
    days = [[cell.value for cell in row] for row in book["Agent hours by day"].iter_rows()]
    assert (len(days), days[1][0]) == (57, "2026-03-02")
    assert days[1][1] == pytest.approx(sum(row[1] for row in first[1:]) / 2)


def test_on_the_day_on_which_clocks_go_back_the_doubled_hour_stays_two(tmp_path: Path, night_tables: Tables) -> None:
    autumn = date(2026, 10, 25)
    rows = with_local_time(night_tables(autumn)["staffing_requirement"].to_pandas(), "Europe/Berlin")
    write_plan(rows, autumn.isoformat(), tmp_path / "plan.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "plan.xlsx").worksheets[0]
    times = [row[0].value for row in sheet.iter_rows(min_row=2)]
    assert (len(times), times.count("02:30")) == (50, 2)


def test_csv_reads_back_with_local_times_of_the_plan(night: PublishedNight) -> None:
    plan = pd.read_csv(night.folder / "staffing_requirement.csv")
    assert plan.loc[0, "interval_start_at"] == "2026-03-02T00:00+0100"
    assert plan.loc[0, "local_on"] == "2026-03-02"
    assert len(plan) == night.table("staffing_requirement").num_rows


def test_text_that_a_spreadsheet_would_run_is_made_harmless(tmp_path: Path) -> None:
    rows = pd.DataFrame({"reasons": ["=HYPERLINK(1)", "@cmd", "fine", None], "change": [-0.5, 1, 2, 3]})
    write_csv(rows, tmp_path / "list.csv")
    lines = (tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[1:] == ["'=HYPERLINK(1),-0.5", "'@cmd,1.0", "fine,2.0", ",3.0"]


def test_csv_shows_amounts_and_not_how_they_were_computed(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"worth": [0.1 + 0.2, 418.14000000000004]}), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_text(encoding="utf-8-sig").split() == ["worth", "0.3", "418.14"]


def test_a_night_without_list_or_plan_still_has_its_files(
    tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]
) -> None:
    empty = {name: rows.slice(0, 0) for name, rows in night_tables().items()}
    night = publish_night(tmp_path, MONDAY, empty, about_the_night, write_documents)
    assert openpyxl.load_workbook(night.folder / "outreach_list.xlsx")["Outreach list"].max_row == 1
    assert len(openpyxl.load_workbook(night.folder / "staffing_requirement.xlsx").sheetnames) == 3
