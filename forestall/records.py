"""What is written down of each step of a night: one small JSON file in `var/runs/<run date>/steps/`.

Whoever watches reads these: progress, the closing table, the report, the alerts. A step that was killed
leaves a record that says `running`.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from features.aside import written_aside

if TYPE_CHECKING:  # a DAG file names jobs and must parse without pandas
    from forestall.night import Night

log = logging.getLogger(__name__)
progress_log = logging.getLogger("forestall.progress")

LINE_END = " | "  # parts the lines of `notes` in a summary

# What a job tells whoever watches.
Summary = Mapping[str, int | float | str]


@dataclass(frozen=True)
class Step:
    """What came of one step.

    Attributes:
        job: name of the job.
        run_date: the night, ISO.
        started_at: UTC instant, ISO.
        status: `running` also where the process was killed.
        seconds: how long it took.
        summary: what the job gave back.
        error: one line; empty unless it failed.
        exit_code: what a process that ends with this step should exit with.
    """

    job: str
    run_date: str
    started_at: str
    status: Literal["running", "done", "failed"] = "running"
    seconds: float = 0.0
    summary: Summary = field(default_factory=dict)
    error: str = ""
    exit_code: int = 0


def write_step(night: "Night", step: Step) -> None:
    """Put the record in place of an earlier one, and into the log."""
    write_json(_folder(night) / f"{step.job}.json", asdict(step))
    log.info("%s %s: %s %s", step.job, step.run_date, step.status, step.error, extra={"step": step})


def note_progress(job: str, told: str) -> None:
    """Tell whoever watches how far a running step has come; nothing is written down."""
    progress_log.debug("%s: %s", job, told, extra={"progress": (job, told)})


def steps_of(night: "Night", names: Iterable[str]) -> list[Step]:
    """The records of those jobs that there are, in the order in which the jobs are named."""
    files = {path.stem: path for path in _folder(night).glob("*.json")}
    return [Step(**json.loads(files[name].read_text(encoding="utf-8"))) for name in names if name in files]


def notes_of(steps: Iterable[Step]) -> dict[str, list[str]]:
    """What jobs noticed, line by line (`notes` of a summary, parted by `LINE_END`), by job; those that noticed any."""
    told = {step.job: str(step.summary.get("notes", "")).split(LINE_END) for step in steps}
    lines = {job: [line.strip() for line in some if line.strip()] for job, some in told.items()}
    return {job: some for job, some in lines.items() if some}


def write_json(path: Path, values: dict[str, Any]) -> None:
    """A small file that somebody may be reading."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(values, default=str) + "\n", encoding="utf-8")


def _folder(night: "Night") -> Path:
    return night.folder / "steps"
