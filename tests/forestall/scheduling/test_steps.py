import errno
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from features.gates import GateFailedError
from forestall import jobs
from forestall.jobs import NIGHT
from forestall.night import Night
from forestall.records import steps_of
from forestall.scheduling.steps import ExitCode, exit_code, one_line, run_step
from forestall.settings import ConfigError, Settings
from forestall.warehouse_lock import WarehouseBusyError

Company = Callable[[str], Settings]
DAY = date(2026, 3, 1)


@pytest.fixture
def as_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Puts a job of one's own in the place of a real one; its body is Python."""
    folder = tmp_path / "jobs"
    folder.mkdir()
    monkeypatch.setattr(jobs, "__path__", [str(folder), *jobs.__path__])
    replaced = []

    def put(name: str, body: str) -> None:
        (folder / f"{name}.py").write_text(f"def {name}(settings, run_date):\n    {body}\n")
        monkeypatch.delitem(sys.modules, f"forestall.jobs.{name}", raising=False)
        replaced.append(name)

    yield put
    for name in replaced:
        sys.modules.pop(f"forestall.jobs.{name}", None)


def test_a_step_leaves_a_record_of_what_came_of_it(company: Company, as_job: Callable[[str, str], None]) -> None:
    settings = company("")
    as_job("pull", "return {'rows': 3}")
    as_job("check_batch", "raise ValueError('first line\\nsecond line')")
    assert run_step(settings, "pull", DAY) == {"rows": 3}
    with pytest.raises(ValueError, match="first line"):
        run_step(settings, "check_batch", DAY)
    pull, check = steps_of(Night(settings, DAY), NIGHT)
    assert (pull.job, pull.status, pull.summary) == ("pull", "done", {"rows": 3})
    assert (check.job, check.status, check.error, check.exit_code) == ("check_batch", "failed", "first line", 1)


def test_a_step_that_reads_another_nights_marts_is_refused(
    company: Company, as_job: Callable[[str, str], None]
) -> None:
    settings = company("")
    for name in ("build_features", "score_churn", "pull"):
        as_job(name, "return {}")
    run_step(settings, "build_features", DAY)
    run_step(settings, "score_churn", DAY)
    run_step(settings, "build_features", date(2026, 3, 2))
    run_step(settings, "pull", DAY)
    with pytest.raises(ConfigError, match="the warehouse stands at the night of 2026-03-02; run `forestall job build"):
        run_step(settings, "score_churn", DAY)
    with pytest.raises(ConfigError, match="stands at the night of 2026-03-02"):
        run_step(settings.for_backfill(), "score_churn", date(2026, 3, 2))


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (GateFailedError("gate x"), ExitCode.GATE, "gate x"),
        (ConfigError("mend it"), ExitCode.MEND, "mend it"),
        (WarehouseBusyError("held"), ExitCode.BUSY, "held"),
        (OSError(errno.ENOSPC, "No space left on device", "var/x"), ExitCode.MEND, "var/x: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "var"), ExitCode.MEND, "var: Permission denied"),
        (duckdb.IOException("disk"), ExitCode.MEND, "disk"),
        (duckdb.TransactionException("Failed to commit"), ExitCode.MEND, "Failed to commit"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), ExitCode.DEFECT, "[Errno 2] No such file: 'x'"),
        (ZeroDivisionError(), ExitCode.DEFECT, "ZeroDivisionError"),
    ],
)
def test_every_error_has_one_line_and_a_code(error: Exception, code: ExitCode, told: str) -> None:
    assert (exit_code(error), one_line(error)) == (code, told)


def test_a_full_disk_is_told_as_one_whatever_a_library_makes_of_it() -> None:
    with sqlite3.connect(":memory:") as store:
        store.execute("CREATE TABLE runs (name TEXT)")
        store.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            store.execute("INSERT INTO runs VALUES (?)", ("x" * 100_000,))
    store.close()
    with pytest.raises(OSError, match="No space") as no_space, Path("/dev/full").open("w") as file:
        file.write("x")
    for cause in (full.value, no_space.value):
        wrapped = RuntimeError("the run could not be logged")
        wrapped.__cause__ = cause
        assert exit_code(wrapped) == ExitCode.MEND
        assert one_line(wrapped) == f"{cause}; make room, then run it again"
    in_dbt = RuntimeError("dbt: fct_x: Runtime Error\n  Could not write file: No space left on device")
    assert (exit_code(in_dbt), one_line(in_dbt)) == (
        ExitCode.MEND, "Could not write file: No space left on device; make room, then run it again",
    )  # fmt: skip
    assert exit_code(RuntimeError("the hall is full")) == ExitCode.DEFECT


def test_an_unknown_job_is_refused(company: Company) -> None:
    with pytest.raises(KeyError):
        run_step(company(""), "no_such_job", DAY)
