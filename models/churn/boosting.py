"""Gradient-boosted trees that come out the same every time, and the search for their parameters.

LightGBM with `deterministic`, `force_col_wise` and one thread a booster: threads of one booster wait for
one another at every split, which on a busy machine costs many times what it brings. Horizons and folds grow
side by side instead. Optuna with a seed and a number of trials, and a budget of time that ends them early on
a slow machine: the number that was done is kept, and given as the number of trials it repeats the training. A
validation is judged by log loss after its level was set right: how many leave in a given quarter is the
calibration's business, who leaves is the trees'.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.churn.design import Matrix
from models.churn.params import ChurnParams
from models.metrics import Numbers, logits, row_log_loss

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)

LEVEL_STEPS = 100  # far more than a level needs
ALIKE = {"verbose": -1, "num_threads": 1, "deterministic": True, "force_col_wise": True, "feature_pre_filter": False}

Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labels:
    """What became of each row within one horizon, NaN where unknown, what the row weighs, and its date's level.

    The level (log odds of the date's share of leavers) is given to the trees: what they learn is who leaves, not when.
    """

    outcome: Numbers
    weight: Numbers
    level: Numbers

    def of(self, chosen: Chosen) -> "Labels":
        """Those of the chosen rows."""
        return Labels(self.outcome[chosen], self.weight[chosen], self.level[chosen])


@dataclass(frozen=True)
class Recipe:
    """How to grow the trees (LightGBM's parameters and how many) and the straight lines beside them (`ridge`)."""

    trees: Mapping[str, int | float]
    rounds: int
    ridge: float

    def as_dict(self) -> dict[str, int | float]:
        return {**self.trees, "rounds": self.rounds, "ridge": self.ridge}

    @classmethod
    def from_dict(cls, values: Mapping[str, int | float]) -> "Recipe":
        trees = {name: value for name, value in values.items() if name not in ("rounds", "ridge")}
        return cls(trees, int(values["rounds"]), float(values["ridge"]))


def default_recipe(params: ChurnParams) -> Recipe:
    """What is used where nothing can be tuned."""
    return Recipe(params.defaults.model_dump(), params.default_rounds, params.linear.default_ridge)


def binned(matrix: Matrix, names: list[str], categories: list[int], params: ChurnParams) -> lgb.Dataset:
    """Rows put into LightGBM's bins, once for all trees that learn from them or from a part of them.

    Args:
        matrix: rows x features.
        names: of the matrix's columns.
        categories: positions of those that hold categories.
        params: how many bins.
    """
    settings = {**ALIKE, "max_bin": params.max_bin}
    return lgb.Dataset(matrix, feature_name=names, categorical_feature=categories, params=settings).construct()


def grow(
    rows: lgb.Dataset, choices: Sequence[Chosen], labels: Mapping[int, Labels], recipe: Recipe, params: ChurnParams
) -> list[dict[int, lgb.Booster]]:
    """For each choice of rows the trees of each horizon, from the rows whose label is known; all side by side.

    A horizon is left out where its chosen rows have one outcome only.

    Args:
        rows: in bins (`binned`).
        choices: which of them to learn from; the largest first, so that no processor waits for it at the end.
        labels: by horizon, of all rows.
        recipe: how to grow.
        params: of the repository.
    """

    def grown(chosen: Chosen, own: Labels) -> lgb.Booster | None:
        learned = chosen & ~np.isnan(own.outcome)
        if len(np.unique(own.outcome[learned])) < 2:
            return None
        settings = _lightgbm(recipe.trees, rows, params)
        return lgb.train(settings, _part(rows, learned, own), num_boost_round=recipe.rounds)

    with ThreadPoolExecutor(params.threads) as pool:
        growing = [{h: pool.submit(grown, chosen, own) for h, own in labels.items()} for chosen in choices]
        all_grown = [{h: future.result() for h, future in trees.items()} for trees in growing]
    return [{h: booster for h, booster in trees.items() if booster is not None} for trees in all_grown]


def tune(
    rows: lgb.Dataset, learned: Chosen, validated: Chosen, labels: Labels, params: ChurnParams
) -> tuple[Recipe, float, int]:
    """The recipe with the least loss on the validated rows among the trials, that loss, and how many trials were done.

    Of the trees alone; the ridge is the default's. The first trial is the default, so tuning never does worse on the
    validation rows than not tuning.
    """
    import optuna  # half a second; only where something is tuned

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    learn_set, validation_set = _part(rows, learned, labels), _part(rows, validated, labels)
    outcome, weight = labels.outcome[validated], labels.weight[validated]

    def judge(predicted: Numbers, _: lgb.Dataset) -> tuple[str, float, bool]:
        return "levelled_log_loss", levelled_log_loss(outcome, predicted, weight), False

    def loss(trial: "optuna.Trial") -> float:
        booster = lgb.train(
            _lightgbm(_suggest(trial, params), rows, params) | {"metric": "None"},
            learn_set,
            num_boost_round=params.tuning.max_rounds,
            valid_sets=[validation_set],
            feval=judge,
            callbacks=[lgb.early_stopping(params.tuning.patience_rounds, verbose=False)],
        )
        trial.set_user_attr("rounds", max(1, booster.best_iteration))
        return float(booster.best_score["valid_0"]["levelled_log_loss"])

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=params.seed))
    first = params.defaults.model_dump()
    study.enqueue_trial({name: value for name, value in first.items() if name != "learning_rate"})
    study.optimize(loss, n_trials=params.tuning.trials, timeout=params.tuning.budget_s)
    done = len(study.trials)
    if done < params.tuning.trials:
        log.warning("churn: the budget of %.0f s ended the tuning after %d trials", params.tuning.budget_s, done)
    trees = first | study.best_params
    rounds = int(study.best_trial.user_attrs["rounds"])
    return Recipe(trees, rounds, params.linear.default_ridge), float(study.best_value), done


def levelled_log_loss(outcome: Numbers, probability: Numbers, weight: Numbers) -> float:
    """Log loss after one number was added to all log odds so that expected equals observed.

    The number is approached by the difference of the log odds of the two rates. Each step falls short of
    it (the log odds of a mean move by less than what is added to all), so none can overshoot.
    """
    level = logits(probability)
    observed = np.average(outcome, weights=weight)
    if not 0 < observed < 1:
        return float(np.average(row_log_loss(outcome, probability), weights=weight))
    share = weight / weight.sum()
    for _ in range(LEVEL_STEPS):
        moved = expit(level)
        expected = moved @ share
        if abs(expected - observed) < 1e-7:
            break
        level = level + np.log(observed / expected * (1 - expected) / (1 - observed))
    return float(row_log_loss(outcome, moved) @ share)


def _suggest(trial: "optuna.Trial", params: ChurnParams) -> dict[str, int | float]:
    space = params.search
    return params.defaults.model_dump() | {
        "num_leaves": trial.suggest_int("num_leaves", *space.num_leaves, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", *space.min_data_in_leaf, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", *space.lambda_l2, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", *space.feature_fraction),
        "bagging_fraction": trial.suggest_float("bagging_fraction", *space.bagging_fraction),
    }


def _part(rows: lgb.Dataset, chosen: Chosen, labels: Labels) -> lgb.Dataset:
    """The chosen rows in the bins of all, with their labels and levels."""
    part = rows.subset(np.flatnonzero(chosen).tolist()).construct()
    part.set_label(labels.outcome[chosen])
    part.set_weight(labels.weight[chosen])
    part.set_init_score(labels.level[chosen])
    return part


def _lightgbm(trees: Mapping[str, int | float], rows: lgb.Dataset, params: ChurnParams) -> dict[str, Any]:
    return {
        **ALIKE,
        "objective": "binary",
        "seed": params.seed,
        "bagging_freq": 1,
        "max_bin": params.max_bin,
        "monotone_constraints": [params.monotone.sign(name) for name in rows.get_feature_name()],
        **trees,
    }
