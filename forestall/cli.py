"""The command line: what a person or a scheduler asks of forestall, and how the answer ends.

Every command reads its settings, calls one function elsewhere, and shows what came of it. What the
user can mend is one line and exit code 2; the codes stand in docs/architecture.md. Whatever is heavy
is imported inside the command that needs it, so that `forestall --help` is quick.
"""

import difflib
import logging
import os
import sys
import traceback
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from forestall.jobs import NIGHT
from forestall.settings import DEFAULT_FILE, ConfigError, Settings, load_settings

app = typer.Typer(
    help="Forestall churn, forestall the queue: whom to call, and how many agents to schedule.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="FORESTALL_CONFIG", help="forestall.toml; the demo company if there is none."
    ),
]
RunDate = Annotated[
    date | None,
    typer.Option(
        "--run-date", "-d", parser=date.fromisoformat, metavar="YYYY-MM-DD", help="Morning; today if not given."
    ),
]


def main() -> None:
    """Entry point of the `forestall` script; turns errors into lines and exit codes."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last place where an error can become one line
        from forestall.steps import ExitCode, exit_code, one_line

        code = exit_code(error)
        if code is ExitCode.DEFECT:
            traceback.print_exc()
        print(f"forestall: {one_line(error)}", file=sys.stderr)  # noqa: T201
        sys.exit(code)


@app.command()
def nightly(config: Config = None, run_date: RunDate = None) -> None:
    """Run the whole night: pull, check, build, score, forecast, plan, publish.

    Example: forestall nightly --config acme/forestall.toml --run-date 2026-03-01
    """
    from forestall.foreground import run_night

    path = _config_or_demo(config, run_date)
    settings = load_settings(path)
    raise typer.Exit(run_night(settings, path, _run_date(settings, run_date), Console()))


@app.command()
def job(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(NIGHT))],
    config: Config = None,
    run_date: RunDate = None,
) -> None:
    """Run one step of the night.

    Example: forestall job score_churn --run-date 2026-03-01
    """
    from forestall.progress import shown
    from forestall.steps import run_step
    from forestall.warehouse import warehouse_lock

    if name not in NIGHT:
        near = difflib.get_close_matches(name, NIGHT, n=1)
        raise ConfigError(f"there is no job `{name}`; {f'meant `{near[0]}`?' if near else 'see forestall job --help'}")
    settings = load_settings(_config(config))
    day = _run_date(settings, run_date)
    with warehouse_lock(settings, f"{name} {day}"), shown(Console()):
        run_step(settings, name, day)


@app.command()
def retrain(config: Config = None, run_date: RunDate = None) -> None:
    """Train a challenger, and promote it only where it is better than the champion.

    Example: forestall retrain --run-date 2026-03-01
    """
    from forestall.foreground import run_other

    path = _config(config)
    settings = load_settings(path)
    conf = {"run_date": _run_date(settings, run_date).isoformat()}
    raise typer.Exit(run_other(settings, path, "retrain", conf, Console()))


@app.command()
def backfill(
    first_date: Annotated[date, typer.Argument(parser=date.fromisoformat, metavar="FIRST", help="First night.")],
    last_date: Annotated[date, typer.Argument(parser=date.fromisoformat, metavar="LAST", help="Last night.")],
    config: Config = None,
) -> None:
    """Make past nights again, apart from the record, in var/backfill.

    Example: forestall backfill 2026-02-01 2026-02-07
    """
    from forestall.foreground import run_other

    if last_date < first_date:
        raise ConfigError(f"backfill: the last night {last_date} lies before the first {first_date}")
    path = _config(config)
    conf = {"first_date": first_date.isoformat(), "last_date": last_date.isoformat()}
    raise typer.Exit(run_other(load_settings(path), path, "backfill", conf, Console()))


@app.command()
def watch(config: Config = None) -> None:
    """Alert if tonight's plan is due and not there; for a timer of its own.

    Example: forestall watch --config /etc/forestall/forestall.toml
    """
    from forestall.alerts import watch_night
    from forestall.steps import ExitCode

    settings = load_settings(_config(config))
    if not watch_night(settings, datetime.now(UTC)):
        raise typer.Exit(ExitCode.OVERDUE)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def airflow(
    context: typer.Context,
    config: Config = None,
    port: Annotated[int, typer.Option(help="Port of `standalone`.")] = 8080,
) -> None:
    """Run any Airflow command with forestall's DAGs and folders.

    Example: forestall airflow standalone, or: forestall airflow dags test nightly
    """
    from forestall.scheduler import airflow_environment

    path = _config(config)
    arguments = context.args or ["--help"]
    environment = airflow_environment(load_settings(path), path, is_server=arguments[0] != "dags", port=port)
    os.execve(sys.executable, [sys.executable, "-m", "airflow", *arguments], environment)


def _config(config: Path | None) -> Path:
    """The file that was named, else the one of this folder, else the demo's."""
    from forestall.scheduler import REPOSITORY

    if config is not None:
        return config
    demo = REPOSITORY / "var" / "demo" / DEFAULT_FILE
    return demo if demo.is_file() and not DEFAULT_FILE.is_file() else DEFAULT_FILE


def _run_date(settings: Settings, given: date | None) -> date:
    """The date that was given, else the configuration's, else today by the site's clock."""
    return given or settings.run_date or datetime.now(settings.zone).date()


def _config_or_demo(config: Path | None, run_date: date | None) -> Path:
    """The configuration of the night; the demo company is made, or played on to the date, where it is meant."""
    return _config(config)
