"""Turn raw versions into features, labels, volumes and service figures, by dbt.

The job holds the warehouse's lock and leaves the connection to dbt. What was built under which rules is kept in
`forestall.builds`: other rules or other lines of the dbt project, an earlier run date, or a customer forgotten
since, and what accumulates is made anew.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from forestall import transform
from forestall.history.training_features import churn_rule
from forestall.night import Night
from forestall.records import Summary
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse, warehouse_lock

# Variables that change from night to night; all others are rules.
_NIGHTLY = {"run_date", "cutoff_at", "as_of_dates", "is_rebuild"}

_BUILDS = "CREATE TABLE IF NOT EXISTS forestall.builds (run_date DATE, rules VARCHAR, is_rebuild BOOLEAN)"


def build_features(settings: Settings, run_date: date, select: Sequence[str] = ()) -> Summary:
    """All models as of the run date, with their tests.

    Args:
        settings: of the company.
        run_date: the night.
        select: a simulation builds only these models, in dbt's words, and without tests.

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
        chosen = ["--select", *select, "--resource-type", "model"] if select else ["--exclude", "test_type:unit"]
        built = transform.build(settings, values, *chosen, *anew)
        with open_warehouse(settings, "build_features") as warehouse:
            _record(warehouse, run_date, rules, is_rebuild=values["is_rebuild"])
            customers = warehouse.scalar(
                "SELECT count(*) FROM marts.fct_customer_features WHERE as_of_on = ?", [run_date]
            )
    return {"models": built.model_count, "tests": built.test_count, "customers": int(customers), "churn_rule": rule}


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
