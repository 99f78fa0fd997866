"""Time and peak memory of each step of a night, beside the bare work on the same data in the same run.

`python -m benchmarks.night small` makes the demo company, runs its first night and the night after it,
each step in a process of its own, and after each step its bare counterpart (`benchmarks.bare`). After the
steps of a night the same night is run as users run it, `forestall nightly` in one process, beside the sum
of the bare work. A night cannot be run twice over on the same data, so the command has a copy of the
company of its own, made before the first night; both copies live through the same days.
`medium` is ten times as many customers over thirty months; `--steps` leaves the whole commands out and
halves the time. With `--write FILE` the table goes there too.

Peak memory is the greatest resident set of the step's process or of one of its children. Seconds are
of the work itself, without starting Python; what a step of ours imports and prepares counts, what the
bare work needs to be prepared does not. Of the whole command everything counts, starting Python too.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from forestall.jobs import NIGHT

ROOT = Path(__file__).parents[1]
WHOLE = "forestall nightly"
SIZES = {"small": (1.0, date(2024, 9, 1)), "medium": (10.0, date(2023, 9, 1))}


@dataclass(frozen=True)
class Cost:
    """Seconds of work and megabytes at the peak."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Line:
    """One step of one night, or the `WHOLE` of it; `bare` is None where no library could do it alone."""

    night: str
    step: str
    ours: Cost
    bare: Cost | None


def main() -> None:
    """Run the benchmark, or (called by itself) one step of it."""
    parser = argparse.ArgumentParser(prog="benchmarks.night", description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--write", type=Path, help="also write the table to this file")
    parser.add_argument("--steps", action="store_true", help="leave the whole commands out")
    parser.add_argument("--folder", type=Path, help="where the company lives; var/bench/<size> by default")
    parser.add_argument("--child", nargs=4, metavar=("KIND", "STEP", "RUN_DATE", "SINCE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = (arguments.folder or ROOT / "var" / "bench" / arguments.size).resolve()
    if arguments.child:
        kind, step, run_date, since = arguments.child
        _be_a_child(folder, kind, step, date.fromisoformat(run_date), float(since))
        return
    lines = []
    for line in _run(arguments.size, folder, is_whole=not arguments.steps):
        lines.append(line)
        print(_row(line), flush=True)
    table = markdown(arguments.size, lines)
    print(f"\n{table}")
    if arguments.write:
        arguments.write.write_text(table, encoding="utf-8")


def _run(size: str, folder: Path, *, is_whole: bool) -> Iterator[Line]:
    """Make the company, then the first night and the second."""
    from forestall.demo.company import make_company, play

    scale, since = SIZES[size]
    whole = folder.with_name(f"{folder.name}-whole")
    for left in (folder / "var", whole):  # beside an earlier benchmark's warehouse no night would be the first
        shutil.rmtree(left, ignore_errors=True)
    company = make_company(folder, scale=scale, since=since)
    if is_whole:
        shutil.copytree(folder, whole)
    pulled_at = 0.0
    for name, run_date in (("first", company.run_date), ("second", company.run_date + timedelta(days=1))):
        play(folder, run_date)
        bares = []
        for line in _steps(size, folder, name, run_date, pulled_at):
            bares += [line.bare] if line.bare else []
            yield line
        if is_whole:
            play(whole, run_date)
            together = Cost(sum(bare.seconds for bare in bares), max(bare.peak_mb for bare in bares))
            yield Line(name, WHOLE, _whole_night(whole, run_date), together)
        pulled_at = time.time()


def _steps(size: str, folder: Path, name: str, run_date: date, since: float) -> Iterator[Line]:
    from benchmarks.bare import BARE

    for step in NIGHT:
        ours = _in_a_process(size, folder, "step", step, run_date, since)
        bare = _in_a_process(size, folder, "bare", step, run_date, since) if step in BARE else None
        yield Line(name, step, ours, bare)


def _whole_night(folder: Path, run_date: date) -> Cost:
    """`forestall nightly`, from its start to its end."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "forestall", "nightly", "--config", str(folder / "forestall.toml")]
    process = subprocess.Popen([*command, "--run-date", run_date.isoformat()], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)  # unlike `wait` it tells the memory of this child alone
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(
            f"forestall nightly of {run_date} ended with {process.returncode}; see {folder / 'var' / 'logs'}"
        )
    return Cost(round(time.perf_counter() - began, 2), round(used.ru_maxrss / 1024))


def _in_a_process(size: str, folder: Path, kind: str, step: str, run_date: date, since: float) -> Cost:
    child = [kind, step, run_date.isoformat(), repr(since)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.night", size, "--folder", str(folder), "--child", *child],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _be_a_child(folder: Path, kind: str, step: str, run_date: date, since: float) -> None:
    """Do one piece of work and print its cost as the last line."""
    from forestall.settings import load_settings

    settings = load_settings(folder / "forestall.toml")
    work: Callable[[], object]
    if kind == "step":
        from forestall.scheduling.steps import run_step

        def work() -> object:
            return run_step(settings, step, run_date)
    else:
        from benchmarks.bare import BARE

        work = BARE[step](settings, run_date, since)

    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    peak_kb = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps(asdict(Cost(round(seconds, 2), round(peak_kb / 1024)))))


def markdown(size: str, lines: list[Line]) -> str:
    """The table as it stands in `docs/benchmarks.md`, with a sum of each night's steps."""
    head = [
        f"## {size}",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "",
        "| night | step | seconds | peak MB | bare seconds | bare MB | ratio |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    rows = []
    for night in dict.fromkeys(line.night for line in lines):
        of_night = [line for line in lines if line.night == night]
        steps = [line for line in of_night if line.step != WHOLE]
        seconds = sum(line.ours.seconds for line in steps)
        bare = sum(line.bare.seconds for line in steps if line.bare)
        peak = max(line.ours.peak_mb for line in steps)
        rows += [_row(line) for line in of_night]
        rows.append(f"| **{night}** | **all steps** | **{seconds:.1f}** | **{peak:.0f}** | **{bare:.1f}** | | |")
    return "\n".join([*head, *rows, ""])


def _row(line: Line) -> str:
    cells = [line.night, line.step, f"{line.ours.seconds:.1f}", f"{line.ours.peak_mb:.0f}"]
    if line.bare is None:
        cells += ["", "", ""]
    else:
        ratio = line.ours.seconds / line.bare.seconds if line.bare.seconds else float("nan")
        cells += [f"{line.bare.seconds:.1f}", f"{line.bare.peak_mb:.0f}", f"{ratio:.1f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
