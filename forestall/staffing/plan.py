"""From a forecast to the staffing requirement of every queue and interval.

Live queues go through the queueing model all at once, deferred ones are placed queue by queue. What
cannot be met, or rests on an assumption, is told in a line; it never keeps the other queues from
their plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings
from forestall.staffing.blending import blend_rows
from forestall.staffing.concurrency import nothing_lived, paces
from forestall.staffing.placer import Placer
from forestall.staffing.plan_notes import note_of_blending, note_of_no_blending, notes_of_backlog, notes_of_patience
from forestall.staffing.pooling import Pooled, pool
from forestall.staffing.requirement import AGENT_LIMIT, Demand, expect
from forestall.staffing.standards import QueueStandard, Standards
from forestall.staffing.tried import agents_for
from forestall.staffing.uncertainty import COLUMNS, WEIGHTS, likely_rates

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """What is known of queues and agents, apart from the forecast.

    Attributes:
        standards: what each queue promises.
        shrinkage: share of paid time lost, where a standard does not say.
        patience_s: mean patience by queue, where a standard does not say.
        default_patience_s: for queues in neither; None for Erlang C.
        backlog: open contacts at the cutoff by queue; deferred queues only.
        groups: queues that the same people serve, by name of the group; every other queue has people of its own.
        handle_times: rows of `handle_time_by_concurrency`; a queue without any takes as long however many are held.
    """

    standards: Standards
    shrinkage: float
    patience_s: Mapping[str, float] = field(default_factory=dict)
    default_patience_s: float | None = None
    backlog: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    handle_times: pd.DataFrame = field(default_factory=nothing_lived)


def plan_requirement(
    forecast: pd.DataFrame,
    known: Known,
    level: ServiceLevelSettings,
    interval_s: int,
    days: pd.DataFrame | None = None,
    begins_at: datetime | None = None,
    at_work: Mapping[str, int] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Agents for every queue x interval of the forecast that people serve.

    Args:
        forecast: rows of `volume_forecast`.
        known: standards and estimates.
        level: formula of the service level, who gives up too soon to count, and how sure a period is to be.
        interval_s: length of an interval.
        days: queue, local_on, contacts and its quantiles (of `volume_days`), which tell what the intervals of a day
            share of the forecast's error; None: all of it.
        begins_at: deferred work is done from here on: contacts of its earlier intervals are those that still wait.
            None: from the first interval.
        at_work: agents by deferred queue who were at it in the interval before `begins_at`, and go on while work waits.

    Returns:
        Rows of `staffing_requirement`, and lines about what could not be met or was assumed.
    """
    queues = standards_of(forecast, known)
    live_rows, deferred_rows, notes = _staffed(forecast, queues)
    demand = _demand(live_rows, queues, known, level, interval_s)
    live, live_notes = _live(live_rows, demand, queues, known, level, interval_s, days)
    lost = {queue: _or(standard.shrinkage, known.shrinkage) for queue, standard in queues.items()}
    placer = Placer(queues, lost, known.backlog, interval_s, begins_at, at_work or {})
    deferred, deferred_notes = placer.whole(deferred_rows)
    deferred, blend_notes = _blend(live, demand, deferred, deferred_rows, placer, known.groups, level)
    deferred_notes += blend_notes
    plan = pd.concat([live, deferred], ignore_index=True)
    plan["shrinkage"] = placer.shrinkage(plan)
    # Of work that may wait the agents to schedule are whole already, over all the time that it may wait.
    plan["agents_gross"] = (plan["agents_net"] / (1 - plan["shrinkage"])).where(
        plan["model"] != "deferred", plan.get("agents_gross")
    )
    group_of = {queue: group for group, names in known.groups.items() for queue in names}
    plan["queue_group"] = plan["queue"].map(lambda queue: group_of.get(queue, queue))
    plan["standard"] = plan["queue"].map(lambda queue: _in_words(queues[queue], level))
    return plan, [*notes, *live_notes, *deferred_notes, *notes_of_backlog(known.backlog, queues)]


def days_of_queues(volume_days: pd.DataFrame) -> pd.DataFrame:
    """The days of each queue, as `plan_requirement` takes them, from the rows of `volume_days`."""
    return volume_days[volume_days["scope"] == "queue"].rename(columns={"scope_value": "queue"})


def live_demand(
    forecast: pd.DataFrame, known: Known, level: ServiceLevelSettings, interval_s: int
) -> tuple[pd.DataFrame, Demand]:
    """The rows of the forecast in which customers wait for an agent, and what is to be staffed in each of them.

    Args:
        forecast: rows of `volume_forecast`.
        known: standards and estimates.
        level: formula of the service level.
        interval_s: length of an interval.
    """
    queues = standards_of(forecast, known)
    live, _, _ = _staffed(forecast, queues)
    return live, _demand(live, queues, known, level, interval_s)


def patience_of(queues: Mapping[str, QueueStandard], known: Known) -> dict[str, float]:
    """Mean patience by queue, seconds: the standard's, or the data's, or the default; `inf` where nobody knows."""
    return {
        queue: _or(standard.patience_s, known.patience_s.get(queue), known.default_patience_s, np.inf)
        for queue, standard in queues.items()
    }


def standards_of(forecast: pd.DataFrame, known: Known) -> dict[str, QueueStandard]:
    channels = forecast.groupby("queue")["channel"].first()
    return {str(queue): known.standards.for_queue(str(queue), channel) for queue, channel in channels.items()}


def _staffed(
    forecast: pd.DataFrame, queues: Mapping[str, QueueStandard]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Rows of live and of deferred queues that people serve, with a handle time each; and what was assumed."""
    staffed = forecast[forecast["queue"].map(lambda queue: queues[queue].is_staffed)]
    frame = staffed.sort_values(["queue", "interval_start_at"], ignore_index=True)
    frame, notes = _with_handle_time(frame, queues)
    is_deferred = frame["queue"].map(lambda queue: queues[queue].is_deferred).astype(bool)
    return frame[~is_deferred], frame[is_deferred], notes


def _with_handle_time(frame: pd.DataFrame, queues: Mapping[str, QueueStandard]) -> tuple[pd.DataFrame, list[str]]:
    """Fill missing handle times from the queue's own mean, or else from its standard, and say so."""
    usable = frame["handle_time_s"].astype(float).where(lambda seconds: seconds > 0)
    own = usable.groupby(frame["queue"]).transform("mean")
    assumed = frame["queue"].map({queue: standard.handle_time_s for queue, standard in queues.items()}).astype(float)
    notes = [
        f"{queue}: no handle time in the data; {queues[queue].handle_time_s} s assumed (standards: handle_time_s)"
        for queue in frame.loc[own.isna(), "queue"].unique()
    ]
    return frame.assign(handle_time_s=usable.fillna(own).fillna(assumed)), notes


def _live(
    frame: pd.DataFrame,
    demand: Demand,
    queues: Mapping[str, QueueStandard],
    known: Known,
    level: ServiceLevelSettings,
    interval_s: int,
    days: pd.DataFrame | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Erlang A, or C where patience is unknown."""
    agents = agents_for(frame, demand, level, interval_s, days)
    expected = expect(demand, agents)
    plan = frame[["queue", "interval_start_at", "local_on", "contacts"]].assign(
        handle_time_s=demand.handle_time_s,
        offered_load=frame["contacts"] * demand.handle_time_s / interval_s,
        agents_net=agents,
        agents_alone=agents,
        model=np.where(np.isinf(demand.patience_s), "erlang_c", "erlang_a"),
        service_level=expected.service_level,
        asa_s=expected.asa_s,
        abandonment=expected.abandonment,
        occupancy=expected.occupancy,
    )
    for names in known.groups.values():
        of = np.flatnonzero(frame["queue"].isin(names))
        if len(frame["queue"].iloc[of].unique()) > 1:
            _pool(plan, of, pool(frame.iloc[of], demand.rows(of), agents[of], level, interval_s, days))
    # An Erlang C queue that would not settle at one of the likely rates has no mean wait.
    plan["asa_s"] = plan["asa_s"].where(np.isfinite(plan["asa_s"]))
    capped = plan.loc[plan["agents_net"] >= AGENT_LIMIT].groupby("queue").size()
    return plan, notes_of_patience(plan) + [
        f"{queue}: {queues[str(queue)].words} is out of reach in {count} intervals; capped at {AGENT_LIMIT} agents"
        for queue, count in capped.items()
    ]


def _pool(plan: pd.DataFrame, rows: NDArray[np.int64], found: Pooled) -> None:
    """Write what a group's queues take together into its rows of the plan."""
    shared = plan.index[rows[found.is_pooled]]
    plan.loc[shared, "model"] = "pooled"
    plan.loc[shared, "agents_net"] = found.agents[found.is_pooled]
    for name in ("service_level", "asa_s", "abandonment", "occupancy"):
        plan.loc[shared, name] = getattr(found, name)[found.is_pooled]


def _blend(
    live: pd.DataFrame, demand: Demand, deferred: pd.DataFrame, rows: pd.DataFrame, placer: Placer,
    groups: Mapping[str, Sequence[str]], level: ServiceLevelSettings,
) -> tuple[pd.DataFrame, list[str]]:  # fmt: skip
    """`deferred` with written work in the idle minutes of its group's calls where that takes fewer hours, and lines.

    Every interval has idle minutes to give: work that is spread evenly uses most of them, work that is done at a
    stretch takes fewer people of its own. A group has whichever takes fewer hours.
    """
    notes = []
    for name, queues in groups.items():
        calls = np.flatnonzero(live["queue"].isin(queues)) if len(live) else np.zeros(0, np.int64)
        work = deferred.index[deferred["queue"].isin(queues)] if len(deferred) else deferred.index
        # Who holds several chats at once has no minute of which one could say that it is idle.
        if not len(calls) or not len(work) or demand.concurrency[calls].max() > 1:
            continue
        evenly, _ = placer.evenly(rows[rows["queue"].isin(queues)])
        own = evenly.set_index(work)
        own, reserve = _blended(live.iloc[calls], demand.rows(calls), own, level, placer.shrinkage(own))
        saved = float((deferred.loc[work, "agents_gross"] - own["agents_gross"]).sum())
        is_blended = reserve >= 0
        if is_blended.any() and saved > 0:
            deferred = pd.concat([deferred.drop(work), own]).sort_index()
            notes.append(note_of_blending(name, reserve[is_blended], saved * placer.interval_s / 3600))
        elif deferred.loc[work, "agents_net"].any():
            notes.append(note_of_no_blending(name))
    return deferred, notes


def _blended(
    live: pd.DataFrame, demand: Demand, own: pd.DataFrame, level: ServiceLevelSettings, shrinkage: "pd.Series[float]"
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The rows of written work with what it takes beyond the calls' agents, and the reserve; -1 where not blended."""
    agents, reserve = blend_rows(live, demand, own, level)
    is_blended = pd.Series(reserve >= 0, own.index)
    return own.assign(
        agents_net=agents,
        agents_gross=own["agents_gross"].mask(is_blended, agents / (1 - shrinkage)),
        model=own["model"].mask(is_blended, "blended"),
        occupancy=own["occupancy"].mask(is_blended),  # everybody there does it
    ), reserve


def _demand(
    frame: pd.DataFrame,
    queues: Mapping[str, QueueStandard],
    known: Known,
    level: ServiceLevelSettings,
    interval_s: int,
) -> Demand:
    patience = patience_of(queues, known)
    # Forecast as lived; staffed as it is while everybody holds as many as the standard allows, for then customers wait.
    ratio = {queue: float(pace.at(queues[queue].concurrency)) for queue, pace in paces(known.handle_times).items()
             if queue in queues}  # fmt: skip

    def of_queue(name: str) -> Floats:
        values = {queue: getattr(standard, name) for queue, standard in queues.items()}
        return frame["queue"].map(values).to_numpy(float)

    quantiles = frame[list(COLUMNS)].to_numpy(float)
    return Demand(
        rates_per_s=likely_rates(frame["contacts"].to_numpy(float), quantiles) / interval_s,
        weights=WEIGHTS,
        handle_time_s=frame["handle_time_s"].to_numpy(float) * frame["queue"].map(ratio).fillna(1.0).to_numpy(float),
        patience_s=np.asarray(frame["queue"].map(patience), np.float64),
        threshold_s=of_queue("threshold_s"),
        service_level=of_queue("service_level"),
        occupancy_cap=of_queue("occupancy_cap"),
        concurrency=of_queue("concurrency").astype(np.int64),
        short_abandon_s=level.short_abandon_s,
        formula=level.formula,
    )


def _in_words(standard: QueueStandard, level: ServiceLevelSettings) -> str:
    """The standard, and how often it is to be met, such as `80 % in 20 s on 90 % of days`."""
    if level.certainty is None or standard.is_deferred:
        return standard.words
    return f"{standard.words} {'on' if level.period == 'day' else 'in'} {level.certainty * 100:g} % of {level.period}s"


def _or(*values: float | None) -> float:
    """The first value that is known."""
    return next(value for value in values if value is not None)
