"""`forestall backtest staffing`: plans made from forecasts of the past, lived through with the contacts that came.

At each weekly cutoff a plan is made from what would have been published then, and beside it from last week's contacts,
by Erlang C on the forecast's mean, and knowing the future. Prints the table and writes it, and the days it is made of,
to `var/backtests/staffing/`.
"""

from datetime import date

import numpy as np
import pandas as pd

from features.aside import written_aside
from forestall.jobs.backtest_volume import Walked, walk
from forestall.jobs.plan_staffing import what_is_known
from forestall.night import Night
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.staffing.lived import live_through, plans, summary
from forestall.warehouse import open_warehouse
from models.volume.handle_time import week_of_handle_times
from models.volume.params import volume_params

SEED = 20
DAYS, PLANS = "days.parquet", "plans.parquet"  # files of the folder


def backtest_staffing(settings: Settings, cutoffs: int = 9, horizon_days: int = 7) -> Summary:
    """Live through the last `cutoffs` Mondays' plans.

    Returns:
        Share of queue days within standard and agent hours of each plan, and the folder.

    Raises:
        ConfigError: there is no contact to live through, no queue in which customers wait, or the history is too short.
    """
    walked = walk(settings, cutoffs, horizon_days, has_outsiders=False)
    interval_s = settings.volume.interval_minutes * 60
    with open_warehouse(settings, "backtest_staffing") as warehouse:
        known, _ = what_is_known(warehouse, Night(settings, walked.cutoffs[0]))
    planned = plans(_rows(walked), known, settings.service_level, interval_s)
    if planned.empty:
        raise ConfigError("backtest: no queue has customers who wait for an agent; standards.yml says which do")
    lived = live_through(planned, settings.service_level, interval_s, SEED)
    table = summary(lived)
    print(table.round(3).to_string(index=False))  # noqa: T201 - the command's output
    told = {
        f"{row['plan']}_{name}": round(float(row[name]), 4)
        for row in table.to_dict("records")
        for name in ("days_in_standard", "agent_hours")
    }
    return {**told, "cutoffs": cutoffs, "folder": _write(settings, lived, table)}


def _rows(walked: Walked) -> pd.DataFrame:
    """What was scored, with the queue's channel, each interval's instant, and the handle time known at the cutoff."""
    scored, histories = walked.scored, walked.known.histories
    grid = next(iter(histories.values())).grid
    day = grid.dates.get_indexer(pd.DatetimeIndex(scored["day_on"]))
    slot = scored["slot"].to_numpy(int)
    instants = pd.Series(pd.DatetimeIndex(grid.instants), index=grid.cells)
    instants = instants[~instants.index.duplicated()]  # of an hour that comes twice, the first
    handle = np.full(len(scored), np.nan)
    for cutoff in walked.cutoffs:
        handle_of = _handle_times(walked, cutoff)
        own = np.flatnonzero(scored["cutoff_on"] == pd.Timestamp(cutoff))
        weekday = scored["day_on"].iloc[own].dt.day_of_week.to_numpy()
        queues = scored["queue"].iloc[own].to_numpy()
        for queue in np.unique(queues):  # a handful
            mine = queues == queue
            handle[own[mine]] = handle_of[str(queue)][weekday[mine], slot[own[mine]]]
    rows = scored.assign(
        channel=scored["queue"].map({queue: own.channel for queue, own in histories.items()}),
        interval_start_at=instants.reindex(day * grid.slots + slot).to_numpy(),
        local_on=scored["day_on"], handle_time_s=handle,
    )  # fmt: skip
    return rows.dropna(subset="interval_start_at")  # an hour that a clock change leaves out


def _handle_times(walked: Walked, cutoff: date) -> dict[str, np.ndarray]:
    histories = walked.known.histories
    first = next(iter(histories.values()))
    weekdays = first.days["weekday"].to_numpy()[: first.grid.day_index(cutoff)]
    as_then = {queue: own.as_of(cutoff) for queue, own in histories.items()}
    return dict(week_of_handle_times(as_then, weekdays, volume_params().handle_time))


def _write(settings: Settings, lived: pd.DataFrame, table: pd.DataFrame) -> str:
    folder = settings.var_path / "backtests" / "staffing"
    for name, rows in ((DAYS, lived), (PLANS, table)):
        with written_aside(folder / name) as aside:
            rows.to_parquet(aside, index=False)
    return str(folder)
