"""Whether risks come as they were said, on demo companies of many seeds: means over them, with their standard errors.

    python -m benchmarks.level 101 110 --as-of 2025-11-01 --scale 0.35

makes the companies of seeds 101 to 110 one after the other, pulls and builds them, and runs `forestall backtest churn`
on each. Choose on other seeds than those that are told.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
from rich.console import Console

from forestall.demo.company import make_company
from forestall.jobs.backtest_churn import backtest_churn
from forestall.jobs.build_features import build_features
from forestall.jobs.pull import pull
from forestall.settings import load_settings

MEASURES = ("auc", "log_loss", "calibration_slope", "observed_over_expected", "top_observed_over_expected")


def main() -> None:
    """Print one line a measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first_seed", type=int)
    parser.add_argument("last_seed", type=int)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, dest="as_of_on")
    parser.add_argument("--scale", type=float, default=0.35)
    parser.add_argument("--world", default="base")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.last_seed + 1)
    found = [_measured(seed, arguments.world, arguments.scale, arguments.as_of_on) for seed in seeds]
    for measure in MEASURES:
        values = np.array([one[measure] for one in found])
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        Console().print(f"{measure}: {values.mean():.3f} (standard error {error:.3f})", highlight=False)


def _measured(seed: int, world: str, scale: float, as_of_on: date) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        company = make_company(Path(folder), seed=seed, world=world, scale=scale)
        settings = load_settings(company.config)
        pull(settings, company.run_date)
        build_features(settings, company.run_date)
        measured = backtest_churn(settings, [as_of_on])
    return {measure: float(measured[measure]) for measure in MEASURES}


if __name__ == "__main__":
    main()
