"""The chosen set is the best one, by trying all of them."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from forestall.outreach.policy import choose


def options(rng, count, teams=("care", "sales"), accounts=None):
    return pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in rng.integers(0, accounts or count * 10, count)],
            "team": rng.choice(teams, count),
            "expected_minutes": rng.choice([5.0, 8.75, 12.25], count),
            "offer_cost_cents": rng.choice([0, 500, 1_050], count),
            "expected_value_cents": rng.integers(-500, 4_000, count),
        }
    )


def worth(rows, taken):
    return int(rows.loc[taken, "expected_value_cents"].sum())


def is_allowed(rows, taken, minutes, budget):
    chosen = rows[taken]
    used = chosen.groupby("team")["expected_minutes"].sum()
    return (
        all(used.get(team, 0) <= minutes.get(team, 0) + 1e-9 for team in rows["team"].unique())
        and chosen["offer_cost_cents"].sum() <= budget
        and chosen["account_id"].is_unique
    )


@pytest.mark.parametrize("seed", range(12))
def test_no_other_set_is_worth_more(seed):
    rng = np.random.default_rng(seed)
    rows = options(rng, 9, accounts=int(rng.choice([3, 8, 100])))
    minutes, budget = (
        {"care": float(rng.integers(0, 40)), "sales": float(rng.integers(0, 40))},
        int(rng.integers(0, 3_000)),
    )
    taken = choose(rows, minutes, budget)
    assert is_allowed(rows, taken, minutes, budget)
    sets = (np.array(flags) for flags in product([False, True], repeat=len(rows)))
    best = max(worth(rows, flags) for flags in sets if is_allowed(rows, flags, minutes, budget))
    assert worth(rows, taken) == best


def test_beats_taking_the_most_valuable_first():
    # one long call worth 100, or two short ones worth 60 each
    rows = pd.DataFrame({"account_id": ["a", "b", "c"], "team": "care", "expected_minutes": [20.0, 10.0, 10.0],
                         "offer_cost_cents": 0, "expected_value_cents": [100, 60, 60]})  # fmt: skip
    assert choose(rows, {"care": 20}, 0).tolist() == [False, True, True]


def test_leaving_out_what_cannot_be_best_changes_nothing(monkeypatch):
    from forestall.outreach import policy

    rng = np.random.default_rng(4)
    rows = options(rng, 400, accounts=60)
    minutes, budget = {"care": 60.0, "sales": 35.0}, 4_000
    short = worth(rows, choose(rows, minutes, budget))
    monkeypatch.setattr(policy, "_may_be_best", lambda options, _: np.ones(len(options), bool))
    assert worth(rows, choose(rows, minutes, budget)) == pytest.approx(short, rel=1e-5)


@pytest.mark.parametrize("minutes", [{}, {"care": 0, "sales": 0}, {"care": 4.9, "sales": 4.9}])
def test_without_minutes_nobody_is_chosen(minutes):
    assert not choose(options(np.random.default_rng(1), 30), minutes, 1e6).any()


def test_a_budget_below_the_cheapest_offer_leaves_actions_without_one():
    rows = options(np.random.default_rng(1), 30)
    taken = choose(rows, {"care": 200, "sales": 200}, 499)
    assert taken.any()
    assert (rows.loc[taken, "offer_cost_cents"] == 0).all()


def test_nothing_worthless_is_taken():
    rows = options(np.random.default_rng(1), 30).assign(expected_value_cents=0)
    assert not choose(rows, {"care": 1000, "sales": 1000}, 1e6).any()
    assert not choose(rows.iloc[:0], {"care": 1000}, 1e6).any()
