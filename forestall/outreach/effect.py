"""What being listed does: the difference between the arms, by the randomisation alone.

The unit is an account, at the first night on which it would have been listed; its arm was drawn by then, so
whatever happens afterwards (nobody called, the holdout called all the same) is part of what is compared:
intention to treat. Each account has a **score** whose mean is its effect,

    score = (outcome - baseline) / arm_probability, minus for the holdout,

where the baseline says what was to be expected of it and is fitted on accounts listed on earlier nights only.
So the scores, in order of listing, are unbiased one after the other whatever the baseline is worth: it takes
away noise and can add no bias. Nothing else is assumed of outcomes, scores or models.
"""

import numpy as np
import pandas as pd

from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.sequences import Floats, Integers

# So many accounts of an average share of the weight speak for the expectation as it was given.
PRIOR_ACCOUNTS = 5.0


def scores(accounts: pd.DataFrame, outcome: str, expected: str) -> Floats:
    """A score for each account, in order of listing.

    Args:
        accounts: one row an account, sorted by `listed_on`: arm, arm_probability (of the arm it got, above 0),
            listed_on, and the two columns named; none missing. An expectation is known on the night of listing.
        outcome: column of what happened.
        expected: column of what was to be expected of it.

    Worked: held out with 0.1, left (1), baseline 0.3: -(1 - 0.3) / 0.1 = -7. Listed with 0.9, stayed (0),
    baseline 0.3: (0 - 0.3) / 0.9 = -0.333.
    """
    probability = accounts["arm_probability"].to_numpy(float)
    sign = np.where(accounts["arm"] == HOLDOUT, -1.0, 1.0)
    miss = accounts[outcome].to_numpy(float) - expectations(accounts, outcome, expected)
    return np.asarray(sign * miss / probability)


def expectations(accounts: pd.DataFrame, outcome: str, expected: str) -> Floats:
    """The baseline of each account: what was to be expected of it, by what earlier nights taught.

    Args:
        accounts: as for `scores`.
        outcome: column of what happened.
        expected: column of what was to be expected of it.
    """
    happened, forecast = accounts[outcome].to_numpy(float), accounts[expected].to_numpy(float)
    nights = pd.to_datetime(accounts["listed_on"]).to_numpy("datetime64[D]").astype(np.int64)
    return baseline(happened, forecast, accounts["arm_probability"].to_numpy(float) ** -2, nights)


def baseline(outcome: Floats, expected: Floats, weight: Floats, nights: Integers) -> Floats:
    """What was to be expected of each account: intercept + slope x expected, from earlier nights alone.

    Weighted least squares, drawn towards intercept 0 and slope 1. A weight of 1 / probability^2 is the one that
    leaves the scores the least variance: the mean it fits is nearly the holdout's.

    Args:
        outcome: accounts, in order of `nights`.
        expected: the same; in units of the outcome.
        weight: the same.
        nights: the same; day numbers, never falling.
    """
    before = np.searchsorted(nights, nights, side="left")
    miss = outcome - expected
    terms = (weight, weight * expected, weight * expected**2, weight * miss, weight * expected * miss, weight**2)
    sums = np.vstack([np.concatenate(([0.0], term.cumsum()))[before] for term in terms])
    total, first, second, miss0, miss1, squares = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        draw = 1 + PRIOR_ACCOUNTS * squares / total**2  # of the diagonal: a ridge in the sums' own scale
        determinant = total * second * draw**2 - first**2
        slope = (total * draw * miss1 - first * miss0) / determinant
        slope = np.where(determinant > 1e-12 * total * second, slope, 0.0)
        intercept = (miss0 - slope * first) / (total * draw)
    return np.asarray(np.where(total > 0, intercept, 0.0) + (1 + slope) * expected)
