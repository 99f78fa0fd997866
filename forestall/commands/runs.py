"""Commands that run something: a night, a step of it, a retraining, past nights, the watch, Airflow."""

import difflib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from forestall.commands.options import DEMO, Config, RunDate, config_path, iso_date, run_date_of, settings_of
from forestall.jobs import NIGHT
from forestall.settings import ConfigError, load_settings


def nightly(config: Config = None, run_date: RunDate = None) -> None:
    """Run the whole night: pull, check, build, score, forecast, plan, publish.

    Without a forestall.toml it makes the demo company first; a demo company lives on to the run date.

    Example: forestall nightly --config acme/forestall.toml --run-date 2026-03-01
    """
    from forestall.operations.founding import live_until, make_demo, provide_key
    from forestall.scheduling.foreground import run_night

    console = Console()
    path = config_path(config)
    if config is None and not path.is_file():
        path = make_demo(DEMO.parent, console).config
    if run_date is not None:
        live_until(path.parent, run_date, console)
    settings = provide_key(path, console)
    raise typer.Exit(run_night(settings, path, run_date_of(settings, run_date), console))


def job(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(NIGHT))],
    config: Config = None,
    run_date: RunDate = None,
) -> None:
    """Run one step of the night.

    Example: forestall job score_churn --run-date 2026-03-01
    """
    from forestall.scheduling.progress import shown
    from forestall.scheduling.steps import run_step
    from forestall.warehouse_lock import warehouse_lock

    if name not in NIGHT:
        near = difflib.get_close_matches(name, NIGHT, n=1)
        raise ConfigError(f"there is no job `{name}`; {f'meant `{near[0]}`?' if near else 'see forestall job --help'}")
    settings = settings_of(config)
    day = run_date_of(settings, run_date)
    with warehouse_lock(settings, f"{name} {day}"), shown(Console()):
        run_step(settings, name, day)


def retrain(config: Config = None, run_date: RunDate = None) -> None:
    """Train a challenger, and promote it only where it is better than the champion.

    Example: forestall retrain --run-date 2026-03-01
    """
    from forestall.scheduling.foreground import run_other

    settings = settings_of(config)
    conf = {"run_date": run_date_of(settings, run_date).isoformat()}
    raise typer.Exit(run_other(settings, config_path(config), "retrain", conf, Console()))


def backfill(
    first_date: Annotated[date, typer.Argument(parser=iso_date, metavar="FIRST", help="First night.")],
    last_date: Annotated[date, typer.Argument(parser=iso_date, metavar="LAST", help="Last night, inclusive.")],
    config: Config = None,
) -> None:
    """Make past nights as they would have been, apart from the record, in var/backfill.

    Example: forestall backfill 2026-02-01 2026-02-07
    """
    from forestall.scheduling.foreground import run_other

    if last_date < first_date:
        raise ConfigError(f"backfill: the last night {last_date} lies before the first {first_date}")
    conf = {"first_date": first_date.isoformat(), "last_date": last_date.isoformat()}
    raise typer.Exit(run_other(settings_of(config), config_path(config), "backfill", conf, Console()))


def deliver(config: Config = None) -> None:
    """Send the list to its receivers: what is new, changed or withdrawn since they were last told.

    Exit code 4 says that one was down, 2 that one refused; run again, it sends what is left.

    Example: forestall deliver --config acme/forestall.toml
    """
    from forestall.publishing.publication import current_night
    from forestall.scheduling.progress import shown
    from forestall.scheduling.steps import ExitCode, run_step

    settings = settings_of(config)
    if not settings.receivers:
        raise ConfigError("the list has no receivers; add [receivers.<name>] to forestall.toml")
    night = current_night(settings.var_path / "published")
    with shown(Console()):
        summary = run_step(settings, "deliver", night.run_date if night else run_date_of(settings, None))
    if summary["refused"]:
        raise typer.Exit(ExitCode.MEND)
    if summary["down"]:
        raise typer.Exit(ExitCode.DEGRADED)


def watch(config: Config = None) -> None:
    """Alert if tonight's plan is due and not there; for a timer of its own, whatever Airflow does.

    Exit code 5 says that it is overdue.

    Example: forestall watch --config /etc/forestall/forestall.toml
    """
    from forestall.operations.alerts import watch_night
    from forestall.scheduling.steps import ExitCode

    if not watch_night(settings_of(config), datetime.now(UTC)):
        raise typer.Exit(ExitCode.OVERDUE)


def airflow(
    context: typer.Context,
    config: Config = None,
    port: Annotated[int, typer.Option(help="Port of `standalone`.")] = 8080,
) -> None:
    """Run any Airflow command with forestall's DAGs, settings and folders.

    Example: forestall airflow standalone, or: forestall airflow dags trigger nightly
    """
    from forestall.scheduling.scheduler import become_airflow

    path: Path = config_path(config)
    become_airflow(load_settings(path), path, context.args or ["--help"], port)
