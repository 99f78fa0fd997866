"""Whether a list by customers' own effects is worth more than one by chances: on accounts neither learned from.

Everything rests on pseudo-outcomes of randomised accounts (`learner.scores`), whose mean is the effect whatever any
model says, so it needs no assumption: off-policy evaluation with known propensities, doubly robust.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.bootstrap import poisson_draws
from models.metrics import Numbers
from models.uplift.params import UpliftParams


@dataclass(frozen=True)
class Judged:
    """Two ways to make a list, on the same accounts. Money is in company currency, for each account judged.

    Attributes:
        count: accounts judged.
        value_by_chance: worth of the list made by the chances of action and segment.
        value_by_uplift: worth of the one made by the model.
        gain: their difference, paired.
        gain_low: lower end of its interval.
        gain_high: upper end.
        qini_by_chance: leavers kept for each account judged, more than by chance alone, mean over all lengths.
        qini_by_uplift: the same of the model's order.
    """

    count: int
    value_by_chance: float
    value_by_uplift: float
    gain: float
    gain_low: float
    gain_high: float
    qini_by_chance: float
    qini_by_uplift: float


def judge(rows: pd.DataFrame, params: UpliftParams) -> Judged:
    """Compare the two lists.

    Args:
        rows: one row an account judged: score (its mean is the change of the probability of leaving), risk, chance,
            learned_chance (by the model), value_at_risk, cost (currency).
        params: capacities, confidence, replicates, seed.
    """
    value, cost = rows["value_at_risk"].to_numpy(float), rows["cost"].to_numpy(float)
    falls = {name: (rows[name] * rows["risk"]).to_numpy(float) for name in ("chance", "learned_chance")}
    kept = -rows["score"].to_numpy(float)
    worth = kept * value - cost
    listed = {name: listed_share(fall * value - cost, params.capacity_shares) for name, fall in falls.items()}
    terms = (listed["learned_chance"] - listed["chance"]) * worth
    low, high = _interval(terms, params)
    return Judged(
        len(rows),
        float((listed["chance"] * worth).mean()), float((listed["learned_chance"] * worth).mean()),
        float(terms.mean()), low, high,
        qini(kept, falls["chance"]), qini(kept, falls["learned_chance"]),
    )  # fmt: skip


def listed_share(worth: Numbers, shares: Sequence[float]) -> Numbers:
    """Of lists of several lengths, made by what each account is expected to be worth, the share that has it.

    Args:
        worth: by account; greatest first, ties by position.
        shares: lengths, of all accounts.

    Worked: four accounts worth 4, 1, 3, 2 and lists of a quarter and a half: 1, 0, 0.5, 0.
    """
    rank = np.empty(len(worth))
    rank[np.argsort(-worth, kind="stable")] = np.arange(len(worth))
    return np.asarray(np.mean([rank < round(share * len(worth)) for share in shares], axis=0))


def qini(kept: Numbers, predicted: Numbers) -> float:
    """Area between the uplift curve and the one of a random order, a row.

    Args:
        kept: unbiased for the fall in the probability of leaving, by row.
        predicted: by which rows are ordered, greatest first.

    Worked: kept 1, 0 in the right order: cumulated 0.5, 0.5 of two rows against 0.25, 0.5: 0.125 on the average.
    """
    ordered = kept[np.argsort(-predicted, kind="stable")]
    count = len(ordered)
    return float((np.cumsum(ordered) / count - np.arange(1, count + 1) / count * ordered.mean()).mean())


def _interval(terms: Numbers, params: UpliftParams) -> tuple[float, float]:
    """Of the mean, by a bootstrap of accounts; the lists stay as they are."""
    draws = poisson_draws(len(terms), params.seed, params.replicates).astype(float)
    means = draws @ terms / draws.sum(axis=1)
    tail = (1 - params.confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
