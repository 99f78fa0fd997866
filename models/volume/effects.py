"""What holidays, ends of months and events do to a day, told by all queues together.

A queue sees a Christmas Eve once a year, and a small one hardly tells it from chance. What such a day does is alike in
all queues of a company, so each takes what the others saw for what to expect, as far as they agree, and its own days
for the rest. A queue that is alone, or the first to feel an event, is shrunk towards no effect.

Effects are parts of an unmarked day: -0.4 takes four contacts of ten away. They add up where marks meet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.marks import in_words
from models.volume.params import DailyParams

Values = NDArray[np.float64]
LEAST_FACTOR = 0.05  # of an unmarked day is left by whatever meets on it
LEAST_SCATTER = 1e-3  # variance of a day's part beyond that of counts: 3 % either way


@dataclass(frozen=True)
class MarkedDays:
    """The days of one queue that teach.

    Attributes:
        on: the days.
        contacts: that came.
        base: that would have come without any mark.
        marks: `ds`, `holiday` of these days, and of others.
    """

    on: pd.DatetimeIndex
    contacts: Values
    base: Values
    marks: pd.DataFrame


@dataclass(frozen=True)
class Effects:
    """By mark: what each queue is taken to feel, and a queue that has no days of its own."""

    queues: Mapping[str, "pd.Series[float]"]
    common: "pd.Series[float]"


@dataclass(frozen=True)
class _Evidence:
    """What is said of effects: the inverse of its variance (marks x marks), and that times its mean."""

    information: Values
    score: Values


def learn_effects(queues: Mapping[str, MarkedDays], params: DailyParams) -> Effects:
    """Effects of all marks that any of the queues has felt.

    Each queue's effects scatter around common ones by `effect_spread`, common ones around none by
    `effect_prior_scale`, and days around the sum of theirs as counts do, and beyond it as the queue's unmarked days do.
    Given these variances the effects told are the posterior means; the common ones that a queue is
    shrunk to are those of the other queues.

    Worked, one mark and one day in each of two queues, base 400 and the least scatter, so a variance of 1/400 + 0.001
    = 0.0035. The other queue's day came 40 % lower: with a spread of 0.1 it tells the common effect with a variance of
    0.0035 + 0.01, beside the prior's 0.09, so as -0.4 x 0.09 / 0.1035 = -0.348 with a variance of 0.0117. The queue's
    own day came 20 % lower: (-0.348 / 0.0217 - 0.2 / 0.0035) / (1 / 0.0217 + 1 / 0.0035) = -0.220.
    """
    names = sorted({name for days in queues.values() for name in _felt(days)})
    own = {queue: _evidence(days, names) for queue, days in queues.items()}
    spread = params.effect_spread**2 * np.eye(len(names))
    told = {queue: _of_the_common(one, spread) for queue, one in own.items()}
    prior = np.eye(len(names)) / params.effect_prior_scale**2
    information = prior + sum((one.information for one in told.values()), np.zeros_like(prior))
    score = sum((one.score for one in told.values()), np.zeros(len(names)))

    found = {}
    for queue, one in own.items():
        others = np.linalg.inv(information - told[queue].information)
        expected = others @ (score - told[queue].score)
        certainty = np.linalg.inv(others + spread)
        found[queue] = np.linalg.solve(one.information + certainty, one.score + certainty @ expected)
    common = np.linalg.solve(information, score)
    return Effects({queue: pd.Series(values, names) for queue, values in found.items()}, pd.Series(common, names))


def mark_factors(marks: pd.DataFrame, days: pd.DatetimeIndex, effects: "pd.Series[float]") -> Values:
    """How many times an unmarked day each day is; a mark that nobody has felt has no effect."""
    parts = marks["holiday"].map(effects.to_dict()).astype(float).fillna(0.0)
    return np.asarray(np.maximum(1 + parts.groupby(marks["ds"]).sum().reindex(days, fill_value=0.0), LEAST_FACTOR))


def effect_rows(
    queue: str, effects: "pd.Series[float]", marks: pd.DataFrame, taught: pd.DatetimeIndex, run_date: date
) -> pd.DataFrame:
    """Rows of `mark_effects` but for the model version: the marks that the queue has or will have.

    Args:
        queue: the queue.
        effects: on it, by mark.
        marks: `ds`, `holiday`, of the past and of the days ahead.
        taught: days that it was learned from.
        run_date: first day ahead.
    """
    own = marks[marks["holiday"].isin(effects.index)]
    seen = own["ds"].isin(taught).groupby(own["holiday"]).sum()
    coming = own["ds"].where(own["ds"] >= pd.Timestamp(run_date)).groupby(own["holiday"]).min()
    names = pd.Index(sorted(own["holiday"].unique()))
    return pd.DataFrame(
        {
            "queue": queue,
            "mark": names,
            "description": [in_words(str(name)) for name in names],
            "effect": effects.reindex(names).to_numpy(),
            "days_seen": seen.reindex(names).to_numpy(dtype=np.int64),
            "next_on": coming.reindex(names).dt.date.to_numpy(),
        }
    )


def _felt(days: MarkedDays) -> set[str]:
    return set(days.marks["holiday"][days.marks["ds"].isin(days.on)])


def _evidence(days: MarkedDays, names: list[str]) -> _Evidence:
    """What the queue's own days say of its effects: a weighted regression of their parts on their marks."""
    own = days.marks[days.marks["ds"].isin(days.on) & days.marks["holiday"].isin(names)]
    felt = np.zeros((len(days.on), len(names)))
    felt[days.on.get_indexer(pd.DatetimeIndex(own["ds"])), pd.Index(names).get_indexer(pd.Index(own["holiday"]))] = 1.0
    is_some = days.base > 0
    felt, base, contacts = felt[is_some], days.base[is_some], days.contacts[is_some]
    if not len(base):
        return _Evidence(np.zeros((len(names), len(names))), np.zeros(len(names)))
    weight = 1 / (1 / base + _scatter(contacts, base, felt.sum(axis=1) == 0))
    weighed = felt * weight[:, None]
    return _Evidence(weighed.T @ felt, weighed.T @ (contacts / base - 1))


def _scatter(contacts: Values, base: Values, is_unmarked: NDArray[np.bool_]) -> float:
    """Variance of a day's part of its base beyond that of counts, from the unmarked days (method of moments)."""
    contacts, base = contacts[is_unmarked], base[is_unmarked]
    if not len(base):
        return LEAST_SCATTER
    return float(max(((contacts - base) ** 2 - base).sum() / (base**2).sum(), LEAST_SCATTER))


def _of_the_common(own: _Evidence, spread: Values) -> _Evidence:
    """What one queue says of the common effects, from which its own scatter."""
    share = np.linalg.inv(np.eye(len(spread)) + own.information @ spread)
    return _Evidence(share @ own.information, share @ own.score)
