"""What an action is worth: the fall in the probability of leaving, times what would be lost, less costs.

    expected value = save_probability x value_at_risk - offer_cost - contact_cost

Money is whole cents from here on, so that the parts of a row add up to its value exactly.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Cents = NDArray[np.int64]
Floats = NDArray[np.float64]
MONTH_DAYS = 365.25 / 12


def to_cents(amount: Floats) -> Cents:
    return np.asarray(np.rint(np.asarray(amount, float) * 100), np.int64)


def monthly_retention(kpis: pd.DataFrame) -> tuple[Mapping[str, float], float | None]:
    """Share of customers who stay a month, by segment and over all; None where nothing is known.

    Args:
        kpis: rows of `marts.fct_customer_kpis`: segment, customer_count, retention_rate.
    """
    known = kpis.dropna(subset=["retention_rate", "customer_count"])
    known = known.assign(stayed=known["retention_rate"].astype(float) * known["customer_count"].astype(float))
    sums = known.groupby("segment")[["stayed", "customer_count"]].sum().astype(float)
    sums = sums[sums["customer_count"] > 0]
    if sums.empty:
        return {}, None
    rates = (sums["stayed"] / sums["customer_count"]).clip(0, 1)
    overall = min(sums["stayed"].sum() / sums["customer_count"].sum(), 1.0)
    return {str(segment): float(rate) for segment, rate in rates.items()}, float(overall)


def retention_of_risk(churn_probability: pd.Series, horizon_days: int) -> float:
    """Monthly retention that the mean risk of all customers implies; 1 without any risk known.

    Worked: a mean of 0.10 within 91.3125 days: 0.9 ^ (1 / 3) = 0.9655.
    """
    mean = churn_probability.mean()
    return 1.0 if pd.isna(mean) else float((1 - mean) ** (MONTH_DAYS / horizon_days))


def value_at_risk(monthly_margin: Floats, retention: Floats, discount_rate: float, cap_months: int) -> Floats:
    """Discounted margin over the remaining life of a customer who stays.

    A saved customer is still there in month k with probability retention ^ k: the sum over at most
    `cap_months` months of margin x (retention / (1 + monthly discount)) ^ k.

    Args:
        monthly_margin: customers; currency a month.
        retention: customers; monthly, 0 to 1.
        discount_rate: a year.
        cap_months: nobody's life is counted further.

    Worked: margin 10, retention 0.5, no discount, 3 months: 10 x (0.5 + 0.25 + 0.125) = 8.75.
    """
    q = retention / (1 + discount_rate) ** (1 / 12)
    with np.errstate(divide="ignore", invalid="ignore"):
        months = np.where(q < 1, q * (1 - q**cap_months) / (1 - q), cap_months)
    return np.asarray(np.maximum(monthly_margin, 0.0) * months, np.float64)


def add_value(options: pd.DataFrame, cost_per_minute: float) -> pd.DataFrame:
    """`options` with what each is worth, all money in whole cents.

    Args:
        options: customer x action with churn_probability (missing: not scored), value_at_risk
            (currency), prior_save_probability (share of leavers who stay), acceptance, offer_price
            (currency), expected_minutes.
        cost_per_minute: currency.

    Returns:
        The same with save_probability, value_at_risk_cents, offer_cost_cents, contact_cost_cents
        and expected_value_cents. Without a score nobody can say what is saved: the costs alone remain.
    """
    save = options["churn_probability"] * options["prior_save_probability"]
    at_risk = to_cents(options["value_at_risk"].to_numpy(float))
    offer = to_cents((options["acceptance"] * options["offer_price"]).to_numpy(float))
    contact = to_cents(options["expected_minutes"].to_numpy(float) * cost_per_minute)
    saved = np.rint(save.fillna(0.0).to_numpy(float) * at_risk).astype(np.int64)
    return options.assign(
        save_probability=save,
        value_at_risk_cents=at_risk,
        offer_cost_cents=offer,
        contact_cost_cents=contact,
        expected_value_cents=saved - offer - contact,
    )
