"""Chances by hand, at their limits, and on experiments whose truth is known."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.learning import WORLDS, World, chances_table
from forestall.outreach.chances import (
    CHANCES,
    chances_of,
    evidence,
    learn_chances,
    prior_deviation,
    raw_chances,
    told_chances,
    with_chances,
)
from forestall.outreach.effect_table import ALL, measures
from forestall.outreach.playbook import Playbook

LEAVING = measures(90, 14)[0]
RUN_DATE = date(2026, 6, 1)
BOOK = """
actions:
  fix: {team: care, save_probability: 0.2, minutes: 10}
  coach: {team: care, save_probability: 0.1, minutes: 4}
"""


@pytest.fixture
def book():
    return Playbook.model_validate(yaml.safe_load(BOOK))


def accounts(count, *, left_listed, left_held, seed=0, **columns):
    """Accounts of risk 0.4, half of them held out, who leave at these rates."""
    rng = np.random.default_rng(seed)
    is_held = np.arange(count) % 2 == 0
    rows = pd.DataFrame({"account_id": [f"a{number}" for number in range(count)], "list_rank": range(count)})
    usual = {
        "arm": np.where(is_held, "holdout", "treatment"), "arm_probability": 0.5, "action": "fix", "segment": "home",
        "reason": "waits", "trigger": None, "churn_probability": 0.4, "addressed_share": 1.0,
        "fresh_share": 1.0,
        "left": (rng.random(count) < np.where(is_held, left_held, left_listed)).astype(float),
        "listed_on": pd.Timestamp("2025-06-01") + pd.to_timedelta(np.arange(count) * 100 // max(count, 1), unit="D"),
    }  # fmt: skip
    return rows.assign(**usual).assign(**columns)


def learned(rows, book):
    chances = learn_chances(evidence(rows, LEAVING, RUN_DATE), book).set_index(["action", "segment"])
    assert chances[["learned_save_probability", "low", "high"]].notna().all(axis=None)
    assert chances["learned_save_probability"].between(-1, 1).all()
    return chances


def test_listings_of_before_there_were_shares_teach_no_chance(book):
    rows = accounts(400, left_listed=0.2, left_held=0.4, addressed_share=[None, 0.5] * 200)
    assert evidence(rows, LEAVING, RUN_DATE)["account_id"].tolist() == rows["account_id"][1::2].tolist()


def test_a_raw_chance_by_hand():
    known = pd.DataFrame({
        "action": "fix", "segment": "home", "arm": ["holdout", "treatment"], "risk": 0.3, "score": [-7.0, -1 / 3],
        "overlap": 0.09, "score_variance": 0.21 / 0.09,
    })  # fmt: skip
    row = raw_chances(known).iloc[0]
    assert row["raw"] == pytest.approx(22 / 3 / 0.6)
    assert row["variance"] == pytest.approx(2 * 0.21 / 0.09 / 0.36)
    assert (row["treatment_count"], row["holdout_count"]) == (1, 1)


def test_nights_that_tell_little_count_little():
    """The second account has a hundredth of the overlap, and as much less to say."""
    known = pd.DataFrame({
        "action": "fix", "segment": "home", "arm": "treatment", "risk": 0.5, "score": [-0.1, 99.0],
        "overlap": [0.25, 0.0025], "score_variance": [1.0, 100.0],
    })  # fmt: skip
    assert raw_chances(known).iloc[0]["raw"] == pytest.approx((0.25 * 0.1 - 0.0025 * 99) / (0.5 * 0.2525))


def test_the_priors_spread_is_a_betas():
    assert prior_deviation(np.array([0.16]), 20)[0] == pytest.approx(0.08)
    assert prior_deviation(np.array([-0.16]), 20)[0] == pytest.approx(0.08)
    assert prior_deviation(np.array([0.0, 1.0]), 20) == pytest.approx([np.sqrt(0.0475 / 21), np.sqrt(0.25 / 21)])


def test_before_any_outcome_chances_are_the_playbooks(book):
    nobody = learned(accounts(0, left_listed=0, left_held=0), book)
    assert nobody["learned_save_probability"].to_dict() == {("fix", ALL): 0.2, ("coach", ALL): 0.1}
    assert (nobody["low"] < nobody["prior_save_probability"]).all()
    assert set(nobody["source"]) == {"playbook"}
    assert "no outcome is known yet" in told_chances(nobody.reset_index())
    too_young = accounts(500, left_listed=0.1, left_held=0.4, listed_on=pd.Timestamp("2026-05-01"))
    assert (learned(too_young, book)["treatment_count"] == 0).all()
    certain = accounts(500, left_listed=0.1, left_held=0.4, arm="treatment", arm_probability=1.0)
    assert set(learned(certain, book)["source"]) == {"playbook"}  # nobody was drawn, so nothing can be compared


def test_many_outcomes_outweigh_the_playbook(book):
    """Of 40 % who would leave a half is kept; and where twice as many leave, the chance is below zero."""
    chances = learned(accounts(20_000, left_listed=0.2, left_held=0.4), book)
    assert chances.loc[("fix", "home"), "learned_save_probability"] == pytest.approx(0.5, abs=0.05)
    assert chances.loc[("fix", "home"), "low"] > 0.4
    harmed = learned(accounts(20_000, left_listed=0.6, left_held=0.4), book)
    assert harmed.loc[("fix", "home"), "high"] < -0.3


def test_few_outcomes_hardly_move_it_and_a_stronger_prior_moves_less(book):
    few = accounts(60, left_listed=0.2, left_held=0.5, seed=3)
    raw = raw_chances(evidence(few, LEAVING, RUN_DATE))["raw"].iloc[0]
    moved = learned(few, book).loc[("fix", ALL), "learned_save_probability"]
    sure = book.model_copy(update={"prior_outcomes": 2_000.0})
    assert raw > 0.5
    assert 0.2 < moved < (0.2 + raw) / 2
    assert learned(few, sure).loc[("fix", ALL), "learned_save_probability"] == pytest.approx(0.2, abs=0.01)


def test_an_action_never_done_moves_with_the_others_but_less(book):
    """Who is wrong about one action is likely to be wrong about the others."""
    chances = learned(accounts(20_000, left_listed=0.4, left_held=0.4), book)
    done, never = (chances.loc[(name, ALL), "learned_save_probability"] for name in ("fix", "coach"))
    assert done == pytest.approx(0.0, abs=0.07)
    assert 0.0 < never < 0.1
    assert chances.loc[("coach", ALL), ["treatment_count", "holdout_count"]].tolist() == [0, 0]


def test_segments_that_differ_are_told_apart_and_new_ones_have_the_actions(book):
    both = pd.concat([
        accounts(8_000, left_listed=0.1, left_held=0.4),
        accounts(8_000, left_listed=0.45, left_held=0.4, segment="business", seed=1).assign(
            account_id=lambda rows: "b" + rows["account_id"]
        ),
    ])  # fmt: skip
    chances = learned(both, book)
    home, business, overall = (
        chances.loc[("fix", name), "learned_save_probability"] for name in ("home", "business", ALL)
    )
    assert home > 0.5 > 0.0 > business
    assert business < overall < home
    options = pd.DataFrame({"segment": ["home", "new", None], "action": "fix", "reason": "waits", "trigger": None})
    assert chances_of(options, chances.reset_index()).tolist() == [home, overall, overall]


@pytest.mark.parametrize(
    "rows",
    [
        accounts(400, left_listed=0, left_held=0),
        accounts(400, left_listed=1, left_held=1),
        accounts(400, left_listed=0.2, left_held=0, arm="treatment"),
        accounts(400, left_listed=0, left_held=0.4, arm="holdout"),
        accounts(400, left_listed=0.2, left_held=0.4, churn_probability=0.0),
        accounts(400, left_listed=0.2, left_held=0.4, segment=None, action="gone"),
        accounts(400, left_listed=0.2, left_held=0.4, segment=ALL),
    ],
    ids=[
        "nobody left",
        "all left",
        "nobody held out",
        "nobody listed",
        "no risk",
        "an action that is no more",
        "a segment called all",
    ],
)
def test_odd_outcomes_give_sensible_chances(rows, book):
    chances = learned(rows, book)
    assert chances["learned_save_probability"].between(-0.5, 0.8).all()
    assert (chances["low"] <= chances["high"]).all()


def test_options_show_what_they_go_by(book):
    options = pd.DataFrame({
        "customer_id": ["c1", "c1", "c2"], "action": ["fix", "coach", "fix"], "segment": "home", "reason": "waits",
        "trigger": None, "prior_save_probability": [0.2, 0.1, 0.2],
    })  # fmt: skip
    nothing = pd.DataFrame(columns=CHANCES)
    none = pd.DataFrame(columns=["customer_id", "action", "difference"])
    plain = with_chances(options, nothing, none)
    assert plain["learned_save_probability"].tolist() == [0.2, 0.1, 0.2]
    assert set(plain["save_source"]) == {"playbook"}
    chances = pd.DataFrame(
        {"action": ["fix"], "segment": [ALL], "learned_save_probability": [0.3], "source": "outcomes"}
    )
    own = pd.DataFrame({"customer_id": ["c2"], "action": ["fix"], "difference": [-0.5]})
    both = with_chances(options, chances, own)
    assert both["learned_save_probability"].tolist() == pytest.approx([0.3, 0.1, -0.2])
    assert both["save_source"].tolist() == ["outcomes", "playbook", "uplift"]


def test_where_the_playbook_is_wrong_learned_chances_are_nearer_the_truth_and_intervals_hold_it():
    """Root mean squared error below both the raw cells' and the playbook's; 95 % intervals, within binomial error."""
    table = chances_table(range(12), {"playbook is wrong": WORLDS["playbook is wrong"]}, (10_000,)).iloc[0]
    assert table["learned"] < 0.85 * table["playbook"]
    assert table["learned"] < 0.5 * table["raw"]
    assert table["coverage"] > 0.92


def test_where_the_playbook_is_right_little_is_lost():
    table = chances_table(range(5), {"right": World(0.0, 0.0)}, (4_000,)).iloc[0]
    assert table["learned"] < 0.1
    assert table["learned"] < 0.3 * table["raw"]


def test_a_night_later_more_is_known(book):
    rows = accounts(400, left_listed=0.2, left_held=0.4)
    days = LEAVING.wait_days
    known = evidence(rows, LEAVING, date(2025, 6, 1) + timedelta(days=days + 49))
    assert len(known) == 200
    assert known["listed_on"].max() == pd.Timestamp("2025-07-20")


def test_what_an_account_says_by_hand():
    """Held out with 0.2 and left, listed with 0.8 and stayed, on one night, before which nothing was known."""
    rows = accounts(2, left_listed=0, left_held=1, arm_probability=[0.2, 0.8], listed_on=pd.Timestamp("2025-06-01"))
    known = evidence(rows, LEAVING, RUN_DATE)
    assert known["arm"].tolist() == ["holdout", "treatment"]
    assert known["risk"].tolist() == [0.4, 0.4]
    assert known["score"].tolist() == pytest.approx([-(1 - 0.4) / 0.2, (0 - 0.4) / 0.8])
    assert known["overlap"].tolist() == pytest.approx([0.16, 0.16])
    assert known["score_variance"].tolist() == pytest.approx([0.24 / 0.16] * 2)
