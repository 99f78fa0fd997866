"""Rivals go from the top of their order until the minutes are used up; the best takes what is truly worth most."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forestall.outreach.playbook import TEMPLATE, Playbook
from forestall.reviewed import load_reviewed
from forestall.sections import OutreachSettings
from forestall.simulation.policies import Choice, choose_as_best, choose_as_rival, everything_for_everybody, reach_of

MONDAY = date(2026, 3, 2)
SETTINGS = OutreachSettings(team_minutes={"retention": 60}, budget=2)


@pytest.fixture
def playbook() -> Playbook:
    return load_reviewed(TEMPLATE, Playbook)


def _options(**columns: object) -> pd.DataFrame:
    """Eight customers of ten minutes each, of whom the last two share an account."""
    names = [f"c{number}" for number in range(8)]
    rows = {
        "customer_id": names, "account_id": [*names[:7], "c6"], "action": "courtesy_call", "team": "retention",
        "list_name": "risk", "language": "de", "action_languages": "", "skills": "", "trigger": None,
        "churn_probability": np.linspace(0.1, 0.8, 8),
        "value_at_risk": [800.0, 100, 100, 100, 100, 100, 100, 100], "expected_minutes": 10.0,
        "expected_value_cents": 1, "saved_cents": 100, "cost_cents": 0, "offer_cost_cents": 0, "last_day": 5,
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def _chosen(policy: str, options: pd.DataFrame, playbook: Playbook, seed: int = 1) -> list[str]:
    rows = choose_as_rival(policy, Choice(options, SETTINGS, playbook, MONDAY, 90, seed))
    assert rows["account_id"].is_unique
    assert rows["expected_minutes"].sum() <= 60
    return list(rows["customer_id"])


def test_by_probability_from_the_top_one_an_account(playbook: Playbook) -> None:
    assert _chosen("probability", _options(), playbook) == ["c7", "c5", "c4", "c3", "c2", "c1"]


def test_by_value_what_would_be_lost_counts(playbook: Playbook) -> None:
    assert _chosen("probability_x_value", _options(), playbook)[:2] == ["c0", "c7"]


def test_who_gave_notice_leaves_for_certain(playbook: Playbook) -> None:
    rows = _options(trigger=[None, None, "notice_given", *[None] * 5])
    assert _chosen("probability", rows, playbook)[0] == "c2"


def test_random_is_drawn_from_the_seed(playbook: Playbook) -> None:
    drawn = [_chosen("random", _options(), playbook, seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_offers_end_where_the_budget_ends(playbook: Playbook) -> None:
    rows = _options(offer_cost_cents=[0, 0, 0, 0, 0, 90, 90, 90])  # two euros
    assert _chosen("probability", rows, playbook) == ["c7", "c5", "c4", "c3", "c2", "c1"]
    rows = _options(offer_cost_cents=[0, 0, 0, 0, 0, 90, 90, 150])
    assert _chosen("probability", rows, playbook)[:2] == ["c7", "c4"]


def test_the_best_takes_what_is_expected_to_be_kept(playbook: Playbook) -> None:
    rows = _options(action=["usage_coaching", "resolve_open_issue"] * 4)
    falls = {"fall_none": 0.0, "fall_service": 0.01, "fall_price": 0.0, "fall_usage": 0.1}
    expected = pd.DataFrame(falls, index=pd.Index(rows["customer_id"]))
    choice = Choice(rows, SETTINGS, playbook, MONDAY, 90, 1)
    chosen = choose_as_best(choice, expected)
    worth = 0.1 * reach_of(pd.Series(["usage_coaching"]), playbook)[0] * 800
    assert chosen.set_index("customer_id").loc["c0", "saved_cents"] == pytest.approx(worth * 100, abs=1)
    assert {"c0", "c2", "c4", "c6"} <= set(chosen["customer_id"])
    # Whom a call would harm is not called, however many minutes are left.
    harmful = expected.assign(fall_service=-0.2)
    assert set(choose_as_best(choice, harmful)["customer_id"]) == {"c0", "c2", "c4", "c6"}


def test_the_best_may_do_anything_for_anybody_but_save_who_gave_no_notice(playbook: Playbook) -> None:
    offered = everything_for_everybody(playbook)
    assert set(offered.reasons["default"].actions) == set(playbook.actions) - {"save_call"}
    assert list(offered.triggers) == ["notice_given"]
