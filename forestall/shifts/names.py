"""Whether reviewed files speak of queues that there are.

A name that no queue has, and a standard that its queue's channel does not know, change nothing. Here that is said:
no mistake, for a queue may open tomorrow or be closed for good, but mostly a slip of the pen.
"""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from features.calendar import Calendar
from forestall.reviewed import line_of, load_reviewed
from forestall.settings import ConfigError, Settings
from forestall.shifts.rules import load_staffing_rules
from forestall.staffing.standards import load_standards, unfit

Place = tuple[str | int, ...]


def without_effect(settings: Settings, channels: Mapping[str, str | None]) -> list[str]:
    """Lines about names and standards in `standards.yml`, `calendar.yml` and `staffing.yml` that change nothing.

    Args:
        settings: say where the files are.
        channels: of the queues that are forecast, by queue; None where the data does not tell.

    Raises:
        ConfigError: a group has the name of a queue outside of it, so that both would be one in the plan of shifts.
    """
    _refuse_queue_as_group(settings, channels)
    return [
        f"{file}:{line_of(settings.root / file, place)}: {'.'.join(map(str, place))}: {told}"
        for file, place, told in [*_strangers(settings, channels), *_unfit(settings, channels)]
    ]


def _strangers(settings: Settings, channels: Mapping[str, str | None]) -> Iterator[tuple[Path, Place, str]]:
    for file, place, queue in _named(settings):
        if queue not in channels:
            near = difflib.get_close_matches(queue, channels, n=1)
            hint = f"meant `{near[0]}`?" if near else f"known: {', '.join(sorted(channels))}"
            yield file, place, f"no queue `{queue}` is forecast, so it changes nothing; {hint}"


def _named(settings: Settings) -> Iterator[tuple[Path, Place, str]]:
    """Every queue that a file names, and where."""
    files = settings.files
    calendar = load_reviewed(settings.root / files.calendar, Calendar)
    for queue in load_standards(settings).queues:
        yield files.standards, ("queues", queue), queue
    for queue in calendar.queues:
        yield files.calendar, ("queues", queue), queue
    for number, closure in enumerate(calendar.closures):
        for at, queue in enumerate(closure.queues):
            yield files.calendar, ("closures", number, "queues", at), queue
    for group, queues in load_staffing_rules(settings).groups.items():
        for at, queue in enumerate(queues):
            yield files.staffing, ("groups", group, at), queue


def _unfit(settings: Settings, channels: Mapping[str, str | None]) -> Iterator[tuple[Path, Place, str]]:
    standards = load_standards(settings)
    for queue, override in standards.queues.items():
        channel = override.channel or channels.get(queue)
        for key, told in unfit(channel, override) if channel else ():
            yield settings.files.standards, ("queues", queue, key), f"{told}; it changes nothing"


def _refuse_queue_as_group(settings: Settings, channels: Mapping[str, str | None]) -> None:
    for group, queues in load_staffing_rules(settings).groups.items():
        if group in channels and group not in queues:
            path = settings.root / settings.files.staffing
            told = "a queue outside of the group has its name; call the group otherwise, or name the queue in it"
            raise ConfigError(f"{path}:{line_of(path, ('groups', group))}: groups.{group}: {told}")
