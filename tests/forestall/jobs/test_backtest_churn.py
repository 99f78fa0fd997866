"""A backtest on whatever there is to judge: bad input gets a table without guesses, pictures and a line."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.backtests import ALL
from forestall.history.churn import ChurnHistory
from forestall.jobs import backtest_churn as job
from forestall.settings import ConfigError, Settings
from models.churn.evaluation import OURS, judge
from models.churn.logbook import flat_metrics, newest_judged
from models.churn.params import churn_params
from models.churn.training import Plan, label, train

KINDS = {"complaints": "number", "plan": "category", "is_contacted_recently": "boolean"}
PLAN = Plan(KINDS, (30, 90), 90, 104, churn_params())  # type: ignore[arg-type]
KNOWN_ON, DAY = date(2026, 3, 2), date(2025, 11, 18)


def _rows(customers: int, day: date, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    complaints = random.poisson(0.5, customers).astype(float)
    left = (random.random(customers) < 0.1 + 0.2 * complaints.clip(max=3)).astype(float)
    return pd.DataFrame({
        "customer_id": [f"c{number}" for number in range(customers)], "as_of_on": day, "weight": 1.0,
        "complaints": complaints, "plan": random.choice(["basic", "pro"], customers), "is_contacted_recently": False,
        "segment": None, label(30): left * (random.random(customers) < 0.5), label(90): left,
    })  # fmt: skip


def _history(customers: int) -> pd.DataFrame:
    return pd.concat([_rows(customers, DAY - timedelta(days=104 + 28 * back), seed=back) for back in range(3)])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


def _run(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, history: pd.DataFrame, judged: pd.DataFrame
) -> dict[str, int | float | str]:
    monkeypatch.setattr(job, "last_build_on", lambda _: KNOWN_ON)
    monkeypatch.setattr(job, "read_churn_backtest", lambda *_: (ChurnHistory(history, PLAN), judged))
    return dict(job.backtest_churn(settings, [DAY]))


NULL = {"complaints": np.nan, "plan": None}


@pytest.mark.parametrize(
    ("history", "judged"),
    [
        (_history(300).assign(**{label(30): 0.0, label(90): 0.0}), _rows(300, DAY, 9)),
        (_history(300), _rows(300, DAY, 9).assign(**{label(30): 0.0, label(90): 0.0})),
        (_history(300), _rows(300, DAY, 9).assign(**{label(30): 1.0, label(90): 1.0})),
        (_history(10), _rows(10, DAY, 9)),
        (_history(300).assign(**NULL), _rows(300, DAY, 9).assign(**NULL)),
        (_history(300), _rows(300, DAY, 9).assign(plan="never seen")),
        (_history(0), _rows(10, DAY, 9)),
        (_history(0), _rows(400, DAY, 9)),
    ],
    ids=["no churner learned", "no churner came", "all left", "ten customers", "all null", "a new word", "ten at once",
         "a snapshot"],
)  # fmt: skip
def test_any_input_gives_a_table_pictures_and_no_guess(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, capsys: pytest.CaptureFixture[str],
    history: pd.DataFrame, judged: pd.DataFrame,
) -> None:  # fmt: skip
    measured = _run(monkeypatch, settings, history, judged)
    assert (measured["customers"], measured["leavers"]) == (len(judged), judged[label(90)].sum())
    assert np.isfinite([measured["log_loss"], measured["rival_log_loss"], measured["plain_log_loss"]]).all()
    assert np.isnan(measured["auc"]) == (judged[label(90)].nunique() < 2)
    folder = Path(str(measured["folder"]))
    assert {path.suffix for path in folder.iterdir()} == {".parquet", ".png"}
    table = pd.read_parquet(folder / "churn_backtest.parquet")
    assert set(table["cutoff"]) == {"2025-11-18"}
    told = capsys.readouterr().out
    assert "nan" not in told
    assert ("from the other customers" in told) == history.empty


def test_several_dates_are_told_each_and_together(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job, "last_build_on", lambda _: KNOWN_ON)
    monkeypatch.setattr(
        job, "read_churn_backtest", lambda _, __, day: (ChurnHistory(_history(300), PLAN), _rows(300, day, day.day))
    )
    measured = job.backtest_churn(settings, [DAY, DAY - timedelta(days=28), DAY])
    folder = Path(str(measured["folder"]))
    assert folder.name == "2025-10-21_2025-11-18_2"
    table = pd.read_parquet(folder / "churn_backtest.parquet")
    auc = table[(table["measure"] == "auc") & (table["grouping"] == ALL) & (table["model"] == OURS)]
    auc = auc[(auc["compared_with"] == "") & (auc["horizon_days"] == 90)].set_index("cutoff")["value"]
    assert auc[ALL] == pytest.approx(auc.drop(ALL).mean())
    assert measured["auc"] == auc[ALL]
    told = capsys.readouterr().out
    assert "churn as of 2025-10-21" in told
    assert "mean over the as-of dates" in told


def test_what_cannot_be_judged_is_one_line(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    unknown = _rows(20, DAY).assign(**{label(90): np.nan})
    with pytest.raises(ConfigError, match="the last date that can be judged is 2025-11-18"):
        _run(monkeypatch, settings, _history(300), unknown)
    monkeypatch.setattr(job, "last_build_on", lambda _: None)
    with pytest.raises(ConfigError, match="run `forestall nightly` first"):
        job.backtest_churn(settings)


@pytest.mark.parametrize("customers", [0, 10, 300])
def test_a_training_is_judged_whatever_came_of_it(customers: int) -> None:
    rows = _history(customers)
    trained = train(rows, PLAN)
    metrics = flat_metrics(judge(newest_judged(rows, trained, PLAN), 90, seed=1), 90)
    assert ("auc_gain_over_plain" in metrics) == (trained.judged != "nothing")
    assert (trained.judged == "nothing") == (customers < 300)
