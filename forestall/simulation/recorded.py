"""What recorded features tell of a demo company's truth: what a choice made from data can go by."""

import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.model_selection import GroupKFold, cross_val_predict

from features.columns import features

FOLDS = 5


def told_by_features(rows: pd.DataFrame, truth: pd.DataFrame, seed: int = 20) -> pd.DataFrame:
    """The truth as trees tell it that were shown that of others.

    Args:
        rows: customers (index) with account_id and the features.
        truth: the same customers; numbers.
        seed: of trees and folds.

    Returns:
        As `truth`; nobody's was learned from their own account's.
    """
    names = [column.name for column in features() if column.name in rows]
    is_text = {name: rows[name].dtype == object or pd.api.types.is_string_dtype(rows[name]) for name in names}
    seen = rows[names].astype({name: "category" if is_text[name] else "float64" for name in names})
    trees = LGBMRegressor(
        n_estimators=250, learning_rate=0.04, num_leaves=15, min_child_samples=40, colsample_bytree=0.5, n_jobs=1,
        verbose=-1, deterministic=True, force_row_wise=True, random_state=seed,
    )  # fmt: skip
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=seed).split(seen, groups=rows["account_id"]))
    told = {name: cross_val_predict(trees, seen, truth[name], cv=folds) for name in truth}
    return pd.DataFrame(told, index=rows.index)
