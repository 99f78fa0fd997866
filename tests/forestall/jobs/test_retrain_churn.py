"""What retraining decides, and what becomes of it; on purchases it is shown in tests/examples/test_online_retail.py."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forestall.history import churn as history
from forestall.history.churn import ChurnHistory
from forestall.jobs.retrain_churn import retrain_churn
from forestall.jobs.train_churn import train_churn
from forestall.settings import ConfigError, Settings
from models.churn.params import MODEL, churn_params
from models.churn.training import Plan, label
from models.tracking import aliased, champion_on, rollback, versions

FIRST, DAY = date(2025, 5, 12), date(2026, 3, 2)
KINDS = {"complaints": "number", "is_contacted_recently": "boolean"}
LEFT = label(90)


def _plan(**kinds: str) -> Plan:
    params = churn_params()
    few = params.model_copy(update={"tuning": params.tuning.model_copy(update={"trials": 1})})
    return Plan(KINDS | kinds, (90,), 90, 104, few)  # type: ignore[arg-type]


def _rows(dates: int, *, teaches: float) -> pd.DataFrame:
    """Customers four weeks apart; each complaint raises the log odds of leaving by `teaches`."""
    random = np.random.default_rng(4)
    count = 400 * dates
    complaints = random.poisson(0.7, count).astype(float)
    chance = 1 / (1 + np.exp(1.5 - teaches * complaints))
    left = (random.random(count) < chance).astype(float)
    return pd.DataFrame({
        "customer_id": np.tile([f"c{number:03d}" for number in range(400)], dates),
        "as_of_on": np.repeat([FIRST + timedelta(days=28 * back) for back in range(dates)], 400),
        "complaints": complaints, "is_contacted_recently": False, "weight": 1.0, "monthly_margin": 20.0, LEFT: left,
        "days_until_left": np.where(left == 1, random.integers(0, 90, count), np.nan),
    })  # fmt: skip


@pytest.fixture
def learn_from(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the warehouse would give."""

    def give(rows: pd.DataFrame, plan: Plan) -> None:
        monkeypatch.setattr(history, "last_build_on", lambda _: DAY)
        monkeypatch.setattr(history, "read_churn_history", lambda *_: ChurnHistory(rows, plan))

    return give


def test_before_the_first_night_there_is_nothing_to_learn_from(company: Callable[[str], Settings]) -> None:
    with pytest.raises(ConfigError, match="retrain: nothing is known yet; run `forestall nightly` first"):
        retrain_churn(company(""), date(2026, 3, 1))


def test_a_better_challenger_takes_office_the_night_after_and_can_be_sent_back(
    company: Callable[[str], Settings], learn_from: Callable[..., None]
) -> None:
    settings, morrow = company(""), DAY + timedelta(days=1)
    learn_from(_rows(5, teaches=0.0), _plan())
    before = FIRST + timedelta(days=104 + 28 * 4)
    assert train_churn(settings, before)["champion"] == "churn/1"
    learn_from(_rows(8, teaches=1.5), _plan())
    found = retrain_churn(settings, DAY)
    assert (found["is_promoted"], found["challenger"], found["champion"]) == (1, "churn/2", "churn/2")
    assert str(found["reason"]).startswith("better: log loss falls by 0.")
    assert found["log_loss_gain_low"] > 0

    def office(on: date) -> str:
        champion = champion_on(settings.tracking_uri, MODEL, on.isoformat())
        return champion.label if champion else ""

    assert (office(before), office(DAY), office(morrow)) == ("churn/1", "churn/1", "churn/2")
    (second,) = [version for version in versions(settings.tracking_uri, MODEL) if version.number == 2]
    assert second.tags["decision"] == f"promoted: {found['reason']}"
    assert second.tags["decided_on"] == DAY.isoformat()
    rollback(settings.tracking_uri, MODEL, effective_on=morrow.isoformat())
    assert (office(DAY), office(morrow)) == ("churn/1", "churn/1")


def test_a_challenger_that_learned_nothing_more_stays_one_and_it_is_said_why(
    company: Callable[[str], Settings], learn_from: Callable[..., None]
) -> None:
    settings = company("")
    learn_from(_rows(5, teaches=1.5), _plan())
    train_churn(settings, FIRST + timedelta(days=104 + 28 * 4))
    rows = _rows(8, teaches=1.5)
    shuffled = rows["complaints"].sample(frac=1, random_state=1).to_numpy()
    is_newest = rows["as_of_on"] == rows["as_of_on"].max()
    learn_from(rows.assign(complaints=rows["complaints"].where(is_newest, shuffled)), _plan())
    found = retrain_churn(settings, DAY)
    assert (found["is_promoted"], found["challenger"], found["champion"]) == (0, "churn/2", "churn/1")
    assert "not better: log loss falls by -0." in str(found["reason"])
    champion = champion_on(settings.tracking_uri, MODEL, (DAY + timedelta(days=1)).isoformat())
    assert champion is not None
    assert champion.label == "churn/1"
    challenger = aliased(settings.tracking_uri, MODEL, "challenger")
    assert challenger is not None
    assert challenger.tags["decision"] == f"not promoted: {found['reason']}"


@pytest.mark.parametrize("job", [train_churn, retrain_churn])
def test_a_feature_that_knows_too_much_or_announces_leaving_is_named(
    company: Callable[[str], Settings], learn_from: Callable[..., None], job: Callable[..., dict[str, object]]
) -> None:
    rows = _rows(8, teaches=0.5)
    rows = rows.assign(
        closed_tickets=rows[LEFT] + np.random.default_rng(1).normal(0, 0.3, len(rows)),
        cancels=(rows["days_until_left"] <= 14).astype(float),
    )
    learn_from(rows, _plan(closed_tickets="number", cancels="number"))
    notes = str(job(company(""), DAY)["notes"])
    beyond, announced = notes.split("; churn: ")
    assert "beyond 0.75 on the newest window by itself: closed_tickets (AUC 0.9" in beyond
    assert "complaints" not in notes
    assert announced.startswith("mostly in the last 14 days before leaving: cancels (")
