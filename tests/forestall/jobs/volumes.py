"""What tests of jobs that read contact volumes share: a warehouse that holds just these tables."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from forestall.settings import Settings
from forestall.warehouse import open_warehouse


def fill(settings: Settings, calendar: str, tables: Mapping[str, pd.DataFrame | pa.Table]) -> Settings:
    """Write `calendar.yml` and put each `schema.table` in place of the one the warehouse holds."""
    (settings.root / "calendar.yml").write_text(calendar)
    with open_warehouse(settings, "test") as warehouse:
        scratch = warehouse.scratch()
        for name, rows in tables.items():
            scratch.register("given", rows)
            scratch.execute(f"CREATE OR REPLACE TABLE {name} AS FROM given").fetchall()
    return settings
