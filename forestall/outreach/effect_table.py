"""The effect of outreach as it is published: over all, by group, and how it came to be known.

Groups are claims made side by side, so their p-values are Holm's and their always-valid intervals hold for all of
them at once (Bonferroni). Holm and not Benjamini-Hochberg, because each claim is acted upon by itself: a group that
is marked do-not-disturb is called no more, and one wrong mark is never found out by the calls that it stops. Groups
are few, so the price is small. Groups too small to be judged are counted too: the family stays the same over nights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy import stats

from forestall.outreach.effect import scores
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.sequences import ALPHA, accounts_to_detect, holm, running

GROUPS = ("segment", "action", "reason", "lifecycle_stage", "value_segment")
ALL = "all"
UNKNOWN = "unknown"
LOAD_DAYS = 14
HISTORY_WEEKS = 26
NEWCOMER_DAYS = 28  # newcomers a week are those of the last four
EFFECT_SIZES = (0.01, 0.02, 0.03, 0.05, 0.10)
WAYS = ("fixed_date", "every_night")
Z95 = float(stats.norm.ppf(1 - ALPHA / 2))

COLUMNS = (
    "scope", "scope_value", "measure", "matured_until_on", "is_current", "treatment_count", "holdout_count",
    "contaminated_count", "untouched_count", "holdout_mean", "effect", "effect_low", "effect_high", "always_low",
    "always_high", "p_value", "is_do_not_disturb", "total", "total_low", "total_high",
)  # fmt: skip
LOADS = ("contacts_14d", "handle_minutes_14d")


@dataclass(frozen=True)
class Measure:
    """Something that outreach may change.

    Attributes:
        name: column of the outcome.
        expected: column of what was to be expected on the night of listing.
        days: after the night of listing within which it is counted.
        wait_days: from the night of listing until it is known.
    """

    name: str
    expected: str
    days: int
    wait_days: int


def measures(horizon_days: int, grace_days: int) -> tuple[Measure, ...]:
    """Leaving and margin within the horizon; contacts and handle time within `LOAD_DAYS`."""
    known = horizon_days + grace_days
    return (
        Measure("left", "churn_probability", horizon_days, known),
        Measure("margin", "margin_before", horizon_days, known),
        Measure("contacts_14d", "contacts_before", LOAD_DAYS, LOAD_DAYS),
        Measure("handle_minutes_14d", "handle_minutes_before", LOAD_DAYS, LOAD_DAYS),
    )


def effects(accounts: pd.DataFrame, sought: Sequence[Measure], run_date: date) -> pd.DataFrame:
    """Estimates of every measure whose outcomes are known: over all with its history by week, and by group.

    Args:
        accounts: one row an account, at its first listing: account_id, arm, arm_probability, listed_on, list_rank,
            `GROUPS`, was_contacted, and the columns of the measures; a measure that a company cannot have is missing.
        sought: what to estimate.
        run_date: outcomes are known if they were by then. Accounts whose arm was certain have no counterpart, and
            are left out.

    Returns:
        scope, scope_value, measure, matured_until_on (of the last night whose accounts are counted), is_current,
        treatment_count, holdout_count, contaminated_count (holdout, contacted all the same), untouched_count
        (listed, not contacted), holdout_mean, effect, effect_low, effect_high, always_low, always_high, p_value,
        is_do_not_disturb, total, total_low, total_high (effect x treatment_count).
    """
    parts = [_of_measure(matured(accounts, measure, run_date), measure) for measure in sought]
    known = [part for part in parts if len(part)]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=list(COLUMNS))


def _compared(accounts: pd.DataFrame) -> pd.DataFrame:
    """Accounts that have a counterpart: their arm was not certain."""
    return accounts[(accounts["arm_probability"] > 0) & (accounts["arm_probability"] < 1)]


def matured(accounts: pd.DataFrame, measure: Measure, run_date: date) -> pd.DataFrame:
    """Accounts that have a counterpart and whose outcome is known by the run date, in order of listing."""
    compared = _compared(accounts).sort_values(["listed_on", "list_rank", "account_id"], ignore_index=True)
    known = compared[compared["listed_on"] <= pd.Timestamp(run_date - timedelta(days=measure.wait_days))]
    return known.dropna(subset=[measure.name, measure.expected])


def _of_measure(known: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    if not known[[measure.name, measure.expected]].to_numpy(float).any():  # the company cannot know it
        return pd.DataFrame(columns=list(COLUMNS))
    scored = known.assign(score=scores(known, measure.name, measure.expected), outcome=known[measure.name])
    overall = _weekly(_estimates(scored, ALPHA)).assign(scope=ALL, scope_value=ALL)
    found = pd.concat([overall, *_by_group(scored)], ignore_index=True).assign(measure=measure.name)
    is_group = found["scope"] != ALL
    found.loc[is_group, "p_value"] = holm(found.loc[is_group, "p_value"])
    found["is_do_not_disturb"] = is_group & (measure.name == "left") & (found["always_low"] > 0)
    for end in ("", "_low", "_high"):
        found[f"total{end}"] = found[f"effect{end}"] * found["treatment_count"]
    return found.reindex(columns=list(COLUMNS))


def _by_group(scored: pd.DataFrame) -> list[pd.DataFrame]:
    """The present estimate of each group, with intervals that hold for all groups together."""
    groups = [(scope, value, rows) for scope in GROUPS for value, rows in scored.groupby(scope, sort=True)]
    return [
        _estimates(rows, ALPHA / len(groups)).tail(1).assign(scope=scope, scope_value=str(value), is_current=True)
        for scope, value, rows in groups
    ]


def _weekly(steps: pd.DataFrame) -> pd.DataFrame:
    """The last night, and the one before each week further back."""
    back = (steps["matured_until_on"].iloc[-1] - steps["matured_until_on"]).dt.days // 7
    kept: pd.DataFrame = steps[~back.duplicated(keep="last") & (back <= HISTORY_WEEKS)]
    return kept.assign(is_current=kept.index == steps.index[-1])


def _estimates(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """A row for each night of listing: what is known when its accounts have matured."""
    held = (rows["arm"] == HOLDOUT).to_numpy()
    found = running(rows["score"].to_numpy(), held, alpha)
    weight = np.where(held, 1 / rows["arm_probability"].to_numpy(float), 0.0)
    with np.errstate(invalid="ignore"):
        spared = (weight * rows["outcome"].to_numpy(float)).cumsum() / weight.cumsum()
    was_contacted = rows["was_contacted"].to_numpy(bool)
    steps = pd.DataFrame(
        {
            "matured_until_on": rows["listed_on"].to_numpy(),
            "treatment_count": (~held).cumsum(),
            "holdout_count": held.cumsum(),
            "contaminated_count": (held & was_contacted).cumsum(),
            "untouched_count": (~held & ~was_contacted).cumsum(),
            "holdout_mean": spared,
            "effect": np.where(np.isnan(found.fixed_low), np.nan, found.mean),
            "effect_low": found.fixed_low,
            "effect_high": found.fixed_high,
            "always_low": found.always_low,
            "always_high": found.always_high,
            "p_value": found.p_value,
        }
    )
    return steps.drop_duplicates("matured_until_on", keep="last", ignore_index=True)


def power(accounts: pd.DataFrame, found: pd.DataFrame, leaving: Measure, run_date: date) -> pd.DataFrame:
    """How long until an effect of a given size on leaving can be seen, as newcomers come now.

    Args:
        accounts: as for `effects`.
        found: what `effects` gave.
        leaving: the measure `left`.
        run_date: from here the weeks are counted.

    Returns:
        A row for each size of `EFFECT_SIZES` and way of looking (fixed_date, every_night): effect_size, looking,
        accounts_needed, listed_count, newcomers_per_week, weeks (0: already; null: never, at this rate).

    Worked: 2,000 accounts needed, 500 listed, 100 newcomers a week, 104 days to wait: 15 + 14.9 weeks.
    """
    compared = _compared(accounts)
    listed = compared["listed_on"].sort_values(ignore_index=True)
    deviation = _deviation(compared, found, leaving)
    rate = _newcomers_per_week(listed, run_date)
    rows = pd.DataFrame({"effect_size": EFFECT_SIZES * 2, "looking": np.repeat(WAYS, len(EFFECT_SIZES))})
    sizes = np.array(EFFECT_SIZES)
    needed = np.concatenate([accounts_to_detect(sizes, deviation, every_night=way == WAYS[1]) for way in WAYS])
    return rows.assign(
        accounts_needed=np.where(np.isfinite(needed), needed, np.nan),
        listed_count=len(listed),
        newcomers_per_week=rate,
        weeks=[_weeks_until(count, listed, rate, leaving.wait_days, run_date) for count in needed],
    )


def _newcomers_per_week(listed: pd.Series, run_date: date) -> float:
    if listed.empty:
        return 0.0
    days = min((pd.Timestamp(run_date) - listed.iloc[0]).days, NEWCOMER_DAYS)
    return float(7 * (listed >= pd.Timestamp(run_date) - pd.Timedelta(days=days)).sum() / max(days, 1))


def _deviation(compared: pd.DataFrame, found: pd.DataFrame, leaving: Measure) -> float:
    """Of a score: as measured; before anything matured as the base rate and the share held out have it."""
    now = found[(found["scope"] == ALL) & (found["measure"] == leaving.name) & found["is_current"].astype(bool)]
    if len(now) and now["effect"].notna().all():
        from_interval = (now["effect_high"] - now["effect_low"]) / (2 * Z95)
        return float((from_interval * np.sqrt(now["treatment_count"] + now["holdout_count"])).iloc[0])
    base = compared[leaving.expected].astype(float).mean()
    is_held = compared["arm"] == HOLDOUT
    held_out = compared["arm_probability"].where(is_held, 1 - compared["arm_probability"])
    variance = base * (1 - base) * (1 / held_out + 1 / (1 - held_out)).mean()
    return float(np.sqrt(variance)) if pd.notna(variance) else np.inf


def _weeks_until(needed: float, listed: pd.Series, rate: float, wait_days: int, run_date: date) -> float:
    if needed <= len(listed):
        known_on = listed.iloc[int(needed) - 1] + pd.Timedelta(days=wait_days)
        return float(max((known_on - pd.Timestamp(run_date)).days, 0) / 7)
    still = (needed - len(listed)) / rate if rate > 0 else np.inf
    return still + wait_days / 7 if np.isfinite(still) else np.nan


def net_load(found: pd.DataFrame) -> pd.DataFrame:
    """What listing a customer adds to (or takes off) the queues within `LOAD_DAYS`, for the forecast to use.

    Calls that outreach itself makes are not in it: it is what customers do of their own accord, more or less of it.

    Args:
        found: what `effects` gave, or `outreach_effect` of a published night.

    Returns:
        One row a measure and action, and `all` actions: measure, action, change, low, high, each a listed customer.
        The interval is the always-valid one, for all groups at once. Where too few are known to judge an action it
        is missing: `all` stands in. Add `customers listed x change`, spread over the days after listing.
    """
    is_load = found["measure"].isin(LOADS) & found["scope"].isin([ALL, "action"])
    now = found[is_load & found["is_current"].astype(bool)]
    names = {"scope_value": "action", "effect": "change", "always_low": "low", "always_high": "high"}
    return now.rename(columns=names)[["measure", "action", "change", "low", "high"]].reset_index(drop=True)


def groups_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The groups of listed rows, or of options: a trigger is the reason where there is one.

    Args:
        rows: `GROUPS` and trigger.
    """
    reason = rows["trigger"].astype(object).where(rows["trigger"].notna(), rows["reason"])
    groups = rows[list(GROUPS)].assign(reason=reason).astype(object)
    return groups.where(groups.notna(), UNKNOWN)


def do_not_disturb(rows: pd.DataFrame, found: pd.DataFrame) -> pd.Series:
    """Whether contact is known to drive customers like this one away.

    It is where the always-valid interval of one of its groups, for all groups at once, lies above zero.

    Args:
        rows: as for `groups_of`.
        found: what `effects` gave, or `outreach_effect` of a night.
    """
    marked, groups = found[found["is_do_not_disturb"].fillna(False).astype(bool)], groups_of(rows)
    hits = [groups[scope].isin(marked.loc[marked["scope"] == scope, "scope_value"]) for scope in GROUPS]
    return pd.Series(np.logical_or.reduce(hits), index=rows.index)
