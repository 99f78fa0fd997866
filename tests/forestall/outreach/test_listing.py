"""The list as a whole: what a row is worth by hand, who is on it, who is not, and that arms are not seen."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.published_outreach import OUTREACH_LIST, OUTREACH_WITHHELD
from forestall.outreach.effect_table import COLUMNS as EFFECTS
from forestall.outreach.evidence import told_facts
from forestall.outreach.experiment import COLUMNS
from forestall.outreach.fairness import Tolerance, compare, in_groups, tally
from forestall.outreach.listing import judged_options, make_lists
from forestall.sections import OutreachSettings, PoolSettings

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
    assert (row["tier"], row["status"], row["best_hours"]) == ("firm", "open", "09:00-10:00, 17:00-19:00")
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
    assert listed["customer_id"].tolist() == ["c0001", "c0000", "c0002", "c0003", "c0004", "c0005"]
    assert listed["trigger"].dropna().to_dict() == {0: "complaint_unanswered", 3: "low_csat"}
    first = listed.iloc[0]
    assert first["reasons"] == "complaint open for 30 h | waited for 12 min"
    assert first["due_on"] == RUN_DATE
    assert first["expected_value"] < 0


def test_whatever_they_are_worth_triggers_take_no_more_than_their_share_of_the_minutes(make, candidates):
    people = candidates(20, low_csat_7d=[1.0] * 10 + [np.nan] * 10, monthly_margin=[1.0] * 10 + [20.0] * 10)
    lists = make(values={"people": people, "risk": 0.9})
    by_trigger = lists.listed[lists.listed["trigger"].notna()]
    assert by_trigger["expected_minutes"].sum() == 50
    assert lists.listed["expected_minutes"].sum() == 100
    assert lists.withheld["suppression_reason"].tolist() == ["no_minutes"] * 5


def test_beyond_their_share_triggers_compete_by_value(make, candidates):
    people = candidates(20, low_csat_7d=[1.0] * 10 + [np.nan] * 10, monthly_margin=[40.0] * 10 + [20.0] * 10)
    assert make(values={"people": people, "risk": 0.9}).listed["trigger"].eq("low_csat").sum() == 10


def save_queue(candidates, at_risk=20):
    """Twenty who gave notice, each worth three of those at risk."""
    is_leaving = [True] * 20 + [False] * at_risk
    return candidates(20 + at_risk, is_under_notice=is_leaving, monthly_margin=[60.0] * 20 + [20.0] * at_risk)


@pytest.mark.parametrize(("shares", "saved"), [({}, 12), ({"save_queue": 0.3}, 3), ({"save_queue": 0}, 0)])
def test_a_list_takes_no_more_than_its_share_while_others_want_the_minutes(make, candidates, playbook, shares, saved):
    book = playbook.model_copy(update={"list_shares": shares})
    lists = make(book=book, values={"people": save_queue(candidates), "risk": 0.9})
    assert lists.listed["list_name"].value_counts().get("save_queue", 0) == saved
    assert lists.listed["expected_minutes"].sum() > 90
    left = lists.withheld[lists.withheld["list_name"] == "save_queue"]
    assert left["suppression_reason"].tolist() == ["no_minutes"] * (20 - saved)


def test_minutes_that_no_other_list_wants_go_beyond_the_share(make, candidates, playbook):
    book = playbook.model_copy(update={"list_shares": {"save_queue": 0.3}})
    lists = make(book=book, values={"people": save_queue(candidates, at_risk=2), "risk": 0.9})
    assert lists.listed["list_name"].value_counts().to_dict() == {"save_queue": 10, "risk": 2}


def test_what_is_worked_already_counts_in_the_share_of_its_list(make, candidates, playbook):
    book = playbook.model_copy(update={"list_shares": {"save_queue": 0.3}})
    people = save_queue(candidates)
    worked = make(book=book, values={"people": people, "risk": 0.9}).listed.query("list_name == 'save_queue'").head(2)
    listed = make(book=book, values={"people": people, "risk": 0.9, "worked": worked}).listed
    assert (listed["list_name"] == "save_queue").sum() == 3


def test_if_it_stays_quiet_the_shares_hold_too(make, candidates, playbook):
    book = playbook.model_copy(update={"list_shares": {"save_queue": 0.3}})
    listed = make(book=book, values={"people": save_queue(candidates), "risk": 0.9}, if_quiet_share=1.0).listed
    assert listed.groupby("tier")["list_name"].apply(lambda names: (names == "save_queue").sum()).to_dict() == {
        "firm": 3, "if_quiet": 3
    }  # fmt: skip


def test_a_promise_that_was_missed_ranks_by_value_and_stays_visible(make, candidates):
    # complaints may wait no day after the night that could first know of them; six of the seven have
    people = candidates(
        12, is_complaint_unanswered_24h=[True] * 7 + [False] * 5, open_complaint_h=1700.0,
        complaint_unanswered_days=[0] + [70] * 6 + [0] * 5, monthly_margin=[1.0, 30.0] + [1.0] * 5 + [20.0] * 5,
    )  # fmt: skip
    lists = make(values={"people": people, "risk": 0.9})
    listed = lists.listed.set_index("customer_id")
    assert sorted(listed.index) == ["c0000", "c0001", "c0007", "c0008", "c0009", "c0010", "c0011"]
    assert listed["is_overdue"].to_dict() == {name: name == "c0001" for name in listed.index}
    assert listed.loc["c0001", "due_on"] == date(2025, 12, 22)
    assert lists.withheld["suppression_reason"].tolist() == ["overdue"] * 5


def test_minutes_of_each_language_bind(make, candidates):
    people = candidates(30, language=["de"] * 20 + ["zh"] * 10)
    pools = {
        "care_de": PoolSettings(team="care", minutes=60, languages=("de",)),
        "care_zh": PoolSettings(team="care", minutes=20, languages=("zh",)),
    }
    listed = make(values={"people": people, "risk": 0.9}, pools=pools).listed
    assert listed.groupby(["pool", "language"])["expected_minutes"].sum().to_dict() == {
        ("care_de", "de"): 60, ("care_zh", "zh"): 20
    }  # fmt: skip
    only = make(values={"people": people, "risk": 0.9}, pools={"care_de": pools["care_de"]})
    assert only.withheld["suppression_reason"].tolist() == ["no_speaker"] * 10


@pytest.fixture
def german_offer(playbook):
    """The credit is for who speaks German; all others are helped without."""
    only = playbook.actions["credit_call"].model_copy(update={"languages": ("de",)})
    return playbook.model_copy(update={"actions": {**playbook.actions, "credit_call": only}})


def test_an_action_is_done_in_its_languages_only(make, candidates, german_offer):
    people = candidates(6, language=["de", "en", None] * 2, monthly_margin=200.0)
    listed = make(book=german_offer, values={"people": people, "risk": 0.9}).listed.set_index("customer_id")
    assert listed["action"].to_dict() == {
        "c0000": "credit_call", "c0001": "fix", "c0002": "credit_call", "c0003": "credit_call", "c0004": "fix",
        "c0005": "credit_call",
    }  # fmt: skip


def test_an_offer_that_one_language_alone_gets_is_an_unexplained_difference(make, candidates, german_offer):
    rng = np.random.default_rng(1)
    people = candidates(400, language=rng.choice(["de", "en", "fr"], 400), monthly_margin=rng.uniform(180, 220, 400))
    settings = {"team_minutes": {"care": 4000}, "budget": 1e5}
    considered = make(book=german_offer, values={"people": people, "risk": 0.9}, **settings).considered
    scopes = ["language", "region"]
    found = compare(tally(in_groups(considered, scopes), scopes), Tolerance(0.8, 30))
    flagged = found[found["is_flagged"]].set_index(["scope_value", "measure"])["ratio"]
    assert list(flagged.index) == [("de", "offered"), ("en", "offered"), ("fr", "offered")]
    assert flagged["en", "offered"] == pytest.approx(0, abs=1e-9)
    alike = make(values={"people": people, "risk": 0.9}, **settings).considered
    assert not compare(tally(in_groups(alike, scopes), scopes), Tolerance(0.8, 30))["is_flagged"].any()


def test_days_without_work_are_passed_over_and_nothing_is_planned_after_it_is_due(make, candidates):
    weekdays = ("tue", "fri")  # the run date is a Monday; what is due in two days is not done on Friday
    pools = {"care": PoolSettings(team="care", minutes=30, weekdays=weekdays)}
    listed = make(values={"count": 20, "risk": 0.9}, pools=pools, plan_days=5).listed
    assert listed["planned_on"].tolist() == [date(2026, 3, 3)] * 3
    assert make(values={"count": 20, "risk": 0.9}, pools=pools).listed.empty


def test_nobody_is_called_at_night_where_they_live(make, candidates):
    people = candidates(3, time_zone=["Europe/Berlin", "Pacific/Auckland", "Mars/Olympus"])
    lists = make(values={"people": people, "risk": 0.9})
    assert lists.withheld.set_index("customer_id")["suppression_reason"].to_dict() == {"c0001": "quiet_hours"}
    assert lists.notes == [
        "1 customers have a time zone that does not exist, such as `Mars/Olympus`: Europe/Berlin is taken for it"
    ]


def test_renewals_without_minutes_stay_visible(make, candidates):
    people = candidates(20, days_to_renewal=[10] * 15 + [90] * 5)
    lists = make(values={"people": people, "risk": 0.9})
    assert set(lists.withheld["list_name"]) == {"renewal"}
    assert set(lists.withheld["suppression_reason"]) == {"no_minutes"}
    assert (pd.concat([lists.listed, lists.withheld])["list_name"] == "renewal").sum() == 15


def test_an_account_that_was_split_keeps_its_arm(make, candidates):
    people = candidates(4, account_id=["new", "a1", "a2", "a3"])
    former = pd.DataFrame({"customer_id": ["c0000"], "account_id": ["old"]})
    drawn = pd.DataFrame({"account_id": ["old", "a1"], "arm": ["holdout", "treatment"], "arm_probability": [0.2, 0.8],
                          "block": "r1v1", "first_eligible_on": date(2026, 1, 1), "seed": 1})  # fmt: skip
    lists = make(values={"people": people, "risk": 0.9, "arms": drawn, "former_accounts": former})
    assert lists.withheld[["account_id", "arm", "suppression_reason"]].to_numpy().tolist() == [
        ["new", "holdout", "holdout"]
    ]
    assert lists.new_arms.set_index("account_id").loc["new", ["arm_probability", "first_eligible_on"]].tolist() == [
        0.2, date(2026, 1, 1)
    ]  # fmt: skip
    assert sorted(lists.new_arms["account_id"]) == ["a2", "a3", "new"]


def test_accounts_that_were_merged_keep_the_arm_of_the_one_that_stays_and_it_is_said(make, candidates):
    people = candidates(2, account_id=["stays", "stays"])
    former = pd.DataFrame({"customer_id": ["c0000"], "account_id": ["gone"]})
    drawn = pd.DataFrame({"account_id": ["gone", "stays"], "arm": ["holdout", "treatment"], "arm_probability": 0.5,
                          "block": "r1v1", "first_eligible_on": date(2026, 1, 1), "seed": 1})  # fmt: skip
    lists = make(values={"people": people, "risk": 0.9, "arms": drawn, "former_accounts": former})
    assert lists.listed["arm"].tolist() == ["treatment"]
    assert lists.notes == ["1 customers moved to an account of the other arm: the account's arm holds"]


def test_an_action_that_asks_for_a_skill_nobody_has_is_said(make, playbook):
    skilled = playbook.actions["fix"].model_copy(update={"skills": ("fibre", "billing")})
    book = playbook.model_copy(update={"actions": {**playbook.actions, "fix": skilled}})
    pools = {"care": PoolSettings(team="care", minutes=60, skills=("fibre",))}
    lists = make(book=book, values={"risk": 0.9}, pools=pools)
    assert lists.notes == [
        "action `fix` asks for fibre, billing, which no pool of team `care` can do",
        "nobody is listed, of 20 customers: worth less than a contact costs, or without minutes 20",
    ]
    assert lists.listed.empty


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
    people = candidates(3, is_minor=[True, False, False], can_phone_marketing=[True, False, True])
    lists = make(values={"people": people, "risk": [0.9, 0.9, 0.01]})
    assert lists.withheld.set_index("customer_id")["suppression_reason"].to_dict() == {
        "c0000": "minor", "c0001": "no_consent"
    }  # fmt: skip
    assert lists.listed.empty


def test_a_group_that_contact_drives_away_is_not_disturbed(make, candidates):
    """In neither arm: otherwise the holdout would be another kind of customer."""
    people = candidates(40, segment=["home", "business"] * 20)
    marked = pd.DataFrame({"scope": ["segment", "action"], "scope_value": ["business", "coach"]})
    effects = marked.assign(is_do_not_disturb=[True, False]).reindex(columns=list(EFFECTS))
    lists = make(values={"people": people, "risk": 0.6, "effects": effects}, holdout_share=0.3)
    reasons = lists.withheld.set_index("customer_id")["suppression_reason"]
    by_segment = reasons.groupby(people.set_index("customer_id")["segment"]).unique().map(list).to_dict()
    assert by_segment == {"business": ["do_not_disturb"], "home": ["holdout"]}
    assert set(lists.listed["segment"]) == {"home"}


def test_where_one_channel_is_refused_another_may_be_used(make, candidates, playbook):
    changed = playbook.actions["credit_call"].model_copy(update={"channel": "email"})
    book = playbook.model_copy(update={"actions": {**playbook.actions, "credit_call": changed}})
    people = candidates(1, can_phone_marketing=False, monthly_margin=100.0)
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
        "nobody is listed, of 20 customers: worth less than a contact costs, or without minutes 20",
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


def some_drawn(candidates):
    """Sixty customers of different worth with arms drawn before, half of whom are left alone: 100 minutes hold 20."""
    people = candidates(60, monthly_margin=np.linspace(20.0, 40.0, 60))
    arms = pd.DataFrame({"account_id": people["account_id"], "arm": ["holdout", "treatment"] * 30})
    return people, arms.assign(arm_probability=0.5, block="r1v1", first_eligible_on=RUN_DATE, seed=0)[list(COLUMNS)]


def test_the_holdout_leaves_no_minutes_idle(make, candidates):
    people, arms = some_drawn(candidates)
    lists = make(values={"people": people, "arms": arms, "risk": 0.9}, holdout_share=0.5)
    everybody = make(values={"people": people, "risk": 0.9})
    assert lists.listed["expected_minutes"].sum() == everybody.listed["expected_minutes"].sum() == 100
    assert (lists.withheld["suppression_reason"] == "holdout").sum() == pytest.approx(len(lists.listed), abs=1)


def test_a_customers_own_arm_never_decides_whether_it_would_have_been_listed(make, candidates):
    people, arms = some_drawn(candidates)

    def selected(arms):
        lists = make(values={"people": people, "arms": arms, "risk": 0.9}, holdout_share=0.5)
        return {*lists.listed["customer_id"], *lists.withheld.query("suppression_reason == 'holdout'")["customer_id"]}

    as_drawn = selected(arms)
    for place in range(15, 45):
        other = {"holdout": "treatment", "treatment": "holdout"}[arms.loc[place, "arm"]]
        turned = arms.assign(arm=arms["arm"].where(arms.index != place, other))
        customer = people.loc[place, "customer_id"]
        assert (customer in selected(turned)) == (customer in as_drawn)


def test_the_list_fills_what_shifts_leave_firm_first_then_if_quiet(make):
    shifts = pd.DataFrame({
        "team": "care", "languages": "de", "skills": "", "local_on": [RUN_DATE], "firm_minutes": 35.0,
        "if_quiet_minutes": 21.0, "interval_start_at": pd.Timestamp(RUN_DATE, tz="Europe/Berlin") + pd.Timedelta("9h"),
    })  # fmt: skip
    listed = make(values={"risk": 0.9, "usable": shifts}).listed
    # `fix` takes ten minutes: three fit in 35, two more in 21; the 100 minutes of the settings are not there.
    assert listed.groupby("tier")["expected_minutes"].sum().to_dict() == {"firm": 30.0, "if_quiet": 20.0}
    lent_by = make(values={"risk": 0.9, "usable": shifts}).placed.set_index("pool")["lent_by"]
    assert (set(lent_by["care"]), lent_by["success"]) == ({"care"}, "")
    assert set(listed["idle_hours"]) == {"09:00-09:30"}
    firm, quiet = (listed[listed["tier"] == tier] for tier in ("firm", "if_quiet"))
    assert firm["expected_value"].min() >= quiet["expected_value"].max()


def test_what_minutes_are_worth_and_what_one_agent_more_would_add(make):
    # 20 customers at .9: `fix` is worth .9 x .2 x 48.78 = 8.78 and takes 10 minutes at .50.
    lists = make(values={"risk": 0.9}, team_minutes={"care": 45, "success": 0}, agent_minutes=60, agent_paid_minutes=90)
    row = lists.placed.set_index("pool").loc["care"]
    assert (row["usable_minutes"], row["placed_minutes"], row["row_count"]) == (45, 40, 4)
    assert row["expected_value"] == pytest.approx(4 * (8.78 - 5.00))
    # Six more in an hour bring 52.68, against 90 minutes of pay.
    assert (row["next_minutes"], row["next_cost"], row["is_worth_an_agent"]) == (60, 45.0, True)
    assert row["next_value"] == pytest.approx(6 * 8.78)
    assert row["sentence"] == (
        "one agent more in `care` would pay for itself by outreach alone: 60 min worth 52.68 for 45.00 of pay"
    )
    assert row["lent_by"] == ""  # the settings say how many
    dear = make(values={"risk": 0.9}, team_minutes={"care": 45, "success": 0}, agent_minutes=60, agent_paid_minutes=120)
    row = dear.placed.set_index("pool").loc["care"]
    assert (row["next_cost"], row["is_worth_an_agent"]) == (60.0, False)
    assert "would not pay for itself by outreach alone: 60 min worth 52.68 for 60.00 of pay" in row["sentence"]
    idle = make(values={"risk": 0.9, "count": 4}, team_minutes={"care": 45, "success": 0}).placed.set_index("pool")
    assert (idle.loc["care", "next_value"], idle.loc["care", "is_worth_an_agent"]) == (0.0, False)


def _pushed(*rows):
    """Reasons of one customer each, as feature and log odds."""
    named = [(f"c{at:04d}", 1 + place, *one) for at, row in enumerate(rows) for place, one in enumerate(row)]
    reasons = pd.DataFrame(named, columns=["customer_id", "place", "feature", "contribution"])
    return reasons.assign(sentence=reasons["feature"])


def test_the_second_reason_is_answered_where_that_is_worth_more(make, candidates, playbook):
    """Waits push most, yet an apology costs more than it saves; trouble is what the call is about."""
    only_waits = {"waits": playbook.reasons["waits"].model_copy(update={"actions": ("credit_call",)})}
    book = playbook.model_copy(update={"reasons": playbook.reasons | only_waits})
    reasons = _pushed([("wait_time_s_max_90d", 2.0), ("complaint_count_30d", 1.5), ("tenure_days", 0.1)])
    row = make(book=book, values={"people": candidates(1), "risk": 0.9, "reasons": reasons}).listed.iloc[0]
    assert (row["action"], row["reason"]) == ("fix", "trouble")
    assert row["addressed_share"] == pytest.approx(1 - np.exp(-1.5))
    assert row["save_probability"] == pytest.approx(0.9 * (1 - np.exp(-1.5)) * 0.2)


def test_of_equal_risks_goes_first_whose_risk_the_action_answers_to(make, candidates):
    reasons = _pushed(
        [("wait_time_s_max_90d", 1.0), ("tenure_days", 0.9)],
        [("wait_time_s_max_90d", 3.0), ("tenure_days", 0.1)],
        [("wait_time_s_max_90d", 0.1), ("tenure_days", 2.0)],
    )
    lists = make(values={"people": candidates(3, monthly_margin=100.0), "risk": 0.6, "reasons": reasons})
    assert lists.listed["customer_id"].tolist()[0] == "c0001"
    assert set(lists.listed.loc[lists.listed["customer_id"] != "c0002", "reason"]) == {"waits"}
    # whom no reason explains better gets the default's action, which counts whole
    last = lists.listed.set_index("customer_id").loc["c0002"]
    assert (last["action"], last["reason"], last["addressed_share"]) == ("coach", "default", 1.0)


def _shares(known, playbook, people, reasons):
    """addressed_share by customer and action."""
    options = judged_options(known(people=people, risk=0.6, reasons=reasons), playbook, SETTINGS, 90)
    return options.set_index(["customer_id", "action"])["addressed_share"].to_dict()


def test_an_action_whose_reasons_do_not_push_is_no_option(known, playbook, candidates):
    reasons = _pushed([("complaint_count_30d", 1.0), ("wait_time_s_max_90d", -0.5)])
    assert _shares(known, playbook, candidates(1), reasons) == {("c0000", "fix"): pytest.approx(1 - np.exp(-1.0))}


def test_an_action_of_a_trigger_counts_with_the_share_of_its_reasons_and_whole_where_none_is_known(
    known, playbook, candidates
):
    people = candidates(2, low_csat_7d=1.0)
    reasons = _pushed([("wait_time_s_max_90d", 0.5), ("tenure_days", 0.9)])
    assert _shares(known, playbook, people, reasons) == {
        ("c0000", "fix"): pytest.approx(1 - np.exp(-0.5)), ("c0001", "fix"): 1.0
    }  # fmt: skip


def test_an_action_of_the_default_counts_whole_though_another_reason_names_it_too(known, playbook, candidates):
    both = {"default": playbook.reasons["default"].model_copy(update={"actions": ("coach", "fix")})}
    book = playbook.model_copy(update={"reasons": playbook.reasons | both})
    reasons = _pushed([("tenure_days", 0.9), ("wait_time_s_max_90d", 0.5)])
    assert _shares(known, book, candidates(1), reasons) == {
        ("c0000", "coach"): 1.0, ("c0000", "credit_call"): pytest.approx(1 - np.exp(-0.5)), ("c0000", "fix"): 1.0
    }  # fmt: skip


def test_who_was_reached_of_late_is_named_though_another_call_keeps_little_more(make, candidates):
    reached = pd.Timestamp("2026-03-01 12:00", tz="UTC")
    people = candidates(2, last_reached_at=[reached, pd.NaT], last_reached_on=[reached.tz_localize(None), pd.NaT])
    lists = make(values={"people": people, "risk": 0.9})
    assert lists.listed["customer_id"].tolist() == ["c0001"]
    held = lists.withheld.iloc[0]
    assert (held["customer_id"], held["suppression_reason"]) == ("c0000", "cooldown")
    assert held["fresh_share"] == pytest.approx(1 / 90)


def test_where_accounts_leave_as_a_whole_the_margin_of_all_is_at_risk(make, candidates):
    people = candidates(3, account_id=["a", "a", None], monthly_margin=[20.0, 30.0, 50.0])
    values = {"people": people, "risk": 0.9, "leave_together": True}
    listed = make(values=values).listed.set_index("customer_id")
    assert listed["monthly_margin"].tolist() == [50.0, 50.0]  # one row an account
    alone = make(values=values | {"leave_together": False}).listed.set_index("customer_id")
    assert alone["monthly_margin"].sum() == 80.0  # of the account the one who is worth more


def test_each_fact_is_told_once_and_evidence_agrees_with_reasons(known, playbook, candidates):
    quoting = playbook.triggers["complaint_unanswered"].model_copy(update={"sentence": "{complaint}"})
    book = playbook.model_copy(update={"triggers": playbook.triggers | {"complaint_unanswered": quoting}})
    people = candidates(3, is_complaint_unanswered_24h=[True, False, False], open_complaint_h=[35.0, 90.0, np.nan])
    facts = pd.DataFrame({
        "customer_id": people["customer_id"], "topic": "billing", "product": None, "contact_count_7d": 3,
        "contact_count_30d": 3, "last_contact_days": 2, "last_unanswered_h": None, "is_last_given_up": None,
        "complaint_topic": "price", "complaint_open_h": [35, 90, None], "is_complaint_unanswered": [True, False, None],
        "lowest_csat_30d": None, "lowest_csat_days": None, "given_up_count_30d": None, "given_up_wait_s_max": None,
    })  # fmt: skip
    options = judged_options(known(people=people, evidence=told_facts(facts)), book, SETTINGS, 90)
    told = options.drop_duplicates("customer_id").set_index("customer_id")[["reasons", "evidence"]]
    assert told.loc["c0000"].tolist() == [
        "complaint about price without an answer for 35 h | waited for 12 min", "3 contacts about billing in 7 days",
    ]  # fmt: skip
    assert told.loc["c0001"].tolist() == [
        "waited for 12 min", "complaint about price open for 4 days | 3 contacts about billing in 7 days",
    ]  # fmt: skip
    assert told.loc["c0002", "evidence"] == "3 contacts about billing in 7 days"
