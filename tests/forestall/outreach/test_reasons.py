import numpy as np
import pandas as pd
import pytest

from forestall.outreach.reasons import ADDRESSED, addressed, main_reasons, pushes, told_reasons


def reasons(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "place", "feature", "contribution", "sentence"])


def contributions(**features):
    """One row a customer: c1, c2, ..."""
    rows = pd.DataFrame(features)
    return rows.assign(customer_id=[f"c{number}" for number in range(1, len(rows) + 1)])


def test_a_reason_pushes_by_all_features_of_its_group(playbook):
    found = pushes(
        contributions(
            wait_time_s_max_90d=[0.5, 0.1, -0.5],
            complaint_count_30d=[0.3, 0.0, 0.2],
            unresolved_count_30d=[0.3, 0.0, -0.3],
            tenure_days=[0.0, 0.9, 0.0],
        ),
        playbook,
    )
    assert found.columns.tolist() == ["trouble", "waits", "default"]
    # .3 + .3 of one group; a feature of no group counts for the default; what speaks for staying is no reason
    assert found.to_numpy() == pytest.approx(np.array([[0.6, 0.5, 0], [0, 0.1, 0.9], [0, 0, 0]]))
    assert main_reasons(found, playbook).to_dict() == {"c1": "trouble", "c2": "default"}


def test_of_equal_groups_the_playbooks_first_is_taken(playbook):
    both = contributions(wait_time_s_max_90d=[0.5], complaint_count_30d=[0.5])
    assert main_reasons(pushes(both, playbook), playbook)["c1"] == "trouble"


def test_an_action_answers_to_all_reasons_that_name_it(playbook):
    pushing = pushes(
        contributions(wait_time_s_max_90d=[0.5, 0.0], complaint_count_30d=[0.2, 0.0], tenure_days=[0.0, 0.7]), playbook
    )
    found = addressed(pushing, playbook).set_index(["customer_id", "action"])
    # odds of 1 would be e^-0.7 without both reasons, e^-0.5 without the waits alone
    assert found.loc[("c1", "fix"), "addressed_share"] == pytest.approx(1 - np.exp(-0.7))
    assert found.loc[("c1", "fix"), "reason"] == "waits"
    assert found.loc[("c1", "credit_call"), "addressed_share"] == pytest.approx(1 - np.exp(-0.5))
    # whom the default pushes most has its action, as a whole
    assert found.loc["c2", "addressed_share"].to_dict() == {"coach": 1.0, "fix": 0.0, "credit_call": 0.0}
    assert ("c1", "coach") not in found.index


def test_a_reason_without_actions_is_nobodys_main_one_and_its_push_is_answered_by_none(playbook):
    """What colleagues live through pushes most: the call is about what this customer's own features say."""
    account = {"account": playbook.reasons["default"].model_copy(update={"features": ("account_*",), "actions": ()})}
    book = playbook.model_copy(update={"reasons": account | playbook.reasons})
    pushing = pushes(contributions(account_others_wait_time_s_max_90d=[2.0, 2.0], wait_time_s_max_90d=[0.5, 0.0]), book)
    assert pushing["account"].tolist() == [2.0, 2.0]
    assert main_reasons(pushing, book).to_dict() == {"c1": "waits"}
    found = addressed(pushing, book).set_index(["customer_id", "action"])["addressed_share"]
    assert found["c1", "fix"] == pytest.approx(1 - np.exp(-0.5))
    assert found["c2", "fix"] == 0.0


def test_the_three_strongest_sentences_are_told_in_order():
    rows = reasons(
        ("c1", 3, "x", 0.1, "third"), ("c1", 1, "x", 0.4, "first"), ("c1", 2, "x", 0.2, "second"),
        ("c1", 4, "x", 0.05, "fourth"), ("c2", 1, "x", -0.1, "keeps"), ("c3", 1, "x", 0.2, None),
    )  # fmt: skip
    assert told_reasons(rows).to_dict() == {"c1": "first | second | third"}


def test_a_reason_that_a_fact_tells_is_not_told_again():
    rows = reasons(
        ("c1", 1, "abandoned_count_30d", 0.5, "gave up waiting twice in the last 30 days"),
        ("c1", 2, "unresolved_complaint_age_days", 0.4, "oldest complaint open for 3 days"),
        ("c1", 3, "contact_about_bill_count_30d", 0.3, "4 contacts about bill in the last 30 days"),
        ("c1", 4, "abandoned_count_90d", 0.2, "gave up waiting 3 times in the last 90 days"),
        ("c2", 1, "unresolved_complaint_age_days", 0.4, "oldest complaint open for 3 days"),
    )  # fmt: skip
    facts = pd.DataFrame({
        "complaint": ["complaint about price open for 3 days", None],
        "contacts": ["4 contacts about bill (Comfort) in 30 days, the last one given up", None],
        "given_up": ["gave up waiting twice in 30 days, after 7 min at most", None],
    }, index=["c1", "c2"])  # fmt: skip
    assert told_reasons(rows, facts).to_dict() == {
        "c1": "gave up waiting 3 times in the last 90 days", "c2": "oldest complaint open for 3 days",
    }  # fmt: skip


@pytest.mark.parametrize("features", [{}, {"tenure_days": pd.Series(dtype=float)}])
def test_no_reasons_at_all(playbook, features):
    nobody = contributions(**features) if features else pd.DataFrame({"customer_id": pd.Series(dtype=str)})
    pushing = pushes(nobody, playbook)
    assert main_reasons(pushing, playbook).empty
    assert addressed(pushing, playbook).empty
    assert addressed(pushing, playbook).columns.tolist() == ADDRESSED
    assert told_reasons(reasons()).empty
