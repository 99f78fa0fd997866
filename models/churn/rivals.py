"""The rivals that any model must beat, learned from the same rows: recency, frequency and value; LightGBM untouched.

The first is what an analyst does in an afternoon: a logistic regression on recency, frequency and value. The second
is what a library does without us: LightGBM as it comes, on the same features and as-of dates, neither tuned nor
calibrated.
"""

from collections.abc import Sequence

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.churn.design import learn_design
from models.churn.params import RivalParams
from models.churn.training import Plan, label
from models.metrics import Numbers
from models.splits import customer_folds

RECENCY_FREQUENCY_VALUE = "recency, frequency, value"
PLAIN_LIGHTGBM = "LightGBM out of the box"
RIVALS = (RECENCY_FREQUENCY_VALUE, PLAIN_LIGHTGBM)

Said = dict[str, dict[int, Numbers]]


def rivals_say(learn: pd.DataFrame, later: pd.DataFrame, plan: Plan, horizons: Sequence[int]) -> Said:
    """Probabilities of `later` by rival and horizon, learned from the rows of `learn` whose label is known."""
    said: Said = {rival: {} for rival in RIVALS}
    for horizon in horizons:
        known = learn[learn[label(horizon)].notna()]
        outcome, weight = (known[name].to_numpy(dtype=np.float64) for name in (label(horizon), "weight"))
        said[RECENCY_FREQUENCY_VALUE][horizon] = rival_probabilities(known, outcome, weight, later, plan.params.rival)
        said[PLAIN_LIGHTGBM][horizon] = plain_probabilities(known, outcome, weight, later, plan)
    return said


def rivals_left_out(rows: pd.DataFrame, plan: Plan, horizons: Sequence[int], folds: int) -> Said:
    """The same for customers left out: each from the rows of other customers."""
    fold = customer_folds(rows["customer_id"], folds)
    said: Said = {rival: {horizon: np.full(len(rows), np.nan) for horizon in horizons} for rival in RIVALS}
    for left_out in range(folds):
        part = rivals_say(rows[fold != left_out], rows[fold == left_out], plan, horizons)
        for rival, values in part.items():
            for horizon, probability in values.items():
                said[rival][horizon][fold == left_out] = probability
    return said


def plain_probabilities(
    learn: pd.DataFrame, outcome: Numbers, weight: Numbers, later: pd.DataFrame, plan: Plan
) -> Numbers:
    """LightGBM with the parameters it comes with, 100 rounds; the base rate where nothing can be learned."""
    design = learn_design(learn, plan.kinds)
    if not design.names or not 0 < outcome.sum() < len(outcome):
        return _base_rate(outcome, weight, len(later))
    settled = {"objective": "binary", "verbose": -1, "deterministic": True, "force_col_wise": True}
    rows = lgb.Dataset(design.matrix(learn), outcome, weight=weight, categorical_feature=design.categories)
    booster = lgb.train(settled | {"seed": plan.params.seed, "num_threads": plan.params.threads}, rows)
    return np.asarray(booster.predict(design.matrix(later), num_threads=1)) if len(later) else np.empty(0)


def rival_probabilities(
    learn: pd.DataFrame, outcome: Numbers, weight: Numbers, later: pd.DataFrame, params: RivalParams
) -> Numbers:
    """Probabilities for `later`, learned from `learn`; the base rate where none of the columns is there.

    Each of recency, frequency and value is the first of its columns that says something in `learn`;
    it enters as log(1 + x), with a null replaced by the median and marked as null.
    """
    from sklearn.impute import SimpleImputer  # a second; only where something is learned
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = [name for names in (params.recency, params.frequency, params.value) for name in _first(learn, names)]
    if not names or not 0 < outcome.sum() < len(outcome):
        return _base_rate(outcome, weight, len(later))
    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    model.fit(_logs(learn, names), outcome, logisticregression__sample_weight=weight)
    return np.asarray(model.predict_proba(_logs(later, names))[:, 1]) if len(later) else np.empty(0)


def _base_rate(outcome: Numbers, weight: Numbers, count: int) -> Numbers:
    return np.full(count, float(np.average(outcome, weights=weight)) if len(outcome) else np.nan)


def _first(rows: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in rows and rows[name].notna().any()][:1]


def _logs(rows: pd.DataFrame, names: list[str]) -> Numbers:
    values = rows[names].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))
