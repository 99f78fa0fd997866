"""Whether an uplift model takes over from the chances: trained, and judged where it never learned.

Accounts are judged that were listed later than those learned from, by at least the time that an outcome takes; where
history is too short for that, by folds of accounts. Chances and model are learned again from what remains each time.
A look is taken whenever outcomes have grown by a quarter, not every night: who looks often enough finds something.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.outreach.chances import chances_of, learn_chances
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.playbook import Playbook
from models.splits import customer_folds
from models.uplift.params import UpliftParams

if TYPE_CHECKING:  # LightGBM takes half a second to import, and most nights train nothing
    from models.churn.design import Kind
    from models.uplift.judging import Judged
    from models.uplift.learner import UpliftModel

LATER, LEFT_OUT = "later accounts", "accounts left out"
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """A model, and what came of judging its like.

    Attributes:
        model: learned from all accounts.
        judged: the comparison.
        judged_by: `LATER` or `LEFT_OUT`.
    """

    model: "UpliftModel"
    judged: "Judged"
    judged_by: str

    @property
    def is_better(self) -> bool:
        """Even the lower end of the interval lies above zero."""
        return self.judged.gain_low > 0


def due(known: pd.DataFrame, params: UpliftParams) -> pd.DataFrame:
    """The accounts of the last look that is due: the first so many; none before there are enough.

    Args:
        known: accounts with features and a known outcome, in order of listing: arm.
        params: least numbers and growth.

    Worked: looks at 1,000 and 1,250; 1,400 accounts give the first 1,250.
    """
    if len(known) < params.least_accounts:
        return known.iloc[:0]
    steps = np.floor(np.log(len(known) / params.least_accounts) / np.log(params.growth) + 1e-9)
    looked_at = known.iloc[: int(params.least_accounts * params.growth**steps)]
    return looked_at if smaller_arm(looked_at) >= params.least_arm else known.iloc[:0]


def smaller_arm(known: pd.DataFrame) -> int:
    """How many accounts the smaller arm has."""
    held = int((known["arm"] == HOLDOUT).sum())
    return min(held, len(known) - held)


def try_uplift(
    known: pd.DataFrame, kinds: "Mapping[str, Kind]", playbook: Playbook, wait_days: int, params: UpliftParams
) -> Trial:
    """Train a model and judge its like.

    Args:
        known: what `chances.evidence` gave, with the features and value_at_risk, cost (currency).
        kinds: the features, and what they are.
        playbook: the prior of the chances.
        wait_days: from the night of listing until an outcome is known.
        params: of `models/params/uplift.yml`.
    """
    from models.uplift.judging import judge
    from models.uplift.learner import grow_uplift

    rows = known.assign(is_held_out=known["arm"] == HOLDOUT)
    judged_by, parts = _parts(rows, wait_days, params)
    told = pd.concat([_told(rows[seen], rows[judged], kinds, playbook, params) for seen, judged in parts])
    everybody = rows.assign(chance=chances_of(rows, learn_chances(rows, playbook)))
    return Trial(grow_uplift(everybody, kinds, params), judge(told, params), judged_by)


def _parts(rows: pd.DataFrame, wait_days: int, params: UpliftParams) -> tuple[str, list[tuple[Flags, Flags]]]:
    """Which accounts are learned from, and which are judged."""
    first_judged = rows["listed_on"].iloc[int(len(rows) * (1 - params.judged_share))]
    is_old = (rows["listed_on"] <= first_judged - timedelta(days=wait_days)).to_numpy()
    if is_old.sum() >= params.least_older and smaller_arm(rows[is_old]) >= params.least_arm:
        return LATER, [(is_old, (rows["listed_on"] >= first_judged).to_numpy())]
    fold = customer_folds(rows["account_id"], params.folds)
    return LEFT_OUT, [(fold != number, fold == number) for number in range(params.folds)]


def _told(
    seen: pd.DataFrame,
    judged: pd.DataFrame,
    kinds: "Mapping[str, Kind]",
    playbook: Playbook,
    params: UpliftParams,
) -> pd.DataFrame:
    """The judged accounts with what chances and a model learned from the others say of them, and their scores."""
    from models.uplift.learner import grow_uplift, held_out_scores

    chances = learn_chances(seen, playbook)
    seen, judged = (rows.assign(chance=chances_of(rows, chances)) for rows in (seen, judged))
    judged = judged.dropna(subset=["chance"])
    model = grow_uplift(seen.dropna(subset=["chance"]), kinds, params)
    return judged.assign(
        learned_chance=judged["chance"] + model.difference(judged),
        score=held_out_scores(seen, judged, model.design, params),
    )
