"""Two weeks of a tiny company under several policies, by the real jobs: it ends, it acts, and it can be taken up."""

from datetime import date
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from rich.console import Console

from features.backtests import OUTREACH_BACKTEST
from forestall.records import Summary
from forestall.simulation import backtest
from forestall.simulation.backtest import backtest_outreach
from forestall.simulation.policies import Policy
from forestall.simulation.year import Setup

SETUP = Setup(seed=3, weeks=2, scale=0.03, since=date(2025, 8, 1))
POLICIES: tuple[Policy, ...] = ("nobody", "random", "after", "best")
SMALLER = {
    "FORESTALL_CHURN__TRAINING_DATES": "3",
    "FORESTALL_OUTREACH__HOLDOUT_SHARE": "0.4",  # in so short a time an ordinary one holds out nobody
    "FORESTALL_OUTREACH__TEAM_MINUTES": '{"retention": 3000}',
}


class Lived(NamedTuple):
    folder: Path
    summary: Summary
    told: str


def _run(folder: Path) -> Lived:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SMALLER.items():
            environment.setenv(name, value)
        out = StringIO()
        summary = backtest_outreach(folder, [SETUP], POLICIES, Console(file=out, width=160))
    return Lived(folder, summary, out.getvalue())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return _run(tmp_path_factory.mktemp("backtest"))


def _rows(lived: Lived, policy: Policy) -> pd.DataFrame:
    rows = pd.read_parquet(lived.folder / SETUP.name / f"{policy}.parquet")
    return rows[rows["row_id"].notna()]


@pytest.mark.slow
def test_it_tells_and_writes_every_policy_and_week(lived: Lived) -> None:
    weeks = pd.read_parquet(Path(str(lived.summary["folder"])) / "outreach_backtest.parquet")
    assert list(weeks.columns) == list(OUTREACH_BACKTEST.names)
    assert set(weeks[["policy", "week"]].itertuples(index=False, name=None)) == {
        (policy, week) for policy in POLICIES for week in (1, 2)
    }
    assert (Path(str(lived.summary["folder"])) / "kept_margin.png").stat().st_size > 10_000
    for words in ("nobody is called", "ours, learning", "best that observables allow"):
        assert words in lived.told


@pytest.mark.slow
def test_the_list_is_worked_and_the_holdout_left_alone(lived: Lived) -> None:
    rows = _rows(lived, "after")
    is_acted = rows["is_acted"].astype(bool)
    assert is_acted.sum() > 10
    assert set(rows.loc[is_acted, "arm"]) == {"treatment"}
    assert rows.loc[is_acted, "result"].notna().mean() > 0.9  # the others left before their day
    assert set(rows.loc[~is_acted, "arm"]) == {"holdout"}
    assert rows.loc[~is_acted, "result"].isna().all()
    assert (rows.loc[~is_acted, "kept_margin"] == 0).all()


@pytest.mark.slow
def test_outcomes_come_back_so_that_whoever_was_reached_rests(lived: Lived) -> None:
    for policy in ("random", "after", "best"):
        rows = _rows(lived, policy)
        reached = set(rows.loc[(rows["week"] == 1) & rows["is_reached"].astype(bool), "customer_id"])
        second = rows[(rows["week"] == 2) & rows["is_acted"].astype(bool)]
        is_owed = second["trigger"].isin(["complaint_unanswered", "first_response_late"])
        assert len(reached) > 5, policy
        assert not reached & set(second.loc[~is_owed, "customer_id"]), policy


@pytest.mark.slow
def test_who_knows_more_keeps_more(lived: Lived) -> None:
    kept = {policy: _rows(lived, policy)["kept_margin"].sum() for policy in ("random", "after", "best")}
    assert kept["best"] > max(kept["random"], kept["after"])
    assert kept["best"] > 0


@pytest.mark.slow
def test_what_was_lived_is_not_lived_again(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("lived again")

    monkeypatch.setattr(backtest, "live_year", never)
    assert _run(lived.folder).summary == lived.summary
    monkeypatch.setattr(backtest, "code_version", lambda: "another")
    monkeypatch.setattr(backtest, "make_start", lambda folder, _: folder.mkdir(parents=True))
    with pytest.raises(AssertionError, match="lived again"):
        _run(lived.folder)
