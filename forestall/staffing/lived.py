"""Plans lived through: what planned agents would have given with the contacts that really came.

Live queues only: deferred work is planned by its backlog. Each is lived through by itself, so queues that share agents
are planned with people of their own here, by every plan alike. Contacts are those that were counted, placed by chance
within their interval; handle times and patience are drawn. Every plan meets the same contacts.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from forestall.sections import ServiceLevelSettings
from forestall.staffing.plan import Known, live_demand, plan_requirement
from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import Flags, Integers, least_agents
from forestall.staffing.simulation import in_standard, place_arrivals, simulate
from forestall.staffing.uncertainty import COLUMNS
from models.volume.intraday import DAY_SHARE, Spread, interval_dispersion, level_of
from models.volume.quantiles import moved_along

OURS, AT_NOON, LAST_WEEK = "ours", "ours_restated_at_noon", "last_week"
ERLANG_C, FUTURE = "erlang_c_on_the_mean", "knowing_the_future"
PLANS = (OURS, AT_NOON, LAST_WEEK, ERLANG_C, FUTURE)
NOON_S = 12 * 3600
REPLICATIONS = 5


def plans(
    rows: pd.DataFrame, known: Known, level: ServiceLevelSettings, interval_s: int, days: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Agents by each way of planning.

    Args:
        rows: queue x interval of one cutoff: queue, channel, interval_start_at, day_on, slot, contacts (that came),
            forecast and its quantiles as they would have been published, last_week (the like day a week before),
            handle_time_s.
        known: standards and estimates of the first cutoff.
        level: formula of the service level.
        interval_s: length of an interval.
        days: of `plan_requirement`, as they would have been published.

    Returns:
        The rows of live queues with staffed_handle_time_s (at the standard's concurrency), patience_s, threshold_s,
        service_level, concurrency and one column of `PLANS` each.
    """
    known = replace(known, groups={})  # an agent of several queues could be with one of them only
    told = rows.rename(columns={"contacts": "came"}).assign(contacts=rows["forecast"])
    live, demand = live_demand(told, known, level, interval_s)

    def for_rates(contacts: pd.Series, patience_s: Floats) -> Integers:
        rates = contacts.to_numpy(float)[:, None] / interval_s
        return least_agents(replace(demand, rates_per_s=rates, weights=np.ones(1), patience_s=patience_s))

    endless = np.full(len(demand), np.inf)
    ours = _as_published(live, known, level, interval_s, days)
    planned = {
        OURS: ours,
        AT_NOON: _restated(live, ours, known, level, interval_s),
        LAST_WEEK: for_rates(live["last_week"].fillna(live["contacts"]), demand.patience_s),
        ERLANG_C: for_rates(live["contacts"], endless),
        FUTURE: for_rates(live["came"], demand.patience_s),
    }
    needs = {name: getattr(demand, name)
             for name in ("patience_s", "threshold_s", "service_level", "concurrency")}  # fmt: skip
    return live.assign(staffed_handle_time_s=demand.handle_time_s, **needs, **planned)


def _as_published(
    live: pd.DataFrame, known: Known, level: ServiceLevelSettings, interval_s: int, days: pd.DataFrame | None
) -> Integers:
    """What the night would have asked for."""
    if live.empty:
        return np.zeros(0, np.int64)
    plan, _ = plan_requirement(live, known, level, interval_s, days)
    agents = plan.set_index(["queue", "interval_start_at"])["agents_net"]
    return agents.reindex(pd.MultiIndex.from_frame(live[["queue", "interval_start_at"]])).to_numpy(np.int64)


def _restated(
    live: pd.DataFrame, ours: Integers, known: Known, level: ServiceLevelSettings, interval_s: int
) -> Integers:
    """The same with the afternoon planned again from what came by noon, as `forestall intraday` does at a day's level.

    Whoever is asked comes, or goes, at noon; alarms of the last hour are left out.
    """
    is_past = (live["slot"] * interval_s < NOON_S).to_numpy()
    mean, came = live["contacts"].to_numpy(float), live["came"].to_numpy(float)
    factor = np.ones(len(live))
    for queue in live["queue"].unique():  # a handful, of some dozen days each
        own = (live["queue"] == queue).to_numpy()
        low, high = (live.loc[own, name].to_numpy(float) for name in ("contacts_p10", "contacts_p90"))
        whole = interval_dispersion(mean[own], low, high)
        spread = Spread(DAY_SHARE * whole, (1 - DAY_SHARE) * whole)
        for day in live.loc[own, "day_on"].unique():
            of_day = own & (live["day_on"] == day).to_numpy()
            factor[of_day & ~is_past] = level_of(came[of_day & is_past], mean[of_day & is_past], spread).factor
    moved = live.assign(contacts=mean * factor)
    moved[list(COLUMNS)] = moved_along(live[list(COLUMNS)].to_numpy(float), mean, mean * factor)
    return np.where(is_past, ours, _as_published(moved, known, level, interval_s, None))


def live_through(planned: pd.DataFrame, level: ServiceLevelSettings, interval_s: int, seed: int) -> pd.DataFrame:
    """What each plan would have given, by queue and day.

    Args:
        planned: of `plans`, of one or several cutoffs (`cutoff_on`).
        level: formula of the service level.
        interval_s: length of an interval.
        seed: of what is drawn; every plan meets the same.

    Returns:
        plan, cutoff_on, queue, day_on, contacts, agent_hours, service_level, is_in_standard (share of the
        replications), period_count and periods_kept: periods of the settings over which the standard is to be met, a
        month on the last of its days, and in how many of them it was (mean of the replications).
    """
    found = []
    for (_, queue), rows in planned.groupby(["cutoff_on", "queue"]):  # a handful, whose days are settled together
        days, slots = np.unique(rows["day_on"]), np.unique(rows["slot"])
        at = np.searchsorted(days, rows["day_on"]), np.searchsorted(slots, rows["slot"])
        cutoff = pd.Timestamp(rows["cutoff_on"].iloc[0])
        lived = _lived(str(queue), rows, at, days, level, interval_s, seed + cutoff.toordinal())
        found.append(lived.assign(cutoff_on=cutoff))
    return pd.concat(found, ignore_index=True)


def _lived(
    queue: str, rows: pd.DataFrame, at: tuple[Integers, Integers], days: np.ndarray, level: ServiceLevelSettings,
    interval_s: int, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """One queue; its slots are taken as one stretch, from the first that is open to the last."""
    first = rows.iloc[0]
    shape = (len(days), int(at[1].max()) + 1)
    came, handle = np.zeros(shape, np.int64), np.full(shape, float(first["staffed_handle_time_s"]))
    came[at], handle[at] = np.rint(rows["came"].to_numpy(float)).astype(np.int64), rows["staffed_handle_time_s"]
    rng = np.random.default_rng([seed, *queue.encode()])
    arrivals = place_arrivals(
        rng, np.tile(came, (REPLICATIONS, 1))[:, None, :], np.tile(handle, (REPLICATIONS, 1))[:, None, :],
        np.array([float(first["patience_s"])]), interval_s,
    )  # fmt: skip
    tables = []
    for plan in PLANS:
        agents = np.zeros(shape, np.int64)
        agents[at] = rows[plan].to_numpy(np.int64)
        served = simulate(arrivals, np.tile(agents, (REPLICATIONS, 1)) * int(first["concurrency"]), interval_s)
        in_time, counted = in_standard(arrivals, served, float(first["threshold_s"]), level)
        total = counted.sum(axis=1)
        share = np.divide(in_time.sum(axis=1), total, out=np.ones(len(total)), where=total > 0).reshape(
            REPLICATIONS, -1
        )
        slot = (np.where(counted, arrivals.at_s, 0.0) // interval_s).astype(np.int64)
        periods, kept = _by_period(in_time, counted, slot, days, float(first["service_level"]), level.period)
        tables.append(pd.DataFrame({
            "plan": plan, "queue": queue, "day_on": days, "contacts": came.sum(axis=1),
            "agent_hours": agents.sum(axis=1) * interval_s / 3600, "service_level": share.mean(axis=0),
            "is_in_standard": (share >= float(first["service_level"])).mean(axis=0), "period_count": periods,
            "periods_kept": kept,
        }))  # fmt: skip
    lived = pd.concat(tables, ignore_index=True)
    return lived[lived["contacts"] > 0]


def _by_period(
    in_time: Flags, counted: Flags, slot: Integers, days: np.ndarray, target: float, period: str
) -> tuple[Floats, Floats]:
    """Of each day: its periods in which contacts count, and those in which the standard was kept; mean of replications.

    Args:
        in_time: lanes (days of each replication in turn) x contacts.
        counted: likewise.
        slot: interval of each contact.
        days: their dates.
        target: share to be answered in time.
        period: interval, day or month.
    """
    part = slot if period == "interval" else np.zeros_like(slot)
    width = int(part.max(initial=0)) + 1
    place = np.arange(len(part))[:, None] * width + part
    total, good = (
        np.bincount(place.ravel(), flags.ravel(), len(part) * width).reshape(REPLICATIONS, len(days), width)
        for flags in (counted, in_time & counted)
    )
    if period == "month":
        month = pd.DatetimeIndex(days).to_period("M").factorize()[0]
        is_last = np.append(month[1:] != month[:-1], True)
        of_month = (month[:, None] == month) & is_last[:, None]
        total, good = (np.einsum("td,rdw->rtw", of_month, counts) for counts in (total, good))
    is_there = total > 0
    is_kept = np.divide(good, total, out=np.zeros_like(good), where=is_there) >= target
    return is_there.sum(axis=2).mean(axis=0), is_kept.sum(axis=2).mean(axis=0)


def summary(lived: pd.DataFrame) -> pd.DataFrame:
    """By plan: share of queue days and of periods within standard, level of all contacts, hours beside the future's."""
    weighed = lived.assign(in_time=lived["service_level"] * lived["contacts"])
    sums = weighed.groupby("plan").agg(
        days=("day_on", "size"), days_in_standard=("is_in_standard", "mean"), in_time=("in_time", "sum"),
        contacts=("contacts", "sum"), agent_hours=("agent_hours", "sum"), periods=("period_count", "sum"),
        kept=("periods_kept", "sum"),
    )  # fmt: skip
    table = sums.assign(
        periods_in_standard=sums["kept"] / sums["periods"],
        service_level=sums["in_time"] / sums["contacts"],
        hours_ratio=sums["agent_hours"] / sums.loc[sums.index == FUTURE, "agent_hours"].sum(),
    )
    order: Mapping[str, int] = {plan: place for place, plan in enumerate(PLANS)}
    columns = ["days", "days_in_standard", "periods_in_standard", "service_level", "agent_hours", "hours_ratio"]
    return table[columns].sort_index(key=lambda names: names.map(order)).reset_index()
