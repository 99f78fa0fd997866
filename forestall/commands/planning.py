"""Commands of the planner's hand: overrides of the forecast, and business events."""

import getpass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from forestall.commands.options import Config, FirstDay, Queue, iso_date, now_of, run_date_of, settings_of, tell
from forestall.settings import ConfigError, Settings

if TYPE_CHECKING:
    from forestall.planning.overrides import Entered

EFFECT_ROWS = 8

OVERRIDE = """Change the forecast by hand, on top of the model's.

Example: forestall override add --queue billing --from 2026-03-02 --percent 15 --reason "price letter"
"""
EVENT = """Enter business events: campaigns, releases, outages.

Example: forestall event add "spring sale" --from 2026-03-02 --to 2026-03-06 --queue sales_phone
"""
override = typer.Typer(help=OVERRIDE, no_args_is_help=True)
event = typer.Typer(help=EVENT, no_args_is_help=True)

LastDay = Annotated[
    date | None, typer.Option("--to", parser=iso_date, metavar="YYYY-MM-DD", help="Last day; else the first.")
]
Author = Annotated[str | None, typer.Option(help="Who decided it; else the user of this computer.")]
Number = Annotated[int, typer.Argument(help="As `list` shows it.")]


@override.command("add")
def add_override(
    config: Config = None,
    first: FirstDay = None,
    last: LastDay = None,
    set_to: Annotated[float | None, typer.Option("--set", help="Contacts of a day in all that is named.")] = None,
    add: Annotated[float | None, typer.Option("--add", help="So many more (or fewer) in a day.")] = None,
    percent: Annotated[float | None, typer.Option("--percent", help="Such as 15 or -10.")] = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    queue: Queue = None,
    hours: Annotated[str, typer.Option(help="Local time, such as 09:00-12:00; the whole day where left out.")] = "",
    author: Author = None,
    expires: Annotated[
        date | None, typer.Option("--expires", parser=iso_date, metavar="YYYY-MM-DD", help="Last night it counts.")
    ] = None,
) -> None:
    """Put an override on top of the forecast; it counts from the next night on.

    Example: forestall override add --queue billing --from 2026-03-02 --percent 15 --reason "price letter"
    """
    from forestall.planning.journal import enter
    from forestall.planning.overrides import Entered, Override
    from forestall.planning.written import parsed

    settings = settings_of(config)
    given = {"set": set_to, "add": add, "percent": percent}
    asked = [(name, value) for name, value in given.items() if value is not None]
    if len(asked) != 1:
        raise ConfigError("override add: give one of --set, --add and --percent")
    if first is None or not reason:
        raise ConfigError(f"override add: say {'from which day: --from' if first is None else 'why: --reason'}")
    action, amount = asked[0]
    said = parsed(Override, {
        "queues": tuple(queue or ()), "first_on": first, "last_on": last, "hours": hours, "action": action,
        "amount": amount, "author": author or getpass.getuser(), "reason": reason, "expires_on": expires,
    })  # fmt: skip
    at = now_of(settings)
    number = enter(settings, "override", said, at)
    tell(f"override {number}: {said.words}; counts from the next night on")
    _show_effect(settings, Entered(number, at, said))


@override.command("check")
def check_overrides(
    file: Annotated[Path | None, typer.Argument(help="The file; else overrides.yml of the company.")] = None,
    config: Config = None,
) -> None:
    """Check overrides.yml without entering anything: a mistake is one line with its line number.

    Example: forestall override check
    """
    from forestall.planning.written import WrittenOverrides
    from forestall.reviewed import load_reviewed

    settings = settings_of(config)
    path = file or settings.root / settings.files.overrides
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    found = load_reviewed(path, WrittenOverrides).overrides
    for one in found:
        tell(one.words)
    tell(f"{path}: {len(found)} overrides, each as it should be")


@override.command("list")
def list_overrides(
    config: Config = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that were undone or are over.")] = False,
) -> None:
    """Show the overrides: those that stand, or with --all every entry ever made.

    Example: forestall override list --all
    """
    from forestall.planning.journal import entries
    from forestall.planning.overrides import Override
    from forestall.planning.written import is_over, reason_of

    settings = settings_of(config)
    known = entries(settings)
    undone = {one.undoes: one for one in known if one.undoes is not None}
    table = Table(title="Overrides of the forecast", title_justify="left")
    for name in ("#", "what", "author", "entered", "reason", "stands"):
        table.add_column(name, overflow="fold")
    for one in known:
        if one.kind != "override":
            continue
        said = Override.model_validate_json(one.content)
        end = f"undone by {undone[one.entry_id].author}" if one.entry_id in undone else ""
        end = end or ("over" if is_over(said, run_date_of(settings, None)) else "")
        if every or not end:
            entered = f"{one.entered_at.astimezone(settings.zone):%Y-%m-%d %H:%M} {one.origin}"
            expires = f"until {said.expires_on}" if said.expires_on else "yes"
            table.add_row(str(one.entry_id), said.words, one.author, entered, reason_of(one), end or expires)
    Console().print(table)


@override.command("undo")
def undo_override(
    number: Number, reason: Annotated[str, typer.Option(help="Why.")] = "", author: Author = None, config: Config = None
) -> None:
    """Take an override back; what was published with it stays as it was.

    Example: forestall override undo 7 --reason "the letter goes out later"
    """
    _undo("override", number, author, reason, settings_of(config))


@event.command("add")
def add_event(
    name: Annotated[str, typer.Argument(help="What it is; the same name for the same kind: its effect is learned.")],
    first: FirstDay = None,
    last: LastDay = None,
    queue: Queue = None,
    author: Author = None,
    config: Config = None,
) -> None:
    """Enter an event, to come or past; the next night knows it.

    Example: forestall event add "spring sale" --from 2026-03-02 --to 2026-03-06 --queue sales_phone
    """
    from forestall.planning.events import PlannedEvent
    from forestall.planning.journal import enter
    from forestall.planning.written import parsed

    if first is None:
        raise ConfigError(f"event add: `{name}` has no date; give its first day: --from 2026-03-02")
    settings = settings_of(config)
    said = parsed(PlannedEvent, {
        "name": name, "starts_on": first, "ends_on": last, "queues": tuple(queue or ()),
        "author": author or getpass.getuser(),
    })  # fmt: skip
    _warn_of_unknown(settings, said.queues)
    number = enter(settings, "event", said, now_of(settings))
    tell(f"event {number}: {said.words}; the next night knows it")


@event.command("list")
def list_events(config: Config = None) -> None:
    """Show the events that planners entered and that stand.

    Example: forestall event list
    """
    from forestall.planning.events import PlannedEvent
    from forestall.planning.journal import entries, standing

    settings = settings_of(config)
    table = Table(title="Events entered by planners", title_justify="left")
    for column in ("#", "what", "author", "entered"):
        table.add_column(column, overflow="fold")
    for one in standing(entries(settings), "event", datetime.max.replace(tzinfo=UTC)):
        entered = f"{one.entered_at.astimezone(settings.zone):%Y-%m-%d %H:%M}"
        words = PlannedEvent.model_validate_json(one.content).words
        table.add_row(str(one.entry_id), words, one.author, entered)
    Console().print(table)


@event.command("undo")
def undo_event(
    number: Number, reason: Annotated[str, typer.Option(help="Why.")] = "", author: Author = None, config: Config = None
) -> None:
    """Take an event back; the next night knows it no more.

    Example: forestall event undo 3 --reason "put off"
    """
    _undo("event", number, author, reason, settings_of(config))


def _undo(kind: Literal["override", "event"], number: int, author: str | None, reason: str, settings: Settings) -> None:
    from forestall.planning.journal import undo

    undo(settings, kind, number, author or getpass.getuser(), reason, now_of(settings))
    tell(f"{kind} {number}: undone from the next night on")


def _warn_of_unknown(settings: Settings, queues: tuple[str, ...]) -> None:
    """Says which queues the last good night does not forecast; a queue may open tomorrow, so it is no error."""
    from forestall.publishing.publication import current_night

    night = current_night(settings.var_path / "published")
    if night is None:
        return
    known = set(night.table("volume_forecast")["queue"].unique().to_pylist())
    if unknown := sorted(set(queues) - known):
        tell(f"{', '.join(unknown)}: not forecast on the night of {night.run_date}; known: {', '.join(sorted(known))}")


def _show_effect(settings: Settings, entered: "Entered") -> None:
    """What the override would have done to the last good night's forecast, by queue and day, and what is odd in it."""
    from forestall.planning.overrides import effect_by_day
    from forestall.publishing.publication import current_night

    night = current_night(settings.var_path / "published")
    if night is None:
        return
    moved, notes = effect_by_day(night.frame("volume_forecast"), entered, settings.zone)
    for note in notes:
        tell(note)
    for row in moved.head(EFFECT_ROWS).itertuples():
        tell(f"  {row.queue}, {row.local_on:%a %d %b}: {row.before:,.0f} -> {row.after:,.0f} contacts")
    if len(moved) > EFFECT_ROWS:
        tell(f"  and {len(moved) - EFFECT_ROWS} more days of queues")
