"""DuckDB and PostgreSQL build the same marts, row for row."""

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest

from forestall.dictionary import PROJECT
from forestall.history.training_features import build_training_features
from forestall.jobs.build_features import build_features
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

TABLES = [
    *sorted(f"marts.{path.stem}" for path in (PROJECT / "models" / "marts").glob("*.sql")),
    "intermediate.int_contact_volume_changes",
]


def _rows(settings: Settings, table: str) -> pd.DataFrame:
    with open_warehouse(settings, "compare") as warehouse:
        rows = warehouse.frame(f"SELECT * FROM {table}")
    exact = [column for column in rows.columns if not pd.api.types.is_float_dtype(rows[column])]
    return rows.sort_values(exact, ignore_index=True)


@pytest.mark.slow
def test_every_mart_is_the_same_on_both_engines(
    built: Settings, load: Callable[..., Settings], frames: dict[str, pd.DataFrame], run_date: date, postgres_url: str
) -> None:
    on_postgres = load(frames, postgres_url)
    build_features(on_postgres, run_date)
    dates = sorted(_rows(built, "marts.fct_customer_features").query("is_training")["as_of_on"].unique())
    build_training_features(on_postgres, run_date, dates)
    for table in TABLES:
        ours = _rows(built, table)
        assert len(ours) > 0, table
        pd.testing.assert_frame_equal(
            ours, _rows(on_postgres, table), check_dtype=False, rtol=1e-9, atol=1e-9, obj=table
        )
