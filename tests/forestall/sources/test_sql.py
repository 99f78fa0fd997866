"""A real PostgreSQL as the source."""

from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest

from forestall.jobs.pull import pull
from forestall.settings import ConfigError, Settings
from forestall.sources.pulls import degraded_sources
from forestall.warehouse import open_warehouse

Company = Callable[[str], Settings]

NIGHT = date(2026, 3, 2)
CRM = """
[company]
time_zone = "Europe/Berlin"
[sources.crm]
kind = "sql"
table = "subscriptions"
location = "crm.contracts"
connection = "CRM_URL"
updated_at = "changed_at"
overlap_hours = 24
retries = 0
columns = { subscription_id = "id", customer_id = "customer", monthly_value = "price", started_at = "since" }
"""


@pytest.fixture
def crm(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> psycopg.Connection[tuple[object, ...]]:
    monkeypatch.setenv("CRM_URL", postgres_url)
    connection = psycopg.connect(postgres_url, autocommit=True)
    connection.execute(
        """
        CREATE SCHEMA crm;
        CREATE TABLE crm.contracts (
            id UUID, customer INTEGER, plan TEXT, price NUMERIC(10, 2), since TIMESTAMPTZ, ended_at TIMESTAMPTZ,
            tags JSONB, changed_at TIMESTAMPTZ
        );
        INSERT INTO crm.contracts VALUES
            ('00000000-0000-0000-0000-000000000001', 1, 'basic', 9.90, '2025-01-01Z', NULL, '{"a": 1}', '2026-02-20Z'),
            ('00000000-0000-0000-0000-000000000002', 2, 'pro', 19.90, '2025-02-01Z', NULL, NULL, '2026-02-28Z');
        """
    )
    return connection


def test_rows_come_typed_and_the_second_night_asks_for_what_changed(
    company: Company, crm: psycopg.Connection[tuple[object, ...]]
) -> None:
    settings = company(CRM)
    assert pull(settings, NIGHT)["new_rows"] == 2
    crm.execute("UPDATE crm.contracts SET price = 21, changed_at = '2026-03-02 12:00Z' WHERE customer = 2")
    crm.execute("UPDATE crm.contracts SET price = 99 WHERE customer = 1")  # without a mark: not seen
    summary = pull(settings, NIGHT + timedelta(1))
    assert (summary["read_rows"], summary["new_rows"]) == (1, 1)
    with open_warehouse(settings, "test") as warehouse:
        rows = warehouse.query("SELECT subscription_id, monthly_value, known_at FROM raw.subscriptions ORDER BY 1, 3")
    assert [float(row["monthly_value"]) for row in rows.to_pylist()] == [9.9, 19.9, 21.0]
    assert rows.column("subscription_id")[0].as_py() == "00000000-0000-0000-0000-000000000001"


def test_a_select_with_an_expression_as_its_watermark(
    company: Company, crm: psycopg.Connection[tuple[object, ...]]
) -> None:
    toml = CRM.replace('"crm.contracts"', "\"SELECT * FROM crm.contracts WHERE plan <> 'basic'::text\"")
    settings = company(toml.replace('"changed_at"', '"greatest(changed_at, since)"'))
    assert pull(settings, NIGHT)["new_rows"] == 1
    assert pull(settings, NIGHT + timedelta(3))["read_rows"] == 1  # within the overlap of its own watermark
    crm.execute("UPDATE crm.contracts SET changed_at = '2026-03-04Z', price = 1 WHERE customer = 2")
    assert pull(settings, NIGHT + timedelta(4))["new_rows"] == 1


def test_a_database_that_is_down_degrades_the_night_and_the_next_catches_up(
    company: Company, crm: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = company(CRM)
    pull(settings, NIGHT)
    url = crm.info.dsn
    monkeypatch.setenv("CRM_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    summary = pull(settings, NIGHT + timedelta(1))
    assert summary["degraded"] == "crm"
    with open_warehouse(settings, "test") as warehouse:
        assert [one.table_name for one in degraded_sources(warehouse, NIGHT + timedelta(1))] == ["subscriptions"]
        assert degraded_sources(warehouse, NIGHT) == []
        assert warehouse.scalar("SELECT count(*) FROM raw.subscriptions") == 2
        reason = warehouse.scalar("SELECT reason FROM forestall.pulls WHERE status = 'degraded'")
    assert "does not answer" in reason
    assert "secret" not in reason
    assert "\n" not in reason
    assert url


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("crm.contracts", "crm.nothing"), 'relation "crm.nothing" does not exist'),
        (("CRM_URL", "NO_SUCH_URL"), "the environment variable NO_SUCH_URL is not set"),
        (('customer_id = "customer"', 'customer_id = "custmer"'), "no column `custmer`; meant `customer`?"),
        (('connection = "CRM_URL"', ""), "name the environment variable"),
    ],
)
def test_a_mistake_is_one_line(
    company: Company, crm: psycopg.Connection[tuple[object, ...]], change: tuple[str, str], told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        pull(company(CRM.replace(*change)), NIGHT)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_time_without_zone_is_refused_until_the_zone_is_told(
    company: Company, crm: psycopg.Connection[tuple[object, ...]]
) -> None:
    crm.execute("ALTER TABLE crm.contracts ALTER since TYPE TIMESTAMP USING since AT TIME ZONE 'UTC'")
    with pytest.raises(ConfigError, match="`started_at` has times without a zone; set `time_zone`"):
        pull(company(CRM), NIGHT)
    settings = company(CRM.replace("retries = 0", 'retries = 0\ntime_zone = "Europe/Berlin"'))
    pull(settings, NIGHT)
    with open_warehouse(settings, "test") as warehouse:
        started = warehouse.scalar("SELECT min(started_at) FROM raw.subscriptions")
    assert started.isoformat() == "2024-12-31T23:00:00+00:00"
