"""A DR-learner with known propensities: for each customer and action, how far the share kept lies from its chance.

Two stages, both LightGBM. The first says what was to be expected of each account, by trees that never saw its fold:
with weights 1 / probability^2 that is m = P(held out) x E(left | listed) + P(listed) x E(left | held out). The second
is fitted to the doubly robust pseudo-outcome of the effect, which for this m is simply

    score = (left - m) / probability of the arm it got, minus for the holdout.

(For a listed account (1) mu1 - mu0 + (left - mu1) / p = (left - m) / p; likewise for the holdout.) Propensities are
those by which arms were drawn: nothing is estimated of them, and the pseudo-outcome is unbiased whatever m is worth
(Kennedy 2023, *Towards optimal doubly robust estimation of heterogeneous causal effects*).

What is fitted is the difference to the chance of action and segment: where there is nothing to find the trees say
nothing, and the customer keeps that chance.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.boosting import ALIKE, Chosen
from models.churn.design import Design, Kind, learn_design
from models.metrics import Numbers, logits
from models.splits import customer_folds
from models.uplift.params import TreeParams, UpliftParams

MAIN_FILE, TREES_FILE = "uplift_model.json", "trees.txt"
ACTION, RISK = "action", "risk"


@dataclass(frozen=True)
class UpliftModel:
    """What each customer's own features add to the chance of an action.

    Attributes:
        design: the matrix's columns, action and risk among them.
        trees: of the difference.
        actions: for which it was trained; others keep their chance.
        trust: share of what the trees say that is believed, 0 to 1: what held of it on accounts they had not seen.
    """

    design: Design
    trees: lgb.Booster
    actions: tuple[str, ...]
    trust: float

    def difference(self, rows: pd.DataFrame) -> Numbers:
        """By how much the share kept lies above the chance of the row's action and segment; 0 for unknown actions.

        Args:
            rows: the features, action, risk (probability of leaving unless something is done).
        """
        if rows.empty:
            return np.empty(0)
        said = np.asarray(self.trees.predict(self.design.matrix(rows), num_threads=1))
        return np.where(rows[ACTION].isin(list(self.actions)), self.trust * said, 0.0)

    def importance(self) -> pd.Series:
        """Total gain by feature, greatest first."""
        gains = pd.Series(self.trees.feature_importance("gain"), index=list(self.design.names))
        return gains.sort_values(ascending=False, kind="stable")

    def to_files(self) -> dict[str, str]:
        """The model as text by file name: LightGBM's own format, and one JSON."""
        about = {"design": self.design.as_dict(), "actions": list(self.actions), "trust": self.trust}
        return {MAIN_FILE: json.dumps(about, indent=1, sort_keys=True), TREES_FILE: self.trees.model_to_string()}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "UpliftModel":
        """The model that `to_files` wrote.

        Raises:
            KeyError: a file or an entry is missing.
        """
        about = json.loads(files[MAIN_FILE])
        design, trees = Design.from_dict(about["design"]), lgb.Booster(model_str=files[TREES_FILE])
        return cls(design, trees, tuple(about["actions"]), float(about["trust"]))


def grow_uplift(rows: pd.DataFrame, kinds: Mapping[str, Kind], params: UpliftParams) -> UpliftModel:
    """The model of these accounts.

    Args:
        rows: one row an account: account_id, left (1 or 0), is_held_out, arm_probability (of the arm it got), action,
            risk (above 0), chance (of its action and segment, not learned from accounts it is judged on), features.
        kinds: the features, and what they are.
        params: of the repository.
    """
    design = learn_design(rows, {**kinds, ACTION: "category", RISK: "number"})
    matrix = design.matrix(rows)
    own, risk = rows["arm_probability"].to_numpy(float), rows[RISK].to_numpy(float)
    fold = customer_folds("cross " + rows["account_id"], params.folds)  # others than those it may be judged on
    expected = _cross_fitted(fold, lambda seen, out: expect(
        grow_outcome(rows[seen], matrix[seen], design, params), rows[out], matrix[out]
    ))  # fmt: skip
    target, weight = -scores(rows, expected) / risk - rows["chance"].to_numpy(float), own * (1 - own) * risk

    def grown(chosen: Chosen) -> lgb.Booster:
        values = _lightgbm(params.effect, params, int(chosen.sum())) | {"objective": "regression"}
        learned = _dataset(matrix[chosen], design, target[chosen], weight[chosen])
        return lgb.train(values, learned, num_boost_round=params.effect.rounds)

    said = _cross_fitted(fold, lambda seen, out: grown(seen).predict(matrix[out], num_threads=1))
    counts = rows[ACTION].value_counts()
    actions = tuple(sorted(counts[counts >= params.least_action].index))
    return UpliftModel(design, grown(np.ones(len(rows), bool)), actions, trust(said, target, weight))


def trust(said: Numbers, target: Numbers, weight: Numbers) -> float:
    """Share of what the trees say that holds on accounts they had not seen: a slope, less what luck makes of one.

    The regression of the pseudo-outcome on the prediction (Chernozhukov, Demirer, Duflo and Fernandez-Val 2018, *best
    linear predictor*), shrunk by the positive part of 1 - variance / slope^2 and kept between 0 and 1.

    Worked: a slope of 0.5 with a standard error of 0.25 gives 0.5 x (1 - 0.25) = 0.375.
    """
    size = float(weight @ said**2)
    if size == 0:
        return 0.0
    slope = float(weight @ (said * target)) / size
    variance = float(weight**2 @ (said * (target - slope * said)) ** 2) / size**2
    return 0.0 if slope <= 0 else float(np.clip(slope - variance / slope, 0.0, 1.0))


def scores(rows: pd.DataFrame, expected: Numbers) -> Numbers:
    """The pseudo-outcome of each account: its mean is the change of the probability of leaving by being listed.

    Args:
        rows: left, is_held_out, arm_probability (of the arm it got).
        expected: what was to be expected of it.

    Worked: listed with 0.8, left, expected 0.3: 0.7 / 0.8 = 0.875.
    """
    sign = np.where(rows["is_held_out"], -1.0, 1.0)
    miss = rows["left"].to_numpy(float) - expected
    return np.asarray(sign * miss / rows["arm_probability"].to_numpy(float))


def held_out_scores(seen: pd.DataFrame, judged: pd.DataFrame, design: Design, params: UpliftParams) -> Numbers:
    """The pseudo-outcomes of `judged`, with what was to be expected learned from `seen` alone; rows as there."""
    grown = grow_outcome(seen, design.matrix(seen), design, params)
    return scores(judged, expect(grown, judged, design.matrix(judged)))


def _cross_fitted(fold: npt.NDArray[np.int64], told: Callable[[Chosen, Chosen], Any]) -> Numbers:
    """What is told of each fold by what was learned from the others: `told(seen, out)`."""
    found = np.empty(len(fold))
    for number in np.unique(fold):
        found[fold == number] = told(fold != number, fold == number)
    return found


def grow_outcome(rows: pd.DataFrame, matrix: Any, design: Design, params: UpliftParams) -> lgb.Booster:
    """Trees for what is to be expected of an account, from the risk on."""
    weight = rows["arm_probability"].to_numpy(float) ** -2
    learned = _dataset(matrix, design, rows["left"].to_numpy(float), weight)
    learned.set_init_score(logits(rows[RISK].to_numpy(float)))
    values = _lightgbm(params.outcome, params, len(rows)) | {"objective": "binary", "boost_from_average": False}
    return lgb.train(values, learned, num_boost_round=params.outcome.rounds)


def expect(grown: lgb.Booster, rows: pd.DataFrame, matrix: Any) -> Numbers:
    """What these trees expect of each account."""
    said = np.asarray(grown.predict(matrix, raw_score=True, num_threads=1))
    return np.asarray(1 / (1 + np.exp(-said - logits(rows[RISK].to_numpy(float)))))


def _dataset(matrix: Any, design: Design, label: Numbers, weight: Numbers) -> lgb.Dataset:
    return lgb.Dataset(
        matrix, label, weight=weight / weight.mean(), feature_name=list(design.names),
        categorical_feature=design.categories, params=ALIKE,
    )  # fmt: skip


def _lightgbm(trees: TreeParams, params: UpliftParams, count: int) -> dict[str, Any]:
    return {
        **ALIKE,
        "seed": params.seed,
        "bagging_freq": 1,
        "learning_rate": trees.learning_rate,
        "num_leaves": trees.num_leaves,
        "min_data_in_leaf": max(20, int(count * trees.least_leaf_share)),
        "lambda_l2": count * trees.lambda_share,
        "feature_fraction": trees.feature_fraction,
        "bagging_fraction": trees.bagging_fraction,
    }
