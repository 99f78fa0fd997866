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
    weights: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Features with one label column for each horizon.

    Args:
        features: `marts.fct_customer_features`.
        labels: `marts.fct_churn_labels`.
        horizons: days.
        known_on: labels that were not observable by then read as null.
        weights: customer_id, as_of_on, weight of rows that count more than once
            (`holdout_weights`); all others weigh 1.

    Returns:
        customer x as-of date, ordered by as-of date and customer: the columns of `features`,
        `is_churned_<horizon>d` (1, 0 or null), `days_until_left` (null for all but those who left within the longest
        horizon; no feature, but what features are checked by) and `weight`. Dates with no known label are left out.

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
    rows = rows.merge(_days_until_left(known), on=KEY, how="left", validate="one_to_one")
    if weights is not None:
        rows = rows.merge(weights, on=KEY, how="left", validate="one_to_one")
    weight = rows["weight"].fillna(1.0) if "weight" in rows else 1.0
    return rows.assign(weight=weight).reset_index(drop=True)


def _days_until_left(labels: pd.DataFrame) -> pd.DataFrame:
    left = labels[labels["churned_on"].notna() & labels["is_churned"].astype("bool")].drop_duplicates(KEY)
    days = (pd.to_datetime(left["churned_on"]) - pd.to_datetime(left["as_of_on"])).dt.days
    return left[KEY].assign(days_until_left=days.astype("float64"))


def holdout_weights(withheld: pd.DataFrame, dates: Sequence[date], window_days: int) -> pd.DataFrame:
    """How much more those count whom only a coin kept from being called: they stand for the likes of them who were.

    Args:
        withheld: customer_id, withheld_on, arm_probability of the rows withheld for the experiment.
        dates: as-of dates.
        window_days: for so long after it a call would have made the customer *contacted recently*.

    Returns:
        customer_id, as_of_on, weight = 1 / probability of not being called; one row a customer and
        date. Withheld with probability 0.1 ten days before an as-of date: weight 10.
    """
    rows = withheld.merge(pd.DataFrame({"as_of_on": list(dates)}), how="cross")
    days = (pd.to_datetime(rows["as_of_on"]) - pd.to_datetime(rows["withheld_on"])).dt.days
    rows = rows[(days > 0) & (days <= window_days)]
    rows = rows.assign(weight=1 / rows["arm_probability"].astype("float64"))
    return rows.groupby(KEY)["weight"].max().reset_index()
