"""Drift by effect size: what moves it, and what must not."""

import numpy as np
import pandas as pd
import pytest

from models.churn.design import learn_design
from models.churn.drift import FEATURE, SCORE, Reference, drift_verdict, measure_drift, reference_of, stability_index
from models.churn.params import DriftParams

LIMITS = DriftParams(stability_limit=0.25, gain_share=0.25, retrain_after_days=7, max_rows=100_000, calendar=())
KINDS = {"wait": "number", "plan": "category", "calls": "number"}
GAIN = pd.Series({"wait": 6.0, "plan": 3.0, "calls": 1.0})


def _customers(count: int, seed: int, *, longer_waits: float = 0.0, share_of_gold: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "customer_id": [f"c{seed}-{number}" for number in range(count)],
        "wait": rng.normal(longer_waits, 1, count),
        "plan": np.where(rng.random(count) < share_of_gold, "gold", "basic"),
        "calls": rng.poisson(0.3, count).astype(float),
    })  # fmt: skip


def _drift(
    now: pd.DataFrame, count: int = 5000, score_shift: float = 0.0, limits: DriftParams = LIMITS
) -> pd.DataFrame:
    before = _customers(count, 1)
    design = learn_design(before, KINDS)  # type: ignore[arg-type]
    probability = np.random.default_rng(2).beta(2, 20, count)
    reference = reference_of("2026-01-01", design, design.matrix(before), probability)
    reference = Reference.from_dict(reference.as_dict())  # as it comes back from its file
    said = np.random.default_rng(3).beta(2, 20, len(now)) + score_shift
    return measure_drift(reference, design, now, said, GAIN, limits).set_index("subject")


def test_the_index_is_the_published_formula_less_what_chance_gives() -> None:
    assert stability_index((500_000, 500_000), (600_000, 400_000)) == pytest.approx(0.040547, abs=1e-5)
    assert stability_index((600_000, 400_000), (500_000, 500_000)) == pytest.approx(0.040547, abs=1e-5)
    assert stability_index((10, 0, 90), (10, 0, 90)) == 0


@pytest.mark.parametrize("count", [100, 1000, 100_000])
def test_the_same_population_raises_no_alarm_however_many_there_are(count: int) -> None:
    drift = _drift(_customers(count, 7), count)
    assert drift["stability_index"].max() < 0.1
    assert drift_verdict(drift.reset_index(), LIMITS) == ""


def test_a_trifle_raises_none_even_where_it_is_significant() -> None:
    drift = _drift(_customers(90_000, 7, longer_waits=0.1), 90_000)
    # 0.1 standard deviations at n = 90,000: t = 21; the index of a normal shift is its square, 0.01
    assert drift.loc["wait", "stability_index"] == pytest.approx(0.01, abs=0.003)
    assert not drift["is_drifted"].any()


def test_a_shift_of_a_feature_that_carries_the_model_calls_for_a_retraining() -> None:
    drift = _drift(_customers(5000, 7, longer_waits=1.0))
    assert drift.loc["wait", "is_drifted"]
    assert not drift.loc["plan", "is_drifted"]
    told = drift_verdict(drift.reset_index(), LIMITS)
    assert told == "features that carry 60% of what the model goes by have shifted: wait"


def test_what_moves_with_the_calendar_is_measured_and_raises_no_alarm() -> None:
    of_calendar = LIMITS.model_copy(update={"calendar": ("wait",)})
    drift = _drift(_customers(5000, 7, longer_waits=1.0), limits=of_calendar)
    assert drift.loc["wait", "stability_index"] > LIMITS.stability_limit
    assert not drift["is_drifted"].any()


def test_a_shift_of_one_that_carries_little_does_not() -> None:
    now = _customers(5000, 7).assign(calls=np.nan)
    drift = _drift(now)
    assert drift.loc["calls", "is_drifted"]
    assert (drift.loc["calls", "missing_share_before"], drift.loc["calls", "missing_share_now"]) == (0, 1)
    assert drift_verdict(drift.reset_index(), LIMITS) == ""


def test_other_words_and_another_mix_of_words_are_seen() -> None:
    assert _drift(_customers(5000, 7, share_of_gold=0.7)).loc["plan", "is_drifted"]
    assert _drift(_customers(5000, 7).assign(plan="platinum")).loc["plan", "is_drifted"]  # never seen: missing


def test_a_shift_of_the_score_is_told_first() -> None:
    drift = _drift(_customers(5000, 7), score_shift=0.1)
    assert drift.iloc[0]["kind"] == SCORE
    assert list(drift.index[1:]) == ["wait", "plan", "calls"]
    assert set(drift["kind"][1:]) == {FEATURE}
    assert drift_verdict(drift.reset_index(), LIMITS).startswith("the risks have shifted: stability index ")


def test_nobody_to_look_at_is_no_drift() -> None:
    assert not _drift(_customers(0, 7))["is_drifted"].any()
