from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from forestall.reviewed import load_reviewed
from forestall.settings import ConfigError


class Action(BaseModel):
    model_config = ConfigDict(extra="forbid")
    minutes: int


class Book(BaseModel):
    actions: dict[str, Action] = {}
    order: list[int] = []
    cost: Decimal | None = None
    first_on: date | None = None
    is_closed: bool = False
    holidays: dict[date, str] = {}
    script: str = ""


def refused(path: Path, text: str | bytes) -> str:
    """What is said of a file that cannot be used."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_reviewed(path, Book)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path.parent}/")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "actions:\n  call:\n    minutes: 3\n    minuts: 4\n",
            "book.yml:4: actions.call.minuts: there is no such key; meant `minutes`?",
        ),
        ("order:\n  - 1\n  - two\n", "book.yml:3: order.1:"),
        ("actions:\n  call: {}\n", "book.yml:2: actions.call.minutes: Field required"),
        ("actions: [\n", "is not valid YAML"),
        ("cost: 3\nscript: a\0b\n", "book.yml:2: is not valid YAML: special characters are not allowed"),
    ],
)
def test_a_mistake_names_file_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path / "book.yml", text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "actions:\n  call:\n    minutes: soon\n",
            "3: actions.call.minutes: `soon` is no whole number; write one such",
        ),
        ("actions:\n  call:\n    minutes: 2.5\n", "3: actions.call.minutes: `2.5` is no whole number; write one such"),
        ("order: []\ncost: cheap\n", "2: cost: `cheap` is no number; write one such as 12.50"),
        ("cost: [1, 2]\n", "1: cost: a list is no number; write one such as 12.50"),
        ("is_closed: perhaps\n", "1: is_closed: `perhaps` is neither true nor false"),
        ("script: 12\n", "1: script: `12` is no text; put it in quotes"),
        ("order: 3\n", "1: order: `3` is no list; write one such as [first, second]"),
        ("actions:\n  call: soon\n", "2: actions.call: `soon` is no group of keys"),
        ("actions:\n", "1: actions: nothing is no group of keys"),
        ("- cost: 3\n", "1: a list stands where the file's keys should be; known: actions, cost, first_on,"),
        ("call somebody\n", "1: `call somebody` stands where the file's keys should be"),
        ("false\n", "1: `false` stands where the file's keys should be"),
    ],
)
def test_it_says_what_was_found_and_what_should_be_there(tmp_path: Path, text: str, told: str) -> None:
    assert f"book.yml:{told}" in refused(tmp_path / "book.yml", text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cost: 3\nfirst_on: 2026-02-30\n", "2: first_on: `2026-02-30` is no date"),
        ("cost: 3\nfirst_on: 2026-13-01\n", "2: first_on: `2026-13-01` is no date"),
        ("first_on: 2026-02-01 25:00:00\n", "1: first_on: `2026-02-01 25:00:00` is no date"),
        ("first_on: tomorrow\n", "1: first_on: `tomorrow` is no date"),
        ("first_on: 2026-02-01 12:00:00\n", "1: first_on: `2026-02-01 12:00:00` is no date"),
        ("holidays:\n  2026-12-24: eve\n  2026-12-32: no day\n", "3: holidays.2026-12-32: `2026-12-32` is no date"),
    ],
)
def test_a_day_that_is_in_no_calendar_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    line = refused(tmp_path / "book.yml", text)
    assert f"book.yml:{told}" in line
    assert line.endswith("write one such as 2026-03-31")


def test_a_number_too_long_for_any_number_is_told_with_its_line(tmp_path: Path) -> None:
    line = refused(tmp_path / "book.yml", f"cost: 3\norder: [{'9' * 5000}]\n")
    assert "book.yml:2: order.0: `999" in line
    assert len(line) < 150


def test_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    line = refused(tmp_path / "book.yml", "cost: 3\nscript: Jürgen\n".encode("latin-1"))
    assert line.startswith("book.yml:2: byte 0xfc is not UTF-8")
    assert line.endswith("save the file as UTF-8")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "actions:\n  call: {minutes: 3}\norder: []\nactions:\n  write: {minutes: 4}\n",
            "4: actions: stands in line 1",
        ),
        ("actions:\n  call:\n    minutes: 3\n  call:\n    minutes: 4\n", "4: actions.call: stands in line 2"),
        ("actions: {call: {minutes: 3, minutes: 3}}\n", "1: actions.call.minutes: stands in line 1"),
        ('order:\n- cost: 3\n  "cost": 4\n', "3: order.0.cost: stands in line 2"),
        ("holidays:\n  2026-12-24: eve\n  2026-12-24: rest\n", "3: holidays.2026-12-24: stands in line 2"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path: Path, text: str, told: str) -> None:
    assert f"book.yml:{told} already" in refused(tmp_path / "book.yml", text)


def test_what_is_merged_from_elsewhere_may_be_written_over(tmp_path: Path) -> None:
    path = tmp_path / "book.yml"
    path.write_text(
        "actions:\n  call: &call {minutes: 3}\n  write: &write {<<: *call, minutes: 4}\n  ask: {<<: *write}\n"
    )
    assert [action.minutes for action in load_reviewed(path, Book).actions.values()] == [3, 4, 4]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "\ufeffcost:\n"])
def test_a_file_without_anything_means_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book.yml"
    path.write_text(text, encoding="utf-8")
    assert load_reviewed(path, Book) == load_reviewed(tmp_path / "none.yml", Book) == Book()
