"""The same night on PostgreSQL: what is published and what it was made of are those of DuckDB."""

from pathlib import Path

import pandas as pd
import pytest

from features.published import PUBLISHED
from forestall.publishing.publication import load_night
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from tests.nights.company import EMPTY_AT_FIRST, FIRST, copied, run_jobs, settings_of

pytestmark = pytest.mark.slow

MARTS = {
    "marts.fct_customer_features": "customer_id, as_of_on, is_training",
    "marts.fct_churn_labels": "customer_id, as_of_on, horizon_days",
    "marts.fct_outreach_candidates": "customer_id",
    "marts.fct_service_kpis": "local_on, queue, channel",
    "marts.fct_customer_kpis": "month_on, segment",
    "marts.fct_agent_time": "local_on, team, activity, is_planned",
    "intermediate.int_contact_volume_changes": "queue, interval_start_at, known_on",
}


def _marts(settings: Settings) -> dict[str, pd.DataFrame]:
    with open_warehouse(settings, "test") as warehouse:
        return {name: warehouse.frame(f"SELECT * FROM {name}").pipe(_in_order, key) for name, key in MARTS.items()}


def _in_order(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Sorted here: the engines collate texts and place nulls each in its own way."""
    return rows[sorted(rows)].sort_values(key.split(", "), ignore_index=True)


def _same(ours: pd.DataFrame, theirs: pd.DataFrame, name: str) -> None:
    assert len(ours) > 0 or name in EMPTY_AT_FIRST, name
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-12, check_dtype=False, obj=name)


def test_a_night_on_postgresql_says_what_it_says_on_duckdb(
    first_night: Settings, postgres_url: str, tmp_path: Path
) -> None:
    copied(first_night.root, tmp_path / "company", with_var=False)
    settings = settings_of(tmp_path / "company", FORESTALL_WAREHOUSE__URL=postgres_url)
    run_jobs(settings, FIRST)
    assert not (settings.var_path / "warehouse.duckdb").exists()
    theirs, ours = _marts(settings), _marts(first_night)
    for name in MARTS:
        _same(ours[name], theirs[name], name)
    duckdb, postgres = (load_night(one.var_path / "published" / "current") for one in (first_night, settings))
    for name in PUBLISHED:
        _same(duckdb.frame(name), postgres.frame(name), name)
