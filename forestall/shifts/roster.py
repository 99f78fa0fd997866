"""The agents who may be planned: skills as groups, sites, contract, employment and absences, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.shifts.rules import StaffingRules

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Roster:
    """Agents of the plan; arrays of one entry an agent.

    Attributes:
        agents: their keys, in order.
        site: where they work.
        may_serve: agents x groups.
        contract_h: hours a week.
        is_there: agents x days; employed and not absent.
    """

    agents: tuple[str, ...]
    site: tuple[str, ...]
    may_serve: Flags
    contract_h: NDArray[np.floating[Any]]
    is_there: Flags

    def __len__(self) -> int:
        return len(self.agents)


def roster_of(
    agents: pd.DataFrame, queues_of: dict[str, list[str]], days: Sequence[date], rules: StaffingRules
) -> tuple[Roster | None, list[str]]:
    """The roster of the plan's days.

    Args:
        agents: rows of the contract's `agents` as known at the cutoff.
        queues_of: staffed queues by group.
        days: of the plan.
        rules: teams left out, sites, absences, contract where the data has none.

    Returns:
        The roster, None where the company has no agents on record (shifts are then planned for nobody in
        particular); and lines on whom or what it leaves out.
    """
    if agents.empty:
        return None, ["the roster is empty (table agents): shifts are planned for slots without a name"]
    rows = agents[~agents["team"].isin(rules.teams_left_out)].sort_values("agent_id", ignore_index=True)
    rows = rows.assign(site=rows["site"].fillna("").astype(str))
    notes = _unknown_sites(rows, rules)
    if rules.sites:
        rows = rows.loc[rows["site"].isin(list(rules.sites))].reset_index(drop=True)
    is_there = _is_there(rows, days, rules)
    is_ever = np.flatnonzero(is_there.any(axis=1))
    rows, is_there = rows.loc[is_ever].reset_index(drop=True), is_there[is_ever]
    may_serve, told = _skills(rows, queues_of)
    unknown = sorted({one.agent for one in rules.absences} - set(agents["agent_id"].astype(str)))
    if unknown:
        notes.append(f"staffing.yml: absences of agents who are not on the roster: {', '.join(unknown[:5])}")
    contract = rows["contract_hours"].astype(float).fillna(rules.contract_hours).to_numpy(np.float64)
    roster = Roster(tuple(rows["agent_id"].astype(str)), tuple(rows["site"]), may_serve, contract, is_there)
    return roster, [*notes, *told]


def _unknown_sites(rows: pd.DataFrame, rules: StaffingRules) -> list[str]:
    if not rules.sites:
        return []
    elsewhere = rows.loc[~rows["site"].isin(list(rules.sites)), "site"].value_counts()
    return [
        f"{count} agents at site `{site}` are not planned: staffing.yml knows the sites {', '.join(rules.sites)}"
        for site, count in elsewhere.sort_index().items()
    ]


def _is_there(rows: pd.DataFrame, days: Sequence[date], rules: StaffingRules) -> Flags:
    calendar = pd.to_datetime(pd.Series(days)).to_numpy("datetime64[D]")
    hired = pd.to_datetime(rows["hired_on"]).fillna(pd.Timestamp(1900, 1, 1)).to_numpy("datetime64[D]")
    left = pd.to_datetime(rows["left_on"]).fillna(pd.Timestamp(2200, 1, 1)).to_numpy("datetime64[D]")
    there = (calendar >= hired[:, None]) & (calendar <= left[:, None])
    place = {agent: at for at, agent in enumerate(rows["agent_id"].astype(str))}
    for one in rules.absences:
        if one.agent in place:
            from_on, to_on = np.datetime64(one.from_on), np.datetime64(one.to_on)
            there[place[one.agent]] &= ~((calendar >= from_on) & (calendar <= to_on))
    return np.asarray(there)


def _skills(rows: pd.DataFrame, queues_of: dict[str, list[str]]) -> tuple[Flags, list[str]]:
    """Who may serve which group: whoever can serve all its queues."""
    if not len(rows):
        return np.zeros((0, len(queues_of)), bool), []
    if rows["skills"].isna().all():
        return np.ones((len(rows), len(queues_of)), bool), ["agents have no skills on record: each may serve any queue"]
    can = [{skill.strip() for skill in str(text).split(",")} for text in rows["skills"].fillna("")]
    may = np.array([[set(queues) <= skills for queues in queues_of.values()] for skills in can], bool)
    return may.reshape(len(rows), len(queues_of)), []


def week_limits(
    roster: Roster, week: Sequence[int], rules: StaffingRules
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Most shifts and most paid hours of each agent in a week; both in proportion in parts of a week and to absence.

    Worked: 40 hours, 5 days a week, absent for three days of a whole week: 4 days are left, and 32 hours.
    """
    whole = rules.days_a_week if len(week) == 7 else min(len(week), ceil(rules.days_a_week * len(week) / 7))
    days = np.minimum(roster.is_there[:, week].sum(axis=1), whole)
    hours = roster.contract_h * np.minimum(1.0, days / rules.days_a_week)
    return days.astype(np.int64), hours
