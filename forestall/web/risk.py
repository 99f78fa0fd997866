"""Where the risk lies, for the report: by lifecycle stage and value, and by what customers contact us about."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from forestall.outreach.causes import ALL, named
from forestall.web import charts

MOST_CAUSES = 10  # drawn; all are in the table below and in `churn_causes`
SUMS = ["customer_count", "scored_count", "expected_leavers", "margin_at_risk", "listed_count", "listed_value"]


def by_segment(summary: pd.DataFrame) -> dict[str, pd.DataFrame] | None:
    """Sums by lifecycle stage and by value segment, where most are expected to leave first; None without customers.

    Args:
        summary: `segment_summary`.

    Returns:
        By column: segment, the sums, and churn_probability (mean of the scored).
    """
    if summary.empty:
        return None
    found = {}
    for column in ("lifecycle_stage", "value_segment"):
        sums = summary.groupby(column)[SUMS].sum(min_count=1).rename_axis("segment").reset_index()
        sums["churn_probability"] = sums["expected_leavers"] / sums["scored_count"].where(sums["scored_count"] > 0)
        found[column] = sums.sort_values(["expected_leavers", "segment"], ascending=[False, True])
    return found


def by_cause(causes: pd.DataFrame) -> dict[str, Any] | None:
    """Topics and products of contacts as a chart and as rows; None where nothing is known of any.

    Args:
        causes: `churn_causes`.
    """
    if causes.empty:
        return None
    rows = causes.assign(name=named(causes)).sort_values(["expected_leavers", "name"], ascending=[False, True])
    drawn = rows[(rows["product"] == ALL) & (rows["topic"] != ALL)].head(MOST_CAUSES)
    compared = causes["compared_on"].dropna()
    return {
        "chart": _chart(drawn) if len(drawn) else None,
        "sentence": (drawn if len(drawn) else rows)["sentence"].iloc[0],
        "rows": rows,
        "compared_on": compared.iloc[0] if len(compared) else None,
    }


def _chart(rows: pd.DataFrame) -> Markup:
    first = rows.iloc[0]
    return charts.cause_chart(
        list(rows["name"]),
        (list(rows["expected_leavers"]), list(rows["leavers_low"]), list(rows["leavers_high"])),
        (list(100 * rows["excess_risk"]), list(100 * rows["excess_low"]), list(100 * rows["excess_high"])),
        title=f"Most leave among who contacts us about {first['name']}: {first['expected_leavers']:.0f} expected",
    )
