"""Arms: drawn once, by account, with the probability that is written beside them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forestall.outreach.experiment import COLUMNS, HOLDOUT, Draw, draw_arms

DRAW = Draw(holdout_share=0.1, seed=20, secret="a key", on=date(2026, 3, 2))
NOBODY = pd.DataFrame(columns=list(COLUMNS))


def eligible(count, seed=0, first=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in range(first, first + count)],
            "churn_probability": rng.beta(1, 8, count),
            "value_at_risk": rng.gamma(2, 100, count),
        }
    )


def test_the_same_night_gives_the_same_arms_in_whatever_order():
    people = eligible(300)
    pd.testing.assert_frame_equal(
        draw_arms(people, NOBODY, DRAW), draw_arms(people.sample(frac=1, random_state=1), NOBODY, DRAW)
    )


def test_only_newcomers_are_drawn():
    first = draw_arms(eligible(300), NOBODY, DRAW)
    later = draw_arms(eligible(400, seed=9), first, replace(DRAW, on=date(2026, 3, 3)))
    assert sorted(later["account_id"]) == sorted(f"a{number}" for number in range(300, 400))
    assert set(later["first_eligible_on"]) == {date(2026, 3, 3)}


def test_an_account_has_one_arm_however_many_customers():
    twice = pd.concat([eligible(50), eligible(50)])
    assert draw_arms(twice, NOBODY, DRAW)["account_id"].is_unique


def test_the_share_is_kept_in_every_block():
    arms = draw_arms(eligible(6_000), NOBODY, DRAW)
    by_block = arms.groupby("block")["arm"].agg(["size", lambda arm: (arm == HOLDOUT).sum()])
    assert len(by_block) == 12
    assert ((by_block.iloc[:, 1] - 0.1 * by_block["size"]).abs() < 1).all()
    assert (arms["arm_probability"] == np.where(arms["arm"] == HOLDOUT, 0.1, 0.9)).all()


def test_each_account_is_held_out_with_the_probability_that_is_logged():
    # over many seeds, in small blocks where rounding would show
    people, trials = eligible(20), 500
    held = sum(
        (draw_arms(people, NOBODY, replace(DRAW, seed=seed)).set_index("account_id")["arm"] == HOLDOUT).astype(int)
        for seed in range(trials)
    )
    # twenty accounts are looked at: a thousandth each side for all of them together
    low, high = stats.binom.ppf([0.001 / 20, 1 - 0.001 / 20], trials, 0.1)
    assert held.between(low, high).all()
    assert held.sum() == pytest.approx(20 * trials * 0.1, rel=0.12)


def test_one_newcomer_a_night_is_still_drawn():
    nights = pd.date_range("2026-01-01", periods=250)
    arms = [draw_arms(eligible(1, first=n), NOBODY, replace(DRAW, on=day.date())) for n, day in enumerate(nights)]
    count = int((pd.concat(arms)["arm"] == HOLDOUT).sum())
    low, high = stats.binom.ppf([0.0005, 0.9995], 250, 0.1)
    assert low <= count <= high


@pytest.mark.parametrize("changed", [{"seed": 21}, {"secret": "another key"}])
def test_seed_and_key_decide(changed):
    people = eligible(300)
    other = draw_arms(people, NOBODY, replace(DRAW, **changed))
    assert (other["arm"] != draw_arms(people, NOBODY, DRAW)["arm"]).any()


@pytest.mark.parametrize(("share", "arm"), [(0.0, {"treatment"}), (1.0, {"holdout"})])
def test_the_limits(share, arm):
    assert set(draw_arms(eligible(50), NOBODY, replace(DRAW, holdout_share=share))["arm"]) == arm


def test_arms_do_not_follow_risk_or_value():
    people = eligible(6_000)
    arms = draw_arms(people, NOBODY, DRAW).merge(people, on="account_id")
    held = arms["arm"] == HOLDOUT
    for name in ("churn_probability", "value_at_risk"):
        assert stats.ks_2samp(arms.loc[held, name], arms.loc[~held, name]).pvalue > 0.01


def test_without_a_score_there_is_a_block_too():
    people = eligible(100).assign(churn_probability=np.nan)
    assert draw_arms(people, NOBODY, DRAW)["block"].str.startswith("r0").all()
