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
        turn: place of each by the day of hiring, which stays when others come and go.
    """

    agents: tuple[str, ...]
    site: tuple[str, ...]
    may_serve: Flags
    contract_h: NDArray[np.floating[Any]]
    is_there: Flags
    turn: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.agents)


@dataclass(frozen=True)
class Passed:
    """Days of a calendar week that have passed when it is planned; arrays of one entry an agent.

    Attributes:
        days: as far as is known what was worked on them.
        there: of these, on how many the agent was employed and not absent.
        worked: shifts.
        hours: paid.
    """

    days: int
    there: NDArray[np.int64]
    worked: NDArray[np.int64]
    hours: NDArray[np.float64]

    @classmethod
    def nothing(cls, agents: int) -> "Passed":
        zeros = np.zeros(agents, np.int64)
        return cls(0, zeros, zeros, np.zeros(agents))


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
    rows = agents.assign(turn=_turn(agents))
    rows = rows[~rows["team"].isin(rules.teams_left_out)].sort_values("agent_id", ignore_index=True)
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
    turn = rows["turn"].to_numpy(np.int64)
    roster = Roster(tuple(rows["agent_id"].astype(str)), tuple(rows["site"]), may_serve, contract, is_there, turn)
    return roster, [*notes, *told]


def _turn(agents: pd.DataFrame) -> pd.Series:
    """Place of each among all who ever were: new ones come last, and who has left keeps the place."""
    hired = _hired(agents)
    order = np.lexsort((agents["agent_id"].astype(str).to_numpy(object).astype(str), hired))
    turn = np.empty(len(agents), np.int64)
    turn[order] = np.arange(len(agents))
    return pd.Series(turn, agents.index)


def _hired(rows: pd.DataFrame) -> NDArray[np.datetime64]:
    hired = pd.to_datetime(rows["hired_on"]).fillna(pd.Timestamp(1900, 1, 1))
    return np.asarray(hired.to_numpy("datetime64[D]"))


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
    hired = _hired(rows)
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
    roster: Roster, week: Sequence[int], rules: StaffingRules, passed: Passed | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Most shifts, most paid hours and least paid hours that are left to each agent in a week.

    What is known to have been worked on days of it that have passed is taken off. In parts of a week, and where an
    agent is absent, days and hours are in proportion.

    Worked: 40 hours, 5 days a week, absent for three days of a whole week: 4 days are left, and 32 hours. Never absent,
    and planned on Thursday after two shifts of 8 hours: 3 days are left, and 24 hours.
    """
    passed = passed or Passed.nothing(len(roster))
    length = len(week) + passed.days
    whole = rules.days_a_week if length == 7 else min(length, ceil(rules.days_a_week * length / 7))
    there = roster.is_there[:, week].sum(axis=1)
    days = np.minimum(there + passed.there, whole)
    hours = roster.contract_h * np.minimum(1.0, days / rules.days_a_week)
    left = np.clip(days - passed.worked, 0, there).astype(np.int64)
    least = np.maximum(hours * rules.least_share_of_contract - passed.hours, 0.0)
    return left, np.maximum(hours - passed.hours, 0.0), least
