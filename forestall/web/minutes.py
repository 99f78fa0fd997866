"""Where outreach gets its minutes, what became of them, and what keeps paid time from the queues."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from forestall.web.numbers import money, number, percent

ALL = "all"
TIERS = ("firm_minutes", "if_quiet_minutes")


def minutes_of_outreach(placed: pd.DataFrame, usable: pd.DataFrame, zone: str, currency: str) -> dict[str, Any] | None:
    """What is told of one plan with outreach; None where no list was made.

    Args:
        placed: `outreach_placed`.
        usable: `usable_minutes`; empty where no shifts are planned.
        zone: of the site.
        currency: of what rows are worth.

    Returns:
        rows by pool, day and tier with `filled`, the share placed; a sentence a pool of where its minutes come from and
        one of what one agent more would bring; `not_lent`, the teams whose usable minutes no pool takes; and `hours`:
        of the first day with any, by group the firm and the if-quiet minutes of each local hour.
    """
    if placed.empty:
        return None
    rows = placed.sort_values(["planned_on", "pool", "tier"])
    rows = rows.assign(filled=rows["placed_minutes"] / rows["usable_minutes"].where(rows["usable_minutes"] > 0))
    return {
        "rows": rows.to_dict("records"),
        "placed": float(rows["placed_minutes"].sum()),
        "usable": float(rows["usable_minutes"].sum()),
        "sources": _sources(rows),
        "sentences": [_one_more(row, currency) for row in rows[rows["sentence"].notna()].to_dict("records")],
        "not_lent": _not_lent(rows, usable),
        "hours": _hours(usable, zone),
    }


def _sources(rows: pd.DataFrame) -> list[str]:
    """A line a pool; none of a night that did not say."""
    known = rows[rows["lent_by"].notna()].drop_duplicates("pool")
    return [
        f"{pool}: from the shifts of {teams}; firm are their agents beyond the requirement, if quiet those inside it, "
        "while enough others are idle that the standard holds"
        if teams
        else f"{pool}: as many a day as the settings say (`outreach.team_minutes`, `outreach.pools`), not from shifts"
        for pool, teams in zip(known["pool"], known["lent_by"], strict=True)
    ]


def _not_lent(rows: pd.DataFrame, usable: pd.DataFrame) -> list[str]:
    """Teams whose shifts leave minutes that no pool takes; none where the night did not say who lends."""
    if rows["lent_by"].isna().all():
        return []
    lent = {team for teams in rows["lent_by"].dropna() for team in teams.split(", ")}
    some = usable[usable[list(TIERS)].astype(float).sum(axis=1) > 0]
    return sorted(set(some["team"].dropna()) - lent - {""})


def _one_more(row: dict[Hashable, Any], currency: str) -> str:
    would = "would" if row["is_worth_an_agent"] else "would not"
    worth, pay = (money(row[name], currency) for name in ("next_value", "next_cost"))
    return (
        f"One agent more in {row['pool']} {would} pay for himself by outreach alone: {number(row['next_minutes'])} min "
        f"worth {worth} for {pay} of pay"
    )


def shrinkage_sentence(causes: pd.DataFrame) -> str | None:
    """Such as `25 % of paid time: absence 9 %, training 6 %, other 10 % (agent_time of 56 days)`; None where untold."""
    if causes.empty:
        return None
    named = causes[causes["cause"] != ALL].sort_values("share", ascending=False)
    told = ", ".join(
        f"{cause} {percent(share, 1)}" for cause, share in zip(named["cause"], named["share"], strict=True)
    )
    return f"{percent(causes['share'].sum(), 1)} of paid time{': ' + told if told else ''} ({causes['basis'].iloc[0]})"


def _hours(usable: pd.DataFrame, zone: str) -> dict[str, Any] | None:
    some = usable[usable[list(TIERS)].astype(float).sum(axis=1) > 0]
    if some.empty:
        return None
    first = some[some["local_on"] == some["local_on"].min()]
    rows = first.assign(hour=first["interval_start_at"].dt.tz_convert(zone).dt.strftime("%H:00"))
    firm, quiet = (
        rows.astype({tier: float}).pivot_table(tier, "queue_group", "hour", "sum", fill_value=0.0, dropna=False)
        for tier in TIERS
    )
    greatest = float((firm + quiet).to_numpy().max())
    return {
        "day": first["local_on"].iloc[0],
        "columns": list(firm.columns),
        "rows": [
            {"name": group, "cells": [(one, other, round((one + other) / greatest, 3)) for one, other in cells]}
            for group, cells in zip(firm.index, np.stack([firm, quiet], axis=-1).tolist(), strict=True)
        ],
    }
