from collections.abc import Callable, Mapping
from datetime import date, datetime
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
    assert book.sheetnames == ["Agents 2026-03-02", "Agent hours by day", "Work placed by day", "Worth of an agent"]
    first = [[cell.value for cell in row] for row in book["Agents 2026-03-02"].iter_rows()]
    assert first[0] == ["Local time", "billing", "claims", "support_chat", "All queues"]
    assert [row[0] for row in first[1:4]] == ["00:00", "00:30", "01:00"]
    assert len(first) == 49
    assert all(row[4] == sum(row[1:4]) for row in first[1:])
    days = [[cell.value for cell in row] for row in book["Agent hours by day"].iter_rows()]
    assert (len(days), days[1][0]) == (57, "2026-03-02")
    assert days[1][1] == pytest.approx(sum(row[1] for row in first[1:]) / 2)


def test_the_plan_has_what_an_agent_is_worth_for_two_weeks(night: PublishedNight) -> None:
    head, *lines = openpyxl.load_workbook(night.folder / "staffing_requirement.xlsx")["Worth of an agent"].values
    values = night.frame("agent_value")
    soon = values[pd.to_datetime(values["local_on"]) < pd.Timestamp(2026, 3, 16)]
    assert head[:5] == ("Queue", "From", "Agents by the standard", "Agents worth their cost", "One more keeps")
    assert 0 < len(lines) == len(soon) < len(values)
    assert lines[0][:2] == ("billing", "2026-03-02 08:00")
    assert sum(row[4] for row in lines) == pytest.approx(soon["value_of_one_more"].sum())


def test_where_no_agent_has_a_price_the_sheet_says_why(
    tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]
) -> None:
    tables = night_tables()
    tables["agent_value"] = tables["agent_value"].slice(0, 0)
    folder = publish_night(tmp_path, MONDAY, tables, about_the_night, write_documents).folder
    _, line = openpyxl.load_workbook(folder / "staffing_requirement.xlsx")["Worth of an agent"].values
    assert line[0] == "No price of an agent: each minute of waiting costs"


def test_the_forecast_has_days_with_their_range_and_every_interval(night: PublishedNight) -> None:
    book = openpyxl.load_workbook(night.folder / "volume_forecast.xlsx")
    assert book.sheetnames == [
        "By day", "Contacts 2026-03-02", "By interval", "By interval, 10 %", "By interval, 90 %", "Handle time, s",
        "Holidays and events", "Changes and causes", "Accuracy",
    ]  # fmt: skip
    forecast = night.frame("volume_forecast")
    billing = forecast[forecast["queue"] == "billing"].sort_values("interval_start_at")
    head, *days = book["By day"].values
    assert head[2:6] == ("All queues", "All queues, 10 %", "All queues, 90 %", "billing")
    assert len(days) == 56
    assert days[0][:2] == (datetime(2026, 3, 2), "Mon")
    assert [row[5] for row in days] == pytest.approx(billing.groupby("local_on")["contacts"].sum().tolist(), abs=1e-3)
    assert all(row[3] < row[2] < row[4] for row in days[:5])
    head, *first = book["Contacts 2026-03-02"].values
    assert head == ("Local time", "billing", "claims", "support_chat", "All queues")
    assert [row[1] for row in first] == pytest.approx(billing["contacts"].head(48).tolist(), abs=1e-4)
    for title, column in (
        ("By interval", "contacts"), ("By interval, 10 %", "contacts_p10"), ("By interval, 90 %", "contacts_p90"),
    ):  # fmt: skip
        head, *rows = book[title].values
        assert head[:3] == ("Day", "Local time", "billing")
        assert [row[2] for row in rows] == pytest.approx(billing[column].tolist(), abs=1e-4)
    assert ("All queues" in head, "All queues" in next(book["By interval"].values)) == (False, True)
    _, *seconds = book["Handle time, s"].values
    assert {row[2] for row in seconds} == {330}


def test_the_forecast_says_what_moved_it_and_how_good_it_was(night: PublishedNight) -> None:
    book = openpyxl.load_workbook(night.folder / "volume_forecast.xlsx")
    head, *changes = book["Changes and causes"].values
    moved = dict(zip(head, changes[0], strict=True))
    assert (moved["Queue"], moved["Change"], moved["By overrides"], moved["Main cause"]) == (
        "billing", 120, 100, "override",
    )  # fmt: skip
    head, *scored = book["Accuracy"].values
    assert [row[:2] for row in scored[:7]] == [
        ("all", "1"), ("all", "2-3"), ("all", "4-7"), ("all", "8-14"), ("all", "15-28"), ("all", "29-56"),
        ("billing", "1"),
    ]  # fmt: skip
    assert scored[0][head.index("WAPE")] == pytest.approx(0.09)
    assert scored[0][head.index("WAPE of four like weekdays")] == pytest.approx(0.12)


def test_what_holidays_and_events_do_stands_in_one_line_each_the_next_first(
    tmp_path: Path, night: PublishedNight, night_tables: Tables, about_the_night: Mapping[str, Any]
) -> None:
    head, *lines = openpyxl.load_workbook(night.folder / "volume_forecast.xlsx")["Holidays and events"].values
    assert head == ("Day", "Next", "billing", "claims", "support_chat")
    assert [line[:3] for line in lines] == [
        ("campaign", datetime(2026, 3, 10), 0.26), ("Good Friday", datetime(2026, 4, 3), -0.5),
        ("Ascension Day", datetime(2026, 5, 14), -0.6), ("24 December", None, -0.55),
    ]  # fmt: skip
    tables = night_tables()
    tables["mark_effects"] = tables["mark_effects"].slice(0, 0)  # a night of before this table
    folder = publish_night(tmp_path, MONDAY, tables, about_the_night, write_documents).folder
    assert openpyxl.load_workbook(folder / "volume_forecast.xlsx")["Holidays and events"].max_row == 1


def test_in_the_forecast_too_the_doubled_hour_stays_two(
    tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]
) -> None:
    autumn = date(2026, 10, 25)
    folder = publish_night(tmp_path, autumn, night_tables(autumn), about_the_night, write_documents).folder
    book = openpyxl.load_workbook(folder / "volume_forecast.xlsx")
    times = [row[0] for row in book["Contacts 2026-10-25"].values]
    assert times.count("02:30") == 2


def test_on_the_day_on_which_clocks_go_back_the_doubled_hour_stays_two(tmp_path: Path, night_tables: Tables) -> None:
    autumn = date(2026, 10, 25)
    rows = with_local_time(night_tables(autumn)["staffing_requirement"].to_pandas(), "Europe/Berlin")
    values = with_local_time(night_tables(autumn)["agent_value"].to_pandas(), "Europe/Berlin")
    write_plan(rows, values, "", autumn.isoformat(), tmp_path / "plan.xlsx")
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
    assert len(openpyxl.load_workbook(night.folder / "staffing_requirement.xlsx").sheetnames) == 4
    assert openpyxl.load_workbook(night.folder / "volume_forecast.xlsx")["By day"].max_row == 1
