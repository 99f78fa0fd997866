"""Turn raw versions into features, labels, volumes and service figures, by dbt.

The night builds everything as of the run date; training asks for features and labels of past as-of
dates. Both hold the warehouse's lock and leave the connection to dbt. What was built under which rules is
kept in `forestall.builds`: other rules or other lines of the dbt project, an earlier run date, or a
customer forgotten since, and what accumulates is made anew.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from forestall import transform
from forestall.jobs import Summary
from forestall.night import Night
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse, warehouse_lock

# Rows of customer x as-of date that are built in one go: it bounds the memory that training takes.
ROWS_AT_ONCE = 1_000_000

# Variables that change from night to night; all others are rules.
_NIGHTLY = {"run_date", "cutoff_at", "as_of_dates", "is_rebuild"}

_BUILDS = "CREATE TABLE IF NOT EXISTS forestall.builds (run_date DATE, rules VARCHAR, is_rebuild BOOLEAN)"


def build_features(settings: Settings, run_date: date) -> Summary:
    """All models as of the run date, with their tests.

    Raises:
        TransformError: a model or a test failed.
    """
    night = Night(settings, run_date)
    with warehouse_lock(settings, f"build_features {run_date}"):
        with open_warehouse(settings, "build_features") as warehouse:
            rule = churn_rule(warehouse, settings)
            last = _last_build(warehouse)
        values = transform.variables(night, rule, [run_date], is_rebuild=_is_rebuild(last, run_date))
        rules = _rules(values)
        anew = ["--full-refresh"] if last and last["rules"] != rules else []
        built = transform.build(settings, values, "--exclude", "test_type:unit", *anew)
        with open_warehouse(settings, "build_features") as warehouse:
            _record(warehouse, run_date, rules, is_rebuild=values["is_rebuild"])
            customers = warehouse.scalar(
                "SELECT count(*) FROM marts.fct_customer_features WHERE as_of_on = ?", [run_date]
            )
    return {"models": built.model_count, "tests": built.test_count, "customers": int(customers), "churn_rule": rule}


def build_training_features(
    settings: Settings, run_date: date, as_of_dates: Sequence[date], max_rows: int | None = None
) -> Summary:
    """Features and labels of past as-of dates, as known at the run date.

    Earlier training dates are dropped. The night's own build must have run.

    Args:
        settings: says where the warehouse is.
        run_date: the night.
        as_of_dates: which.
        max_rows: about so many rows at most, in whole customers, the same ones on every date; None: all.

    Raises:
        TransformError: a model or a test failed.
    """
    night = Night(settings, run_date)
    dates = sorted(set(as_of_dates))
    with warehouse_lock(settings, f"build_training_features {run_date}"):
        with open_warehouse(settings, "build_training_features") as warehouse:
            rule = churn_rule(warehouse, settings)
            customers = _customer_count(warehouse, rule)
        share = 1.0 if max_rows is None else min(1.0, max_rows / (customers * len(dates)))
        at_once = max(1, int(ROWS_AT_ONCE / (customers * share)))
        parts = [dates[start : start + at_once] for start in range(0, len(dates), at_once)]
        for part in parts:
            values = transform.variables(
                night, rule, part, is_training=True, training_dates=[day.isoformat() for day in dates],
                sampled_below=_sampled_below(share),
            )  # fmt: skip
            transform.build(settings, values, "--select", "tag:training", "--exclude", "test_type:unit")
        with open_warehouse(settings, "build_training_features") as warehouse:
            rows = warehouse.scalar("SELECT count(*) FROM marts.fct_customer_features WHERE is_training")
    return {"as_of_dates": len(dates), "rows": int(rows), "parts": len(parts)}


def churn_rule(warehouse: Warehouse, settings: Settings) -> str:
    """`subscription` or `inactivity`; `auto` asks whether there are subscriptions, then whether there is activity."""
    if settings.churn.rule != "auto":
        return settings.churn.rule
    has_subscriptions, has_activity = (
        bool(warehouse.scalar(f"SELECT count(*) FROM (SELECT 1 FROM raw.{table} LIMIT 1) AS first_row"))
        for table in ("subscriptions", "activity")
    )
    return "inactivity" if has_activity and not has_subscriptions else "subscription"


def _customer_count(warehouse: Warehouse, rule: str) -> int:
    """Customers ever, but at least one."""
    table = "activity" if rule == "inactivity" else "subscriptions"
    return max(1, int(warehouse.scalar(f"SELECT count(DISTINCT customer_id) FROM raw.{table}") or 0))


def _sampled_below(share: float) -> str:
    """The text below which lies this share of the pseudonyms; empty for all. A quarter: `40000000`."""
    return f"{int(share * 16**8):08x}" if share < 1 else ""


def _last_build(warehouse: Warehouse) -> Mapping[str, Any] | None:
    warehouse.execute(_BUILDS)
    rows: list[Mapping[str, Any]] = warehouse.query("SELECT * FROM forestall.builds").to_pylist()
    return rows[0] if rows else None


def _is_rebuild(last: Mapping[str, Any] | None, run_date: date) -> bool:
    """An earlier run date knew less; and after it the gap must be closed again."""
    return last is not None and (run_date < last["run_date"] or (last["is_rebuild"] and run_date != last["run_date"]))


def _rules(values: Mapping[str, Any]) -> str:
    """Changes with the rules and with the project: what was built by others is not of one piece with this night's."""
    rules = {name: value for name, value in values.items() if name not in _NIGHTLY}
    rules["project"] = transform.project_hash()
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


def _record(warehouse: Warehouse, run_date: date, rules: str, *, is_rebuild: bool) -> None:
    with warehouse.transaction():
        warehouse.execute("DELETE FROM forestall.builds")
        warehouse.execute("INSERT INTO forestall.builds VALUES (?, ?, ?)", [run_date, rules, is_rebuild])
