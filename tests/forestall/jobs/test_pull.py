"""What must hold however rows come: on both engines, in any order, through kills and repeats."""

import hashlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.contract import CONTRACT
from forestall.jobs.pull import pull
from forestall.privacy.pseudonyms import pseudonym
from forestall.settings import ConfigError, Settings, load_settings
from forestall.warehouse import open_warehouse

Company = Callable[[str], Settings]

NIGHT = date(2026, 3, 2)
CONTRACTS = """
[sources.crm]
kind = "file"
table = "subscriptions"
location = "crm/**/*.csv"
updated_at = "changed_at"
columns = { monthly_value = "price" }
"""
HEADER = "subscription_id,customer_id,price,started_at,changed_at\n"

LATEST = """
    SELECT subscription_id, monthly_value FROM (
        SELECT *, row_number() OVER (PARTITION BY subscription_id ORDER BY known_at DESC, pull_id DESC) AS newest
        FROM raw.subscriptions
    ) AS versions WHERE newest = 1 ORDER BY 1
"""


def deliver(settings: Settings, run_date: date, lines: list[str]) -> None:
    folder = settings.root / "crm" / run_date.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part.csv").write_text(HEADER + "".join(lines))


def line(key: int, hour: int) -> str:
    """Version `hour` of subscription `key`; its price says which."""
    return f"s{key},c{key},{hour},2025-01-01T00:00:00Z,2026-01-01T{hour:02d}:00:00Z\n"


@hypothesis_settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=12),
    st.data(),
)
def test_the_merged_view_is_right_in_whatever_order_rows_are_delivered(
    versions: list[tuple[int, int]], data: st.DataObject
) -> None:
    delivered = data.draw(st.permutations(versions + data.draw(st.lists(st.sampled_from(versions), max_size=5))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(delivered)), min_size=2, max_size=2)))
    nights = [delivered[: cuts[0]], delivered[cuts[0] : cuts[1]], delivered[cuts[1] :]]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESTALL_SECRET_KEY", "a key that only the tests know")
        path = Path(folder) / "forestall.toml"
        path.write_text(CONTRACTS)
        settings = load_settings(path)
        for index, night in enumerate(nights):
            deliver(settings, NIGHT + timedelta(index), [line(*version) for version in night])
            pull(settings, NIGHT + timedelta(index))
        with open_warehouse(settings, "test") as warehouse:
            found = {row["subscription_id"]: row["monthly_value"] for row in warehouse.query(LATEST).to_pylist()}
            tied = warehouse.scalar(
                "SELECT count(*) FROM (SELECT subscription_id, known_at, pull_id FROM raw.subscriptions "
                "GROUP BY 1, 2, 3 HAVING count(*) > 1) AS ties"
            )
    assert found == {f"s{key}": max(hour for other, hour in versions if other == key) for key, _ in versions}
    assert tied == 0


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_both_engines_hold_the_same_versions(engine: str, company: Company, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    settings = company(f'[warehouse]\nurl = "{url}"' + CONTRACTS)
    deliver(settings, NIGHT, [line(1, 1), line(1, 2), line(2, 1), line(2, 1), "s3,,9,2025-01-01T00:00:00Z,\n"])
    assert pull(settings, NIGHT) == {
        "read_rows": 5, "new_rows": 3, "unchanged_rows": 1, "stale_rows": 0, "not_yet_rows": 0,
        "quarantined_rows": 1, "forgotten_rows": 0, "degraded": "",
    }  # fmt: skip
    deliver(settings, NIGHT + timedelta(1), [line(1, 2), line(1, 1), line(2, 3)])
    summary = pull(settings, NIGHT + timedelta(1))
    assert (summary["new_rows"], summary["unchanged_rows"], summary["stale_rows"]) == (1, 1, 1)
    assert pull(settings, NIGHT + timedelta(1))["new_rows"] == 0
    with open_warehouse(settings, "test") as warehouse:
        rows = warehouse.query(
            "SELECT subscription_id, monthly_value, known_at, pull_id, row_hash FROM raw.subscriptions ORDER BY 1, 3"
        ).to_pylist()
    assert [
        (row["subscription_id"], int(row["monthly_value"]), f"{row['known_at']:%Y-%m-%d %H:%M:%S.%f}", row["pull_id"])
        for row in rows
    ] == [
        ("s1", 1, "2025-01-01 00:00:00.000000", 1),
        ("s1", 2, "2026-01-01 02:00:00.000000", 1),
        ("s2", 1, "2025-01-01 00:00:00.000000", 1),
        ("s2", 3, "2026-03-02 23:59:59.999999", 2),
    ]  # fmt: skip
    told = {"subscription_id": "s1", "customer_id": pseudonym(settings, "c1"), "monthly_value": "1.0000",
            "started_at": "1735689600000000"}  # fmt: skip
    text = "\x1f".join(told.get(column, "") for column in CONTRACT["subscriptions"].names)
    assert rows[0]["row_hash"] == hashlib.md5(text.encode()).hexdigest()  # the same on both engines, and tomorrow


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_a_warehouse_made_before_a_column_joined_goes_on(
    engine: str, company: Company, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    settings = company(f'[warehouse]\nurl = "{url}"' + CONTRACTS)
    today = CONTRACT["subscriptions"]
    earlier = [column for column in today.columns if column.name != "term_months"]
    joined = replace(today["term_months"], since=2)
    monkeypatch.setitem(CONTRACT, "subscriptions", replace(today, columns=tuple(earlier)))
    deliver(settings, NIGHT, [line(1, 1), line(2, 1)])
    pull(settings, NIGHT)

    monkeypatch.setitem(CONTRACT, "subscriptions", replace(today, columns=(*earlier[:6], joined, *earlier[6:])))
    deliver(settings, NIGHT, [line(1, 1), line(2, 1), line(3, 1)])
    summary = pull(settings, NIGHT + timedelta(1))
    assert (summary["read_rows"], summary["unchanged_rows"], summary["new_rows"]) == (3, 2, 1)

    told = CONTRACTS.replace('"price" }', '"price", term_months = "CASE subscription_id WHEN \'s1\' THEN 24 END" }')
    settings = company(f'[warehouse]\nurl = "{url}"' + told)
    summary = pull(settings, NIGHT + timedelta(2))
    assert (summary["read_rows"], summary["unchanged_rows"], summary["new_rows"]) == (3, 2, 1)
    with open_warehouse(settings, "test") as warehouse:
        terms = warehouse.query("SELECT subscription_id, term_months FROM raw.subscriptions ORDER BY 1, pull_id")
    assert terms.to_pylist() == [
        {"subscription_id": "s1", "term_months": None}, {"subscription_id": "s1", "term_months": 24},
        {"subscription_id": "s2", "term_months": None}, {"subscription_id": "s3", "term_months": None},
    ]  # fmt: skip


def test_an_unchanged_file_is_not_read_again_and_a_growing_one_loses_no_late_row(company: Company) -> None:
    settings = company(CONTRACTS.replace('"price" }', '"price" }\noverlap_hours = 1'))
    deliver(settings, NIGHT, [line(1, 1)])
    pull(settings, NIGHT)
    assert pull(settings, NIGHT + timedelta(1))["read_rows"] == 0
    path = settings.root / "crm" / NIGHT.isoformat() / "part.csv"
    os.utime(path, (0, 0))  # copied again, with another time
    assert pull(settings, NIGHT + timedelta(1))["read_rows"] == 0
    deliver(settings, NIGHT, [line(1, 1), line(2, 5), line(3, 5)])
    assert pull(settings, NIGHT + timedelta(2))["new_rows"] == 2
    deliver(settings, NIGHT, [line(1, 1), line(2, 5), line(3, 5), line(4, 5), line(5, 1)])
    summary = pull(settings, NIGHT + timedelta(3))
    assert (summary["read_rows"], summary["unchanged_rows"], summary["new_rows"]) == (5, 3, 2)


def test_a_new_mapping_reads_everything_again(company: Company) -> None:
    settings = company(CONTRACTS)
    deliver(settings, NIGHT, [line(1, 1)])
    pull(settings, NIGHT)
    remapped = company(CONTRACTS.replace('"price"', '"price * 2"').replace("price * 2", "price::INT * 2"))
    assert pull(remapped, NIGHT + timedelta(1))["new_rows"] == 1


def test_a_source_that_breaks_is_degraded_and_the_last_good_rows_stay(company: Company) -> None:
    settings = company(CONTRACTS)
    deliver(settings, NIGHT, [line(1, 1)])
    pull(settings, NIGHT)
    (settings.root / "crm" / NIGHT.isoformat() / "part.csv").write_bytes(b"\xff\xfe broken")
    assert pull(settings, NIGHT + timedelta(1))["degraded"] == "crm"
    with open_warehouse(settings, "test") as warehouse:
        assert warehouse.scalar("SELECT count(*) FROM raw.subscriptions") == 1
        assert "not UTF-8" in warehouse.scalar("SELECT reason FROM forestall.pulls WHERE status = 'degraded'")


def test_no_source_at_all_is_one_line(company: Company) -> None:
    with pytest.raises(ConfigError, match="no source is mapped"):
        pull(company(""), NIGHT)


def _pull_and_die(settings: Settings, function: str) -> None:
    """Die by SIGKILL where the pull calls `function`."""
    from forestall.sources import loading

    setattr(loading, function, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    pull(settings, NIGHT)


@pytest.mark.parametrize("function", ["keep_batch", "write_files", "write_state", "write_pull"])
def test_a_pull_that_is_killed_has_never_happened(company: Company, function: str) -> None:
    settings = company(CONTRACTS)
    deliver(settings, NIGHT, [line(1, 1), line(2, 1)])
    process = multiprocessing.get_context("spawn").Process(target=_pull_and_die, args=(settings, function))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with open_warehouse(settings, "test") as warehouse:
        assert warehouse.scalar("SELECT count(*) FROM raw.subscriptions") == 0
    assert pull(settings, NIGHT)["new_rows"] == 2


def test_future_rows_of_a_reshaped_file_come_later_though_it_does_not_change(company: Company) -> None:
    settings = company(CONTRACTS.replace("updated_at", "select = 'SELECT * EXCLUDE (forestall_file) FROM source'\n#"))
    deliver(settings, NIGHT, [line(1, 1), line(2, 1).replace("2025-01-01", "2026-03-02")])
    assert pull(settings, NIGHT)["not_yet_rows"] == 1
    assert pull(settings, NIGHT + timedelta(1))["new_rows"] == 1


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("playbook.yml", "actions:\n  call: {cost: much}\n", r"playbook\.yml:2"),
        ("standards.yml", "queues:\n  care: {servicelevel: 0.8}\n", r"standards\.yml:2"),
        ("staffing.yml", "patterns:\n  early: 3\n", r"staffing\.yml:2"),
        ("calendar.yml", "default:\n  hours: {default: nine}\n", r"calendar\.yml:2"),
        ("segments.yml", "stages: 3\n", r"segments\.yml:1"),
        ("gates.yml", "much: 3\n", r"gates\.yml:1"),
        ("overrides.yml", "overrides:\n  - {from: someday}\n", r"overrides\.yml:2"),
    ],
)
def test_a_mistake_in_a_reviewed_file_is_told_before_anything_is_pulled(company, file, text, told):
    settings = company(CONTRACTS)
    deliver(settings, NIGHT, [line(1, 0)])
    (settings.root / file).write_text(text)
    with pytest.raises(ConfigError, match=told):
        pull(settings, NIGHT)
    assert not (settings.var_path / "warehouse.duckdb").exists()
    (settings.root / file).unlink()
    assert pull(settings, NIGHT)["new_rows"] == 1
