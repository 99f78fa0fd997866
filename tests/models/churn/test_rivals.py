import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.churn.params import RivalParams
from models.churn.rivals import rival_probabilities

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
