"""Commands on a plan that is published: today again, what would be otherwise, and an agent's own calendar."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from forestall.commands.options import Config, FirstDay, Queue, iso_date, now_of, run_date_of, settings_of, tell
from forestall.sections import DAY_S, YEAR_S
from forestall.settings import ConfigError, Settings


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
        tell(f"wrote {out}")


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
    tell(str(published / CURRENT / FOLDER / name))


def what_if(
    config: Config = None,
    queue: Queue = None,
    first: FirstDay = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=iso_date, metavar="YYYY-MM-DD", help="Last day; else a week.")
    ] = None,
    volume: Annotated[float, typer.Option(help="Percent more contacts, such as 20, or -10.")] = 0.0,
    event: Annotated[
        str | None, typer.Option(help="An event that has been before, from the first day to the last; else for a day.")
    ] = None,
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
    staffing: Annotated[
        Path | None, typer.Option(help="Shifts by the rules of another staffing.yml, beside those of tonight's.")
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
        tuple(closed_queue or ()), closed_site, concurrency, staffing, event,
    ))  # fmt: skip
    show(answer, staffing, Console())
    if out is not None:
        write_csv(answer.days, out)
        tell(f"wrote {out}")


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
