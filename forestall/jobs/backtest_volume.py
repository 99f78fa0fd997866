"""`forestall backtest volume`: what the night would have forecast at past cutoffs, and what came.

No step of the night, but made of its parts: at each cutoff, weights and spreads are learned from the
cutoffs before it, just as the night does. Prints a table beside all rivals and the noise floor, and
writes it as Parquet and as a picture to `var/backtests/volume/`.
"""

import os
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from features.aside import written_aside
from forestall.history.contacts import ContactHistory, last_contact_on, read_contact_history
from forestall.jobs.forecast_volume import MOST_WORKERS, backtest_folder
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.warehouse import open_warehouse
from models.pool import worker_pool
from models.volume.backtest import Span, backtest, weekly_cutoffs, with_actuals
from models.volume.combine import METHODS
from models.volume.contest import OURS, contest_picture, contest_rows, contest_text, contestants
from models.volume.forward import Forward, walk_forward
from models.volume.outsiders import MissingStatsforecastError, need_statsforecast, outsider_rows
from models.volume.params import volume_params


def backtest_volume(
    settings: Settings, cutoffs: int = 9, horizon_days: int = 7, *, has_outsiders: bool = True
) -> Summary:
    """Score the last `cutoffs` Mondays whose first week is known, `horizon_days` ahead, on all open days.

    Args:
        settings: of any company whose batch is loaded.
        cutoffs: how many are scored.
        horizon_days: days ahead.
        has_outsiders: plain Prophet and MSTL are fitted too; they take most of the time.

    Returns:
        Over all queues: WAPE of what would have been published, of the rival and of each other method,
        the noise floor, bias, coverage of the 80 % interval, and how much was scored.

    Raises:
        ConfigError: there is no contact to score, the history is too short for so many cutoffs, or
            statsforecast is missing.
    """
    if has_outsiders:
        try:
            need_statsforecast()
        except MissingStatsforecastError as error:
            raise ConfigError(str(error)) from error
    walked = walk(settings, cutoffs, horizon_days, has_outsiders=has_outsiders)
    params = volume_params()
    past = with_actuals(walked.rows, walked.known.histories, walked.known_on, params)
    everybody = contestants(
        walked.forward.intervals, past, walked.cutoffs, settings.volume.backtest_cutoffs, walked.outside, params
    )
    table = contest_rows(everybody)
    print(contest_text(table))  # noqa: T201 - the command's output
    return {**_summary(table, everybody), "folder": _write(settings, table)}


@dataclass(frozen=True)
class Walked:
    """Forecasts of the past as they would have been published.

    Attributes:
        known: histories and events.
        known_on: run date as of which contacts are known.
        cutoffs: those that were scored.
        rows: backtest rows of all cutoffs, those that were only learned from too.
        forward: what these cutoffs would have published.
        outside: rows of methods that are no candidates; none where they were not asked for.
    """

    known: ContactHistory
    known_on: date
    cutoffs: list[date]
    rows: pd.DataFrame
    forward: Forward
    outside: pd.DataFrame


def walk(settings: Settings, cutoffs: int, horizon_days: int, *, has_outsiders: bool) -> Walked:
    """Forecast at past Mondays with what was known then.

    Raises:
        ConfigError: there is no contact to score, or the history is too short for so many cutoffs.
    """
    params, learn_from = volume_params(), settings.volume.backtest_cutoffs
    with open_warehouse(settings, "backtest") as warehouse:
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
        folder = backtest_folder(settings)
        rows = backtest(known.histories, known.events, every, span, params, folder, pool.map)
        outside = (
            outsider_rows(known.histories, every[-cutoffs:], span, params, folder, pool.map)
            if has_outsiders
            else rows.iloc[:0]
        )
    forward = walk_forward(rows, known.histories, every[-cutoffs:], learn_from, known_on, params)
    if forward.intervals.empty:
        raise ConfigError(f"backtest: no history before {every[-1]}; ask for fewer cutoffs")
    return Walked(known, known_on, every[-cutoffs:], rows, forward, outside)


def _write(settings: Settings, table: pd.DataFrame) -> str:
    folder = settings.var_path / "backtests" / "volume"
    with written_aside(folder / "accuracy.parquet") as aside:
        table.to_parquet(aside, index=False)
    with written_aside(folder / "accuracy.png") as aside:
        contest_picture(table).savefig(aside, format="png", dpi=120)
    return str(folder)


def _end_of_open_days(known: ContactHistory, known_on: date) -> date:
    """The first day from `known_on` on which any queue accepts contacts: a weekend that is closed is known."""
    for step in range(7):
        day = known_on + timedelta(days=step)
        if any(own.accepts[own.grid.day_index(day)].any() for own in known.histories.values()):
            return day
    return known_on


def _summary(table: pd.DataFrame, everybody: pd.DataFrame) -> Summary:
    overall = table[(table["queue"] == "all") & (table["lead_bucket"] == "all")].set_index("method")
    wapes = dict(zip(overall.index.astype(str), overall["wape"].to_numpy().round(4).tolist(), strict=True))
    numbers = overall.drop(columns=["queue", "lead_bucket"]).astype("float64")
    ours = dict(zip(numbers.columns.astype(str), numbers.loc[OURS].to_numpy().tolist(), strict=True))
    return {
        "wape": wapes.pop(OURS),
        "rival_wape": wapes.pop(METHODS["rival"]),
        **{f"{name}_wape": value for name, value in wapes.items()},
        **{name: round(ours[name], 4) for name in ("noise_floor_wape", "poisson_floor_wape", "bias", "coverage_80")},
        "cutoffs": int(ours["cutoff_count"]),
        "days": int(ours["day_count"]),
        "intervals": int((everybody["method"] == OURS).sum()),
    }
