from datetime import date

import numpy as np
import pandas as pd

from forestall.outreach.worklist import carry_over, in_order, list_names, row_id, split

RUN_DATE = date(2026, 3, 10)


def test_who_was_listed_before_keeps_key_and_deadline():
    rows = pd.DataFrame({"customer_id": ["old", "new", "held", "holdout"], "days_to_act": [5, 5, 5, 2],
                         "trigger_days": np.nan, "suppression_reason": [None, None, "minor", "holdout"]})  # fmt: skip
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


def test_the_deadline_of_a_trigger_is_its_own_and_does_not_move():
    rows = pd.DataFrame({"customer_id": ["new", "again"], "days_to_act": [2, 2], "trigger_days": [0.0, 5.0],
                         "suppression_reason": [None, None]})  # fmt: skip
    previous = pd.DataFrame({"customer_id": ["again"], "listed_since_on": [date(2026, 3, 9)]})
    found = carry_over(rows, previous, RUN_DATE)
    assert found["due_on"].tolist() == [date(2026, 3, 12), date(2026, 3, 7)]
    assert found["listed_since_on"].tolist() == [RUN_DATE, date(2026, 3, 9)]


def ordered(*rows):
    columns = ["customer_id", "tier", "trigger_place", "is_overdue", "expected_value_cents", "expected_minutes",
               "value_at_risk_cents", "team", "planned_on"]  # fmt: skip
    frame = pd.DataFrame([(*row, "care", RUN_DATE)[:9] for row in rows], columns=columns)
    return in_order(frame)["customer_id"].tolist()


def test_order_of_work():
    # promises (great_loss, small_loss, late) and worth (quick, old, slow) are dealt out by their minutes, ten to thirty
    assert ordered(
        ("quiet", "if_quiet", None, False, 900, 5, 9),
        ("slow", "firm", None, False, 800, 20, 9),
        ("quick", "firm", None, False, 500, 5, 9),
        ("old", "firm", 0, True, 400, 5, 9),
        ("late", "firm", 2, False, 10, 2, 9),
        ("small_loss", "firm", 0, False, -5, 4, 100),
        ("great_loss", "firm", 0, False, -5, 4, 300),
    ) == ["great_loss", "quick", "old", "slow", "small_loss", "late", "quiet"]


def test_the_day_comes_first():
    assert ordered(
        ("tomorrow", "firm", 0, False, 900, 5, 9, "care", date(2026, 3, 11)), ("today", "firm", None, False, 1, 5, 9)
    ) == ["today", "tomorrow"]


def test_first_rows_show_promises_and_worth_however_many_promises_there_are():
    promises = [(f"p{n:02d}", "firm", 0, False, 100, 10, 9) for n in range(30)]
    worth = [(f"w{n:02d}", "firm", None, False, 100, 10, 9) for n in range(30)]
    first = ordered(*promises, *worth)[:20]
    assert sum(name.startswith("p") for name in first) == 10


def test_each_row_is_on_one_list():
    rows = pd.DataFrame({"trigger": ["notice_given", "payment_failed", "low_csat", None, None, None],
                         "days_to_renewal": [5, 5, 5, 30, 31, np.nan]})  # fmt: skip
    assert list_names(rows, 30).tolist() == ["save_queue", "payment_failure", "risk", "renewal", "risk", "risk"]


def test_ranks_of_the_list_have_no_gap_and_the_holdout_keeps_its_own():
    from features.published_outreach import OUTREACH_WITHHELD

    rows = pd.DataFrame({"customer_id": list("abcde"), "suppression_reason": [None, "holdout", None, "minor", None]})
    listed, withheld = split(rows.reindex(columns=OUTREACH_WITHHELD.names))
    assert dict(zip(listed["customer_id"], listed["list_rank"], strict=True)) == {"a": 1, "c": 2, "e": 3}
    assert withheld["list_rank"].tolist() == [2, pd.NA]
