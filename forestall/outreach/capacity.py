"""Whose minutes outreach may take: pools of agents who speak and can do the same, day by day.

A team without pools of its own is one pool that speaks every language and can do everything.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.outreach.playbook import Playbook
from forestall.sections import WEEK, OutreachSettings, PoolSettings

Flags = NDArray[np.bool_]
NEEDS = ("team", "language", "skills", "action_languages")
BETWEEN = "|"  # skills, or languages, of an action in one text


def pools(settings: OutreachSettings) -> dict[str, PoolSettings]:
    """Pools by name; a team with pools has the minutes of these and no others."""
    split = {pool.team for pool in settings.pools.values()}
    whole = {
        team: PoolSettings(team=team, minutes=minutes)
        for team, minutes in settings.team_minutes.items()
        if team not in split
    }
    return {**whole, **settings.pools}


def slots(settings: OutreachSettings, run_date: date) -> pd.DataFrame:
    """Pool x day in the order of days: pool, team, day (0 is the run date), planned_on, minutes.

    Days on which a pool does not work are left out.
    """
    rows = [
        (name, pool.team, day, on, float(pool.minutes))
        for day in range(settings.plan_days)
        for on in [run_date + timedelta(days=day)]
        for name, pool in pools(settings).items()
        if WEEK[on.weekday()] in pool.weekdays
    ]
    return pd.DataFrame(rows, columns=["pool", "team", "day", "planned_on", "minutes"])


def can_do(options: pd.DataFrame, known: dict[str, PoolSettings]) -> pd.DataFrame:
    """Which pool can do which option: one column a pool.

    Args:
        options: team, language (missing: any will do), skills and action_languages (joined by `BETWEEN`).
        known: pools by name.
    """
    needs = options[list(NEEDS)].astype(object).where(options[list(NEEDS)].notna(), "")
    kinds = needs.drop_duplicates()
    for name, pool in known.items():
        kinds[name] = [_fits(pool, *need) for need in kinds[list(NEEDS)].itertuples(index=False)]
    found = needs.merge(kinds, on=list(NEEDS), how="left", validate="many_to_one")
    return found[list(known)].set_axis(options.index).astype(bool)


def _fits(pool: PoolSettings, team: str, language: str, skills: str, action_languages: str) -> bool:
    spoken = [pool.languages, tuple(filter(None, action_languages.split(BETWEEN)))]
    speaks = not language or all(not languages or language in languages for languages in spoken)
    is_able = not pool.skills or set(filter(None, skills.split(BETWEEN))) <= set(pool.skills)
    return pool.team == team and speaks and is_able


def nobody_speaks(options: pd.DataFrame, known: dict[str, PoolSettings]) -> pd.Series:
    """Options of a team that has pools, none of which speaks the customer's language and can do the action."""
    has_team = options["team"].isin([pool.team for pool in known.values()])
    return has_team & ~can_do(options, known).any(axis="columns")


def told(playbook: Playbook, settings: OutreachSettings) -> list[str]:
    """Settings that keep actions of the playbook from ever being listed, one line each."""
    known = pools(settings).values()
    notes = []
    for team in sorted({action.team for action in playbook.actions.values()}):
        if not any(pool.minutes for pool in known if pool.team == team):
            names = ", ".join(name for name, action in playbook.actions.items() if action.team == team)
            notes.append(f"team `{team}` has no minutes in outreach.team_minutes, so nobody can do: {names}")
    for name, action in playbook.actions.items():
        of_team = [pool for pool in known if pool.team == action.team and pool.minutes]
        if of_team and not any(_fits(pool, action.team, "", BETWEEN.join(action.skills), "") for pool in of_team):
            asked = ", ".join(action.skills)
            notes.append(f"action `{name}` asks for {asked}, which no pool of team `{action.team}` can do")
    prices = [float(offer.cost) * offer.acceptance for offer in playbook.offers.values()]
    if prices and settings.budget < min(prices):
        cheapest = f"{min(prices):.2f} expected"
        notes.append(
            f"outreach.budget {settings.budget:g} is below the cheapest offer ({cheapest}): nothing is offered"
        )
    return notes
