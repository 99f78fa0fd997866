"""Features and labels of past as-of dates, built by dbt for training and backtests."""

from collections.abc import Sequence
from datetime import date

from forestall import transform
from forestall.night import Night
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse, warehouse_lock

# Rows of customer x as-of date that are built in one go: it bounds the memory that training takes.
ROWS_AT_ONCE = 1_000_000


def build_training_features(
    settings: Settings, run_date: date, as_of_dates: Sequence[date], max_rows: int | None = None
) -> None:
    """Features and labels of past as-of dates, as known at the run date.

    Earlier training dates are dropped. The night's own build must have run.

    Args:
        settings: says where the warehouse is.
        run_date: the night.
        as_of_dates: which.
        max_rows: about so many rows at most, in whole accounts, the same ones on every date; None: all.

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
