"""The best set: which options to take within the minutes of each team and the budget.

A knapsack with one limit a team, one for the budget and at most one option an account, solved to
proven optimality (within `GAP`) by HiGHS. It is given what each option is worth and sees nothing
else: not the arm, not the customer.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
GAP = 1e-5  # of the set's value: less than a cent in a thousand


def choose(options: pd.DataFrame, team_minutes: Mapping[str, float], budget_cents: float) -> Flags:
    """The set of options with the greatest expected value.

    Args:
        options: account_id, team, expected_minutes, offer_cost_cents, expected_value_cents. Equal
            sets are told apart by the order of rows, so give them in order of key.
        team_minutes: agent minutes by team; a team that is not named has none.
        budget_cents: for the expected cost of offers.

    Returns:
        Flags over options. Options worth nothing are never taken.
    """
    taken = np.zeros(len(options), bool)
    minutes_left = np.asarray(options["team"].map(team_minutes).astype(float).fillna(0.0))
    worth = options["expected_value_cents"].to_numpy(float)
    can_fit = (options["expected_minutes"].to_numpy(float) <= minutes_left) & (
        options["offer_cost_cents"].to_numpy(float) <= budget_cents
    )
    few = np.flatnonzero(can_fit & (worth > 0))
    few = few[_may_be_best(options.iloc[few], minutes_left[few])]
    if few.size:
        taken[few[_solve(options.iloc[few], team_minutes, budget_cents)]] = True
    return taken


def _may_be_best(options: pd.DataFrame, minutes_left: Floats) -> Flags:
    """Leaves out what no best set needs, exactly.

    Options with the same team, minutes and cost are of one kind. Of an account's options of one kind
    the best is enough. Of a kind at most `fits` are taken, and no set has more than `rows` rows: an
    option behind `fits` + `rows` others can be swapped for one of those, whose account is still free.
    """
    kind = ["team", "expected_minutes", "offer_cost_cents"]
    worth = options["expected_value_cents"]
    is_best = options.groupby([*kind, "account_id"], sort=False)["expected_value_cents"].rank(
        method="first", ascending=False
    ) == 1  # fmt: skip
    rank = (
        worth.where(is_best).groupby([options[name] for name in kind], sort=False).rank(method="first", ascending=False)
    )
    fits = np.floor(minutes_left / options["expected_minutes"].to_numpy(float) + 1e-9)
    rows = pd.Series(fits).groupby(options["team"].to_numpy()).max().sum()
    return np.asarray(is_best.to_numpy() & (rank.to_numpy() <= fits + rows))


def _solve(options: pd.DataFrame, team_minutes: Mapping[str, float], budget_cents: float) -> Flags:
    count = len(options)
    minutes = options["expected_minutes"].to_numpy(float)
    teams, team_of = np.unique(options["team"].to_numpy(str), return_inverse=True)
    _, account_of = np.unique(options["account_id"].to_numpy(str), return_inverse=True)
    one = np.arange(count)
    limits = vstack(
        [
            csr_array((minutes, (team_of, one)), shape=(teams.size, count)),
            csr_array(options["offer_cost_cents"].to_numpy(float)[None, :]),
            csr_array((np.ones(count), (account_of, one)), shape=(account_of.max() + 1, count)),
        ]
    )
    most = np.concatenate([[team_minutes[team] for team in teams], [budget_cents], np.ones(account_of.max() + 1)])
    found = milp(
        -options["expected_value_cents"].to_numpy(float),
        integrality=np.ones(count),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(limits, -np.inf, most),
        options={"mip_rel_gap": GAP},
    )
    if found.x is None:  # taking nothing is always possible, so this is a defect and not a hard case
        raise RuntimeError(f"HiGHS found no set: {found.message}")
    return np.asarray(found.x > 0.5)
