"""Who works when, what that covers and gives, and whom to hire.

Reads `volume_forecast`, `volume_days`, `staffing_requirement` and `handle_time_by_concurrency` of the night, what was
published of the shifts of the last two weeks, the roster, eight weeks of `marts.fct_agent_time` and
`marts.fct_contact_volume`, `staffing.yml` and `standards.yml`;
writes `shift_plan`, `shift_coverage`, `shift_service`, `capacity_plan` and `usable_minutes` (what outreach may take
of these shifts). Without patterns in `staffing.yml` they are empty.
Safe to run again: the same night gives the same plan, unless `solver_seconds` ended the search, which a note tells.
"""

import logging
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.published import PUBLISHED
from features.published_shifts import SHIFT_TABLES
from features.published_staffing import HANDLE_TIME_BY_CONCURRENCY
from forestall.history.changes import last_published, published_since
from forestall.jobs.plan_staffing import what_is_known
from forestall.night import Night
from forestall.outreach.playbook import load_playbook
from forestall.privacy.pseudonyms import pseudonym
from forestall.publishing.publication import PublishedNight
from forestall.records import LINE_END, Summary
from forestall.settings import Settings
from forestall.shifts.announced import Announced, announced
from forestall.shifts.capacity import attrition_of, daily_hours, plan_capacity
from forestall.shifts.plan import ShiftPlan
from forestall.shifts.plan import plan_shifts as cheapest_shifts
from forestall.shifts.quiet import Calling
from forestall.shifts.remedies import short_notes
from forestall.shifts.roster import roster_of
from forestall.shifts.rules import StaffingRules, load_staffing_rules
from forestall.shifts.service import Losses, queue_loads, simulate_plan
from forestall.shifts.tables import coverage_table, live_contacts, shift_table
from forestall.shifts.usable import usable_minutes
from forestall.shifts.worked import DAYS_BACK, Worked, worked
from forestall.staffing.plan import days_of_queues, patience_of, standards_of
from forestall.staffing.scheduled import whole_agents
from forestall.staffing.shrinkage import Shrinkage
from forestall.warehouse import Warehouse, open_warehouse

log = logging.getLogger(__name__)


def plan_shifts(settings: Settings, run_date: date) -> Summary:
    """Write the night's shifts and capacity.

    Raises:
        ConfigError: `staffing.yml`, `standards.yml` or `playbook.yml` holds a mistake.
        ConfigError: the night has no `staffing_requirement` yet.
    """
    night = Night(settings, run_date)
    rules = load_staffing_rules(settings)
    requirement = night.read("staffing_requirement")
    if not rules.patterns or requirement.empty:
        for table in SHIFT_TABLES:
            night.write(table.name, pd.DataFrame(columns=table.names))
        why = "nobody is required" if rules.patterns else "no shifts are planned: staffing.yml has no patterns"
        return {"shifts": 0, "notes": why}
    with open_warehouse(settings, f"plan_shifts {run_date}") as warehouse:
        agents = agents_of(warehouse)
        known, lost = what_is_known(warehouse, night, night.read(HANDLE_TIME_BY_CONCURRENCY.name))
    needed, losses = to_schedule(requirement, lost, rules)
    keys = {pseudonym(settings, agent): agent for agent in agents["agent_id"].astype(str)}
    interval_s, kept, past = (
        settings.volume.interval_minutes * 60,
        _kept(night, keys, rules),
        _worked(night, keys, rules),
    )
    plan = cheapest_shifts(needed, agents, rules, settings.zone, interval_s, kept, past)
    forecast = night.read("volume_forecast")
    standards = standards_of(forecast, known)
    queues_of = {
        group: [q for q in standards if rules.group_of(q) == group and q in set(needed["queue"])]
        for group in plan.groups
    }
    loads = queue_loads(forecast, requirement, plan, standards, patience_of(standards, known))
    service, occupancy = simulate_plan(plan, queues_of, loads, losses, settings.service_level, run_date.toordinal())
    level, calling = settings.service_level, calling_of(settings)
    usable = usable_minutes(plan, agents, needed, queues_of, loads, losses, level, calling, run_date.toordinal())
    is_live = requirement["queue"].map({queue: not standard.is_deferred for queue, standard in standards.items()})
    coverage, left = coverage_table(plan, rules, live_contacts(plan, requirement[is_live.astype(bool)]))
    capacity, told = _capacity(night, needed, agents, plan, queues_of, rules)
    night.write("shift_plan", shift_table(plan, occupancy, lambda agent: pseudonym(settings, agent)))
    night.write("shift_coverage", coverage)
    night.write("shift_service", service.reindex(columns=PUBLISHED["shift_service"].names))
    night.write("capacity_plan", capacity)
    night.write("usable_minutes", usable)
    notes = [*plan.notes, *_open_notes(plan), *short_notes(plan, left), *told]
    for note in notes:
        log.warning("%s", note)
    return {
        "shifts": len(plan.shifts),
        "paid_hours": round(plan.paid_h, 1),
        "required_hours": round(float(plan.required.sum()) * plan.grid.step_s / 3600, 1),
        "short_hours": round(float(plan.short.sum()) * plan.grid.step_s / 3600, 1),
        "proven_gap": round(plan.gap, 4),
        "usable_hours": round(float(usable["firm_minutes"].sum()) / 60, 1),
        "hires_to_search": int(capacity["hires_to_search"].sum()),
        "notes": LINE_END.join(notes),
    }


def _kept(night: Night, keys: Mapping[str, str], rules: StaffingRules) -> Announced | None:
    """What the last published night announced and is to stay."""
    last = last_published(night)
    if not rules.announced_weeks or last is None:
        return None
    return announced(_shifts_of(last, rules), last.run_date, night.run_date, rules.announced_weeks, keys)


def _worked(night: Night, keys: Mapping[str, str], rules: StaffingRules) -> Worked | None:
    """What was worked in the last two weeks, as it was last published for each day."""
    nights = published_since(night, night.run_date - timedelta(days=DAYS_BACK))
    return worked([(one.run_date, _shifts_of(one, rules)) for one in nights], night.run_date, keys)


def _shifts_of(published: PublishedNight, rules: StaffingRules) -> pd.DataFrame:
    """Published shifts, those of a queue that has joined a group since as the group's."""
    shifts = published.frame("shift_plan")
    return shifts.assign(queue_group=rules.groups_of(shifts["queue_group"]))


def agents_of(warehouse: Warehouse) -> pd.DataFrame:
    sql = """
        SELECT agent_id, team, site, skills, languages, contract_hours, hired_on, left_on
        FROM staging.stg_agents ORDER BY agent_id
    """
    columns = ["agent_id", "team", "site", "skills", "languages", "contract_hours", "hired_on", "left_on"]
    return warehouse.frame(sql) if warehouse.has_table("staging.stg_agents") else pd.DataFrame(columns=columns)


def calling_of(settings: Settings) -> Calling:
    """Hours that are both worked and called in by the site's clock, and the shortest contact of the playbook."""
    playbook, outreach = load_playbook(settings), settings.outreach
    (begins, ends), (opens, closes) = outreach.work_hours, playbook.calling_hours
    shortest = min((action.minutes for action in playbook.actions.values()), default=0.0)
    return Calling(
        (max(begins, opens), min(ends, closes)), max(shortest, outreach.least_run_minutes), outreach.plan_days
    )


def to_schedule(requirement: pd.DataFrame, lost: Shrinkage, rules: StaffingRules) -> tuple[pd.DataFrame, Losses]:
    """Whole agents to schedule by queue and interval (`agents`), and what is lost of their time."""
    # Who is on holiday by name is not in the share that is away by chance.
    placed = sum(lost.by_cause.get(cause, 0.0) for cause in rules.absences_in_shrinkage) if rules.absences else 0.0
    causes = {
        cause: share for cause, share in lost.by_cause.items() if not placed or cause not in rules.absences_in_shrinkage
    }
    return _needed(requirement, lost.share, placed), Losses.of(lost.share - placed, causes)


def _needed(requirement: pd.DataFrame, share: float, placed: float) -> pd.DataFrame:
    """Whole agents to schedule by queue and interval (`agents`), and what is still lost of their time (`shrinkage`).

    `placed` is the part of the company's shrinkage that absences hold by name.
    """
    # A queue's standard may name a shrinkage of its own: its part by name is taken as the company's.
    lost = requirement["shrinkage"] * (1 - (placed / share if share > 0 else 0.0))
    gross = requirement["agents_gross"] * (1 - requirement["shrinkage"]) / (1 - lost)
    needed = requirement.assign(agents_gross=gross, shrinkage=lost)
    return needed.assign(agents=whole_agents(needed))


def _capacity(
    night: Night, needed: pd.DataFrame, agents: pd.DataFrame, plan: ShiftPlan, queues_of: dict[str, list[str]],
    rules: StaffingRules,
) -> tuple[pd.DataFrame, list[str]]:  # fmt: skip
    monday = night.run_date - timedelta(days=night.run_date.weekday())
    days = days_of_queues(night.read("volume_days"))
    hours = daily_hours(needed, plan.grid.interval_s / 3600, monday, days)
    year = [monday + timedelta(days=day) for day in range(7 * 52)]
    roster, _ = roster_of(agents, queues_of, year, rules.model_copy(update={"absences": []}))
    attrition, source = attrition_of(agents, night.run_date, rules.capacity)
    mine = agents[agents["agent_id"].isin(roster.agents if roster else [])].sort_values("agent_id")
    may = roster.may_serve if roster else np.zeros((0, len(plan.groups)), bool)
    step_h = plan.grid.step_s / 3600
    covered = np.minimum(plan.planned, plan.required).sum(axis=1) * step_h
    paid = plan.shifts[plan.shifts["is_assigned"]].groupby("queue_group")["paid_h"].sum()
    beyond = {
        group: float(np.clip(paid.get(group, 0.0) / covered[at], 1.0, 1.5)) if covered[at] > 0 else 1.0
        for at, group in enumerate(plan.groups)
    }
    group_of = {queue: group for group, queues in queues_of.items() for queue in queues}
    table = plan_capacity(hours, mine, may, group_of, plan.groups, beyond, attrition, rules)
    soon = table.loc[table["heads_short"] > 0.5].groupby("queue_group")["heads_short"].max()
    notes = [
        f"{group}: up to {most:.1f} full contracts missing before hires can help or in short peaks"
        " (shift_plan.xlsx, sheet Capacity)"
        for group, most in soon.items()
    ]
    return table, [
        f"{attrition:.1%} of agents leave in a year ({source}); to assume another share:"
        " attrition_a_year in staffing.yml",
        *notes,
    ]


def _open_notes(plan: ShiftPlan) -> list[str]:
    is_open = ~plan.shifts["is_assigned"].astype(bool)
    counts = plan.shifts[is_open].groupby("queue_group").size()
    return [
        f"{group}: {count} {'shift is' if count == 1 else 'shifts are'} open, since nobody of the roster can work "
        f"{'it' if count == 1 else 'them'} (shift_plan.xlsx: agent `open ...`); train agents of other queues, or hire"
        for group, count in counts.items()
    ]
