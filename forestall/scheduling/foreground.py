"""A DAG run in the foreground: under the warehouse lock, shown step by step, ended with a code.

What libraries print goes to `var/logs/`; the terminal shows the steps and, after a night, its table.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from forestall.night import Night
from forestall.scheduling.progress import output_in, shown
from forestall.scheduling.scheduler import run_dag
from forestall.scheduling.steps import ExitCode, Step, steps_of
from forestall.settings import Settings
from forestall.warehouse import warehouse_lock


def run_night(settings: Settings, config: Path, run_date: date, console: Console) -> ExitCode:
    """Run the DAG `nightly` for one date and show what it published.

    Raises:
        WarehouseBusyError: another night did not end in time.
    """
    night = Night(settings, run_date)
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    console.print(f"[bold]The night of {run_date}[/] for {settings.company.name}", highlight=False)
    with warehouse_lock(settings, f"night {run_date}"):
        is_done, log = _run_shown(settings, config, "nightly", {"run_date": run_date.isoformat()})
        steps = [step for step in steps_of(night) if step.started_at >= began_at]
        if not is_done:
            return _told_failure(steps, log, console)
    from forestall.scheduling.closing import show_closing

    return show_closing(night, steps, console)


def run_other(settings: Settings, config: Path, dag_id: str, conf: Mapping[str, str], console: Console) -> ExitCode:
    """Run another DAG in the same manner; its log holds the details."""
    with warehouse_lock(settings, f"{dag_id} {' '.join(conf.values())}"):
        is_done, log = _run_shown(settings, config, dag_id, conf)
    console.print(f"{dag_id}: {'done' if is_done else 'failed'}; details in {log}", highlight=False, soft_wrap=True)
    return ExitCode.DONE if is_done else ExitCode.DEFECT


def _run_shown(settings: Settings, config: Path, dag_id: str, conf: Mapping[str, str]) -> tuple[bool, Path]:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    log = settings.var_path / "logs" / f"{dag_id}-{stamp}.log"
    with output_in(log) as console, shown(console):
        return run_dag(settings, config, dag_id, conf), log


def _told_failure(steps: list[Step], log: Path, console: Console) -> ExitCode:
    """One line for what stopped the night; the code of the first step that failed."""
    failed = next((step for step in steps if step.status == "failed"), None)
    if failed is None:
        console.print(f"[red]The night did not finish[/]; details in {log}", highlight=False, soft_wrap=True)
        return ExitCode.DEFECT
    where = f"; details in {log}" if failed.exit_code == ExitCode.DEFECT else ""
    console.print(f"[red]{failed.job}[/]: {escape(failed.error)}{where}", highlight=False, soft_wrap=True)
    return ExitCode(failed.exit_code)
