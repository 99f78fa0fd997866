"""What a comparison of a group with others says, in a sentence that stands by itself."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from forestall.outreach.fairness import ALIKE, EXPLAINED, LISTED, OFFERED, PRICE, TOO_FEW, UNEXPLAINED, UNSURE

WHAT = {LISTED: "listed", OFFERED: "offered something once listed", PRICE: "mean price of what is offered"}
SAID = {
    ALIKE: "no large difference",
    EXPLAINED: "the difference is explained by risk, reason and value",
    UNSURE: "a difference that may be chance",
    UNEXPLAINED: "a difference that neither risk, reason, value nor chance explains",
}


def with_sentences(found: pd.DataFrame, currency: str) -> pd.DataFrame:
    """`found` (of `fairness.compare`) with the column `sentence`.

    Args:
        found: comparisons.
        currency: of prices.
    """
    told = [_sentence(row, currency) for row in found.to_dict("records")]
    return found.assign(sentence=pd.Series(told, index=found.index, dtype=object))


def _sentence(row: Mapping[Hashable, Any], currency: str) -> str:
    about = f"{row['scope']} {row['scope_value']}, {WHAT[row['measure']]}"
    if row["verdict"] == TOO_FEW:
        return f"{about}: too few of them, or of others alike, to judge ({row['group_count']:,.0f})."
    mean, others = (_value(row[name], row["measure"], currency) for name in ("compared_mean", "compared_others_mean"))
    low, high = (_change(row[name], row["measure"], currency) for name in ("adjusted_low", "adjusted_high"))
    return f"{about}: {mean}, others alike {others} (difference {low} to {high}): {SAID[row['verdict']]}."


def _value(value: float, measure: str, currency: str) -> str:
    return f"{currency} {value:,.2f}" if measure == PRICE else f"{100 * value:.1f} %"


def _change(value: float, measure: str, currency: str) -> str:
    return f"{currency} {value:+,.2f}" if measure == PRICE else f"{100 * value:+.1f} points"
