"""The rival that any model must beat: a logistic regression on recency, frequency and value."""

import numpy as np
import pandas as pd

from models.churn.params import RivalParams
from models.metrics import Numbers


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
        return np.full(len(later), float(np.average(outcome, weights=weight)) if len(outcome) else np.nan)
    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    model.fit(_logs(learn, names), outcome, logisticregression__sample_weight=weight)
    return np.asarray(model.predict_proba(_logs(later, names))[:, 1])


def _first(rows: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in rows and rows[name].notna().any()][:1]


def _logs(rows: pd.DataFrame, names: list[str]) -> Numbers:
    values = rows[names].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))
