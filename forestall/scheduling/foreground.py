"""A DAG run in the foreground: under the warehouse lock, shown step by step, ended with a code.

What libraries print goes to `var/logs/`; the terminal shows the steps and, after a night, its table.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from forestall.night import Night
from forestall.records import Step
from forestall.scheduling.progress import output_in, shown
from forestall.scheduling.scheduler import run_dag
from forestall.scheduling.steps import ExitCode
from forestall.settings import Settings
from forestall.warehouse import warehouse_lock


def run_night(settings: Settings, config: Path, run_date: date, console: Console) -> ExitCode:
    """Run the DAG `nightly` for one date and show what it published.

    Raises:
        WarehouseBusyError: another night did not end in time.
    """
    night = Night(settings, run_date)
    console.print(f"[bold]The night of {run_date}[/] for {settings.company.name}", highlight=False)
    with warehouse_lock(settings, f"night {run_date}"):
        is_done, steps, log = _run_shown(settings, config, "nightly", {"run_date": run_date.isoformat()})
    if not is_done:
        return _told_failure("nightly", steps, log, console)
    from forestall.scheduling.closing import show_closing

    return show_closing(night, steps, console)


def run_other(settings: Settings, config: Path, dag_id: str, conf: Mapping[str, str], console: Console) -> ExitCode:
    """Run another DAG in the same manner; its log holds the details.

    Raises:
        WarehouseBusyError: another run did not end in time.
    """
    with warehouse_lock(settings, f"{dag_id} {' '.join(conf.values())}"):
        is_done, steps, log = _run_shown(settings, config, dag_id, conf)
    if not is_done:
        return _told_failure(dag_id, steps, log, console)
    console.print(f"{dag_id}: done; details in {log}", highlight=False, soft_wrap=True)
    return ExitCode.DONE


def _run_shown(settings: Settings, config: Path, dag_id: str, conf: Mapping[str, str]) -> tuple[bool, list[Step], Path]:
    """Whether it succeeded, what came of each step, and where the log is."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    log = settings.var_path / "logs" / f"{dag_id}-{stamp}.log"
    with output_in(log) as console, shown(console) as lines:
        is_done = run_dag(settings, config, dag_id, conf)
    return is_done, list(lines.ended.values()), log


def _told_failure(dag_id: str, steps: list[Step], log: Path, console: Console) -> ExitCode:
    """One line for what stopped the run; the code of the first step that failed."""
    failed = next((step for step in steps if step.status == "failed"), None)
    if failed is None:
        console.print(f"[red]{dag_id} did not finish[/]; details in {log}", highlight=False, soft_wrap=True)
        return ExitCode.DEFECT
    where = f"; details in {log}" if failed.exit_code == ExitCode.DEFECT else ""
    console.print(
        f"[red]{failed.job} {failed.run_date}[/]: {escape(failed.error)}{where}", highlight=False, soft_wrap=True
    )
    return ExitCode(failed.exit_code)
