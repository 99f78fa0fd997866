"""Shows a run on the terminal, step by step: what runs, for how long, and what came of it.

It listens to the log lines of `forestall.records`. On a terminal the running step has a clock; elsewhere
(a service's journal, CI) there is one plain line a step. While it watches, everything that libraries
print goes to a file.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from textwrap import shorten
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from forestall.jobs import JOBS
from forestall.records import Step, Summary, progress_log

MARKS = {"done": "[green]✓[/]", "failed": "[red]✗[/]"}
TEXT_SHOWN = 60
WIDTH = max(map(len, JOBS))


class StepLines(logging.Handler):
    """Turns records of steps into lines on a console.

    Attributes:
        ended: what came of each step in the end, by job and run date, in the order in which they first ended.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self.clock = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
        )
        self.ended: dict[tuple[str, str], Step] = {}
        self._running: dict[str, TaskID] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Show a step that began, came on or ended; other lines are not ours."""
        progress: tuple[str, str] | None = getattr(record, "progress", None)
        if progress is not None:
            job, told = progress
            self.clock.update(self._running[job], description=f"{job.ljust(WIDTH)} [dim]{escape(told)}[/]")
            return
        step: Step | None = getattr(record, "step", None)
        if step is None:
            return
        if step.status == "running":
            about = f"{step.job.ljust(WIDTH)} [dim]{JOBS[step.job]}[/]"
            self._running[step.job] = self.clock.add_task(about, total=None)
            return
        self.ended[step.job, step.run_date] = step
        if step.job in self._running:
            self.clock.remove_task(self._running.pop(step.job))
        told = f"[red]{escape(step.error)}[/]" if step.error else escape(told_summary(step.summary))
        line = f"{MARKS[step.status]} {step.job.ljust(WIDTH)} {step.seconds:7.1f} s  {told}"
        self.console.print(line, highlight=False, soft_wrap=True)


def told_summary(summary: Summary) -> str:
    """`rows 1,234 · quarantined rows 5`; long texts are cut, the step's record has them whole."""
    return " · ".join(
        f"{key.replace('_', ' ')} {value:,}"
        if isinstance(value, int | float)
        else f"{key.replace('_', ' ')} {shorten(value, TEXT_SHOWN, placeholder='...')}"
        for key, value in summary.items()
        if value not in ("", 0)
    )


@contextmanager
def shown(console: Console) -> Iterator[StepLines]:
    """Show the steps that run inside on `console`; gives what shows them."""
    lines = StepLines(console)
    steps = logging.getLogger("forestall.records")
    steps.setLevel(logging.INFO)
    steps.addHandler(lines)
    progress_log.setLevel(logging.DEBUG)
    progress_log.propagate = False  # it is for who watches now, not for a log
    progress_log.addHandler(lines)
    try:
        with lines.clock if console.is_terminal else nullcontext():
            yield lines
    finally:
        steps.removeHandler(lines)
        progress_log.removeHandler(lines)


@contextmanager
def output_in(path: Path) -> Iterator[Console]:
    """Send what this process, its libraries and its children print to `path`; gives the real terminal.

    Redirected at the level of file descriptors, since native code and worker processes print too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    terminal: TextIO = os.fdopen(os.dup(saved[0]), "w", encoding="utf-8", buffering=1)
    with path.open("ab", buffering=0) as file, terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield Console(file=terminal, force_terminal=True if terminal.isatty() else None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])
