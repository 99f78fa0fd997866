from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forestall.jobs.backtest_volume import backtest_volume
from forestall.settings import ConfigError
from tests.forestall.jobs.volumes import HOURLY, morning_office


@pytest.fixture
def settings(company):
    return morning_office(company(HOURLY))


def test_the_last_cutoffs_are_scored_on_all_open_days_beside_rival_and_floor(settings, capsys):
    found = backtest_volume(settings, cutoffs=3, horizon_days=7, has_outsiders=False)
    assert found["cutoffs"] == 3
    assert found["days"] == 15  # the last week has passed: its weekend is closed
    assert found["intervals"] == 60
    floor = np.mean(np.sqrt(2 * np.arange(60, 101, 10) / np.pi)) / 80
    assert found["noise_floor_wape"] == pytest.approx(floor, rel=0.05)
    assert found["noise_floor_wape"] * 0.8 < found["wape"] < found["noise_floor_wape"] * 1.6
    assert found["rival_wape"] > 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("lead_bucket", "four_like_weekdays", "4-7"))


def test_outsiders_stand_beside_ours_on_the_same_intervals(settings, monkeypatch):
    found = backtest_volume(settings, cutoffs=2, horizon_days=7)
    folder = Path(found["folder"])
    table = pd.read_parquet(folder / "accuracy.parquet").set_index(["queue", "lead_bucket", "method"])
    methods = {"ours", "prophet", "four_like_weekdays", "last_week", "last_year", "plain_prophet", "mstl"}
    assert set(table.index.get_level_values("method")) == methods
    overall = table.loc["all"].loc["all"]
    assert overall["contacts"].nunique() == 1  # everybody is scored on the same
    assert found["intervals"] == 40
    # Counts of 60 to 100, with a week that hardly moves: nobody is far from the floor, nobody below it.
    assert overall["wape"].between(0.8 * found["noise_floor_wape"], 2 * found["noise_floor_wape"]).all()
    assert overall["coverage_80"].between(0.5, 1).all()
    assert (folder / "accuracy.png").read_bytes().startswith(b"\x89PNG")

    def fail(*_):
        raise AssertionError("fitted again")

    monkeypatch.setattr("models.volume.outsiders._guarded", fail)
    assert backtest_volume(settings, cutoffs=2, horizon_days=7) == found


def test_without_statsforecast_one_line_says_what_to_do(settings, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="statsforecast is missing, which no night needs; `make setup`"):
        backtest_volume(settings)


def test_without_contacts_it_says_what_to_do(company):
    with pytest.raises(ConfigError, match="run `forestall nightly` first"):
        backtest_volume(company(HOURLY))
