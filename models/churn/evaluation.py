"""How a churn model is judged: every measure, beside two rivals on the same rows, with what chance could have done.

Judged rows are customers whose outcome is known and whom no model had learned from, each with the probabilities of
all models. Intervals are of a bootstrap that draws accounts (who leaves together is drawn together), the same
draws for every model and cutoff: so differences are paired, and a customer who is there at several cutoffs
counts as one. Over several cutoffs the figure is their mean, and its interval also bears how much the cutoffs differ
beyond chance (DerSimonian and Laird's moment estimate): with two or three of them that part is a rough guess.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from features.backtests import ALL, CHURN_BACKTEST, GROUPINGS
from models.bootstrap import Counts, poisson_draws, resampled_metrics
from models.churn.profit import expected_maximum_profit, resampled_profit
from models.churn.rivals import RIVALS
from models.churn.training import Plan, fit, label
from models.metrics import Numbers, binary_metrics
from models.splits import customer_folds

OURS = "forestall"
MODELS = (OURS, *RIVALS)
MEASURES = (
    "auc", "average_precision", "log_loss", "brier", "calibration_slope", "observed_over_expected",
    "top_observed_over_expected", "top_lift", "expected_maximum_profit",
)  # fmt: skip

LESS_IS_BETTER = {"log_loss", "brier"}
TOWARDS_ONE = {"calibration_slope", "observed_over_expected", "top_observed_over_expected"}  # no rival is beaten there

MOST_GROUPS = 8  # of a grouping: the largest
LEAST_LEAVERS = 10  # of a group, and as many stayers: below, no figure of it means anything
NORMAL_95 = 1.96
TENURES = {0: "under 90 days", 90: "under a year", 365: "1 to 3 years", 1095: "over 3 years"}  # from days


@dataclass(frozen=True)
class _Figure:
    """One measure of one model (or difference of two): what it is, and what it was in each replicate."""

    value: float
    replicates: Numbers

    def minus(self, other: "_Figure") -> "_Figure":
        return _Figure(self.value - other.value, self.replicates - other.replicates)


@dataclass(frozen=True)
class _Part:
    """Whom figures are about."""

    horizon_days: int
    grouping: str
    group_name: str


_Figures = dict[tuple[str, str, str], _Figure]  # by model, compared_with, measure


def judged_rows(rows: pd.DataFrame, horizons: Sequence[int], said: Mapping[str, Mapping[int, Numbers]]) -> pd.DataFrame:
    """Customers with a known outcome beside what every model said of them.

    Args:
        rows: rows of a training set (`features.training_set`).
        horizons: days.
        said: by model and horizon, probabilities in the order of `rows`.

    Returns:
        customer x as-of date x horizon: customer_id, account_id, cutoff (ISO), horizon_days, outcome, weight, the
        groupings, and one column of probabilities for each of `said`, null where it says nothing of a horizon.
    """
    base = pd.DataFrame({
        "customer_id": rows["customer_id"].to_numpy(),
        "account_id": rows["account_id" if "account_id" in rows else "customer_id"].to_numpy(),
        "cutoff": rows["as_of_on"].astype("str").to_numpy(),
        "weight": rows["weight"].to_numpy(dtype=np.float64),
        **{name: _words(rows[name]) if name in rows else "unknown" for name in ("segment", "region", "language")},
        "tenure": _tenures(rows),
    })  # fmt: skip
    parts = []
    for horizon in horizons:
        probabilities = {model: values.get(horizon, np.nan) for model, values in said.items()}
        part = base.assign(
            horizon_days=horizon, outcome=rows[label(horizon)].to_numpy(dtype=np.float64), **probabilities
        )
        parts.append(part[part["outcome"].notna()])
    return pd.concat(parts, ignore_index=True)


def left_out_probabilities(rows: pd.DataFrame, plan: Plan, folds: int) -> dict[int, Numbers]:
    """What models that knew nothing of a customer say of them: whole customers are left out in turn.

    Each model is tuned, grown and calibrated on the other customers only. It is the honest judgement where time
    cannot part the rows, and a milder one than time: nothing changes between learning and judging.
    """
    fold = customer_folds(rows["customer_id"], folds)
    said = {horizon: np.full(len(rows), np.nan) for horizon in plan.horizons}
    for left_out in range(folds):
        later = rows[fold == left_out]
        for horizon, probability in fit(rows[fold != left_out], plan).predict(later, as_it_was=True).items():
            said[horizon][fold == left_out] = probability
    return said


def judge(judged: pd.DataFrame, main_horizon: int, *, seed: int) -> pd.DataFrame:
    """Every measure with its interval: of all customers by horizon, and by group within the main horizon.

    Args:
        judged: `judged_rows` of one or several cutoffs.
        main_horizon: days.
        seed: of the bootstrap.

    Returns:
        `CHURN_BACKTEST`; with several cutoffs also their mean, as cutoff `all`. Groups with fewer than ten leavers or
        stayers are left out, and so are all but the eight largest of a grouping.
    """
    with threadpool_limits(1, user_api="blas"):  # thousands of small products: threads would wait for one another
        tables = _tables(judged, main_horizon, seed)
    if not tables:
        return pd.DataFrame(columns=list(CHURN_BACKTEST.names))
    return pd.concat(tables, ignore_index=True)[list(CHURN_BACKTEST.names)]


def _tables(judged: pd.DataFrame, main_horizon: int, seed: int) -> list[pd.DataFrame]:
    units, names = pd.factorize(judged["account_id"])
    draws = poisson_draws(len(names), seed)
    models = [model for model in MODELS if model in judged]
    are_several = len(judged["cutoff"].unique()) > 1
    tables = []
    for part, rows in _parts(judged, main_horizon):
        found = {}
        for cutoff, own in rows.groupby("cutoff"):
            known = [model for model in models if own[model].notna().all()]
            found[cutoff] = _figures(own, known, draws[:, units[own.index]])
            spreads = {name: _spread(figure) for name, figure in found[cutoff].items()}
            tables.append(_told(found[cutoff], spreads, own, part, str(cutoff)))
        if are_several:
            tables.append(_told(*_together(list(found.values())), rows, part, ALL))
    return tables


def _parts(judged: pd.DataFrame, main_horizon: int) -> Iterator[tuple[_Part, pd.DataFrame]]:
    for horizon in sorted(judged["horizon_days"].unique()):
        yield _Part(int(horizon), ALL, ALL), judged[judged["horizon_days"] == horizon]
    rows = judged[judged["horizon_days"] == main_horizon]
    for grouping in GROUPINGS[1:]:
        if len(rows[grouping].unique()) < 2:
            continue
        for name in rows[grouping].value_counts().index[:MOST_GROUPS]:
            own = rows[rows[grouping] == name]
            counts = own.groupby("cutoff")["outcome"].agg(["sum", "size"])
            enough = counts.index[(counts["sum"].clip(upper=counts["size"] - counts["sum"]) >= LEAST_LEAVERS)]
            if len(enough):
                yield _Part(main_horizon, grouping, str(name)), own[own["cutoff"].isin(enough)]


def _figures(rows: pd.DataFrame, models: Sequence[str], draws: Counts) -> _Figures:
    """Of one cutoff, horizon and group."""
    outcome, weight = (rows[name].to_numpy(dtype=np.float64) for name in ("outcome", "weight"))
    found: _Figures = {}
    for model in models:
        probability = rows[model].to_numpy(dtype=np.float64)
        measured = binary_metrics(outcome, probability, weight)
        measured["expected_maximum_profit"] = expected_maximum_profit(outcome, probability, weight)
        drawn = resampled_metrics(outcome, probability, weight, draws)
        drawn["expected_maximum_profit"] = resampled_profit(outcome, probability, weight, draws)
        for measure in MEASURES:
            found[model, "", measure] = _Figure(measured[measure], drawn[measure])
    for model in models[1:]:
        for measure in MEASURES:
            found[OURS, model, measure] = found[OURS, "", measure].minus(found[model, "", measure])
    return found


def _together(cutoffs: Sequence[_Figures]) -> tuple[_Figures, dict[tuple[str, str, str], float]]:
    """The mean over cutoffs, and its standard error: of the bootstrap, and of what the cutoffs differ beyond it."""
    figures: _Figures = {}
    spreads: dict[tuple[str, str, str], float] = {}
    for name in cutoffs[0]:
        own = [figures_of[name] for figures_of in cutoffs]
        values = np.array([figure.value for figure in own])
        figures[name] = _Figure(float(values.mean()), np.mean([figure.replicates for figure in own], axis=0))
        within = np.mean([_spread(figure) ** 2 for figure in own])
        beyond = max(0.0, float(values.var(ddof=1) - within)) if len(values) > 1 else 0.0
        spreads[name] = float(np.sqrt(_spread(figures[name]) ** 2 + beyond / len(values)))
    return figures, spreads


def _spread(figure: _Figure) -> float:
    """Standard error; NaN where fewer than half of the replicates give a value."""
    known = figure.replicates[np.isfinite(figure.replicates)]
    return float(known.std(ddof=1)) if 2 * len(known) > len(figure.replicates) else float("nan")


def _told(
    figures: _Figures, spreads: Mapping[tuple[str, str, str], float], rows: pd.DataFrame, part: _Part, cutoff: str
) -> pd.DataFrame:
    """Rows of `CHURN_BACKTEST`."""
    table = pd.DataFrame(list(figures), columns=["model", "compared_with", "measure"])
    value = np.array([figure.value for figure in figures.values()])
    reach = NORMAL_95 * np.array([spreads[name] for name in figures])
    return table.assign(
        value=value, low=value - reach, high=value + reach, cutoff=cutoff, horizon_days=part.horizon_days,
        grouping=part.grouping, group_name=part.group_name, customer_count=len(rows),
        leaver_count=int(rows["outcome"].sum()),
    )  # fmt: skip


def _words(column: pd.Series) -> npt.NDArray[np.object_]:
    return column.astype("object").where(column.notna(), "unknown").astype("str").to_numpy(dtype=object)


def _tenures(rows: pd.DataFrame) -> npt.NDArray[np.object_]:
    """The band of each customer's time with the company; without subscriptions since the first activity."""
    name = next((n for n in ("tenure_days", "activity_tenure_days") if n in rows and rows[n].notna().any()), None)
    if name is None:
        return np.full(len(rows), "unknown", dtype=object)
    days = pd.to_numeric(rows[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    bands = np.array(list(TENURES.values()), dtype=object)
    positions = np.clip(np.searchsorted(list(TENURES), np.nan_to_num(days), side="right") - 1, 0, None)
    return np.where(np.isnan(days), "unknown", bands[positions])
