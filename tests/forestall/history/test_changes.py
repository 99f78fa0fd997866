"""The night before, read from the warehouse and from what was published, under tonight's model."""

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from features.published_churn import CHURN_SCORES
from forestall.history.changes import changes_since, last_published, previous_scores, published_since
from forestall.night import Night
from forestall.warehouse import open_warehouse
from models.churn.changes import Seen
from models.churn.model import ChurnModel

LAST, RUN_DATE = date(2026, 3, 1), date(2026, 3, 2)
PHRASES = {"complaint_count_30d": "{value} complaints in the last 30 days", "attribute_size": "size: {value}"}
TABLE = """
    CREATE TABLE marts.fct_customer_features (customer_id VARCHAR, as_of_on DATE, is_training BOOLEAN,
        is_active BOOLEAN, is_under_notice BOOLEAN, is_profiling_allowed BOOLEAN, complaint_count_30d BIGINT,
        attributes VARCHAR)
"""


@dataclass(frozen=True)
class Additive:
    """A model of which one knows what it says: each complaint adds a half to the log odds, sizes a hundredth."""

    main_horizon: int = 90

    def contributions(self, rows: pd.DataFrame) -> pd.DataFrame:
        size = pd.to_numeric(rows.get("attribute_size", pd.Series(0.0, rows.index)), errors="coerce").fillna(0.0)
        return pd.DataFrame({"complaint_count_30d": 0.5 * rows["complaint_count_30d"], "attribute_size": size / 100})

    def predict(self, rows: pd.DataFrame) -> dict[int, Any]:
        return {90: np.asarray(1 / (1 + np.exp(1 - self.contributions(rows).sum(axis=1))), dtype=np.float64)}


MODEL = cast(ChurnModel, Additive())


def seen(complaints: list[int], **more: Any) -> Seen:
    rows = pd.DataFrame({"customer_id": [f"c{at}" for at in range(len(complaints))], "complaint_count_30d": complaints})
    rows = rows.assign(**more)
    return Seen(rows, MODEL.contributions(rows), MODEL.predict(rows)[90])


@pytest.fixture
def night(company):
    """Last night c0 had one complaint and c1 two; c1's row was built for training, and counts for nothing."""
    settings = company("")
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute(TABLE)
        warehouse.execute(
            "INSERT INTO marts.fct_customer_features VALUES "
            "('c0', DATE '2026-03-01', false, true, false, true, 1, '{\"size\": 10}'), "
            "('c1', DATE '2026-03-01', true, true, false, true, 2, NULL), "
            "('stranger', DATE '2026-03-01', false, true, false, true, 9, NULL)"
        )
    return Night(settings, RUN_DATE)


def publish(night: Night, run_date: date = LAST, version: str = "churn/1", offset: float = 0.0) -> None:
    then = seen([1, 2], attribute_size=10.0)
    rows = pd.DataFrame({
        "customer_id": then.rows["customer_id"], "horizon_days": 90, "churn_probability": then.probability + offset,
        "model_version": version,
    }).reindex(columns=list(CHURN_SCORES.names))  # fmt: skip
    folder = night.published / run_date.isoformat()
    folder.mkdir(parents=True)
    rows.to_parquet(folder / "churn_scores.parquet", index=False)
    (folder / "manifest.json").write_text("{}")


def told(night: Night, tonight: Seen, version: str = "churn/1") -> pd.Series:
    last = last_published(night)
    found = changes_since(night, last, previous_scores(last), tonight, MODEL, version, PHRASES)
    return found.set_index("customer_id")["change_reason"]


def test_the_night_before_is_the_last_that_was_published(night):
    publish(night)
    publish(night, date(2026, 2, 20), offset=0.5)
    publish(night, RUN_DATE, offset=0.5)  # a first publication of this very night is none before it
    found = previous_scores(last_published(night)).set_index("customer_id")["previous_churn_probability"]
    assert found["c0"] == pytest.approx(seen([1], attribute_size=10.0).probability[0])
    reasons = told(night, seen([3, 2, 1], attribute_size=10.0))
    assert reasons["c0"].endswith(" points since yesterday: 3 complaints in the last 30 days, up from 1")
    assert reasons["c1"] == "unchanged since yesterday"
    assert reasons["c2"] == "first scored tonight"


def test_nights_since_a_day_begin_with_the_one_that_spoke_of_it(night):
    for day in (1, 10, 15, 20):
        publish(night, date(2026, 2, day))
    publish(night, RUN_DATE)
    again = night.published / "2026-02-15.r2"
    again.mkdir()
    (again / "manifest.json").write_text("{}")
    found = [(one.run_date.day, one.revision) for one in published_since(night, date(2026, 2, 12))]
    assert found == [(10, 1), (15, 2), (20, 1)]
    assert [one.run_date.day for one in published_since(night, date(2026, 2, 10))] == [10, 15, 20]
    assert [one.run_date.day for one in published_since(night, date(2026, 1, 20))] == [1, 10, 15, 20]


def test_rows_of_training_do_not_tell_what_was_known(night):
    publish(night)
    points = 100 * (seen([1, 4]).probability[1] - seen([1, 2], attribute_size=10.0).probability[1])
    assert told(night, seen([1, 4]))["c1"] == f"up {points:.1f} points since yesterday"


def test_another_version_is_a_new_model(night):
    publish(night, version="churn/1", offset=-0.05)
    assert "(new model +5.0, what happened +" in told(night, seen([3], attribute_size=10.0), "churn/2")["c0"]
    assert "new model" not in told(night, seen([3], attribute_size=10.0), "churn/1")["c0"]


def test_a_night_further_back_is_named_by_its_day(night):
    publish(night, date(2026, 2, 27))
    reason = told(night, seen([3], attribute_size=10.0))["c0"]
    assert reason.startswith("up ")
    assert reason.endswith(" points since 27 February")  # of that day no features are kept here


def test_without_an_earlier_night_every_score_is_the_first(night):
    assert set(told(night, seen([1, 2]))) == {"first scored tonight"}


def test_an_attribute_that_reads_otherwise_counts_as_unchanged(night):
    publish(night)
    tonight = seen([1], attribute_size=pd.Series(["large"], dtype="str"))
    assert "size" not in told(night, tonight)["c0"]
