"""The rows that a churn model learns from, and those that it scores.

Only customers whom a score may be about: active, not under notice, not opted out of profiling. A
label counts only if it was known on the day of training; the involuntary and the unknown stay null.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import pandas as pd

KEY = ["customer_id", "as_of_on"]


class TrainingSetError(ValueError):
    """Features and labels do not fit together; the text is one line."""


def training_dates(known_on: date, gap_days: int, count: int, step_days: int) -> tuple[date, ...]:
    """As-of dates to learn from, oldest first: the newest is the last whose labels are known on `known_on`.

    Known on 2011-09-09 with a gap of 91 days, three weekly dates are 2011-05-27, 2011-06-03, 2011-06-10.
    """
    newest = known_on - timedelta(days=gap_days)
    return tuple(newest - timedelta(days=step_days * back) for back in reversed(range(count)))


def scored_population(features: pd.DataFrame) -> pd.DataFrame:
    """The rows of `marts.fct_customer_features` that may be scored, ordered by as-of date and customer."""
    allowed = features["is_active"] & ~features["is_under_notice"] & features["is_profiling_allowed"]
    rows = features[allowed.fillna(False).astype(bool)]
    rows = rows.assign(as_of_on=pd.to_datetime(rows["as_of_on"]).dt.date)
    return rows.sort_values(["as_of_on", "customer_id"], kind="stable", ignore_index=True)


def training_set(
    features: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    horizons: Sequence[int],
    known_on: date,
    holdout_weights: pd.Series | None = None,
) -> pd.DataFrame:
    """Features with one label column for each horizon.

    Args:
        features: `marts.fct_customer_features`.
        labels: `marts.fct_churn_labels`.
        horizons: days.
        known_on: labels that were not observable by then read as null.
        holdout_weights: by customer: 1 / probability of not being called, for those whom a coin kept
            from being called. They stand for the likes of them who were called.

    Returns:
        customer x as-of date, ordered by as-of date and customer: the columns of `features`,
        `is_churned_<horizon>d` (1, 0 or null) and `weight`. Dates with no known label are left out.

    Raises:
        TrainingSetError: a label of this horizon occurs twice for a customer and date.
    """
    rows = scored_population(features)
    labels = labels.assign(as_of_on=pd.to_datetime(labels["as_of_on"]).dt.date)
    observable = pd.to_datetime(labels["observable_on"]).dt.date
    known = labels[(observable <= known_on) & labels["is_churned"].notna()]
    for horizon in horizons:
        of_horizon = known.loc[known["horizon_days"] == horizon, [*KEY, "is_churned"]]
        if of_horizon.duplicated(KEY).any():
            raise TrainingSetError(f"fct_churn_labels: a customer has two labels of {horizon} days on one as-of date")
        named = of_horizon.assign(is_churned=of_horizon["is_churned"].astype("float64"))
        named = named.rename(columns={"is_churned": f"is_churned_{horizon}d"})
        rows = rows.merge(named, on=KEY, how="left", validate="one_to_one")
    has_label = rows[[f"is_churned_{horizon}d" for horizon in horizons]].notna().any(axis=1)
    rows = rows[rows["as_of_on"].isin(set(rows.loc[has_label, "as_of_on"]))]
    weight = 1.0 if holdout_weights is None else rows["customer_id"].map(holdout_weights).fillna(1.0)
    return rows.assign(weight=weight).reset_index(drop=True)
