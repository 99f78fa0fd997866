from datetime import date, timedelta

import pandas as pd
import pytest

from features.training_set import TrainingSetError, holdout_weights, scored_population, training_dates, training_set

DAY = date(2026, 1, 1)


def _features(*customers: str, **columns: object) -> pd.DataFrame:
    rows = pd.DataFrame({"customer_id": list(customers), "as_of_on": DAY, "is_active": True})
    return rows.assign(**{"is_under_notice": False, "is_profiling_allowed": True, "tenure_days": 10, **columns})


def _labels(customer: str, horizon: int, is_churned: bool | None, observable_on: date) -> dict[str, object]:
    return {"customer_id": customer, "as_of_on": DAY, "horizon_days": horizon, "is_churned": is_churned,
            "churned_on": DAY + timedelta(days=9) if is_churned else None, "observable_on": observable_on}  # fmt: skip


def test_only_those_whom_a_score_may_be_about_ordered_by_key() -> None:
    rows = _features(
        "z", "inactive", "notice", "refused", "a",
        is_active=[True, False, True, True, True],
        is_under_notice=[False, False, True, False, False],
        is_profiling_allowed=[True, True, True, False, True],
    )  # fmt: skip
    assert list(scored_population(rows)["customer_id"]) == ["a", "z"]


def test_a_label_counts_only_once_it_was_known_and_the_censored_stay_null() -> None:
    labels = pd.DataFrame([
        _labels("a", 30, True, date(2026, 1, 31)), _labels("a", 90, True, date(2026, 4, 1)),
        _labels("b", 30, False, date(2026, 1, 31)), _labels("b", 90, False, date(2026, 4, 1)),
        _labels("c", 30, None, date(2026, 1, 31)), _labels("c", 90, None, date(2026, 4, 1)),
    ])  # fmt: skip
    early = training_set(_features("a", "b", "c"), labels, horizons=(30, 90), known_on=date(2026, 3, 31))
    assert early["is_churned_30d"].tolist()[:2] == [1.0, 0.0]
    assert early["is_churned_90d"].isna().all()
    late = training_set(_features("a", "b", "c"), labels, horizons=(30, 90), known_on=date(2026, 4, 1))
    assert late["is_churned_90d"].tolist()[:2] == [1.0, 0.0]
    assert late["days_until_left"].tolist()[:1] == [9.0]
    assert late["days_until_left"].isna().tolist() == [False, True, True]
    assert late.loc[2, ["is_churned_30d", "is_churned_90d"]].isna().all()
    assert training_set(_features("a"), labels, horizons=(30,), known_on=date(2026, 1, 30)).empty


def test_a_holdout_stands_for_those_who_were_called() -> None:
    withheld = pd.DataFrame({
        "customer_id": ["b", "b", "c", "d"], "arm_probability": [0.1, 0.1, 0.1, 0.1],
        "withheld_on": [date(2025, 12, 22), date(2025, 12, 30), date(2025, 9, 1), DAY],
    })  # fmt: skip
    weights = holdout_weights(withheld, [DAY], 90)
    assert weights.to_dict("records") == [{"customer_id": "b", "as_of_on": DAY, "weight": 10.0}]
    labels = pd.DataFrame([_labels(customer, 30, False, DAY) for customer in "abcd"])
    rows = training_set(_features(*"abcd"), labels, horizons=(30,), known_on=DAY, weights=weights)
    assert rows["weight"].tolist() == [1.0, 10.0, 1.0, 1.0]


def test_a_label_that_stands_there_twice_is_refused() -> None:
    labels = pd.DataFrame([_labels("a", 30, False, DAY)] * 2)
    with pytest.raises(TrainingSetError, match="two labels of 30 days"):
        training_set(_features("a"), labels, horizons=(30,), known_on=DAY)


def test_training_dates_end_where_labels_are_known() -> None:
    assert training_dates(date(2011, 9, 9), 91, 3, 7) == (date(2011, 5, 27), date(2011, 6, 3), date(2011, 6, 10))
