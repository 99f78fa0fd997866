"""How a score moved since the night before, and what moved it, in one sentence.

Both nights' features are put to tonight's model: what their contributions differ by is what happened, and what is left
of the change of the published probability is the model's own. Only features whose value is another than the night
before are named, and only those that moved the score the way it went.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.phrases import shown, worded
from models.churn.reasons import strongest
from models.metrics import Numbers

CHANGE_COLUMNS = ["customer_id", "change_by_model", "change_reason"]
LEAST = 0.005  # half a point: what rounds to nothing is no change
CAUSES = 2  # more are not read
TREND = re.compile(r"_change(_\d+d)?$")  # a change that changed is not a sentence: the quantity itself is named
LEAST_SHARE = 0.1  # of all that moved the score the way it went; what moved it less is not worth naming


@dataclass(frozen=True)
class Seen:
    """Customers of a night as tonight's model sees them.

    Attributes:
        rows: one row a customer, with customer_id and the features.
        contributions: rows x features, log odds, same index as `rows`.
        probability: of the main horizon, in the order of `rows`.
    """

    rows: pd.DataFrame
    contributions: pd.DataFrame
    probability: Numbers


def changes(
    tonight: Seen, before: Seen, previous: pd.Series, phrases: Mapping[str, str], since: str, *, is_new_model: bool
) -> pd.DataFrame:
    """A sentence on each customer of tonight.

    Args:
        tonight: whom to speak of.
        before: those of them whose features of the night before are still there.
        previous: the probability that was published the night before, by customer_id.
        phrases: by feature (`features.phrases`); a feature without one is not named.
        since: when that was, such as `yesterday`.
        is_new_model: tonight's model is another one.

    Returns:
        `CHANGE_COLUMNS`, in the order of `tonight.rows`. change_by_model is what a new model alone would have made of
        the score: 0 where it is the same, missing where it cannot be told. Worked: published .20, the features of
        then under tonight's model .23, tonight .30: up 10 points, 3 by the model and 7 by what happened.
    """
    customers = tonight.rows["customer_id"]
    then = customers.map(previous).to_numpy(dtype=np.float64)
    as_of_then = customers.map(pd.Series(before.probability, before.rows["customer_id"].to_numpy()))
    by_model = as_of_then.to_numpy(dtype=np.float64) - then if is_new_model else np.where(np.isnan(then), np.nan, 0.0)
    change = tonight.probability - then
    happened = pd.Series(change - np.nan_to_num(by_model), customers.to_numpy())
    causes = customers.map(_causes(tonight, before, happened, phrases))
    told = pd.DataFrame({"change": change, "by_model": by_model, "causes": causes.to_numpy()})
    return pd.DataFrame({
        "customer_id": customers.to_numpy(), "change_by_model": by_model, "change_reason": _sentences(told, since),
    })  # fmt: skip


def _sentences(told: pd.DataFrame, since: str) -> list[str]:
    points, by_model = 100 * told["change"], 100 * told["by_model"].fillna(0.0)
    text = _signed(points, "up {:.1f}", "down {:.1f}") + f" points since {since}"
    parts = " (new model " + _signed(by_model) + ", what happened " + _signed(points - by_model) + ")"
    text += parts.where(by_model.abs() >= 100 * LEAST, "")
    text += (": " + told["causes"].astype("str")).where(told["causes"].notna(), "")
    text = text.where(points.abs() >= 100 * LEAST, f"unchanged since {since}")
    return list(text.where(told["change"].notna(), "first scored tonight"))


def _signed(points: pd.Series, up: str = "+{:.1f}", down: str = "-{:.1f}") -> "pd.Series[str]":
    """Points with one decimal, in other words where they fell."""
    size = points.abs()
    return size.map(up.format).astype("str").where(points >= 0, size.map(down.format).astype("str"))


def _causes(tonight: Seen, before: Seen, happened: pd.Series, phrases: Mapping[str, str]) -> pd.Series:
    """By customer, what moved the score most the way that `happened` went; who has nothing to tell is left out."""
    known = set(phrases) & set(tonight.rows.columns) & set(before.rows.columns)
    named = [name for name in tonight.contributions.columns if name in known and not TREND.search(name)]
    customers = before.rows["customer_id"][before.rows["customer_id"].isin(tonight.rows["customer_id"])].to_numpy()
    if not named or not len(customers):
        return pd.Series(dtype=object)
    at_now, at_then = (pd.Index(seen.rows["customer_id"]).get_indexer(customers) for seen in (tonight, before))
    now, then = tonight.rows[named].iloc[at_now], before.rows[named].iloc[at_then]
    moved = (
        tonight.contributions[named].to_numpy(np.float64)[at_now]
        - before.contributions[named].to_numpy(np.float64)[at_then]
    )
    change = happened.loc[customers].to_numpy()
    is_another = np.column_stack([_differs(now[name], then[name]) for name in named])
    pushed = np.where(is_another, moved * np.sign(change)[:, None], 0.0)
    long = strongest(pushed, named, CAUSES)
    long = long[(long["share"] >= LEAST_SHARE) & (np.abs(change)[long["row"]] >= LEAST)]
    return _worded(long, now, then, phrases).set_axis(customers[long["row"].unique()])


def _differs(now: pd.Series, then: pd.Series) -> npt.NDArray[np.bool_]:
    """Row by row whether a value is another one; two that are not known are the same."""
    left, right = now.astype("object").to_numpy(), then.astype("object").to_numpy()
    unknown_left, unknown_right = now.isna().to_numpy(), then.isna().to_numpy()
    either = np.where(unknown_left | unknown_right, unknown_left != unknown_right, left != right)
    differs: npt.NDArray[np.bool_] = either.astype(bool)
    return differs


def _worded(long: pd.DataFrame, now: pd.DataFrame, then: pd.DataFrame, phrases: Mapping[str, str]) -> pd.Series:
    """The causes of each row as one text, strongest first."""
    parts = []
    for name, own in long.groupby("feature", sort=True):
        pairs = zip(now[name].iloc[own["row"]], then[name].iloc[own["row"]], strict=True)
        parts.append(own.assign(text=[_cause(phrases[str(name)], value, was) for value, was in pairs]))
    ordered = pd.concat(parts).sort_values(["row", "place"]) if parts else long.assign(text="")
    joined: pd.Series = ordered.groupby("row", sort=True)["text"].agg("; ".join)
    return joined


def _cause(phrase: str, value: object, was: object) -> str:
    """`3 complaints in the last 30 days (was 1)`; `(new)` where there was nothing before."""
    if pd.isna(value):  # type: ignore[call-overload]
        return f"no longer: {worded(phrase, was)}"
    if pd.isna(was) or was == 0:  # type: ignore[call-overload]
        return f"{worded(phrase, value)} (new)"
    now, before = shown(phrase, value), shown(phrase, was)
    return worded(phrase, value) if now == before else f"{worded(phrase, value)} (was {before})"
