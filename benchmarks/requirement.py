"""Time of the staffing requirement for 54,000 intervals with the forecast's distribution, beside the bare evaluation.

    python -m benchmarks.requirement [--queues 20] [--days 56] [--seed 0]

Made-up queues, open around the clock, a quarter of them chat, some without known patience; the forecast is off by 10 %
a day and 11 % an interval. Each setting of `[service_level]` is planned from the forecast's rows to the rows of
`staffing_requirement`. The bare work is one evaluation of the queueing formulas, at one agent number and one rate an
interval; a peer (pyworkforce 0.5.4, Python 3.12) takes up to half a second for a single one. Wanted: under 5 s.
"""

import argparse
import time
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy import special

from forestall.sections import ServiceLevelSettings
from forestall.staffing.plan import Known, live_demand, plan_requirement
from forestall.staffing.queueing import evaluate
from forestall.staffing.standards import Standards
from forestall.staffing.uncertainty import COLUMNS, PROBABILITIES

INTERVAL_S = 1800
FIRST = date(2026, 3, 2)
DAY_CV, INTERVAL_CV = 0.10, 0.15
LEVELS = {
    "level expected": ServiceLevelSettings(),
    "80 % of intervals": ServiceLevelSettings(certainty=0.8),
    "50 % of days": ServiceLevelSettings(period="day", certainty=0.5),
    "80 % of days": ServiceLevelSettings(period="day", certainty=0.8),
    "95 % of days": ServiceLevelSettings(period="day", certainty=0.95),
    "80 % of months": ServiceLevelSettings(period="month", certainty=0.8),
}


def with_quantiles(rows: pd.DataFrame, cv: float) -> pd.DataFrame:
    mean = rows["contacts"].to_numpy()
    deviation = np.sqrt(mean + (cv * mean) ** 2)
    scores = special.ndtri(np.array(PROBABILITIES))
    return rows.assign(
        **{name: np.maximum(mean + score * deviation, 0.0) for name, score in zip(COLUMNS, scores, strict=True)}
    )


def forecast(queues: int, days: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `volume_forecast` and of the queues' `volume_days`."""
    rng = np.random.default_rng(seed)
    starts = pd.date_range(FIRST, FIRST + timedelta(days=days), freq="30min", tz="UTC", inclusive="left")
    hour = starts.hour + starts.minute / 60
    shape = np.exp(-(((hour - 10.5) / 2.6) ** 2)) + 0.75 * np.exp(-(((hour - 15.5) / 2.4) ** 2)) + 0.05
    frames = [
        pd.DataFrame({
            "queue": f"q{at:03d}", "interval_start_at": starts, "local_on": starts.date,
            "channel": "phone" if at % 4 else "chat", "is_open": True, "contacts": rng.gamma(2.0, 40.0) * shape,
            "handle_time_s": rng.uniform(150, 500),
        })
        for at in range(queues)
    ]  # fmt: skip
    rows = pd.concat(frames, ignore_index=True)
    by_day = rows.groupby(["queue", "local_on"], as_index=False)[["contacts"]].sum()
    return with_quantiles(rows, INTERVAL_CV), with_quantiles(by_day, DAY_CV)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queues", type=int, default=20)
    parser.add_argument("--days", type=int, default=56)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--groups", type=int, default=0, help="share all queues out to so many groups of agents")
    given = parser.parse_args()
    rows, days = forecast(given.queues, given.days, given.seed)
    patience = {f"q{at:03d}": 180.0 for at in range(given.queues) if at % 5}
    queues = sorted(rows["queue"].unique())
    groups = {f"group {at}": queues[at :: given.groups] for at in range(given.groups)}
    known = Known(Standards(), 0.3, patience, groups=groups)
    print(f"{len(rows)} intervals of {given.queues} queues and {given.days} days")
    for name, level in LEVELS.items():
        began, worked = time.perf_counter(), time.process_time()
        plan, _ = plan_requirement(rows, known, level, INTERVAL_S, days)
        took, worked = time.perf_counter() - began, time.process_time() - worked
        hours, alone = plan[["agents_net", "agents_alone"]].sum() * INTERVAL_S / 3600
        without = f", {alone:9.0f} without groups" if groups else ""
        print(f"{name:18s} {took:5.2f} s, {worked:5.2f} s of processors, {hours:9.0f} agent hours{without}")
    _, demand = live_demand(rows, known, ServiceLevelSettings(), INTERVAL_S)
    mean, agents = demand.at_mean(), plan["agents_net"].to_numpy() * demand.concurrency
    began = time.perf_counter()
    evaluate(agents, mean.rates_per_s[:, 0], mean.handle_time_s, mean.patience_s, mean.threshold_s, 5.0)
    print(f"bare: one evaluation of each interval at one rate: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
