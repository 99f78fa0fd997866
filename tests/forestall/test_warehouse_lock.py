"""The lock is really taken by two processes, and its holder is really killed."""

import multiprocessing
import multiprocessing.process
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forestall.settings import ConfigError, Settings
from forestall.warehouse_lock import WarehouseBusyError, lock_holder, warehouse_lock

Company = Callable[[str], Settings]


def _hold(settings: Settings, is_held: Path) -> None:
    with warehouse_lock(settings, "the first night"):
        is_held.touch()
        signal.pause()


@contextmanager
def _held_elsewhere(settings: Settings, is_held: Path) -> Iterator[multiprocessing.process.BaseProcess]:
    """A process of its own that holds the lock until it is killed."""
    holder = multiprocessing.get_context("spawn").Process(target=_hold, args=(settings, is_held))
    holder.start()
    try:
        while not is_held.exists():
            assert holder.is_alive()
            holder.join(0.05)
        yield holder
    finally:
        holder.kill()
        holder.join()


@pytest.fixture
def two_hosts(company: Company, postgres_url: str, tmp_path: Path) -> tuple[Settings, Settings]:
    """Two hosts that share a database, but no disk."""
    settings = company(f'[warehouse]\nurl = "{postgres_url}"\nlock_wait_s = 0')
    other = settings.model_copy(update={"var": tmp_path / "other"})
    return settings, other


def test_hosts_that_share_a_database_share_a_lock_that_a_kill_frees(
    two_hosts: tuple[Settings, Settings], tmp_path: Path
) -> None:
    mine, theirs = two_hosts
    with (
        _held_elsewhere(theirs, tmp_path / "held"),
        pytest.raises(WarehouseBusyError, match="the second night: the warehouse is held by forestall the first night"),
        warehouse_lock(mine, "the second night"),
    ):
        pass
    patient = mine.model_copy(update={"warehouse": mine.warehouse.model_copy(update={"lock_wait_s": 30})})
    with warehouse_lock(patient, "the second night"), warehouse_lock(patient, "again in the same process"):
        pass


def test_the_one_who_waits_is_told_who_holds_it(company: Company, tmp_path: Path) -> None:
    settings = company("[warehouse]\nlock_wait_s = 0")
    assert lock_holder(settings) is None
    with _held_elsewhere(settings, tmp_path / "held") as holder:
        told = f"the first night (process {holder.pid})"
        assert lock_holder(settings) == told
        with pytest.raises(WarehouseBusyError) as caught, warehouse_lock(settings, "the second night"):
            pass
        assert str(caught.value) == f"the second night: the warehouse is held by {told}; waited 0 s"
    assert lock_holder(settings) is None


def test_a_second_night_waits_for_the_first(company: Company, tmp_path: Path) -> None:
    settings = company("[warehouse]\nlock_wait_s = 60")
    with _held_elsewhere(settings, tmp_path / "held") as holder:
        killer = threading.Timer(0.5, holder.kill)
        killer.start()
        with warehouse_lock(settings, "the second night"):
            assert not holder.is_alive()
        killer.join()


def test_a_database_that_cannot_be_reached_is_one_line(company: Company) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    with (
        pytest.raises(ConfigError, match=r"warehouse at 127\.0\.0\.1: "),
        warehouse_lock(company(f'[warehouse]\nurl = "{url}"'), "x"),
    ):
        pass
