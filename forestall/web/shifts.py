"""What the report says of shifts: what is planned against what is required, the service it gives, and capacity."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forestall.web import charts

MOST_COLUMNS = 32
WORST = 10  # uncovered intervals that are shown
NEXT_DAYS = 7
MET = ("service_level", "service_level_low", "service_level_high", "standard_probability", "asa_s", "asa_s_low",
       "asa_s_high", "abandonment", "abandonment_low", "abandonment_high")  # fmt: skip
BUSY = ("occupancy", "occupancy_low", "occupancy_high")


def shift_section(
    tables: dict[str, pd.DataFrame], run_date: date, zone: str, standards: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The section's figures, heat map and charts; None where no shifts are planned.

    Args:
        tables: `shift_plan`, `shift_coverage`, `shift_service`, `capacity_plan`, and `staffing_requirement`, which
            says what queues a group serves.
        run_date: the first day of the plan.
        zone: of the site.
        standards: by queue, as the manifest has them.
    """
    shifts, coverage, service = (tables[name] for name in ("shift_plan", "shift_coverage", "shift_service"))
    if coverage.empty:
        return None
    local = coverage["interval_start_at"].dt.tz_convert(zone)
    rows = coverage.assign(
        local_time=local.dt.strftime("%H:%M"),
        told=local.dt.strftime("%a %Y-%m-%d %H:%M"),
        day=pd.to_datetime(coverage["local_on"]),
    )
    needed = rows.loc[rows["required"] > 0, "day"]
    day = needed.min() if len(needed) else pd.Timestamp(run_date)
    starts = rows["interval_start_at"].drop_duplicates().sort_values()
    step_h = starts.diff().min().total_seconds() / 3600 if len(starts) > 1 else 0.0
    worst = rows[rows["short"] > 0].sort_values(["short", "interval_start_at"], ascending=[False, True])
    return {
        "day": day.date(),
        "shift_count": len(shifts),
        "open_count": int((~shifts["is_assigned"].astype(bool)).sum()),
        "slot_count": int(shifts.loc[shifts["is_assigned"].astype(bool), "slot_id"].nunique()),
        "paid_hours": float(shifts.loc[shifts["is_assigned"].astype(bool), "paid_hours"].sum()),
        "required_hours": float(rows["required"].sum()) * step_h,
        "short_hours": float(rows["short"].sum()) * step_h,
        "map": _heat_map(rows[rows["day"] == day]),
        "worst": worst.head(WORST)[["queue_group", "told", "required", "planned", "short", "remedy"]].to_dict(
            "records"
        ),
        "worst_count": len(worst),
        "service": _service(service),
        "next": _next_days(service, run_date, _targets(tables["staffing_requirement"], standards)),
        "capacity": _capacity(tables["capacity_plan"]),
    }


def _heat_map(rows: pd.DataFrame) -> dict[str, Any]:
    """Groups x local times: planned over required, each cell with the share that is there."""
    if rows["local_time"].nunique() > MOST_COLUMNS:  # the worst interval of each hour speaks for it
        rows = rows.assign(hour=rows["local_time"].str[:2] + ":00").sort_values("short", ascending=False)
        rows = rows.drop_duplicates(["queue_group", "hour"]).assign(local_time=lambda of: of["hour"])
    times = sorted(rows["local_time"].unique())
    found = []
    for group, mine in rows.groupby("queue_group"):  # a handful of groups
        by_time = mine.drop_duplicates("local_time").set_index("local_time").reindex(times)
        cells = []
        for required, planned, short in zip(by_time["required"], by_time["planned"], by_time["short"], strict=True):
            if np.isnan(planned):
                cells.append(("·", "none", 0.0))
                continue
            kind = "lacks" if short > 0 else "spare" if planned > required else "fits"
            share = (
                min(1.0, float(short / required))
                if short > 0
                else min(1.0, float((planned - required) / max(required, 1)))
            )
            cells.append(
                (
                    f"{planned:g}/{required:g}" if planned % 1 == 0 else f"{planned:.1f}/{required:g}",
                    kind,
                    round(share, 3),
                )
            )
        found.append({"name": str(group), "cells": cells})
    return {"columns": times, "rows": found}


def _service(service: pd.DataFrame) -> list[dict[str, Any]]:
    """Each group over all days, what customers meet weighted by contacts; days' own range beside it."""
    found = []
    for group, rows in service.groupby("queue_group"):
        live = rows[rows["service_level"].notna() & (rows["contacts"] > 0)]
        found.append({
            "queue_group": str(group), "days": len(rows), "contacts": float(rows["contacts"].sum()),
            **{name: _mean(live[name], live["contacts"]) for name in MET},
            **{name: _mean(rows[name]) for name in BUSY},
        })  # fmt: skip
    return found


def _mean(values: pd.Series, weights: pd.Series | None = None) -> float | None:
    """Of what is known; None where nothing is."""
    known = values.dropna().astype(float)
    return float(np.average(known, weights=None if weights is None else weights[known.index])) if len(known) else None


def _targets(requirement: pd.DataFrame, standards: Mapping[str, Any]) -> dict[str, float]:
    """By group the share in standard that its live queues promise, weighted by their contacts; none without any."""
    sums = requirement.groupby(["queue_group", "queue"], as_index=False)["contacts"].sum()
    sums["target"] = sums["queue"].map({queue: one.get("service_level") for queue, one in standards.items()})
    live = sums[sums["target"].notna() & (sums["contacts"] > 0)].astype({"target": float})
    total = (live["target"] * live["contacts"]).groupby(live["queue_group"]).sum()
    return dict(total / live.groupby("queue_group")["contacts"].sum())


def _next_days(service: pd.DataFrame, run_date: date, targets: Mapping[str, float]) -> dict[str, Any] | None:
    """Groups in which customers wait x the next seven days: the share in standard of each; None without any.

    A cell is (share, whether it falls below the target).
    """
    days = pd.to_datetime(service["local_on"])
    soon = days < pd.Timestamp(run_date) + pd.Timedelta(days=NEXT_DAYS)
    rows = service.assign(day=days)[soon & service["service_level"].notna()].astype({"service_level": float})
    if rows.empty:
        return None
    grid = rows.pivot_table("service_level", "queue_group", "day")
    return {
        "days": [day.date() for day in pd.DatetimeIndex(grid.columns)],
        "rows": [
            {"name": group, "target": targets.get(group), "cells": [
                (share, bool(group in targets and share < targets[group] - 5e-4)) for share in shares
            ]}
            for group, shares in zip(map(str, grid.index), grid.to_numpy().tolist(), strict=True)
        ],
    }  # fmt: skip


def _capacity(capacity: pd.DataFrame) -> dict[str, Any] | None:
    """Heads required against heads there over the year, and the hires by group."""
    if capacity.empty:
        return None
    weekly = capacity.groupby("week_on")[["heads_required", "heads_there", "heads_hired"]].sum()
    have = weekly["heads_there"] + weekly["heads_hired"]
    labels = [f"{week.day} {week:%b}" for week in pd.to_datetime(weekly.index)]
    chart = charts.capacity_chart(
        labels, list(weekly["heads_required"]), list(weekly["heads_there"]), list(have),
        title=f"Full contracts by week: {weekly['heads_required'].max():.0f} required at most, "
        f"{weekly['heads_there'].iloc[-1]:.0f} of today's left after a year without hires",
        ticks=range(0, len(labels), 8),
    )  # fmt: skip
    hires = capacity[capacity["hires_to_search"] > 0].sort_values(["week_on", "queue_group"])
    return {
        "chart": chart,
        "hires": hires[["week_on", "queue_group", "hires_to_search"]].to_dict("records"),
        "hire_count": int(capacity["hires_to_search"].sum()),
        "basis": sorted(set(capacity["basis"])),
    }
