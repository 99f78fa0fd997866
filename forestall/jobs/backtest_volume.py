"""`forestall backtest volume`: what the night would have forecast at past cutoffs, and what came.

No step of the night, but made of its parts: at each cutoff, weights and spreads are learned from the
cutoffs before it, just as the night does. Prints a table beside the rival and the noise floor.
"""

import os
from datetime import date, timedelta

import pandas as pd

from forestall.history.contacts import ContactHistory, last_contact_on, read_contact_history
from forestall.jobs.forecast_volume import MOST_WORKERS, backtest_folder
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.warehouse import open_warehouse
from models.pool import worker_pool
from models.volume.accuracy import accuracy_rows, bias, coverage_80, noise_floor, wape
from models.volume.backtest import Span, backtest, weekly_cutoffs
from models.volume.forecast import walk_forward
from models.volume.params import volume_params
from models.volume.quantiles import QUANTILE_COLUMNS


def backtest_volume(settings: Settings, cutoffs: int = 9, horizon_days: int = 7) -> Summary:
    """Score the last `cutoffs` Mondays whose first week is known, `horizon_days` ahead, on all open days.

    Returns:
        Over all queues: WAPE of what would have been published, of the rival and of the daily model
        alone, the noise floor, bias, coverage of the 80 % interval, and how much was scored.

    Raises:
        ConfigError: there is no contact to score, or the history is too short for so many cutoffs.
    """
    params, learn_from = volume_params(), settings.volume.backtest_cutoffs
    with open_warehouse(settings, "backtest_volume") as warehouse:
        last_on = last_contact_on(warehouse)
        if last_on is None:
            raise ConfigError("backtest: no contact is known yet; run `forestall nightly` first")
        known_on = last_on + timedelta(days=1)
        first_on = known_on - timedelta(days=7 * (cutoffs + learn_from) + settings.volume.history_days)
        until = known_on + timedelta(days=max(horizon_days, 7) + 7)
        known = read_contact_history(warehouse, settings, known_on, first_on, until)
    known_on = _end_of_open_days(known, known_on)
    every = weekly_cutoffs(known_on, cutoffs + learn_from)
    with worker_pool(min(os.cpu_count() or 1, MOST_WORKERS)) as pool:
        span = Span(horizon_days, settings.volume.history_days)
        rows = backtest(known.histories, known.events, every, span, params, backtest_folder(settings), pool.map)
    scored = walk_forward(rows, known.histories, every[-cutoffs:], learn_from, known_on, params)
    if scored.empty:
        raise ConfigError(f"backtest: no history before {every[-1]}; ask for fewer cutoffs")
    print(accuracy_table(scored, cutoffs))  # noqa: T201 - the command's output
    return _summary(scored)


def accuracy_table(scored: pd.DataFrame, cutoffs: int) -> str:
    """The measures by queue and lead bucket, as text."""
    table = accuracy_rows(scored, cutoffs * 7, "backtest").drop(columns=["window_days", "source"])
    return table.to_string(index=False, float_format="{:.4f}".format)


def _end_of_open_days(known: ContactHistory, known_on: date) -> date:
    """The first day from `known_on` on which any queue accepts contacts: a weekend that is closed is known."""
    for step in range(7):
        day = known_on + timedelta(days=step)
        if any(own.accepts[own.grid.day_index(day)].any() for own in known.histories.values()):
            return day
    return known_on


def _summary(scored: pd.DataFrame) -> Summary:
    actual = scored["contacts"].to_numpy()
    return {
        "wape": round(wape(scored["forecast"].to_numpy(), actual), 4),
        "rival_wape": round(wape(scored["rival"].to_numpy(), actual), 4),
        "daily_wape": round(wape(scored["daily"].to_numpy(), actual), 4),
        "noise_floor_wape": round(noise_floor(actual), 4),
        "bias": round(bias(scored["forecast"].to_numpy(), actual), 4),
        "coverage_80": round(coverage_80(scored[list(QUANTILE_COLUMNS)].to_numpy(), actual), 4),
        "cutoffs": int(scored["cutoff_on"].nunique()),
        "days": int(scored["day_on"].nunique()),
        "intervals": len(scored),
    }
