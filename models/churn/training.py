"""How a churn model is made: tune, grow, calibrate; and how it is judged before it is trusted.

Two models come out. The **held-out twin** learned only from as-of dates whose labels were all known
when the newest labelled window began; that window judges it, and is looked at once. The **model**
that goes to work was made the same way from all labelled dates, the newest included, so that it does
not miss the last months. Comparisons of champion and challenger use twins, never a model that has
seen the window.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.churn.boosting import Chosen, Labels, Recipe, binned, default_recipe, grow, tune
from models.churn.calibration import Calibration, calibrate, constant
from models.churn.design import Design, Kind, Matrix, learn_design
from models.churn.model import ChurnModel, in_order
from models.churn.params import ChurnParams
from models.churn.suspects import single_feature_auc
from models.metrics import Numbers
from models.splits import TimeSplit, customer_folds, customer_sample, split_by_time

log = logging.getLogger(__name__)

Judged = Literal["newest window", "customers left out", "nothing"]


@dataclass(frozen=True)
class Plan:
    """What is to be learned.

    Attributes:
        kinds: the features and what they are.
        horizons: days, ascending.
        main_horizon: the one that lists are made by.
        gap_days: label window and grace of the main horizon.
        params: of `models/params/churn.yml`.
    """

    kinds: Mapping[str, Kind]
    horizons: tuple[int, ...]
    main_horizon: int
    gap_days: int
    params: ChurnParams


@dataclass(frozen=True)
class Trained:
    """A model, its twin, and what the twin said of rows that it had not learned from.

    Attributes:
        model: learned from all labelled dates.
        twin: learned from dates before the gap; None where history is too short.
        judged: on what.
        predictions: the judged rows of the training set with `churn_probability_<horizon>` added.
        alone: feature x horizon: AUC of each feature by itself on the newest window; empty where there is none.
    """

    model: ChurnModel
    twin: ChurnModel | None
    judged: Judged
    predictions: pd.DataFrame
    alone: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class _Ground:
    """The rows of a training as the trees take them: put into bins once, learned from whole or in parts.

    Attributes:
        rows: customer x as-of date.
        matrix: the design of all rows.
        bins: the same in LightGBM's bins.
        labels: by horizon, of all rows.
    """

    rows: pd.DataFrame
    matrix: Matrix
    bins: lgb.Dataset
    labels: Mapping[int, Labels]

    def at(self, dates: Sequence[date]) -> Chosen:
        """Which rows are of these as-of dates."""
        return np.asarray(self.rows["as_of_on"].isin(dates))


@dataclass(frozen=True)
class _Fitted:
    """A model, the rows that calibrated it, and what trees that never saw those said of them, by horizon."""

    model: ChurnModel
    used: pd.DataFrame
    raw: Mapping[int, Numbers]


def train(rows: pd.DataFrame, plan: Plan) -> Trained:
    """Train on a training set (`features.training_set`): one row a customer and as-of date.

    Nothing here raises for want of data: with too few churners a model of base rates comes out.
    """
    rows = rows.sort_values(["as_of_on", "customer_id"], kind="stable", ignore_index=True)
    split = _split(rows, plan)
    if split is not None and _can_learn(_at(rows, split.earlier), plan):
        earlier, newest = _at(rows, split.earlier), _at(rows, (split.newest,))
        twin = fit(earlier, plan)
        told = with_probabilities(newest, twin.predict(newest, as_it_was=True))
        alone = single_feature_auc(earlier, newest, plan.kinds, {h: label(h) for h in plan.horizons})
        del earlier  # or it would lie in memory beside all rows while the model grows
        return Trained(_fitted(rows, plan, twin).model, twin, "newest window", told, alone)
    fitted = _fitted(rows, plan)
    model, used = fitted.model, fitted.used
    if model.kind == "base_rate":
        return Trained(model, None, "nothing", with_probabilities(used, model.predict(used)))
    return Trained(model, None, "customers left out", _cross_fitted(fitted, plan))


def fit(rows: pd.DataFrame, plan: Plan) -> ChurnModel:
    """One model from all of `rows`: tuned and calibrated on parts of it, grown on the whole."""
    return _fitted(rows, plan).model


def _fitted(rows: pd.DataFrame, plan: Plan, twin: ChurnModel | None = None) -> _Fitted:
    """One model; where there is a twin of it, tuned as that was.

    Calibrated by what trees of the same dates say of customers whom they never saw: a level that other, older
    trees needed on the newest dates would be added to what these have learned from them already.
    """
    is_known = _is_known(rows, plan)
    if not _can_learn(rows, plan):
        return _Fitted(base_rates(rows, plan, "too few churners or stayers to learn from"), rows.head(0), {})
    design = learn_design(rows[is_known], plan.kinds)
    if not design.names:
        return _Fitted(base_rates(rows, plan, "no feature says anything"), rows.head(0), {})
    ground = _ground(rows, plan, design)
    if twin is not None and twin.boosters:
        recipe, tuned_on = _recipe_of(twin), twin.about["tuned_on"]
    else:
        recipe, tuned_on = _tuned(ground, is_known, plan)
    boosters = grow(ground.bins, np.ones(len(rows), dtype=np.bool_), ground.labels, recipe, plan.params)
    used = is_known & customer_sample(rows["customer_id"], plan.params.calibration.max_rows / is_known.sum())
    raw = _out_of_fold(ground, used, recipe, plan)
    calibrations = {h: _calibration(rows[used], raw[h], h, plan) for h in plan.horizons}
    about = _about(rows[is_known], plan) | {
        "recipe": recipe.as_dict(), "tuned_on": tuned_on,
        "calibrated_on": f"{plan.params.calibration.folds} folds of customers",
    }  # fmt: skip
    model = ChurnModel("lightgbm", plan.horizons, plan.main_horizon, design, boosters, calibrations, about)
    return _Fitted(model, rows[used], raw)


def base_rates(rows: pd.DataFrame, plan: Plan, reason: str) -> ChurnModel:
    """The model where nothing can be learned: the share that left, drawn towards a prior."""
    log.warning("churn: %s; base rates stand in", reason)
    rates = {h: _base_rate(rows[label(h)].dropna(), h, plan) for h in plan.horizons}
    about = _about(rows, plan) | {"reason": reason}
    return ChurnModel("base_rate", plan.horizons, plan.main_horizon, Design((), {}), {}, rates, about)


def _base_rate(outcome: pd.Series, horizon: int, plan: Plan) -> Calibration:
    prior = plan.params.fallback
    expected = prior.prior_rows * prior.prior_rate * horizon / plan.main_horizon
    return constant((outcome.sum() + expected) / (len(outcome) + prior.prior_rows))


def label(horizon: int) -> str:
    """Column of the training set that says whether the customer left within `horizon` days."""
    return f"is_churned_{horizon}d"


def with_probabilities(rows: pd.DataFrame, probabilities: Mapping[int, Numbers]) -> pd.DataFrame:
    """`rows` with `churn_probability_<horizon>d` for each horizon."""
    return rows.assign(**{f"churn_probability_{horizon}d": values for horizon, values in probabilities.items()})


def _is_known(rows: pd.DataFrame, plan: Plan) -> Chosen:
    """Which rows' main label is known."""
    return rows[label(plan.main_horizon)].notna().to_numpy()


def _can_learn(rows: pd.DataFrame, plan: Plan) -> bool:
    outcome = rows[label(plan.main_horizon)].dropna()
    churners = outcome.sum()
    return bool(min(churners, len(outcome) - churners) >= plan.params.fallback.min_churners)


def _at(rows: pd.DataFrame, dates: Sequence[date]) -> pd.DataFrame:
    return rows[rows["as_of_on"].isin(dates)]


def _split(rows: pd.DataFrame, plan: Plan) -> TimeSplit | None:
    """The newest date with a known main label, and those before the gap."""
    return split_by_time(list(rows.loc[_is_known(rows, plan), "as_of_on"].unique()), plan.gap_days)


def _ground(rows: pd.DataFrame, plan: Plan, design: Design) -> _Ground:
    matrix, weight = design.matrix(rows), rows["weight"].to_numpy(dtype=np.float64)
    labels = {h: Labels(rows[label(h)].to_numpy(dtype=np.float64), weight) for h in plan.horizons}
    return _Ground(rows, matrix, binned(matrix, list(design.names), design.categories), labels)


def _tuned(ground: _Ground, allowed: Chosen, plan: Plan) -> tuple[Recipe, str]:
    """Recipe and what it was tuned on: a later date where the gap allows, else customers left out."""
    customers, need = ground.rows["customer_id"], plan.params.tuning
    allowed = allowed & customer_sample(customers, need.max_rows / allowed.sum())
    split = _split(ground.rows.loc[allowed, ["as_of_on", label(plan.main_horizon)]], plan)
    later = ground.at((split.newest,)) if split else np.zeros(len(allowed), dtype=np.bool_)
    parts = (allowed & ground.at(split.earlier if split else ()), allowed & later)
    tuned_on = f"window of {split.newest.isoformat()}" if split else ""
    main = ground.rows[[label(plan.main_horizon)]]
    if not all(_can_learn(main[part], plan) for part in parts):
        is_left_out = customer_folds(customers, max(2, round(1 / need.validation_share))) == 0
        parts = (allowed & ~is_left_out, allowed & is_left_out)
        tuned_on = "customers left out"
    if not all(_can_learn(main[part], plan) for part in parts):
        return default_recipe(plan.params), "nothing: too few churners"
    recipe, loss = tune(ground.bins, *parts, ground.labels[plan.main_horizon], plan.params)
    log.info("churn: tuned on %s, log loss %.4f, %s", tuned_on, loss, recipe.as_dict())
    return recipe, tuned_on


def _raw(boosters: Mapping[int, lgb.Booster], matrix: Matrix, plan: Plan) -> dict[int, Numbers]:
    """Raw probabilities by horizon; NaN where nothing was learned."""
    return {
        h: np.asarray(boosters[h].predict(matrix, num_threads=1)) if h in boosters else np.full(len(matrix), np.nan)
        for h in plan.horizons
    }


def _out_of_fold(ground: _Ground, used: Chosen, recipe: Recipe, plan: Plan) -> dict[int, Numbers]:
    """Raw probabilities for the used rows, each from trees that saw none of the customer's rows."""
    folds = customer_folds(ground.rows["customer_id"], plan.params.calibration.folds)
    raw = {h: np.full(len(folds), np.nan) for h in plan.horizons}
    for fold in range(plan.params.calibration.folds):
        left_out = used & (folds == fold)
        boosters = grow(ground.bins, used & (folds != fold), ground.labels, recipe, plan.params)
        if left_out.any():
            for horizon, part in _raw(boosters, ground.matrix[left_out], plan).items():
                raw[horizon][left_out] = part
    return {horizon: values[used] for horizon, values in raw.items()}


def _calibration(used: pd.DataFrame, raw: Numbers, horizon: int, plan: Plan) -> Calibration:
    """From rows whose label is known and that somebody's trees could judge."""
    outcome = used[label(horizon)].to_numpy(dtype=np.float64)
    is_usable = ~np.isnan(outcome) & ~np.isnan(raw)
    if not is_usable.any():
        return _base_rate(used[label(horizon)].dropna(), horizon, plan)
    weight = used["weight"].to_numpy(dtype=np.float64)
    return calibrate(raw[is_usable], outcome[is_usable], weight[is_usable], plan.params.calibration)


def _cross_fitted(fitted: _Fitted, plan: Plan) -> pd.DataFrame:
    """The rows that calibrated, with probabilities from trees and calibrations that saw none of the customer's rows."""
    used, raw = fitted.used, fitted.raw
    folds = customer_folds(used["customer_id"], plan.params.calibration.folds)
    probabilities = {h: np.zeros(len(used)) for h in plan.horizons}
    for fold in range(plan.params.calibration.folds):
        for h in plan.horizons:
            learned = _calibration(used[folds != fold], raw[h][folds != fold], h, plan)
            probabilities[h][folds == fold] = learned(np.nan_to_num(raw[h][folds == fold], nan=0.5))
    return with_probabilities(used, in_order(probabilities, plan.main_horizon))


def _recipe_of(model: ChurnModel) -> Recipe:
    values = dict(model.about["recipe"])
    return Recipe({name: value for name, value in values.items() if name != "rounds"}, int(values["rounds"]))


def _about(rows: pd.DataFrame, plan: Plan) -> dict[str, Any]:
    dates = sorted(day.isoformat() for day in rows["as_of_on"].unique())
    churners = rows[label(plan.main_horizon)].sum()
    return {
        "as_of_dates": dates,
        "row_count": len(rows),
        "churner_count": int(churners),
        "seed": plan.params.seed,
        "gap_days": plan.gap_days,
    }
