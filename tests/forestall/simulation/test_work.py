"""A week of work: tries as the playbook allows them, and nobody else is touched."""

import shutil
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from forestall.demo.calls import true_falls
from forestall.demo.company import Company, current_state, load_company, make_company, truth_now
from forestall.simulation.work import TRY_HOURS, idle_week, margin_now, work_week

MONDAY = date(2024, 12, 30)
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return make_company(tmp_path_factory.mktemp("work"), scale=0.034, until=MONDAY, since=date(2024, 11, 1))


@pytest.fixture
def folder(company: Company, tmp_path: Path) -> Path:
    return Path(shutil.copytree(company.folder, tmp_path / "lived"))


def _rows(folder: Path) -> pd.DataFrame:
    """Sixty customers, the last twenty held out, planned for three days."""
    customers = truth_now(folder)["customer_id"].iloc[::5].head(60).reset_index(drop=True)
    days = [date(2024, 12, 30), date(2024, 12, 31), date(2025, 1, 3)]
    return pd.DataFrame({
        "row_id": [f"r{number}" for number in range(60)], "customer_id": customers, "action": "resolve_open_issue",
        "offer": None, "channel": "phone", "planned_on": [days[number % 3] for number in range(60)],
        "best_hours": ["09:00-12:00", None] * 30, "attempts": 3, "is_acted": [number < 40 for number in range(60)],
    })  # fmt: skip


def _exported(folder: Path) -> pd.DataFrame:
    files = sorted((folder / "data" / "outreach_outcomes").glob("calls_*.jsonl"))
    days = [
        pd.read_json(path, lines=True)
        for path in files
        if path.stem > f"calls_{MONDAY}" or path.stem == f"calls_{MONDAY}"
    ]
    return pd.concat(days, ignore_index=True)


def test_rows_are_tried_until_somebody_answers_and_no_further(folder: Path) -> None:
    rows = _rows(folder)
    worked = work_week(folder, rows, ZONE)
    assert load_company(folder).run_date == date(2025, 1, 6)
    exported = _exported(folder)
    tries = exported.groupby("zeile")["ergebnis"].agg(list)
    assert set(tries.index) == set(
        rows.loc[rows["is_acted"], "row_id"]
    )  # the holdout is left alone, so is anybody else
    assert set(exported["kundennr"]) == set(rows.loc[rows["is_acted"], "customer_id"])
    assert tries.map(len).max() == 3
    assert all(set(one[:-1]) <= {"not_reached", "callback"} for one in tries)
    assert all(len(one) == 3 or one[-1] not in ("not_reached", "callback") for one in tries)
    told = worked.set_index("row_id")
    assert told.loc[tries.index, "result"].to_dict() == tries.map(lambda one: one[-1]).to_dict()
    assert told.loc[tries.index, "tries"].to_dict() == tries.map(len).to_dict()
    assert told["minutes"].sum() == pytest.approx(exported["minuten"].sum())
    assert told.loc[~told["is_acted"], "result"].isna().all()


def test_rows_are_tried_on_their_days_and_at_their_hours(folder: Path) -> None:
    rows = _rows(folder)
    work_week(folder, rows, ZONE)
    exported = _exported(folder)
    at = pd.to_datetime(exported["zeitpunkt"], utc=True).dt.tz_convert(ZONE)
    firsts = exported.assign(on=at.dt.date, hour=at.dt.hour).drop_duplicates("zeile").set_index("zeile")
    own = rows.set_index("row_id").loc[firsts.index]
    assert (firsts["on"] == own["planned_on"]).all()
    assert set(firsts.loc[own["best_hours"].notna(), "hour"]) == {9}
    assert set(firsts.loc[own["best_hours"].isna(), "hour"]) == {TRY_HOURS[0]}


def test_the_truth_is_that_of_the_morning_and_is_told_of_the_holdout_too(folder: Path) -> None:
    rows = _rows(folder)
    monday = rows[rows["planned_on"] == MONDAY]
    before = true_falls(current_state(folder), monday)
    worked = work_week(folder, rows, ZONE)
    pd.testing.assert_series_equal(worked.loc[monday.index, "fall"], before, check_names=False)
    assert (worked.loc[~worked["is_acted"], "fall"] != 0).any()


def test_a_week_without_rows_is_an_idle_week(company: Company, folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(company.folder, tmp_path / "idle"))
    assert work_week(folder, _rows(folder).head(0), ZONE).empty
    idle_week(other)
    assert margin_now(folder) == margin_now(other) > 0
    pd.testing.assert_frame_equal(truth_now(folder), truth_now(other))
