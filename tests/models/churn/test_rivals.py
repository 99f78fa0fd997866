import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.churn.params import RivalParams, churn_params
from models.churn.rivals import PLAIN_LIGHTGBM, RIVALS, plain_probabilities, rival_probabilities, rivals_left_out
from models.churn.training import Plan, label

PARAMS = RivalParams(recency=("not_here", "days_since"), frequency=("count",), value=("value",))


def _rows(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"days_since": random.exponential(60, 4000), "count": random.poisson(3, 4000), "value": np.nan})
    rows["other"] = random.normal(size=4000)
    logit = -3 + 0.8 * np.log1p(rows["days_since"]) - 0.7 * np.log1p(rows["count"])
    outcome = (random.random(4000) < 1 / (1 + np.exp(-logit))).to_numpy().astype(float)
    rows.loc[::7, "days_since"] = np.nan
    return rows, outcome


def test_it_learns_from_what_is_there_and_from_nothing_else() -> None:
    (learn, outcome), (later, came) = _rows(1), _rows(2)
    said = rival_probabilities(learn, outcome, np.ones(4000), later, PARAMS)
    assert roc_auc_score(came, said) > 0.68
    assert said.mean() == pytest.approx(came.mean(), abs=0.03)
    again = rival_probabilities(learn.assign(other=outcome), outcome, np.ones(4000), later, PARAMS)
    assert (again == said).all()


def test_the_base_rate_where_nothing_can_be_learned() -> None:
    learn, outcome = _rows(1)
    none = rival_probabilities(learn[["other"]], outcome, np.ones(4000), learn.head(2), PARAMS)
    assert none == pytest.approx([outcome.mean()] * 2)
    assert rival_probabilities(learn, outcome * 0, np.ones(4000), learn.head(1), PARAMS).tolist() == [0]


PLAN = Plan({"days_since": "number", "count": "number"}, (90,), 90, 104, churn_params())


def test_out_of_the_box_is_what_the_library_does_by_itself() -> None:
    (learn, outcome), (later, _) = _rows(1), _rows(2)
    said = plain_probabilities(learn, outcome, np.ones(4000), later, PLAN)
    columns = ["days_since", "count"]
    own = lightgbm.LGBMClassifier(verbose=-1, n_jobs=1).fit(learn[columns].to_numpy(dtype="float32"), outcome)
    assert said == pytest.approx(own.predict_proba(later[columns].to_numpy(dtype="float32"))[:, 1], abs=1e-6)
    assert plain_probabilities(learn, outcome * 0, np.ones(4000), later.head(2), PLAN).tolist() == [0, 0]


def test_left_out_customers_taught_nobody_who_judged_them() -> None:
    """Rows say nothing but who they are: whoever had seen the customer's other rows would know."""
    random = np.random.default_rng(5)
    rows = pd.DataFrame({"customer_id": [f"c{n}" for n in np.repeat(np.arange(300), 4)], "weight": 1.0})
    rows["days_since"] = np.repeat(random.random(300), 4)
    rows[label(90)] = np.repeat((random.random(300) < 0.4).astype(float), 4)
    said = rivals_left_out(rows, PLAN, (90,), 5)
    assert set(said) == set(RIVALS)
    assert roc_auc_score(rows[label(90)], said[PLAIN_LIGHTGBM][90]) < 0.6
    seen = plain_probabilities(rows, rows[label(90)].to_numpy(), np.ones(1200), rows, PLAN)
    assert roc_auc_score(rows[label(90)], seen) > 0.8
