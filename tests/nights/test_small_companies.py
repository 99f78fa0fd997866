"""Companies that have almost nothing: each gets what can be made of it, and is told why the rest is empty."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forestall.publishing.publication import PublishedNight, load_night
from forestall.settings import Settings
from tests.nights.company import SMALLER, run_jobs, settings_of

pytestmark = pytest.mark.slow

RUN_DATE = date(2026, 3, 2)
HORIZON_DAYS = int(SMALLER["FORESTALL_VOLUME__HORIZON_DAYS"])
COMPANY = '[company]\nname = "Small"\ntime_zone = "Europe/Berlin"\n'

Make = Callable[..., Settings]


@pytest.fixture
def small(tmp_path: Path) -> Make:
    """Makes a company of CSV files: one source for each table, named as in the contract."""

    def make(more: str = "", **tables: pd.DataFrame) -> Settings:
        toml = COMPANY + more
        for name, rows in tables.items():
            rows.to_csv(tmp_path / f"{name}.csv", index=False)
            toml += f'[sources.{name}]\nkind = "file"\ntable = "{name}"\nlocation = "{name}.csv"\n'
        (tmp_path / "forestall.toml").write_text(toml, encoding="utf-8")
        (tmp_path / ".env").write_text("FORESTALL_SECRET_KEY=a key that only the tests know\n", encoding="utf-8")
        return settings_of(tmp_path)

    return make


def _published(settings: Settings) -> PublishedNight:
    night = load_night(settings.var_path / "published" / "current")
    assert night.run_date == RUN_DATE
    assert "<html" in (night.folder / "report.html").read_text(encoding="utf-8")
    return night


def _volumes(queue: str, days: int, calls: float) -> pd.DataFrame:
    """Half hours of the last `days` days, 08:00 to 18:00 in the site's zone."""
    starts = pd.date_range(end=RUN_DATE, periods=days + 1, freq="D", tz="Europe/Berlin")[:-1].tz_convert(None)
    at = np.add.outer(starts.to_numpy(), np.arange(16, 36) * np.timedelta64(30, "m")).ravel()
    count = np.random.default_rng(days).poisson(calls, len(at))
    return pd.DataFrame(
        {
            "queue": queue, "channel": "phone", "interval_start_at": pd.DatetimeIndex(at, tz="UTC"),
            "offered_count": count, "handled_count": count, "handle_time_s": count * 240,
        }
    )  # fmt: skip


def test_counts_of_contacts_alone_give_a_whole_plan_and_no_list(small: Make) -> None:
    """One of the queues is three days old."""
    settings = small(contact_volumes=pd.concat([_volumes("calls", 70, 20.0), _volumes("new", 3, 8.0)]))
    summaries = run_jobs(settings, RUN_DATE)
    night = _published(settings)
    plan, forecast = night.frame("staffing_requirement"), night.frame("volume_forecast")
    for rows in (plan, forecast):
        assert rows.groupby("queue")["local_on"].nunique().to_dict() == {"calls": HORIZON_DAYS, "new": HORIZON_DAYS}
    daily = forecast.groupby(["queue", "local_on"])["contacts"].sum().groupby("queue").median()
    assert daily["calls"] == pytest.approx(400, rel=0.15)
    assert daily["new"] == pytest.approx(160, rel=0.5)
    assert plan.groupby("queue")["agents_net"].max().gt(0).all()
    assert "new" in str(summaries["forecast_volume"]["notes"])
    for empty in ("churn_scores", "outreach_list", "outreach_withheld"):
        assert night.frame(empty).empty, empty
    assert summaries["score_churn"]["notes"]
    assert summaries["train_churn"]["notes"]


def test_activity_alone_gives_a_list_and_no_plan(small: Make) -> None:
    """Customers of a shop: the silent are likelier to stay away."""
    random = np.random.default_rng(4)
    gaps = random.exponential(np.where(np.arange(300) % 2, 9, 60)[:, None], (300, 40))
    stops = random.uniform(60, 700, 300)
    days = np.cumsum(gaps, axis=1)
    who, visit = np.nonzero(days < np.minimum(stops, 420)[:, None])
    on = pd.Timestamp(RUN_DATE) - pd.to_timedelta(420, unit="D") + pd.to_timedelta(np.floor(days[who, visit]), unit="D")
    rows = pd.DataFrame(
        {"customer_id": [f"C{number:04d}" for number in who], "occurred_on": on.strftime("%Y-%m-%d"),
         "kind": "purchase", "event_count": 1, "value": 40.0}
    ).drop_duplicates(["customer_id", "occurred_on"])  # fmt: skip
    settings = small("[churn]\nhorizons = [91]\nmain_horizon = 91\n", activity=rows)
    summaries = run_jobs(settings, RUN_DATE)
    assert summaries["build_features"]["churn_rule"] == "inactivity"
    assert summaries["train_churn"]["kind"] == "lightgbm"
    night = _published(settings)
    assert len(night.frame("churn_scores")) > 200
    listed = night.frame("outreach_list")
    assert len(listed) > 5
    assert listed["action"].notna().all()
    for empty in ("volume_forecast", "staffing_requirement"):
        assert night.frame(empty).empty, empty
    assert "neither interactions nor contact_volumes" in str(summaries["forecast_volume"]["notes"])


def test_where_nobody_ever_left_the_night_is_published_and_says_so(small: Make) -> None:
    numbers = [f"C{number:03d}" for number in range(80)]
    signed = pd.date_range("2024-01-01", periods=80, freq="3D", tz="UTC")
    settings = small(
        customers=pd.DataFrame({"customer_id": numbers, "signed_up_at": signed, "segment": "private"}),
        subscriptions=pd.DataFrame(
            {"subscription_id": numbers, "customer_id": numbers, "monthly_value": 30.0, "margin": 12.0,
             "started_at": signed, "ended_at": None}
        ),
        contact_volumes=_volumes("calls", 40, 10.0),
    )  # fmt: skip
    summaries = run_jobs(settings, RUN_DATE)
    assert summaries["train_churn"]["kind"] == "base_rate"
    assert summaries["train_churn"]["notes"]
    night = _published(settings)
    scores = night.frame("churn_scores")
    assert scores["customer_id"].nunique() == 80
    assert scores["churn_probability"].between(0, 0.2).all()
    assert night.frame("staffing_requirement")["agents_net"].max() > 0
