"""The ledger, scored by hand: one queue, two open hours a day, forecasts published by us."""

import shutil
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.published import PUBLISHED, SERVICE_KPIS
from forestall.history.contacts import CHANGES
from forestall.history.ledger import published_forecasts
from forestall.jobs.measure import KPI_DAYS, measure
from forestall.night import Night, conform
from models.volume.handle_time import HANDLE_TIME_COLUMNS
from models.volume.quantiles import QUANTILE_COLUMNS
from tests.forestall.jobs.volumes import fill

RUN = date(2026, 3, 23)  # a Monday
TOML = """
[company]
time_zone = "Europe/Berlin"
[volume]
interval_minutes = 60
horizon_days = 7
backtest_cutoffs = 2
"""
CALENDAR = 'default: {hours: "09:00-11:00"}\n'


def instants(on):
    return [pd.Timestamp(f"{on} {hour:02d}:00", tz="Europe/Berlin").tz_convert("UTC") for hour in (9, 10)]


def volumes(per_day, last=RUN):
    """Contacts of 09:00 and 10:00 for each of the days before `last`."""
    days = [last - timedelta(days=len(per_day) - step) for step in range(len(per_day))]
    rows = [
        {"queue": "a", "channel": "phone", "interval_start_at": at, "local_on": on, "known_on": on + timedelta(days=1),
         "offered_count": count, "handled_count": count, "redial_count": 0, "handle_time_s": 100 * count}
        for on, counts in zip(days, per_day, strict=True)
        for at, count in zip(instants(on), counts, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def publish(settings, run_date, per_day, revision=1, low=0.0, high=1000.0, model=None, override_id=None):
    """A published night whose forecast we set: 09:00 and 10:00 of each day from the run date on.

    Without `model` (what the model said, per day) it is one of before there were overrides.
    """
    rows = []
    for step, counts in enumerate(per_day):
        on = run_date + timedelta(days=step)
        told = model[step] if model else counts
        for at, mean, own in zip(instants(on), counts, told, strict=True):
            levels = dict(zip(QUANTILE_COLUMNS, [low, low, low, mean, high, high, high], strict=True))
            rows.append(
                {"queue": "a", "interval_start_at": at, "local_on": on, "channel": "phone",
                 "cutoff_at": Night(settings, run_date).cutoff, "lead_days": step + 1, "is_open": True,
                 "contacts": float(mean), **levels, "handle_time_s": 100.0,
                 **dict.fromkeys(HANDLE_TIME_COLUMNS, 100.0), "method": "prophet", "model_version": "v",
                 "model_contacts": float(own), "override_id": override_id if own != mean else None,
                 "outreach_contacts": 0.0}
            )  # fmt: skip
    name = run_date.isoformat() + ("" if revision == 1 else f".r{revision}")
    folder = Night(settings, run_date).published / name
    folder.mkdir(parents=True)
    table = conform(pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False), PUBLISHED["volume_forecast"])
    if model is None:
        table = table.drop_columns(["model_contacts", "override_id", "outreach_contacts"])
    pa.parquet.write_table(table, folder / "volume_forecast.parquet")
    (folder / "manifest.json").write_text("{}")


@pytest.fixture
def settings(company):
    """Six weeks of 10 and 20 contacts, and a last day of 12 and 18."""
    return fill(company(TOML), CALENDAR, {CHANGES: volumes([(10, 20)] * 41 + [(12, 18)])})


def accuracy(settings, run_date=RUN):
    rows = Night(settings, run_date).read("forecast_accuracy")
    return rows.set_index(["queue", "lead_bucket"])


def test_a_published_night_is_scored_by_hand(settings):
    publish(settings, RUN - timedelta(days=1), [(9, 21)] * 7, low=9.5, high=15.0)
    measure(settings, RUN)
    row = accuracy(settings).loc[("a", "1")]
    assert row["source"] == "ledger"
    assert row["day_count"] == 1
    assert row["contacts"] == 30
    assert row["wape"] == pytest.approx((3 + 3) / 30)
    assert row["rival_wape"] == pytest.approx((2 + 2) / 30)  # four like Sundays: 10 and 20
    assert row["noise_floor_wape"] == pytest.approx((np.sqrt(2 * 12 / np.pi) + np.sqrt(2 * 18 / np.pi)) / 30)
    assert row["bias"] == pytest.approx(0)
    assert row["coverage_80"] == pytest.approx(0.5)  # 12 lies between 9.5 and 15, 18 does not
    assert row["pinball"] == pytest.approx(
        np.mean([0.05 * 2.5, 0.1 * 2.5, 0.25 * 2.5, 0.5 * 3, 0.25 * 3, 0.1 * 3, 0.05 * 3,
                 0.05 * 8.5, 0.1 * 8.5, 0.25 * 8.5, 0.5 * 3, 0.75 * 3, 0.9 * 3, 0.95 * 3])
    )  # fmt: skip


def test_each_lead_is_scored_in_its_bucket(settings):
    publish(settings, RUN - timedelta(days=3), [(10, 20), (10, 20), (12, 18)])
    publish(settings, RUN - timedelta(days=2), [(10, 20), (12, 24)])
    measure(settings, RUN)
    found = accuracy(settings)
    assert found.loc[("a", "1"), "wape"] == 0
    assert found.loc[("a", "1"), "day_count"] == 2
    # Leads 2 and 3: 10/20 came as said, then 12/18 as said three days ahead and 12/24 two days ahead.
    assert found.loc[("a", "2-3"), "wape"] == pytest.approx(6 / (30 + 30 + 30))
    assert found.loc[("all", "2-3"), "wape"] == found.loc[("a", "2-3"), "wape"]


def test_the_first_revision_counts_and_later_nights_do_not(settings):
    publish(settings, RUN - timedelta(days=1), [(12, 18)])
    publish(settings, RUN - timedelta(days=1), [(500, 500)], revision=2)
    publish(settings, RUN, [(700, 700)])
    publish(settings, RUN + timedelta(days=1), [(900, 900)])
    assert measure(settings, RUN)["nights_scored"] == 1
    assert accuracy(settings).loc[("a", "1"), "wape"] == 0


def test_a_late_correction_changes_the_score_and_nothing_else(settings):
    publish(settings, RUN - timedelta(days=1), [(12, 18)])
    late = volumes([(12, 18)]).assign(known_on=RUN + timedelta(days=1), offered_count=[8, 0])
    fill(settings, CALENDAR, {CHANGES: pd.concat([volumes([(10, 20)] * 41 + [(12, 18)]), late])})
    measure(settings, RUN)
    assert accuracy(settings).loc[("a", "1"), "wape"] == 0
    measure(settings, RUN + timedelta(days=1))
    assert accuracy(settings, RUN + timedelta(days=1)).loc[("a", "1"), "wape"] == pytest.approx(8 / 38)


def test_where_no_night_is_old_enough_backtests_stand_in(settings):
    publish(settings, RUN - timedelta(days=1), [(12, 18)])
    measure(settings, RUN)
    found = accuracy(settings)
    assert found.loc[("a", "1"), "source"] == "ledger"
    assert found.loc[("a", "4-7"), "source"] == "backtest"
    assert found.loc[("a", "4-7"), "wape"] < 0.2
    assert ("a", "8-14") not in found.index  # the horizon is a week


def test_nights_of_another_interval_length_are_left_out(settings):
    publish(settings, RUN - timedelta(days=1), [(12, 18)])
    halved = settings.model_copy(update={"volume": settings.volume.model_copy(update={"interval_minutes": 30})})
    assert published_forecasts(Night(halved, RUN), RUN - timedelta(days=7)).empty
    assert len(published_forecasts(Night(settings, RUN), RUN - timedelta(days=7))) == 2


def test_kpis_of_the_last_ninety_days_are_copied(company):
    days = [RUN - timedelta(days=step) for step in (-1, 0, 1, KPI_DAYS, KPI_DAYS + 1)]
    kpis = SERVICE_KPIS.arrow_schema().empty_table().to_pandas().reindex(range(len(days)))
    kpis = kpis.assign(local_on=days, queue="a", channel="phone", offered_count=range(len(days)))
    table = conform(pa.Table.from_pandas(kpis, preserve_index=False), SERVICE_KPIS)
    settings = fill(company(TOML), CALENDAR, {CHANGES: volumes([(10, 20)] * 7), "marts.fct_service_kpis": table})
    assert measure(settings, RUN)["kpi_days"] == 2
    assert sorted(Night(settings, RUN).read("service_kpis")["offered_count"]) == [2, 3]


def test_an_empty_warehouse_gives_empty_tables(company):
    settings = company(TOML)
    assert measure(settings, RUN) == {"kpi_days": 0, "nights_scored": 0, "ledger_entries": 0}
    assert Night(settings, RUN).read("forecast_accuracy").empty
    assert Night(settings, RUN).read("service_kpis").empty


def ledger_of(settings, run_date):
    return Night(settings, run_date).read("forecast_ledger")


def passed_on(settings, run_date):
    """Adds to the published night what its measuring wrote, as publication does."""
    folder, night = Night(settings, run_date).published / run_date.isoformat(), Night(settings, run_date)
    pa.parquet.write_table(night.table("forecast_ledger"), folder / "forecast_ledger.parquet")


def test_an_override_is_worth_the_error_that_it_avoids(settings):
    publish(settings, RUN - timedelta(days=2), [(10, 20), (15, 15)], model=[(10, 20), (20, 15)], override_id="3")
    publish(settings, RUN - timedelta(days=1), [(9, 24)], model=[(9, 21)], override_id="4")
    measure(settings, RUN)  # what came is 12 and 18
    value = Night(settings, RUN).read("override_value").set_index(["override_id", "queue", "lead_bucket"])
    helped, hurt = value.loc[("3", "a", "2-3")], value.loc[("4", "all", "all")]
    assert helped["error_avoided"] == 8 - 3  # 15 instead of 20 where 12 came; its other interval was not touched
    assert (helped["wape"], helped["model_wape"]) == (3 / 12, 8 / 12)
    assert hurt["error_avoided"] == 3 - 6
    assert hurt["contacts"] == 18
    assert ("3", "a", "1") not in value.index
    row = accuracy(settings).loc[("a", "1")]
    assert (row["wape"], row["model_wape"]) == (pytest.approx(9 / 60), pytest.approx(6 / 60))


def test_the_ledger_holds_each_day_of_each_night_beside_rival_and_floor(settings):
    publish(settings, RUN - timedelta(days=1), [(9, 24)], model=[(9, 21)], override_id="4", low=9.5, high=15.0)
    measure(settings, RUN)
    plain, overridden = ledger_of(settings, RUN).sort_values("override_id").to_dict("records")
    assert (plain["override_id"], overridden["override_id"]) == ("", "4")
    assert (overridden["lead_days"], overridden["interval_count"], overridden["contacts"]) == (1, 1, 18)
    assert (overridden["absolute_error"], overridden["model_absolute_error"]) == (6, 3)
    assert (plain["absolute_error"], plain["rival_absolute_error"]) == (3, 2)
    assert plain["noise_floor_error"] == pytest.approx(np.sqrt(2 * 12 / np.pi))
    assert (plain["covered_count"], overridden["covered_count"]) == (1, 0)
    assert (overridden["forecast_sum"], overridden["model_sum"]) == (24, 21)
    losses = [0.05 * 8.5, 0.1 * 8.5, 0.25 * 8.5, 0.5 * 6, 0.75 * 3, 0.9 * 3, 0.95 * 3]  # 18 came
    assert overridden["pinball_sum"] == pytest.approx(np.mean(losses))


def test_the_ledger_only_grows_and_survives_that_nights_are_pruned(settings):
    yesterday, tomorrow = RUN - timedelta(days=1), RUN + timedelta(days=1)
    publish(settings, yesterday, [(9, 24), (10, 20)], model=[(9, 21), (10, 20)], override_id="4")
    measure(settings, RUN)
    first = ledger_of(settings, RUN)
    measure(settings, RUN)
    assert ledger_of(settings, RUN).equals(first)  # run again, it says the same
    publish(settings, RUN, [(10, 20)])
    passed_on(settings, RUN)
    measure(settings, tomorrow)
    assert ledger_of(settings, tomorrow).empty  # nothing new is known
    late = volumes([(12, 18)]).assign(known_on=tomorrow, offered_count=[0, 4])
    fill(settings, CALENDAR, {CHANGES: pd.concat([volumes([(10, 20)] * 41 + [(12, 18)]), late])})
    measure(settings, tomorrow)
    added = ledger_of(settings, tomorrow)
    told = added[added["override_id"] == "4"].iloc[0]
    assert (told["local_on"], told["contacts"], told["absolute_error"]) == (yesterday, 22, 2)
    kept = Night(settings, RUN).base / "ledger" / f"{RUN}.parquet"
    assert pa.parquet.read_table(kept).to_pandas().equals(first)  # the correction is an entry of its own
    for name in (yesterday, RUN):
        shutil.rmtree(Night(settings, RUN).published / name.isoformat())
    publish(settings, tomorrow, [(10, 20)])
    passed_on(settings, tomorrow)
    measure(settings, tomorrow + timedelta(days=1))
    assert ledger_of(settings, tomorrow + timedelta(days=1)).empty
    value = Night(settings, tomorrow + timedelta(days=1)).read("override_value").set_index(["queue", "lead_bucket"])
    assert value.loc[("a", "1"), "error_avoided"] == abs(21 - 22) - abs(24 - 22)
