"""The journal and the file: nothing is changed, and each night sees what stood before its cutoff."""

import sqlite3
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from forestall.cli import app
from forestall.night import Night
from forestall.planning.events import PlannedEvent
from forestall.planning.journal import enter, entries, events_at, journal_path, overrides_at, undo
from forestall.planning.overrides import Override
from forestall.planning.written import carry_over
from forestall.settings import ConfigError

RUN = date(2026, 3, 2)
TOML = '[company]\ntime_zone = "Europe/Berlin"\n'
FILE = """overrides:
  - queues: [billing]     # 1
    first_on: 2026-03-04
    action: percent
    amount: {amount}
    author: anna
    reason: price letter
"""


@pytest.fixture
def settings(company):
    return company(TOML)


def override(**more):
    values = {"first_on": RUN, "action": "add", "amount": 5, "author": "anna", "reason": "letter", **more}
    return Override.model_validate(values)


def standing(settings, run_date):
    night = Night(settings, run_date)
    return [one.entry_id for one in overrides_at(entries(settings), night.cutoff, run_date)]


def at(on, hour=9):
    return datetime(on.year, on.month, on.day, hour, tzinfo=UTC)


def test_an_override_counts_for_nights_after_its_entry_until_it_is_undone_or_expires(settings):
    day = timedelta(days=1)
    enter(settings, "override", override(), at(RUN))
    enter(settings, "override", override(expires_on=RUN + 2 * day), at(RUN))
    undo(settings, "override", 1, "ben", "put off", at(RUN + 2 * day))
    nights = {shift: standing(settings, RUN + shift * day) for shift in range(5)}
    assert nights == {0: [], 1: [1, 2], 2: [1, 2], 3: [], 4: []}
    assert [one.kind for one in entries(settings)] == ["override", "override", "undo"]


def test_an_entry_cannot_be_changed_or_deleted_nor_undone_twice(settings):
    enter(settings, "override", override(), at(RUN))
    with sqlite3.connect(journal_path(settings)) as journal:
        for sql in ("UPDATE entries SET author = 'ben'", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                journal.execute(sql)
    undo(settings, "override", 1, "ben", "", at(RUN))
    for number, said in ((1, "undone already"), (2, "none of that number"), (9, "none of that number")):
        with pytest.raises(ConfigError, match=said):
            undo(settings, "override", number, "ben", "", at(RUN))


def test_an_event_is_known_from_the_day_of_its_entry(settings):
    event = PlannedEvent(name="sale", starts_on=RUN + timedelta(days=9), queues=("a", "b"), author="anna")
    enter(settings, "event", event, at(RUN, hour=23))  # past midnight in Berlin
    known = events_at(entries(settings), Night(settings, RUN + timedelta(days=3)).cutoff, settings.zone)
    assert known.to_dict("records") == [
        {"name": "sale", "starts_on": event.starts_on, "ends_on": None, "queues": "a,b",
         "known_on": RUN + timedelta(days=1)}
    ]  # fmt: skip
    assert events_at(entries(settings), Night(settings, RUN + timedelta(days=1)).cutoff, settings.zone).empty


def test_the_file_is_carried_into_the_journal_and_what_leaves_it_is_undone(settings):
    path, day = settings.root / "overrides.yml", timedelta(days=1)
    path.write_text(FILE.format(amount=10))
    assert carry_over(Night(settings, RUN)) == carry_over(Night(settings, RUN)) == []
    assert standing(settings, RUN) == [1]
    path.write_text(FILE.format(amount=20))
    carry_over(Night(settings, RUN + day))
    assert standing(settings, RUN + day) == [3]
    assert standing(settings, RUN) == [1]  # as it was
    carry_over(Night(settings, RUN))  # an older night run again does not read today's file
    carry_over(Night(settings.for_backfill(), RUN + 2 * day))
    assert len(entries(settings)) == 3
    path.unlink()
    carry_over(Night(settings, RUN + 2 * day))
    assert standing(settings, RUN + 2 * day) == []


def test_what_a_planner_undid_stays_undone_while_it_stands_in_the_file(settings):
    (settings.root / "overrides.yml").write_text(FILE.format(amount=10))
    carry_over(Night(settings, RUN))
    undo(settings, "override", 1, "ben", "", at(RUN))
    carry_over(Night(settings, RUN + timedelta(days=1)))
    assert standing(settings, RUN + timedelta(days=1)) == []


def test_a_mistake_in_the_file_is_one_line_and_leaves_the_overrides_as_they_were(settings):
    path = settings.root / "overrides.yml"
    path.write_text(FILE.format(amount=10))
    carry_over(Night(settings, RUN))
    path.write_text(FILE.format(amount=-300))
    (line,) = carry_over(Night(settings, RUN + timedelta(days=1)))
    assert line.startswith(f"{path}:2: overrides.0: percent -300: no more than all contacts")
    path.write_text(FILE.format(amount=10).replace("    first_on: 2026-03-04\n", ""))
    assert "first_on: Field required" in carry_over(Night(settings, RUN + timedelta(days=1)))[0]
    assert standing(settings, RUN + timedelta(days=1)) == [1]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"2026-03-04", b"2026-02-30", ":3: overrides.0.first_on: `2026-02-30` is no date"),
        (b"anna", b"J\xfcrgen", ": byte 0xfc is not UTF-8"),
    ],
)
def test_no_date_and_no_encoding_in_the_file_stops_a_night(settings, old, new, told):
    path = settings.root / "overrides.yml"
    path.write_text(FILE.format(amount=10))
    carry_over(Night(settings, RUN))
    assert path.read_bytes().count(old) == 1
    path.write_bytes(path.read_bytes().replace(old, new))
    (line,) = carry_over(Night(settings, RUN + timedelta(days=1)))
    assert line.startswith(f"{path}:")
    assert told in line
    assert line.endswith("the overrides stay as they were on the last night")
    assert standing(settings, RUN + timedelta(days=1)) == [1]


def told(settings, *arguments):
    done = CliRunner().invoke(app, [*arguments, "--config", str(settings.root / "forestall.toml")])
    return done.output if done.exit_code == 0 else str(done.exception)


def test_the_command_line_adds_lists_and_undoes(settings):
    add = ["override", "add", "--from", "2026-03-04", "--reason", "letter", "--author", "anna"]
    assert "override 1: percent 15, 2026-03-04, billing" in told(settings, *add, "--percent", "15", "-q", "billing")
    assert "give one of" in told(settings, *add)
    assert "percent -150: no more than all" in told(settings, *add, "--percent", "-150")
    assert "say why" in told(settings, "override", "add", "--from", "2026-03-04", "--set", "9")
    assert "has no date" in told(settings, "event", "add", "sale")
    assert "event 2: sale, 2026-03-04" in told(settings, "event", "add", "sale", "--from", "2026-03-04")
    assert "sale" in told(settings, "event", "list")
    assert "letter" in told(settings, "override", "list", "--all")
    assert "none of that number" in told(settings, "override", "undo", "2")
    assert "undone" in told(settings, "override", "undo", "1", "--author", "ben")
    assert "undone by" in " ".join(told(settings, "override", "list", "--all").split())
    path = settings.root / "overrides.yml"
    path.write_text(FILE.format(amount=10))
    assert "percent 10, 2026-03-04, billing" in told(settings, "override", "check")
    path.write_text(FILE.format(amount="many"))
    assert f"{path}:5: overrides.0.amount" in told(settings, "override", "check")
    assert [(one.kind, one.author) for one in entries(settings)][::2] == [("override", "anna"), ("undo", "ben")]
