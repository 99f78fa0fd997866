"""What an action is worth: the fall in the probability of leaving, times what would be lost, less costs.

    expected value = save_probability x value_at_risk - offer_cost - contact_cost - load_cost

    save_probability = churn_probability x addressed_share x fresh_share x learned_save_probability (the fall in it)
    value_at_risk    = margin a month over a saved customer's months: `value_at_risk`
    offer_cost       = offer_acceptance x offer_price               (over the offer's whole term)
    contact_cost     = minutes, with all tries, x cost of a minute
    load_cost        = minutes of contacts that the action causes (or avoids) x cost of a minute

Money is whole cents from here on, so that the parts of a row add up to its value exactly.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.outreach.triggers import NOTICE

Cents = NDArray[np.int64]
Floats = NDArray[np.float64]
MONTH_DAYS = 365.25 / 12
LOAD = "handle_minutes_14d"  # the measure of the experiment


def unless_done(rows: pd.DataFrame) -> pd.Series:
    """Probability of leaving unless something is done: nobody scores who gave notice, and they leave.

    Args:
        rows: trigger, churn_probability (missing: not scored).
    """
    return rows["churn_probability"].mask(rows["trigger"] == NOTICE, 1.0)


def fresh_share(rows: pd.DataFrame, run_date: date, horizon_days: int) -> Floats:
    """Share of a contact's effect that is not an earlier contact's already.

    What a contact keeps is counted over the horizon from then on. Of another one d days later only the last d days are
    new: d / horizon of it, a day at least. Who is held out rests as if reached, so that the arms stay alike but for
    those who were called and reached by nobody. What a notice changes is new.

    Args:
        rows: trigger, last_reached_on, held_out_on (both missing: never).
        run_date: the night.
        horizon_days: of the risk.

    Worked: reached 45 days ago, horizon 90: half of what another call keeps is new.
    """
    last = pd.concat([pd.to_datetime(rows[name]) for name in ("last_reached_on", "held_out_on")], axis=1).max(axis=1)
    days = (pd.Timestamp(run_date) - last).dt.days.mask(rows["trigger"] == NOTICE).fillna(horizon_days)
    return np.asarray((days / horizon_days).clip(1 / horizon_days, 1), np.float64)


def account_margin(people: pd.DataFrame, margin: "pd.Series[float]") -> "pd.Series[float]":
    """Margin of all who leave with each customer, where an account leaves as a whole.

    Who gave notice leaves alone: the others of the account may stay.

    Args:
        people: account_id, is_under_notice.
        margin: a month, of each.

    Worked: 10 and 30 of one account: 40 each; were the second under notice, 10 and 30.
    """
    leaves_alone = people["is_under_notice"].fillna(False).astype(bool)
    shared = margin.mask(leaves_alone, 0.0).groupby(people["account_id"]).transform("sum")
    return margin.where(leaves_alone, shared)


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


def saved_retention(
    segment: pd.Series, by_segment: Mapping[str, float], overall: float, churn_ratio: Mapping[str, float], default: str
) -> Floats:
    """Share of saved customers who stay another month.

    Args:
        segment: customers; missing or new: as the others over all.
        by_segment: monthly retention of everybody.
        overall: of all segments.
        churn_ratio: a saved customer leaves so many times as often, by segment.
        default: key of the ratio that holds for other segments.

    Worked: of others 0.96 stay, and a saved customer leaves twice as often: 1 - 2 x 0.04 = 0.92.
    """
    usual = segment.map(by_segment).astype(float).fillna(overall).to_numpy(float)
    ratio = segment.map(churn_ratio).astype(float).fillna(churn_ratio[default]).to_numpy(float)
    return np.asarray(np.clip(1 - ratio * (1 - usual), 0.0, 1.0), np.float64)


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


def load_minutes(effects: pd.DataFrame, actions: Sequence[str]) -> "pd.Series[float]":
    """Agent minutes of contacts that each action causes within 14 days of listing, negative where it avoids some.

    Only what the experiment shows enters: the estimate where its always-valid interval lies off zero, the
    action's own before that of all actions; otherwise 0.

    Args:
        effects: scope, scope_value, measure, is_current, effect, always_low, always_high (`effect_table.effects`).
        actions: of the playbook.
    """
    shown = effects[(effects["measure"] == LOAD) & effects["is_current"].fillna(False).astype(bool)]
    shown = shown[(shown["always_low"].astype(float) > 0) | (shown["always_high"].astype(float) < 0)]
    overall = shown.loc[shown["scope"] == "all", "effect"].astype(float).sum()  # one row, or none
    own = shown[shown["scope"] == "action"].set_index("scope_value")["effect"].astype(float)
    return own.reindex(list(actions)).fillna(overall)


def add_value(options: pd.DataFrame, cost_per_minute: float, load_minutes: "pd.Series[float]") -> pd.DataFrame:
    """`options` with what each is worth, all money in whole cents.

    Args:
        options: customer x action with churn_probability (missing: not scored), addressed_share (of it, what goes
            with reasons that the action answers to), fresh_share (`fresh_share`), value_at_risk (currency),
            learned_save_probability (share of those who leave for these reasons who stay), offer_acceptance,
            offer_price (currency), expected_minutes.
        cost_per_minute: currency.
        load_minutes: net load of outreach: agent minutes of contacts that an action causes within 14 days,
            negative where it avoids some, by action; an action that is not named has none, as far as is known.

    Returns:
        The same with save_probability, value_at_risk_cents, offer_cost_cents, contact_cost_cents, load_cost_cents,
        cost_cents (their sum), saved_cents and expected_value_cents. Without a score nobody can say what is saved:
        the costs alone remain.
    """
    shares = options["addressed_share"] * options["fresh_share"]
    save = options["churn_probability"] * shares * options["learned_save_probability"]
    at_risk = to_cents(options["value_at_risk"].to_numpy(float))
    offer = to_cents((options["offer_acceptance"] * options["offer_price"]).to_numpy(float))
    contact = to_cents(options["expected_minutes"].to_numpy(float) * cost_per_minute)
    minutes = np.asarray(options["action"].map(load_minutes).astype(float).fillna(0.0), np.float64)
    load = to_cents(minutes * cost_per_minute)
    saved = np.rint(save.fillna(0.0).to_numpy(float) * at_risk).astype(np.int64)
    return options.assign(
        save_probability=save,
        value_at_risk_cents=at_risk,
        offer_cost_cents=offer,
        contact_cost_cents=contact,
        load_cost_cents=load,
        cost_cents=offer + contact + load,
        saved_cents=saved,
        expected_value_cents=saved - offer - contact - load,
    )
