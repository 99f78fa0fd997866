"""The example's own configuration on a small file of the same shape: a snapshot of attributes with a label."""

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from forestall.history.churn import read_churn_backtest
from forestall.jobs.backtest_churn import backtest_churn
from forestall.jobs.build_features import build_features
from forestall.jobs.pull import pull
from forestall.jobs.score_churn import score_churn
from forestall.jobs.train_churn import train_churn
from forestall.night import Night
from forestall.settings import Settings, load_settings
from tests.examples.telco import telco

EXAMPLE = Path(__file__).parents[2] / "examples" / "telco" / "forestall.toml"
SNAPSHOT, RUN_DATE = date(2018, 9, 1), date(2018, 10, 1)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("telco")
    telco().to_csv(folder / "telco.csv", index=False)
    shutil.copy(EXAMPLE, folder)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TELCO", str(folder / "telco.csv"))
        environment.setenv("FORESTALL_SECRET_KEY", "a key that only the tests know")
        settings = load_settings(folder / "forestall.toml")
    assert pull(settings, RUN_DATE)["quarantined_rows"] == 0
    build_features(settings, RUN_DATE)
    return settings


def test_the_label_is_in_no_feature_and_every_customer_is_judged_by_the_others(
    company: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = backtest_churn(company)
    assert "learned from the other customers of the same date, in 5 folds" in capsys.readouterr().out
    rows = telco()
    assert (measured["customers"], measured["leavers"]) == (len(rows), (rows["Churn"] == "Yes").sum())
    assert 0.7 < measured["auc"] < 0.87  # noise and a few columns that matter: the truth's own AUC is .84

    history, judged = read_churn_backtest(company, RUN_DATE, SNAPSHOT)
    own = {name for name in history.plan.kinds if name.startswith("attribute_")}
    assert len(own) == 18  # of 21 columns all but the key, the label, and the contract, which is the plan
    assert history.rows.empty
    audited = company.outreach.model_copy(update={"fairness_attributes": ("gender",)})
    blind, _ = read_churn_backtest(company.model_copy(update={"outreach": audited}), RUN_DATE, SNAPSHOT)
    assert set(history.plan.kinds) - set(blind.plan.kinds) == {"attribute_gender"}
    left = judged["is_churned_30d"]
    for name in history.plan.kinds:
        if name in judged and judged[name].notna().any():
            alone = pd.crosstab(judged[name].astype("str"), left)
            assert (alone.min(axis=1).sum() > 0.5 * left.sum()) or len(alone) > 50, name


def test_a_night_scores_those_who_stayed_and_tells_their_attributes(company: Settings) -> None:
    assert train_churn(company, RUN_DATE)["judged"] == "customers left out"
    assert score_churn(company, RUN_DATE)["customers"] == (telco()["Churn"] == "No").sum()
    told = Night(company, RUN_DATE).read("churn_reasons")
    fibre = told[told["feature"] == "attribute_internet_service"]
    assert set(fibre["sentence"]) <= {"internet service: Fiber optic", "internet service: DSL", "internet service: No"}
    assert (fibre["sentence"] == "internet service: Fiber optic").mean() > 0.8
