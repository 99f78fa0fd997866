"""Gates on tonight's rows: what the sources sent, before anything is made of it.

Reads the rows of `raw.*` that tonight's pulls brought, `forestall.pulls` and `forestall.quarantine`;
writes `gates_batch`. Rows that break a rule are in quarantine already: a gate on single rows proves
that none slipped through. Safe to run again.
"""

from collections.abc import Sequence
from datetime import date
from statistics import median

import pandas as pd

from features.contract import CONTRACT
from features.gates import Found, Gate, GateLimits, Measure, contract_gates, evaluate_measures, measured, ordered
from features.tables import Table
from forestall.night import Night
from forestall.publishing.checks import check_rows, count_where, duplicates, finish_stage, load_limits
from forestall.records import Summary
from forestall.settings import Settings
from forestall.sources.pulls import pulls_of
from forestall.sources.rules import SPANS
from forestall.sources.tables import raw_columns
from forestall.warehouse import Parameters, Warehouse, open_warehouse

NEEDED = ("customers", "subscriptions", "consents")


def check_batch(settings: Settings, run_date: date) -> Summary:
    """Judge tonight's batch and write `gates_batch`.

    Raises:
        GateFailedError: a blocking gate failed.
    """
    night = Night(settings, run_date)
    limits = load_limits(settings)
    with open_warehouse(settings, f"check_batch {run_date}") as warehouse:
        pulls = pulls_of(warehouse, run_date)
        fed = [table for table in CONTRACT.values() if _has_rows(warehouse, table, pulls)]
        rows = [_check_rows(warehouse, night, table, pulls) for table in fed]
        found = [
            *(_versions_unique(warehouse, table, pulls) for table in fed),
            *_everything(warehouse, pulls),
            *_sources(warehouse, run_date, pulls, limits),
            *_unknown_customers(warehouse, pulls, limits),
        ]
    return finish_stage(night, "batch", [*rows, evaluate_measures(found)])


def _tonight(pulls: Sequence[int]) -> str:
    """SQL condition for the rows of these pulls."""
    return f"pull_id IN ({', '.join(map(str, pulls))})" if pulls else "false"


def _has_rows(warehouse: Warehouse, table: Table, pulls: Sequence[int]) -> bool:
    return count_where(warehouse, f"raw.{table.name}", _tonight(pulls))[1] > 0


def _check_rows(warehouse: Warehouse, night: Night, table: Table, pulls: Sequence[int]) -> pd.DataFrame:
    """What the contract says of each row, the order of its instants, and that it was known in time."""
    kept = raw_columns(table)
    gates = contract_gates("batch", table, [name for name in table.names if name in kept])
    gates += [
        ordered("batch", table.name, first, then, "nothing ends before it begins")
        for first, then in SPANS.get(table.name, ())
    ]
    gates.append(
        Gate("batch", table.name, "known_before_cutoff", "nothing known later may enter the night", "blocking",
             "ExpectColumnValuesToBeBetween", {"max_value": night.cutoff, "strict_max": True}, "known_at")
    )  # fmt: skip
    return check_rows(warehouse, f"raw.{table.name}", gates, table.key, _tonight(pulls), ())


def _versions_unique(warehouse: Warehouse, table: Table, pulls: Sequence[int]) -> Found:
    gate = measured("batch", table.name, "version_is_unique", "each version of a row is kept once", "blocking", most=0)
    key = (*table.key, "known_at", "pull_id")
    return gate, duplicates(warehouse, f"raw.{table.name}", key, _tonight(pulls))


def _everything(warehouse: Warehouse, pulls: Sequence[int]) -> list[Found]:
    """A warehouse without any row has nothing to publish; a night without a new row is worth a word."""
    counts = [count_where(warehouse, f"raw.{name}", _tonight(pulls)) for name in CONTRACT]
    kept, new = (sum(column) for column in zip(*counts, strict=True))
    return [
        (
            measured("batch", "all", "has_rows", "without any data there is nothing to publish", "blocking", least=1),
            Measure(kept, f"{kept} rows in all tables", kept),
        ),
        (
            measured("batch", "all", "has_new_rows", "a night that brings nothing may be a broken feed", "warning",
                     least=1),
            Measure(new, f"{new} new rows tonight", new),
        ),
    ]  # fmt: skip


def _sources(warehouse: Warehouse, run_date: date, pulls: Sequence[int], limits: GateLimits) -> list[Found]:
    """Rules about each source: it delivered, in its usual amount and columns, and its rows were fit for use."""
    book = warehouse.frame(
        """
        SELECT source, table_name, run_date, status, reason, note, rows_new,
            row_number() OVER (PARTITION BY source, run_date ORDER BY pull_id DESC) AS newest
        FROM forestall.pulls WHERE run_date <= ? ORDER BY source, run_date
        """,
        [run_date],
    )
    found: list[Found] = []
    for source, pulled in book.groupby("source"):  # a handful of sources
        tonight = pulled[pulled["run_date"].astype(str) == run_date.isoformat()]
        if len(tonight):
            earlier = pulled.drop(tonight.index)
            newest = tonight[tonight["newest"] == 1].iloc[0]
            found += [
                _delivered(str(source), newest),
                _columns_unchanged(str(source), newest, earlier),
                _row_count(str(source), newest, int(tonight["rows_new"].sum()), earlier, limits),
                _quarantine_share(warehouse, str(source), newest, run_date, pulls, limits),
                _ever_usable(warehouse, str(source), newest),
            ]
    return found


def _delivered(source: str, pull: pd.Series) -> Found:
    is_degraded = pull["status"] == "degraded"
    return (
        measured("batch", pull["table_name"], f"{source}_delivered", "a source that is down leaves the night with its "
                 "last good data", "warning", most=0),
        Measure(int(is_degraded), str(pull["reason"]) if is_degraded else "delivered"),
    )  # fmt: skip


def _columns_unchanged(source: str, pull: pd.Series, earlier: pd.DataFrame) -> Found:
    before = earlier.loc[earlier["newest"] == 1, "note"].fillna("")
    is_changed = bool(len(before)) and before.iloc[-1] != (pull["note"] or "")
    observed = f"before: {before.iloc[-1] or 'none'}; now: {pull['note'] or 'none'}" if is_changed else "as before"
    return (
        measured("batch", pull["table_name"], f"{source}_columns_unchanged", "columns that come or go unannounced "
                 "are seldom meant", "warning", most=0),
        Measure(int(is_changed), f"columns without use {observed}"),
    )  # fmt: skip


def _row_count(source: str, pull: pd.Series, rows: int, earlier: pd.DataFrame, limits: GateLimits) -> Found:
    """Against the median of the last nights; the first load is no usual night."""
    nights = earlier.groupby("run_date", sort=True)["rows_new"].sum().iloc[1:].tail(limits.row_count_nights)
    usual = median(nights) if len(nights) else 0.0
    is_known = usual >= max(limits.row_count_rows, 1)
    return (
        measured("batch", pull["table_name"], f"{source}_row_count", "far fewer rows than usual mean a broken feed",
                 "warning", least=limits.row_count_share),
        Measure(rows / usual if is_known else None, f"{rows} rows; {usual:g} on a usual night", rows),
    )  # fmt: skip


def _quarantine_share(
    warehouse: Warehouse, source: str, pull: pd.Series, run_date: date, pulls: Sequence[int], limits: GateLimits
) -> Found:
    """Bad rows that tonight brought for the first time, against all that it brought.

    A few of them stop no night; where they are much of a small batch it is said.
    """
    bad, told, samples = _quarantined(warehouse, "source = ? AND run_date = ?", [source, run_date])
    good = count_where(warehouse, f"raw.{pull['table_name']}", f"source = ? AND {_tonight(pulls)}", [source])[1]
    share = bad / (bad + good) if bad else 0.0
    return (
        measured("batch", pull["table_name"], f"{source}_quarantine_share", "where many rows break rules, source or "
                 "mapping is broken", "blocking" if bad >= limits.quarantine_rows else "warning",
                 most=limits.quarantine_share),
        Measure(share, f"quarantined: {told or 'none'}", bad + good, bad, samples),
    )  # fmt: skip


def _ever_usable(warehouse: Warehouse, source: str, pull: pd.Series) -> Found:
    """A source of which every row there ever was is in quarantine, tonight or since an earlier night.

    With none of the tables in `NEEDED` a night would say that there are no customers, or that nobody refused.
    """
    table = pull["table_name"]
    bad, told, samples = _quarantined(warehouse, "source = ?", [source])
    kept, good = count_where(warehouse, f"raw.{table}", "source = ?", [source])
    return (
        measured("batch", table, f"{source}_ever_usable", "a source of which no row was ever fit for use is mapped "
                 "wrongly", "blocking" if table in NEEDED and not kept else "warning", least=1),
        Measure(good if bad else None, f"{good} rows kept so far; quarantined: {told or 'none'}", bad + good, bad,
                samples),
    )  # fmt: skip


def _quarantined(warehouse: Warehouse, where: str, parameters: Parameters) -> tuple[int, str, tuple[str, ...]]:
    """How many rows are in quarantine, by which rules, and some of their keys."""
    rules = warehouse.frame(
        f"SELECT rule, count(*) AS row_count, min(row_key) AS some_key FROM forestall.quarantine WHERE {where} "
        "GROUP BY rule ORDER BY count(*) DESC, rule",
        parameters,
    )
    told = ", ".join(f"{rule} {count}" for rule, count in zip(rules["rule"], rules["row_count"], strict=True))
    return int(rules["row_count"].sum()), told, tuple(rules["some_key"].dropna())


def _unknown_customers(warehouse: Warehouse, pulls: Sequence[int], limits: GateLimits) -> list[Found]:
    """Contacts of customers whom nobody knows; says nothing where a company has no customers table."""
    if not warehouse.scalar("SELECT count(*) FROM raw.customers"):
        return []
    sql = f"""
        SELECT count(*) AS named, sum(CASE WHEN known.customer_id IS NULL THEN 1 ELSE 0 END) AS unknown,
            min(CASE WHEN known.customer_id IS NULL THEN contacts.customer_id END) AS sample
        FROM raw.interactions AS contacts
        LEFT JOIN (SELECT DISTINCT customer_id FROM raw.customers) AS known
            ON known.customer_id = contacts.customer_id
        WHERE contacts.customer_id IS NOT NULL AND {_tonight(pulls)}
    """
    found = warehouse.query(sql).to_pylist()[0]
    named, unknown = int(found["named"]), int(found["unknown"] or 0)
    gate = measured(
        "batch", "interactions", "customer_is_known", "a contact of an unknown customer tells nothing of a known one",
        "warning", most=limits.unknown_customer_share, column="customer_id",
    )  # fmt: skip
    share = unknown / named if named else None
    samples = (found["sample"],) if unknown else ()
    return [(gate, Measure(share, f"{unknown} contacts of unknown customers", named, unknown, samples))]
