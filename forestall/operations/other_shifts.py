"""What shifts other rules would give for some days, beside those of tonight's rules."""

from datetime import date
from pathlib import Path

import pandas as pd

from forestall.jobs.plan_shifts import agents_of, to_schedule
from forestall.jobs.plan_staffing import what_is_known
from forestall.night import Night
from forestall.reviewed import load_reviewed
from forestall.settings import ConfigError, Settings
from forestall.shifts.plan import ShiftPlan, plan_shifts
from forestall.shifts.rules import StaffingRules, load_staffing_rules
from forestall.warehouse import open_warehouse


def rules_of(path: Path) -> StaffingRules:
    """The rules that are asked about.

    Raises:
        ConfigError: the file is not there, holds a mistake, or has no patterns.
    """
    if not path.is_file():
        raise ConfigError(f"what-if: {path}: there is no such file; copy staffing.yml and change the copy")
    rules = load_reviewed(path, StaffingRules)
    if not rules.patterns:
        raise ConfigError(f"what-if: {path}: has no patterns, so it gives no shifts")
    return rules


def shifts_beside(
    settings: Settings, run_date: date, now: pd.DataFrame, then: pd.DataFrame, rules_then: StaffingRules,
    handle_times: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Both planned afresh from the roster as it is, whatever was announced or worked before: so they can be compared.

    Args:
        settings: of the company, whose `staffing.yml` holds tonight's rules.
        run_date: of the night.
        now: rows of `staffing_requirement` of these days.
        then: the same as it would be.
        rules_then: other rules.
        handle_times: rows of `handle_time_by_concurrency`.

    Returns:
        A row for `now` and one for `then`: shifts, open_shifts (of which nobody of the roster can work), paid_hours,
        short_hours (agent hours that are required and not covered), gap (share by which it may be dearer than the
        cheapest).

    Raises:
        ConfigError: tonight's rules have no patterns either.
    """
    rules = load_staffing_rules(settings)
    if not rules.patterns:
        raise ConfigError("what-if: staffing.yml has no patterns, so there are no shifts to compare with")
    with open_warehouse(settings, f"what_if {run_date}") as warehouse:
        agents = agents_of(warehouse)
        _, lost = what_is_known(warehouse, Night(settings, run_date), handle_times)
    interval_s = settings.volume.interval_minutes * 60
    rows = []
    for when, requirement, own in (("now", now, rules), ("then", then, rules_then)):
        needed, _ = to_schedule(requirement, lost, own)
        rows.append({"plan": when, **_told(plan_shifts(needed, agents, own, settings.zone, interval_s))})
    return pd.DataFrame(rows)


def _told(plan: ShiftPlan) -> dict[str, float]:
    return {
        "shifts": len(plan.shifts),
        "open_shifts": int((~plan.shifts["is_assigned"].astype(bool)).sum()),
        "paid_hours": plan.paid_h,
        "short_hours": float(plan.short.sum()) * plan.grid.step_s / 3600,
        "gap": plan.gap,
    }
