"""A feature that holds the future is named, whatever its shape; honest ones are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.churn.suspects import announcement, last_days, single_feature_auc, suspicion

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


KINDS = {"complaints": "number", "cancels": "number", "status": "category", "has_app": "boolean", "tenure": "number"}


def _last_days(seed: int = 6, announced: float = 0.3) -> pd.DataFrame:
    """Leavers and stayers; complaints build up over months, the others announce what was decided days ago."""
    random = np.random.default_rng(seed)
    days = np.where(np.arange(6000) % 6 == 0, random.integers(0, 90, 6000).astype(float), np.nan)
    is_last, is_leaver = days <= 14, ~np.isnan(days)
    happens = is_last & (random.random(6000) < announced)
    return pd.DataFrame({
        "days_until_left": days, "is_churned_90d": is_leaver.astype(float), "tenure": random.integers(1, 900, 6000),
        "complaints": random.poisson(0.2 + 0.2 * is_leaver + 0.3 * is_last),
        "cancels": happens * 2.0, "status": np.where(happens, "closing", "open"),
        "has_app": ~(happens | (random.random(6000) < 0.02)),
    })  # fmt: skip


def test_what_is_there_only_in_the_last_days_is_named_whatever_its_kind() -> None:
    found = last_days(_last_days(), KINDS, "is_churned_90d")  # type: ignore[arg-type]
    line = announcement(found)
    assert set(found.loc[found["ratio"] >= 3, "feature"]) == {"cancels", "status = closing", "no has_app"}
    assert all(name in line for name in ("cancels (3", "status = closing", "no has_app"))
    complaints = found.set_index("feature").loc["complaints"]
    # 1 - exp(-.7), 1 - exp(-.4), 1 - exp(-.2)
    assert complaints[["share_last_days", "share_earlier", "share_stayers"]].tolist() == pytest.approx(
        [0.503, 0.330, 0.181], abs=0.07
    )


def test_nothing_is_named_without_leavers_or_without_a_reason() -> None:
    assert announcement(last_days(_last_days(announced=0.0), KINDS, "is_churned_90d")) == ""  # type: ignore[arg-type]
    nobody = _last_days().assign(days_until_left=np.nan, is_churned_90d=0.0)
    assert announcement(last_days(nobody, KINDS, "is_churned_90d")) == ""  # type: ignore[arg-type]
    assert announcement(last_days(nobody.head(0), KINDS, "is_churned_90d")) == ""  # type: ignore[arg-type]
