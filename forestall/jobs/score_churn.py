"""Who is likely to leave, by when, how that changed and why, and what speaks for it.

Scores tonight's customers with the champion of the night. Customers under notice and those who opted
out of profiling are not scored. Reasons, and what moved a score, are worked out only for those whom a list
could reach: the likeliest, and whoever has a trigger. Says beside it in which segment of `segments.yml` each customer
is, also where nothing is scored.
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes import attribute_phrases, with_attributes
from features.columns import phrases, tellers
from features.published_churn import CHURN_SCORES, SCORE_DRIFT
from features.training_set import scored_population
from forestall.history.changes import FEATURES, changes_since, last_published, previous_scores
from forestall.night import Night
from forestall.outreach.segments import classify, load_segments
from forestall.outreach.triggers import FACT_COLUMNS, has_any
from forestall.records import Summary
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from models.churn.changes import Seen
from models.churn.drift import SCORE, drift_verdict, measure_drift
from models.churn.logbook import log_drift, read_version
from models.churn.model import ChurnModel
from models.churn.params import BANDS, MODEL, ChurnParams, churn_params
from models.churn.ranking import known_margins, listing_order, risk_bands
from models.churn.reasons import REASON_COLUMNS, reasons, told_as_others
from models.metrics import Numbers
from models.tracking import Version, champion_on, model_files


def score_churn(settings: Settings, run_date: date) -> Summary:
    """Write what is known of leaving tonight.

    That is `churn_scores`, `churn_reasons` (customer x reason), `churn_contributions` (customer x feature, log odds),
    `customer_segments` and `score_drift`.

    Returns:
        `customers` scored, `model`, how many stand in each band, `stability_index` of the score, and `notes` where
        nothing could be scored, or where customers have shifted.
    """
    night, params = Night(settings, run_date), churn_params()
    champion = champion_on(settings.tracking_uri, MODEL, run_date.isoformat())
    with open_warehouse(settings, f"score_churn {run_date}") as warehouse:
        everybody = warehouse.frame(FEATURES, [run_date])
        candidates = warehouse.frame(
            f"SELECT customer_id, {', '.join(FACT_COLUMNS)} FROM marts.fct_outreach_candidates"
        )
    segments = _segments(night, everybody)
    rows = with_attributes(scored_population(everybody), settings.outreach.fairness_attributes)
    if champion is None or rows.empty:
        return _write_nothing(
            night, "no churn model yet" if champion is None else "no customer whom a score may be about"
        )

    model, _ = read_version(model_files(settings.tracking_uri, champion))
    probabilities = model.predict(rows)
    scores = score_rows(rows, probabilities, model, champion.label, params)
    last = last_published(night)
    previous = previous_scores(last)
    before = previous.drop(columns="previous_model_version")
    scores = scores.merge(before, on=list(CHURN_SCORES.key), how="left", validate="1:1")
    order = listing_order(probabilities[model.main_horizon], known_margins(rows))
    triggered = rows["customer_id"].isin(candidates.loc[has_any(candidates), "customer_id"])
    listed = np.union1d(order[: params.reasons.customers], np.flatnonzero(triggered))
    likely = rows.iloc[listed]
    known_phrases = phrases() | attribute_phrases(rows.columns)
    contributions = told_as_others(model.contributions(likely), tellers())
    tonight = Seen(likely, contributions, probabilities[model.main_horizon][listed])
    told = reasons(likely, contributions, known_phrases, params.reasons.per_customer)
    night.write("churn_reasons", told)
    # Base rates know no reasons, and an action counts whole where nobody knows them.
    explained = contributions.assign(customer_id=likely["customer_id"]).iloc[: 0 if model.kind == "base_rate" else None]
    night.write("churn_contributions", explained)
    moved = changes_since(night, last, previous, tonight, model, version_told(model, champion.label), known_phrases)
    moved = moved.assign(horizon_days=model.main_horizon)
    scores = scores.merge(segments, on="customer_id", how="left", validate="m:1")
    night.write("churn_scores", scores.merge(moved, on=list(CHURN_SCORES.key), how="left", validate="1:1"))
    drift = _drift(rows, probabilities[model.main_horizon], model, champion, params)
    night.write(SCORE_DRIFT.name, drift)
    if len(drift) and not settings.is_backfill:
        log_drift(settings.tracking_uri, run_date, drift, champion)
    return _summary(scores, model, champion) | _told_drift(drift, params)


def score_rows(
    rows: pd.DataFrame, probabilities: dict[int, Numbers], model: ChurnModel, version: str, params: ChurnParams
) -> pd.DataFrame:
    """`churn_scores` without the night before: one row for each of `rows` and each horizon.

    The band is that of the main horizon throughout; the rank is within the horizon, ties by customer.
    """
    bands = risk_bands(probabilities[model.main_horizon], params.bands)
    base = pd.DataFrame({
        "customer_id": rows["customer_id"], "account_id": rows["account_id"], "segment": rows["segment"],
        "monthly_margin": rows["monthly_margin"], "risk_band": bands,
        "model_version": version_told(model, version),
    })  # fmt: skip
    parts = [
        base.assign(horizon_days=horizon, churn_probability=values, risk_rank=_ranks(values))
        for horizon, values in probabilities.items()
    ]
    return pd.concat(parts, ignore_index=True)


def version_told(model: ChurnModel, version: str) -> str:
    """The version as it is published: base rates say that they are."""
    return version if model.kind == "lightgbm" else f"{version} (base rate)"


def _drift(
    rows: pd.DataFrame, probability: Numbers, model: ChurnModel, champion: Version, params: ChurnParams
) -> pd.DataFrame:
    """`score_drift`; empty for base rates, and for models of before it was kept what they learned from."""
    if model.reference is None:
        nothing: pd.DataFrame = SCORE_DRIFT.arrow_schema().empty_table().to_pandas()
        return nothing
    drift = measure_drift(model.reference, model.design, rows, probability, model.importance(), params.drift)
    return drift.assign(reference_on=date.fromisoformat(model.reference.as_of_on), model_version=champion.label)


def _told_drift(drift: pd.DataFrame, params: ChurnParams) -> dict[str, float | str]:
    if drift.empty:
        return {}
    score = drift.loc[drift["kind"] == SCORE, "stability_index"]
    told = {"stability_index": round(float(score.iloc[0]), 3)}
    verdict = drift_verdict(drift, params.drift)
    return told | ({"notes": f"churn: {verdict}"} if verdict else {})


def _ranks(probability: Numbers) -> npt.NDArray[np.int64]:
    ranks = np.empty(len(probability), dtype=np.int64)
    ranks[np.argsort(-probability, kind="stable")] = np.arange(1, len(probability) + 1)
    return ranks


def _segments(night: Night, everybody: pd.DataFrame) -> pd.DataFrame:
    """Write the segments of all who did not refuse profiling, those under notice among them."""
    is_allowed = everybody["is_profiling_allowed"].fillna(value=True).astype(bool)
    segments = classify(everybody[is_allowed], load_segments(night.settings))
    night.write("customer_segments", segments.sort_values("customer_id", ignore_index=True))
    return segments


def _write_nothing(night: Night, why: str) -> Summary:
    night.write("churn_scores", CHURN_SCORES.arrow_schema().empty_table())
    night.write("churn_reasons", pd.DataFrame({column: [] for column in REASON_COLUMNS}))
    night.write("churn_contributions", pd.DataFrame({"customer_id": pd.Series(dtype=str)}))
    night.write(SCORE_DRIFT.name, SCORE_DRIFT.arrow_schema().empty_table())
    return {"customers": 0, "notes": f"nobody was scored: {why}"}


def _summary(scores: pd.DataFrame, model: ChurnModel, champion: Version) -> dict[str, int | float | str]:
    main = scores[scores["horizon_days"] == model.main_horizon]
    bands = {f"{band}_risk": int((main["risk_band"] == band).sum()) for band in BANDS}
    notes = "base rates stand in for a model" if model.kind == "base_rate" else ""
    return {"customers": len(main), "model": champion.label, **bands, "notes": notes}
