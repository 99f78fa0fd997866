"""What a list made by a model would earn: the expected maximum profit of Verbraken, Verbeke and Baesens (2013).

Everybody above some risk is called and offered an incentive; of the leavers called, a share accepts and stays. Nobody
knows that share, so it has a beta distribution, and for each value the best length of the list is taken. Unlike an
AUC it weighs the top of the list, where the calls are made. All of it is assumed, not measured: it compares models on
the same customers, and says nothing of what outreach really earns (`forestall.outreach.effect` does).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.bootstrap import Counts
from models.metrics import Numbers

THRESHOLDS, SHARES = 200, 50  # of a bootstrap's replicate


@dataclass(frozen=True)
class ProfitAssumptions:
    """The paper's own standard values, so that figures compare with the literature.

    Attributes:
        customer_value: what a customer who stays is worth.
        offer_cost: of an incentive, paid to stayers and to leavers who accept.
        contact_cost: of a call, paid for everybody on the list.
        alpha: of the beta distribution of the share of leavers who accept; its mean is alpha / (alpha + beta) = 0.3.
        beta: of the same.
    """

    customer_value: float = 200.0
    offer_cost: float = 10.0
    contact_cost: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0

    @property
    def accepted_share(self) -> float:
        return self.alpha / (self.alpha + self.beta)


STANDARD = ProfitAssumptions()


def expected_maximum_profit(
    outcome: Numbers, probability: Numbers, weight: Numbers | None = None, assumed: ProfitAssumptions = STANDARD
) -> float:
    """Expected profit per customer, called or not, of the best list that this order allows.

    The best lengths of the list are the corners of the convex hull of the ROC curve, and those are the blocks of
    an isotonic regression of the outcome on the order. A block with the share r of leavers is worth calling once the
    accepted share passes ((1 - r) (delta + phi) / r + phi) / (1 - delta), where delta and phi are offer and contact in
    units of the customer's value; what it earns beyond that is a truncated mean of the beta distribution.

    Args:
        outcome: 1 left, 0 stayed; by row.
        probability: by which the list is made; only its order counts.
        weight: by row; ones where not given.
        assumed: values and costs, in one currency.

    Returns:
        In that currency. Nobody leaves: 0. Perfect order, half leave: .5 x 200 x (.95 x E[g] - .005) = 28 where
        every acceptance is worth its call.
    """
    from scipy.optimize import isotonic_regression
    from scipy.special import betainc

    if not len(outcome):
        return float("nan")
    weight = np.ones(len(outcome)) if weight is None else weight
    _, level = np.unique(-probability, return_inverse=True)
    customers = np.bincount(level, weight)
    left = np.bincount(level, weight * outcome)
    share = np.clip(isotonic_regression(left / customers, weights=customers, increasing=False).x, 0, 1)

    offer, contact = assumed.offer_cost / assumed.customer_value, assumed.contact_cost / assumed.customer_value
    cost = share * contact + (1 - share) * (offer + contact)
    gain = share * (1 - offer)
    needed = np.divide(cost, gain, out=np.ones_like(cost), where=gain > cost)  # 1: no acceptance would pay
    chance = 1 - betainc(assumed.alpha, assumed.beta, needed)
    accepted = assumed.accepted_share * (1 - betainc(assumed.alpha + 1, assumed.beta, needed))
    earned = assumed.customer_value * (gain * accepted - cost * chance)
    return float(customers @ earned / customers.sum())


def resampled_profit(
    outcome: Numbers, probability: Numbers, weight: Numbers, draws: Counts, assumed: ProfitAssumptions = STANDARD
) -> Numbers:
    """The same in each replicate of a bootstrap (replicates x rows), near enough to tell how sure the figure is.

    The best of two hundred lengths of the list at each of fifty accepted shares, instead of all lengths at all shares.
    """
    from scipy.stats import beta

    order = np.argsort(-probability, kind="stable")
    ends = np.unique(np.linspace(0, len(order) - 1, THRESHOLDS).astype(np.int64))
    leaver, stayer = (np.add.reduceat((weight * group)[order] * draws[:, order], _starts(ends), axis=1).cumsum(axis=1)
                      for group in (outcome, 1 - outcome))  # fmt: skip
    accepted = beta(assumed.alpha, assumed.beta).ppf((np.arange(SHARES) + 0.5) / SHARES)
    offer, contact = assumed.offer_cost, assumed.contact_cost
    best = np.zeros(len(draws))
    for share in accepted:
        earned = leaver * (share * (assumed.customer_value - offer) - contact) - stayer * (offer + contact)
        best += np.maximum(earned.max(axis=1), 0) / SHARES
    drawn = leaver[:, -1] + stayer[:, -1]
    return np.asarray(np.divide(best, drawn, out=np.full(len(draws), np.nan), where=drawn > 0))


def _starts(ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], ends[:-1] + 1])


def profit_curve(outcome: Numbers, probability: Numbers, assumed: ProfitAssumptions = STANDARD) -> Numbers:
    """Profit per customer of lists of every length, riskiest first, at the mean accepted share; the first of nobody."""
    offer, contact = assumed.offer_cost, assumed.contact_cost
    leaver = assumed.accepted_share * (assumed.customer_value - offer) - contact
    ordered = outcome[np.argsort(-probability, kind="stable")]
    earned = np.where(ordered > 0, leaver, -offer - contact)
    return np.concatenate([[0.0], np.cumsum(earned)]) / max(1, len(outcome))
