import pandas as pd
import pytest

from benchmarks.volume import beside_the_truth


def test_errors_beside_the_true_means_by_hand():
    day, holiday = pd.Timestamp("2025-12-23"), pd.Timestamp("2025-12-24")
    rows = pd.DataFrame(
        [("a", day, False, 10, 12, 14, 11), ("a", holiday, True, 4, 6, 10, 5), ("a", holiday, True, 6, 5, 10, 5),
         ("b", day, False, 5, 5, 5, 5), ("b", holiday, True, 0, 2, 1, 1)],
        columns=["queue", "day_on", "is_marked", "contacts", "forecast", "rival", "known_mean"],
    ).assign(cutoff_on=day)  # fmt: skip
    found = beside_the_truth(rows)
    assert found["known_mean"].to_dict() == pytest.approx({"all": 4 / 25, "a": 3 / 20, "b": 1 / 5})
    # By day: of the queue's 10 on the holiday ours said 11, the rival 20, the means 10.
    assert found.loc["a", ["marked_ours", "marked_rival", "marked_known_mean"]].tolist() == pytest.approx([0.1, 1, 0])
    assert found.loc["all", "marked_ours"] == pytest.approx((1 + 2) / 10)
