"""Makes a demo company and lets it live on.

`make_company` writes a complete folder: configuration, reviewed YAML, source files, and the truth
apart in `truth/`, which no source is mapped to. `play` lets further days happen, under given actions
and agents or under the company's own habits. The pipeline reads `data/` alone.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd

from forestall.demo import life, truth
from forestall.demo.batch import Array, stack
from forestall.demo.business_year import Day, day_number, day_of
from forestall.demo.export import customer_positions, file_rows
from forestall.demo.life import State
from forestall.demo.parameters import EPOCH, FIRST_RUN, QUEUES
from forestall.demo.prospects import customer_truth
from forestall.demo.records import Records, day_records, latest
from forestall.demo.snapshots import snapshot_frames
from forestall.demo.storage import FORMATS, load_state, save_state, write_bytes, write_frame

_SETTLING_DAYS = 60  # lived before the first day on record, so that memories are not empty on it
_PAGES = Path(__file__).parent / "pages"
_TEMPLATES = Path(__file__).parents[1] / "templates"
_STATE = Path("truth") / "state.npz"


@dataclass(frozen=True)
class Company:
    """A demo company on disk.

    Attributes:
        folder: where it is.
        run_date: the day it has not lived yet: the next night's run date.
    """

    folder: Path
    run_date: date

    @property
    def config(self) -> Path:
        return self.folder / "forestall.toml"

    @property
    def truth(self) -> Path:
        return self.folder / "truth"


def make_company(
    folder: Path,
    *,
    seed: int = 20,
    world: str = "base",
    until: date | None = None,
    since: date = EPOCH,
    scale: float = 1.0,
) -> Company:
    """Write a company with its history.

    Args:
        folder: where; what an earlier company left in `data/` and `truth/` there is replaced, an
            `.env` with a key is kept.
        seed: varies everything that is random.
        world: `base`, or another world's name (`forestall.demo.parameters.world_parameters`).
        until: the first day that is not lived; the first run date.
        since: first day on record.
        scale: size; 1 is twenty thousand customers.
    """
    until = until or FIRST_RUN
    for old in ("data", "truth"):
        shutil.rmtree(folder / old, ignore_errors=True)
    state = life.create(seed, world, scale, day_number(since) - _SETTLING_DAYS)
    for _ in range(_SETTLING_DAYS):
        life.live_day(state)
    state.held, state.planted = {}, {}
    archive = until.replace(day=1)
    # What changes after its month is told again by the file of a later one, as a real archive would.
    for stem, days in groupby(_days(folder, state, until), lambda lived: _stem(lived[0], archive)):
        _write_days(folder, stem, [records for _, records in days], state)
    _write_snapshots(folder, state)
    _write_pages(folder, until)
    save_state(folder / _STATE, state)
    truth.write_manifest(folder / "truth", state)
    return Company(folder, until)


def play(
    folder: Path,
    until: date,
    actions: pd.DataFrame | Callable[[date], pd.DataFrame] | None = None,
    agents: pd.DataFrame | None = None,
) -> None:
    """Let the company live on, day by day, to (not including) `until`; writes new files only.

    A day's files are written before the state moves on, so a day that was interrupted is lived again
    and gives the same files.

    Args:
        folder: a company of `make_company`.
        until: the first day that is not lived.
        actions: outreach of these days: customer_id (the company's own), action, offer, channel,
            happened_at, and row_id of the list where there is one; None for the company's own habit. Or a
            function that gives those of a day when its morning comes and the days before it are written.
        agents: people at work: queue, interval_start_at, agents; where nothing is said the company's
            own plan holds.

    Raises:
        FileNotFoundError: there is no company in `folder`.
    """
    state = current_state(folder)
    while day_of(state.day).on < until:
        day = day_of(state.day)
        if day.on.day == 1:
            _write_customer_truth(folder, state)
        today = actions(day.on) if callable(actions) else actions
        rows = life.live_day(state, _actions_of(today, day), _agents_of(agents, day))
        _write_days(folder, day.on.isoformat(), [{**day_records(rows, state), **truth.day_records(rows, state)}], state)
        save_state(folder / _STATE, state)
    _write_snapshots(folder, state)
    truth.write_manifest(folder / "truth", state)


def truth_now(folder: Path) -> pd.DataFrame:
    """The truth about each customer on the morning of the company's next run date (`prospects.customer_truth`).

    Raises:
        FileNotFoundError: there is no company in `folder`.
    """
    return customer_truth(current_state(folder))


def current_state(folder: Path) -> State:
    """All that the company's tomorrow depends on, on the morning of its next run date.

    Raises:
        FileNotFoundError: there is no company in `folder`.
    """
    return load_state(folder / _STATE)


def load_company(folder: Path) -> Company:
    """A company that was made before.

    Raises:
        FileNotFoundError: there is none.
    """
    return Company(folder, day_of(current_state(folder).day).on)


def _days(folder: Path, state: State, until: date) -> Iterator[tuple[Day, Records]]:
    """Live to `until`, and give what each day left."""
    while day_of(state.day).on < until:
        if day_of(state.day).on.day == 1:
            _write_customer_truth(folder, state)
        rows = life.live_day(state)
        yield rows.day, {**day_records(rows, state), **truth.day_records(rows, state)}


def _stem(day: Day, archive: date) -> str:
    """Whole months before the first run date are one file, later days one each."""
    return day.on.strftime("%Y-%m") if day.on < archive else day.on.isoformat()


def _write_days(folder: Path, stem: str, days: Sequence[Records], state: State) -> None:
    """The files of one day or one month."""
    for name in days[0]:
        records = stack(*(day[name] for day in days))
        if name.startswith("truth/"):
            write_frame(folder / f"{name}_{stem}.parquet", truth.file_rows(name, records))
        else:
            frame = file_rows(name, latest(records), state.people)
            write_frame(folder / "data" / f"{name}_{stem}.{FORMATS[name]}", frame)


def _write_customer_truth(folder: Path, state: State) -> None:
    write_frame(folder / "truth" / f"customers_{day_of(state.day).on}.parquet", customer_truth(state))


def _write_snapshots(folder: Path, state: State) -> None:
    for name, frame in snapshot_frames(state).items():
        write_frame(folder / "data" / f"{name}.{FORMATS[name]}", frame)


def _write_pages(folder: Path, run_date: date) -> None:
    """Configuration, reviewed YAML, and a key where there is none."""
    var = ".." if folder.name == "demo" and folder.parent.name == "var" else "var"
    for page in sorted(_PAGES.iterdir()):
        text = Template(page.read_text(encoding="utf-8")).substitute(run_date=run_date.isoformat(), var=var)
        write_bytes(folder / page.name, text.encode("utf-8"))
    shutil.copyfile(_TEMPLATES / "playbook.yml", folder / "playbook.yml")  # the demo acts by the book as it comes
    shutil.copytree(_TEMPLATES / "scripts", folder / "scripts", dirs_exist_ok=True)
    key = folder / ".env"
    if not key.is_file() or "FORESTALL_SECRET_KEY=" not in key.read_text(encoding="utf-8"):
        write_bytes(key, f"FORESTALL_SECRET_KEY={secrets.token_hex(32)}\n".encode())
    key.chmod(0o600)


def _actions_of(actions: pd.DataFrame | None, day: Day) -> pd.DataFrame | None:
    """The given actions of a day, in positions and seconds, in an order that does not depend on the caller's."""
    if actions is None:
        return None
    instants = pd.to_datetime(actions["happened_at"], utc=True).astype("datetime64[s, UTC]")
    frame = pd.DataFrame(
        {
            "customer": customer_positions(actions["customer_id"].astype(str)),
            "action": actions["action"],
            "offer": actions["offer"],
            "channel": actions["channel"],
            "second": instants.astype("int64"),
            "row_id": actions.get("row_id", ""),
        }
    )
    today = frame[(frame["second"] >= day.start) & (frame["second"] < day.end)]
    return today.sort_values(["second", "customer", "action"], kind="stable").reset_index(drop=True)


def _agents_of(agents: pd.DataFrame | None, day: Day) -> Array | None:
    """People at work by queue x interval of a day; NaN where nothing is said."""
    if agents is None:
        return None
    seconds = pd.to_datetime(agents["interval_start_at"], utc=True).astype("datetime64[s, UTC]").astype("int64")
    is_today = ((seconds >= day.start) & (seconds < day.end)).to_numpy()
    given = np.full((len(QUEUES), len(day.starts)), np.nan)
    positions = agents["queue"].map({queue.key: number for number, queue in enumerate(QUEUES)})
    given[positions[is_today].astype(int), day.interval_of(seconds[is_today].to_numpy())] = agents["agents"][is_today]
    return given
