"""The demo company: complete, the same for the same seed however it is lived through, and alive."""

import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from forestall.demo import storage
from forestall.demo.company import Company, load_company, make_company, play, truth_now
from forestall.demo.parameters import world_parameters
from forestall.settings import load_settings

Copies = Callable[[str], Company]


def hashes(company: Company) -> dict[str, str]:
    """Content of every file of data and truth."""
    paths = [path for part in ("data", "truth") for path in sorted((company.folder / part).rglob("*.*"))]
    return {str(path.relative_to(company.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_company_is_complete(made: Company) -> None:
    settings = load_settings(made.config)
    assert settings.run_date == made.run_date == date(2024, 12, 30)
    mapped = {source.table for source in settings.sources.values()}
    assert len(mapped) == 15  # every table of the contract
    for name, source in settings.sources.items():
        assert list(made.folder.glob(source.location)), name
        assert not source.location.startswith("truth")
    assert len(settings.secret_key.get_secret_value()) == 64
    assert (made.folder / ".env").stat().st_mode & 0o777 == 0o600


def test_var_is_the_folder_above_for_the_demo_of_make(tmp_path: Path) -> None:
    company = make_company(tmp_path / "var" / "demo", scale=0.002, until=date(2024, 9, 3))
    assert load_settings(company.config).var_path == (tmp_path / "var").resolve()


def test_a_key_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FORESTALL_SECRET_KEY=mine\n")
    make_company(tmp_path, scale=0.002, until=date(2024, 9, 3))
    assert (tmp_path / ".env").read_text() == "FORESTALL_SECRET_KEY=mine\n"


def test_seed_and_world_vary_the_company_and_nothing_else_does(tmp_path: Path) -> None:
    def make(name: str, seed: int, world: str) -> dict[str, str]:
        return hashes(make_company(tmp_path / name, seed=seed, world=world, scale=0.004, until=date(2024, 9, 4)))

    first, again = make("a", 1, "base"), make("b", 1, "base")
    other_seed, other_world = make("c", 2, "base"), make("d", 1, "turbulent-1")
    assert first == again
    file = "data/customers/customers.parquet"
    assert len({first[file], other_seed[file], other_world[file]}) == 3


def test_the_same_days_in_one_call_or_in_many(copy_of: Copies) -> None:
    at_once, by_day = copy_of("at_once"), copy_of("by_day")
    last = at_once.run_date + timedelta(days=4)
    play(at_once.folder, last)
    for days in range(1, 5):
        play(by_day.folder, by_day.run_date + timedelta(days=days))
    assert hashes(at_once) == hashes(by_day)
    assert load_company(at_once.folder).run_date == last


def test_a_further_day_adds_files_and_changes_no_history(made: Company, copy_of: Copies) -> None:
    lived = copy_of("lived")
    play(lived.folder, lived.run_date + timedelta(days=1))
    before, after = hashes(made), hashes(lived)
    day = made.run_date.isoformat()
    assert f"data/interactions/telephony_{day}.csv.gz" in set(after) - set(before)
    changed = {name for name in before if before[name] != after[name]}
    snapshots = {"customers", "consents", "contracts", "agents", "rates", "events", "manifest", "state"}
    assert {Path(name).name.split(".")[0] for name in changed} <= snapshots


def test_a_day_that_was_killed_is_lived_again(copy_of: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    killed, whole = copy_of("killed"), copy_of("whole")
    last = killed.run_date + timedelta(days=3)
    play(whole.folder, last)
    write, writes = storage.write_bytes, []

    def dying(path: Path, content: bytes) -> None:
        writes.append(path)
        if len(writes) == 21:  # in the middle of the second day
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_bytes", dying)
        with pytest.raises(KeyboardInterrupt):
            play(killed.folder, last)
    assert hashes(killed) != hashes(whole)
    play(killed.folder, last)
    assert hashes(killed) == hashes(whole)


def test_given_actions_are_taken_and_no_others(copy_of: Copies) -> None:
    company = copy_of("acted")
    risky = truth_now(company.folder).nlargest(30, "chance_90")
    actions = pd.DataFrame(
        {
            "customer_id": risky["customer_id"],
            "action": "resolve_open_issue",
            "offer": "",
            "channel": "phone",
            "happened_at": pd.Timestamp("2024-12-30T10:00:00Z"),
        }
    )
    play(company.folder, date(2025, 1, 1), actions)
    first = pd.read_json(company.folder / "data/outreach_outcomes/calls_2024-12-30.jsonl", lines=True)
    assert set(first["kundennr"]) == set(actions["customer_id"])
    assert (company.folder / "data/outreach_outcomes/calls_2024-12-31.jsonl").read_text() == ""
    effects = pd.read_parquet(company.truth / "outreach_effects_2024-12-30.parquet")
    reached = set(first.loc[first["ergebnis"].isin(["reached", "accepted", "declined"]), "kundennr"])
    moved = effects.loc[effects["log_hazard_change"] != 0, "customer_id"]
    assert reached <= set(moved)


def test_actions_may_be_told_morning_by_morning(copy_of: Copies) -> None:
    at_once, by_morning = copy_of("at_once"), copy_of("by_morning")
    rows = pd.DataFrame(
        {
            "customer_id": truth_now(at_once.folder)["customer_id"].iloc[[3, 50]],
            "action": "courtesy_call", "offer": "", "channel": "phone",
            "happened_at": pd.to_datetime(["2024-12-30T10:00:00Z", "2024-12-31T10:00:00Z"]),
        }
    )  # fmt: skip
    seen = []

    def of_day(on: date) -> pd.DataFrame:
        files = (by_morning.folder / f"data/outreach_outcomes/calls_{on - timedelta(days=ago)}.jsonl" for ago in (1, 0))
        seen.append((on, *(file.is_file() for file in files)))
        return rows[rows["happened_at"].dt.date == on]

    play(at_once.folder, date(2025, 1, 1), rows)
    play(by_morning.folder, date(2025, 1, 1), of_day)
    assert hashes(at_once) == hashes(by_morning)
    # The day before is written by then, and the day itself is not.
    assert seen == [(date(2024, 12, 30), True, False), (date(2024, 12, 31), True, False)]


def test_who_is_not_called_is_not_touched_by_the_calls_to_others(copy_of: Copies) -> None:
    """One customer's outcome may not depend on who else is on the list: policies are compared on that."""
    called, left_alone = copy_of("called"), copy_of("left_alone")
    few = truth_now(called.folder)["customer_id"].iloc[[3, 50, 90]]
    columns = {"action": "courtesy_call", "offer": "", "channel": "email"}
    happened = pd.Timestamp("2024-12-30T10:00:00Z")
    actions = pd.DataFrame({"customer_id": few, "happened_at": happened, **columns})
    play(called.folder, date(2024, 12, 31), actions)
    play(left_alone.folder, date(2024, 12, 31), actions.head(0))
    one, other = (truth_now(each.folder).set_index("customer_id")["severity"] for each in (called, left_alone))
    pd.testing.assert_series_equal(one, other)


def test_more_agents_shorten_the_waits(copy_of: Copies) -> None:
    starts = pd.date_range("2024-12-30T07:00:00Z", "2024-12-30T19:00:00Z", freq="30min")

    def given_up(name: str, agents: float) -> float:
        company = copy_of(name)
        given = pd.DataFrame({"queue": "hotline_de", "interval_start_at": starts, "agents": agents})
        play(company.folder, date(2024, 12, 31), agents=given)
        calls = pd.read_csv(company.folder / "data/interactions/telephony_2024-12-30.csv.gz", sep=";")
        return float((calls.loc[calls["warteschlange"] == "hotline_de", "aufgelegt"] == "ja").mean())

    assert given_up("none", 0) > 0.9
    assert given_up("many", 40) == 0


def test_the_manifest_names_world_and_defects(made: Company) -> None:
    manifest = json.loads((made.truth / "manifest.json").read_text())
    assert (manifest["seed"], manifest["world"], manifest["lived_until"]) == (20, "base", "2024-12-30")
    assert len(manifest["defects"]) == 10
    assert world_parameters("base").people.at_start == 14_700
