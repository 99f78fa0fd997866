"""Options that many commands share, what they mean where they are not given, and how a line is told."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from forestall.settings import DEFAULT_FILE, Settings, load_settings

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "var" / "demo" / DEFAULT_FILE

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="FORESTALL_CONFIG", help="forestall.toml; where there is none, the demo company's."
    ),
]


def iso_date(text: str) -> date:
    """A date in the one form that is the same everywhere."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"`{text}` is no date; write 2026-03-01") from error


RunDate = Annotated[
    date | None,
    typer.Option(
        "--run-date", "-d", parser=iso_date, metavar="YYYY-MM-DD", help="The morning; else run_date or today."
    ),
]

FirstDay = Annotated[date | None, typer.Option("--from", parser=iso_date, metavar="YYYY-MM-DD", help="First day.")]

Queue = Annotated[list[str] | None, typer.Option("--queue", "-q", help="Repeat it for several; all where left out.")]

PublishedDate = Annotated[
    date | None,
    typer.Option(
        "--run-date", "-d", parser=iso_date, metavar="YYYY-MM-DD", help="A published night; else the last good one."
    ),
]


def config_path(config: Path | None) -> Path:
    """The file that was named, else the one of this folder, else the demo's where it was made."""
    if config is not None:
        return config
    return DEMO if DEMO.is_file() and not DEFAULT_FILE.is_file() else DEFAULT_FILE


def settings_of(config: Path | None) -> Settings:
    """The settings of `config_path(config)`.

    Raises:
        ConfigError: as `load_settings`.
    """
    return load_settings(config_path(config))


def run_date_of(settings: Settings, given: date | None) -> date:
    """The date that was given, else the configuration's, else today by the site's clock."""
    return given or settings.run_date or datetime.now(settings.zone).date()


def now_of(settings: Settings) -> datetime:
    """What time it is for the company: where the configuration fixes a day (a demo), on that of its last night."""
    from forestall.publishing.publication import current_night

    now = datetime.now(settings.zone)
    if settings.run_date is None:
        return now
    last = current_night(settings.var_path / "published")
    day = settings.run_date if last is None else max(settings.run_date, last.run_date)
    return datetime.combine(day, now.time(), settings.zone)


def tell(line: str) -> None:
    """One line on the screen; no numbers are coloured, and nothing is cut."""
    Console().print(line, highlight=False, soft_wrap=True)
