"""Bad input, one row each; late, corrected, doubled and re-delivered rows, on DuckDB and on PostgreSQL."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forestall.jobs.pull import pull
from forestall.settings import ConfigError, Settings
from forestall.warehouse import open_warehouse

Company = Callable[[str], Settings]

NIGHT = date(2026, 3, 2)
HEADER = "interaction_id,customer_id,channel,queue,started_at,answered_at,wait_time_s,is_abandoned,text\n"
GOOD = "i1,c1,phone,sales,2026-03-01T10:00:00Z,2026-03-01T10:01:00Z,60,false,\n"
CONTACTS = """
[company]
time_zone = "Europe/Berlin"
[sources.calls]
kind = "file"
table = "interactions"
location = "calls.csv"
words = { channel = { Telefon = "phone" } }
"""


def read(settings: Settings, sql: str) -> list[dict[str, Any]]:
    with open_warehouse(settings, "test") as warehouse:
        return warehouse.query(sql).to_pylist()


def latest(settings: Settings, table: str, key: str) -> pd.DataFrame:
    sql = f"""
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY known_at DESC, pull_id DESC) AS newest
            FROM raw.{table}
        ) AS versions WHERE newest = 1 ORDER BY {key}
    """
    with open_warehouse(settings, "test") as warehouse:
        return warehouse.frame(sql)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("i2,c1,phone,sales,yesterday,,60,,", "wrong_type:started_at"),
        ("i2,c1,phone,sales,2026-02-29T10:00:00Z,,60,,", "wrong_type:started_at"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00,,60,,", "time_without_zone:started_at"),
        ("i2,c1,phone,sales,2026-03-01,,60,,", "time_without_zone:started_at"),
        ("i2,c1,phone,sales,,,60,,", "missing:started_at"),
        (",c1,phone,sales,2026-03-01T10:00:00Z,,60,,", "missing:interaction_id"),
        ("i2,c1,,sales,2026-03-01T10:00:00Z,,60,,", "missing:channel"),
        ("i2,c1,pigeon,sales,2026-03-01T10:00:00Z,,60,,", "unknown_word:channel"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,,-1,,", "too_small:wait_time_s"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,,86401,,", "too_large:wait_time_s"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,,soon,,", "wrong_type:wait_time_s"),
        ("i2,c1,phone,sales,1899-12-30T00:00:00Z,,60,,", "too_early:started_at"),
        ("i2,c1,phone,sales,1969-12-31T23:59:59Z,,60,,", "too_early:started_at"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,1899-12-30T00:00:00Z,60,,", "too_early:answered_at"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,infinity,60,,", "time_without_zone:answered_at"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,12026-03-01T10:01:00Z,60,,", "too_late:answered_at"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,,1e400,,", "wrong_type:wait_time_s"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,,60,perhaps,", "wrong_type:is_abandoned"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,2026-03-01T09:00:00Z,60,,", "end_before_start:answered_at"),
        ("i1,c1,phone,sales,2026-03-01T10:00:00Z,,61,,", "duplicate_key"),
        ("i2,c1,phone,sa\0les,2026-03-01T10:00:00Z,,60,,", "zero_character:queue"),
        ("i\0002,c1,phone,sales,2026-03-01T10:00:00Z,,60,,", "zero_character:interaction_id"),
        ("i2,c\0001,phone,sales,2026-03-01T10:00:00Z,,60,,", "zero_character:customer_id"),
        ("i2,c1,pho\0ne,sales,2026-03-01T10:00:00Z,,60,,", "zero_character:channel"),
        ("i2,c1,phone", "malformed_line"),
        ("i2,c1,phone,sales,2026-03-01T10:00:00Z,,60,,,,,too,many", "malformed_line"),
    ],
)
def test_a_bad_row_is_kept_in_quarantine_and_the_good_one_beside_it_comes_in(
    company: Company, tmp_path: Path, line: str, rule: str
) -> None:
    (tmp_path / "calls.csv").write_text(HEADER + GOOD + line + "\n")
    settings = company(CONTACTS)
    summary = pull(settings, NIGHT)
    kept = read(settings, "SELECT rule, source, table_name, run_date, pull_id, file, payload FROM forestall.quarantine")
    assert [row["rule"] for row in kept] == [rule]
    assert kept[0] | {"payload": ""} == {
        "rule": rule, "source": "calls", "table_name": "interactions", "run_date": NIGHT, "pull_id": 1,
        "file": str(tmp_path / "calls.csv"), "payload": "",
    }  # fmt: skip
    assert json.loads(kept[0]["payload"])
    assert (summary["read_rows"], summary["new_rows"], summary["quarantined_rows"]) == (2, 1, 1)
    assert [row["interaction_id"] for row in read(settings, "SELECT interaction_id FROM raw.interactions")] == ["i1"]
    pull(settings, NIGHT)
    assert len(read(settings, "SELECT 1 FROM forestall.quarantine")) == 1


def test_a_date_that_is_a_spreadsheets_zero_is_kept_in_quarantine(company: Company, tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text("agent_id,hired_on\na1,1899-12-30\na2,1969-12-31\na3,1970-01-01\na4,\n")
    settings = company('[sources.agents]\nkind = "file"\ntable = "agents"\nlocation = "agents.csv"')
    summary = pull(settings, NIGHT)
    assert (summary["new_rows"], summary["quarantined_rows"]) == (2, 2)
    assert read(settings, "SELECT rule, row_key FROM forestall.quarantine ORDER BY row_key") == [
        {"rule": "too_early:hired_on", "row_key": "a1"}, {"rule": "too_early:hired_on", "row_key": "a2"},
    ]  # fmt: skip


def test_attributes_that_are_no_object_are_not_taken_for_none(company: Company, tmp_path: Path) -> None:
    found = ['"{""plan"": ""pro""}"', "", "{broken", "[1]", "7"]
    lines = [f"c{at},{text}" for at, text in enumerate(found)]
    (tmp_path / "customers.csv").write_text("customer_id,attributes\n" + "\n".join(lines) + "\n")
    settings = company('[sources.crm]\nkind = "file"\ntable = "customers"\nlocation = "customers.csv"\n')
    summary = pull(settings, NIGHT)
    assert (summary["new_rows"], summary["quarantined_rows"]) == (2, 3)
    kept = read(settings, "SELECT DISTINCT rule FROM forestall.quarantine")
    assert kept == [{"rule": "wrong_type:attributes"}]


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_a_zero_character_stops_no_warehouse(engine: str, company: Company, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    settings = company(f'[warehouse]\nurl = "{url}"' + CONTACTS.replace("calls.csv", "calls.jsonl"))
    good = {"interaction_id": "i1", "channel": "phone", "queue": "sales", "started_at": "2026-03-01T10:00:00Z"}
    rows = [good, good | {"interaction_id": "i\0002"}, good | {"interaction_id": "i3", "text": "a\0b"}]
    (settings.root / "calls.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert pull(settings, NIGHT)["quarantined_rows"] == 2
    kept = read(settings, "SELECT rule FROM forestall.quarantine ORDER BY rule")
    assert [row["rule"] for row in kept] == ["zero_character:interaction_id", "zero_character:text"]
    assert read(settings, "SELECT interaction_id FROM raw.interactions") == [{"interaction_id": "i1"}]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("other.csv", b"", "no such file"),
        (
            "calls.csv",
            HEADER.replace("channel", "chanel").encode() + GOOD.encode(),
            "no column `channel`; meant `chanel`?",
        ),
        ("calls.csv", HEADER.replace("queue,", "").encode(), "interactions needs `queue`"),
        ("calls.csv", HEADER.replace("text", "queue").encode() + GOOD.encode(), "column `queue` stands there twice"),
        ("calls.csv", (HEADER + GOOD).replace("sales", "Büro").encode("latin-1"), "line 2 is not UTF-8; save"),
        ("calls.csv", HEADER.replace("text", "Größe").encode("latin-1"), "line 1 is not UTF-8"),
        ("calls.csv", gzip.compress((HEADER + GOOD).encode()), "line 1 is not UTF-8"),
        ("calls.csv", (HEADER + GOOD).encode("utf-16"), "line 1 is not UTF-8"),
        ("calls.csv", (HEADER + GOOD).replace("\n", "\r").encode(), "line 1 has no end"),
        ("calls.csv", b"a" * 200_000, "line 1 has no end"),
        ("calls.csv", ("\n" + HEADER + GOOD).encode(), "line 1 is empty; it must name the columns"),
        ("calls.csv", GOOD.encode(), "none of its columns is mapped"),
        (
            "calls.csv",
            (HEADER + GOOD + GOOD.replace("sales", '"sales') + GOOD).encode(),
            "line 3 opens a quote that it does not close",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_that_names_it(
    company: Company, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        pull(company(CONTACTS), NIGHT)
    message = str(caught.value)
    assert told in message
    assert message.startswith("sources.calls: ")
    assert "\n" not in message


def test_files_whose_columns_are_empty_or_whole_numbers_first_are_read_with_those_of_later_days(
    company: Company, tmp_path: Path
) -> None:
    monday = {"interaction_id": ["i1"], "topic": [None], "minutes": [1], "customer_id": "c1", "channel": "phone"}
    tuesday = monday | {"interaction_id": ["i2"], "topic": ["bill"], "minutes": [1.5]}
    for name, rows in (("calls_1.parquet", monday), ("calls_2.parquet", tuesday)):
        pd.DataFrame(rows | {"started_at": "2026-03-01T10:00:00Z", "queue": "sales"}).to_parquet(tmp_path / name)
    settings = company(CONTACTS.replace("calls.csv", "calls_*.parquet") + 'columns = { wait_time_s = "60 * minutes" }')
    pull(settings, NIGHT)
    rows = latest(settings, "interactions", "interaction_id")
    assert rows["topic"].fillna("").tolist() == ["", "bill"]
    assert rows["wait_time_s"].tolist() == [60, 90]


@pytest.mark.parametrize(
    ("location", "content"),
    [
        ("calls.csv.gz", gzip.compress((HEADER + GOOD * 5000).encode(), 1)[:-400]),
        ("calls.csv.gz", b"not gzip at all"),
        ("calls.parquet", b"PAR1 and then nothing"),
        ("calls.jsonl.gz", gzip.compress(b'{"interaction_id": "i1"}\n' * 5000)[:50]),
    ],
    # Spelt out: gzip writes the time into its header, and the workers of xdist must agree on ids.
    ids=["csv cut short", "csv not gzip", "parquet cut short", "jsonl cut short"],
)
def test_a_truncated_file_is_one_line_that_names_it(
    company: Company, tmp_path: Path, location: str, content: bytes
) -> None:
    (tmp_path / location).write_bytes(content)
    with pytest.raises(ConfigError, match=location) as caught:
        pull(company(CONTACTS.replace("calls.csv", location)), NIGHT)
    assert "\n" not in str(caught.value)
    assert "deliver the file again" in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('columns = { topic = "reson" }', "topic: the source has no column `reson`"),
        (
            'columns = { topic = "upper(quue)" }',
            "columns.topic: `(upper(quue))`: the source has no column `quue`; meant `queue`?",
        ),
        ('columns = { topic = "upper(queue" }', "syntax error"),
        ('where = "nonsense > 1"', "nonsense"),
        ('updated_at = "changed"', "updated_at: the source has no column `changed`"),
        ('select = "SELECT * FROM calls"', "select: Table with name calls does not exist"),
        ('columns = { topic = "unnest([1, 2])" }', "makes several rows of one"),
        # What the value was is nobody's business: errors are kept and published, and it may be a name.
        ('columns = { topic = "customer_id::INT" }', "columns.topic: `customer_id::INT` fails on some of its rows"),
        ('select = "SELECT * REPLACE (customer_id::INT AS customer_id) FROM source"', "select: a value has the wrong"),
    ],
)
def test_a_mistake_in_the_mapping_is_one_line(company: Company, tmp_path: Path, toml: str, told: str) -> None:
    (tmp_path / "calls.csv").write_text(HEADER + GOOD)
    with pytest.raises(ConfigError) as caught:
        pull(company(CONTACTS + toml), NIGHT)
    assert told in str(caught.value)
    assert "c1" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_where_the_header_should_be_is_told_to_nobody(company: Company, tmp_path: Path) -> None:
    """What degrades a night stands in the book of pulls and in what is published."""
    (tmp_path / "calls.csv").write_text(HEADER + GOOD)
    settings = company(CONTACTS)
    pull(settings, NIGHT)
    (tmp_path / "calls.csv").write_text("i2,Anna Known,phone,sales,2026-03-01T10:00:00Z\n")
    assert pull(settings, NIGHT + timedelta(1))["degraded"] == "calls"
    reasons = read(settings, "SELECT reason FROM forestall.pulls WHERE status = 'degraded'")
    assert "none of its columns is mapped" in reasons[0]["reason"]
    assert "Anna" not in reasons[0]["reason"]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("s1,c1,2026-01-01T00:00:00Z,1e12,12", "too_large:monthly_value"),
        ("s1,c1,2026-01-01T00:00:00Z,10,99999999", "too_large:term_months"),
    ],
)
def test_what_no_company_counts_or_charges_is_kept_in_quarantine(
    company: Company, tmp_path: Path, row: str, rule: str
) -> None:
    (tmp_path / "plans.csv").write_text(f"subscription_id,customer_id,started_at,monthly_value,term_months\n{row}\n")
    settings = company('[sources.plans]\nkind = "file"\ntable = "subscriptions"\nlocation = "plans.csv"')
    pull(settings, NIGHT)
    assert read(settings, "SELECT rule FROM forestall.quarantine") == [{"rule": rule}]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (json.dumps({"interaction_id": "i1", "queue": "sales"}, indent=1), "no line is an object of JSON"),
        (HEADER + GOOD, "no line is an object of JSON"),
        ('\ufeff{"interaction_id": "i1"}\n', "begins with a byte-order mark"),
        ('{"interaction_id": "i1", "queue": "a", "Queue": "b"}\n', "column `queue` stands there twice"),
    ],
    ids=["indented", "csv", "byte-order mark", "capitals"],
)
def test_a_json_file_that_cannot_be_read_is_no_empty_night(
    company: Company, tmp_path: Path, content: str, told: str
) -> None:
    (tmp_path / "calls.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=told) as caught:
        pull(company(CONTACTS.replace("calls.csv", "calls.jsonl")), NIGHT)
    assert str(tmp_path / "calls.jsonl") in str(caught.value)


def test_an_extra_column_is_noted_and_an_empty_file_is_an_empty_night(company: Company, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(HEADER.strip() + ",mood\n" + GOOD.strip() + ",blue\n")
    settings = company(CONTACTS)
    pull(settings, NIGHT)
    assert read(settings, "SELECT status, note FROM forestall.pulls") == [
        {"status": "ok", "note": "columns not used: mood"}
    ]
    (tmp_path / "calls.csv").write_text("")
    assert pull(settings, NIGHT + timedelta(1))["read_rows"] == 0


@pytest.mark.parametrize("content", ["", "\n\n", "[]", "[\n]\n", "{}\n{}\n"])
def test_a_json_file_without_a_value_is_an_empty_night(company: Company, tmp_path: Path, content: str) -> None:
    (tmp_path / "calls.json").write_text(content)
    settings = company(CONTACTS.replace("calls.csv", "calls.json"))
    summary = pull(settings, NIGHT)
    assert (summary["read_rows"], summary["degraded"]) == (0, "")


def test_the_secret_key_is_asked_for(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "calls.csv").write_text(HEADER + GOOD)
    settings = company(CONTACTS)
    with pytest.raises(ConfigError, match=r"FORESTALL_SECRET_KEY is not set.*openssl rand"):
        pull(settings.model_copy(update={"secret_key": type(settings.secret_key)("")}), NIGHT)


def test_a_future_row_is_neither_taken_nor_lost(company: Company, tmp_path: Path) -> None:
    future = GOOD.replace("i1", "i2").replace("03-01", "03-02")
    (tmp_path / "calls.csv").write_text(HEADER + GOOD + future)
    settings = company(CONTACTS)
    summary = pull(settings, NIGHT)
    assert (summary["new_rows"], summary["not_yet_rows"], summary["quarantined_rows"]) == (1, 1, 0)
    assert pull(settings, NIGHT + timedelta(1))["new_rows"] == 1


@pytest.mark.parametrize("updated", ["", "2026-02-28T00:00:00Z"])
def test_a_file_with_future_rows_is_read_again_when_one_is_due_and_not_before(
    company: Company, tmp_path: Path, updated: str
) -> None:
    days = ["2026-03-01", "2026-03-05", "2066-03-01", "12026-03-01"]
    rows = "".join(f"i{index},phone,sales,{day}T10:00:00Z,{updated}\n" for index, day in enumerate(days))
    (tmp_path / "calls.csv").write_text("interaction_id,channel,queue,started_at,changed\n" + rows)
    settings = company(CONTACTS + 'updated_at = "changed"')
    nights = [pull(settings, NIGHT + timedelta(day)) for day in (0, 0, 3, 4, 4, 90)]
    assert [night["read_rows"] for night in nights] == [4, 0, 0, 4, 0, 0]
    assert [night["new_rows"] for night in nights] == [1, 0, 0, 1, 0, 0]
    with (tmp_path / "calls.csv").open("a") as file:
        file.write(f"i9,phone,sales,2026-03-01T11:00:00Z,{updated}\n")
    pull(settings, NIGHT + timedelta(91))
    assert pull(settings, date(2066, 3, 2))["new_rows"] == 1


def test_clocks_that_change_and_a_leap_day(company: Company, tmp_path: Path) -> None:
    times = ["2024-02-29 12:00", "2025-10-26 02:30", "2025-03-30 02:30", "2025-03-30 01:59", "2025-03-30 03:00"]
    rows = "".join(f"i{index},c1,phone,sales,{at},,60,,\n" for index, at in enumerate(times))
    (tmp_path / "calls.csv").write_text(HEADER + rows)
    settings = company(CONTACTS + 'time_zone = "Europe/Berlin"')
    pull(settings, NIGHT)
    found = read(settings, "SELECT started_at FROM raw.interactions ORDER BY interaction_id")
    assert [row["started_at"].astimezone(UTC).strftime("%Y-%m-%d %H:%M") for row in found] == [
        "2024-02-29 11:00", "2025-10-26 01:30", "2025-03-30 01:30", "2025-03-30 00:59", "2025-03-30 01:00",
    ]  # fmt: skip


def test_first_load_is_known_since_birth_and_later_rows_since_their_night(company: Company, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(HEADER + GOOD)
    settings = company(CONTACTS)
    pull(settings, NIGHT)
    late = GOOD.replace("i1", "i2").replace("2026-03-01", "2026-01-05")
    corrected = GOOD.replace(",60,", ",75,")
    file.write_text(HEADER + GOOD + late + corrected)
    summary = pull(settings, NIGHT + timedelta(1))
    assert (summary["new_rows"], summary["quarantined_rows"]) == (2, 1)
    versions = read(settings, "SELECT interaction_id, wait_time_s, known_at FROM raw.interactions ORDER BY 1, 3")
    cutoff = datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert [(row["interaction_id"], row["wait_time_s"], row["known_at"]) for row in versions] == [
        ("i1", 60, datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("i1", 75, cutoff - timedelta(microseconds=1)),
        ("i2", 60, cutoff - timedelta(microseconds=1)),
    ]


@pytest.mark.parametrize(
    ("lines", "days_later", "is_known_since_birth"),
    [
        ([GOOD, GOOD.replace("i1,c1,phone", "i2,c1,Fon")], 0, True),  # the night that failed, run again
        ([GOOD.replace("i1,c1,phone", "i2,c1,Fon")], 1, True),  # no row of it was kept the night before
        ([GOOD, GOOD.replace("i1,c1,phone", "i2,c1,Fon")], 1, False),  # a night was made from what was kept
    ],
)
def test_a_mapping_mended_before_anything_was_made_from_it_makes_a_first_load(
    company: Company, tmp_path: Path, lines: list[str], days_later: int, is_known_since_birth: bool
) -> None:
    (tmp_path / "calls.csv").write_text(HEADER + "".join(lines))
    assert pull(company(CONTACTS), NIGHT)["quarantined_rows"] == 1
    mended = company(CONTACTS.replace("Telefon =", "Fon ="))
    night = NIGHT + timedelta(days_later)
    assert pull(mended, night)["quarantined_rows"] == 0
    known_at = read(mended, "SELECT known_at FROM raw.interactions WHERE interaction_id = 'i2'")[0]["known_at"]
    assert (known_at == datetime(2026, 3, 1, 10, tzinfo=UTC)) is is_known_since_birth
    # What the night itself has mended is bad no longer; what was bad on an earlier night stays on record.
    assert len(read(mended, "SELECT 1 FROM forestall.quarantine")) == (0 if days_later == 0 else 1)


def test_a_source_without_a_row_at_first_brings_later_ones_late(company: Company, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(HEADER)
    settings = company(CONTACTS)
    pull(settings, NIGHT)
    (tmp_path / "calls.csv").write_text(HEADER + GOOD)
    pull(settings, NIGHT + timedelta(1))
    assert read(settings, "SELECT known_at FROM raw.interactions")[0]["known_at"].hour == 22


def test_a_file_mended_the_same_night_is_judged_anew_and_the_others_are_not(company: Company, tmp_path: Path) -> None:
    (tmp_path / "calls_1.csv").write_text(HEADER + GOOD.replace(",60,", ",-60,") + "i3,c1,phone\n")
    (tmp_path / "calls_2.csv").write_text(HEADER + GOOD.replace("i1", "i2").replace(",60,", ",-60,"))
    settings = company(CONTACTS.replace("calls.csv", "calls_*.csv"))
    assert pull(settings, NIGHT)["quarantined_rows"] == 3
    (tmp_path / "calls_1.csv").write_text(HEADER + GOOD + GOOD.replace("i1", "i4").replace(",60,", ",-60,"))
    assert pull(settings, NIGHT)["new_rows"] == 1
    found = read(settings, "SELECT row_key, rule FROM forestall.quarantine ORDER BY row_key")
    assert found == [{"row_key": key, "rule": "too_small:wait_time_s"} for key in ("i2", "i4")]


def test_an_earlier_night_pulls_nothing_after_a_later_one(company: Company, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(HEADER + GOOD)
    settings = company(CONTACTS)
    pull(settings, NIGHT)
    (tmp_path / "calls.csv").write_text(HEADER + GOOD + GOOD.replace("i1", "i2"))
    assert pull(settings, NIGHT - timedelta(1))["new_rows"] == 0
    assert pull(settings.for_backfill(), NIGHT)["new_rows"] == 0
    assert pull(settings, NIGHT)["new_rows"] == 1


CONSENTS = """
[sources.crm]
kind = "file"
table = "consents"
location = "consents/*.csv"
"""


def test_a_history_in_a_first_load_becomes_versions_with_their_own_instants(company: Company, tmp_path: Path) -> None:
    (tmp_path / "consents").mkdir()
    (tmp_path / "consents/a.csv").write_text(
        "customer_id,channel,purpose,status,changed_at\n"
        "c1,phone,marketing,refused,2026-02-01T00:00:00Z\n"
        "c1,phone,marketing,granted,2026-01-01T00:00:00Z\n"
        "c1,phone,marketing,granted,2026-01-01T00:00:00Z\n"
    )
    settings = company(CONSENTS)
    summary = pull(settings, NIGHT)
    assert (summary["new_rows"], summary["unchanged_rows"]) == (2, 1)
    found = read(settings, "SELECT status, known_at FROM raw.consents ORDER BY known_at")
    assert [(row["status"], row["known_at"].month) for row in found] == [("granted", 1), ("refused", 2)]
    (tmp_path / "consents/b.csv").write_text(
        "customer_id,channel,purpose,status,changed_at\nc1,phone,marketing,granted,2026-01-15T00:00:00Z\n"
    )
    assert pull(settings, NIGHT + timedelta(1))["stale_rows"] == 1
    assert latest(settings, "consents", "customer_id")["status"].tolist() == ["refused"]
