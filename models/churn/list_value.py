"""What the list that a model would have made is worth, against the list of another: in money, on the same customers.

Only customers whom one list holds and the other does not make a difference. Where outreach drew lots among them, what
a call did is estimated from the lots (off-policy): doubly robust, so right if either the arm's probability (which is
logged) or the risk is. Where no lots were drawn, or too few, the share of leavers that a call keeps is assumed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.bootstrap import poisson_draws
from models.churn.ranking import known_margins, listing_order
from models.metrics import Numbers

TREATMENT, HOLDOUT = "treatment", "holdout"


@dataclass(frozen=True)
class ListAssumptions:
    """What a list is and what a call does, in the company's currency (`mlflow/promotion.yml`).

    Attributes:
        listed_share: of the customers.
        save_probability: of a leaver who is called; assumed.
        margin_months: months of margin that a saved customer is worth.
        contact_cost: of a listed row.
        least_logged_share: of the customers in whom two lists differ, so many must have a logged arm.
        least_logged_arm: of each arm so many customers.
    """

    listed_share: float
    save_probability: float
    margin_months: float
    contact_cost: float
    least_logged_share: float
    least_logged_arm: int


@dataclass(frozen=True)
class Gain:
    """How much more a challenger gives, with the 95 % interval of a bootstrap that draws accounts."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:,.0f} ({self.low:,.0f} to {self.high:,.0f})"


@dataclass(frozen=True)
class ListGain:
    """What one list earns more than another.

    Attributes:
        gain: company currency.
        is_off_policy: estimated from lots, not assumed.
        logged_share: of the customers in whom the lists differ: have a logged arm.
    """

    gain: Gain
    is_off_policy: bool
    logged_share: float

    @property
    def told(self) -> str:
        """How it is known."""
        return f"off-policy, lots drawn for {self.logged_share:.0%}" if self.is_off_policy else "assumed"


def list_gain(
    rows: pd.DataFrame, left: Numbers, ours: Numbers, theirs: Numbers, assumed: ListAssumptions, *, seed: int
) -> ListGain:
    """Money that our list would have kept more than theirs.

    Args:
        rows: customers of one as-of date: account_id, margins, and `arm` and `arm_probability` (of the arm that was
            drawn) where the account was first listed, or held back by lot, after that date; else null.
        left: 1 who left within the horizon.
        ours: probability of leaving, by a model that had not seen the date.
        theirs: the same of the other model.
        assumed: what a list is.
        seed: of the bootstrap; the lists stay as they are in it.
    """
    difference = listed(rows, ours, assumed).astype(np.float64) - listed(rows, theirs, assumed)
    logged = _arm(rows)
    differs = difference != 0
    arms = [int((logged[differs] == arm).sum()) for arm in (TREATMENT, HOLDOUT)]
    share = sum(arms) / max(1, int(differs.sum()))
    is_off_policy = share >= assumed.least_logged_share and min(arms) >= assumed.least_logged_arm
    saved = assumed.save_probability * left
    if is_off_policy:
        lots = saved_by_call(left, (ours + theirs) / 2, logged, rows["arm_probability"], assumed.save_probability)
        saved = np.where(logged == "", saved, lots)
    worth = saved * known_margins(rows) * assumed.margin_months - assumed.contact_cost
    return ListGain(drawn_gain(rows, difference * worth, seed=seed), is_off_policy, share)


def listed(rows: pd.DataFrame, probability: Numbers, assumed: ListAssumptions) -> npt.NDArray[np.bool_]:
    """Who would be on the list: the first by probability x margin."""
    chosen = np.zeros(len(rows), dtype=np.bool_)
    count = max(1, round(len(rows) * assumed.listed_share))
    chosen[listing_order(probability, known_margins(rows))[:count]] = True
    return chosen


def saved_by_call(
    left: Numbers, risk: Numbers, arm: npt.NDArray[np.object_], chance: pd.Series, save: float
) -> Numbers:
    """How much a call lowered each customer's chance to leave: the doubly robust score of Robins, Rotnitzky and Zhao.

    Its mean over customers is unbiased for any `risk` and `save`, since the chance of the arm is known; good ones only
    make it surer. One at a risk of 0.2 who was held back with a chance of 0.1 and left, where a call is assumed to keep
    0.15: 0.2 x 0.15 + (1 - 0.2) / 0.1 = 8.03; had they stayed, 0.03 - 0.2 / 0.1 = -1.97.

    Args:
        left: 1 or 0.
        risk: of leaving without a call.
        arm: treatment, holdout, or empty where no lots were drawn (the result is of no use there).
        chance: of the arm that was drawn.
        save: assumed share of leavers whom a call keeps.
    """
    known = chance.to_numpy(dtype=np.float64, na_value=1.0)
    called = risk * (1 - save)
    score = risk - called
    score = score + np.where(arm == HOLDOUT, (left - risk) / known, 0.0)
    return np.asarray(score - np.where(arm == TREATMENT, (left - called) / known, 0.0))


def drawn_gain(rows: pd.DataFrame, by_row: Numbers, *, seed: int, is_mean: bool = False) -> Gain:
    """The sum (or mean) over rows, with an interval that draws whole accounts."""
    accounts, names = pd.factorize(rows["account_id" if "account_id" in rows else "customer_id"])
    sums = np.bincount(accounts, by_row, minlength=len(names))
    sizes = np.bincount(accounts, minlength=len(names)).astype(np.float64)
    draws = poisson_draws(len(names), seed).astype(np.float64)
    totals = draws @ sums
    if is_mean:
        totals = totals / np.maximum(draws @ sizes, 1)
    low, high = (float(bound) for bound in np.quantile(totals, [0.025, 0.975]))
    return Gain(float(by_row.mean() if is_mean else by_row.sum()), low, high)


def _arm(rows: pd.DataFrame) -> npt.NDArray[np.object_]:
    if "arm" not in rows:
        return np.full(len(rows), "", dtype=object)
    return rows["arm"].astype("object").where(rows["arm"].notna(), "").to_numpy()
