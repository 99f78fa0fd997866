from collections.abc import Callable
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from features.published import PUBLISHED
from forestall.night import Night, SchemaError, conform
from forestall.settings import ConfigError, Settings

Company = Callable[[str], Settings]


def _scores(keys: list[str]) -> pd.DataFrame:
    row = dict.fromkeys(PUBLISHED["churn_scores"].names) | {"horizon_days": 30, "churn_probability": 0.5}
    return pd.DataFrame([row | {"customer_id": key} for key in keys])


@pytest.mark.parametrize(
    ("zone", "run_date", "cutoff"),
    [
        ("UTC", date(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),  # clocks change at 02:00
        ("Europe/Berlin", date(2026, 3, 30), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("America/Sao_Paulo", date(2024, 2, 29), datetime(2024, 2, 29, 3, tzinfo=UTC)),
    ],
)
def test_the_cutoff_is_local_midnight(company: Company, zone: str, run_date: date, cutoff: datetime) -> None:
    assert Night(company(f'[company]\ntime_zone = "{zone}"'), run_date).cutoff == cutoff


def test_a_published_table_comes_back_in_contract_types_and_key_order(company: Company) -> None:
    night = Night(company(""), date(2026, 3, 1))
    night.write("churn_scores", _scores(["b", "a"])[::-1])
    back = night.read("churn_scores")
    assert list(back["customer_id"]) == ["a", "b"]
    assert list(back.columns) == list(PUBLISHED["churn_scores"].names)
    assert list(night.folder.iterdir()) == [night.folder / "churn_scores.parquet"]


def test_missing_and_unknown_columns_are_named(company: Company) -> None:
    rows = pa.Table.from_pandas(_scores(["a"]).rename(columns={"risk_band": "band"}))
    with pytest.raises(SchemaError, match=r"missing columns \['risk_band'\], unknown columns \['band'\]"):
        conform(rows, PUBLISHED["churn_scores"])


def test_a_table_that_no_job_made_yet_is_named(company: Company) -> None:
    with pytest.raises(ConfigError, match="churn_scores of 2026-03-01"):
        Night(company(""), date(2026, 3, 1)).read("churn_scores")


def test_a_backfill_has_a_place_of_its_own(company: Company) -> None:
    settings = company("")
    assert Night(settings.for_backfill(), date(2026, 3, 1)).folder == (
        settings.var_path / "backfill" / "runs" / "2026-03-01"
    )
