from datetime import date

import pandas as pd
import pytest

from forestall.outreach.worklist import best_hours, carry_over, in_order, row_id, split

RUN_DATE = date(2026, 3, 10)


def test_who_was_listed_before_keeps_key_and_deadline():
    rows = pd.DataFrame({"customer_id": ["old", "new", "held", "holdout"], "days_to_act": [5, 5, 5, 2],
                         "suppression_reason": [None, None, "minor", "holdout"]})  # fmt: skip
    previous = pd.DataFrame({"customer_id": ["old", "held", "holdout"], "listed_since_on": [date(2026, 3, 8)] * 3})
    found = carry_over(rows, previous, RUN_DATE).set_index("customer_id")
    assert found["listed_since_on"].to_dict() == {
        "old": date(2026, 3, 8), "new": RUN_DATE, "held": RUN_DATE, "holdout": date(2026, 3, 8)
    }  # fmt: skip
    assert found["due_on"].to_dict() == {
        "old": date(2026, 3, 13), "new": date(2026, 3, 15), "held": date(2026, 3, 15), "holdout": date(2026, 3, 10)
    }  # fmt: skip
    assert found.loc["old", "row_id"] == row_id("old", date(2026, 3, 8))
    assert found["row_id"].is_unique


def test_a_key_never_changes():
    # published nights and outcomes hold such keys: a change here would orphan them
    assert row_id("c1", date(2026, 3, 8)) == "2a581d0f9a1ff6c3"


def test_order_of_work():
    rows = pd.DataFrame(
        [("quiet", "if_quiet", None, 900, 5, 9), ("slow", "firm", None, 800, 20, 9), ("quick", "firm", None, 500, 5, 9),
         ("late", "firm", 2, 10, 5, 9), ("a_small_loss", "firm", 0, -5, 5, 100), ("great_loss", "firm", 0, -5, 5, 300)],
        columns=["customer_id", "tier", "trigger_place", "expected_value_cents", "expected_minutes",
                 "value_at_risk_cents"],
    )  # fmt: skip
    assert in_order(rows)["customer_id"].tolist() == ["great_loss", "a_small_loss", "late", "quick", "slow", "quiet"]


def test_ranks_of_the_list_have_no_gap_and_the_holdout_keeps_its_own():
    from features.published import OUTREACH_WITHHELD

    rows = pd.DataFrame({"customer_id": list("abcde"), "suppression_reason": [None, "holdout", None, "minor", None]})
    listed, withheld = split(rows.reindex(columns=OUTREACH_WITHHELD.names))
    assert dict(zip(listed["customer_id"], listed["list_rank"], strict=True)) == {"a": 1, "c": 2, "e": 3}
    assert withheld["list_rank"].tolist() == [2, pd.NA]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("9,17,18", "9-10, 17-19"),
        ("18,9,10,11", "9-12, 18-19"),
        ("7,21", None),
        ("8,9,19,20", "9-10, 19-20"),
        (None, None),
    ],
)
def test_best_hours_are_spans_within_calling_hours(text, spans):
    found = best_hours(pd.Series([text], dtype=object), (9, 20))[0]
    assert (None if pd.isna(found) else found) == spans
