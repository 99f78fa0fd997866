import pandas as pd

from models.churn.reasons import REASON_COLUMNS, reasons, told_as_others

PHRASES = {
    "complaint_count_7d": "{value} complaints in the last 7 days",
    "complaint_count_90d": "{value} complaints in the last 90 days",
    "wait_time_s_mean_30d": "waited {value} s on average in the last 30 days",
    "plan": "on plan {value}",
}
ROWS = pd.DataFrame(
    {"customer_id": ["b", "a", "c"], "complaint_count_7d": [2, 0, 0], "complaint_count_90d": [3, 1, 0],
     "wait_time_s_mean_30d": [None, 93.46, 10.0], "plan": ["basic", "pro", "pro"]},
    index=[7, 3, 9],
)  # fmt: skip
PARTS = pd.DataFrame(
    {"complaint_count_7d": [0.1, 0.0, -1.0], "complaint_count_90d": [0.5, 0.2, -1.0],
     "wait_time_s_mean_30d": [9.0, 0.3, -1.0], "plan": [0.4, -0.2, -0.1], "is_contacted_recently": [5.0, 5.0, 5.0]},
    index=ROWS.index,
)  # fmt: skip


def test_windows_of_one_quantity_add_up_and_the_strongest_tells() -> None:
    told = reasons(ROWS, PARTS, PHRASES, 5)
    assert list(told.columns) == REASON_COLUMNS
    assert told.to_dict("split")["data"] == [
        ["a", 1, "wait_time_s_mean_30d", 0.3, "93.5", "waited 93.5 s on average in the last 30 days"],
        ["a", 2, "complaint_count_90d", 0.2, "1", "1 complaint in the last 90 days"],
        ["b", 1, "complaint_count_90d", 0.6, "3", "3 complaints in the last 90 days"],
        ["b", 2, "plan", 0.4, "basic", "on plan basic"],
    ]


def test_at_most_so_many_and_none_for_whom_nothing_puts_at_risk() -> None:
    told = reasons(ROWS, PARTS, PHRASES, 1)
    assert told["customer_id"].tolist() == ["a", "b"]
    nobody = reasons(ROWS, PARTS * 0, PHRASES, 5)
    assert (list(nobody.columns), len(nobody)) == (REASON_COLUMNS, 0)
    assert list(reasons(ROWS.head(0), PARTS.head(0), PHRASES, 5).columns) == REASON_COLUMNS


def test_a_feature_that_says_nothing_to_an_agent_counts_for_its_teller() -> None:
    parts = pd.DataFrame({"faded": [0.2, -0.1], "count": [0.3, 0.1], "lonely": [1.0, 2.0]}, index=[4, 2])
    told = told_as_others(parts, {"faded": "count", "lonely": "unknown", "absent": "count"})
    pd.testing.assert_frame_equal(
        told[["count", "lonely"]], pd.DataFrame({"count": [0.5, 0.0], "lonely": [1.0, 2.0]}, index=[4, 2])
    )
    assert list(told.columns) == ["count", "lonely"]
