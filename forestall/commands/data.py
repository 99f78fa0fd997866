"""Commands on what forestall keeps: report, export, forget, prune, backup, restore."""

import getpass
import webbrowser
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from forestall.commands.options import Config, PublishedDate, RunDate, run_date_of, settings_of
from forestall.night import Night
from forestall.settings import ConfigError, Settings

if TYPE_CHECKING:
    from forestall.publishing.publication import PublishedNight


def report(
    config: Config = None,
    run_date: PublishedDate = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Show a published night (the last good one if no date is given) and where its report is.

    Example: forestall report --run-date 2026-03-01 --open
    """
    from forestall.scheduling.closing import show_night

    settings = settings_of(config)
    if run_date is not None and _stopped(settings, Night(settings, run_date), browser):
        return
    published = _published(settings, run_date)
    show_night(Night(settings, published.run_date), published, [], Console())
    if browser:
        webbrowser.open((published.folder / "report.html").as_uri())


def _stopped(settings: Settings, night: Night, browser: bool) -> bool:
    """Whether a gate stopped that night and nothing of it is up; where its last attempt was stopped, that is said."""
    from forestall.publishing.publication import nights

    page = night.folder / "report.html"  # there only as long as the last attempt at that date is a stopped one
    if not page.is_file():
        return False
    console = Console()
    console.print(f"{settings.company.name}: the night of {night.run_date} was stopped; see {page}", soft_wrap=True)
    if browser:
        webbrowser.open(page.as_uri())
    is_up = any(one.run_date == night.run_date for one in nights(night.published))
    if is_up:
        console.print("What an earlier attempt published of it stays up:")
    return not is_up


def export(
    out: Annotated[Path, typer.Argument(help="CSV file to write; with the ending .xlsx the workbook.")],
    config: Config = None,
    run_date: PublishedDate = None,
) -> None:
    """Write the outreach list with names, for those whom `privacy.may_export` names; each export is recorded.

    Example: forestall export list.csv --run-date 2026-03-01
    """
    from forestall.privacy.export import rejoin
    from forestall.publishing.export import write_csv
    from forestall.publishing.list_workbook import write_list

    if out.is_dir() or not out.parent.is_dir():
        raise ConfigError(f"{out}: name a file in a folder that exists")
    settings = settings_of(config)
    published = _published(settings, run_date)
    what = f"outreach_list {published.run_date}"
    rows = rejoin(
        settings, published.frame("outreach_list").sort_values("list_rank"), getpass.getuser(), datetime.now(UTC), what
    )
    out.touch(mode=0o600)
    out.chmod(0o600)  # of a file that was there, too
    if out.suffix == ".xlsx":
        write_list(rows, published.run_date, out)
    else:
        write_csv(rows, out)
    Console().print(f"wrote {len(rows)} rows with names to {out}; keep it as you keep names", soft_wrap=True)


def _published(settings: Settings, run_date: date | None) -> "PublishedNight":
    """The newest revision of that night, or the night that `current` shows."""
    from forestall.publishing.publication import current_night, nights

    published = settings.var_path / "published"
    if run_date is None:
        night = current_night(published)
    else:
        night = max((one for one in nights(published) if one.run_date == run_date), default=None)
    if night is None:
        raise ConfigError(f"{published}: nothing is published{f' for {run_date}' if run_date else ' yet'}")
    return night


def forget(
    customer: Annotated[str, typer.Argument(help="Your own key of the customer, or the pseudonym.")],
    config: Config = None,
) -> None:
    """Forget one customer for good, and print the receipt.

    Example: forestall forget C-10421
    """
    from forestall.privacy.forget import forget as forget_customer

    receipt = forget_customer(settings_of(config), customer, datetime.now(UTC))
    Console().print(str(receipt), highlight=False, soft_wrap=True)


def prune(config: Config = None, run_date: RunDate = None) -> None:
    """Drop rows, nights, runs and logs that are older than the settings allow.

    Example: forestall prune
    """
    from forestall.operations.pruning import prune as drop

    settings = settings_of(config)
    dropped = drop(settings, run_date_of(settings, run_date))
    told = ", ".join(f"{name} {count:,}" for name, count in dropped.items())
    Console().print(f"dropped: {told or 'nothing is old enough'}", highlight=False)


def backup(into: Annotated[Path, typer.Argument(help="Folder of backups.")], config: Config = None) -> None:
    """Copy warehouse, vault, models and published nights, consistently, with a hash of each file.

    Example: forestall backup /mnt/backups
    """
    from forestall.operations.backup import backup as copy

    folder = copy(settings_of(config), into, datetime.now(UTC))
    Console().print(f"wrote {folder}; FORESTALL_SECRET_KEY is not in it", highlight=False, soft_wrap=True)


def restore(folder: Annotated[Path, typer.Argument(help="A backup.")], config: Config = None) -> None:
    """Put a backup back into an empty var.

    Example: forestall restore /mnt/backups/forestall-20260301T040000Z
    """
    from forestall.operations.backup import restore as put_back

    settings = settings_of(config)
    count = put_back(settings, folder)
    Console().print(f"restored {count} files into {settings.var_path}", highlight=False, soft_wrap=True)
