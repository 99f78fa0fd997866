"""What the plan would be if something were otherwise, beside the last published night's; writes nothing.

Volume, an event that has been before, handle time, shrinkage, standards, closed queues and sites, for some queues and
days. The requirement is made again as the night makes it, from the night's forecast; what is not asked about stays as
published. Shifts stay as they are, unless other rules for them are asked about: the answer says what they would no
longer cover, and what service tonight's agents would give.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isfinite
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.operations.intraday import known_of
from forestall.operations.known_event import KnownEvent
from forestall.operations.lost_site import planned_without
from forestall.operations.other_shifts import rules_of, shifts_beside
from forestall.publishing.publication import PublishedNight, current_night
from forestall.settings import ConfigError, Settings
from forestall.shifts.rules import load_staffing_rules
from forestall.staffing.concurrency import concerns, paces
from forestall.staffing.plan import Known, days_of_queues, live_demand, plan_requirement, standards_of
from forestall.staffing.requirement import expect
from forestall.staffing.scheduled import whole_agents
from forestall.staffing.standards import QueueOverride, Standards
from models.volume.quantiles import QUANTILE_COLUMNS, moved_along

Floats = NDArray[np.float64]
KEY = ["queue", "interval_start_at"]
DAYS = 7  # looked at where no days are named


@dataclass(frozen=True)
class Question:
    """What would be otherwise; None is as it is.

    Attributes:
        queues: asked about; all where empty.
        first_on: first day; None: the morning of the night.
        last_on: last day; None: a week from the first.
        volume_percent: more contacts (an event, a campaign), such as 20 or -10.
        handle_time_percent: longer contacts.
        shrinkage: share of scheduled time lost.
        service_level: share answered within `threshold_s`; live queues.
        threshold_s: seconds; live queues.
        first_response_s: seconds; queues whose work can wait.
        closed_queues: nobody answers them, and nothing of theirs goes elsewhere.
        closed_site: nobody works there; the contacts stay.
        concurrency: contacts that an agent holds at once; live queues, which must be named.
        staffing: a `staffing.yml` with other rules for shifts.
        event: name of an event that has been before; it runs from the first day to the last that is named, and for one
            day where none is.
    """

    queues: tuple[str, ...] = ()
    first_on: date | None = None
    last_on: date | None = None
    volume_percent: float = 0.0
    handle_time_percent: float = 0.0
    shrinkage: float | None = None
    service_level: float | None = None
    threshold_s: int | None = None
    first_response_s: int | None = None
    closed_queues: tuple[str, ...] = ()
    closed_site: str | None = None
    concurrency: int | None = None
    staffing: Path | None = None
    event: str | None = None


@dataclass(frozen=True)
class Answer:
    """Side by side.

    Attributes:
        run_date: of the night that is compared with.
        days: queue, local_on, contacts_now, contacts_then, agents_now, agents_then (most at once, shrinkage not in),
            hours_now, hours_then (to schedule), service_now (as planned), service_then (with tonight's agents; null
            for work that can wait).
        shifts: queue_group, local_on, short_now, short_then (agent hours that the shifts do not cover); empty where
            none are planned.
        plans: of `shifts_beside`; None where no other rules were asked about.
        notes: what was assumed or cannot be met.
    """

    run_date: date
    days: pd.DataFrame
    shifts: pd.DataFrame
    plans: pd.DataFrame | None
    notes: list[str]


def ask(settings: Settings, question: Question) -> Answer:
    """Answer a question about the last published night.

    Raises:
        ConfigError: nothing is published, a queue or a site is not known, or the days are not in the forecast.
    """
    night = current_night(settings.var_path / "published")
    if night is None:
        raise ConfigError(f"{settings.var_path / 'published'}: no night is published; run `forestall nightly`")
    forecast, requirement = night.frame("volume_forecast"), night.frame("staffing_requirement")
    event = _event(question, night)
    question = _checked(question, forecast, night)
    known, notes = known_of(settings, night, requirement)
    rules = rules_of(question.staffing) if question.staffing else None
    interval_s = settings.volume.interval_minutes * 60

    # Whoever shares agents with a queue that is asked about is planned with it, and told. All days are planned, as the
    # night did it: a month's certainty, work that can wait and what agents share hang on days that are not asked about.
    groups = [set(names) for names in known.groups.values() if set(names) & set(question.queues)]
    touched = set(question.queues).union(*groups) if rules is None else set(forecast["queue"])
    rows = forecast[forecast["queue"].isin(touched)].reset_index(drop=True)
    factors = np.ones(len(rows))
    if event is not None:
        effects = night.frame("mark_effects")
        notes += event.told(effects, question.queues)
        is_asked = rows["queue"].isin(question.queues).to_numpy(bool)
        factors = np.where(is_asked, event.factors(rows, effects, night.frame("forecast_methods")), 1.0)
    otherwise = _changed(rows, question, factors)
    own = rows[rows["queue"].isin(question.queues)]
    backlog = {queue: count for queue, count in known.backlog.items() if queue in touched}
    shared = known.groups if rules is None else rules.groups
    asked = replace(known, standards=_standards(known, own, question), backlog=backlog, groups=shared)
    days = days_of_queues(night.frame("volume_days"))
    notes += [*_unheard(own, known, question, requirement), *_concurrency_notes(otherwise, asked, question)]
    then, told = plan_requirement(otherwise, asked, settings.service_level, interval_s, days)
    then = then[_is_within(then, question)]
    now = requirement[requirement["queue"].isin(touched) & _is_within(requirement, question)]
    now, then = (side.assign(scheduled=whole_agents(side)) for side in (now, then))
    plans = None
    if rules is not None:
        handle_times = night.frame("handle_time_by_concurrency")
        plans = shifts_beside(settings, night.run_date, now, then, rules, handle_times)
    both = now.merge(then, on=[*KEY, "local_on"], suffixes=("_now", "_then"), how="inner", validate="one_to_one")
    coverage = _coverage(night, settings, both, question)
    both = _with_service(both, otherwise, question, asked, coverage, settings, interval_s)
    return Answer(night.run_date, _by_day(both, interval_s), _short(coverage, interval_s), plans, [*notes, *told])


def _checked(question: Question, forecast: pd.DataFrame, night: PublishedNight) -> Question:
    known = sorted(forecast["queue"].unique())
    if unknown := sorted({*question.queues, *question.closed_queues} - set(known)):
        raise ConfigError(f"what-if: there is no queue {', '.join(unknown)}; known: {', '.join(known)}")
    if (question.volume_percent < -100) or (question.handle_time_percent <= -100):
        raise ConfigError("what-if: no more than all can be taken away (-100 %)")
    if question.concurrency is not None and not question.queues:
        raise ConfigError("what-if: concurrency is that of some queues: name them (--queue)")
    numbers = (question.volume_percent, question.handle_time_percent, question.shrinkage, question.service_level)
    if odd := [number for number in numbers if number is not None and not isfinite(number)]:
        raise ConfigError(f"what-if: {odd[0]} is no number; write one such as 20 or -10")
    first = question.first_on or night.run_date
    last = question.last_on or first + timedelta(days=DAYS - 1)
    days = pd.to_datetime(forecast["local_on"]).dt.date
    if last < first or last < days.min() or first > days.max():
        raise ConfigError(f"what-if: {first} to {last} is not within the forecast ({days.min()} to {days.max()})")
    # Who closes a queue asks about it, too.
    queues = tuple(sorted({*question.queues, *question.closed_queues})) if question.queues else tuple(known)
    return replace(question, queues=queues, first_on=first, last_on=last)


def _channels(rows: pd.DataFrame) -> "pd.Series[str]":
    return rows.groupby("queue")["channel"].first()


def _is_within(rows: pd.DataFrame, question: Question) -> "pd.Series[bool]":
    first, last = (pd.Timestamp(str(on)) for on in (question.first_on, question.last_on))
    return pd.to_datetime(rows["local_on"]).between(first, last)


def _event(question: Question, night: PublishedNight) -> KnownEvent | None:
    if question.event is None:
        return None
    first = question.first_on or night.run_date
    return KnownEvent(question.event, first, question.last_on or first)


def _changed(rows: pd.DataFrame, question: Question, factors: Floats) -> pd.DataFrame:
    """The forecast as it would be; `factors` is what an event does to each row."""
    is_asked = (_is_within(rows, question) & rows["queue"].isin(question.queues)).to_numpy(bool)
    before = rows["contacts"].to_numpy(np.float64)
    factor = factors * np.where(is_asked, 1 + question.volume_percent / 100, 1.0)
    is_closed = is_asked & rows["queue"].isin(question.closed_queues).to_numpy(bool)
    factor = np.where(is_closed, 0.0, factor)
    out = rows.assign(
        contacts=before * factor,
        is_open=rows["is_open"].astype(bool) & ~is_closed,  # nobody does what came on other days, either
        handle_time_s=rows["handle_time_s"].astype(float)
        * np.where(is_asked, 1 + question.handle_time_percent / 100, 1.0),
    )
    out[list(QUANTILE_COLUMNS)] = moved_along(
        rows[list(QUANTILE_COLUMNS)].to_numpy(np.float64), before, before * factor
    )
    return out


def _standards(known: Known, rows: pd.DataFrame, question: Question) -> Standards:
    """Standards in which the queues asked about promise something else."""
    queues = dict(known.standards.queues)
    for queue, channel in _channels(rows).items():
        standard = known.standards.for_queue(str(queue), channel)
        of_kind: dict[str, float | int | None] = (
            {"first_response_s": question.first_response_s}
            if standard.is_deferred
            else {
                "service_level": question.service_level,
                "threshold_s": question.threshold_s,
                "concurrency": question.concurrency,
            }
        )
        said = {name: value for name, value in of_kind.items() if value is not None}
        if question.shrinkage is not None:
            said["shrinkage"] = question.shrinkage
        queues[str(queue)] = queues.get(str(queue), QueueOverride()).model_copy(update=said)
    return known.standards.model_copy(update={"queues": queues})


def _unheard(own: pd.DataFrame, known: Known, question: Question, requirement: pd.DataFrame) -> list[str]:
    """What was asked and means nothing to any of the queues asked about."""
    names = ", ".join(question.queues)
    if not set(question.queues) & set(requirement["queue"]):
        return [f"{names}: takes no agents, whatever comes"]
    waits = {standard.is_deferred for standard in standards_of(own, known).values()}
    of_live = (question.service_level, question.threshold_s, question.concurrency)
    if waits == {True} and any(one is not None for one in of_live):
        return [f"{names}: work that can wait is promised a first response (--first-response); nothing else was heard"]
    if waits == {False} and question.first_response_s is not None:
        return [
            f"{names}: customers wait for an agent there (--service-level, --within); --first-response was not heard"
        ]
    return []


def _concurrency_notes(rows: pd.DataFrame, known: Known, question: Question) -> list[str]:
    """What is not gained by so many contacts at once, and of which queues nobody knows."""
    if question.concurrency is None:
        return []
    found = paces(known.handle_times)
    asked = {queue: own for queue, own in standards_of(rows, known).items() if queue in question.queues}
    at_once = {queue: own.concurrency for queue, own in asked.items() if not own.is_deferred}
    unknown = [
        f"{queue}: how long a contact takes beside others is not known, so it is taken to take as long as now"
        for queue in sorted(set(at_once) - set(found))
    ]
    return [*unknown, *concerns(found, at_once)]


def _coverage(night: PublishedNight, settings: Settings, both: pd.DataFrame, question: Question) -> pd.DataFrame:
    """`shift_coverage` of the days with required_then and planned_then; same shifts, less those of a closed site."""
    rows = night.frame("shift_coverage")
    rows = rows[_is_within(rows, question)].reset_index(drop=True) if len(rows) else rows
    if rows.empty:
        if question.closed_site is not None:
            raise ConfigError("what-if: no shifts are planned on these days, so no site can be closed")
        return rows.assign(required_then=[], planned_then=[])
    rules = load_staffing_rules(settings)
    group = rules.groups_of(both["queue"])
    by_group = (both["scheduled_then"] - both["scheduled_now"]).groupby([group, both["interval_start_at"]]).sum()
    at = pd.MultiIndex.from_frame(rows[["queue_group", "interval_start_at"]])
    planned = rows["planned"].astype(float)
    if question.closed_site is not None:
        planned = planned_without(question.closed_site, rows, night.frame("shift_plan"), settings)
    required = rows["required"].to_numpy(float) + by_group.reindex(at).fillna(0.0).to_numpy(float)
    return rows.assign(required_then=np.maximum(required, 0.0), planned_then=planned)


def _with_service(
    both: pd.DataFrame, otherwise: pd.DataFrame, question: Question, known: Known, coverage: pd.DataFrame,
    settings: Settings, interval_s: int,
) -> pd.DataFrame:  # fmt: skip
    """`both` with service_then: what comes then, served by the agents of tonight's plan who are still there."""
    live, demand = live_demand(otherwise, known, settings.service_level, interval_s)
    asked = np.flatnonzero(_is_within(live, question))
    live, demand = live.iloc[asked], demand.rows(asked)
    # A queue that shares its agents has about the level that it would have with so many of its own.
    is_pooled = both["model_now"] == "pooled"
    agents_now = both["agents_net_now"].mask(is_pooled, both["agents_alone_now"]).astype(float)
    there = live[KEY].merge(both[KEY].assign(agents=agents_now), on=KEY, how="left", validate="one_to_one")
    agents = there["agents"].fillna(0.0).to_numpy(np.float64)
    if len(coverage):
        rules = load_staffing_rules(settings)
        left = (coverage["planned_then"] / coverage["planned"].astype(float)).fillna(1.0).clip(upper=1.0)
        at = pd.MultiIndex.from_frame(coverage[["queue_group", "interval_start_at"]])
        group = rules.groups_of(live["queue"])
        wanted = pd.MultiIndex.from_arrays([group, live["interval_start_at"]])
        agents = np.floor(agents * pd.Series(left.to_numpy(float), at).reindex(wanted).fillna(1.0).to_numpy(float))
    service = expect(demand, agents.astype(np.int64)).service_level if len(live) else np.zeros(0)
    told = live[KEY].assign(service_then=service)
    return both.merge(told, on=KEY, how="left", validate="one_to_one")


def _by_day(both: pd.DataFrame, interval_s: int) -> pd.DataFrame:
    """Sums, and service as contacts have it."""
    work = both.assign(
        hours_now=both["scheduled_now"] * interval_s / 3600,
        hours_then=both["scheduled_then"] * interval_s / 3600,
        served_now=both["service_level_now"].astype(float) * both["contacts_now"],
        served_then=both["service_then"].astype(float) * both["contacts_then"],
    )
    sums = ["contacts_now", "contacts_then", "hours_now", "hours_then"]
    by = work.groupby(["queue", "local_on"])
    days = by[sums].sum()
    days[["agents_now", "agents_then"]] = by[["agents_net_now", "agents_net_then"]].max().to_numpy()
    for when in ("now", "then"):
        served = by[f"served_{when}"].sum(min_count=1)
        days[f"service_{when}"] = served / days[f"contacts_{when}"].where(days[f"contacts_{when}"] > 0)
    order = ["contacts_now", "contacts_then", "agents_now", "agents_then", "hours_now", "hours_then", "service_now",
             "service_then"]  # fmt: skip
    return days[order].reset_index()


def _short(coverage: pd.DataFrame, interval_s: int) -> pd.DataFrame:
    """Agent hours that shifts do not cover, by group and day."""
    columns = ["queue_group", "local_on", "short_now", "short_then"]
    if coverage.empty:
        return pd.DataFrame(columns=columns)
    # Within an interval breaks may leave a step short: what is known of now stays, what changes is added.
    before = (coverage["required"] - coverage["planned"]).clip(lower=0).astype(float)
    after = (coverage["required_then"] - coverage["planned_then"]).clip(lower=0)
    now = coverage["short"].astype(float)
    then = (now + after - before).clip(lower=0)
    hours = coverage.assign(short_now=now * interval_s / 3600, short_then=then * interval_s / 3600)
    return hours.groupby(["queue_group", "local_on"])[["short_now", "short_then"]].sum().reset_index()[columns]
