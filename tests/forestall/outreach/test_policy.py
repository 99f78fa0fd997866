"""The chosen assignment is the best one: by trying all of them, and by a bound that none can exceed."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from forestall.outreach import policy
from forestall.outreach.policy import NONE, choose

LANGUAGES = np.array(["de", "en", "zh"])


def options(rng, count, accounts=None):
    cost = rng.choice([300, 525, 735], count) + (offer := rng.choice([0, 500, 1_050], count))
    return pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in rng.integers(0, accounts or count * 10, count)],
            "language": rng.choice(LANGUAGES, count, p=[0.6, 0.25, 0.15]),
            "expected_minutes": rng.choice([5.0, 8.75, 12.25], count),
            "offer_cost_cents": offer, "cost_cents": cost, "saved_cents": rng.integers(0, 4_000, count) + cost - 500,
            "due": rng.integers(0, 3, count), "list_name": rng.choice(["risk", "save_queue"], count),
        }
    )  # fmt: skip


def slots(minutes, days=1):
    """A pool a language list; each has its minutes on every day."""
    rows = [(spoken, day, left) for day in range(days) for spoken, left in minutes.items()]
    return pd.DataFrame(rows, columns=["languages", "day", "minutes"])


def who_fits(rows, places):
    speaks = [[language in spoken.split() for spoken in places["languages"]] for language in rows["language"]]
    return np.array(speaks, bool).reshape(len(rows), len(places)) & (
        places["day"].to_numpy() <= rows["due"].to_numpy()[:, None]
    )


def worth(rows, places, chosen, loss=0.0):
    taken = chosen != NONE
    kept = 1 - places["day"].to_numpy()[chosen[taken]] * loss
    return float((np.rint(rows["saved_cents"][taken] * kept) - rows["cost_cents"][taken]).sum())


def is_allowed(rows, places, chosen, budget):
    taken = chosen != NONE
    used = rows["expected_minutes"][taken].groupby(chosen[taken]).sum()
    spent = rows["offer_cost_cents"][taken].groupby(places["day"].to_numpy()[chosen[taken]]).sum()
    return (
        who_fits(rows, places)[np.flatnonzero(taken), chosen[taken]].all()
        and (used <= places["minutes"].reindex(used.index) + 1e-9).all()
        and (spent <= budget[spent.index]).all()
        and rows["account_id"][taken].is_unique
    )


def best_of_all(rows, places, budget, loss, quotas=None):
    """The worth of the best of all assignments that keep the limits, each of them looked at."""
    every = np.array(list(product(range(NONE, len(places)), repeat=len(rows))))
    is_in = every[:, :, None] == np.arange(len(places))  # assignment x option x slot
    day = places["day"].to_numpy()
    value = np.rint(rows["saved_cents"].to_numpy()[:, None] * (1 - day * loss)) - rows["cost_cents"].to_numpy()[:, None]
    minutes = np.einsum("aos,o->as", is_in, rows["expected_minutes"].to_numpy())
    offers = np.einsum("aos,o,sd->ad", is_in, rows["offer_cost_cents"].to_numpy(), day[:, None] == np.arange(2))
    accounts = np.einsum("aos,oc->ac", is_in, pd.get_dummies(rows["account_id"]).to_numpy(int))
    keeps = (minutes <= places["minutes"].to_numpy()).all(1) & (offers <= budget).all(1) & (accounts <= 1).all(1)
    keeps &= ~(is_in & ~who_fits(rows, places)).any((1, 2))
    for name in [] if quotas is None else quotas:
        of_list = rows["expected_minutes"].where(rows["list_name"] == name, 0.0).to_numpy()
        keeps &= (np.einsum("aos,o->as", is_in, of_list) <= quotas[name].to_numpy()).all(1)
    return float(np.einsum("aos,os->a", is_in, value)[keeps].max())


@pytest.mark.parametrize("seed", range(12))
def test_no_other_assignment_is_worth_more(seed):
    rng = np.random.default_rng(seed)
    rows = options(rng, 6, accounts=int(rng.choice([3, 8, 100])))
    places = slots({"de": rng.integers(5, 20), "de en": rng.integers(5, 20)}, days=2)
    budget = rng.integers(0, 2_000, 2).astype(float)
    chosen = choose(rows, who_fits(rows, places), places, budget, 0.02)
    assert is_allowed(rows, places, chosen, budget)
    assert worth(rows, places, chosen, 0.02) == best_of_all(rows, places, budget, 0.02)


@pytest.mark.parametrize("seed", range(6))
def test_no_other_assignment_that_keeps_the_quota_of_a_list_is_worth_more(seed):
    rng = np.random.default_rng(seed)
    rows = options(rng, 6)
    places = slots({"de": rng.integers(10, 30), "de en": rng.integers(10, 30)}, days=2)
    budget, quotas = np.full(2, 1e4), pd.DataFrame({"save_queue": places["minutes"] * 0.5})
    chosen = choose(rows, who_fits(rows, places), places, budget, 0.02, quotas)
    is_saved = (chosen != NONE) & (rows["list_name"] == "save_queue")
    used = rows["expected_minutes"][is_saved].groupby(chosen[is_saved]).sum()
    assert (used <= quotas["save_queue"].reindex(used.index) + 1e-9).all()
    assert is_allowed(rows, places, chosen, budget)
    assert worth(rows, places, chosen, 0.02) == best_of_all(rows, places, budget, 0.02, quotas)


def test_what_the_quota_of_a_list_leaves_goes_to_another_list():
    """Thirty alike of one list are worth more than those of the other, and only one of them may be taken."""
    rows = pd.DataFrame({"account_id": [f"a{number}" for number in range(33)], "expected_minutes": 10.0,
                         "offer_cost_cents": 0, "cost_cents": 0, "saved_cents": [100] * 30 + [50] * 3,
                         "list_name": ["save_queue"] * 30 + ["risk"] * 3})  # fmt: skip
    quotas = pd.DataFrame({"save_queue": [10.0]})
    chosen = choose(rows, np.ones((33, 1), bool), slots({"de": 20.0}), np.zeros(1), 0.0, quotas)
    assert rows.loc[chosen != NONE, "list_name"].tolist() == ["save_queue", "risk"]


def test_beats_taking_the_most_valuable_first():
    # one long call worth 100, or two short ones worth 60 each
    rows = pd.DataFrame({"account_id": ["a", "b", "c"], "expected_minutes": [20.0, 10.0, 10.0], "offer_cost_cents": 0,
                         "cost_cents": 0, "saved_cents": [100, 60, 60]})  # fmt: skip
    chosen = choose(rows, np.ones((3, 1), bool), slots({"de": 20.0}), np.zeros(1))
    assert chosen.tolist() == [NONE, 0, 0]


def greedy(rows, fits, places, budget):
    """The list as most systems make it: best value a minute first, by whoever is first to have the time."""
    left, money, seen, total = places["minutes"].to_numpy(float).copy(), budget.copy(), set(), 0.0
    value = rows["saved_cents"] - rows["cost_cents"]
    for index in (value / rows["expected_minutes"]).sort_values(ascending=False, kind="stable").index:
        row = rows.loc[index]
        able = np.flatnonzero(fits[index] & (left >= row["expected_minutes"] - 1e-9))
        if value[index] > 0 and able.size and row["account_id"] not in seen and row["offer_cost_cents"] <= money[0]:
            left[able[0]] -= row["expected_minutes"]
            money[0] -= row["offer_cost_cents"]
            seen.add(row["account_id"])
            total += value[index]
    return total


def test_beats_the_greedy_order_where_languages_and_teams_bind():
    # speakers of two languages come first; greedily they spend their time on what others could have done
    gains = []
    for seed in range(3):
        rows = options(np.random.default_rng(seed), 80, accounts=60).assign(due=0)
        places = slots({"de en": 60.0, "de": 40.0, "zh": 20.0})
        budget = np.array([4_000.0])
        fits = who_fits(rows, places)
        chosen = choose(rows, fits, places, budget)
        assert is_allowed(rows, places, chosen, budget)
        gains.append(worth(rows, places, chosen) / greedy(rows, fits, places, budget) - 1)
    assert min(gains) > 0
    assert np.mean(gains) > 0.02


def test_a_large_set_is_within_five_thousandths_of_what_fractions_of_rows_are_worth():
    rows = options(np.random.default_rng(4), 600).assign(due=0)
    places = slots({"de": 200.0, "de en": 200.0, "zh": 60.0})
    budget, fits = np.array([9_000.0]), who_fits(rows, places)
    option, slot = np.nonzero(fits)
    per_slot = (slot == np.arange(len(places))[:, None]) * rows["expected_minutes"].to_numpy()[option]
    per_option = (option == np.arange(len(rows))[:, None]).astype(float)
    bound = -linprog(
        -(rows["saved_cents"] - rows["cost_cents"]).to_numpy(float)[option],
        A_ub=np.vstack([per_slot, rows["offer_cost_cents"].to_numpy()[option][None, :], per_option]),
        b_ub=np.concatenate([places["minutes"], budget, np.ones(len(rows))]), bounds=(0, 1),
    ).fun  # fmt: skip
    chosen = choose(rows, fits, places, budget)
    assert is_allowed(rows, places, chosen, budget)
    assert 0.995 * bound <= worth(rows, places, chosen) <= bound + 1e-6


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_leaving_out_what_cannot_be_best_changes_nothing(monkeypatch, share):
    rows = options(np.random.default_rng(4), 50, accounts=40).assign(due=0)
    places = slots({"de": 15.0, "de en": 10.0})
    quotas = pd.DataFrame({"save_queue": places["minutes"] * share})
    limits = (who_fits(rows, places), places, np.array([2_000.0]), 0.0, quotas)
    short = worth(rows, places, choose(rows, *limits))
    monkeypatch.setattr(policy, "_may_be_best", lambda options, *_: np.ones(len(options), bool))
    assert worth(rows, places, choose(rows, *limits)) == short


@pytest.mark.parametrize("minutes", [{}, {"de": 0.0}, {"de": 4.9}, {"fr": 900.0}])
def test_without_minutes_or_speakers_nobody_is_chosen(minutes):
    rows, places = options(np.random.default_rng(1), 30), slots(minutes)
    assert (choose(rows, who_fits(rows, places), places, np.full(1, 1e6)) == NONE).all()


def test_a_budget_below_the_cheapest_offer_leaves_actions_without_one():
    rows, places = options(np.random.default_rng(1), 30), slots({"de en zh": 400.0})
    taken = choose(rows, who_fits(rows, places), places, np.array([499.0])) != NONE
    assert taken.any()
    assert (rows.loc[taken, "offer_cost_cents"] == 0).all()


def test_nothing_worthless_is_taken():
    rows = options(np.random.default_rng(1), 30)
    rows, places = rows.assign(saved_cents=rows["cost_cents"]), slots({"de en zh": 1000.0})
    assert (choose(rows, who_fits(rows, places), places, np.full(1, 1e6)) == NONE).all()
    assert choose(rows.iloc[:0], np.ones((0, 1), bool), places, np.full(1, 1e6)).size == 0


def test_waiting_costs_what_the_days_lose():
    # both may wait; the one that loses more by waiting is done today
    rows = pd.DataFrame({"account_id": ["a", "b"], "expected_minutes": 10.0, "offer_cost_cents": 0,
                         "cost_cents": [0, 900], "saved_cents": [1_000, 2_000]})  # fmt: skip
    places = slots({"de": 10.0}, days=2)
    assert choose(rows, np.ones((2, 2), bool), places, np.zeros(2), 0.01).tolist() == [1, 0]
