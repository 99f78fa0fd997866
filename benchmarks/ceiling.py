"""What the features could know of leaving: trees fitted on the demo company's true chances, beside what the model said.

    forestall backtest churn --as-of 2025-11-01
    python -m benchmarks.ceiling var/demo/forestall.toml 2025-11-01

The truth is known for the first of a month. A model learns from who left, these trees from the chance itself: what they
cannot tell apart, no model on the same features can. AUC is on who left within the main horizon. Below it, how much of
what drives leaving the same trees make out: the share of its variance between customers (R2).
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from sklearn.metrics import r2_score

from features.training_set import training_set
from forestall.demo.describe import auc, expectation_given_observables
from forestall.privacy.pseudonyms import pseudonym
from forestall.settings import Settings, load_settings
from forestall.simulation.recorded import told_by_features
from forestall.warehouse import open_warehouse

PARTS = ("waits", "repeats", "complaints", "abandons", "problem", "decline")  # `demo.prospects.customer_truth`


def main() -> None:
    """Print the figures of one company and as-of date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("as_of_on", type=date.fromisoformat, help="first of a month that a backtest scored")
    arguments = parser.parse_args()
    settings = load_settings(arguments.config)
    rows = _rows(settings, arguments.as_of_on)
    log_chance = pd.DataFrame({"log_chance": np.log(rows["chance_90"].clip(1e-6))})
    has_left = rows[f"is_churned_{settings.churn.main_horizon}d"].astype(bool)
    for what, said in (
        ("the true chances", rows["chance_90"]),
        ("the expectation given observables", expectation_given_observables(rows)),
        ("trees of the features on the true chances", told_by_features(rows, log_chance)["log_chance"]),
    ):
        Console().print(f"{what}: {auc(said, has_left):.3f}")
    parts = {name: rows[f"seen_{name}"].astype(float) for name in PARTS}
    told = told_by_features(rows, pd.DataFrame(parts))
    for name, true in parts.items():
        Console().print(f"{name}: R2 {r2_score(true, told[name]):.2f}")


def _rows(settings: Settings, as_of_on: date) -> pd.DataFrame:
    """The scored customers of a date with features, label and truth."""
    with open_warehouse(settings, "ceiling") as warehouse:
        rows = warehouse.frame("SELECT * FROM marts.fct_customer_features WHERE as_of_on = ?", [as_of_on])
        labels = warehouse.frame("SELECT * FROM marts.fct_churn_labels WHERE as_of_on = ?", [as_of_on])
    truth = pd.read_parquet(settings.root / "truth" / f"customers_{as_of_on}.parquet")
    truth["customer_id"] = [pseudonym(settings, customer) for customer in truth["customer_id"]]
    known = training_set(rows, labels, horizons=(settings.churn.main_horizon,), known_on=date.max)
    return known.merge(truth, on="customer_id", suffixes=("", "_true")).dropna(
        subset=f"is_churned_{settings.churn.main_horizon}d"
    )


if __name__ == "__main__":
    main()
