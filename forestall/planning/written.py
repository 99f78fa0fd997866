"""`overrides.yml`: the overrides as a reviewed file, which each night carries into the journal.

What joined the file is entered, what left it is undone, both just before the night's cutoff: the file says what
planners want now, the journal what was in force when. A mistake in the file leaves everything as it was.
"""

import json
from datetime import date, timedelta
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from features.sections import Section
from forestall.night import Night
from forestall.planning.journal import Entry, enter, entries, standing, undo
from forestall.planning.overrides import Override
from forestall.reviewed import load_reviewed
from forestall.settings import ConfigError

Said = TypeVar("Said", bound=BaseModel)


class WrittenOverrides(Section):
    """The whole file."""

    overrides: tuple[Override, ...] = ()


def carry_over(night: Night) -> list[str]:
    """Bring the journal in step with `overrides.yml`; returns lines for the night's notes.

    A backfill, and a night older than the last that read the file, leave it alone: the file is of today. One
    that a planner undid by command stays undone while it stands in the file.
    """
    path = night.settings.root / night.settings.files.overrides
    known = entries(night.settings)
    of_file = [one for one in known if one.origin == "file"]
    at = night.cutoff - timedelta(microseconds=1)
    if night.settings.is_backfill or any(one.entered_at > at for one in of_file) or not (path.is_file() or of_file):
        return []
    try:
        wanted = list(dict.fromkeys(one.model_dump_json() for one in load_reviewed(path, WrittenOverrides).overrides))
    except ConfigError as error:
        return [f"{error}; the overrides stay as they were on the last night"]
    closed = {one.undoes for one in of_file if one.kind == "undo"}
    held = [one for one in of_file if one.kind == "override" and one.entry_id not in closed]
    standing_ids = {one.entry_id for one in standing(known, "override", night.cutoff)}
    _close(night, [one for one in held if one.content not in wanted], standing_ids)
    for content in wanted:
        if content not in {one.content for one in held}:
            enter(night.settings, "override", Override.model_validate_json(content), at, "file")
    return []


def _close(night: Night, gone: list[Entry], standing_ids: set[int]) -> None:
    at = night.cutoff - timedelta(microseconds=1)
    for one in gone:
        if one.entry_id in standing_ids:
            reason = f"no longer in {night.settings.files.overrides}"
            undo(night.settings, "override", one.entry_id, one.author, reason, at, "file")


def parsed(kind: type[Said], values: dict[str, object]) -> Said:
    """An override or event from a command's options.

    Raises:
        ConfigError: one line: the option and what is wrong with it.
    """
    try:
        return kind.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        mistake = error.errors()[0]
        where = ".".join(str(part) for part in mistake["loc"]).replace("_", "-")
        raise ConfigError(f"{where + ': ' if where else ''}{mistake['msg'].removeprefix('Value error, ')}") from error


def reason_of(entry: Entry) -> str:
    """Why an override or an undo was made; empty for an event."""
    return str(json.loads(entry.content).get("reason", ""))


def is_over(override: Override, on: date) -> bool:
    """Whether all its days, or its time, have passed."""
    last = override.last_on or override.first_on
    return last < on or (override.expires_on is not None and override.expires_on < on)
