"""How many leave in a given quarter, apart from who does.

Trees that may tell one as-of date from another (a young company's counts over a year grow from date to date) take
a quarter's shock, such as a price rise, for a trait of customers, and repeat it on all later dates. So they learn with
the date's level given to them (a fixed effect of the date), and what is left for them is who leaves. The level itself
is forecast here: the usual one, which a shock does not move, and a part of how far the newest decisions to leave lie
from it. Those of a short horizon are known two months before those of a long one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit

from models.metrics import Numbers

STEPS = 60  # halvings of an interval of log odds: far below what a float can tell
FURTHEST = 30.0  # log odds


@dataclass(frozen=True)
class Level:
    """What must be added to the log odds of a date's rows so that expected equals observed.

    Attributes:
        value: log odds.
        information: 1 / its variance: the sum of p (1 - p), about the number of leavers.
    """

    value: float
    information: float


Levels = Mapping[date, Level]


def base_levels(outcome: Numbers, weight: Numbers, dates: pd.Series) -> Numbers:
    """For each row the log odds of the share that left on its date; NaN where no outcome of the date is known.

    Half a leaver and half a stayer are added: a date without any has a level too.
    """
    known = ~np.isnan(outcome)
    by_date = pd.DataFrame({
        "left": np.where(known, outcome * weight, 0.0), "stayed": np.where(known, (1 - outcome) * weight, 0.0),
        "known": known, "date": dates.to_numpy(),
    }).groupby("date").sum()  # fmt: skip
    odds = ((by_date["left"] + 0.5) / (by_date["stayed"] + 0.5)).where(by_date["known"] > 0)
    return np.asarray(np.log(dates.map(odds).to_numpy(dtype=np.float64)))


def date_levels(raw: Numbers, outcome: Numbers, weight: Numbers, dates: pd.Series) -> dict[date, Level]:
    """The level of each date.

    Args:
        raw: log odds by row, without any level.
        outcome: 0 or 1.
        weight: by row.
        dates: as-of date by row.

    Returns:
        By as-of date, ascending. Of ten rows with raw log odds 0, two of whom left: ln(2.5 / 8.5) = -1.22, drawn
        towards evens by half a leaver and half a stayer.
    """
    found: dict[date, Level] = {}
    of_row = dates.to_numpy()
    for day in sorted(dates.unique()):  # a dozen
        own = of_row == day
        total = weight[own].sum()
        value = _level(raw[own], weight[own] / total, (outcome[own] @ weight[own] + 0.5) / (total + 1))
        chance = expit(raw[own] + value)
        found[day] = Level(value, float((chance * (1 - chance)) @ weight[own]))
    return found


def _level(raw: Numbers, share: Numbers, observed: float) -> float:
    low, high = -FURTHEST, FURTHEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(raw + middle) @ share < observed else (low, middle)
    return (low + high) / 2


def forecast_level(levels: Mapping[int, Levels], horizon: int, carried: float) -> float:
    """The level to expect of the coming window: the usual one, and a part of the newest deviation from it.

    Args:
        levels: of each horizon, by as-of date.
        horizon: whose is asked for.
        carried: share of a deviation that lasts. The deviation is that of the shortest horizon's newest date, drawn
            towards none by its own error (empirical Bayes).
    """
    newest = levels[min(levels)]
    usual, beyond = usual_level(newest)
    last = newest[max(newest)]
    reliable = beyond / (beyond + 1 / last.information)
    return usual_level(levels[horizon])[0] + carried * reliable * (last.value - usual)


def usual_level(levels: Levels) -> tuple[float, float]:
    """The level of an ordinary date, and the variance of the dates' levels beyond chance.

    Where the dates differ by chance alone it is their mean, weighted by information. As far as they differ beyond it
    (the share I2 = 1 - (k - 1) / Q, Higgins and Thompson 2002; the variance is DerSimonian and Laird's) it is the mean
    of the shortest half of them (the "shorth" of Andrews et al. 1972), which fewer than half of the dates cannot move.

    Of seven sure dates at -2.9, -2.9, -2.9, -2.9, -2.3, -2.2, -2.5: -2.9, where the mean is -2.66.
    """
    values = np.array([level.value for level in levels.values()])
    information = np.array([level.information for level in levels.values()])
    mean = float(np.average(values, weights=information))
    spread, by_chance = float(information @ (values - mean) ** 2), len(values) - 1
    if not by_chance or spread <= by_chance:  # of one date the spread is rounding
        return mean, 0.0
    total = information.sum()
    beyond = (spread - by_chance) / (total - (information @ information) / total)
    return mean + (1 - by_chance / spread) * (_shorth(values) - mean), float(beyond)


def _shorth(values: Numbers) -> float:
    ordered = np.sort(values)
    half = len(ordered) // 2 + 1
    widths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    first = int(np.argmin(widths))
    return float(ordered[first : first + half].mean())
