"""Two nights of the job: an override and a campaign entered between them, and what the change is put down to."""

import shutil
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from forestall.history.contacts import CHANGES
from forestall.jobs.forecast_volume import forecast_volume
from forestall.night import Night
from forestall.planning.events import PlannedEvent
from forestall.planning.journal import enter
from forestall.planning.overrides import Override
from tests.forestall.jobs.volumes import fill

FIRST, RUN = date(2026, 3, 23), date(2026, 3, 24)
SALES = [date(2026, 1, 21), date(2026, 2, 18), date(2026, 3, 11)]
COMING = date(2026, 3, 26)
TOML = """
[company]
time_zone = "Europe/Berlin"
[volume]
interval_minutes = 60
horizon_days = 7
backtest_cutoffs = 1
"""
CALENDAR = 'default: {hours: "09:00-13:00"}\n'


def changes():
    """Ten weeks of a queue of 25 contacts an hour, and twice as many on the days of a sale."""
    rng = np.random.default_rng(5)
    local = pd.date_range(date(2026, 1, 12), RUN, freq="h", inclusive="left", tz="Europe/Berlin")
    local = local[(local.hour >= 9) & (local.hour < 13)]
    on = local.tz_localize(None).normalize()
    count = rng.poisson(25 * np.where(pd.Index(on.date).isin(SALES), 2.0, 1.0))
    return pd.DataFrame(
        {"queue": "sales", "channel": "phone", "interval_start_at": local.tz_convert("UTC"), "local_on": on.date,
         "known_on": (on + pd.Timedelta(days=1)).date, "offered_count": count, "handled_count": count,
         "redial_count": 0, "handle_time_s": count * 200}
    )  # fmt: skip


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Both nights of one company; the first as it was published."""
    from forestall.settings import load_settings

    root = tmp_path_factory.mktemp("company")
    (root / "forestall.toml").write_text(TOML)
    past = pd.DataFrame({"name": "sale", "starts_on": SALES, "ends_on": SALES, "queues": "sales", "known_on": SALES})
    tables = {CHANGES: changes(), "staging.stg_business_events": past}
    settings = fill(load_settings(root / "forestall.toml"), CALENDAR, tables)
    forecast_volume(settings, FIRST)
    first = Night(settings, FIRST)
    folder = first.published / f"{FIRST}"
    folder.mkdir(parents=True)
    shutil.copy(first.folder / "volume_forecast.parquet", folder)
    (folder / "manifest.json").write_text("{}")
    at = datetime(2026, 3, 23, 8, tzinfo=UTC)
    said = Override(first_on=RUN, action="percent", amount=50, queues=("sales",), author="anna", reason="letter")
    enter(settings, "override", said, at)
    for name in ("sale", "fair"):
        enter(settings, "event", PlannedEvent(name=name, starts_on=COMING, author="anna"), at)
    notes = forecast_volume(settings, RUN)["notes"]
    return settings, notes


def test_an_override_stands_on_top_of_the_model_and_the_plan_reads_what_was_decided(nights):
    settings, _ = nights
    forecast = Night(settings, RUN).read("volume_forecast")
    today = forecast[(forecast["local_on"] == RUN) & forecast["is_open"]]
    assert today["contacts"].to_numpy() == pytest.approx(1.5 * today["model_contacts"].to_numpy())
    assert set(today["override_id"]) == {"1"}
    assert (today["contacts_p50"] / today["contacts"]).between(0.85, 1.1).all()
    later = forecast[forecast["local_on"] > RUN]
    assert later["override_id"].isna().all()
    assert (later["contacts"] == later["model_contacts"]).all()


def test_a_night_before_the_entry_is_as_it_was(nights):
    settings, _ = nights
    before = Night(settings, FIRST).read("volume_forecast")
    forecast_volume(settings, FIRST)
    assert Night(settings, FIRST).read("volume_forecast").equals(before)
    assert Night(settings, FIRST).read("forecast_changes").empty  # no night is published before it


def test_the_change_since_the_last_night_is_shared_out_over_its_causes(nights):
    settings, _ = nights
    found = Night(settings, RUN).read("forecast_changes").set_index("local_on")
    assert set(found["previous_run_on"]) == {FIRST}
    assert len(found) == 6  # the days that both nights forecast
    shares = found[["by_data", "by_model", "by_event", "by_override", "by_outreach"]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(found["change"].to_numpy(), abs=1e-6)
    forecast = Night(settings, RUN).read("volume_forecast")
    today = forecast[forecast["local_on"] == RUN]
    assert found.loc[RUN, "by_override"] == pytest.approx(0.5 * today["model_contacts"].sum())
    assert found.loc[RUN, "main_cause"] == "override"
    assert found["by_override"].drop(RUN).abs().max() < 1e-9
    sale = found.loc[COMING]
    assert sale["main_cause"] == "event"
    assert sale["by_event"] > 30  # a sale brings 100 more; the rival, which knows of none, keeps its weight
    assert sale["by_event"] == pytest.approx(sale["change"], rel=0.35)
    assert found["by_event"].drop([COMING]).abs().max() < 0.35 * sale["by_event"]  # and a little on the day after


def test_an_event_whose_kind_never_was_is_one_line(nights):
    _, notes = nights
    assert "event fair: none of that name has passed" in notes
    assert "event sale" not in notes
