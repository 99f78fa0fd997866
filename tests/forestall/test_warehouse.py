"""The same statements on DuckDB and on a real PostgreSQL."""

import multiprocessing
import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pytest

from forestall.settings import ConfigError, Settings
from forestall.warehouse import Warehouse, WarehouseBusyError, connect_duckdb, open_warehouse, warehouse_lock

Company = Callable[[str], Settings]

ROWS = pa.table(
    {
        "name": ["a", None],
        "amount": pa.array([Decimal("1.25"), None], pa.decimal128(18, 4)),
        "seen_at": pa.array([datetime(2026, 3, 29, 1, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
    }
)


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, company: Company) -> Iterator[Warehouse]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with open_warehouse(company(f'[warehouse]\nurl = "{url}"'), "test") as opened:
        opened.execute("CREATE TABLE raw.things (id BIGINT, name VARCHAR, amount DECIMAL(18, 4), seen_at TIMESTAMPTZ)")
        yield opened


def test_rows_go_in_by_name_and_come_back_as_they_were(warehouse: Warehouse) -> None:
    assert warehouse.append("raw.things", ROWS) == 2
    back = warehouse.query("SELECT name, amount, seen_at FROM raw.things ORDER BY name")
    assert back.to_pylist() == ROWS.to_pylist()
    assert warehouse.frame("SELECT amount FROM raw.things WHERE name = ?", ["a"])["amount"].tolist() == [1.25]
    assert warehouse.scalar("SELECT count(*) FROM raw.things WHERE id IS NULL") == 2


def test_a_failed_transaction_leaves_nothing(warehouse: Warehouse) -> None:
    def append_and_fail() -> None:
        with warehouse.transaction():
            warehouse.append("raw.things", ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        append_and_fail()
    assert warehouse.scalar("SELECT count(*) FROM raw.things") == 0
    with warehouse.transaction():
        warehouse.append("raw.things", ROWS)
    assert warehouse.scalar("SELECT count(*) FROM raw.things") == 2


def test_it_knows_its_tables(warehouse: Warehouse) -> None:
    assert warehouse.has_table("raw.things")
    assert not warehouse.has_table("marts.things")


def test_a_url_of_another_kind_is_refused(company: Company) -> None:
    with (
        pytest.raises(ConfigError, match="neither duckdb"),
        open_warehouse(company('[warehouse]\nurl = "mysql://x"'), "test"),
    ):
        pass


def _hold(settings: Settings, is_held: Path) -> None:
    with warehouse_lock(settings, "the first night"):
        is_held.touch()
        signal.pause()


def test_the_second_writer_is_told_who_holds_it_and_a_killed_holder_frees_it(company: Company, tmp_path: Path) -> None:
    settings = company("[warehouse]\nlock_wait_s = 0")
    is_held = tmp_path / "held"
    holder = multiprocessing.get_context("spawn").Process(target=_hold, args=(settings, is_held))
    holder.start()
    while not is_held.exists():
        assert holder.is_alive()
        holder.join(0.05)
    with pytest.raises(WarehouseBusyError, match="the first night"), warehouse_lock(settings, "the second night"):
        pass
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with warehouse_lock(settings, "the second night"), warehouse_lock(settings, "the same process again"):
        pass


def test_rows_come_in_pieces_of_at_most_so_many(company: Callable[[str], Settings]) -> None:
    with open_warehouse(company(""), "test") as warehouse:
        pieces = list(warehouse.pieces("SELECT range AS number FROM range(300000) WHERE range < ?", [250_000], 100_000))
        assert max(piece.num_rows for piece in pieces) <= 100_000
        assert sum(piece.num_rows for piece in pieces) == 250_000
        assert list(warehouse.pieces("SELECT 1 WHERE false")) == []


def test_what_does_not_fit_into_memory_is_spilled_encrypted_beside_the_warehouse(company: Company) -> None:
    settings = company('[warehouse]\nurl = "duckdb:///kept/w.duckdb"\nmemory_limit = "60MB"')
    places: list[tuple[Path | Literal[":memory:"], str]] = [
        (":memory:", "var/.spill"), (settings.root / "kept/w.duckdb", "kept/.spill")
    ]  # fmt: skip
    for path, spill in places:
        with closing(connect_duckdb(path, settings)) as connection:
            names = "SELECT 'Erika Mustermann ' || hash(i) || hash(-i) FROM range(1000000) AS numbers (i)"
            connection.execute(f"CREATE TEMP TABLE people AS {names}").fetchall()
            folder = settings.root / spill
            written = b"".join(file.read_bytes() for file in folder.iterdir())
            assert connection.execute("SELECT current_setting('temp_file_encryption')").fetchall() == [(True,)]
        assert len(written) > 1_000_000
        assert b"Erika" not in written
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_settings_nothing_is_spilled() -> None:
    with closing(connect_duckdb(":memory:")) as connection:
        assert connection.execute("SELECT current_setting('temp_directory')").fetchall() == [("",)]
