"""Whether groups of customers are treated alike: who is listed, who is offered something, and at what price.

Each value of a column that the company names (a region, a language) is compared with all other customers who were
decided on the same night for the same reason, in the same risk band and part of value at risk: a stratum. A
difference that is gone within strata is explained by what the list goes by. What is left is judged as if, within each
stratum, who belongs to the group had been drawn by lot. So nothing is assumed of scores, values or prices, groups of
any size are judged alike, and nights add up.

A difference is flagged where it is large *and* not chance: the ratio of the two means is beyond a limit, and the
interval, widened for the number of comparisons, leaves out zero. Many customers alone never raise a flag. Nothing is
decided here, and the list does not read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from forestall.outreach.effect_table import UNKNOWN
from forestall.outreach.experiment import equal_part
from forestall.outreach.sequences import ALPHA, holm

BANDS_OF_NUMBERS = 4  # an attribute that is a number is compared by its quarters ...
FEW_NUMBERS = 8  # ... unless it has hardly more values than that
# Mantel and Fleiss (1980): the normal approximation holds where the group's count could lie five off either way.
LEAST_ROOM = 5.0

LISTED, OFFERED, PRICE = MEASURES = ("listed", "offered", "offer_price")
# Into so many equal parts of value at risk: a night decides on thousands of accounts, and lists some fifty of them.
VALUE_PARTS = {LISTED: 10, OFFERED: 3, PRICE: 3}
TOO_FEW, ALIKE, EXPLAINED, UNSURE, UNEXPLAINED = ("too_few", "alike", "explained", "not_shown", "unexplained")

KEY = ["scope", "scope_value", "measure"]
# What is counted of a night; nights are added up column by column.
SUMS = ["group_count", "group_sum", "others_count", "others_sum", "compared_count", "compared_others_count", "weight",
        "excess", "weighted_others", "variance", "room_below", "room_above"]  # fmt: skip


@dataclass(frozen=True)
class Tolerance:
    """What is let pass.

    Attributes:
        ratio: of the smaller mean to the larger one; below it a difference is large. 0.8 is the four-fifths rule of
            the US Uniform Guidelines on Employee Selection Procedures (29 CFR 1607.4 D).
        least: accounts of a group, and of others alike; smaller groups are not judged.
    """

    ratio: float
    least: int


def in_groups(rows: pd.DataFrame, scopes: Sequence[str]) -> pd.DataFrame:
    """`rows` with the columns `scopes` as texts: a missing value is `unknown`, a number its quarter, `18 to 34`."""
    return rows.assign(**{name: _texts(rows[name]) for name in scopes})


def _texts(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW_NUMBERS:
        part = pd.Series(equal_part(values, BANDS_OF_NUMBERS), index=values.index)
        ends = values.astype(float).groupby(part).agg(["min", "max"])
        names = {at: f"{low:g} to {high:g}" for at, low, high in ends.itertuples() if at}
        return part.map(names).astype(object).fillna(UNKNOWN)
    return values.astype("str").astype(object).where(values.notna(), UNKNOWN)


def tally(rows: pd.DataFrame, scopes: Sequence[str]) -> pd.DataFrame:
    """What a night adds to the comparison of each group with the others.

    Args:
        rows: one row an account that was decided on tonight: risk_band, reason (missing is a value of its own),
            value_at_risk, is_listed, is_offered, offer_price (money, missing without an offer), and `scopes`
            as texts.
        scopes: columns whose values are compared.

    Returns:
        A row a scope, value and measure: `KEY` and `SUMS`. Measures: `listed` of all, `offered` of who is
        listed, `offer_price` of who is offered something.
    """
    rows = rows.reset_index(drop=True)
    of_measure = {
        LISTED: rows.assign(outcome=rows["is_listed"].astype(float)),
        OFFERED: rows[rows["is_listed"]].assign(outcome=rows["is_offered"].astype(float)),
        PRICE: rows[rows["is_listed"] & rows["is_offered"]].assign(outcome=rows["offer_price"].astype(float)),
    }
    found = [
        _sums(_in_strata(subset, VALUE_PARTS[measure]), scope, is_share=measure != PRICE).assign(
            scope=scope, measure=measure
        )
        for scope in scopes
        for measure, subset in of_measure.items()
    ]
    return pd.concat([pd.DataFrame(columns=[*KEY, *SUMS]), *(part for part in found if len(part))])[[*KEY, *SUMS]]


def _in_strata(rows: pd.DataFrame, value_parts: int) -> pd.DataFrame:
    part = equal_part(rows["value_at_risk"], value_parts)
    alike = [rows["risk_band"].astype(object).fillna(UNKNOWN), rows["reason"].astype(object).fillna(UNKNOWN), part]
    return rows.assign(stratum=rows.groupby(alike, sort=True).ngroup())


def _sums(rows: pd.DataFrame, scope: str, *, is_share: bool) -> pd.DataFrame:
    """Each group against the others of its stratum, added up over strata.

    With n of the group's m of N in a stratum, means differ by d there: weight = n (N - n) / N (Mantel and Haenszel),
    excess = weight x d. Drawn by lot, the excess has mean 0 and variance n (N - n) / (N - 1) x the stratum's
    variance.

    Worked: 2 of 4 are of the group, both offered, of the others none: weight 1, excess 1, variance 4/3 x 1/4.
    """
    by_stratum = rows.groupby("stratum")["outcome"]
    strata = by_stratum.agg(total="size", total_sum="sum").assign(spread=by_stratum.var(ddof=0))
    cells = rows.groupby([scope, "stratum"])["outcome"].agg(group_count="size", group_sum="sum").join(strata)
    others = cells["total"] - cells["group_count"]
    is_met = others > 0
    expected = cells["group_count"] * cells["total_sum"] / cells["total"]
    room_below = room_above = cells["group_count"]  # of a price: so many could have been another
    if is_share:
        room_below = expected - (cells["total_sum"] - others).clip(lower=0)
        room_above = np.minimum(cells["group_count"], cells["total_sum"]) - expected
    weight = cells["group_count"] * others / cells["total"]
    mean_of_others = (cells["total_sum"] - cells["group_sum"]) / others.where(is_met)
    added = pd.DataFrame({
        "group_count": cells["group_count"],
        "group_sum": cells["group_sum"],
        "compared_count": cells["group_count"].where(is_met, 0),
        "compared_others_count": others,
        "weight": weight,
        "excess": (cells["group_sum"] - expected).where(is_met, 0.0),
        "weighted_others": (weight * mean_of_others).fillna(0.0),
        "variance": weight * cells["total"] / (cells["total"] - 1).clip(lower=1) * cells["spread"],
        "room_below": room_below.where(is_met, 0.0),
        "room_above": room_above.where(is_met, 0.0),
    }).groupby(level=0).sum()  # fmt: skip
    added["others_count"] = len(rows) - added["group_count"]
    added["others_sum"] = rows["outcome"].sum() - added["group_sum"]
    return added.rename_axis("scope_value").reset_index()


def compare(tallies: pd.DataFrame, tolerance: Tolerance) -> pd.DataFrame:
    """Every group against the others, over all nights that are given.

    Args:
        tallies: what `tally` gave, of one night or of several.
        tolerance: what is let pass.

    Returns:
        A row a scope, value and measure: `KEY`, group_count, others_count, group_mean, others_mean, difference
        (as they are); compared_count, compared_mean, compared_others_mean, ratio, adjusted_difference,
        adjusted_low, adjusted_high, p_value (within strata; missing where a group is too small), verdict,
        is_flagged. P-values are Holm's over all comparisons, and each interval is as much wider than 95 % as its
        p-value is larger, so that it leaves out zero exactly where that is below 0.05.
    """
    sums = tallies.groupby(KEY, sort=True)[SUMS].sum().astype(float).reset_index()
    with np.errstate(divide="ignore", invalid="ignore"):
        others = sums["weighted_others"] / sums["weight"]
        difference = sums["excess"] / sums["weight"]
        found = sums.assign(
            group_mean=sums["group_sum"] / sums["group_count"],
            others_mean=sums["others_sum"] / sums["others_count"],
            compared_mean=others + difference,
            compared_others_mean=others,
            adjusted_difference=difference,
            deviation=np.sqrt(sums["variance"]) / sums["weight"],
        )
    found["difference"] = found["group_mean"] - found["others_mean"]
    found["ratio"] = _ratio(found["compared_mean"], found["compared_others_mean"])
    is_large_enough = (found[["compared_count", "compared_others_count"]] >= tolerance.least).all(axis=1)
    is_judged = is_large_enough & (found[["room_below", "room_above"]] >= LEAST_ROOM).all(axis=1)
    judged = ["compared_mean", "compared_others_mean", "ratio", "adjusted_difference", "deviation"]
    found[judged] = found[judged].where(is_judged)
    return _with_verdicts(_with_interval(found), tolerance)


def _ratio(mean: pd.Series, others: pd.Series) -> pd.Series:
    """Missing where the others have nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (mean / others).replace([np.inf, -np.inf], np.nan)


def _with_interval(found: pd.DataFrame) -> pd.DataFrame:
    """With p_value, adjusted_low and adjusted_high."""
    is_even = found["deviation"] < 1e-12  # all of a stratum alike: no difference, and no doubt of it
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (found["adjusted_difference"] / found["deviation"]).abs().where(~is_even, 0.0)
    single = pd.Series(2 * stats.norm.sf(z), index=found.index)
    adjusted = holm(single.dropna()).reindex(found.index)
    wider = (adjusted / single.clip(lower=np.finfo(float).tiny)).clip(lower=1.0)
    reach = stats.norm.isf(ALPHA / 2 / wider) * found["deviation"]
    low, high = found["adjusted_difference"] - reach, found["adjusted_difference"] + reach
    return found.assign(p_value=adjusted, adjusted_low=low, adjusted_high=high)


def _with_verdicts(found: pd.DataFrame, tolerance: Tolerance) -> pd.DataFrame:
    is_judged = found["p_value"].notna()
    is_wide = _is_beyond(found["compared_mean"], found["compared_others_mean"], tolerance.ratio)
    was_wide = _is_beyond(found["group_mean"], found["others_mean"], tolerance.ratio)
    is_flagged = is_judged & is_wide & (found["p_value"] < ALPHA)
    kinds = [~is_judged, is_flagged, is_wide, was_wide]
    verdict = np.select(kinds, [TOO_FEW, UNEXPLAINED, UNSURE, EXPLAINED], ALIKE)
    return found.assign(verdict=verdict, is_flagged=is_flagged)


def _is_beyond(mean: pd.Series, others: pd.Series, ratio: float) -> pd.Series:
    both = pd.concat([mean, others], axis=1)
    return both.min(axis=1, skipna=False) < ratio * both.max(axis=1, skipna=False)
