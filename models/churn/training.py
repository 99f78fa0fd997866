"""How a churn model is made: tune, grow, blend, calibrate; and how it is judged before it is trusted.

Two models come out. The **held-out twin** learned only from as-of dates whose labels were all known
when the newest labelled window began; that window judges it, and is looked at once. The **model**
that goes to work was made the same way from all labelled dates, the newest included, so that it does
not miss the last months. Comparisons of champion and challenger use twins, never a model that has
seen the window.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit

from models.churn.boosting import Chosen, Labels, Recipe, binned, default_recipe, grow, tune
from models.churn.calibration import Calibration, constant
from models.churn.design import Design, Kind, Matrix, learn_design
from models.churn.drift import Reference, reference_of
from models.churn.level import base_levels, forecast_level
from models.churn.linear import TREES_ALONE, Linear
from models.churn.model import ChurnModel, in_order
from models.churn.params import ChurnParams
from models.churn.ridge import choose_ridge, grow_linear
from models.churn.shape import Shape, learn_shape
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
        design: the columns of the matrix.
        matrix: of all rows.
        bins: the same in LightGBM's bins.
        labels: by horizon, of all rows.
    """

    rows: pd.DataFrame
    design: Design
    matrix: Matrix
    bins: lgb.Dataset
    labels: Mapping[int, Labels]

    def at(self, dates: Sequence[date]) -> Chosen:
        """Which rows are of these as-of dates."""
        return np.asarray(self.rows["as_of_on"].isin(dates))


@dataclass(frozen=True)
class _Fitted:
    """A model, the rows that calibrated it, and what trees and straight lines that never saw those say of them.

    `raw`: by horizon rows x 2, log odds without level: of the trees, of the lines.
    """

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
        earlier, newest = as_known_on(rows, plan, split.newest), _at(rows, (split.newest,))
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
        recipe, tuned_on, trials = Recipe.from_dict(twin.about["recipe"]), twin.about["tuned_on"], twin.about["trials"]
    else:
        recipe, tuned_on, trials = _tuned(ground, is_known, plan)
    used = customer_sample(rows["customer_id"], plan.params.calibration.max_rows / len(rows))
    boosters, linear, raw = _grown(ground, used, recipe, plan)
    shapes = {h: _shape(rows[used], raw[h], h, plan) for h in plan.horizons}
    calibrations = {h: shape.calibration for h, shape in shapes.items()}
    known_levels = {h: shape.levels for h, shape in shapes.items() if shape.levels}
    levels = {h: forecast_level(known_levels, h, plan.params.calibration.carried_level) for h in known_levels}
    if linear is not None:
        linear = replace(linear, weights={h: shapes[h].weights for h in linear.weights})
    about = _about(rows[is_known], plan) | {
        "recipe": recipe.as_dict(), "tuned_on": tuned_on, "trials": trials,
        "calibrated_on": f"{plan.params.calibration.folds} folds of customers",
    }  # fmt: skip
    main = plan.main_horizon
    said = calibrations[main](expit(shapes[main].blend(raw[main]) + levels[main]))
    model = ChurnModel(
        "lightgbm", plan.horizons, main, design, boosters, calibrations, about, levels,
        _reference(ground, used, said, design), linear,
    )  # fmt: skip
    return _Fitted(model, rows[used], raw)


def _reference(ground: _Ground, used: Chosen, probability: Numbers, design: Design) -> Reference:
    """The newest of the customers that calibrated, and what trees that never saw them said of them."""
    dates = ground.rows["as_of_on"].to_numpy()
    newest = dates[used].max()
    probability = np.nan_to_num(probability, nan=0.5)
    is_newest = dates[used] == newest
    return reference_of(newest.isoformat(), design, ground.matrix[used][is_newest], probability[is_newest])


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


def as_known_on(rows: pd.DataFrame, plan: Plan, day: date) -> pd.DataFrame:
    """The rows of a training set with the labels that were known on an earlier day: a short horizon's are newer."""
    grace, as_of = plan.gap_days - plan.main_horizon, pd.to_datetime(rows["as_of_on"])
    latest = {h: pd.Timestamp(day) - pd.Timedelta(days=h + grace) for h in plan.horizons}
    known = {label(h): rows[label(h)].where(as_of <= latest[h]) for h in plan.horizons}
    return rows.assign(**known).dropna(subset=list(known), how="all")


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
    matrix = design.matrix(rows)
    labels = {h: _labels(rows, h) for h in plan.horizons}
    return _Ground(rows, design, matrix, binned(matrix, list(design.names), design.categories, plan.params), labels)


def _labels(rows: pd.DataFrame, horizon: int) -> Labels:
    outcome, weight = (rows[name].to_numpy(dtype=np.float64) for name in (label(horizon), "weight"))
    return Labels(outcome, weight, base_levels(outcome, weight, rows["as_of_on"]))


def _tuned(ground: _Ground, allowed: Chosen, plan: Plan) -> tuple[Recipe, str, int]:
    """Recipe, what it was tuned on (a later date where the gap allows, else customers left out), in how many trials."""
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
        return default_recipe(plan.params), "nothing: too few churners", 0
    recipe, loss, trials = tune(ground.bins, *parts, ground.labels[plan.main_horizon], plan.params)
    if _has_lines(ground, plan):
        ridge = choose_ridge(ground.matrix, ground.design, *parts, ground.labels[plan.main_horizon], plan.params)
        recipe = replace(recipe, ridge=ridge)
    log.info("churn: tuned on %s, log loss of the trees %.4f, %s", tuned_on, loss, recipe.as_dict())
    return recipe, tuned_on, trials


def _grown(
    ground: _Ground, used: Chosen, recipe: Recipe, plan: Plan
) -> tuple[dict[int, lgb.Booster], Linear | None, dict[int, Numbers]]:
    """Trees of all rows by horizon, and straight lines; and what such say of customers they never saw.

    The last by horizon, used rows x 2 (trees, lines): log odds without the dates' levels, NaN where nothing could be
    learned.
    """
    folds = customer_folds(ground.rows["customer_id"], plan.params.calibration.folds)
    others = [used & (folds != fold) for fold in range(plan.params.calibration.folds)]
    every = np.ones(len(folds), dtype=np.bool_)
    boosters, *of_folds = grow(ground.bins, [every, *others], ground.labels, recipe, plan.params)
    trees = {h: np.full(len(folds), np.nan) for h in plan.horizons}
    for fold, blind in enumerate(of_folds):
        left_out = used & (folds == fold)
        for horizon, booster in blind.items() if left_out.any() else ():
            trees[horizon][left_out] = booster.predict(ground.matrix[left_out], raw_score=True, num_threads=1)
    linear, lines = None, dict[int, Numbers]()
    if _has_lines(ground, plan):
        linear, lines = grow_linear(ground.matrix, ground.design, folds, ground.labels, recipe.ridge, plan.params)
    unknown = np.full(used.sum(), np.nan)
    return boosters, linear, {h: np.column_stack([trees[h][used], lines.get(h, unknown)]) for h in plan.horizons}


def _has_lines(ground: _Ground, plan: Plan) -> bool:
    """Only where every row is cross-fitted: lines would be weighed against weaker trees than they stand beside."""
    return len(ground.rows) <= plan.params.calibration.max_rows


def _shape(used: pd.DataFrame, raw: Numbers, horizon: int, plan: Plan) -> Shape:
    """From rows whose label is known and that somebody's trees could judge; a base rate and no level where none is."""
    outcome = used[label(horizon)].to_numpy(dtype=np.float64)
    is_usable = ~np.isnan(outcome) & ~np.isnan(raw[:, 0])
    if not is_usable.any():
        return Shape(_base_rate(used[label(horizon)].dropna(), horizon, plan), {}, TREES_ALONE)
    rows = used[is_usable]
    weight = rows["weight"].to_numpy(dtype=np.float64)
    return learn_shape(raw[is_usable], outcome[is_usable], weight, rows["as_of_on"], plan.params.calibration)


def _cross_fitted(fitted: _Fitted, plan: Plan) -> pd.DataFrame:
    """The rows that calibrated, with probabilities from models and shapes that saw none of the customer's rows."""
    is_known = _is_known(fitted.used, plan)
    used, raw = fitted.used[is_known], {h: values[is_known] for h, values in fitted.raw.items()}
    folds = customer_folds(used["customer_id"], plan.params.calibration.folds)
    probabilities = {h: np.zeros(len(used)) for h in plan.horizons}
    for fold in range(plan.params.calibration.folds):
        own = folds == fold
        for h in plan.horizons:
            shape = _shape(used[~own], raw[h][~own], h, plan)
            probabilities[h][own] = shape(raw[h][own], used.loc[own, "as_of_on"])
    return with_probabilities(used, in_order(probabilities, plan.main_horizon))


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
