"""The demo knows each customer's true chance to leave: no model may know more, or it has seen the future."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from forestall.demo.company import make_company, truth_now
from forestall.demo.describe import auc
from forestall.history.churn import read_churn_history
from forestall.jobs.build_features import build_features
from forestall.jobs.pull import pull
from forestall.privacy.pseudonyms import pseudonym
from forestall.settings import load_settings
from models.churn.training import Plan, label, train
from models.metrics import logits

pytestmark = pytest.mark.slow

HORIZONS = (30, 60, 90)
SCALE = 0.3
JUDGED_ON = date(2025, 11, 18)
RUN_DATE = JUDGED_ON + timedelta(days=104)  # the morning on which the window's labels are known


@dataclass(frozen=True)
class Judged:
    """Customers of the held-out window: outcomes, what the twin said, and the truth of that morning."""

    rows: pd.DataFrame
    alone: pd.DataFrame


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    folder = tmp_path_factory.mktemp("companies")
    make_company(folder / "then", scale=SCALE, until=JUDGED_ON)
    truth = truth_now(folder / "then")
    settings = load_settings(make_company(folder / "now", scale=SCALE, until=RUN_DATE).config)
    pull(settings, RUN_DATE)
    build_features(settings, RUN_DATE)
    history = read_churn_history(settings, RUN_DATE)
    trained = train(history.rows, _hardly_tuned(history.plan))
    assert trained.judged == "newest window"
    assert set(trained.predictions["as_of_on"]) == {JUDGED_ON}
    chances = truth[[f"chance_{horizon}" for horizon in HORIZONS]]
    known = chances.assign(customer_id=[pseudonym(settings, number) for number in truth["customer_id"]])
    return Judged(trained.predictions.merge(known, on="customer_id", validate="one_to_one"), trained.alone)


def _hardly_tuned(plan: Plan) -> Plan:
    """Two trials are enough to find a leak by."""
    tuning = plan.params.tuning.model_copy(update={"trials": 2})
    return replace(plan, params=plan.params.model_copy(update={"tuning": tuning}))


def _columns(judged: Judged, horizon: int) -> pd.DataFrame:
    """left, said, true: one customer of each account, for an account leaves as a whole."""
    rows = judged.rows[judged.rows[label(horizon)].notna()].drop_duplicates("account_id")
    return pd.DataFrame({
        "left": rows[label(horizon)].astype(bool), "said": rows[f"churn_probability_{horizon}d"],
        "true": rows[f"chance_{horizon}"],
    }).reset_index(drop=True)  # fmt: skip


@pytest.mark.parametrize("horizon", HORIZONS)
def test_no_model_ranks_better_than_the_truth(judged: Judged, horizon: int) -> None:
    rows = _columns(judged, horizon)
    random = np.random.default_rng(horizon)
    drawn = [rows.iloc[random.integers(0, len(rows), len(rows))].reset_index(drop=True) for _ in range(200)]
    differences = [auc(some["said"], some["left"]) - auc(some["true"], some["left"]) for some in drawn]
    assert rows["left"].sum() > 40
    assert auc(rows["said"], rows["left"]) > 0.65
    assert auc(rows["said"], rows["left"]) <= auc(rows["true"], rows["left"]) + 2 * np.std(differences)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_beside_the_truth_the_model_says_nothing_more(judged: Judged, horizon: int) -> None:
    """Sharper than a comparison of two AUCs: what a leak adds, it adds to those whom the truth holds alike."""
    rows = _columns(judged, horizon)
    columns = np.column_stack([logits(rows["true"].to_numpy()), logits(rows["said"].to_numpy())])
    fit = LogisticRegression(C=np.inf, max_iter=1000).fit(columns, rows["left"])
    chance = fit.predict_proba(columns)[:, 1]
    design = np.column_stack([np.ones(len(rows)), columns])
    covariance = np.linalg.inv(design.T @ (design * (chance * (1 - chance))[:, None]))
    assert fit.coef_[0, 1] / np.sqrt(covariance[2, 2]) < 3


def test_no_feature_is_beyond_the_limit_by_itself(judged: Judged) -> None:
    assert 0.6 < judged.alone.to_numpy().max() < 0.75
