"""How a score moved since the night before, and what moved it, in one sentence.

Both nights' features are put to tonight's model: what their contributions differ by is what happened, and what is left
of the change of the published probability is the model's own. Only features whose value is another than the night
before are named, and only those that moved the score the way it went. What changed because days went by and nothing
else happened (a contact that is older than the window now, a renewal that is a day nearer) is summed up, not named.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.phrases import kind_of, shown, worded
from models.churn.reasons import strongest
from models.metrics import Numbers

CHANGE_COLUMNS = ["customer_id", "change_by_model", "change_reason"]
LEAST = 0.005  # half a point: what rounds to nothing is no change
CAUSES = 2  # more are not read
TREND = re.compile(r"_change(_\d+d)?$")  # a change that changed is not a sentence: the quantity itself is named
LEAST_SHARE = 0.1  # of all that moved the score the way it went; what moved it less is not worth naming
SPARE = 3  # further causes looked at, for those that read as they did the night before

MEASURED = ("value", "share", "duration", "amount")  # kinds of which one is more than another
TIME_PASSED = "mostly because time has passed"
# Days that go by do this to a value by themselves: they age it, bring its day nearer, empty its window.
AGES = re.compile(r"days_since|tenure_days$|_age_days$")
NEARS = re.compile(r"days_to_renewal$|^term_left_share$")
EMPTIES = re.compile(r"_count(_max)?_\d+d$|_s_max_\d+d$")
LOWEST = re.compile(r"_min_\d+d$")
# What a customer does no more is news, and no window that moved on.
DOES = re.compile(r"active_|activity_|days_since_last_activity")
# What is still to be done falls when somebody does it; in a short window only where the long one falls as well.
STANDS = re.compile(r"unresolved_|unpaid_")
# Means over a window of what the last one of these was that many days ago: without a new one only the window moved.
MEANS = re.compile(r"^(?:(wait_time_s|handle_time_s|text_sentiment)|(csat|nps|ces))_(?:mean|min|max)_\d+d$")


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
    tonight: Seen,
    before: Seen,
    previous: pd.Series,
    phrases: Mapping[str, str],
    since: str,
    *,
    is_new_model: bool,
    gone: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """A sentence on each customer of tonight.

    Args:
        tonight: whom to speak of.
        before: those of them whose features of the night before are still there.
        previous: the probability that was published the night before, by customer_id.
        phrases: by feature (`features.phrases`); a feature without one is not named.
        since: when that was, such as `yesterday`.
        is_new_model: tonight's model is another one.
        gone: by feature, what is told where its value went missing; without it that is no news.

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
    causes = customers.map(_causes(tonight, before, happened, phrases, gone or {}))
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


def _causes(
    tonight: Seen, before: Seen, happened: pd.Series, phrases: Mapping[str, str], gone: Mapping[str, str]
) -> pd.Series:
    """By customer, what moved the score most the way that `happened` went; who has nothing to tell is left out."""
    known = set(phrases) & set(tonight.rows.columns) & set(before.rows.columns)
    named = [name for name in tonight.contributions.columns if name in known and not TREND.search(name)]
    customers = before.rows["customer_id"][before.rows["customer_id"].isin(tonight.rows["customer_id"])].to_numpy()
    if not named or not len(customers):
        return pd.Series(dtype=object)
    at_now, at_then = (pd.Index(seen.rows["customer_id"]).get_indexer(customers) for seen in (tonight, before))
    now, then = tonight.rows.iloc[at_now], before.rows.iloc[at_then]
    moved = (
        tonight.contributions[named].to_numpy(np.float64)[at_now]
        - before.contributions[named].to_numpy(np.float64)[at_then]
    )
    change = happened.loc[customers].to_numpy()
    is_another = np.column_stack([_differs(now[name], then[name]) for name in named])
    is_passing = np.column_stack(
        [_passes(name, now, then) & ~(now[name].isna().to_numpy() & np.array(name in gone)) for name in named]
    )
    pushed = np.where(is_another & (np.abs(change) >= LEAST)[:, None], moved * np.sign(change)[:, None], 0.0)
    by_time, by_news = np.where(is_passing, pushed, 0.0), np.where(is_passing, 0.0, pushed)
    faded = strongest(by_time, named, len(named)).groupby("row")["contribution"].sum()
    long = strongest(by_news, named, CAUSES + SPARE)
    all_pushes = long["contribution"] / long["share"] + long["row"].map(faded).fillna(0.0)
    news = _worded(long[long["contribution"] >= LEAST_SHARE * all_pushes], now, then, phrases, gone)
    happenings = long.groupby("row")["contribution"].sum().reindex(faded.index, fill_value=0.0)
    mostly = pd.Series(TIME_PASSED, faded.index[faded >= happenings], dtype=object)
    both = news.index.intersection(mostly.index)
    mostly[both] = TIME_PASSED + "; also " + news[both]
    told = mostly.combine_first(news)
    return told.set_axis(customers[told.index])


def _passes(name: str, now: pd.DataFrame, then: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Row by row whether a feature is another one as days go by, without anything that happened.

    Worked: a contact of eight days ago leaves `contact_count_7d` at 0 (was 1), and nobody did anything.
    """
    nothing = np.zeros(len(now), dtype=bool)
    if not pd.api.types.is_numeric_dtype(now[name]) or not pd.api.types.is_numeric_dtype(then[name]):
        return nothing if DOES.search(name) else now[name].isna().to_numpy()
    step = _step(name, now, then)
    if STANDS.search(name) and EMPTIES.search(name):
        longest = re.sub(r"_\d+d$", "_90d", name)
        return (step < 0) & ~(_step(longest, now, then) < 0) if longest in now and longest in then else nothing
    found = (step > 0) if AGES.search(name) else (step < 0) if NEARS.search(name) else nothing
    if not DOES.search(name):
        found |= (step < 0) if EMPTIES.search(name) else (step > 0) if LOWEST.search(name) else nothing
        found |= now[name].isna().to_numpy()
        of = MEANS.search(name)
        last = f"days_since_last_{(of[2] or 'contact')}" if of else ""
        if last in now and last in then:
            found |= (_step(last, now, then) > 0) | now[last].isna().to_numpy()
    return found


def _step(name: str, now: pd.DataFrame, then: pd.DataFrame) -> Numbers:
    """By how much a value is another; missing where either is."""
    step: Numbers = now[name].to_numpy(np.float64, na_value=np.nan) - then[name].to_numpy(np.float64, na_value=np.nan)
    return step


def _differs(now: pd.Series, then: pd.Series) -> npt.NDArray[np.bool_]:
    """Row by row whether a value is another one; two that are not known are the same."""
    left, right = now.astype("object").to_numpy(), then.astype("object").to_numpy()
    unknown_left, unknown_right = now.isna().to_numpy(), then.isna().to_numpy()
    either = np.where(unknown_left | unknown_right, unknown_left != unknown_right, left != right)
    differs: npt.NDArray[np.bool_] = either.astype(bool)
    return differs


def _worded(
    long: pd.DataFrame, now: pd.DataFrame, then: pd.DataFrame, phrases: Mapping[str, str], gone: Mapping[str, str]
) -> pd.Series:
    """The causes of each row as one text, strongest first; what reads as it did the night before is none."""
    parts = []
    for name, own in long.groupby("feature", sort=True):
        pairs = zip(now[name].iloc[own["row"]], then[name].iloc[own["row"]], strict=True)
        texts = [_cause(phrases[str(name)], value, was, gone.get(str(name))) for value, was in pairs]
        parts.append(own.assign(text=pd.Series(texts, own.index, dtype=object)).dropna(subset="text"))
    ordered = pd.concat(parts).sort_values(["row", "place"]) if parts else long.assign(text="")
    joined: pd.Series = ordered.groupby("row", sort=True).head(CAUSES).groupby("row", sort=True)["text"].agg("; ".join)
    return joined


def _cause(phrase: str, value: object, was: object, gone: str | None) -> str | None:
    """`3 complaints in the last 30 days, up from 1`; `(new)` where there was nothing before; None: nothing to tell."""
    if pd.isna(value):  # type: ignore[call-overload]
        return gone
    is_ago, told = "{value} days ago" in phrase, worded(phrase, value)
    if pd.isna(was) or was == 0:  # type: ignore[call-overload]
        return told if is_ago else f"{told} (new)"
    before = shown(phrase, was)
    if told == worded(phrase, was):
        return None
    if is_ago:
        return f"{told} (before that {'yesterday' if before == '1' else f'{before} days ago'})"
    if kind_of(phrase) not in MEASURED or isinstance(value, str):
        return f"{told} (was {before})"
    return f"{told}, {'up' if value > was else 'down'} from {before}"  # type: ignore[operator]
