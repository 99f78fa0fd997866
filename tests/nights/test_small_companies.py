"""Companies that have almost nothing: each gets what can be made of it, and is told why the rest is empty.

Their nights are those on which calendars and clocks play tricks: 29 February, and both on which clocks change.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forestall.publishing.publication import PublishedNight, load_night
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from tests.nights.company import SMALLER, ZONE, Make, run_jobs

pytestmark = pytest.mark.slow

LEAP_DAY, CLOCKS_FORWARD, CLOCKS_BACK = date(2024, 2, 29), date(2026, 3, 29), date(2025, 10, 26)
HORIZON_DAYS = int(SMALLER["FORESTALL_VOLUME__HORIZON_DAYS"])


def _published(settings: Settings, run_date: date) -> PublishedNight:
    night = load_night(settings.var_path / "published" / "current")
    assert night.run_date == run_date
    assert "<html" in (night.folder / "report.html").read_text(encoding="utf-8")
    return night


def _intervals(first_on: date, days: int, minutes: int) -> pd.DatetimeIndex:
    """Every interval of the days from `first_on` on, in the site's zone."""
    return pd.date_range(
        first_on, first_on + timedelta(days=days), freq=f"{minutes}min", tz=ZONE, inclusive="left", unit="us"
    )


def volumes(
    queue: str, run_date: date, days: int, hourly: float, *, hours: Sequence[int] = range(8, 18), minutes: int = 30
) -> pd.DataFrame:
    """Counts of the intervals of the last `days` days, in some hours of the site's clock."""
    at = _intervals(run_date - timedelta(days=days), days, minutes)
    at = at[at.hour.isin(hours)]
    count = np.random.default_rng(days).poisson(hourly * minutes / 60, len(at))
    return pd.DataFrame(
        {
            "queue": queue, "channel": "phone", "interval_start_at": at.tz_convert("UTC"),
            "offered_count": count, "handled_count": count, "handle_time_s": count * 240,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("run_date", "minutes", "count"),
    [(LEAP_DAY, 30, 48), (CLOCKS_FORWARD, 15, 92), (CLOCKS_BACK, 30, 50)],
    ids=["29 February", "clocks forward", "clocks back"],
)
def test_counts_of_contacts_alone_give_a_whole_plan_and_no_list(
    small: Make, run_date: date, minutes: int, count: int
) -> None:
    """One of the queues never closes, the other is three days old."""
    always = volumes("calls", run_date, 70, 40.0, hours=range(24), minutes=minutes)
    new = volumes("new", run_date, 3, 16.0, minutes=minutes)
    settings = small(f"[volume]\ninterval_minutes = {minutes}\n", contact_volumes=pd.concat([always, new]))
    summaries = run_jobs(settings, run_date)
    night = _published(settings, run_date)
    plan, forecast = night.frame("staffing_requirement"), night.frame("volume_forecast")
    ahead = list(_intervals(run_date, HORIZON_DAYS, minutes))
    assert len(_intervals(run_date, 1, minutes)) == count
    for rows in (plan, forecast):
        for queue in ("calls", "new"):
            own = rows[rows["queue"] == queue]
            assert list(own["interval_start_at"]) == ahead  # none is lost, none is there twice
            assert (own["local_on"] == run_date).sum() == count
    # Each interval of the morning itself brings what each brought before, also those of an hour that comes twice.
    today = forecast[(forecast["queue"] == "calls") & (forecast["local_on"] == run_date)]
    assert today["contacts"].to_numpy() == pytest.approx(40 * minutes / 60, rel=0.4)
    daily = forecast.groupby(["queue", "local_on"])["contacts"].sum().groupby("queue").median()
    assert daily["calls"] == pytest.approx(24 * 40, rel=0.15)
    assert daily["new"] == pytest.approx(10 * 16, rel=0.5)
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
    on = pd.Timestamp(LEAP_DAY) - pd.to_timedelta(420, unit="D") + pd.to_timedelta(np.floor(days[who, visit]), unit="D")
    rows = pd.DataFrame(
        {"customer_id": [f"C{number:04d}" for number in who], "occurred_on": on.strftime("%Y-%m-%d"),
         "kind": "purchase", "event_count": 1, "value": 40.0}
    ).drop_duplicates(["customer_id", "occurred_on"])  # fmt: skip
    settings = small("[churn]\nhorizons = [91]\nmain_horizon = 91\n", activity=rows)
    summaries = run_jobs(settings, LEAP_DAY)
    assert summaries["build_features"]["churn_rule"] == "inactivity"
    assert summaries["train_churn"]["kind"] == "lightgbm"
    night = _published(settings, LEAP_DAY)
    assert len(night.frame("churn_scores")) > 200
    listed = night.frame("outreach_list")
    assert len(listed) > 5
    assert listed["action"].notna().all()
    assert listed["due_on"].min() >= LEAP_DAY
    for empty in ("volume_forecast", "staffing_requirement"):
        assert night.frame(empty).empty, empty
    assert "neither interactions nor contact_volumes" in str(summaries["forecast_volume"]["notes"])


def test_where_nobody_ever_left_the_night_is_published_and_says_so(small: Make) -> None:
    """Yesterday had twenty-five hours, and in all of them people called."""
    run_date = CLOCKS_BACK + timedelta(days=1)
    came = volumes("calls", run_date, 40, 20.0, hours=range(24))
    numbers = [f"C{number:03d}" for number in range(80)]
    signed = pd.date_range("2024-01-01", periods=80, freq="3D", tz="UTC")
    settings = small(
        customers=pd.DataFrame({"customer_id": numbers, "signed_up_at": signed, "segment": "private"}),
        subscriptions=pd.DataFrame(
            {"subscription_id": numbers, "customer_id": numbers, "monthly_value": 30.0, "margin": 12.0,
             "started_at": signed, "ended_at": None}
        ),
        payments=pd.DataFrame(
            {"invoice_id": ["P1"], "customer_id": ["C007"], "due_on": [CLOCKS_BACK], "amount": 30.0, "status": "failed"}
        ),
        contact_volumes=came,
    )  # fmt: skip
    summaries = run_jobs(settings, run_date)
    assert summaries["train_churn"]["kind"] == "base_rate"
    assert summaries["train_churn"]["notes"]
    night = _published(settings, run_date)
    scores = night.frame("churn_scores")
    assert scores["customer_id"].nunique() == 80
    assert scores["churn_probability"].between(0, 0.2).all()
    # Base rates know no reasons, so what the trigger's action answers to is all of the risk.
    failed = pd.concat([night.frame("outreach_list"), night.frame("outreach_withheld")])
    assert failed[["trigger", "addressed_share"]].to_numpy().tolist() == [["payment_failed", 1.0]]
    assert night.frame("staffing_requirement")["agents_net"].max() > 0
    kpis = night.frame("service_kpis").set_index("local_on")["offered_count"]
    on = came["interval_start_at"].dt.tz_convert(ZONE).dt.date
    assert (on == CLOCKS_BACK).sum() == 50
    assert kpis[CLOCKS_BACK] == came.loc[on == CLOCKS_BACK, "offered_count"].sum()
    with open_warehouse(settings, "test") as warehouse:
        kept = warehouse.frame("SELECT * FROM marts.fct_contact_volume ORDER BY interval_start_at")
    counted = came[came["offered_count"] > 0]
    assert list(kept["interval_start_at"]) == list(counted["interval_start_at"])
    assert list(kept["offered_count"]) == list(counted["offered_count"])
