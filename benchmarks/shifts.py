"""Time and proven gap of a shift plan, beside the bare calls of the solver on the same programs.

    python -m benchmarks.shifts [--agents 200] [--weeks 8] [--seed 0] [--tightness 0.75]

A made-up site with four groups; two agents in three with a full contract serve two groups each. The need has
a morning and an afternoon peak on six days a week and differs from week to week; `--tightness` is the paid time
that it takes about, as a share of the contracts' (above some 0.85 it cannot all be covered). One part of the
agents is away for a week. Wanted: 200 agents and 8 weeks under 60 s with a proven gap under 2 %.
"""

import argparse
import copy
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from scipy import optimize

from forestall.shifts import program
from forestall.shifts.plan import plan_shifts
from forestall.shifts.rules import Absence, Break, Pattern, StaffingRules

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)  # its eight weeks hold the night on which clocks change
GROUPS = ("care", "sales", "chat", "mail")
CONTRACTS = ((40.0, 0.65), (32.0, 0.20), (20.0, 0.15))


def rules(agents: int) -> StaffingRules:
    """Full shifts with a lunch of half an hour and two short breaks, half shifts with one."""
    short = {"minutes": 15, "is_paid": True}
    full = Pattern(
        starts=list(range(7 * 60 + 30, 12 * 60, 30)), minutes=510,
        breaks=[Break(earliest=90, latest=150, **short), Break(minutes=30, earliest=180, latest=300),
                Break(earliest=345, latest=420, **short)],
    )  # fmt: skip
    half = Pattern(
        starts=list(range(8 * 60, 16 * 60 + 1, 30)), minutes=240, breaks=[Break(earliest=90, latest=135, **short)]
    )
    away = [
        Absence(agent=f"a{at:04d}", from_on=from_on, to_on=from_on + timedelta(days=6))
        for at in range(0, agents, 5)
        for from_on in (MONDAY + timedelta(weeks=at % 8),)
    ]  # fmt: skip
    return StaffingRules(patterns={"full": full, "half": half}, absences=away)


def roster(agents: int) -> pd.DataFrame:
    at = np.arange(agents)
    hours = np.repeat([hours for hours, _ in CONTRACTS], [round(agents * share) for _, share in CONTRACTS])
    hours = np.resize(hours, agents)
    first = [GROUPS[one % 4] for one in at]
    second = [GROUPS[(one + 1) % 4] if one % 3 and hours[one] == 40 else "" for one in at]
    skills = [",".join(filter(None, pair)) for pair in zip(first, second, strict=True)]
    return pd.DataFrame({
        "agent_id": [f"a{one:04d}" for one in at], "team": "site", "site": "Leipzig", "skills": skills,
        "contract_hours": hours, "hired_on": None, "left_on": None,
    })  # fmt: skip


def requirement(agents: int, weeks: int, seed: int, tightness: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    starts = pd.date_range(MONDAY, MONDAY + timedelta(weeks=weeks), freq="30min", tz=ZONE, inclusive="left")
    hour = starts.hour + starts.minute / 60
    shape = np.exp(-(((hour - 10.5) / 2.6) ** 2)) + 0.75 * np.exp(-(((hour - 15.5) / 2.4) ** 2))
    shape = np.where((hour >= 8) & (hour < 20) & (starts.day_of_week < 6), shape, 0.0)
    shape = shape * np.where(starts.day_of_week == 5, 0.45, 1.15 - 0.06 * starts.day_of_week)
    contracts = sum(hours * share for hours, share in CONTRACTS) * agents * weeks
    level = tightness * contracts / (shape.sum() / 2) / len(GROUPS)
    frames = []
    for queue in GROUPS:
        weekly = rng.uniform(0.9, 1.1, weeks)[(np.arange(len(starts)) // (7 * 48)).clip(max=weeks - 1)]
        need = np.ceil(level * shape * weekly * rng.uniform(0.93, 1.07, len(starts)) - 1e-9).astype(np.int64)
        frames.append(pd.DataFrame({
            "queue": queue, "interval_start_at": starts.tz_convert("UTC"), "local_on": starts.date, "agents": need
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


class Recorder:
    """Passes calls of the solver on and keeps them, so that they can be made again by themselves."""

    def __init__(self, solver: Callable[..., Any]) -> None:
        self.solver = solver
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append((arguments, copy.deepcopy(options)))  # the solver takes entries out of its options
        return self.solver(*arguments, **options)

    def again(self) -> None:
        for arguments, options in self.calls:
            self.solver(*arguments, **copy.deepcopy(options))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tightness", type=float, default=0.75)
    given = parser.parse_args()
    needed = requirement(given.agents, given.weeks, given.seed, given.tightness)
    recorder = Recorder(optimize.milp)
    vars(program)["milp"] = recorder
    began, worked = time.perf_counter(), time.process_time()
    plan = plan_shifts(needed, roster(given.agents), rules(given.agents), ZONE, 1800)
    ours, worked = time.perf_counter() - began, time.process_time() - worked
    step_h = plan.grid.step_s / 3600
    print(f"{given.agents} agents, {given.weeks} weeks: {len(plan.shifts)} shifts, {len(recorder.calls)} programs")
    print(f"time {ours:.1f} s, {worked:.1f} s of processors")
    print(f"proven gap {plan.gap:.2%}: {plan.cost:.0f} paid hours and penalties, bound {plan.bound:.0f}")
    print(
        f"required {plan.required.sum() * step_h:.0f} h, paid {plan.paid_h:.0f} h, "
        f"short {plan.short.sum() * step_h:.1f} h, open shifts {int((~plan.shifts['is_assigned']).sum())}"
    )
    for note in plan.notes:
        print(note)
    began, worked = time.perf_counter(), time.process_time()
    recorder.again()
    print(
        f"the same programs by the bare solver, one after the other: {time.perf_counter() - began:.1f} s, "
        f"{time.process_time() - worked:.1f} s of processors"
    )


if __name__ == "__main__":
    main()
