"""Time and peak memory of each step of a night, beside the bare work on the same data in the same run.

`python -m benchmarks.night small` makes the demo company, runs its first night and the night after it,
each step in a process of its own, and after each step its bare counterpart (`benchmarks.bare`).
`medium` is ten times as many customers over thirty months. With `--write FILE` the table goes there too.

Peak memory is the greatest resident set of the step's process or of one of its children. Seconds are
of the work itself, without starting Python; what a step of ours imports and prepares counts, what the
bare work needs to be prepared does not.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from forestall.jobs import NIGHT

ROOT = Path(__file__).parents[1]
SIZES = {"small": (1.0, date(2024, 9, 1)), "medium": (10.0, date(2023, 9, 1))}


@dataclass(frozen=True)
class Cost:
    """Seconds of work and megabytes at the peak."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Line:
    """One step of one night; `bare` is None where no library could do it alone."""

    night: str
    step: str
    ours: Cost
    bare: Cost | None


def main() -> None:
    """Run the benchmark, or (called by itself) one step of it."""
    parser = argparse.ArgumentParser(prog="benchmarks.night", description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--write", type=Path, help="also write the table to this file")
    parser.add_argument("--folder", type=Path, help="where the company lives; var/bench/<size> by default")
    parser.add_argument("--child", nargs=4, metavar=("KIND", "STEP", "RUN_DATE", "SINCE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = (arguments.folder or ROOT / "var" / "bench" / arguments.size).resolve()
    if arguments.child:
        kind, step, run_date, since = arguments.child
        _be_a_child(folder, kind, step, date.fromisoformat(run_date), float(since))
        return
    lines = []
    for line in _run(arguments.size, folder):
        lines.append(line)
        print(_row(line), flush=True)
    table = markdown(arguments.size, lines)
    print(f"\n{table}")
    if arguments.write:
        arguments.write.write_text(table, encoding="utf-8")


def _run(size: str, folder: Path) -> Iterator[Line]:
    """Make the company, then the first night and the second."""
    from forestall.demo.company import make_company, play

    scale, since = SIZES[size]
    company = make_company(folder, scale=scale, since=since)
    first = company.run_date
    yield from _night(size, folder, "first", first, 0.0)
    pulled_at = time.time()
    play(folder, first + timedelta(days=1))
    yield from _night(size, folder, "second", first + timedelta(days=1), pulled_at)


def _night(size: str, folder: Path, name: str, run_date: date, since: float) -> Iterator[Line]:
    from benchmarks.bare import BARE

    for step in NIGHT:
        ours = _in_a_process(size, folder, "step", step, run_date, since)
        bare = _in_a_process(size, folder, "bare", step, run_date, since) if step in BARE else None
        yield Line(name, step, ours, bare)


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
    """The table as it stands in `docs/benchmarks.md`, with a sum for each night."""
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
        seconds = sum(line.ours.seconds for line in of_night)
        bare = sum(line.bare.seconds for line in of_night if line.bare)
        peak = max(line.ours.peak_mb for line in of_night)
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
