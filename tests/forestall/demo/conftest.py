"""A tiny demo company: five hundred customers over four months, made once."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from forestall.demo.company import Company, make_company

SINCE, UNTIL = date(2024, 9, 1), date(2024, 12, 30)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company as it was made; nobody changes it."""
    return make_company(tmp_path_factory.mktemp("demo"), scale=0.034, since=SINCE, until=UNTIL)


@pytest.fixture
def copy_of(made: Company, tmp_path: Path) -> Callable[[str], Company]:
    """A copy of it, to live on."""

    def copy(name: str) -> Company:
        return Company(Path(shutil.copytree(made.folder, tmp_path / name)), made.run_date)

    return copy
