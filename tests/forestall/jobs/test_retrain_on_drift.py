"""When a night starts a retraining by itself, and when it does not."""

from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd
import pytest

from features.published_churn import SCORE_DRIFT
from forestall.jobs import retrain_on_drift as job
from forestall.jobs.check_publication import customers_as_learned
from forestall.night import Night
from forestall.settings import ConfigError, Settings
from models.tracking import register, track

DAY = date(2026, 3, 2)


@pytest.fixture
def retrained(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The dates on which the weekly job was called; what it does is shown elsewhere."""
    calls: list[date] = []

    def noted(_: Settings, run_date: date) -> dict[str, str]:
        calls.append(run_date)
        return {"challenger": "churn/2", "notes": ""}

    monkeypatch.setattr(job, "retrain_churn", noted)
    return calls


def _drift(score: float, feature: float, gain_share: float) -> pd.DataFrame:
    return pd.DataFrame({
        "kind": ["score", "feature"], "subject": ["score", "wait"], "stability_index": [score, feature],
        "is_drifted": [score > 0.25, feature > 0.25], "gain_share": [float("nan"), gain_share],
        "missing_share_before": 0.0, "missing_share_now": 0.0, "reference_count": 500, "current_count": 500,
        "reference_on": date(2025, 11, 18), "model_version": "churn/1",
    })  # fmt: skip


def _night(settings: Settings, drift: pd.DataFrame, trained_days_ago: int) -> None:
    Night(settings, DAY).write(SCORE_DRIFT.name, drift)
    trained_on = (DAY - timedelta(days=trained_days_ago)).isoformat()
    with track(settings.tracking_uri, "churn", "one") as run:
        register(run, "churn", {"churn_model.json": trained_on}, {"run_date": trained_on})


@pytest.mark.parametrize(
    ("drift", "why"),
    [
        (_drift(0.4, 0.0, 0.5), "the risks have shifted: stability index 0.40"),
        (_drift(0.1, 0.3, 0.5), "features that carry 50% of what the model goes by have shifted: wait"),
    ],
)
def test_a_shift_of_what_matters_trains_a_challenger(
    company: Callable[[str], Settings], retrained: list[date], drift: pd.DataFrame, why: str
) -> None:
    settings = company("")
    _night(settings, drift, trained_days_ago=8)
    told = job.retrain_on_drift(settings, DAY)
    assert retrained == [DAY]
    assert (told["is_retrained"], told["challenger"]) == (1, "churn/2")
    assert why in str(told["notes"])


def test_no_shift_trains_nothing(company: Callable[[str], Settings], retrained: list[date]) -> None:
    settings = company("")
    _night(settings, _drift(0.2, 0.9, 0.1), trained_days_ago=90)
    assert job.retrain_on_drift(settings, DAY) == {"is_retrained": 0}
    Night(settings, DAY).write(SCORE_DRIFT.name, SCORE_DRIFT.arrow_schema().empty_table())
    assert job.retrain_on_drift(settings, DAY) == {"is_retrained": 0}
    assert retrained == []


def test_a_shift_that_a_young_model_could_not_mend_waits(
    company: Callable[[str], Settings], retrained: list[date]
) -> None:
    settings = company("")
    _night(settings, _drift(0.4, 0.0, 0.5), trained_days_ago=6)
    told = job.retrain_on_drift(settings, DAY)
    assert "not trained again, since the newest model is 6 days old" in str(told["notes"])
    assert retrained == []


def test_a_backfill_trains_nothing(company: Callable[[str], Settings], retrained: list[date]) -> None:
    settings = company("").for_backfill()
    Night(settings, DAY).write(SCORE_DRIFT.name, _drift(0.4, 0.0, 0.5))
    assert job.retrain_on_drift(settings, DAY) == {"is_retrained": 0}
    assert retrained == []


def test_without_a_scored_night_it_says_what_to_run(company: Callable[[str], Settings]) -> None:
    with pytest.raises(ConfigError, match="score_drift of 2026-03-02: not there yet"):
        job.retrain_on_drift(company(""), DAY)


def test_the_gate_warns_of_a_shift_and_stops_nothing() -> None:
    gate, measure = customers_as_learned(_drift(0.4, 0.3, 0.5))
    assert (gate.severity, measure.value, measure.failed_count) == ("warning", 1, 2)
    assert measure.observed.startswith("the risks have shifted")
    assert customers_as_learned(_drift(0.1, 0.3, 0.1))[1].value == 0
    assert customers_as_learned(_drift(0.1, 0.3, 0.1).head(0))[1].value is None
