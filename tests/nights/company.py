"""A small demo company, and whole nights of it: every job, in the order of the night, in this process.

Folders are copied freely: a company is what lies in its folder, wherever that is.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from forestall.jobs import NIGHT
from forestall.privacy.pseudonyms import pseudonym
from forestall.records import Summary
from forestall.scheduling.progress import output_in
from forestall.scheduling.steps import run_step
from forestall.settings import Settings, load_settings
from forestall.sources.pulls import move_files
from forestall.warehouse import open_warehouse

# Nobody's outcome is known on a first night, and there is no earlier one to score or to compare with; a few hundred
# customers do not tell what a wait costs.
EMPTY_AT_FIRST = frozenset({"outreach_effect", "forecast_changes", "forecast_ledger", "override_value", "agent_value"})

Make = Callable[..., Settings]  # a company of CSV files: the fixture `small`
ZONE = "Europe/Berlin"
SMALL = f'[company]\nname = "Small"\ntime_zone = "{ZONE}"\n'

FIRST, SECOND, THIRD = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
# Numbers as the demo company gives them, of people whom it does not have.
NEWCOMER, STRANGER = "K999998", "K999999"
SMALLER = {
    "FORESTALL_CHURN__TRAINING_DATES": "3",
    "FORESTALL_VOLUME__BACKTEST_CUTOFFS": "1",
    "FORESTALL_VOLUME__HORIZON_DAYS": "14",
}


def settings_of(folder: Path, **overrides: str) -> Settings:
    """Settings of the company in `folder`, made smaller by the environment."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("FORESTALL_")]:
            environment.delenv(name)
        for name, value in {**SMALLER, **overrides}.items():
            environment.setenv(name, value)
        return load_settings(folder / "forestall.toml")


def run_jobs(settings: Settings, run_date: date, jobs: Iterable[str] = NIGHT) -> Mapping[str, Summary]:
    """Run the jobs as the foreground does, what they print in `var/logs`; gives what each said."""
    with output_in(settings.var_path / "logs" / f"nightly-{run_date}.log"):
        return {name: run_step(settings, name, run_date) for name in jobs}


def copied(folder: Path, to: Path, *, with_var: bool = True) -> Settings:
    """The company of `folder` in `to`, where its files count as read if they did before."""
    shutil.copytree(folder, to, symlinks=True, ignore=None if with_var else shutil.ignore_patterns("var"))
    settings = settings_of(to)
    if with_var:
        with open_warehouse(settings, "copied") as warehouse:
            move_files(warehouse, folder, to)
    return settings


def fingerprints(folder: Path) -> dict[str, str]:
    """Hash of every file below `folder`, and where every link points."""
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


def customers(settings: Settings) -> pd.DataFrame:
    """The company's own customer file, with the pseudonym of each as `customer_id`."""
    rows = pd.read_parquet(settings.root / "data" / "customers" / "customers.parquet")
    return rows.assign(customer_id=[pseudonym(settings, number) for number in rows["kundennr"]])


def consents(settings: Settings) -> pd.DataFrame:
    """The company's own consents file."""
    return pd.read_csv(settings.root / "data" / "consents" / "consents.csv", sep=";", dtype=str)
