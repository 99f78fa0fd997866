"""Commands of the planner's hand: overrides of the forecast, and business events."""

import getpass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from forestall.commands.options import Config, iso_date, now_of, run_date_of, settings_of
from forestall.sections import DAY_S, YEAR_S
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

FirstDay = Annotated[date | None, typer.Option("--from", parser=iso_date, metavar="YYYY-MM-DD", help="First day.")]
LastDay = Annotated[
    date | None, typer.Option("--to", parser=iso_date, metavar="YYYY-MM-DD", help="Last day; else the first.")
]
Queue = Annotated[list[str] | None, typer.Option("--queue", "-q", help="Repeat it for several; all where left out.")]
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
    _tell(f"override {number}: {said.words}; counts from the next night on")
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
        _tell(one.words)
    _tell(f"{path}: {len(found)} overrides, each as it should be")


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
    _tell(f"event {number}: {said.words}; the next night knows it")


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


def intraday(
    config: Config = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Local time, such as 10:30 or 2026-03-02T10:30; else now."),
    ] = None,
    counts: Annotated[
        Path | None,
        typer.Option(help="CSV of queue, interval_start_at, contacts, redial_count, handled_count; else the sources."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the restated agents by interval to this CSV file.")] = None,
) -> None:
    """Forecast the rest of today again from what came so far, and say what to do about the staff.

    Example: forestall intraday --at 10:30 --counts today.csv
    """
    from forestall.commands.intraday_shown import show
    from forestall.operations.intraday import react
    from forestall.publishing.export import write_csv
    from forestall.sources.today import contacts_since, read_counts

    settings = settings_of(config)
    now = _now(settings, at)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    came = read_counts(counts, settings) if counts else contacts_since(settings, midnight)
    reaction = react(settings, now, came)
    show(reaction, settings.zone, Console())
    if out is not None:
        write_csv(reaction.requirement, out)
        _tell(f"wrote {out}")


def shifts(
    agent: Annotated[str, typer.Argument(help="The agent, as the company's own systems call him.")],
    config: Config = None,
) -> None:
    """Say which file of the last published night is an agent's own calendar: shifts and breaks.

    Example: forestall shifts A-17
    """
    from forestall.privacy.pseudonyms import pseudonym
    from forestall.publishing.calendars import FOLDER, calendar_file
    from forestall.publishing.publication import CURRENT, current_night

    settings = settings_of(config)
    published = settings.var_path / "published"
    night, name = current_night(published), calendar_file(pseudonym(settings, agent))
    if night is None:
        raise ConfigError(f"{published}: nothing is published yet; run a night first")
    if not (night.folder / FOLDER / name).is_file():
        raise ConfigError(f"`{agent}` has no shift in the plan of {night.run_date}; is it the agent_id of `agents`?")
    _tell(str(published / CURRENT / FOLDER / name))


def what_if(
    config: Config = None,
    queue: Queue = None,
    first: FirstDay = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=iso_date, metavar="YYYY-MM-DD", help="Last day; else a week.")
    ] = None,
    volume: Annotated[float, typer.Option(help="Percent more contacts, such as 20 for an event, or -10.")] = 0.0,
    handle_time: Annotated[float, typer.Option(help="Percent longer contacts.")] = 0.0,
    shrinkage: Annotated[float | None, typer.Option(min=0, max=0.99, help="Share of scheduled time lost.")] = None,
    service_level: Annotated[float | None, typer.Option(min=0.01, max=0.99, help="Share answered in time.")] = None,
    within: Annotated[
        int | None, typer.Option(min=0, max=DAY_S, help="Seconds in which that share is answered.")
    ] = None,
    first_response: Annotated[
        int | None, typer.Option(min=1, max=YEAR_S, help="Seconds to a first response, mail.")
    ] = None,
    closed_queue: Annotated[list[str] | None, typer.Option(help="Nobody answers it. Repeat it for several.")] = None,
    closed_site: Annotated[str | None, typer.Option(help="Nobody works there; its contacts stay.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=10, help="Contacts that an agent holds at once, such as chats.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the table by queue and day to this CSV file.")] = None,
) -> None:
    """Ask what the plan would be if something were otherwise, beside tonight's; changes nothing.

    Example: forestall what-if --queue billing --volume 20 --from 2026-03-02 --to 2026-03-06
    """
    from forestall.commands.what_if_shown import show
    from forestall.operations.what_if import Question, ask
    from forestall.publishing.export import write_csv

    answer = ask(settings_of(config), Question(
        tuple(queue or ()), first, last, volume, handle_time, shrinkage, service_level, within, first_response,
        tuple(closed_queue or ()), closed_site, concurrency,
    ))  # fmt: skip
    show(answer, Console())
    if out is not None:
        write_csv(answer.days, out)
        _tell(f"wrote {out}")


def _now(settings: Settings, at: str | None) -> datetime:
    """The instant that was named, by the site's clock; a time alone is today's."""
    if at is None:
        return now_of(settings)
    text = f"{run_date_of(settings, None)}T{at}" if len(at) <= len("10:30:00") else at
    try:
        named = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--at: `{at}` is no time; write 10:30 or 2026-03-02T10:30") from error
    return named.replace(tzinfo=settings.zone) if named.tzinfo is None else named.astimezone(settings.zone)


def _undo(kind: Literal["override", "event"], number: int, author: str | None, reason: str, settings: Settings) -> None:
    from forestall.planning.journal import undo

    undo(settings, kind, number, author or getpass.getuser(), reason, now_of(settings))
    _tell(f"{kind} {number}: undone from the next night on")


def _warn_of_unknown(settings: Settings, queues: tuple[str, ...]) -> None:
    """Says which queues the last good night does not forecast; a queue may open tomorrow, so it is no error."""
    from forestall.publishing.publication import current_night

    night = current_night(settings.var_path / "published")
    if night is None:
        return
    known = set(night.table("volume_forecast")["queue"].unique().to_pylist())
    if unknown := sorted(set(queues) - known):
        _tell(f"{', '.join(unknown)}: not forecast on the night of {night.run_date}; known: {', '.join(sorted(known))}")


def _show_effect(settings: Settings, entered: "Entered") -> None:
    """What the override would have done to the last good night's forecast, by queue and day, and what is odd in it."""
    from forestall.planning.overrides import effect_by_day
    from forestall.publishing.publication import current_night

    night = current_night(settings.var_path / "published")
    if night is None:
        return
    moved, notes = effect_by_day(night.frame("volume_forecast"), entered, settings.zone)
    for note in notes:
        _tell(note)
    for row in moved.head(EFFECT_ROWS).itertuples():
        _tell(f"  {row.queue}, {row.local_on:%a %d %b}: {row.before:,.0f} -> {row.after:,.0f} contacts")
    if len(moved) > EFFECT_ROWS:
        _tell(f"  and {len(moved) - EFFECT_ROWS} more days of queues")


def _tell(line: str) -> None:
    Console().print(line, highlight=False, soft_wrap=True)
