"""Gradient-boosted trees that come out the same every time, and the search for their parameters.

LightGBM with `deterministic`, `force_row_wise` and a fixed number of threads; Optuna with a seed and a
number of trials. A validation is judged by log loss after its level was set right: how many leave in
a given quarter is the calibration's business, who leaves is the trees'.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
from scipy.optimize import brentq
from scipy.special import expit

from models.churn.design import Matrix
from models.churn.params import ChurnParams
from models.metrics import Numbers, logits, row_log_loss

MANY_ROWS = 100_000  # from here on more than one thread pays
LEVEL_LIMIT = 12.0  # log odds; no level lies further out


@dataclass(frozen=True)
class Rows:
    """What trees learn from or are judged on: one row a customer and as-of date, ordered by key."""

    matrix: Matrix
    outcome: Numbers
    weight: Numbers


@dataclass(frozen=True)
class Recipe:
    """How to grow the trees: LightGBM's parameters and how many."""

    trees: Mapping[str, int | float]
    rounds: int

    def as_dict(self) -> dict[str, int | float]:
        return {**self.trees, "rounds": self.rounds}


def default_recipe(params: ChurnParams) -> Recipe:
    """What is used where nothing can be tuned."""
    return Recipe(params.defaults.model_dump(), params.default_rounds)


def grow(
    matrix: Matrix,
    labels: Mapping[int, tuple[Numbers, Numbers]],
    names: list[str],
    categories: list[int],
    recipe: Recipe,
    params: ChurnParams,
) -> dict[int, lgb.Booster]:
    """Trees for each horizon from the same rows, which are put into bins once.

    Args:
        matrix: rows x features.
        labels: by horizon, outcome and weight of each row; weight 0 where the outcome is unknown.
        names: of the matrix's columns.
        categories: positions of those that hold categories.
        recipe: how to grow.
        params: of the repository.
    """
    settings = _lightgbm(recipe.trees, params, len(matrix))
    boosters = {}
    binned: lgb.Dataset | None = None
    for horizon, (outcome, weight) in labels.items():
        if binned is None:
            binned = _dataset(Rows(matrix, outcome, weight), names, categories, params).construct()
        binned.set_label(outcome)
        binned.set_weight(weight)
        boosters[horizon] = lgb.train(settings, binned, num_boost_round=recipe.rounds)
    return boosters


def tune(
    learn: Rows, validate: Rows, names: list[str], categories: list[int], params: ChurnParams
) -> tuple[Recipe, float]:
    """The recipe with the least validation loss among the trials, and that loss.

    The first trial is the default, so tuning never does worse on the validation rows than not tuning.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    learn_set = _dataset(learn, names, categories, params)

    def loss(trial: optuna.Trial) -> float:
        settings = _lightgbm(_suggest(trial, params), params, len(learn.outcome))
        found, best = _fit_with_stopping(learn_set, validate, settings, params)
        trial.set_user_attr("rounds", found)
        return best

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=params.seed))
    first = params.defaults.model_dump()
    study.enqueue_trial({name: value for name, value in first.items() if name != "learning_rate"})
    study.optimize(loss, n_trials=params.tuning.trials)
    trees = first | study.best_params
    return Recipe(trees, int(study.best_trial.user_attrs["rounds"])), float(study.best_value)


def levelled_log_loss(outcome: Numbers, probability: Numbers, weight: Numbers) -> float:
    """Log loss after one number was added to all log odds so that expected equals observed."""
    logit = logits(probability)
    observed = np.average(outcome, weights=weight)
    if not 0 < observed < 1:
        return float(np.average(row_log_loss(outcome, probability), weights=weight))
    shift = brentq(
        lambda level: np.average(expit(logit + level), weights=weight) - observed,
        -2 * LEVEL_LIMIT, 2 * LEVEL_LIMIT, xtol=1e-6,
    )  # fmt: skip
    return float(np.average(row_log_loss(outcome, expit(logit + shift)), weights=weight))


def _suggest(trial: optuna.Trial, params: ChurnParams) -> dict[str, int | float]:
    space = params.search
    return params.defaults.model_dump() | {
        "num_leaves": trial.suggest_int("num_leaves", *space.num_leaves, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", *space.min_data_in_leaf, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", *space.lambda_l2, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", *space.feature_fraction),
        "bagging_fraction": trial.suggest_float("bagging_fraction", *space.bagging_fraction),
    }


def _fit_with_stopping(
    learn_set: lgb.Dataset, validate: Rows, settings: dict[str, Any], params: ChurnParams
) -> tuple[int, float]:
    """Number of rounds with the least validation loss, and that loss."""

    def feval(predicted: Numbers, _: lgb.Dataset) -> tuple[str, float, bool]:
        return "levelled_log_loss", levelled_log_loss(validate.outcome, predicted, validate.weight), False

    booster = lgb.train(
        settings | {"metric": "None"},
        learn_set,
        num_boost_round=params.tuning.max_rounds,
        valid_sets=[lgb.Dataset(validate.matrix, validate.outcome, reference=learn_set, free_raw_data=False)],
        feval=feval,
        callbacks=[lgb.early_stopping(params.tuning.patience_rounds, verbose=False)],
    )
    return max(1, booster.best_iteration), float(booster.best_score["valid_0"]["levelled_log_loss"])


def _dataset(rows: Rows, names: list[str], categories: list[int], params: ChurnParams) -> lgb.Dataset:
    return lgb.Dataset(
        rows.matrix,
        rows.outcome,
        weight=rows.weight,
        feature_name=names,
        categorical_feature=categories,
        free_raw_data=False,
        params={
            "verbose": -1,
            "num_threads": threads_for(len(rows.outcome), params.threads),
            "feature_pre_filter": False,
        },
    )


def threads_for(row_count: int, threads: int) -> int:
    """One thread for few rows: on a busy machine threads that wait for one another cost more than they bring.

    Depends on the rows alone, so that the same rows give the same trees.
    """
    return threads if row_count >= MANY_ROWS else 1


def _lightgbm(trees: Mapping[str, int | float], params: ChurnParams, row_count: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "verbose": -1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads_for(row_count, params.threads),
        "seed": params.seed,
        "bagging_freq": 1,
        "feature_pre_filter": False,
        **trees,
    }
