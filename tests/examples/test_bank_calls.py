"""The example's own configuration on a small file of the same shape: five-minute counts, and nothing else."""

from datetime import date

import pytest

from forestall.jobs.backtest_volume import backtest_volume
from forestall.jobs.build_features import build_features
from forestall.jobs.forecast_volume import forecast_volume
from forestall.jobs.measure import measure
from forestall.jobs.plan_staffing import plan_staffing
from forestall.jobs.pull import pull
from forestall.night import Night
from forestall.settings import Settings, load_settings
from tests.examples.bank import RUN_DATE, calls, make_bank

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The example's configuration, pulled, built and forecast."""
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in make_bank(folder).items():
            environment.setenv(name, value)
        settings = load_settings(folder / "forestall.toml")
    pulled = pull(settings, RUN_DATE)
    assert pulled["quarantined_rows"] == 0
    build_features(settings, RUN_DATE)
    forecast_volume(settings, RUN_DATE)
    return settings


def test_counts_alone_give_a_forecast_of_every_open_half_hour(bank):
    forecast = Night(bank, RUN_DATE).read("volume_forecast")
    opened = forecast[forecast["is_open"]]
    assert set(forecast["queue"]) == {"bank"}
    assert (opened.groupby("local_on").size() == 28).all()  # 07:00 to 21:00
    assert (opened["contacts"] > 0).all()
    assert forecast.loc[~forecast["is_open"], "contacts"].sum() == 0
    monday = opened[opened["local_on"] == RUN_DATE]["contacts"].sum()
    expected = calls().query("DateTime >= '2003-09-08' and DateTime < '2003-09-08 21:00'")["Calls"].sum()
    assert monday == pytest.approx(expected, rel=0.08)
    assert opened[opened["local_on"] == date(2003, 10, 13)]["contacts"].sum() > 0  # Columbus Day


def test_five_minute_rows_add_up_to_half_hours(bank):
    from forestall.warehouse import open_warehouse

    with open_warehouse(bank, "test") as warehouse:
        rows = warehouse.frame(
            "SELECT interval_start_at, offered_count FROM marts.fct_contact_volume ORDER BY interval_start_at"
        )
    expected = calls().set_index("DateTime")["Calls"].resample("30min").sum()
    assert rows["offered_count"].sum() == expected.sum()
    first = rows["interval_start_at"].iloc[0].tz_convert("America/New_York")
    assert (first.hour, rows["offered_count"].iloc[0]) == (7, expected.iloc[0])


def test_counts_alone_give_a_staffing_plan_and_a_score(bank):
    plan_staffing(bank, RUN_DATE)
    plan = Night(bank, RUN_DATE).read("staffing_requirement")
    assert plan["agents_net"].max() > 10
    assert measure(bank, RUN_DATE)["wape_lead_1"] < 0.15
    accuracy = Night(bank, RUN_DATE).read("forecast_accuracy")
    assert set(accuracy["source"]) == {"backtest"}


def test_the_backtest_beats_the_rival_and_not_the_floor(bank):
    found = backtest_volume(bank, cutoffs=3, horizon_days=7)
    assert found["days"] == 14  # Labor Day is closed
    assert found["noise_floor_wape"] < found["wape"] < found["rival_wape"]
