"""What moved a score: the night before under tonight's model, and the sentence that is made of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.churn.changes import CHANGE_COLUMNS, Seen, changes

PHRASES = {
    "complaint_count_7d": "{value} complaints in the last 7 days",
    "complaint_count_30d": "{value} complaints in the last 30 days",
    "wait_time_s_mean_30d": "waited {value} s on average",
    "plan": "on plan {value}",
    "wait_time_s_change_30d": "waits changed by {value} s",
}
EFFECTS = {"complaint_count_7d": 0.2, "complaint_count_30d": 0.5, "wait_time_s_mean_30d": 0.001, "untold": 0.3,
           "wait_time_s_change_30d": 0.01}  # fmt: skip


def seen(rows: dict[str, list[Any]], level: float = -1.0) -> Seen:
    """Customers under a model that adds up: an odds ratio for each unit, and pro a little better than basic."""
    frame = pd.DataFrame(rows)
    frame = frame.reindex(columns=["customer_id", *EFFECTS, "plan"])
    parts = frame[list(EFFECTS)].astype(float).fillna(0.0) * pd.Series(EFFECTS)
    parts["plan"] = np.where(frame["plan"] == "pro", -0.4, 0.0)
    return Seen(frame, parts, np.asarray(1 / (1 + np.exp(-level - parts.sum(axis=1)))))


def told(now: dict[str, list[Any]], then: dict[str, list[Any]], previous: Any = None, **how: Any) -> pd.DataFrame:
    tonight, before = seen(now), seen(then)
    published = pd.Series(before.probability, then["customer_id"]) if previous is None else previous
    found = changes(tonight, before, published, PHRASES, "yesterday", **{"is_new_model": False, **how})
    assert list(found.columns) == CHANGE_COLUMNS
    assert found["customer_id"].tolist() == now["customer_id"]
    return found.set_index("customer_id")


def test_what_moved_a_score_is_named_with_what_it_was() -> None:
    found = told(
        {"customer_id": list("bac"), "complaint_count_30d": [3, 1, 0], "wait_time_s_mean_30d": [400.0, 90.0, 90.0]},
        {"customer_id": list("abc"), "complaint_count_30d": [0, 1, 2], "wait_time_s_mean_30d": [90.0, 100.0, 90.0]},
    )["change_reason"]
    # a: log odds of -.91 and -.41 are .287 and .399; c: .09 and -.91 are .522 and .287
    assert found["a"] == "up 11.2 points since yesterday: 1 complaint in the last 30 days (new)"
    assert found["b"].endswith(": 3 complaints in the last 30 days, up from 1; waited 400 s on average, up from 100")
    assert found["c"] == "down 23.5 points since yesterday: mostly because time has passed"


def test_the_points_are_those_of_the_probabilities() -> None:
    now, then = {"customer_id": ["a"], "complaint_count_30d": [1]}, {"customer_id": ["a"], "complaint_count_30d": [0]}
    change = 100 * (seen(now).probability[0] - seen(then).probability[0])
    assert told(now, then)["change_reason"]["a"].startswith(f"up {change:.1f} points")


def test_windows_of_one_quantity_are_one_cause() -> None:
    found = told(
        {"customer_id": ["a"], "complaint_count_7d": [1], "complaint_count_30d": [2]},
        {"customer_id": ["a"], "complaint_count_7d": [0], "complaint_count_30d": [1]},
    )
    assert found["change_reason"]["a"].count("complaint") == 1


def test_only_what_is_another_and_pushed_that_way_is_named() -> None:
    """Pro pushes down while the score goes up, `untold` has no phrase, and the wait hardly moved it."""
    found = told(
        {
            "customer_id": ["a"],
            "complaint_count_30d": [4],
            "plan": ["pro"],
            "untold": [5],
            "wait_time_s_mean_30d": [91],
        },
        {
            "customer_id": ["a"],
            "complaint_count_30d": [1],
            "plan": ["basic"],
            "untold": [0],
            "wait_time_s_mean_30d": [90],
        },
    )["change_reason"]["a"]
    assert found.split(": ")[1] == "4 complaints in the last 30 days, up from 1"


def test_a_value_that_stayed_is_not_named_though_what_it_says_of_the_customer_moved() -> None:
    """Trees let one feature's value change what another one adds."""
    tonight = seen({"customer_id": ["a"], "complaint_count_30d": [3], "wait_time_s_mean_30d": [90]})
    before = seen({"customer_id": ["a"], "complaint_count_30d": [1], "wait_time_s_mean_30d": [90]})
    before = replace(before, contributions=before.contributions.assign(wait_time_s_mean_30d=-3.0))
    published = pd.Series(before.probability, ["a"])
    found = changes(tonight, before, published, PHRASES, "yesterday", is_new_model=False)["change_reason"][0]
    assert found.split(": ")[1] == "3 complaints in the last 30 days, up from 1"


def test_the_share_of_a_new_model_is_told_apart() -> None:
    now, then = {"customer_id": ["a"], "complaint_count_30d": [2]}, {"customer_id": ["a"], "complaint_count_30d": [1]}
    published = pd.Series([seen(then).probability[0] - 0.05], ["a"])
    found = told(now, then, published, is_new_model=True).loc["a"]
    assert found["change_by_model"] == pytest.approx(0.05)
    happened = 100 * (seen(now).probability[0] - seen(then).probability[0])
    assert (
        f"up {happened + 5:.1f} points since yesterday (new model +5.0, what happened +{happened:.1f}): "
        in (found["change_reason"])
    )
    same = told(now, then, published).loc["a"]  # nothing is laid at the door of a model that is the same
    assert same["change_by_model"] == 0
    assert "model" not in same["change_reason"]


def test_who_was_not_there_is_new_and_who_did_not_move_is_told_so() -> None:
    rows = {"customer_id": ["a", "b"], "complaint_count_30d": [1, 1]}
    found = told(rows, {"customer_id": ["a"], "complaint_count_30d": [1]})
    assert found["change_reason"].to_dict() == {"a": "unchanged since yesterday", "b": "first scored tonight"}
    assert np.isnan(found["change_by_model"]["b"])


def test_features_that_are_gone_leave_the_points() -> None:
    nobody = {"customer_id": [], "complaint_count_30d": []}
    now = {"customer_id": ["a"], "complaint_count_30d": [1]}
    published = pd.Series([0.1], ["a"])
    points = 100 * (seen(now).probability[0] - 0.1)
    for is_new_model in (False, True):
        found = told(now, nobody, published, is_new_model=is_new_model).loc["a"]
        assert found["change_reason"] == f"up {points:.1f} points since yesterday"
        assert np.isnan(found["change_by_model"]) == is_new_model


def told_of(feature: str, phrase: str, now: Any, then: Any, **others: Any) -> str:
    """What is told of a customer whom one feature alone moved, by one in log odds."""
    nights = []
    for at, value in enumerate((now, then)):
        columns = {feature: [value], **{name: [pair[at]] for name, pair in others.items()}}
        probability = np.array([1 / (1 + np.exp(at))])
        nights.append(
            Seen(pd.DataFrame({"customer_id": ["a"], **columns}), pd.DataFrame({feature: [1.0 - at]}), probability)
        )
    published = pd.Series(nights[1].probability, ["a"])
    gone = {"unresolved_problem_age_days": "no problem is open any more"}
    tonight, before = nights
    found = changes(tonight, before, published, {feature: phrase}, "yesterday", is_new_model=False, gone=gone)
    return str(found["change_reason"][0].partition(": ")[2])


PASSED = "mostly because time has passed"


@pytest.mark.parametrize(
    ("feature", "phrase", "now", "then"),
    [
        ("reception_count_7d", "{value} enquiries in the last 7 days", 0, 1),
        ("account_others_contact_count_90d", "others contacted us {value} times", 18.0, 20.0),
        ("wait_time_s_max_90d", "waited up to {duration}", 60, 600),
        ("wait_time_s_mean_30d", "waited {duration} on average", None, 900.0),
        ("days_since_last_contact", "last contact {value} days ago", 4, 3),
        ("days_since_last_contact", "last contact {value} days ago", None, 90),
        ("days_to_renewal", "renewal in {value} days", 154, 155),
        ("term_left_share", "{share} of the term is left", 0.871, 0.879),
        ("unresolved_problem_age_days", "oldest problem open for {value} days", 3, 2),
        ("contact_about_bill_days_since", "last contact about bill {value} days ago", 8, 7),
    ],
)
def test_days_that_go_by_are_summed_up_and_not_named(feature: str, phrase: str, now: Any, then: Any) -> None:
    assert told_of(feature, phrase, now, then) == PASSED


@pytest.mark.parametrize(
    ("feature", "phrase", "now", "then", "text"),
    [
        ("reception_count_7d", "{value} enquiries in a week", 2, 1, "2 enquiries in a week, up from 1"),
        ("abandoned_count_7d", "gave up waiting {value} times", 1, 0, "gave up waiting once (new)"),
        ("days_since_last_contact", "last contact {value} days ago", 1, 77,
         "last contact yesterday (before that 77 days ago)"),
        ("days_since_last_contact", "last contact {value} days ago", 2, None, "last contact 2 days ago"),
        ("days_to_renewal", "renewal in {value} days", 365, 3, "renewal in 365 days, up from 3"),
        ("unresolved_problem_age_days", "oldest problem open for {value} days", None, 2, "no problem is open any more"),
        ("unpaid_amount_365d", "{amount} unpaid", 0.0, 53.24, "nothing unpaid, down from 53.24"),
        ("active_day_count_30d", "active on {value} of the last 30 days", 3, 4,
         "active on 3 of the last 30 days, down from 4"),
        ("plan", "on plan {value}", "2", "1", "on plan 2 (was 1)"),
    ],
)  # fmt: skip
def test_what_happened_is_said_as_a_colleague_would(feature: str, phrase: str, now: Any, then: Any, text: str) -> None:
    assert told_of(feature, phrase, now, then) == text


def test_a_mean_is_another_by_what_happened_only_where_there_was_a_new_contact() -> None:
    feature, phrase = "wait_time_s_mean_30d", "waited {value} s on average"
    assert told_of(feature, phrase, 80, 60, days_since_last_contact=(4, 3)) == PASSED
    assert told_of(feature, phrase, 80, 60, days_since_last_contact=(1, 1)) == "waited 80 s on average, up from 60"


def test_what_is_open_was_settled_only_where_the_long_window_says_so_too() -> None:
    feature, phrase = "unresolved_count_7d", "{value} contacts of the last 7 days still open"
    assert told_of(feature, phrase, 0, 1, unresolved_count_90d=(1, 1)) == PASSED
    settled = told_of(feature, phrase, 0, 1, unresolved_count_90d=(0, 1))
    assert settled == "no contacts of the last 7 days still open, down from 1"


def test_what_reads_as_it_did_is_not_named() -> None:
    assert told_of("handle_time_s_mean_90d", "contacts take {duration} on average", 310.0, 300.0) == ""


def test_news_stand_beside_time_where_time_did_more() -> None:
    found = told(
        {"customer_id": ["a"], "complaint_count_30d": [0], "plan": ["pro"]},
        {"customer_id": ["a"], "complaint_count_30d": [2], "plan": ["basic"]},
    )["change_reason"]["a"]
    assert found.endswith(": mostly because time has passed; also on plan pro (was basic)")


def test_a_change_that_changed_is_left_to_the_quantity_itself() -> None:
    found = told(
        {"customer_id": ["a"], "wait_time_s_change_30d": [90], "wait_time_s_mean_30d": [300]},
        {"customer_id": ["a"], "wait_time_s_change_30d": [10], "wait_time_s_mean_30d": [100]},
    )["change_reason"]["a"]
    assert found.endswith(" points since yesterday: waited 300 s on average, up from 100")
