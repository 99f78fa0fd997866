"""Commands that set a company up and look at it: init, demo, check-config, doctor."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forestall.commands.options import DEMO, Config, config_path, iso_date, settings_of
from forestall.settings import DEFAULT_FILE, Settings

SAMPLE_ROWS = 20
STATES = {"well": "[green]well[/]", "doubtful": "[yellow]doubtful[/]", "broken": "[red]broken[/]"}


def init(folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path()) -> None:
    """Write a commented forestall.toml, the reviewed YAML beside it, and a secret key.

    Example: forestall init acme
    """
    from forestall.operations.founding import found

    console = Console()
    for path in found(folder):
        console.print(f"wrote {path}", highlight=False)
    config = folder / DEFAULT_FILE
    told = f"Now map your sources in {config}, then: forestall check-config --sample --config {config}"
    console.print(told, highlight=False, soft_wrap=True)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where it lives.")] = DEMO.parent,
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = 20,
    world: Annotated[str, typer.Option(help="base, seasonal, turbulent, small, loyal, or any other name.")] = "base",
    until: Annotated[
        date | None, typer.Option(parser=iso_date, metavar="YYYY-MM-DD", help="First morning it has not lived.")
    ] = None,
) -> None:
    """Make a company to try forestall on, with known truth kept apart.

    Example: forestall demo companies/seven --seed 7 --world turbulent
    """
    from forestall.operations.founding import make_demo

    company = make_demo(folder, Console(), seed=seed, world=world, until=until)
    Console().print(f"Next: forestall nightly --config {company.config}", highlight=False, soft_wrap=True)


def check_config(
    config: Config = None,
    sample: Annotated[bool, typer.Option("--sample", help=f"Show {SAMPLE_ROWS} mapped rows of each source.")] = False,
) -> None:
    """Check forestall.toml, the reviewed YAML, every source and receiver, before anything is loaded.

    Example: forestall check-config --sample
    """
    from forestall.jobs.reviewed_files import check_reviewed
    from forestall.publishing.delivery import check_receivers
    from forestall.scheduling.steps import ExitCode
    from forestall.sources.preview import check_sources

    console = Console()
    settings = settings_of(config)
    check_reviewed(settings)
    problems = check_sources(settings)
    if sample:
        _show_samples(console, config)
    for problem in problems:
        mark = STATES["broken" if problem.is_blocking else "doubtful"]
        console.print(f"{mark} {escape(problem.what)}", highlight=False, soft_wrap=True)
    for told in [*_nobody_listed(settings), *_names(settings), *check_receivers(settings)]:
        console.print(f"{STATES['doubtful']} {escape(told)}", highlight=False, soft_wrap=True)
    if any(problem.is_blocking for problem in problems):
        raise typer.Exit(ExitCode.MEND)
    console.print(f"{config_path(config)}: can be used, with {len(settings.sources)} sources", highlight=False)


def _nobody_listed(settings: Settings) -> list[str]:
    """An empty playbook is none that somebody wrote on purpose."""
    from forestall.outreach.playbook import load_playbook, playbook_path

    if load_playbook(settings).actions:
        return []
    return [f"{playbook_path(settings)}: has no actions, so nobody will be listed"]


def _names(settings: Settings) -> list[str]:
    """What the reviewed YAML says in vain of queues, as the last published night knows them."""
    from forestall.publishing.publication import current_night
    from forestall.shifts.names import without_effect

    night = current_night(settings.var_path / "published")
    if night is None:
        return []
    queues = night.table("volume_forecast").select(["queue", "channel"]).to_pandas().drop_duplicates("queue")
    return without_effect(settings, dict(zip(queues["queue"], queues["channel"], strict=True)))


def _show_samples(console: Console, config: Path | None) -> None:
    """One table a source; columns that are empty throughout are left out."""
    from forestall.sources.preview import sample

    settings = settings_of(config)
    for name, rows in sample(settings, SAMPLE_ROWS).items():
        columns = [column for column in rows.column_names if rows[column].null_count < rows.num_rows]
        table = Table(title=f"{name} -> {settings.sources[name].table} ({rows.num_rows} rows)", title_justify="left")
        for column in columns:
            if column == "broken_rule":  # what the sample is looked at for: never cut short
                table.add_column(column, overflow="fold")
            else:
                table.add_column(column, overflow="ellipsis", no_wrap=True, max_width=24)
        for row in rows.select(columns).to_pylist():
            table.add_row(*("" if value is None else escape(str(value)) for value in row.values()))
        console.print(table)


def doctor(
    config: Config = None,
    port: Annotated[int, typer.Option(help="Port of Airflow's pages.")] = 8080,
) -> None:
    """Say what is missing or broken on this machine and in this configuration.

    Exit code 2 says that a night could not run.

    Example: forestall doctor --config /etc/forestall/forestall.toml
    """
    from forestall.operations.doctor import examine
    from forestall.scheduling.steps import ExitCode

    settings = settings_of(config)
    table = Table(show_header=False, box=None)
    findings = []
    for finding in examine(settings, datetime.now(settings.zone).date(), port):
        findings.append(finding)
        table.add_row(STATES[finding.state], finding.about, escape(finding.told))
    Console().print(table)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(ExitCode.MEND)
