"""What a missing agent costs in customers, and what one more would be worth.

Reads contacts and whether their customers left, `churn_scores`, `volume_forecast`, `staffing_requirement` and
`handle_time_by_concurrency` of the night, costs and standards; writes `wait_effect` and `agent_value`. Where the data
do not show that waiting drives customers away, `agent_value` is empty: no price is better than a wrong one.
"""

import logging
from datetime import date

import numpy as np
import pandas as pd

from features.published_staffing import AGENT_VALUE, HANDLE_TIME_BY_CONCURRENCY, WAIT_EFFECT
from forestall.history.outreach import agent_cost_per_minute, recent_kpis
from forestall.history.waits import contacts_followed, recent_callers
from forestall.jobs.plan_staffing import what_is_known
from forestall.night import Night
from forestall.outreach import value
from forestall.records import Summary
from forestall.settings import Settings
from forestall.staffing.agent_value import Worth, price_agents
from forestall.staffing.plan import Known, live_demand
from forestall.staffing.wait_effect import CROWD, is_known, sentence, wait_effect
from forestall.warehouse import Warehouse, open_warehouse

log = logging.getLogger(__name__)


def value_agents(settings: Settings, run_date: date) -> Summary:
    """Write the night's `wait_effect` and `agent_value`.

    Raises:
        ConfigError: the night has no `churn_scores`, `volume_forecast` or `staffing_requirement` yet.
    """
    night, horizon = Night(settings, run_date), settings.churn.main_horizon
    with open_warehouse(settings, f"value_agents {run_date}") as warehouse:
        effects = wait_effect(contacts_followed(warehouse, night))
        customer_value = _customer_value(warehouse, night)
        minute = agent_cost_per_minute(warehouse, night)
        known, _ = what_is_known(warehouse, night, night.read(HANDLE_TIME_BY_CONCURRENCY.name))
    by_crowd = effects[effects["approach"] == CROWD].iloc[0]
    is_priced = is_known(by_crowd) and customer_value > 0
    told = [sentence(row, horizon) for _, row in effects.iterrows()]  # two rows
    night.write(WAIT_EFFECT.name, effects.assign(
        horizon_days=horizon, customer_value=customer_value, sentence=told,
        is_priced=(effects["approach"] == CROWD) & is_priced,
    ))  # fmt: skip
    if not is_priced:
        night.write(AGENT_VALUE.name, AGENT_VALUE.arrow_schema().empty_table())
        why = told[0] if customer_value > 0 else "no margin is known, so nobody can say what a leaver costs"
        return {"intervals": 0, "notes": f"no price of an agent: {why}"}
    worth = Worth(
        effect=float(by_crowd["effect_per_minute"]), effect_low=float(by_crowd["effect_low"]),
        effect_high=float(by_crowd["effect_high"]), customer_value=customer_value,
        agent_cost=None if minute is None else minute * settings.volume.interval_minutes / (1 - known.shrinkage),
    )  # fmt: skip
    priced = _priced(night, known, worth)
    night.write(AGENT_VALUE.name, priced)
    return {
        "intervals": len(priced),
        "points_per_minute": round(100 * worth.effect, 3),
        "customer_value": round(customer_value, 2),
        "more_would_pay": int((priced["agents_worthwhile"] > priced["agents_net"]).sum()),
        "fewer_would_do": int((priced["agents_worthwhile"] < priced["agents_net"]).sum()),
    }


def _priced(night: Night, known: Known, worth: Worth) -> pd.DataFrame:
    settings = night.settings
    interval_s = settings.volume.interval_minutes * 60
    forecast = night.read("volume_forecast")
    rows, demand = live_demand(forecast[forecast["is_open"]], known, settings.service_level, interval_s)
    # A queue of a group is priced as if it had people of its own: so many give it about the level it has in the group.
    planned = night.read("staffing_requirement").set_index(["queue", "interval_start_at"])["agents_alone"]
    at = pd.MultiIndex.from_frame(rows[["queue", "interval_start_at"]])
    agents = planned.reindex(at).fillna(0).to_numpy(np.int64)
    is_busy = agents > 0
    priced = price_agents(demand.rows(is_busy), agents[is_busy], worth, interval_s)
    keys = rows.loc[is_busy, ["queue", "interval_start_at", "local_on"]].reset_index(drop=True)
    return keys.join(priced).assign(agents_net=agents[is_busy], agent_cost=worth.agent_cost)


def _customer_value(warehouse: Warehouse, night: Night) -> float:
    """What is lost with a caller who leaves: margin of the whole account over its remaining life, mean over contacts.

    Nan where no caller's margin is known.
    """
    scores = night.read("churn_scores")
    scores = scores[scores["horizon_days"] == night.settings.churn.main_horizon]
    _, retention = value.monthly_retention(recent_kpis(warehouse, night.run_date))
    if retention is None:
        retention = value.retention_of_risk(scores["churn_probability"], night.settings.churn.main_horizon)
    outreach = night.settings.outreach
    margin = scores["monthly_margin"].astype(float)
    worth = value.value_at_risk(
        np.asarray(margin, np.float64),
        np.full(len(scores), retention),
        outreach.discount_rate,
        outreach.life_cap_months,
    )
    account = scores["account_id"].fillna(scores["customer_id"])
    of_account = (
        pd.Series(worth, index=scores.index).where(margin.notna()).groupby(account).transform("sum", min_count=1)
    )
    callers = recent_callers(warehouse, night)
    met = callers.assign(worth=callers["customer_id"].map(of_account.set_axis(scores["customer_id"]))).dropna()
    return float(np.average(met["worth"], weights=met["contact_count"].astype(float))) if len(met) else float("nan")
