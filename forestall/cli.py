"""The command line: what a person or a scheduler asks of forestall, and how the answer ends.

Each command reads its settings, calls one function elsewhere, and shows what came of it; they stand in
`forestall/commands/`. What the user can mend is one line and exit code 2; all codes stand in
docs/architecture.md. Whatever is heavy is imported inside the command that needs it, so that
`forestall --help` is quick.
"""

import logging
import sys
import traceback

import typer

from forestall.commands import backtests, company, data, models, plan, planning, runs

app = typer.Typer(
    help="Forestall churn, forestall the queue: whom to call, and how many agents to schedule.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS = {
    "Start": (company.init, company.demo, company.check_config, company.doctor),
    "Run": (runs.nightly, runs.deliver, runs.job, runs.watch, runs.retrain, runs.backfill),
    "Plan": (plan.intraday, plan.what_if, plan.shifts),
    "Look": (data.report, data.export, models.models),
    "Keep": (data.prune, data.backup, data.restore, data.forget, models.rollback),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
for panel, name, commands_of in (
    ("Plan", "override", planning.override), ("Plan", "event", planning.event), ("Look", "backtest", backtests.backtest)
):  # fmt: skip
    app.add_typer(commands_of, name=name, rich_help_panel=panel)
# Its options are Airflow's; ours stand before them.
app.command(rich_help_panel="Run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    runs.airflow
)


def main() -> None:
    """Entry point of the `forestall` script; turns errors into lines and exit codes."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last place where an error can become one line
        from forestall.scheduling.steps import ExitCode, exit_code, one_line

        code = exit_code(error)
        if code is ExitCode.DEFECT:
            traceback.print_exc()
        sys.stderr.write(f"forestall: {one_line(error)}\n")
        sys.exit(code)
