"""Judging on rows whose truth is known: figures, pairing, groups, and how sure it is."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.backtests import ALL, CHURN_BACKTEST
from models.churn.evaluation import MEASURES, MODELS, OURS, RIVALS, judge, judged_rows
from models.churn.training import label
from models.metrics import binary_metrics

START = date(2026, 1, 1)


def _judged(cutoffs: int = 1, customers: int = 1500, seed: int = 1, drift: float = 0.0) -> pd.DataFrame:
    """Customers whose chance is known to our model, known with noise to the first rival, unknown to the second."""
    random = np.random.default_rng(seed)
    parts = []
    for number in range(cutoffs):
        logit = random.normal(-1.5, 1, customers)
        outcome = (random.random(customers) < 1 / (1 + np.exp(-logit - drift * number))).astype(float)
        rows = pd.DataFrame({
            "customer_id": [f"c{n}" for n in range(customers)], "as_of_on": START + timedelta(days=28 * number),
            "weight": 1.0, "segment": np.where(np.arange(customers) % 3 == 0, "business", "consumer"),
            "region": None, "language": np.where(np.arange(customers) < 12, "xx", "en"),
            "tenure_days": np.arange(customers) % 1500, label(30): outcome, label(60): outcome * np.nan,
        })  # fmt: skip
        chance = 1 / (1 + np.exp(-logit))
        noisy = 1 / (1 + np.exp(-logit - random.normal(0, 1, customers)))
        said = dict(zip(MODELS, (chance, noisy, np.full(customers, 0.2)), strict=True))
        parts.append(judged_rows(rows, (30, 60), {model: {30: p, 60: p} for model, p in said.items()}))
    return pd.concat(parts, ignore_index=True)


def _one(table: pd.DataFrame, measure: str, model: str = OURS, versus: str = "", **where: object) -> pd.Series:
    wanted = {"grouping": ALL, "cutoff": START.isoformat()} | where
    rows = table[(table["measure"] == measure) & (table["model"] == model) & (table["compared_with"] == versus)]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return judge(_judged(), 30, seed=1)


def test_it_has_the_documented_columns_and_key(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == CHURN_BACKTEST.names
    assert not table.duplicated(list(CHURN_BACKTEST.key)).any()
    assert set(table["horizon_days"]) == {30}  # nobody's outcome within 60 days is known


def test_the_figures_are_those_of_the_rows_and_the_truth_lies_within(table: pd.DataFrame) -> None:
    rows = _judged()
    expected = binary_metrics(rows["outcome"].to_numpy(), rows[OURS].to_numpy())
    for measure in MEASURES[:-1]:
        assert _one(table, measure)["value"] == pytest.approx(expected[measure])
    slope = _one(table, "calibration_slope")
    assert slope["low"] < 1 < slope["high"] < 1.3
    assert (slope["customer_count"], slope["leaver_count"]) == (1500, rows["outcome"].sum())


def test_differences_are_paired(table: pd.DataFrame) -> None:
    """Ours less the rival's, and surer than two intervals that know nothing of one another."""
    gain, ours, rival = (
        _one(table, "auc", OURS, RIVALS[0]), _one(table, "auc"), _one(table, "auc", RIVALS[0]),
    )  # fmt: skip
    assert gain["value"] == pytest.approx(ours["value"] - rival["value"])
    assert gain["low"] > 0
    apart = np.hypot(ours["high"] - ours["low"], rival["high"] - rival["low"])
    assert gain["high"] - gain["low"] < 0.8 * apart


def test_groups_that_are_too_small_are_left_out(table: pd.DataFrame) -> None:
    groups = table.groupby("grouping")["group_name"].unique().map(set).to_dict()
    assert groups["segment"] == {"business", "consumer"}
    assert groups["language"] == {"en"}
    assert groups["tenure"] == {"under 90 days", "under a year", "1 to 3 years", "over 3 years"}
    assert "region" not in groups
    assert _one(table, "auc", grouping="segment", group_name="business")["customer_count"] == 500


def test_the_mean_of_cutoffs_bears_their_difference() -> None:
    alike, apart = (judge(_judged(3, 800, drift=drift), 30, seed=1) for drift in (0.0, 0.6))
    for table in (alike, apart):
        own = table[(table["measure"] == "observed_over_expected") & (table["grouping"] == ALL)]
        own = own[(own["model"] == OURS) & (own["compared_with"] == "")].set_index("cutoff")
        assert own.loc[ALL, "value"] == pytest.approx(own.drop(ALL)["value"].mean())
        assert own.loc[ALL, "customer_count"] == 2400
    widths = [
        np.ptp(_one(table, "observed_over_expected", cutoff=ALL)[["low", "high"]].astype(float))
        for table in (alike, apart)
    ]
    assert widths[1] > 1.5 * widths[0]


def test_one_outcome_gives_a_table_without_a_guess() -> None:
    rows = _judged(customers=60).assign(outcome=0.0)
    auc = _one(judge(rows, 30, seed=1), "auc")
    assert np.isnan([auc["value"], auc["low"], auc["high"]]).all()
    assert judge(rows.head(0), 30, seed=1).empty
