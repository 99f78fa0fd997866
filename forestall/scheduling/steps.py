"""One step of a night: run its job, write down what came of it, and say what that means to a scheduler.

The DAG's tasks and the command line run the same steps. Knows nothing of Airflow and nothing of what a job does.
"""

import errno
import json
import logging
import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Any

from forestall.jobs import NIGHT, job
from forestall.night import Night
from forestall.records import Step, Summary, write_json, write_step
from forestall.settings import ConfigError, Settings
from forestall.warehouse_lock import WarehouseBusyError

log = logging.getLogger(__name__)


class ExitCode(IntEnum):
    """What a scheduler learns from the process (docs/architecture.md)."""

    DONE = 0
    DEFECT = 1
    MEND = 2
    GATE = 3
    DEGRADED = 4
    OVERDUE = 5
    BUSY = 75


# What the system says when a disk is full or a folder must not be written: ours to tell, not to fix.
_MENDABLE = {errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS}
# The same as libraries pass it on, with an error of their own around it: the system's words, SQLite's, PostgreSQL's.
_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), os.strerror(errno.EROFS), "database or disk is full",
         "could not extend file")  # fmt: skip


def run_step(settings: Settings, name: str, run_date: date) -> Summary:
    """Run the job `name`; its record and its log lines tell how it went.

    Raises:
        KeyError: there is no such job.
        Exception: whatever the job raised; `exit_code` says what it means.
    """
    run = job(name)
    _claim_marts(settings, name, run_date)
    night = Night(settings, run_date)
    step = Step(name, run_date.isoformat(), datetime.now(UTC).isoformat(timespec="seconds"))
    write_step(night, step)
    began = time.monotonic()
    try:
        summary = run(settings, run_date)
    except BaseException as error:
        seconds = round(time.monotonic() - began, 2)
        failed = replace(step, status="failed", seconds=seconds, error=one_line(error), exit_code=exit_code(error))
        write_step(night, failed)
        raise
    seconds = round(time.monotonic() - began, 2)
    write_step(night, replace(step, status="done", seconds=seconds, summary=dict(summary)))
    return summary


def exit_code(error: BaseException) -> ExitCode:
    """What an error means to a scheduler."""
    import duckdb

    from features.gates import GateFailedError
    from forestall.sources.reading import SourceDownError
    from models.tracking import TrackingError

    if isinstance(error, GateFailedError):
        return ExitCode.GATE
    if isinstance(error, WarehouseBusyError):
        return ExitCode.BUSY
    # With one writer a transaction fails for one reason only: its commit could not be written.
    if isinstance(
        error, ConfigError | SourceDownError | TrackingError | duckdb.IOException | duckdb.TransactionException
    ):
        return ExitCode.MEND
    is_mendable = isinstance(error, OSError) and error.errno in _MENDABLE
    return ExitCode.MEND if is_mendable or _said_of_a_full_disk(error) else ExitCode.DEFECT


def one_line(error: BaseException) -> str:
    """The first line of what an error says, or its kind where it says nothing."""
    if isinstance(error, OSError) and error.errno in _MENDABLE:
        return f"{error.filename or 'disk'}: {error.strerror}"
    full = _said_of_a_full_disk(error)
    if full:
        return f"{full}; make room, then run it again"
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


def _said_of_a_full_disk(error: BaseException) -> str:
    """The line in which a library said so, in the error or in one that it came from; empty where none did."""
    seen: BaseException | None = error
    while seen is not None:
        said = next((line.strip() for line in str(seen).splitlines() if any(words in line for words in _FULL)), "")
        if said:
            return said
        seen = seen.__cause__ or seen.__context__
    return ""


def _claim_marts(settings: Settings, name: str, run_date: date) -> None:
    """The marts hold one night at a time; a step that reads another night's marts would be wrong.

    Under a scheduler every task is a process of its own, so no lock lasts from the first step to the
    last. `build_features` says whose marts these are, and every later step looks; what is run beside
    the night builds what it reads.
    """
    steps = list(NIGHT)
    claim = settings.var_path / "marts_of.json"
    mine: dict[str, Any] = {"run_date": run_date.isoformat(), "is_backfill": settings.is_backfill}
    if name == "build_features":
        write_json(claim, mine)
    elif name in steps[steps.index("build_features") :] and claim.is_file():
        theirs = json.loads(claim.read_text(encoding="utf-8"))
        if theirs != mine:
            raise ConfigError(
                f"{name} {run_date}: the warehouse stands at the night of {theirs['run_date']}; "
                f"run `forestall job build_features --run-date {run_date}` first"
            )
