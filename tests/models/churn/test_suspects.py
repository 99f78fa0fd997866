"""A feature that holds the future is named, whatever its shape; honest ones are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.churn.suspects import single_feature_auc, suspicion

LABELS = {30: "is_churned_30d", 90: "is_churned_90d"}


def _rows(seed: int, count: int = 4000) -> pd.DataFrame:
    """Customers of whom a fifth left; `honest` says a little, the others hold who did, each in its own way."""
    random = np.random.default_rng(seed)
    left = random.random(count) < 0.2
    return pd.DataFrame({
        "honest": random.normal(size=count) + 0.5 * left,
        "null_if_left": np.where(left & (random.random(count) < 0.8), np.nan, random.normal(size=count)),
        "hump_if_left": np.where(left, random.normal(0, 0.2, count), random.normal(0, 3, count)),
        "word_if_left": np.where(left, random.choice(["b", "x"], count), random.choice(["a", "b", "c", "d"], count)),
        "is_churned_30d": 0.0,
        "is_churned_90d": pd.Series(left).astype(float).where(random.random(count) < 0.9),
    })  # fmt: skip


@pytest.fixture(scope="module")
def aucs() -> pd.DataFrame:
    kinds = {"honest": "number", "null_if_left": "number", "hump_if_left": "number", "word_if_left": "category"}
    return single_feature_auc(_rows(1), _rows(2), kinds, LABELS)  # type: ignore[arg-type]


def test_nulls_humps_and_words_count_as_much_as_slopes(aucs: pd.DataFrame) -> None:
    assert (aucs[90].drop("honest") > 0.82).all()
    # two normals half a deviation apart: Phi(0.5 / sqrt 2) = 0.638
    assert aucs.loc["honest", 90] == pytest.approx(0.638, abs=0.03)
    assert aucs.index[-1] == "honest"


def test_a_horizon_that_nobody_left_within_is_left_out(aucs: pd.DataFrame) -> None:
    assert set(aucs) == {90}


def test_what_is_beyond_the_limit_is_named_and_nothing_else(aucs: pd.DataFrame) -> None:
    line = suspicion(aucs, 0.80)
    assert all(name in line for name in ("null_if_left", "hump_if_left", "word_if_left"))
    assert "honest" not in line
    assert suspicion(aucs.loc[["honest"]], 0.80) == ""


def test_noise_is_judged_on_later_rows_and_says_nothing() -> None:
    random = np.random.default_rng(3)
    learn, later = (_rows(seed).assign(noise=random.normal(size=4000)) for seed in (1, 2))
    found = single_feature_auc(learn, later, {"noise": "number"}, LABELS)
    assert found.loc["noise", 90] == pytest.approx(0.5, abs=0.04)


def test_without_features_there_is_nothing_to_suspect() -> None:
    assert suspicion(single_feature_auc(_rows(1), _rows(2), {}, LABELS), 0.80) == ""


def test_the_auc_is_that_of_scikit_learn() -> None:
    learn, later = _rows(1), _rows(2)
    shares = learn.groupby("word_if_left")["is_churned_90d"].agg(["sum", "count"])
    drawn = (shares["sum"] + learn["is_churned_90d"].mean()) / (shares["count"] + 1)
    judged = later[later["is_churned_90d"].notna()]
    expected = roc_auc_score(judged["is_churned_90d"], judged["word_if_left"].map(drawn))
    found = single_feature_auc(learn, later, {"word_if_left": "category"}, LABELS)
    assert found.loc["word_if_left", 90] == pytest.approx(expected)
