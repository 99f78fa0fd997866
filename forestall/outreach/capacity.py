"""Whose minutes outreach may take: pools of agents who speak and can do the same, day by day.

A team without pools of its own is one pool that speaks every language and can do everything. Teams whose shifts
are planned give the minutes that are usable beside their queues (`usable_minutes`); others, such as a team that
does nothing else, those of the settings.
"""

from collections.abc import Collection
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.outreach.hours import in_words, touching
from forestall.outreach.playbook import Playbook
from forestall.sections import WEEK, OutreachSettings, PoolSettings

Flags = NDArray[np.bool_]
NEEDS = ("team", "language", "skills", "action_languages")
LEAST_MINUTES = 1.0  # of an interval: with less nobody has time
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


def with_rostered(settings: OutreachSettings, playbook: Playbook, usable: pd.DataFrame) -> OutreachSettings:
    """Settings in which teams that own an action and have shifts stand too, where they are not named.

    Args:
        settings: of outreach.
        playbook: whose actions teams own.
        usable: rows of `usable_minutes`.
    """
    named = {pool.team for pool in pools(settings).values()}
    found = _planned_teams(settings, usable) & {action.team for action in playbook.actions.values()}
    more = dict.fromkeys(sorted(found - named), 0)
    return settings.model_copy(update={"team_minutes": {**settings.team_minutes, **more}})


def slots(
    settings: OutreachSettings, run_date: date, usable: pd.DataFrame | None = None, *, if_quiet: bool = False
) -> pd.DataFrame:
    """Pool x day in the order of days: pool, team, day (0 is the run date), planned_on, minutes.

    Days on which a pool does not work are left out.

    Args:
        settings: of outreach.
        run_date: first day.
        usable: rows of `usable_minutes`; None or empty where no shifts are planned.
        if_quiet: the minutes that may be used only if it is quiet: those of the plan, or the share of the settings.
    """
    planned = _lent(settings, usable, if_quiet)
    share = settings.if_quiet_share if if_quiet else 1.0
    rows = [
        (name, pool.team, day, on, planned[name].get(on, 0.0) if name in planned else float(pool.minutes) * share)
        for day in range(settings.plan_days)
        for on in [run_date + timedelta(days=day)]
        for name, pool in pools(settings).items()
        if WEEK[on.weekday()] in pool.weekdays
    ]
    return pd.DataFrame(rows, columns=["pool", "team", "day", "planned_on", "minutes"])


def _planned_teams(settings: OutreachSettings, usable: pd.DataFrame | None) -> set[str]:
    if usable is None or settings.minutes_from == "settings":
        return set()
    return set(usable["team"].astype(str))


def _lenders(pool: PoolSettings) -> tuple[str, ...]:
    return pool.lent_by or (pool.team,)


def lenders(settings: OutreachSettings, usable: pd.DataFrame | None) -> dict[str, tuple[str, ...]]:
    """By pool the teams whose shifts give its minutes; none where the settings say how many there are."""
    teams = _planned_teams(settings, usable)
    return {name: tuple(sorted(teams.intersection(_lenders(pool)))) for name, pool in pools(settings).items()}


def idle_hours(
    settings: OutreachSettings, usable: pd.DataFrame, site_zone: str, interval_minutes: int, *, if_quiet: bool
) -> dict[tuple[str, date], str]:
    """When agents of a pool have minutes on a day, by the site's clock, such as `09:30-11:00`; by pool and day.

    Args:
        settings: of outreach.
        usable: rows of `usable_minutes`.
        site_zone: the site's time zone.
        interval_minutes: length of an interval.
        if_quiet: of `slots`.
    """
    rows, column = _of_pools(settings, usable), _minutes(if_quiet)
    there = rows.groupby(["pool", "local_on", "interval_start_at"], as_index=False)[column].sum()
    there = there[there[column] >= LEAST_MINUTES]
    local = there["interval_start_at"].dt.tz_convert(site_zone)
    starts = (local.dt.hour * 60 + local.dt.minute).groupby([there["pool"], there["local_on"]])
    return {(str(pool), on): str(in_words(touching(own, interval_minutes))) for (pool, on), own in starts}


def _lent(settings: OutreachSettings, usable: pd.DataFrame | None, if_quiet: bool) -> dict[str, dict[date, float]]:
    """Minutes by day of each pool that lives on shifts."""
    found: dict[str, dict[date, float]] = {name: {} for name, giving in lenders(settings, usable).items() if giving}
    if usable is None or not found:
        return {}
    minutes = _of_pools(settings, usable).groupby(["pool", "local_on"], as_index=False)[_minutes(if_quiet)].sum()
    for name, on, there in minutes.itertuples(index=False):
        found[name][on] = float(there)
    return found


def _minutes(if_quiet: bool) -> str:
    return "if_quiet_minutes" if if_quiet else "firm_minutes"


def _of_pools(settings: OutreachSettings, usable: pd.DataFrame) -> pd.DataFrame:
    """`usable` of the pools that live on shifts, with `pool`; agents who fit several are in the first that is named."""
    giving = lenders(settings, usable)
    known = {name: pool for name, pool in pools(settings).items() if giving[name]}
    alike = ["team", "languages", "skills"]
    kinds = usable[alike].drop_duplicates()
    named = [
        next((name for name, pool in known.items() if _is_of(pool, team, _texts(languages), _texts(skills))), None)
        for team, languages, skills in kinds.itertuples(index=False)
    ]
    told = kinds.assign(pool=pd.Series(named, kinds.index, dtype=object))
    return usable.merge(told[told["pool"].notna()], on=alike, validate="many_to_one")


def _is_of(pool: PoolSettings, team: str, languages: Collection[str], skills: Collection[str]) -> bool:
    """Whether agents alike belong to a pool: they speak all that it speaks, and can do all that it can."""
    return team in _lenders(pool) and set(pool.languages) <= set(languages) and set(pool.skills) <= set(skills)


def _texts(joined: str) -> list[str]:
    return [part.strip() for part in joined.split(",") if part.strip()]


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


def told(
    playbook: Playbook, settings: OutreachSettings, run_date: date, usable: pd.DataFrame | None = None
) -> list[str]:
    """Settings or shifts that keep actions of the playbook from ever being listed, one line each."""
    planned = _lent(settings, usable, if_quiet=False)
    days = [run_date + timedelta(days=day) for day in range(settings.plan_days)]
    minutes = {
        name: sum(planned[name].get(day, 0.0) for day in days) if name in planned else pool.minutes
        for name, pool in pools(settings).items()
    }
    known = [pool for name, pool in pools(settings).items() if minutes[name]]
    notes = []
    for team in sorted({action.team for action in playbook.actions.values()}):
        if not any(pool.team == team for pool in known):
            names = ", ".join(name for name, action in playbook.actions.items() if action.team == team)
            lives_on = any(pools(settings)[name].team == team for name in planned)
            why = "usable minutes in its shifts" if lives_on else "minutes in outreach.team_minutes"
            notes.append(f"team `{team}` has no {why}, so nobody can do: {names}")
    for name, action in playbook.actions.items():
        of_team = [pool for pool in known if pool.team == action.team]
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
