"""A night writes what its new rows touch and leaves the rest; what stands then is what a full refresh would give."""

import json
from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd
import pytest

from features.contract import CONTRACT
from forestall import transform
from forestall.dictionary import PROJECT
from forestall.jobs.build_features import build_features
from forestall.night import Night
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse

Frames = dict[str, pd.DataFrame]
VERSIONS = {
    "int_activity_versions": "activity",
    "int_agent_time_versions": "agent_time",
    "int_consent_versions": "consents",
    "int_customer_versions": "customers",
    "int_interaction_versions": "interactions",
    "int_outcome_versions": "outreach_outcomes",
    "int_payment_versions": "payments",
    "int_report_versions": "contact_volumes",
    "int_subscription_versions": "subscriptions",
    "int_survey_versions": "surveys",
}
NEWS_AT = pd.Timestamp("2025-06-17", tz="UTC")
NEWS_PULL = 5
# What may be written tonight of what accumulates: the news' own days, for service figures with the days that lie
# within the window of first-contact resolution of them; and the last days, whose own window has just closed or not yet
# (contacts were last known of 2 November).
WRITTEN = {
    "intermediate.int_contact_volume_changes": "known_on = '2025-11-05'",
    "intermediate.int_service_costs": "month_on = '2025-06-01' OR month_on >= '2025-10-01'",
    "marts.fct_contact_volume": "local_on BETWEEN '2025-06-14' AND '2025-06-19' OR local_on >= '2025-11-04'",
    "marts.fct_service_kpis": "local_on BETWEEN '2025-06-06' AND '2025-06-26' OR local_on >= '2025-10-18'",
}
ACCUMULATING = [*(f"intermediate.{name}" for name in VERSIONS), *WRITTEN, "marts.fct_customer_features"]
FOR_EVER = "TIMESTAMPTZ '9999-12-31 00:00:00+00'"
MARKED = "TIMESTAMPTZ '9999-12-30 00:00:00+00'"  # as good as for ever, but no build writes it


def _news(frames: Frames, known_at: pd.Timestamp) -> Frames:
    """Of each table a row of one week in June that is corrected, and one that comes late."""
    news = {}
    for name in (*VERSIONS.values(), "evaluations"):
        key = list(CONTRACT[name].key)
        first = frames[name][frames[name]["pull_id"] == 1].drop_duplicates(key)
        nearest = (first["known_at"] - NEWS_AT).abs().sort_values(kind="stable").index[:2]
        rows = first.loc[nearest].assign(pull_id=NEWS_PULL, known_at=known_at)
        rows.iloc[1, rows.columns.get_loc(key[0])] = f"new-{rows[key[0]].iloc[1]}"
        for column in rows.columns.intersection(["wait_time_s", "amount", "monthly_value", "event_count"]):
            rows[column] += 1
        news[name] = rows
    return news


@pytest.mark.slow
def test_a_night_writes_what_its_new_rows_touch_and_leaves_the_rest(
    load: Callable[..., Settings], more: Callable[[Settings, Frames], None], frames: Frames, run_date: date
) -> None:
    night_before = run_date - timedelta(days=1)
    settings = load({name: rows[rows["pull_id"] <= 3] for name, rows in frames.items()})
    build_features(settings, night_before)
    with open_warehouse(settings, "test") as warehouse:
        _mark_versions(warehouse, FOR_EVER, MARKED)
        warehouse.execute("UPDATE marts.fct_customer_features SET segment = 'marked'")

    cutoff = pd.Timestamp(run_date, tz=settings.company.time_zone).tz_convert("UTC")
    news = _news(frames, cutoff - pd.Timedelta(microseconds=1))
    more(settings, news)
    build_features(settings, run_date)
    with open_warehouse(settings, "test") as warehouse:
        for name, table in VERSIONS.items():
            key = CONTRACT[table].key
            assert _first_keys_written(warehouse, name, key) == sorted(news[table][key[0]]), name
        for name, condition in WRITTEN.items():
            counts = _counts(warehouse, name, condition)
            assert counts["astray"] == 0, name
            assert 0 < counts["written"] < counts["untouched"], name
        assert _marked_nights(warehouse) == {night_before}
        _mark_versions(warehouse, MARKED, FOR_EVER)
        _keep_aside(warehouse, run_date)
    _refresh(settings, run_date)
    with open_warehouse(settings, "test") as warehouse:
        for name in ACCUMULATING:
            columns = "* EXCLUDE (built_pull_id)" if name in WRITTEN else "*"
            bit_by_bit, anew = f"SELECT {columns} FROM {_kept(name)}", f"SELECT {columns} FROM {name}"
            assert warehouse.scalar(f"SELECT count(*) FROM ({bit_by_bit} EXCEPT ALL {anew})") == 0, name
            assert warehouse.scalar(f"SELECT count(*) FROM ({anew} EXCEPT ALL {bit_by_bit})") == 0, name


def _mark_versions(warehouse: Warehouse, valid_to: str, mark: str) -> None:
    assert set(VERSIONS) == {path.stem for path in PROJECT.glob("models/intermediate/*_versions.sql")}
    for name in VERSIONS:
        warehouse.execute(f"UPDATE intermediate.{name} SET valid_to = {mark} WHERE valid_to = {valid_to}")


def _first_keys_written(warehouse: Warehouse, name: str, key: tuple[str, ...]) -> list[str]:
    """The first column of each key whose current version bears no mark."""
    rows = warehouse.frame(f"SELECT DISTINCT {', '.join(key)} FROM intermediate.{name} WHERE valid_to = {FOR_EVER}")
    return sorted(rows[key[0]])


def _counts(warehouse: Warehouse, name: str, condition: str) -> pd.Series:
    """Rows that the second night wrote, those of them where it had no business, and rows that it left."""
    return warehouse.frame(
        f"""
        SELECT
            count(*) FILTER (built_pull_id = {NEWS_PULL}) AS written,
            count(*) FILTER (built_pull_id = {NEWS_PULL} AND NOT ({condition})) AS astray,
            count(*) FILTER (built_pull_id < {NEWS_PULL}) AS untouched
        FROM {name}
        """
    ).iloc[0]


def _marked_nights(warehouse: Warehouse) -> set[date]:
    nights = warehouse.frame(
        "SELECT as_of_on FROM marts.fct_customer_features GROUP BY as_of_on HAVING bool_and(segment = 'marked')"
    )
    return set(pd.to_datetime(nights["as_of_on"]).dt.date)


def _refresh(settings: Settings, run_date: date) -> None:
    """All that accumulates is made anew."""
    values = json.dumps(transform.variables(Night(settings, run_date), "subscription", [run_date]))
    which = ("--full-refresh", "--select", "config.materialized:incremental")
    assert transform.run_dbt(settings, "run", *which, "--vars", values).success


def _keep_aside(warehouse: Warehouse, run_date: date) -> None:
    """Copies all that accumulates; of the features the night's own, since a full refresh makes no others."""
    warehouse.execute("CREATE SCHEMA kept")
    for name in ACCUMULATING:
        warehouse.execute(f"CREATE TABLE {_kept(name)} AS SELECT * FROM {name}")
    warehouse.execute("DELETE FROM kept.fct_customer_features WHERE as_of_on <> ?", [run_date])


def _kept(name: str) -> str:
    return f"kept.{name.partition('.')[2]}"
