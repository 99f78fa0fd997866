"""The job on a small warehouse: three queues, ten weeks, hours of an hour each."""

from datetime import date, timedelta

import mlflow
import numpy as np
import pandas as pd
import pytest

from features.published_volume import VOLUME_FORECAST
from forestall.history.contacts import CHANGES
from forestall.history.outreach import LISTINGS
from forestall.jobs.forecast_volume import backtest_folder, forecast_volume
from forestall.night import Night
from forestall.outreach.experiment import HOLDOUT
from forestall.publishing.publication import canonical_hash
from forestall.warehouse import open_warehouse
from tests.forestall.jobs.volumes import fill

RUN = date(2026, 3, 23)
TOML = """
[company]
time_zone = "Europe/Berlin"
country = "DE"
[volume]
interval_minutes = 60
horizon_days = 14
backtest_cutoffs = 2
"""
CALENDAR = """
queues:
  billing:
    hours: {default: "08:00-18:00", saturday: closed, sunday: closed}
"""


def changes(first=date(2026, 1, 5), last=RUN, redials=0, seed=1):
    """Rows of the documented table: a phone queue, a mail queue, and a phone queue of two days."""
    rng = np.random.default_rng(seed)
    local = pd.date_range(first, last, freq="h", inclusive="left", tz="Europe/Berlin")
    week = np.array([1.3, 1.1, 1.0, 1.0, 0.9, 0.5, 0.4])[local.day_of_week]
    is_open = (local.day_of_week < 5) & (local.hour >= 8) & (local.hour < 18)
    frames = []
    for queue, channel, mean, since in (
        ("billing", "phone", 40 * week * is_open, first),
        ("mail", "email", 15 * week, first),
        ("new", "phone", 10 * week, RUN - timedelta(days=2)),
    ):
        on = local.tz_localize(None).normalize()
        count = rng.poisson(mean)
        seconds = 200 if channel == "phone" else 500
        rows = pd.DataFrame(
            {
                "queue": queue,
                "channel": channel,
                "interval_start_at": local.tz_convert("UTC"),
                "local_on": on.date,
                "known_on": (on + pd.Timedelta(days=1)).date,
                "offered_count": count + redials,
                "handled_count": count,
                "redial_count": redials,
                "handle_time_s": count * seconds,
            }
        )
        frames.append(rows[(count > 0) & (on >= pd.Timestamp(since))])
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def mlflow_uri(tmp_path_factory):
    """One store for all tests: to make one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture(autouse=True)
def _one_store(mlflow_uri, monkeypatch):
    monkeypatch.setenv("FORESTALL_MLFLOW_URI", mlflow_uri)


@pytest.fixture
def settings(company):
    return fill(company(TOML), CALENDAR, {CHANGES: changes()})


def hash_of(settings, run_date=RUN):
    import pyarrow.parquet as pq

    table = pq.read_table(Night(settings, run_date).folder / "volume_forecast.parquet")
    return canonical_hash(table, VOLUME_FORECAST)


def test_a_night_writes_every_interval_with_its_cutoff_and_says_what_won(settings):
    summary = forecast_volume(settings, RUN)
    night = Night(settings, RUN)
    forecast = night.read("volume_forecast")
    assert summary["queues"] == 3
    assert summary["intervals"] == len(forecast) == 3 * (14 * 24 - 1)  # clocks go forward on 29 March
    assert (forecast["cutoff_at"] == night.cutoff).all()
    assert forecast["model_version"].str.startswith("volume/").all()
    assert "new: 2 days of history" in summary["notes"]
    billing = forecast[forecast["queue"] == "billing"]
    monday = billing[billing["local_on"] == RUN]
    assert monday["contacts"].sum() == pytest.approx(40 * 1.3 * 10, rel=0.15)
    assert (billing.loc[~billing["is_open"], "contacts"] == 0).all()
    assert monday.loc[monday["is_open"], "handle_time_s"].mean() == pytest.approx(200, rel=0.01)


def test_a_night_says_what_won_where_and_has_days_for_a_year(settings):
    forecast_volume(settings, RUN)
    night = Night(settings, RUN)
    forecast, days, methods = (night.read(name) for name in ("volume_forecast", "volume_days", "forecast_methods"))
    assert days.groupby(["scope", "scope_value"]).size().to_dict() == {
        ("all", "all"): 364, ("channel", "email"): 364, ("channel", "phone"): 364,
        ("queue", "billing"): 364, ("queue", "mail"): 364, ("queue", "new"): 364,
    }  # fmt: skip
    total = days[(days["scope"] == "all") & (days["basis"] == "intervals")]["contacts"].sum()
    assert total == pytest.approx(forecast["contacts"].sum())
    assert not days.isna().any().any()
    assert set(methods["queue"]) == {"billing", "mail"}  # the new one has no past cutoff
    assert len(methods) == 2 * 6
    weights = [name for name in methods.columns if name.startswith("weight_")]
    np.testing.assert_allclose(methods[weights].sum(axis=1), 1)
    judged = methods.dropna(subset=["wape"])
    assert (judged["wape"] <= judged["wape_four_like_weekdays"] + 1e-12).all()
    assert (judged["gain_over_rival"] >= 0).all()


def test_weights_stay_from_one_monday_to_the_next(company):
    """Every further night knows a day more of the newest cutoff's second week, and learns nothing from it yet."""
    settings = fill(company(TOML), CALENDAR, {CHANGES: changes(last=RUN + timedelta(days=7))})
    methods = []
    for days in (0, 2, 7):
        forecast_volume(settings, RUN + timedelta(days=days))
        rows = Night(settings, RUN + timedelta(days=days)).read("forecast_methods")
        rows = rows[rows["queue"] != "new"].drop(columns="model_version")
        methods.append(rows.sort_values(["queue", "lead_bucket"], ignore_index=True))
    pd.testing.assert_frame_equal(methods[0], methods[1])
    assert not methods[0].equals(methods[2])  # a new week has a new cutoff


def test_the_same_night_again_is_the_same_with_and_without_stored_backtests(settings):
    forecast_volume(settings, RUN)
    first = hash_of(settings)
    forecast_volume(settings, RUN)
    assert hash_of(settings) == first
    for stored in backtest_folder(settings).iterdir():
        stored.unlink()
    forecast_volume(settings, RUN)
    assert hash_of(settings) == first


def test_an_earlier_night_does_not_see_what_came_later(company):
    earlier = RUN - timedelta(days=7)
    settings = fill(company(TOML), CALENDAR, {CHANGES: changes(last=earlier)})
    forecast_volume(settings, earlier)
    before = hash_of(settings, earlier)
    late = changes(last=earlier).head(50).assign(offered_count=9999, known_on=earlier + timedelta(days=1))
    every = pd.concat([changes(last=earlier), late, changes(first=earlier, seed=3)])
    fill(settings, CALENDAR, {CHANGES: every})
    forecast_volume(settings, earlier)
    assert hash_of(settings, earlier) == before


def test_contacts_that_outreach_avoids_are_off_the_forecast_once_they_are_known(settings):
    forecast_volume(settings, RUN)
    without = Night(settings, RUN).read("volume_forecast")
    assert (without["outreach_contacts"] == 0).all()
    nights = [RUN - timedelta(days=ago) for ago in range(1, 8) for _ in range(10)]
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute(LISTINGS)
        for at, on in enumerate([*nights, *nights[:3]]):  # the last three are held out: nobody calls them
            arm = "call" if at < len(nights) else HOLDOUT
            warehouse.execute(
                "INSERT INTO forestall.listings"
                " (run_date, revision, row_id, customer_id, account_id, arm, arm_probability)"
                f" VALUES (DATE '{on}', 1, 'r{at}', 'c{at}', 'a{at}', '{arm}', 0.9)"
            )
    load = {"measure": "contacts_14d", "action": "all", "change": -1.4, "low": -2.0, "high": -0.5}
    Night(settings, RUN).write("net_load", pd.DataFrame([load]))
    told = forecast_volume(settings, RUN)["notes"]
    found = Night(settings, RUN).read("volume_forecast")
    by_day = found.groupby("lead_days")["outreach_contacts"].sum()
    # Seventy listings count, five more tonight; ten did on the mean of four weeks (test_load.py).
    assert by_day[1] == pytest.approx(-0.1 * (75 - 10))
    assert found["contacts"].sum() == pytest.approx(without["contacts"].sum() + by_day.sum())
    assert (found["model_contacts"] == found["contacts"]).all()
    assert "outreach: -1.40 contacts within 14 days of each account listed, -6.5 today" in told


def test_redials_are_no_new_demand(company):
    settings = fill(company(TOML), CALENDAR, {CHANGES: changes(redials=25)})
    forecast_volume(settings, RUN)
    forecast = Night(settings, RUN).read("volume_forecast")
    monday = forecast[(forecast["queue"] == "billing") & (forecast["local_on"] == RUN)]
    assert monday["contacts"].sum() == pytest.approx(40 * 1.3 * 10, rel=0.15)


def test_a_queue_that_only_ever_reported_zeros_is_told(company):
    reports = pd.DataFrame({"queue": ["idle", "billing", "tomorrow"], "known_on": [RUN, RUN, RUN + timedelta(days=1)]})
    settings = fill(company(TOML), CALENDAR, {CHANGES: changes(), "intermediate.int_report_versions": reports})
    notes = forecast_volume(settings, RUN)["notes"]
    assert "idle: no contact in any of its reports; it has no forecast" in notes
    assert notes.count("in any of its reports") == 1
    assert "idle" not in set(Night(settings, RUN).read("volume_forecast")["queue"])


def test_an_event_known_in_time_moves_its_day(company):
    rows, days = changes(), [date(2026, 1, 20), date(2026, 2, 17), date(2026, 3, 10), date(2026, 3, 24)]
    is_event = rows["local_on"].isin(days) & (rows["queue"] == "billing")
    rows["offered_count"] = np.where(is_event, rows["offered_count"] * 2, rows["offered_count"])
    events = pd.DataFrame({"name": "billing run", "starts_on": days, "ends_on": days, "queues": "billing",
                           "known_on": [day - timedelta(days=14) for day in days]})  # fmt: skip
    totals = {}
    for name, known in (("late", events.assign(known_on=RUN)), ("told", events)):
        settings = fill(company(TOML), CALENDAR, {CHANGES: rows, "staging.stg_business_events": known})
        forecast_volume(settings, RUN)
        forecast = Night(settings, RUN).read("volume_forecast")
        tuesday = forecast[(forecast["queue"] == "billing") & (forecast["local_on"] == days[-1])]
        totals[name] = tuesday["contacts"].sum()
    assert totals["told"] > 1.25 * totals["late"]
    effects = Night(settings, RUN).read("mark_effects").set_index(["mark", "queue"])
    run = effects.loc["event: billing run"]
    assert list(run.index) == ["billing"]  # the others do not feel it
    assert run.loc["billing", ["description", "days_seen", "next_on"]].tolist() == ["billing run", 3, days[-1]]
    assert 0.5 < run.loc["billing", "effect"] < 1.1  # it doubles a day


def test_without_any_contact_the_table_is_empty_and_the_summary_says_why(company):
    settings = company(TOML)
    assert "no forecast" in forecast_volume(settings, RUN)["notes"]
    for table in ("volume_forecast", "volume_days", "forecast_methods"):
        assert Night(settings, RUN).read(table).empty
    fill(settings, CALENDAR, {CHANGES: changes().iloc[:0]})
    assert forecast_volume(settings, RUN)["queues"] == 0


def test_one_run_on_mlflow_holds_parameters_accuracy_all_series_and_a_picture(settings):
    forecast_volume(settings, RUN)
    client = mlflow.MlflowClient(settings.tracking_uri)
    run = client.search_runs([client.get_experiment_by_name("volume").experiment_id])[0]  # the newest
    assert run.data.params["daily.seasonality_mode"] == "multiplicative"
    assert run.data.metrics["wape/all/1"] < 1
    names = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert names == {"prophet.json", "forecast.png", "backtest_accuracy.csv"}
    series = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/prophet.json")
    assert set(series) == {"billing", "mail"}  # the new one has no Prophet
    forecast = Night(settings, RUN).read("volume_forecast")
    assert run.data.tags["model_version"] == forecast["model_version"].iloc[0]
