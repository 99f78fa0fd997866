"""The workbook of the list: what agents need from left to right, the parts of the worth, and all columns at the end."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from features.published_outreach import OUTREACH_LIST
from forestall.publishing.list_workbook import as_agents_read, write_list

Tables = Callable[..., dict[str, pa.Table]]
MONDAY = date(2026, 3, 2)


@pytest.fixture
def rows(night_tables: Tables) -> pd.DataFrame:
    listed: pd.DataFrame = night_tables()["outreach_list"].to_pandas()
    return listed.sort_values("list_rank")


@pytest.fixture
def book(rows: pd.DataFrame, tmp_path: Path) -> Any:
    write_list(rows, MONDAY, tmp_path / "list.xlsx")
    return openpyxl.load_workbook(tmp_path / "list.xlsx")


def heads(sheet: Any) -> list[str]:
    return [cell.value for cell in sheet[1]]


def test_an_agent_reads_in_the_order_of_the_work_and_finds_the_row_id_last(book: Any, rows: pd.DataFrame) -> None:
    sheet = book["Outreach list"]
    assert heads(sheet) == [
        "Rank", "Customer", "What to do", "By", "When to call", "Why", "Since the last night", "What to say and offer",
        "Language", "Minutes", "Worth", "Tier", "Team", "Status", "Row id",
    ]  # fmt: skip
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == list(range(1, 25))
    first = dict(zip(heads(sheet), (cell.value for cell in sheet[2]), strict=True))
    assert first["Worth"] == 24.0
    assert first["By"].date() == date(2026, 3, 3)
    assert first["When to call"] == "best 17:00-19:00\nallowed 09:00-20:00\nwe have time 09:30-11:00"
    assert first["What to do"] == "Call back, by phone"
    assert first["What to say and offer"].startswith("Offer: one month free")
    assert first["Why"].splitlines()[-1] == "• 3 contacts about billing in 7 days, the last one unanswered for 31 h"
    assert first["Row id"] == rows["row_id"].iloc[0]


def test_heads_stay_in_view_rows_can_be_filtered_and_long_text_is_wrapped(book: Any) -> None:
    sheet = book["Outreach list"]
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == "A1:O25"
    at = heads(sheet).index("Why") + 1
    assert sheet.cell(2, at).alignment.wrap_text
    assert sheet.column_dimensions[openpyxl.utils.get_column_letter(at)].width >= 60
    assert all(cell.comment for cell in sheet[1])


def test_each_list_has_a_sheet_and_the_rest_of_the_contract_comes_last(book: Any, rows: pd.DataFrame) -> None:
    assert {sheet.title: sheet.max_row - 1 for sheet in book} == {
        "Outreach list": 24, "Save queue": 12, "Renewals": 0, "Payment failures": 0,
        "How the value comes about": 24, "All columns": 24,
    }  # fmt: skip
    assert book.worksheets[-1].title == "All columns"
    notes = [cell.comment.text.split(":")[0] for cell in book["All columns"][1]]
    assert notes == list(OUTREACH_LIST.names)
    worth = book["How the value comes about"]
    parts = [dict(zip(heads(worth), line, strict=True)) for line in worth.iter_rows(min_row=2, values_only=True)]
    assert {"Save probability", "Value at risk", "Offer cost", "Contact cost", "Load cost", "Expected value"} <= set(
        parts[0]
    )
    assert [part["Row"] for part in parts] == rows["row_id"].tolist()
    assert worth.conditional_formatting


def test_what_was_due_before_is_marked(rows: pd.DataFrame, tmp_path: Path) -> None:
    due = [date(2026, 3, 1), *[MONDAY] * (len(rows) - 1)]
    write_list(rows.assign(due_on=due), MONDAY, tmp_path / "list.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["Outreach list"]
    at = heads(sheet).index("By") + 1
    assert "was due" in sheet.cell(2, at).number_format
    assert "was due" not in sheet.cell(3, at).number_format


def test_names_stand_beside_the_pseudonym_where_they_rejoined(rows: pd.DataFrame) -> None:
    named = rows.assign(original_customer_id="17", name="Ada", email="a@b.example", phone="+49 30 1")
    shown = as_agents_read(named)
    assert list(shown.columns)[:6] == ["Rank", "Customer", "Name", "Phone", "Email", "Own number"]
    assert shown["Name"].eq("Ada").all()


def test_a_list_of_nobody_has_its_heads(rows: pd.DataFrame, tmp_path: Path) -> None:
    write_list(rows.iloc[:0], MONDAY, tmp_path / "list.xlsx")
    assert openpyxl.load_workbook(tmp_path / "list.xlsx")["Outreach list"].max_row == 1


def test_what_is_missing_is_left_out_of_the_words(rows: pd.DataFrame) -> None:
    missing = rows.head(3).assign(
        idle_hours=pd.Series([None, None, None], rows.index[:3], dtype="str"),
        reasons=pd.Series(["notice given yesterday", None, "a | b"], rows.index[:3], dtype="str"),
        evidence=pd.Series([None, "c", "c"], rows.index[:3], dtype="str"), best_hours=None, offer=None,
        script="scripts/fix.md",
    )  # fmt: skip
    shown = as_agents_read(missing)
    assert shown["Why"].tolist() == ["• notice given yesterday", "• c", "• a\n• b\n• c"]
    assert set(shown["When to call"]) == {"09:00-20:00"}
    assert set(shown["What to say and offer"]) == {"No offer\nScript: scripts/fix.md"}
