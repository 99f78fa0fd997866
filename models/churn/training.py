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
import numpy.typing as npt
import pandas as pd

from models.churn.boosting import Recipe, Rows, default_recipe, grow, threads_for, tune
from models.churn.calibration import Calibration, calibrate, constant
from models.churn.design import Design, Kind, learn_design
from models.churn.model import ChurnModel, in_order
from models.churn.params import ChurnParams
from models.churn.suspects import single_feature_auc
from models.metrics import Numbers
from models.splits import TimeSplit, customer_folds, split_by_time

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


def train(rows: pd.DataFrame, plan: Plan) -> Trained:
    """Train on a training set (`features.training_set`): one row a customer and as-of date.

    Nothing here raises for want of data: with too few churners a model of base rates comes out.
    """
    rows = rows.sort_values(["as_of_on", "customer_id"], kind="stable", ignore_index=True)
    split = split_by_time(list(rows["as_of_on"].unique()), plan.gap_days)
    if split is not None and _can_learn(_known(_at(rows, split.earlier), plan), plan):
        earlier, newest = _at(rows, split.earlier), _at(rows, (split.newest,))
        twin = fit(earlier, plan)
        told = with_probabilities(newest, twin.predict(newest, as_it_was=True))
        alone = single_feature_auc(earlier, newest, plan.kinds, {h: label(h) for h in plan.horizons})
        return Trained(fit(rows, plan), twin, "newest window", told, alone)
    model = fit(rows, plan)
    if model.kind == "base_rate":
        return Trained(model, None, "nothing", with_probabilities(rows.head(0), model.predict(rows.head(0))))
    held_out = _cross_fitted(_known(rows, plan), plan, model.design, _recipe_of(model))
    return Trained(model, None, "customers left out", held_out)


def fit(rows: pd.DataFrame, plan: Plan) -> ChurnModel:
    """One model from all of `rows`: tuned and calibrated on parts of it, grown on the whole."""
    known = _known(rows, plan)
    if not _can_learn(known, plan):
        return base_rates(rows, plan, "too few churners or stayers to learn from")
    design = learn_design(known, plan.kinds)
    if not design.names:
        return base_rates(rows, plan, "no feature says anything")
    window = _calibration_window(known, plan)
    recipe, tuned_on = _tuned(known if window is None else _at(known, window.earlier), plan, design)
    boosters = _grown(rows, plan, design, recipe)
    if window is None:
        used = _sampled(known, plan.params.calibration.max_rows)
        raw = _out_of_fold(used, plan, design, recipe)
        calibrated_on = f"{plan.params.calibration.folds} folds of customers"
    else:
        used = _at(known, (window.newest,))
        raw = _forward(_at(known, window.earlier), used, plan, design, recipe)
        calibrated_on = f"window of {window.newest.isoformat()}"
    calibrations = {h: _calibration(used, raw[h], h, plan) for h in plan.horizons}
    about = _about(known, plan) | {
        "recipe": recipe.as_dict(), "tuned_on": tuned_on, "calibrated_on": calibrated_on,
    }  # fmt: skip
    return ChurnModel("lightgbm", plan.horizons, plan.main_horizon, design, boosters, calibrations, about)


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


def _known(rows: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Rows whose main label is known."""
    return rows[rows[label(plan.main_horizon)].notna()]


def _can_learn(known: pd.DataFrame, plan: Plan) -> bool:
    churners = known[label(plan.main_horizon)].sum()
    return bool(min(churners, len(known) - churners) >= plan.params.fallback.min_churners)


def _has_both(rows: pd.DataFrame, horizon: int) -> bool:
    return rows[label(horizon)].nunique() == 2


def _at(rows: pd.DataFrame, dates: Sequence[date]) -> pd.DataFrame:
    return rows[rows["as_of_on"].isin(dates)]


def _calibration_window(known: pd.DataFrame, plan: Plan) -> TimeSplit | None:
    """Newest date and those before the gap, where there is history enough to spare it."""
    split = split_by_time(list(known["as_of_on"].unique()), plan.gap_days)
    need = plan.params.calibration
    if split is None or len(split.earlier) < need.own_window_dates:
        return None
    if (split.earlier[-1] - split.earlier[0]).days < need.own_window_span_days:
        return None
    parts = (_at(known, split.earlier), _at(known, (split.newest,)))
    return split if all(_can_learn(part, plan) for part in parts) else None


def _tuned(known: pd.DataFrame, plan: Plan, design: Design) -> tuple[Recipe, str]:
    """Recipe and what it was tuned on: a later date where the gap allows, else customers left out."""
    known = _sampled(known, plan.params.tuning.max_rows)
    split = split_by_time(list(known["as_of_on"].unique()), plan.gap_days)
    if split is not None:
        learn, validate = _at(known, split.earlier), _at(known, (split.newest,))
        tuned_on = f"window of {split.newest.isoformat()}"
    if split is None or not (_can_learn(learn, plan) and _can_learn(validate, plan)):
        is_validated = _is_left_out(known, plan)
        learn, validate = known[~is_validated], known[is_validated]
        tuned_on = "customers left out"
    if not (_can_learn(learn, plan) and _can_learn(validate, plan)):
        return default_recipe(plan.params), "nothing: too few churners"
    sets = (_rows(learn, plan.main_horizon, design), _rows(validate, plan.main_horizon, design))
    recipe, loss = tune(*sets, list(design.names), design.categories, plan.params)
    log.info("churn: tuned on %s, log loss %.4f, %s", tuned_on, loss, recipe.as_dict())
    return recipe, tuned_on


def _sampled(known: pd.DataFrame, max_rows: int) -> pd.DataFrame:
    """About `max_rows` rows at most, in whole customers, so that what is done many times stays quick."""
    share = len(known) / max_rows
    return known if share <= 1 else known[customer_folds(known["customer_id"], int(np.ceil(share))) == 0]


def _is_left_out(known: pd.DataFrame, plan: Plan) -> npt.NDArray[np.bool_]:
    folds = max(2, round(1 / plan.params.tuning.validation_share))
    return np.asarray(customer_folds(known["customer_id"], folds) == 0)


def _rows(rows: pd.DataFrame, horizon: int, design: Design) -> Rows:
    known = rows[rows[label(horizon)].notna()]
    outcome = known[label(horizon)].to_numpy(dtype=np.float64)
    return Rows(design.matrix(known), outcome, known["weight"].to_numpy(dtype=np.float64))


def _grown(rows: pd.DataFrame, plan: Plan, design: Design, recipe: Recipe) -> dict[int, lgb.Booster]:
    """Trees by horizon; none for a horizon with one outcome only. An unknown label weighs nothing."""
    weight = rows["weight"].to_numpy(dtype=np.float64)
    labels = {}
    for horizon in plan.horizons:
        outcome = rows[label(horizon)].to_numpy(dtype=np.float64)
        if _has_both(rows, horizon):
            labels[horizon] = (np.nan_to_num(outcome), np.where(np.isnan(outcome), 0.0, weight))
    return grow(design.matrix(rows), labels, list(design.names), design.categories, recipe, plan.params)


def _forward(
    learn: pd.DataFrame, later: pd.DataFrame, plan: Plan, design: Design, recipe: Recipe
) -> dict[int, Numbers]:
    """Raw probabilities for `later` rows, by horizon, from trees on `learn`; NaN where nothing was learned."""
    matrix, boosters = design.matrix(later), _grown(learn, plan, design, recipe)
    threads = threads_for(len(later), plan.params.threads)
    return {
        h: np.asarray(boosters[h].predict(matrix, num_threads=threads))
        if h in boosters
        else np.full(len(later), np.nan)
        for h in plan.horizons
    }


def _out_of_fold(known: pd.DataFrame, plan: Plan, design: Design, recipe: Recipe) -> dict[int, Numbers]:
    """Raw probabilities for all rows, each from trees that saw none of the customer's rows."""
    raw = {h: np.full(len(known), np.nan) for h in plan.horizons}
    folds = customer_folds(known["customer_id"], plan.params.calibration.folds)
    for fold in range(plan.params.calibration.folds):
        parts = _forward(known[folds != fold], known[folds == fold], plan, design, recipe)
        for horizon, part in parts.items():
            raw[horizon][folds == fold] = part
    return raw


def _calibration(used: pd.DataFrame, raw: Numbers, horizon: int, plan: Plan) -> Calibration:
    """From rows whose label is known and that somebody's trees could judge."""
    outcome = used[label(horizon)].to_numpy(dtype=np.float64)
    is_usable = ~np.isnan(outcome) & ~np.isnan(raw)
    if not is_usable.any():
        return _base_rate(used[label(horizon)].dropna(), horizon, plan)
    weight = used["weight"].to_numpy(dtype=np.float64)
    return calibrate(raw[is_usable], outcome[is_usable], weight[is_usable], plan.params.calibration)


def _cross_fitted(known: pd.DataFrame, plan: Plan, design: Design, recipe: Recipe) -> pd.DataFrame:
    """Rows with calibrated probabilities from models that saw none of the customer's rows."""
    raw = _out_of_fold(known, plan, design, recipe)
    folds = customer_folds(known["customer_id"], plan.params.calibration.folds)
    probabilities = {h: np.zeros(len(known)) for h in plan.horizons}
    for fold in range(plan.params.calibration.folds):
        for h in plan.horizons:
            learned = _calibration(known[folds != fold], raw[h][folds != fold], h, plan)
            probabilities[h][folds == fold] = learned(np.nan_to_num(raw[h][folds == fold], nan=0.5))
    return with_probabilities(known, in_order(probabilities, plan.main_horizon))


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
        "threads": plan.params.threads,
        "seed": plan.params.seed,
        "gap_days": plan.gap_days,
    }
