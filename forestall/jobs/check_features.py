"""Gates on the features: one row a customer, nothing from the future, no sudden change.

Reads `marts.fct_customer_features`, `marts.fct_churn_labels` and `marts.fct_contact_volume`; writes
`gates_features`. Features of the run date are compared with those of the newest as-of date at least
a week older. Safe to run again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd

from features.gates import (
    Found,
    Gate,
    GateLimits,
    Measure,
    between,
    evaluate_measures,
    evaluate_rows,
    measured,
    not_null,
)
from forestall.night import Night
from forestall.publishing.checks import check_rows, count_where, duplicates, finish_stage, load_limits
from forestall.records import Summary
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse

TABLE = "fct_customer_features"
FEATURES = f"marts.{TABLE}"
KEY = ("customer_id", "as_of_on")
NUMERIC = ("BIGINT", "INTEGER", "DOUBLE", "HUGEINT", "SMALLINT", "REAL", "NUMERIC", "DECIMAL")
WEEK = timedelta(days=7)


def check_features(settings: Settings, run_date: date) -> Summary:
    """Judge the features of the run date and write `gates_features`.

    Raises:
        GateFailedError: a blocking gate failed.
    """
    night = Night(settings, run_date)
    limits = load_limits(settings)
    with open_warehouse(settings, f"check_features {run_date}") as warehouse:
        kinds = _columns(warehouse)
        numbers = [name for name, kind in kinds.items() if kind.upper().startswith(NUMERIC)]
        rows = check_rows(warehouse, FEATURES, _row_gates(kinds, numbers), KEY, "as_of_on = ?", [run_date])
        before_on = _before(warehouse, run_date)
        now, before = (_profile(warehouse, list(kinds), numbers, on) for on in (run_date, before_on))
        found = [*_keys(warehouse), *_purity(warehouse, night), _population(now, before, before_on, limits)]
    features = [name for name in kinds if name not in KEY]
    changes = evaluate_rows(_change_gates(limits), [_changes(now, before, features, numbers)], ["feature"])
    return finish_stage(night, "features", [rows, evaluate_measures(found), changes])


def _columns(warehouse: Warehouse) -> dict[str, str]:
    """Columns of the features and their SQL types."""
    sql = """
        SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'marts' AND table_name = 'fct_customer_features' ORDER BY ordinal_position
    """
    rows = warehouse.query(sql).to_pylist()
    return {row["column_name"]: row["data_type"] for row in rows}


def _row_gates(kinds: dict[str, str], numbers: Sequence[str]) -> list[Gate]:
    """What a column's name promises: counts and durations are not negative, shares lie between 0 and 1."""
    gates = [not_null("features", TABLE, name, "it tells who and when, or who belongs to the population")
             for name in (*KEY, "is_active") if name in kinds]  # fmt: skip
    for name in numbers:
        words = name.split("_")
        if "change" in words or "trend" in words or "slope" in words:
            continue
        if "share" in words or "rate" in words:
            gates.append(between("features", TABLE, name, 0, 1, "a share lies between 0 and 1"))
        elif "count" in words or "s" in words:
            gates.append(between("features", TABLE, name, 0, None, "a count or a duration is never negative"))
    return gates


def _keys(warehouse: Warehouse) -> list[Found]:
    about = {
        FEATURES: KEY,
        "marts.fct_churn_labels": (*KEY, "horizon_days"),
        "marts.fct_contact_volume": ("queue", "interval_start_at"),
    }
    return [
        (
            measured("features", name.removeprefix("marts."), "key_is_unique", "a doubled row counts twice", "blocking",
                     most=0),
            duplicates(warehouse, name, key),
        )
        for name, key in about.items()
    ]  # fmt: skip


def _purity(warehouse: Warehouse, night: Night) -> list[Found]:
    """Nothing of the run date or later is in the features, the labels or the volumes."""
    rules = (
        (TABLE, "as_of_until_run_date", "as_of_on > ?", night.run_date, "rows of a later as-of date"),
        ("fct_churn_labels", "observable_by_run_date", "is_churned IS NOT NULL AND observable_on > ?", night.run_date,
         "labels from before their window closed"),
        ("fct_contact_volume", "before_cutoff", "interval_start_at >= ?", night.cutoff, "intervals after the cutoff"),
    )  # fmt: skip
    found = []
    for table, rule, condition, limit, words in rules:
        checked, failed = count_where(warehouse, f"marts.{table}", condition, [limit])
        gate = measured("features", table, rule, "what is known later must not enter", "blocking", most=0)
        found.append((gate, Measure(failed, f"{failed} {words}", checked, failed)))
    return found


def _before(warehouse: Warehouse, run_date: date) -> date | None:
    """The newest as-of date at least a week older than the run date, otherwise the newest older one."""
    sql = f"SELECT max(as_of_on) FROM {FEATURES} WHERE as_of_on <= ?"
    found = warehouse.scalar(sql, [run_date - WEEK]) or warehouse.scalar(sql, [run_date - timedelta(days=1)])
    return found if isinstance(found, date) else None


def _profile(warehouse: Warehouse, names: Sequence[str], numbers: Sequence[str], as_of_on: date | None) -> pd.Series:
    """How many rows an as-of date has, and of each column its share of nulls, mean and variance."""
    empty = "cast(CASE WHEN {name} IS NULL THEN 1 ELSE 0 END AS DOUBLE PRECISION)"
    parts = [f"avg({empty.format(name=name)}) AS nulls_{name}" for name in names]
    for name in numbers:
        value = f"cast({name} AS DOUBLE PRECISION)"
        parts += [f"avg({value}) AS mean_{name}", f"var_samp({value}) AS variance_{name}"]
    sql = f"SELECT count(*) AS row_count, {', '.join(parts)} FROM {FEATURES} WHERE as_of_on = ?"
    return warehouse.frame(sql, [as_of_on]).iloc[0].astype("float64")


def _population(now: pd.Series, before: pd.Series, before_on: date | None, limits: GateLimits) -> Found:
    rows, rows_before = int(now["row_count"]), int(before["row_count"])
    gate = measured(
        "features", TABLE, "population_kept", "customers do not vanish overnight; loads do break", "blocking",
        least=limits.population_share,
    )  # fmt: skip
    share = rows / rows_before if rows_before else None
    return gate, Measure(share, f"{rows} customers; {rows_before} on {before_on or 'no earlier date'}", rows)


def _changes(now: pd.Series, before: pd.Series, names: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """One row a feature: by how much more it is empty, and how far its mean moved (Cohen's d).

    Cohen's d is the move of the mean over the pooled standard deviation: 12 after 10 with a
    deviation of 4 is 0.5. It is missing where a feature never varies or a date has no customers.
    """
    changes = pd.DataFrame({"feature": list(names)})
    for moment, profile in {"now": now, "before": before}.items():
        for part in ("nulls", "mean", "variance"):
            changes[f"{part}_{moment}"] = [profile.get(f"{part}_{name}") for name in names]
    changes = changes.astype(dict.fromkeys(changes.columns[1:], "float64"))
    deviation = ((changes["variance_now"] + changes["variance_before"]) / 2) ** 0.5
    effect = (changes["mean_now"] - changes["mean_before"]).abs() / deviation.where(deviation > 0)
    return changes.assign(null_share_rise=changes["nulls_now"] - changes["nulls_before"], drift_effect_size=effect)


def _change_gates(limits: GateLimits) -> list[Gate]:
    about = {
        "null_share_rise": (limits.null_share_rise, "a feature that empties has lost its source"),
        "drift_effect_size": (limits.drift_effect_size, "a model reads a moved feature wrongly"),
    }
    return [
        replace(between("features", TABLE, name, None, most, reason, "warning"), rule=f"{name}_is_small")
        for name, (most, reason) in about.items()
    ]
