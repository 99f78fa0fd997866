"""The list as a whole: what a row is worth by hand, who is on it, who is not, and that arms are not seen."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.published import OUTREACH_LIST, OUTREACH_WITHHELD
from forestall.outreach.experiment import COLUMNS
from forestall.outreach.listing import make_lists
from forestall.settings import OutreachSettings

RUN_DATE = date(2026, 3, 2)
SETTINGS = OutreachSettings(
    holdout_share=0.0, team_minutes={"care": 100, "success": 50}, budget=1000, discount_rate=0.0, life_cap_months=3
)


@pytest.fixture
def make(known, playbook):
    def lists(*, book=playbook, values=None, **settings):
        return make_lists(known(**values or {}), book, SETTINGS.model_copy(update=settings), 90, "key")

    return lists


def test_a_row_by_hand(make):
    row = make(values={"count": 1, "risk": 0.6}).listed.iloc[0]
    # retention .9 over three months: 20 x (.9 + .81 + .729) = 48.78
    assert row["value_at_risk"] == pytest.approx(48.78)
    # a credit call saves .6 x .3 x 48.78 = 8.78 for 10.00 + 4.00; mending it .6 x .2 x 48.78 = 5.85 for 5.00
    assert (row["action"], row["offer_cost"], row["contact_cost"]) == ("fix", 0, 5.0)
    assert row["save_probability"] == pytest.approx(0.12)
    assert row["expected_value"] == pytest.approx(5.85 - 5.00)
    assert row["reasons"] == "waited for 12 min"
    assert row["probability_change"] == pytest.approx(0.4)
    assert (row["tier"], row["status"], row["best_hours"]) == ("firm", "open", "9-10, 17-19")
    assert (row["listed_since_on"], row["due_on"]) == (RUN_DATE, date(2026, 3, 4))


def test_nothing_that_costs_more_than_it_saves_is_listed(make):
    lists = make(values={"count": 5, "risk": 0.4})
    assert lists.listed.empty
    assert lists.withheld.empty


def test_margin_is_assumed_from_the_value_where_it_is_not_known(make, candidates):
    people = candidates(
        3, monthly_margin=[np.nan, 0.0, np.nan], monthly_value=[50.0, 50.0, np.nan], net_activity_value_365d=[1, 1, 720]
    )
    listed = make(values={"people": people, "risk": 0.6}).listed
    assert listed["value_at_risk"].tolist() == pytest.approx([58.54, 48.78], abs=0.01)


def test_a_trigger_comes_first_whatever_it_is_worth(make, candidates):
    people = candidates(
        6, is_complaint_unanswered_24h=[False, True] + [False] * 4, open_complaint_h=30.0,
        low_csat_7d=[np.nan] * 3 + [1.0] + [np.nan] * 2,
    )  # fmt: skip
    listed = make(values={"people": people, "risk": [0.9, 0.01, 0.9, 0.9, 0.9, 0.9]}).listed
    assert listed["customer_id"].tolist()[:2] == ["c0001", "c0003"]
    assert listed["trigger"].tolist()[:2] == ["complaint_unanswered", "low_csat"]
    assert listed["trigger"][2:].isna().all()
    first = listed.iloc[0]
    assert first["reasons"] == "complaint open for 30 h | waited for 12 min"
    assert first["due_on"] == RUN_DATE
    assert first["expected_value"] < 0


def test_triggers_take_no_more_than_their_share_of_the_minutes(make, candidates):
    people = candidates(20, low_csat_7d=[1.0] * 10 + [np.nan] * 10)
    lists = make(values={"people": people, "risk": 0.9})
    by_trigger = lists.listed[lists.listed["trigger"].notna()]
    assert by_trigger["expected_minutes"].sum() == 50
    assert lists.listed["expected_minutes"].sum() == 100
    assert lists.withheld["suppression_reason"].tolist() == ["no_minutes"] * 5


def test_who_gave_notice_is_saved_by_the_trigger_and_never_scored(make, candidates, playbook):
    people = candidates(2, is_under_notice=[True, False])
    row = make(values={"people": people, "risk": [np.nan, 0.1]}).listed.iloc[0]
    assert (row["trigger"], row["action"]) == ("notice_given", "credit_call")
    assert row["save_probability"] == pytest.approx(0.3)  # sure to leave: the whole prior
    assert np.isnan(row["churn_probability"])
    without = playbook.model_copy(update={"triggers": {}})
    assert make(book=without, values={"people": people, "risk": [0.9, 0.1]}).listed.empty


def test_one_row_an_account(make, candidates):
    people = candidates(8, account_id=["same"] * 4 + [None] * 4)
    listed = make(values={"people": people, "risk": 0.9}).listed
    assert (listed["account_id"] == "same").sum() == 1
    assert len(listed) == 5


def test_held_back_customers_name_the_filter(make, candidates):
    people = candidates(3, is_minor=[True, False, False], can_phone=[True, False, True])
    lists = make(values={"people": people, "risk": [0.9, 0.9, 0.01]})
    assert lists.withheld.set_index("customer_id")["suppression_reason"].to_dict() == {
        "c0000": "minor", "c0001": "no_consent"
    }  # fmt: skip
    assert lists.listed.empty


def test_a_group_that_contact_drives_away_is_not_disturbed(make, candidates):
    """In neither arm: otherwise the holdout would be another kind of customer."""
    people = candidates(40, segment=["home", "business"] * 20)
    marked = pd.DataFrame({"scope": ["segment", "action"], "scope_value": ["business", "coach"]})
    effects = marked.assign(is_do_not_disturb=[True, False])
    lists = make(values={"people": people, "risk": 0.6, "effects": effects}, holdout_share=0.3)
    reasons = lists.withheld.set_index("customer_id")["suppression_reason"]
    by_segment = reasons.groupby(people.set_index("customer_id")["segment"]).unique().map(list).to_dict()
    assert by_segment == {"business": ["do_not_disturb"], "home": ["holdout"]}
    assert set(lists.listed["segment"]) == {"home"}


def test_where_one_channel_is_refused_another_may_be_used(make, candidates, playbook):
    changed = playbook.actions["credit_call"].model_copy(update={"channel": "email"})
    book = playbook.model_copy(update={"actions": {**playbook.actions, "credit_call": changed}})
    people = candidates(1, can_phone=False, monthly_margin=100.0)
    listed = make(book=book, values={"people": people, "risk": 0.9}).listed
    assert listed[["action", "channel"]].to_numpy().tolist() == [["credit_call", "email"]]


def test_the_list_is_chosen_blind_to_the_arm(make, known):
    # the same people, once with arms drawn one way and once the other: the same rows are chosen
    people = known(count=40, risk=np.linspace(0.55, 0.95, 40)).candidates
    values = {"people": people, "risk": np.linspace(0.55, 0.95, 40)}

    def chosen(arm_of):
        drawn = people[["account_id"]].assign(
            arm=arm_of, arm_probability=0.5, block="r1v1", first_eligible_on=RUN_DATE, seed=1
        )[list(COLUMNS)]
        lists = make(values={**values, "arms": drawn})
        assert set(lists.listed["arm"]) <= {"treatment"}
        assert set(lists.withheld["suppression_reason"]) <= {"holdout"}
        both = pd.concat([lists.listed, lists.withheld]).set_index("customer_id").sort_index()
        return lists, both

    some, none = np.where(np.arange(40) % 2, "holdout", "treatment"), np.full(40, "treatment")
    lists, with_holdout = chosen(some)
    assert len(lists.withheld) > 0
    same = ["row_id", "action", "expected_value", "due_on", "tier"]
    pd.testing.assert_frame_equal(with_holdout[same], chosen(none)[1][same])
    # the holdout keeps the rank it would have had
    assert lists.withheld["list_rank"].tolist() != list(range(1, len(lists.withheld) + 1))


def test_what_is_worth_it_if_it_stays_quiet_comes_after_what_is_firm(make):
    values = {"count": 40, "risk": np.linspace(0.6, 0.95, 40)}
    firm = make(values=values).listed
    both = make(values=values, if_quiet_share=0.5).listed
    assert both["tier"].tolist() == ["firm"] * len(firm) + ["if_quiet"] * (len(both) - len(firm))
    assert both["customer_id"].tolist()[: len(firm)] == firm["customer_id"].tolist()
    assert both.loc[both["tier"] == "if_quiet", "expected_minutes"].sum() == 50


@pytest.mark.parametrize("minutes", [{}, {"care": 0, "success": 0}])
def test_without_minutes_nobody_is_listed_and_it_is_said(make, minutes):
    lists = make(values={"risk": 0.9}, team_minutes=minutes)
    assert lists.listed.empty
    assert lists.notes == [
        "team `care` has no minutes in outreach.team_minutes, so nobody can do: fix, credit_call",
        "team `success` has no minutes in outreach.team_minutes, so nobody can do: coach",
    ]


def test_a_budget_below_the_cheapest_offer_is_said_and_free_actions_are_listed(make, candidates):
    people = candidates(20, monthly_margin=200.0)
    assert set(make(values={"people": people, "risk": 0.9}).listed["action"]) == {"credit_call"}
    lists = make(values={"people": people, "risk": 0.9}, budget=9.99)
    assert set(lists.listed["action"]) == {"fix"}
    assert lists.notes == ["outreach.budget 9.99 is below the cheapest offer (10.00 expected): nothing is offered"]


def test_minutes_and_budget_bind(make, candidates):
    people = candidates(60, monthly_margin=200.0)
    listed = make(values={"people": people, "risk": 0.9}, budget=45).listed
    assert listed["offer_cost"].sum() == 40
    assert listed.groupby("team")["expected_minutes"].sum().to_dict() == {"care": pytest.approx(92)}


@pytest.mark.parametrize("count", [0, 1])
def test_few_or_no_customers(make, count):
    lists = make(values={"count": count, "risk": np.full(count, np.nan)})
    assert tuple(lists.listed.columns) == OUTREACH_LIST.names
    assert tuple(lists.withheld.columns) == OUTREACH_WITHHELD.names
    assert len(lists.listed) + len(lists.withheld) + len(lists.new_arms) == 0
