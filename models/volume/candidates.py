"""The forecasts that compete: daily Prophet times intraday profile, four like weekdays, last week, last year.

Everything is computed for a (queue, cutoff), from what was known at that cutoff alone. Fits of all
queues and cutoffs go to the pool together; the rest is arithmetic on matrices of days x slots.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume import profile, season
from models.volume.daily import DailyFit, DailyTask, fit_daily, level_correction
from models.volume.effects import Effects, MarkedDays, learn_effects, mark_factors
from models.volume.history import History, Mask, Matrix, Series
from models.volume.marks import MARGIN_DAYS, day_marks
from models.volume.outliers import find_gaps, find_outliers, first_full_day, has_fallen_silent
from models.volume.params import VolumeParams
from models.volume.rivals import four_like_weekdays, interval_rates, last_week, last_year

USUAL_DAYS = 56  # days before and after the cutoff whose hours say what a usual week is
MEMBERS = ("daily", "rival", "last_week", "last_year")  # the matrices of `Candidates`, and columns of a backtest
MOVED = ("moved_rival", "moved_last_week", "moved_last_year")  # like days, moved as holidays and events move their day
BLENDED = ("daily", *MOVED)  # what weights are for, in the order of MEMBERS
LEVEL_DAYS = 28  # days from which a short history takes its level

Mapper = Callable[[Callable[[DailyTask], DailyFit], Iterable[DailyTask]], Iterable[DailyFit]]


@dataclass(frozen=True)
class Basis:
    """What the days before a cutoff say of one queue. Rows of matrices are days from `start`."""

    series: Series
    start: int
    end: int
    until: int
    dates: pd.DatetimeIndex  # of history and days ahead
    weekday: NDArray[np.int64]  # likewise
    kind: NDArray[np.int64]  # index into profile.KINDS, likewise
    place: Matrix  # in the year, likewise x 2
    intervals: Matrix  # open intervals in each cell, likewise
    is_silent: bool  # closed for good: nothing is forecast
    stray: float  # contacts before `start` that are no history
    is_gap: Mask
    is_outlier: Mask
    is_day: Mask  # days of the history that teach
    counts: profile.Counts
    origins: tuple[season.Origin, ...]  # what the season does to the shape of a day
    usual: Matrix
    marks: pd.DataFrame

    @property
    def contacts(self) -> Matrix:
        return self.series.contacts[self.start : self.end]

    @property
    def taught(self) -> pd.DatetimeIndex:
        """Days that teach."""
        return self.dates[self.past][self.is_day]

    @property
    def open_marks(self) -> pd.DataFrame:
        """Marks of days on which contacts are accepted: what a holiday does to a queue that it closes means nothing."""
        return self.marks[self.marks["ds"].isin(self.dates[self.intervals.sum(axis=1) > 0])]

    @property
    def past(self) -> slice:
        return slice(0, self.end - self.start)

    @property
    def ahead(self) -> slice:
        return slice(self.end - self.start, self.until - self.start)


@dataclass(frozen=True)
class Candidates:
    """Forecasts of one queue at one cutoff: contacts an interval, days ahead x slots (0 where closed).

    Attributes:
        daily: daily forecast times profile, and
        rival: four like weekdays,
        last_week: last week's like day, and
        last_year: last year's, at this year's level; both are the rival where there is no such day.
        moved: these three by MOVED's names, as they are blended: like days know nothing of a holiday or an event to
            come, so where that moves a day far enough they are moved along.
        day_contacts: the daily forecast itself; `daily` adds up to it.
        is_short: the history was too short for Prophet: level of the last days and kin's week.
        effects: of marks on this queue, as parts of an unmarked day.
        model: Prophet's JSON, where it was asked for.
        basis: what it was made from.
    """

    daily: Matrix
    rival: Matrix
    last_week: Matrix
    last_year: Matrix
    moved: Mapping[str, Matrix]
    day_contacts: NDArray[np.float64]
    is_short: bool
    effects: "pd.Series[float]"
    model: str
    basis: Basis

    @property
    def blended(self) -> dict[str, Matrix]:
        """The matrices that weights are for, by BLENDED's names."""
        return {"daily": self.daily, **self.moved}


def forecast_candidates(
    histories: Mapping[str, History], events: pd.DataFrame, cutoffs: Sequence[date], horizon_days: int,
    history_days: int, params: VolumeParams, run: Mapper = map, fit: Callable[[DailyTask], DailyFit] = fit_daily,
) -> dict[tuple[str, date], Candidates]:  # fmt: skip
    """All forecasts of every queue at every cutoff.

    Args:
        histories: of all queues, which lend one another their shape and what holidays and events do.
        events: business events with `known_on`; those not known before a cutoff are left out.
        cutoffs: run dates; the first day ahead is the cutoff itself.
        horizon_days: days ahead.
        history_days: how far back the history is read.
        params: of the models.
        run: how fits are mapped: `map`, or a pool's.
        fit: what is mapped over the tasks.
    """
    bases: dict[tuple[str, date], Basis] = {}
    shares: dict[tuple[str, date], Matrix] = {}
    week: dict[tuple[str, date], NDArray[np.float64]] = {}
    for cutoff in cutoffs:
        known = events[pd.to_datetime(events["known_on"]).fillna(pd.Timestamp.min) < pd.Timestamp(cutoff)]
        own = {
            queue: prepare(history, known, cutoff, horizon_days, history_days, params)
            for queue, history in histories.items()
        }
        for queue, basis in own.items():
            kin = [other for other in own.values() if other.series.channel == basis.series.channel]
            bases[queue, cutoff] = basis
            shares[queue, cutoff] = interval_shares(basis, kin, params)
            week[queue, cutoff] = _kin_week(kin)
    tasks = {key: _task(basis, shares[key], params) for key, basis in bases.items()}
    asked = {key: task for key, task in tasks.items() if task is not None}
    fits = dict(zip(asked, run(fit, asked.values()), strict=True))
    effects = {cutoff: _effects(cutoff, asked, fits, params) for cutoff in cutoffs}
    return {
        key: _candidates(basis, shares[key], week[key], asked.get(key), fits.get(key), effects[key[1]], params)
        for key, basis in bases.items()
    }


def prepare(
    history: History, events: pd.DataFrame, cutoff: date, horizon_days: int, history_days: int, params: VolumeParams
) -> Basis:
    """Cut the history, and find the days that teach.

    A queue's history starts where its contacts do (`first_full_day`); days before it are no zeros.
    """
    grid, series = history.grid, history.as_of(cutoff)
    end = grid.day_index(cutoff)
    window = grid.day_index(cutoff - timedelta(days=history_days))
    start = window + first_full_day(series.day_totals[window:], params.outliers)
    until = grid.day_index(cutoff + timedelta(days=horizon_days))
    days = history.days.iloc[start:until]
    margin = history.days.iloc[max(start - MARGIN_DAYS, 0) : until + MARGIN_DAYS]
    marks = day_marks(margin, events, history.queue, params.daily)
    marks = marks[marks["ds"].isin(days.index)].reset_index(drop=True)
    weekday = days["weekday"].to_numpy()
    intervals = np.where(history.accepts, grid.multiplicity, 0.0)[start:until]
    totals, past = series.day_totals[start:], slice(0, end - start)
    is_expected = intervals[past].sum(axis=1) > 0
    is_gap = find_gaps(totals, weekday[past], is_expected, params.outliers)
    is_month = marks["holiday"].str.startswith("month: ")
    is_marked = days.index[past].isin(marks.loc[~is_month, "ds"])
    part = marks[is_month].set_index("ds")["holiday"].reindex(days.index[past], fill_value="").to_numpy(dtype=object)
    is_ordinary = is_expected & ~is_gap & ~is_marked
    is_outlier = find_outliers(totals, weekday[past], part, is_ordinary, params.outliers)
    is_day = is_expected & ~is_gap & ~is_outlier
    counts = profile.count(series.contacts[start:], intervals[past], is_day, weekday[past], params.profile)
    usual, kind = _usual_week(intervals, weekday, days["is_off"].to_numpy(), end - start), _kinds(days)
    dates = pd.DatetimeIndex(days.index)
    place = season.places(dates)
    origins = season.origins(
        series.contacts[start:], intervals[past], is_day & (kind[past] == 0), weekday[past], usual, place[past],
        params.profile,
    )  # fmt: skip
    return Basis(
        series, start, end, until, dates, weekday, kind, place, intervals,
        has_fallen_silent(totals, params.outliers), float(series.day_totals[window:start].sum()), is_gap, is_outlier,
        is_day, counts, origins, usual, marks,
    )  # fmt: skip


def interval_shares(basis: Basis, kin: Sequence[Basis], params: VolumeParams) -> Matrix:
    """Share of a full day in each interval, over history and days ahead (days x slots; 0 where closed).

    On a day with usual hours the shares of its intervals add up to about one; on a day with shorter
    hours, or with 23, to less.
    """
    lent = profile.kin_share([other.counts for other in kin], np.max([other.usual for other in kin], axis=0))
    pooled = profile.pooled_share(basis.counts, lent, params.profile)
    weekly = profile.weekday_shares(basis.counts, pooled, basis.usual, params.profile)
    past = basis.past
    factors = profile.kind_factors(basis.contacts, basis.intervals[past], basis.counts, basis.weekday[past],
                                   basis.kind[past], weekly, params.profile)  # fmt: skip
    shares = weekly[basis.weekday] * factors[basis.kind] * season.season_factors(
        basis.origins, [other.origins for other in kin], basis.place, params.profile
    )  # fmt: skip
    usual = basis.usual[basis.weekday]
    full = (shares * usual).sum(axis=1, keepdims=True)
    scaled = np.divide(shares, full, out=np.zeros_like(shares), where=full > 0)
    return np.asarray(np.where(basis.intervals > 0, scaled, 0.0))


def _kinds(days: pd.DataFrame) -> NDArray[np.int64]:
    after, before = days["open_days_after_off"].to_numpy() == 1, days["open_days_before_off"].to_numpy() == 1
    return np.where(after, 1, np.where(before, 2, 0))


def _usual_week(intervals: Matrix, weekday: NDArray[np.int64], is_off: Mask, end: int) -> Matrix:
    """7 x slots: whether a weekday is usually open in a slot, by its ordinary days around the cutoff."""
    near = slice(max(end - USUAL_DAYS, 0), end + USUAL_DAYS)
    usual = np.zeros((7, intervals.shape[1]))
    for day in range(7):
        own = intervals[near][(weekday[near] == day) & ~is_off[near]]
        if len(own):
            usual[day] = np.median(np.minimum(own, 1.0), axis=0) > 0
    return usual


def _full_days(basis: Basis, shares: Matrix) -> tuple[Mask, NDArray[np.float64], NDArray[np.float64]]:
    """Days fit for a daily model, what a full day of each would have brought, and how full all days are."""
    fullness = (shares * basis.intervals).sum(axis=1)
    past = fullness[basis.past]
    is_fit = basis.is_day & (past > 0.2)  # a day open for an hour says little of a full one
    totals = np.divide(basis.contacts.sum(axis=1), past, out=np.zeros_like(past), where=past > 0)
    return is_fit, totals, fullness


def _task(basis: Basis, shares: Matrix, params: VolumeParams) -> DailyTask | None:
    is_fit, totals, _ = _full_days(basis, shares)
    if basis.is_silent or is_fit.sum() < params.daily.min_days or not totals[is_fit].any():
        return None
    on, ahead = basis.dates[basis.past][is_fit], basis.dates[basis.ahead]
    return DailyTask(on, totals[is_fit], ahead, basis.marks, params.daily)


def _effects(
    cutoff: date, tasks: Mapping[tuple[str, date], DailyTask], fits: Mapping[tuple[str, date], DailyFit],
    params: VolumeParams,
) -> Effects:  # fmt: skip
    days = {
        queue: MarkedDays(task.on, task.contacts, fits[queue, on].past, task.marks)
        for (queue, on), task in tasks.items()
        if on == cutoff
    }
    return learn_effects(days, params.daily)


def _candidates(
    basis: Basis, shares: Matrix, week: NDArray[np.float64], task: DailyTask | None, fit: DailyFit | None,
    effects: Effects, params: VolumeParams,
) -> Candidates:  # fmt: skip
    is_fit, totals, fullness = _full_days(basis, shares)
    ahead = basis.ahead
    own = effects.queues.get(basis.series.queue, effects.common)
    if task is not None and fit is not None:
        fitted = fit.past * mark_factors(basis.marks, task.on, own)
        lead = (task.ahead - task.on[-1]).days.to_numpy()
        full = fit.ahead * level_correction(task.contacts, fitted, lead, params.daily)
    else:
        level = 0.0 if basis.is_silent else _level(totals, is_fit, basis.weekday[basis.past], week)
        full = level * week[basis.weekday[ahead]]
    factors = mark_factors(basis.marks, basis.dates, own)
    open_cells, is_open = basis.intervals[basis.past], basis.intervals[ahead] > 0
    rates, is_known = interval_rates(basis.contacts, open_cells), (open_cells.sum(axis=1) > 0) & ~basis.is_gap
    like = [np.where(is_open, values, 0.0) for values in _like_days(rates, is_known, basis, params)]
    before = _like_days(factors[basis.past, None], is_known, basis, params)
    lifts = [_lift(factors[ahead, None], marked, params) for marked in before]
    return Candidates(
        daily=(full * factors[ahead])[:, None] * shares[ahead],
        rival=like[0],
        last_week=like[1],
        last_year=like[2],
        moved={name: values * lift for name, values, lift in zip(MOVED, like, lifts, strict=True)},
        day_contacts=full * factors[ahead] * fullness[ahead],
        is_short=fit is None,
        effects=own,
        model=fit.model if fit else "",
        basis=basis,
    )


def _like_days(
    values: Matrix, is_known: Mask, basis: Basis, params: VolumeParams
) -> tuple[Matrix, Matrix, Matrix]:  # fmt: skip
    """Four like weekdays, last week, and last year of any values of the past (days x slots), for the days ahead."""
    weekday = basis.weekday
    rival = four_like_weekdays(values, is_known, weekday[basis.past], weekday[basis.ahead], params.rival.like_days)
    return rival, last_week(values, is_known, rival), last_year(values, is_known, rival, LEVEL_DAYS)


def _lift(factors: Matrix, before: Matrix, params: VolumeParams) -> Matrix:
    """What marks do to days ahead beside what they did to the like days; 1 where that is little."""
    lift = np.divide(factors, before, out=np.ones_like(before), where=before > 0)
    return np.where(np.abs(lift - 1) >= params.rival.least_lift, lift, 1.0)


def _kin_week(kin: Sequence[Basis]) -> NDArray[np.float64]:
    """How much each weekday brings beside the mean of a queue's weekdays, over all kin (1 where unknown)."""
    factors, weights = np.ones(7) * 1e-6, np.ones(7) * 1e-6
    for basis in kin:
        totals, weekday = basis.counts.totals[basis.is_day], basis.weekday[basis.past][basis.is_day]
        days = np.bincount(weekday, minlength=7)
        if totals.sum() and (days > 0).sum() > 1:
            mean = np.bincount(weekday, weights=totals, minlength=7) / np.maximum(days, 1)
            factors += np.where(days > 0, mean / mean[days > 0].mean(), 0.0) * np.minimum(days, 8)
            weights += np.minimum(days, 8)
    return np.asarray(factors / weights)


def _level(totals: NDArray[np.float64], is_fit: Mask, weekday: NDArray[np.int64], week: NDArray[np.float64]) -> float:
    """Median of the last days, freed of their weekday: one gigantic day does not move it."""
    last = np.flatnonzero(is_fit)[-LEVEL_DAYS:]
    free = totals[last] / np.maximum(week[weekday[last]], 0.05)
    return float(np.median(free)) if len(free) else 0.0
