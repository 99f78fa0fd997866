"""What an estimate says, in a sentence that stands by itself; for margin, one that finance accepts."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from forestall.outreach.effect_table import ALL

WHAT = {
    "left": "the share that leaves within {days} days",
    "margin": "margin within {days} days",
    "contacts_14d": "contacts within 14 days",
    "handle_minutes_14d": "handle minutes within 14 days",
}


def with_sentences(found: pd.DataFrame, horizon_days: int, currency: str) -> pd.DataFrame:
    """`found` (of `effect_table.effects`) with the column `sentence`.

    Args:
        found: estimates.
        horizon_days: of leaving and margin.
        currency: of margin.
    """
    told = [_sentence(row, horizon_days, currency) for row in found.to_dict("records")]
    return found.assign(sentence=pd.Series(told, index=found.index, dtype=object))


def _sentence(row: Mapping[Hashable, Any], horizon_days: int, currency: str) -> str:
    measure, counts = str(row["measure"]), f"{row['treatment_count']:,} listed, {row['holdout_count']:,} left alone"
    what = WHAT[measure].format(days=horizon_days)
    where = "" if row["scope"] == ALL else f"{row['scope']} {row['scope_value']}: "
    if pd.isna(row["effect"]):
        return f"{where}too few accounts to say what listing does to {what} ({counts})."
    values = {name: _value(row[name], measure, currency) for name in ENDS}
    verdict = _verdict(row)
    text = (
        f"{where}listing changes {what} by {values['effect']} an account (95 % on a date fixed beforehand "
        f"{values['effect_low']} to {values['effect_high']}, looked at every night {values['always_low']} to "
        f"{values['always_high']}; {counts} at random): {verdict}."
    )
    return f"{text} {_in_total(row, currency)}" if measure == "margin" and row["scope"] == ALL else text


ENDS = ("effect", "effect_low", "effect_high", "always_low", "always_high")


def _verdict(row: Mapping[Hashable, Any]) -> str:
    low, high = row["always_low"], row["always_high"]
    if low <= 0 <= high:
        return "not shown yet, whichever way"
    rises = low > 0
    is_good = rises if row["measure"] == "margin" else not rises
    return f"shown, for the {'better' if is_good else 'worse'}"


def _in_total(row: Mapping[Hashable, Any], currency: str) -> str:
    low, mid, high = (f"{row[f'total{end}']:+,.0f}" for end in ("_low", "", "_high"))
    return (
        f"Over the {row['treatment_count']:,} accounts listed that is {currency} {mid} (95 % {low} to {high}) of "
        "margin against no outreach: margin booked, beside a group left alone at random, after agents' minutes and "
        "accepted offers; nothing is assumed of the time after."
    )


def _value(value: float, measure: str, currency: str) -> str:
    if measure == "left":
        return f"{100 * value:+.1f} points"
    if measure == "margin":
        return f"{currency} {value:+,.2f}"
    return f"{value:+.3f}" if measure == "contacts_14d" else f"{value:+.2f} min"
