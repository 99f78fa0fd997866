"""The best set: which options to take, and whose minutes of which day each of them takes.

An assignment of options to pools and days (`slots`), with the minutes of each slot, what a list may take of
them, the budget of each day and at most one option an account as limits, solved by HiGHS: exactly up to
`SMALL` variables, beyond that to within a few thousandths of what fractions of rows would be worth, which no
set can exceed. It is given what each option is worth and sees nothing else: not the arm, not the customer.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SMALL = 100
GAP = 1e-4  # of the set's value: a cent in a hundred
NODES = 100  # and not a time, which would give another set on another machine
LEAST_SPARE = 300
NONE = -1


def choose(
    options: pd.DataFrame,
    fits: Flags,
    slots: pd.DataFrame,
    budget_cents: Floats,
    loss_per_day: float = 0.0,
    quotas: pd.DataFrame | None = None,
) -> Integers:
    """The assignment with the greatest expected value.

    Args:
        options: account_id, expected_minutes, offer_cost_cents, saved_cents, cost_cents (offer's
            included). Equal sets are told apart by the order of rows, so give them in order of key.
        fits: options x slots; who can do it, and not after it is due.
        slots: minutes, day (0 is the first).
        budget_cents: for the expected cost of offers, by day.
        loss_per_day: share of what is saved that each day of waiting loses.
        quotas: slots x list_name; minutes of the slot that options with that list_name take at most. Lists without
            a column take what there is.

    Returns:
        Position of the slot of each option, `NONE` where it is not taken. Options worth nothing are
        never taken.
    """
    chosen = np.full(len(options), NONE, np.int64)
    if not len(options) or not len(slots):
        return chosen
    day = slots["day"].to_numpy(int)
    kept = 1 - day * loss_per_day
    worth = np.rint(options["saved_cents"].to_numpy(float)[:, None] * kept) - options["cost_cents"].to_numpy(float)[
        :, None
    ]  # fmt: skip
    fits = fits & (worth > 0)
    fits &= options["expected_minutes"].to_numpy(float)[:, None] <= slots["minutes"].to_numpy(float)
    fits &= options["offer_cost_cents"].to_numpy(float)[:, None] <= budget_cents[day]
    quota, most = _quota(options, slots, quotas)
    fits &= options["expected_minutes"].to_numpy(float)[:, None] <= most.T[quota]
    options = options.assign(quota=quota)
    few = np.flatnonzero(fits.any(axis=1))
    if few.size:
        few = few[_may_be_best(options.iloc[few], fits[few], slots)]
        chosen[few] = _solve(options.iloc[few], worth[few], fits[few], slots, budget_cents, most)
    return chosen


def _quota(options: pd.DataFrame, slots: pd.DataFrame, quotas: pd.DataFrame | None) -> tuple[Integers, Floats]:
    """Which column of the quotas each option falls under, and these columns; the last one is no quota at all."""
    known = pd.DataFrame(index=slots.index) if quotas is None else quotas
    most = np.column_stack([known.to_numpy(float), slots["minutes"].to_numpy(float)])
    if not len(known.columns):
        return np.zeros(len(options), np.int64), most
    place = known.columns.get_indexer(pd.Index(options["list_name"]))
    return np.where(place < 0, len(known.columns), place), most


def _may_be_best(options: pd.DataFrame, fits: Flags, slots: pd.DataFrame) -> Flags:
    """Leaves out what no best set needs, exactly.

    Options with the same slots, list, minutes and costs are of one kind. Of an account's options of one kind
    the best is enough. Of a kind at most `of_kind` are taken, and no set has more than `rows` rows: an
    option behind `of_kind` + `rows` others can be swapped for one of those, whose account is still free.
    """
    minutes = options["expected_minutes"].to_numpy(float)
    room = slots["minutes"].to_numpy(float)
    shortest = np.where(fits, minutes[:, None], np.inf).min(axis=0)
    rows = np.floor(room / shortest + 1e-9).sum()
    of_kind = np.where(fits, np.floor(room / minutes[:, None] + 1e-9), 0).sum(axis=1)
    _, pattern = np.unique(fits, axis=0, return_inverse=True)
    kind = ["expected_minutes", "offer_cost_cents", "cost_cents", "quota", "pattern"]
    rows_of = options.assign(pattern=pattern)
    within = rows_of.groupby([*kind, "account_id"], sort=False)["saved_cents"]
    is_best = within.rank(method="first", ascending=False) == 1
    best = rows_of.assign(saved_cents=rows_of["saved_cents"].where(is_best)).groupby(kind, sort=False)["saved_cents"]
    rank = best.rank(method="first", ascending=False)
    return np.asarray(is_best.to_numpy() & (rank.to_numpy() <= of_kind + rows))


def _solve(
    options: pd.DataFrame, worth: Floats, fits: Flags, slots: pd.DataFrame, budget_cents: Floats, quotas: Floats
) -> Integers:
    """One variable for each option and slot that fits; whole numbers only near the edge that fractions find."""
    option, slot = np.nonzero(fits)
    one = np.arange(option.size)
    _, account = np.unique(options["account_id"].to_numpy(str), return_inverse=True)
    day = slots["day"].to_numpy(int)

    def total(weights: Floats, groups: Integers) -> csr_array:
        return csr_array((weights, (groups, one)), shape=(groups.max() + 1, one.size))

    taken_minutes = options["expected_minutes"].to_numpy(float)[option]
    # One limit a quota and slot; the last quota is the slot's own minutes, which all options share.
    quota = options["quota"].to_numpy(int)[option]
    is_limited = quota < quotas.shape[1] - 1
    by_list = total(taken_minutes * is_limited, np.where(is_limited, quota * len(slots), 0) + slot)
    minutes = total(taken_minutes, slot)
    offers = total(options["offer_cost_cents"].to_numpy(float)[option], day[slot])
    accounts = total(np.ones(one.size), account[option])
    most = np.concatenate([
        slots["minutes"].to_numpy(float)[: minutes.shape[0]],
        budget_cents[: offers.shape[0]],
        np.ones(accounts.shape[0]),
        quotas.T.ravel()[: by_list.shape[0]],
    ])  # fmt: skip
    limits, cost = csr_array(vstack([minutes, offers, accounts, by_list])), -worth[option, slot]
    core = one if one.size <= SMALL else _core(cost, limits, most)
    chosen = np.full(len(options), NONE, np.int64)
    taken = core[_whole(cost[core], limits[:, core], most)]
    chosen[option[taken]] = slot[taken]
    return chosen


def _core(cost: Floats, limits: csr_array, most: Floats) -> Integers:
    """Variables that the best fractional set uses, and as many again that would lower it least.

    Balas and Zemel (1980): whole sets differ from the fractional one only where prices are nearly even.
    """
    found = linprog(cost, A_ub=limits, b_ub=most, bounds=(0, 1), method="highs")
    reduced = cost - limits.T @ found.ineqlin.marginals
    is_used = found.x > 1e-9
    order = np.argsort(np.where(is_used, -np.inf, np.maximum(reduced, 0.0)), kind="stable")
    return np.sort(order[: int(is_used.sum()) + max(LEAST_SPARE, int(is_used.sum()))])


def _whole(cost: Floats, limits: csr_array, most: Floats) -> Flags:
    is_small = cost.size <= SMALL
    found = milp(
        cost,
        integrality=np.ones(cost.size),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(limits, -np.inf, most),
        options={"mip_rel_gap": 0.0 if is_small else GAP, **({} if is_small else {"node_limit": NODES})},
    )
    if found.x is None:  # taking nothing is always possible, so this is a defect and not a hard case
        raise RuntimeError(f"HiGHS found no set: {found.message}")
    return np.asarray(found.x > 0.5)
