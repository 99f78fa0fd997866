"""A past night as it would have been: apart from the record, and the same whatever was learned since."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from forestall.jobs import NIGHT
from forestall.night import Night
from forestall.publishing.publication import load_night
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from models.churn.params import MODEL
from models.tracking import alias_moves
from tests.nights.company import FIRST, copied, fingerprints, run_jobs

pytestmark = pytest.mark.slow

EARLIER = FIRST - timedelta(days=7)
KNOWN = ("pull", "build_features", "forecast_volume")  # what the past was made of
RECORD = ("published", "runs", "vault")


def _record(settings: Settings) -> dict[str, object]:
    """What a backfill must leave alone."""
    with open_warehouse(settings, "test") as warehouse:
        tables = ("forestall.arms", "forestall.pulls", "forestall.watermarks", "raw.interactions", "raw.subscriptions")
        rows = {name: warehouse.frame(f"SELECT * FROM {name} ORDER BY ALL").to_csv() for name in tables}
    moves = alias_moves(settings.tracking_uri, MODEL)
    return {name: fingerprints(settings.var_path / name) for name in RECORD} | rows | {"moves": moves}


def _past(settings: Settings, run_date: date) -> dict[str, pd.DataFrame]:
    """Features, volumes and forecast of a date, as the warehouse and the run folder hold them now."""
    with open_warehouse(settings, "test") as warehouse:
        return {
            "features": warehouse.frame(
                "SELECT * FROM marts.fct_customer_features WHERE as_of_on = ? AND NOT is_training ORDER BY customer_id",
                [run_date],
            ),
            "candidates": warehouse.frame("SELECT * FROM marts.fct_outreach_candidates ORDER BY customer_id"),
            "volumes": warehouse.frame("SELECT * FROM marts.fct_contact_volume ORDER BY queue, interval_start_at"),
            "forecast": Night(settings, run_date).read("volume_forecast"),
        }


def test_a_backfill_writes_apart_and_says_what_it_saw_is_what_was_known(
    first_night: Settings, second_night, tmp_path: Path
) -> None:
    before = copied(first_night.root, tmp_path / "before").for_backfill()
    run_jobs(before, EARLIER, KNOWN)
    after = copied(second_night.settings.root, tmp_path / "after").for_backfill()
    record = _record(after)
    summaries = run_jobs(after, EARLIER, NIGHT)
    assert _record(after) == record

    night = load_night(after.var_path / "backfill" / "published" / EARLIER.isoformat())
    assert night.manifest["is_backfill"]
    assert not (night.folder.parent / "current").is_symlink()
    assert night.frame("volume_forecast")["local_on"].min() == EARLIER
    assert night.frame("staffing_requirement")["agents_net"].sum() > 0
    # The first champion came a week later: nobody can have been scored by it.
    assert summaries["train_churn"]["notes"] == "no model was trained before this date"
    assert night.frame("churn_scores").empty
    assert summaries["score_churn"]["notes"] == "nobody was scored: no churn model yet"

    told_before, told_after = _past(before, EARLIER), _past(after, EARLIER)
    for name, rows in told_before.items():
        assert len(rows) > 100, name
        pd.testing.assert_frame_equal(told_after[name], rows, obj=name, rtol=1e-12)
