"""A whole night that nobody has to compute: eight weeks of three queues, forty customers."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.published import PUBLISHED
from forestall.night import conform

ZONE = "Europe/Berlin"
QUEUES = {"billing": ("phone", 26.0), "support_chat": ("chat", 14.0), "claims": ("email", 9.0)}
STANDARD = {"phone": "80 % in 20 s", "chat": "80 % in 60 s", "email": "first response in 15 min"}
REASONS = (
    "3 complaints in the last 30 days, none of them settled | Waited 9 minutes on average, twice as long as before"
    " | Uses the service less each week"
)


@pytest.fixture
def night_tables() -> Callable[..., dict[str, pa.Table]]:
    """Makes all published tables of a run date, the same for the same date and seed."""

    def make(run_date: date = date(2026, 3, 2), seed: int = 7) -> dict[str, pa.Table]:
        rng = np.random.default_rng(seed)
        forecast = _forecast(run_date)
        scores = _scores(rng)
        frames = {
            "churn_scores": scores,
            "outreach_list": _list(scores, run_date).head(24),
            "outreach_withheld": _list(scores, run_date)
            .iloc[24:30]
            .assign(list_rank=range(1, 7), arm="holdout", suppression_reason="holdout"),
            "volume_forecast": forecast,
            "forecast_changes": _forecast_changes(run_date),
            "forecast_ledger": _forecast_ledger(run_date),
            "override_value": _override_value(),
            "volume_days": _days_ahead(forecast),
            "forecast_methods": _methods(),
            "mark_effects": _mark_effects(run_date),
            "staffing_requirement": _requirement(forecast),
            "shrinkage_causes": pd.DataFrame({"cause": ["sick"], "share": [0.3], "basis": ["agent_time of 56 days"]}),
            "handle_time_by_concurrency": _handle_times(),
            "wait_effect": _wait_effect(),
            "agent_value": _agent_value(_requirement(forecast)),
            "service_kpis": _kpis(run_date, rng),
            "forecast_accuracy": _accuracy(),
            "outreach_effect": _effect(run_date),
            "outreach_power": _power(),
            "outreach_fairness": _fairness(run_date),
            "save_chances": _chances(),
            "save_models": _save_models(),
            "segment_summary": _segments(),
            "churn_causes": _causes(run_date),
            "score_drift": _drift(),
            "gate_results": _gates(),
            **_shifts(run_date),
        }
        return {name: conform(_filled(frame, name), PUBLISHED[name]) for name, frame in frames.items()}

    return make


@pytest.fixture
def about_the_night() -> Mapping[str, Any]:
    """What the manifest says beside the tables."""
    return {
        "cutoff_at": "2026-03-01T23:00:00+00:00",
        "company": {"name": "Meridian Telecom", "time_zone": ZONE, "currency": "EUR"},
        "main_horizon": 90,
        "interval_minutes": 30,
        "standards": {
            queue: {"service_level": 0.8 if channel != "email" else None, "threshold_s": 20,
                    "first_response_s": 900 if channel == "email" else None, "words": STANDARD[channel]}
            for queue, (channel, _) in QUEUES.items()
        },
        "degraded": [],
        "watermarks": [{"source": "contacts", "table": "interactions", "watermark": "2026-03-01T22:59:00+00:00"}],
        "models": ["churn 3", "volume 1f2e"],
        "code": {"version": "0.1.0", "commit": "0123abc"},
        "settings": {"sha256": "0" * 64},
        "run": {"published_at": "2026-03-02T02:10:00+00:00"},
    }  # fmt: skip


def _filled(frame: pd.DataFrame, name: str) -> pa.Table:
    """The frame with the contract's remaining columns empty."""
    table = PUBLISHED[name]
    frame = frame.reindex(columns=list(table.names))
    return pa.Table.from_pandas(frame, preserve_index=False)


def _intervals(run_date: date) -> pd.DataFrame:
    end = run_date + timedelta(days=56)
    local = pd.DataFrame({"local_at": pd.date_range(run_date, end, freq="30min", tz=ZONE, inclusive="left")})
    hour = local["local_at"].dt.hour + local["local_at"].dt.minute / 60
    is_workday = local["local_at"].dt.day_of_week < 6
    shape = np.exp(-(((hour - 10.5) / 2.6) ** 2)) + 0.7 * np.exp(-(((hour - 15.5) / 2.4) ** 2))
    return local.assign(
        is_open=hour.between(8, 19.5) & is_workday,
        shape=shape * (1.25 - 0.08 * local["local_at"].dt.day_of_week),
    )


def _forecast(run_date: date) -> pd.DataFrame:
    pieces = []
    for queue, (channel, level) in QUEUES.items():
        rows = _intervals(run_date)
        mean = np.where(rows["is_open"] | (channel == "email"), level * rows["shape"], 0.0)
        spread = np.sqrt(mean + (0.08 * mean) ** 2)
        quantiles = {
            f"contacts_p{quantile:02d}": np.clip(mean + z * spread, 0, None)
            for quantile, z in {5: -1.645, 10: -1.282, 25: -0.674, 50: 0, 75: 0.674, 90: 1.282, 95: 1.645}.items()
        }
        local_on = rows["local_at"].dt.date
        pieces.append(
            pd.DataFrame(
                {
                    "queue": queue,
                    "interval_start_at": rows["local_at"].dt.tz_convert("UTC"),
                    "local_on": local_on,
                    "channel": channel,
                    "cutoff_at": pd.Timestamp(run_date, tz=ZONE).tz_convert("UTC"),
                    "lead_days": [(day - run_date).days + 1 for day in local_on],
                    "is_open": rows["is_open"],
                    "contacts": mean,
                    **quantiles,
                    "handle_time_s": 330.0,
                    "method": "prophet" if queue != "claims" else "four_like_weekdays",
                    "model_version": "volume 1f2e",
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def _days_ahead(forecast: pd.DataFrame) -> pd.DataFrame:
    levels = [name for name in forecast.columns if name.startswith("contacts")]
    days = forecast.groupby(["queue", "local_on", "cutoff_at", "lead_days"], as_index=False)[levels].sum()
    total = days.groupby(["local_on", "cutoff_at", "lead_days"], as_index=False)[levels].sum()
    rows = [days.rename(columns={"queue": "scope_value"}).assign(scope="queue")]
    rows.append(total.assign(scope="all", scope_value="all"))
    return pd.concat(rows, ignore_index=True).assign(basis="intervals", model_version="volume 1f2e")


def _methods() -> pd.DataFrame:
    usual = {"method": "blend", "weight_prophet": 0.75, "weight_four_like_weekdays": 0.25, "weight_last_week": 0.0,
             "weight_last_year": 0.0, "wape": 0.09, "wape_prophet": 0.095, "wape_four_like_weekdays": 0.12,
             "wape_last_week": 0.14, "wape_last_year": 0.15, "gain_over_rival": 0.25, "cutoff_count": 6,
             "day_count": 12, "model_version": "volume 1f2e"}  # fmt: skip
    return pd.DataFrame(
        [usual | {"queue": queue, "lead_bucket": bucket} for queue in QUEUES for bucket in ("1", "2-3")]
    )


def _mark_effects(run_date: date) -> pd.DataFrame:
    rows = [("event: campaign", "campaign", 0.26, run_date + timedelta(days=8)),
            ("holiday: Good Friday", "Good Friday", -0.5, run_date + timedelta(days=32)),
            ("holiday: Ascension Day", "Ascension Day", -0.6, run_date + timedelta(days=73)),
            ("year end: 24", "24 December", -0.55, None)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["mark", "description", "effect", "next_on"])
    by_queue = [frame.assign(queue=queue, effect=frame["effect"] * (1 + at / 10)) for at, queue in enumerate(QUEUES)]
    return pd.concat(by_queue).assign(days_seen=4, model_version="volume 1f2e")


def _requirement(forecast: pd.DataFrame) -> pd.DataFrame:
    rows = forecast[["queue", "interval_start_at", "local_on", "contacts", "handle_time_s"]].copy()
    rows["offered_load"] = rows["contacts"] * rows["handle_time_s"] / 1800
    rows["agents_net"] = np.ceil(rows["offered_load"] + np.sqrt(rows["offered_load"])).astype("int64")
    is_email = forecast["channel"] == "email"
    return rows.assign(
        agents_gross=rows["agents_net"] / 0.7,
        shrinkage=0.3,
        model=np.where(is_email, "deferred", "erlang_a"),
        service_level=np.where(is_email, np.nan, 0.84),
        occupancy=0.8,
        asa_s=np.where(is_email, np.nan, 11.0),
        standard=forecast["channel"].map(STANDARD),
        queue_group=rows["queue"],
        agents_alone=rows["agents_net"],
    )


def _handle_times() -> pd.DataFrame:
    return pd.DataFrame({
        "queue": "support_chat", "concurrency": [1, 2], "is_standard": [False, True], "contact_count": [400, 800],
        "measured_handle_time_s": [594.0, 783.0], "handle_time_low_s": [539.0, 731.0],
        "handle_time_high_s": [657.0, 840.0], "handle_time_s": [600.0, 780.0],
        "handle_time_ratio": [600 / 720, 780 / 720],
        "contacts_per_agent_hour": [6.0, 7200 / 780],
    })  # fmt: skip


def _wait_effect() -> pd.DataFrame:
    return pd.DataFrame({
        "approach": ["crowd", "naive"], "horizon_days": 90, "effect_per_minute": [0.006, 0.009],
        "effect_low": [0.002, 0.008], "effect_high": [0.010, 0.010], "first_stage_f": [900.0, np.nan],
        "contact_count": 200_000, "customer_count": 17_000, "leaver_count": 4_000, "customer_value": 500.0,
        "is_priced": [True, False], "sentence": ["each minute of waiting costs", "naively it would seem to cost more"],
    })  # fmt: skip


def _agent_value(requirement: pd.DataFrame) -> pd.DataFrame:
    live = requirement[(requirement["model"] == "erlang_a") & (requirement["agents_net"] > 0)]
    minutes = 3.0 / live["agents_net"]
    ends = {"": 0.006, "_low": 0.002, "_high": 0.010}
    money = {f"{name}{end}": minutes * effect * 500 for name in ("value_of_one_more", "loss_of_one_less")
             for end, effect in ends.items()}  # fmt: skip
    return live[["queue", "interval_start_at", "local_on", "agents_net"]].assign(
        wait_minutes=3 * minutes, minutes_saved=minutes, customers_kept=minutes * 0.006, agent_cost=6.0,
        agents_worthwhile=np.where(minutes * 3 > 6, live["agents_net"] + 1, live["agents_net"] - 1), **money,
    )  # fmt: skip


def _scores(rng: np.random.Generator) -> pd.DataFrame:
    customers = [f"c_{number:012x}" for number in rng.integers(0, 2**48, 40)]
    worst = np.sort(rng.beta(1.3, 4, 40))[::-1]
    pieces = [
        pd.DataFrame(
            {
                "customer_id": customers,
                "horizon_days": horizon,
                "account_id": customers,
                "churn_probability": worst * share,
                "previous_churn_probability": worst * share * 0.95,
                "risk_band": pd.cut(worst, [-1, 0.1, 0.25, 0.5, 1], labels=["low", "medium", "high", "very_high"]),
                "risk_rank": range(1, 41),
                "segment": "consumer",
                "monthly_margin": 18.5,
                "model_version": "churn 3",
            }
        )
        for horizon, share in {30: 0.5, 60: 0.8, 90: 1.0}.items()
    ]
    return pd.concat(pieces, ignore_index=True).astype({"risk_band": str})


def _list(scores: pd.DataFrame, run_date: date) -> pd.DataFrame:
    rows = scores.query("horizon_days == 90").reset_index(drop=True)
    return pd.DataFrame(
        {
            "row_id": rows["customer_id"] + f"@{run_date}",
            "list_rank": rows["risk_rank"],
            "customer_id": rows["customer_id"],
            "account_id": rows["account_id"],
            "tier": "firm",
            "churn_probability": rows["churn_probability"],
            "risk_band": rows["risk_band"],
            "probability_change": rows["churn_probability"] - rows["previous_churn_probability"],
            "reasons": REASONS,
            "trigger": [None, "complaint unanswered for 24 h"] * 20,
            "value_at_risk": 420.0,
            "save_probability": 0.08,
            "offer_cost": 4.0,
            "contact_cost": 6.0,
            "expected_value": 24.0 - rows.index * 0.5,
            "action": "call_back",
            "offer": ["one month free", None] * 20,
            "channel": "phone",
            "language": "de",
            "call_hours": "09:00-20:00",
            "best_hours": "17:00-19:00",
            "idle_hours": "09:30-11:00",
            "team": "retention",
            "pool": "retention",
            "planned_on": run_date,
            "purpose": "marketing",
            "list_name": ["save_queue", "risk"] * 20,
            "expected_minutes": 12.0,
            "due_on": run_date + timedelta(days=1),
            "status": "open",
            "listed_since_on": run_date,
            "arm": "treatment",
            "arm_probability": 0.9,
            "segment": "consumer",
            "lifecycle_stage": "settled",
            "value_segment": "high",
            "change_reason": "up 4.0 points since yesterday: 3 complaints in the last 30 days (was 1)",
            "evidence": "3 contacts about billing in 7 days, the last one unanswered for 31 h",
            "model_version": "churn 3",
            "playbook_version": "ab12",
        }
    )


def _kpis(run_date: date, rng: np.random.Generator) -> pd.DataFrame:
    days = [run_date - timedelta(days=back) for back in range(28, 0, -1)]
    pieces = []
    for queue, (channel, level) in QUEUES.items():
        offered = rng.poisson(level * 15, len(days))
        pieces.append(
            pd.DataFrame(
                {
                    "local_on": days,
                    "queue": queue,
                    "channel": channel,
                    "offered_count": offered,
                    "handled_count": offered * 95 // 100,
                    "abandoned_count": offered * 5 // 100,
                    "short_abandoned_count": offered // 100,
                    "answered_in_standard_count": offered * (78 if queue == "billing" else 88) // 100,
                    "service_level": 0.78 if queue == "billing" else 0.88,
                    "abandonment_rate": 0.05,
                    "asa_s": 24.0,
                    "handle_time_s": 330.0,
                    "first_response_s": 620.0,
                    "first_response_in_standard_rate": 0.91,
                    "first_contact_resolution_rate": 0.72,
                    "complaint_count": 6,
                    "complaints_in_24h_rate": 0.96,
                    "csat": 0.81,
                    "nps": 0.22,
                    "cost_per_contact": 4.2,
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def _accuracy() -> pd.DataFrame:
    buckets = {"1": 0.09, "2-3": 0.1, "4-7": 0.11, "8-14": 0.125, "15-28": 0.14, "29-56": 0.16}
    return pd.DataFrame(
        [
            {"queue": queue, "lead_bucket": bucket, "window_days": 28, "day_count": 28, "contacts": 9000.0,
             "wape": wape + 0.02 * index, "rival_wape": wape + 0.02 * index + 0.03, "noise_floor_wape": 0.06,
             "bias": -0.01, "pinball": 2.1, "coverage_80": 0.79, "source": "ledger"}
            for index, queue in enumerate(["all", *QUEUES])
            for bucket, wape in buckets.items()
        ]
    )  # fmt: skip


def _effect(run_date: date) -> pd.DataFrame:
    usual = {
        "measure": "left", "is_current": True, "treatment_count": 1800, "holdout_count": 200, "contaminated_count": 3,
        "untouched_count": 90, "holdout_mean": 0.25, "effect": -0.05, "effect_low": -0.09, "effect_high": -0.01,
        "always_low": -0.11, "always_high": 0.01, "p_value": 0.08, "is_do_not_disturb": False, "total": -90.0,
        "total_low": -162.0, "total_high": -18.0, "sentence": "listing changes the share that leaves by -5.0 points.",
    }  # fmt: skip
    rows = [
        {"scope": "all", "scope_value": "all", "matured_until_on": run_date - timedelta(days=104 + 7 * week),
         "is_current": week == 0}
        for week in range(6)
    ]  # fmt: skip
    groups = [
        {"scope": "segment", "scope_value": name, "matured_until_on": run_date - timedelta(days=104),
         "always_low": low, "always_high": high, "is_do_not_disturb": low > 0}
        for name, low, high in (("consumer", -0.2, -0.02), ("business", 0.01, 0.3))
    ]  # fmt: skip
    return pd.DataFrame([usual | row for row in [*rows, *groups]])


def _drift() -> pd.DataFrame:
    return pd.DataFrame({
        "kind": ["score", "feature"], "subject": ["score", "complaint_count_90d"], "stability_index": [0.02, 0.31],
        "is_drifted": [False, True], "gain_share": [np.nan, 0.1], "missing_share_before": 0.0, "missing_share_now": 0.0,
        "reference_count": 40, "current_count": 40, "reference_on": date(2026, 1, 17), "model_version": "churn/1",
    })  # fmt: skip


def _power() -> pd.DataFrame:
    return pd.DataFrame(
        {"effect_size": [0.05, 0.1] * 2, "looking": ["every_night"] * 2 + ["fixed_date"] * 2,
         "accounts_needed": 5000.0, "listed_count": 2000, "newcomers_per_week": 150.0,
         "weeks": [50.0, 22.8, 31.1, None]}
    )  # fmt: skip


def _fairness(run_date: date) -> pd.DataFrame:
    usual = {
        "scope": "region", "scope_value": "north", "since_on": run_date - timedelta(days=20), "night_count": 21,
        "group_count": 4000, "others_count": 9000, "group_mean": 0.061, "others_mean": 0.055, "difference": 0.006,
        "compared_count": 3900, "compared_mean": 0.058, "compared_others_mean": 0.06, "ratio": 0.967,
        "adjusted_difference": -0.002, "adjusted_low": -0.013, "adjusted_high": 0.009, "p_value": 1.0,
        "verdict": "alike", "is_flagged": False, "sentence": "region north, listed: no large difference.",
    }  # fmt: skip
    prices = {"group_mean": 24.0, "others_mean": 30.5, "compared_mean": 27.0, "compared_others_mean": 27.4,
              "adjusted_low": -1.2, "adjusted_high": 0.4, "group_count": 120, "verdict": "explained"}  # fmt: skip
    few = dict.fromkeys(["compared_mean", "compared_others_mean", "ratio", "adjusted_difference", "p_value"])
    few |= {"adjusted_low": None, "adjusted_high": None}
    return pd.DataFrame([
        usual | {"measure": "listed"},
        usual | {"measure": "offer_price", "sentence": "region north, price: explained."} | prices,
        usual | few | {"scope_value": "isle", "measure": "listed", "group_count": 9, "verdict": "too_few",
                       "sentence": "region isle, listed: too few to judge (9)."},
    ])  # fmt: skip


def _chances() -> pd.DataFrame:
    usual = {"action": "call_back", "prior_save_probability": 0.15, "treatment_count": 1200, "holdout_count": 140,
             "source": "outcomes", "expected_minutes": 6.4, "worked_row_count": 1100}  # fmt: skip
    rows = [
        {"segment": "all", "learned_save_probability": 0.09, "low": 0.02, "high": 0.16},
        {"segment": "business", "learned_save_probability": -0.03, "low": -0.12, "high": 0.06, "holdout_count": 40},
    ]
    return pd.DataFrame([usual | row for row in rows])


def _save_models() -> pd.DataFrame:
    return pd.DataFrame([
        {"approach": "outcomes", "is_used": True, "account_count": 1340, "holdout_count": 140,
         "reason": "stands in for whatever no uplift model says"},
        {"approach": "uplift", "is_used": False, "account_count": 1250, "holdout_count": 130, "gain": 0.4,
         "reason": "not used: on 1,250 accounts left out its list is worth EUR +0.40 an account"},
    ])  # fmt: skip


def _segments() -> pd.DataFrame:
    rows = [
        ("settled", "high", 10, 10, 1.5, 4),
        ("settled", "low", 26, 26, 4.0, 18),
        ("under_notice", "low", 4, 0, 0.0, 2),
    ]
    columns = ["lifecycle_stage", "value_segment", "customer_count", "scored_count", "expected_leavers", "listed_count"]
    found = pd.DataFrame(rows, columns=columns)
    mean = found["expected_leavers"] / found["scored_count"].where(found["scored_count"] > 0)
    return found.assign(
        churn_probability=mean, monthly_margin=18.5 * found["scored_count"],
        margin_at_risk=18.5 * found["expected_leavers"], listed_value=20.0 * found["listed_count"],
    )  # fmt: skip


def _causes(run_date: date) -> pd.DataFrame:
    usual = {
        "product": "all", "customer_count": 120, "leavers_low": 30.0, "leavers_high": 54.0, "margin_at_risk": 777.0,
        "compared_on": run_date - timedelta(days=104), "compared_count": 110, "excess_low": 0.01, "excess_high": 0.09,
        "excess_leavers_low": 1.2, "excess_leavers_high": 10.8, "sentence": "export: 310 contacts of 120 customers.",
    }  # fmt: skip
    rows = [
        {"topic": "export", "contact_count": 310, "expected_leavers": 42.0, "excess_risk": 0.05, "excess_leavers": 6.0},
        {"topic": "<invoice>", "contact_count": 90, "expected_leavers": 8.0, "compared_on": None, "excess_low": None,
         "excess_high": None},
        {"topic": "export", "product": "pro", "contact_count": 200, "expected_leavers": 30.0, "excess_risk": -0.02},
    ]  # fmt: skip
    return pd.DataFrame([usual | row for row in rows])


def _shifts(run_date: date) -> dict[str, pd.DataFrame]:
    """Two shifts, one of them open, the interval that this leaves short, its service and two weeks of capacity."""
    at = pd.Timestamp(run_date, tz=ZONE)
    usual = {"local_on": run_date, "site": "Leipzig", "queue_group": "billing", "occupancy": 0.81}
    shifts = [
        usual
        | {
            "slot_id": "0a1b2c3d4e5f60718293",
            "is_assigned": True,
            "pattern": "full",
            "paid_hours": 7.75,
            "starts_at": at + pd.Timedelta(hours=8),
            "ends_at": at + pd.Timedelta(hours=16, minutes=15),
            "breaks": "12:15-12:45",
            "break_minutes": "255-285",
        },
        usual
        | {
            "slot_id": "open billing 001",
            "is_assigned": False,
            "pattern": "half",
            "paid_hours": 4.0,
            "starts_at": at + pd.Timedelta(hours=16),
            "ends_at": at + pd.Timedelta(hours=20),
            "breaks": "",
            "break_minutes": "",
        },
    ]
    coverage = [
        {
            "queue_group": "billing",
            "interval_start_at": at + pd.Timedelta(hours=8, minutes=30 * step),
            "local_on": run_date,
            "required": 1,
            "planned": float(step < 16),
            "on_break": 0.0,
            "short": float(step >= 16),
            "remedy": "1 missing; overtime of 1 (1 stay, 0 come earlier, at most 60 min): 0 left"
            if step >= 16
            else None,
        }
        for step in range(18)
    ]
    service = [
        {
            "queue_group": "billing",
            "local_on": run_date,
            "contacts": 90.0,
            "service_level": 0.82,
            "service_level_low": 0.71,
            "service_level_high": 0.93,
            "service_level_error": 0.01,
            "standard_probability": 0.6,
            "asa_s": 14.0,
            "abandonment": 0.03,
            "occupancy": 0.8,
            "asa_s_low": 6.0,
            "asa_s_high": 31.0,
            "abandonment_low": 0.01,
            "abandonment_high": 0.06,
            "occupancy_low": 0.72,
            "occupancy_high": 0.87,
        }
    ]
    capacity = [
        {
            "week_on": run_date + timedelta(weeks=week),
            "queue_group": "billing",
            "basis": "requirement",
            "required_hours": 80.0,
            "heads_required": 2.0,
            "heads_there": 1.0,
            "heads_hired": float(week),
            "hires_to_search": 1 - week,
            "hires_to_start": 0,
            "heads_short": 1.0 - week,
        }
        for week in range(2)
    ]
    usable = [
        {
            "queue_group": "billing",
            "team": "care",
            "languages": "de",
            "skills": "billing",
            "interval_start_at": at + pd.Timedelta(hours=10, minutes=30 * step),
            "local_on": run_date,
            "firm_minutes": 21.0 * (step < 2),
            "if_quiet_minutes": 6.0,
            "idle_agents": 1,
            "answers_ahead": 3,
            "idle_share": 0.25,
            "service_level_if_quiet": 0.81,
        }
        for step in range(4)
    ]
    placed = [
        {
            "pool": "retention",
            "planned_on": run_date,
            "tier": "firm",
            "usable_minutes": 480.0,
            "placed_minutes": 24.5,
            "row_count": 2,
            "expected_value": 30.0,
            "next_minutes": 330.0,
            "next_value": 250.0,
            "next_cost": 288.0,
            "is_worth_an_agent": False,
            "sentence": "one agent more in `retention` would not pay for itself by outreach alone",
            "lent_by": "",
        }
    ]
    tables = {"shift_plan": shifts, "shift_coverage": coverage, "shift_service": service, "capacity_plan": capacity,
              "usable_minutes": usable, "outreach_placed": placed}  # fmt: skip
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    for name, column in (
        ("shift_plan", "starts_at"),
        ("shift_plan", "ends_at"),
        ("shift_coverage", "interval_start_at"),
        ("usable_minutes", "interval_start_at"),
    ):
        frames[name][column] = frames[name][column].dt.tz_convert("UTC")
    return frames


def _gates() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"gate": "batch.interactions.wait_time_s_in_range", "stage": "batch", "table": "interactions",
             "column": "wait_time_s", "reason": "a value outside is absurd", "severity": "blocking",
             "is_passed": True, "checked_count": 1200, "failed_count": 0},
            {"gate": "batch.contacts.row_count", "stage": "batch", "table": "interactions", "column": None,
             "reason": "a source that sends far fewer rows than usual is broken", "severity": "warning",
             "is_passed": False, "checked_count": 410, "failed_count": 0, "observed": "410 rows; 1180 as a rule"},
        ]
    )  # fmt: skip


def _forecast_changes(run_date: date) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "queue": ["billing", "claims"],
            "local_on": run_date,
            "previous_run_on": run_date - timedelta(days=1),
            "contacts": [620.0, 300.0],
            "previous_contacts": [500.0, 310.0],
            "change": [120.0, -10.0],
            "by_data": [15.0, -10.0],
            "by_model": [5.0, 0.0],
            "by_event": [0.0, 0.0],
            "by_override": [100.0, 0.0],
            "by_outreach": 0.0,
            "main_cause": ["override", "data"],
        }
    )


def _forecast_ledger(run_date: date) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "queue": ["billing"],
            "local_on": run_date - timedelta(days=1),
            "cutoff_on": run_date - timedelta(days=1),
            "override_id": "",
            "scored_on": run_date,
            "lead_days": 1,
            "interval_count": 24,
            "contacts": 480.0,
            "forecast_sum": 470.0,
            "model_sum": 470.0,
            "absolute_error": 90.0,
            "model_absolute_error": 90.0,
            "rival_absolute_error": 95.0,
            "noise_floor_error": 80.0,
            "pinball_sum": 40.0,
            "covered_count": 19,
        }
    )


def _override_value() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "override_id": ["5", "7"],
            "queue": "all",
            "lead_bucket": "all",
            "day_count": 5,
            "night_count": 3,
            "contacts": 900.0,
            "absolute_error": [90.0, 200.0],
            "model_absolute_error": [150.0, 160.0],
            "error_avoided": [60.0, -40.0],
            "wape": [0.1, 0.22],
            "model_wape": [0.17, 0.18],
        }
    )
