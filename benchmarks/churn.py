"""Time and peak memory of training, scoring and reasons at the sizes that the churn model is held to.

`python -m benchmarks.churn` makes feature frames with the real columns (`features.columns`) and invented values, trains
on 200,000 customers x 12 as-of dates, scores a million customers and works out reasons for 5,000 of them; each in a
process of its own, and beside each what LightGBM alone takes on the same matrix: three horizons grown once with the
recipe that the training found, three predictions, one set of contributions. Of a company of that size a training learns
from `max_rows` rows (whole customers), here as there; building the features in SQL is `make bench SIZE=medium`'s.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.night import Cost
from features.columns import features, phrases, tellers
from models.churn.boosting import ALIKE, Recipe
from models.churn.design import Kind, Matrix
from models.churn.drift import measure_drift
from models.churn.model import CONTACTED, ChurnModel
from models.churn.params import churn_params
from models.churn.reasons import reasons, told_as_others
from models.churn.training import Plan, label, train

HORIZONS, GAP_DAYS, DATES = (30, 60, 90), 104, 12
NEWEST = date(2025, 11, 18)
LISTED = 5000
WANTED = {"train": "15 min, 6 GB", "score": "2 min", "reasons": "20 s"}


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="benchmarks.churn", description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=200_000, help="of the training")
    parser.add_argument("--scored", type=int, default=1_000_000, help="customers of a night")
    parser.add_argument("--write", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        table = markdown(arguments.customers, arguments.scored, Path(scratch))
    print(table)
    if arguments.write:
        arguments.write.write_text(table, encoding="utf-8")


def markdown(customers: int, scored: int, folder: Path) -> str:
    """The table as it stands in `docs/benchmarks.md`."""
    sizes = {"train": customers, "score": scored, "reasons": min(LISTED, scored)}
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, LightGBM {lgb.__version__}",
        "",
        "| work | customers | seconds | peak MB | bare seconds | bare MB | ratio | wanted |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for work, count in sizes.items():
        ours, bare = (_in_a_process(one, count, folder) for one in (work, f"bare_{work}"))
        cells = [work, f"{count:,}", f"{ours.seconds:.1f}", f"{ours.peak_mb:,.0f}", f"{bare.seconds:.1f}",
                 f"{bare.peak_mb:,.0f}", f"{ours.seconds / max(bare.seconds, 1e-3):.1f}", WANTED[work]]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _in_a_process(work: str, count: int, folder: Path) -> Cost:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, work, count, folder).result()


def _measured(work: str, count: int, folder: Path) -> Cost:
    """Prepare, then time the work alone; the peak also holds what was prepared."""
    do = WORK[work](count, folder)
    began = time.perf_counter()
    do()
    seconds = time.perf_counter() - began
    return Cost(round(seconds, 2), round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _train(customers: int, folder: Path) -> Callable[[], object]:
    plan, rows = _plan(), _labelled(customers)

    def work() -> None:
        trained = train(rows, plan)
        (folder / "model.json").write_text(json.dumps(trained.model.to_files()))

    return work


def _bare_train(customers: int, folder: Path) -> Callable[[], object]:
    model, rows = _model(folder), _labelled(customers)
    matrix, recipe = model.design.matrix(rows), Recipe.from_dict(model.about["recipe"])
    outcomes = [rows[label(horizon)].to_numpy() for horizon in HORIZONS]
    return lambda: [
        lgb.train(
            {**ALIKE, "num_threads": churn_params().threads, "objective": "binary", **recipe.trees},
            lgb.Dataset(matrix, outcome, categorical_feature=model.design.categories), recipe.rounds,
        )
        for outcome in outcomes
    ]  # fmt: skip


def _score(customers: int, folder: Path) -> Callable[[], object]:
    """Probabilities of all horizons, and how far the customers have shifted."""
    model, rows = _model(folder), frame(customers, 3)

    def work() -> None:
        said = model.predict(rows)
        if model.reference is not None:
            measure_drift(
                model.reference, model.design, rows, said[model.main_horizon], model.importance(), churn_params().drift
            )

    return work


def _bare_score(customers: int, folder: Path) -> Callable[[], object]:
    model, matrix = _with_matrix(customers, folder)
    return lambda: [booster.predict(matrix, num_threads=1) for booster in model.boosters.values()]


def _reasons(customers: int, folder: Path) -> Callable[[], object]:
    model, rows = _model(folder), frame(customers, 4)
    return lambda: reasons(
        rows, told_as_others(model.contributions(rows), tellers()), phrases(), churn_params().reasons.per_customer
    )


def _bare_reasons(customers: int, folder: Path) -> Callable[[], object]:
    model, matrix = _with_matrix(customers, folder)
    return lambda: model.boosters[model.main_horizon].predict(matrix, pred_contrib=True, num_threads=1)


WORK: dict[str, Callable[[int, Path], Callable[[], object]]] = {
    "train": _train, "bare_train": _bare_train, "score": _score, "bare_score": _bare_score,
    "reasons": _reasons, "bare_reasons": _bare_reasons,
}  # fmt: skip


def _plan() -> Plan:
    kinds: dict[str, Kind] = {
        column.name: "category" if column.is_categorical else "boolean" if column.data_type == "boolean" else "number"
        for column in features()
    }
    return Plan(kinds | {CONTACTED: "boolean"}, HORIZONS, max(HORIZONS), GAP_DAYS, churn_params())


def _model(folder: Path) -> ChurnModel:
    return ChurnModel.from_files(json.loads((folder / "model.json").read_text()))


def _with_matrix(customers: int, folder: Path) -> tuple[ChurnModel, Matrix]:
    model = _model(folder)
    return model, model.design.matrix(frame(customers, 3))


def _labelled(customers: int) -> pd.DataFrame:
    """A training set of so many rows as a company of that size would learn from."""
    learned = min(customers, churn_params().max_rows // DATES)
    days = [NEWEST - timedelta(days=28 * back) for back in reversed(range(DATES))]
    rows = pd.concat([frame(learned, place).assign(as_of_on=day) for place, day in enumerate(days)], ignore_index=True)
    random = np.random.default_rng(5)
    log_hazard = -7.4 + sum(np.tanh(rows[name].fillna(0)) for name in list(_plan().kinds)[-40:-35])
    day_left = random.exponential(np.exp(-log_hazard))
    left = {label(horizon): (day_left < horizon).astype(float) for horizon in HORIZONS}
    return rows.assign(weight=1.0, days_until_left=np.where(day_left < max(HORIZONS), day_left, np.nan), **left)


def frame(customers: int, seed: int) -> pd.DataFrame:
    """Invented customers with the columns that a night has: counts, amounts, words, and values that are missing."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {"customer_id": [f"c{number:07d}" for number in range(customers)]}
    for name, kind in _plan().kinds.items():
        if kind == "category":
            columns[name] = random.choice(["north", "south", "east", "west"], customers)
        elif kind == "boolean":
            columns[name] = random.random(customers) < 0.1
        elif "count" in name:
            columns[name] = random.poisson(0.8, customers).astype(np.float64)
        else:
            values = random.lognormal(1, 1, customers)
            columns[name] = np.where(random.random(customers) < 0.3, np.nan, values)
    return pd.DataFrame(columns).assign(monthly_margin=20.0)


if __name__ == "__main__":
    main()
