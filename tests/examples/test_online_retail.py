"""The example's own configuration, on a small shop of the same shape: pull, build, train, score, judge, retrain.

A third of the customers are regulars; the others buy at random and may never come back.
"""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forestall.jobs.backtest_churn import backtest_churn
from forestall.jobs.build_features import build_features
from forestall.jobs.pull import pull
from forestall.jobs.retrain_churn import retrain_churn
from forestall.jobs.score_churn import score_churn
from forestall.jobs.train_churn import train_churn
from forestall.night import Night
from forestall.settings import ConfigError, Settings, load_settings
from forestall.warehouse import open_warehouse
from models.churn.params import MODEL, churn_params
from models.churn.rivals import PLAIN_LIGHTGBM
from models.tracking import alias_moves, aliased, champion_on

EXAMPLE = Path(__file__).parents[2] / "examples" / "online_retail" / "forestall.toml"
RUN_DATE = date(2011, 12, 10)
CUSTOMERS = 300

pytestmark = pytest.mark.slow


def _invoices(seed: int = 3) -> pd.DataFrame:
    """Lines of a shop: two lines an invoice, a few returns, a few lines without a customer."""
    random = np.random.default_rng(seed)
    starts = pd.Timestamp("2010-12-01 09:00") + pd.to_timedelta(random.integers(0, 150, CUSTOMERS), unit="D")
    gaps = np.where(np.arange(CUSTOMERS) % 3 == 0, 25, 75)
    stops = random.exponential(np.where(gaps == 25, 2000, 130))
    days = np.cumsum(random.exponential(gaps[:, None], (CUSTOMERS, 40)), axis=1) - gaps[:, None] * 0.5
    customer, visit = np.nonzero((days >= 0) & (days < stops[:, None]))
    at = starts[customer] + pd.to_timedelta(days[customer, visit].round(3), unit="D")
    lines = pd.DataFrame({
        "InvoiceNo": [f"{number:06d}" for number in range(len(customer))], "StockCode": "A", "Description": "A THING",
        "Quantity": random.integers(1, 12, len(customer)), "InvoiceDate": at, "UnitPrice": 2.5,
        "CustomerID": 12000 + customer, "Country": np.where(customer % 9 == 0, "France", "United Kingdom"),
    })  # fmt: skip
    returned = lines[::25].assign(InvoiceNo="C" + lines["InvoiceNo"], Quantity=-1)
    nobody = lines[::40].assign(CustomerID=np.nan)
    twice = lines.assign(StockCode="B", Quantity=1)
    rows = pd.concat([lines, twice, returned, nobody], ignore_index=True)
    rows = rows[rows["InvoiceDate"] < "2011-12-09 13:00"]
    return rows.assign(CustomerID=rows["CustomerID"].astype("Int64"), InvoiceDate=rows["InvoiceDate"].dt.as_unit("us"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The example's configuration, pulled and built on the run date, with a champion and scores."""
    folder = tmp_path_factory.mktemp("shop")
    _invoices().to_parquet(folder / "lines.parquet")
    shutil.copy(EXAMPLE, folder)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ONLINE_RETAIL", str(folder / "lines.parquet"))
        environment.setenv("FORESTALL_SECRET_KEY", "a key that only the tests know")
        settings = load_settings(folder / "forestall.toml")
    assert pull(settings, RUN_DATE)["quarantined_rows"] == 0
    assert build_features(settings, RUN_DATE)["churn_rule"] == "inactivity"
    assert train_churn(settings, RUN_DATE)["kind"] == "lightgbm"
    assert score_churn(settings, RUN_DATE)["customers"] > 200
    return settings


def test_every_customer_of_the_year_is_scored_once_and_regulars_are_safe(shop: Settings) -> None:
    scores = Night(shop, RUN_DATE).read("churn_scores")
    lines = _invoices()
    bought = lines[(lines["Quantity"] > 0) & (lines["InvoiceDate"] >= "2010-12-10")]
    assert len(scores) == scores["customer_id"].nunique() == bought["CustomerID"].nunique()
    assert set(scores["horizon_days"]) == {91}
    assert scores["churn_probability"].between(0, 1, inclusive="neither").all()
    assert sorted(scores["risk_rank"]) == list(range(1, len(scores) + 1))
    assert not set(scores["customer_id"]) & set(bought["CustomerID"].astype(str))
    is_top = scores["risk_rank"] <= len(scores) / 3
    assert scores.loc[is_top, "churn_probability"].min() >= scores.loc[~is_top, "churn_probability"].max()
    assert scores["previous_churn_probability"].isna().all()
    assert set(scores["model_version"]) == {"churn/1"}


def test_reasons_say_what_is_so(shop: Settings) -> None:
    reasons = Night(shop, RUN_DATE).read("churn_reasons")
    assert reasons["place"].between(1, 5).all()
    silent = reasons[reasons["feature"] == "days_since_last_activity"]
    assert (silent["sentence"] == "last active " + silent["value"] + " days ago").all()
    assert (reasons["contribution"] > 0).all()


def test_reasons_are_worked_out_for_the_likeliest_and_for_all_who_have_a_trigger(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = Night(shop, RUN_DATE).read("churn_scores").sort_values("risk_rank")["customer_id"].tolist()
    params = churn_params()
    few = params.model_copy(update={"reasons": params.reasons.model_copy(update={"customers": 5})})
    monkeypatch.setattr("forestall.jobs.score_churn.churn_params", lambda: few)
    triggered = everybody[-1]
    with open_warehouse(shop, "test") as warehouse:
        change = "UPDATE marts.fct_outreach_candidates SET failed_payment_count_30d = ? WHERE customer_id = ?"
        warehouse.execute(change, [1, triggered])
    score_churn(shop, RUN_DATE)
    explained = Night(shop, RUN_DATE).read("churn_contributions")["customer_id"]
    assert triggered in set(explained)
    assert len(explained) == 6
    with open_warehouse(shop, "test") as warehouse:
        warehouse.execute(change, [0, triggered])
    monkeypatch.undo()
    score_churn(shop, RUN_DATE)


def test_a_night_trains_once_and_scores_alike_when_run_again(shop: Settings) -> None:
    before = Night(shop, RUN_DATE).read("churn_scores")
    assert train_churn(shop, RUN_DATE) == {"champion": "churn/1", "kind": "lightgbm"}
    score_churn(shop, RUN_DATE)
    pd.testing.assert_frame_equal(before, Night(shop, RUN_DATE).read("churn_scores"))


def test_a_backtest_learns_only_from_what_was_known_and_finds_the_signal(
    shop: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = backtest_churn(shop, [date(2011, 9, 9)])
    told = capsys.readouterr().out
    assert "10 dates from 2011-04-08 to 2011-06-10 (gap 91 days)" in told
    assert min(measured["auc"], measured["rival_auc"], measured["plain_auc"]) > 0.65
    folder = Path(str(measured["folder"]))
    assert folder == shop.var_path / "backtests" / "churn" / "2011-09-09"
    assert {path.name for path in folder.iterdir()} == {
        "churn_backtest.parquet", "calibration.png", "lift.png", "profit.png",
    }  # fmt: skip
    table = pd.read_parquet(folder / "churn_backtest.parquet")
    ours = table[(table["measure"] == "auc") & (table["model"] == "forestall") & (table["grouping"] == "all")]
    assert ours.set_index("compared_with").loc["", "value"] == measured["auc"]
    assert ours.set_index("compared_with").loc[PLAIN_LIGHTGBM, "value"] == pytest.approx(
        measured["auc"] - measured["plain_auc"]
    )
    lines = _invoices().dropna(subset="CustomerID")
    bought = lines[lines["Quantity"] > 0]
    before = set(bought.loc[bought["InvoiceDate"] < "2011-09-09", "CustomerID"])
    after = set(bought.loc[bought["InvoiceDate"].between("2011-09-09", "2011-12-09"), "CustomerID"])
    assert (measured["customers"], measured["leavers"]) == (len(before), len(before - after))


def test_a_date_whose_window_is_not_over_is_refused(shop: Settings) -> None:
    with pytest.raises(ConfigError, match="the last date that can be judged is 2011-09-10"):
        backtest_churn(shop, [date(2011, 9, 11)])


def test_the_same_lesson_makes_no_new_champion(shop: Settings) -> None:
    summary = retrain_churn(shop, RUN_DATE)
    assert (summary["is_promoted"], summary["champion"], summary["challenger"]) == (0, "churn/1", "churn/1")
    assert "nothing new was learned" in str(summary["reason"])
    challenger = aliased(shop.tracking_uri, MODEL, "challenger")
    assert challenger is not None
    assert challenger.label == "churn/1"
    assert [move.alias for move in alias_moves(shop.tracking_uri, MODEL)] == ["champion", "challenger"]


def test_a_backfill_uses_no_model_of_later(shop: Settings) -> None:
    earlier = date(2011, 10, 1)
    assert champion_on(shop.tracking_uri, MODEL, earlier.isoformat()) is None
    backfill = shop.for_backfill()
    assert train_churn(backfill, earlier)["champion"] == ""
    assert score_churn(backfill, earlier)["customers"] == 0
    assert Night(backfill, earlier).read("churn_scores").empty
    assert len(alias_moves(shop.tracking_uri, MODEL)) <= 2
