"""Rolling-origin backtests: what each candidate would have said at earlier cutoffs, and what came.

A stored backtest is keyed by everything that it was made from (what was known of all queues at the
cutoff, their calendar and events, the parameters), so it is valid as long as it is found, and a
night fits only the cutoffs that it lacks: one a week.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.aside import written_aside
from models.volume.candidates import MEMBERS, MOVED, Candidates, Mapper, forecast_candidates
from models.volume.history import History
from models.volume.outliers import find_gaps
from models.volume.params import VolumeParams

WEEK = timedelta(days=7)
STORED = {
    "queue": "str", "key": "str", "day_on": "datetime64[s]", "slot": "int64", "lead_days": "int64",
    **dict.fromkeys((*MEMBERS, *MOVED), "float64"),
}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """How far a forecast looks: ahead and back, in days."""

    horizon_days: int
    history_days: int


def weekly_cutoffs(run_date: date, count: int) -> list[date]:
    """The last `count` Mondays whose first week has passed on the run date, oldest first.

    Whole weeks from a Monday: all nights of a week share them, and only one is new each week.
    """
    latest = learned_on(run_date) - WEEK
    return [latest - WEEK * step for step in range(count)][::-1]


def learned_on(run_date: date) -> date:
    """The Monday as of which all nights of a week learn: what is learned is refreshed once a week.

    Each night another day of long leads is known. Learned nightly, weights that are nearly as good as one another
    would change places from night to night, and the plan with them, although no cutoff is new.
    """
    return run_date - timedelta(days=run_date.weekday())


def backtest(
    histories: Mapping[str, History], events: pd.DataFrame, cutoffs: Sequence[date], span: Span,
    params: VolumeParams, folder: Path | None, run: Mapper = map,
) -> pd.DataFrame:  # fmt: skip
    """All candidates at each cutoff: stored ones where there are any, new fits elsewhere.

    Args:
        histories: of all queues.
        events: business events with `known_on`.
        cutoffs: earlier run dates. A queue without history at a cutoff has no rows for it.
        span: days ahead and back.
        params: of the models.
        folder: where backtests are kept, a file a cutoff; None keeps none.
        run: how fits are mapped.

    Returns:
        queue, cutoff_on, day_on, slot, lead_days, MEMBERS and MOVED: contacts an interval in every cell
        that accepts contacts.
    """
    kept, missing = {}, {}
    for cutoff in cutoffs:
        keys = backtest_keys(histories, events, cutoff, span, params)
        stored = _read(folder, cutoff)
        kept[cutoff] = stored[stored["key"].isin(keys.values())]
        found = set(kept[cutoff]["key"].unique())
        missing[cutoff] = {queue: key for queue, key in keys.items() if key not in found}
    fresh = _fit(histories, events, missing, span, params, run)
    frames = []
    for cutoff in cutoffs:
        rows = pd.concat([kept[cutoff], fresh[cutoff]], ignore_index=True) if len(fresh[cutoff]) else kept[cutoff]
        if folder is not None and len(fresh[cutoff]):
            _write(folder, cutoff, rows)
        frames.append(rows.drop(columns="key").assign(cutoff_on=pd.Timestamp(cutoff)))
    every = (
        pd.concat(frames, ignore_index=True)
        if frames
        else _no_rows().drop(columns="key").assign(cutoff_on=np.datetime64("NaT", "s"))
    )
    return every.sort_values(["queue", "cutoff_on", "day_on", "slot"], kind="stable", ignore_index=True)


def with_actuals(
    rows: pd.DataFrame, histories: Mapping[str, History], known_on: date, params: VolumeParams
) -> pd.DataFrame:
    """Rows (queue, day_on, slot, ...) whose day has passed, with the `contacts` an interval known by then.

    Days without data (gaps) are no zeros: they are left out.
    """
    frames = []
    for queue, own in rows[rows["day_on"] < pd.Timestamp(known_on)].groupby("queue", sort=False):
        if str(queue) not in histories:
            continue
        history = histories[str(queue)]
        actual = history.as_of(known_on).contacts
        accepts = history.accepts[: len(actual)]
        weekday = history.days["weekday"].to_numpy()[: len(actual)]
        is_gap = find_gaps(actual.sum(axis=1), weekday, np.asarray(accepts.any(axis=1)), params.outliers)
        day = (own["day_on"] - pd.Timestamp(history.grid.first_on)).dt.days.to_numpy()
        slot = own["slot"].to_numpy()
        contacts = actual[day, slot] / np.maximum(history.grid.multiplicity[day, slot], 1)
        frames.append(own.assign(contacts=contacts)[~is_gap[day]])
    return pd.concat(frames, ignore_index=True) if frames else rows.iloc[:0].assign(contacts=0.0)


def candidate_rows(
    queue: str, history: History, candidates: Candidates, horizon_days: int | None = None
) -> pd.DataFrame:
    """The candidates' matrices, up to `horizon_days`: queue, day_on, slot, lead_days, MEMBERS and MOVED."""
    basis = candidates.basis
    day, slot = np.nonzero(basis.intervals[basis.ahead][:horizon_days] > 0)
    return pd.DataFrame(
        {
            "queue": queue,
            "day_on": history.grid.dates[basis.end : basis.until][day],
            "slot": slot,
            "lead_days": day + 1,
            **{member: getattr(candidates, member)[day, slot] for member in MEMBERS},
            **{name: values[day, slot] for name, values in candidates.moved.items()},
        }
    )


def _fit(
    histories: Mapping[str, History], events: pd.DataFrame, missing: Mapping[date, Mapping[str, str]], span: Span,
    params: VolumeParams, run: Mapper,
) -> dict[date, pd.DataFrame]:  # fmt: skip
    """Fits what is missing. All queues are fitted along with one, since their keys change together."""
    cutoffs = [cutoff for cutoff, queues in missing.items() if queues]
    found = forecast_candidates(histories, events, cutoffs, span.horizon_days, span.history_days, params, run)
    frames: dict[date, list[pd.DataFrame]] = {cutoff: [] for cutoff in missing}
    for (queue, cutoff), candidates in found.items():
        if queue in missing[cutoff]:
            rows = candidate_rows(queue, histories[queue], candidates)
            frames[cutoff].append(rows.assign(key=missing[cutoff][queue]))
    return {
        cutoff: pd.concat(own, ignore_index=True).astype(STORED) if own else _no_rows()
        for cutoff, own in frames.items()
    }


def backtest_keys(
    histories: Mapping[str, History], events: pd.DataFrame, cutoff: date, span: Span, params: VolumeParams
) -> dict[str, str]:
    """A hash of everything that goes into each queue's candidates; queues of which nothing was known yet have none.

    All queues lend one another what holidays and events do, so all are in each key.
    """
    known = events[pd.to_datetime(events["known_on"]).fillna(pd.Timestamp.min) < pd.Timestamp(cutoff)]
    own = history_digests(histories, cutoff, span)
    common = f"{params.candidates_hash} {span} {known.to_csv(index=False)}".encode()
    common += b"".join(own[queue] for queue in sorted(own))
    return {queue: hashlib.blake2b(common + queue.encode(), digest_size=16).hexdigest() for queue in own}


def history_digests(histories: Mapping[str, History], cutoff: date, span: Span) -> dict[str, bytes]:
    """A hash of what was known of each queue at the cutoff; queues without any contact by then have none."""
    digests = {}
    for queue, history in histories.items():
        grid = history.grid
        first = grid.day_index(cutoff - timedelta(days=span.history_days))
        until = grid.day_index(cutoff + timedelta(days=span.horizon_days))
        series = history.as_of(cutoff)
        if not series.contacts[first:].any():
            continue
        digest = hashlib.blake2b(f"{queue} {history.channel}".encode(), digest_size=16)
        for part in (series.contacts[first:], history.accepts[first:until]):
            digest.update(np.ascontiguousarray(part).tobytes())
        digest.update(pd.util.hash_pandas_object(history.days.iloc[first:until]).to_numpy().tobytes())
        digests[queue] = digest.digest()
    return digests


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in STORED}).astype(STORED)


def _read(folder: Path | None, cutoff: date) -> pd.DataFrame:
    path = folder / f"{cutoff}.parquet" if folder else None
    rows = pd.read_parquet(path) if path and path.is_file() else _no_rows()
    # A file of before a candidate joined lacks its column, and none of its keys can be found any more.
    return rows.astype(STORED) if set(STORED) <= set(rows.columns) else _no_rows()


def _write(folder: Path, cutoff: date, rows: pd.DataFrame) -> None:
    with written_aside(folder / f"{cutoff}.parquet") as aside:
        rows.loc[:, list(STORED)].to_parquet(aside, index=False)
