"""What is missing or broken on this machine and in this configuration, each with what to do about it.

Looks and reports; changes nothing but a probe file in `var`, which it takes away again.
"""

import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from forestall.jobs.reviewed_files import check_reviewed
from forestall.publishing.delivery import check_receivers
from forestall.publishing.publication import current_night
from forestall.scheduling.scheduler import REPOSITORY
from forestall.settings import ConfigError, Settings
from forestall.sources.preview import check_sources
from forestall.warehouse import WarehouseBusyError, open_warehouse
from forestall.warehouse_lock import lock_holder

GB = 1_000_000_000
NEEDED_GB, WANTED_GB = 1, 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what was looked at.
        state: `broken` stops a night, `doubtful` does not.
        told: what was found and, unless it is well, what to do.
    """

    about: str
    state: Literal["well", "doubtful", "broken"]
    told: str


def examine(settings: Settings, today: date, port: int = 8080) -> Iterator[Finding]:
    """Look at everything a night needs, the cheap things first.

    Args:
        settings: of the company.
        today: local day, to judge the age of the last night by.
        port: that `forestall airflow standalone` would use.
    """
    yield _python()
    yield packages(REPOSITORY / "requirements.lock")
    yield _openmp()
    yield _folder(settings)
    yield _disk(settings)
    yield _key(settings)
    yield _port(port)
    yield _holder(settings)
    yield _warehouse(settings)
    yield _models(settings)
    yield _last_night(settings, today)
    yield _reviewed(settings)
    yield from _sources(settings)
    yield from _receivers(settings)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    is_well = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Finding(
        "python", "well" if is_well else "broken", found if is_well else f"{found}: needs 3.11, 3.12 or 3.13"
    )


def packages(lock: Path) -> Finding:
    """Whether what is installed is what the lock says."""
    if not lock.is_file():
        return Finding("packages", "doubtful", f"{lock}: not there, nothing to compare with")
    pinned: dict[str, set[str]] = {}
    for name, wanted in re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
        pinned.setdefault(name, set()).add(wanted)
    other = [name for name, wanted in pinned.items() if (found := _installed(name)) and found not in wanted]
    if _installed("apache-airflow") is None or other:
        told = f"other than in {lock.name}: {', '.join(other[:5]) or 'apache-airflow is missing'}; run `make setup`"
        return Finding("packages", "doubtful", told)
    return Finding("packages", "well", f"as in {lock.name}")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _openmp() -> Finding:
    try:
        import lightgbm  # noqa: F401
    except OSError as error:
        told = f"{error}; LightGBM needs the system's OpenMP (Debian: apt install libgomp1; macOS: brew install libomp)"
        return Finding("openmp", "broken", told)
    return Finding("openmp", "well", "LightGBM finds it")


def _folder(settings: Settings) -> Finding:
    var = settings.var_path
    try:
        var.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=var, prefix=".doctor-"):
            return Finding("var", "well", f"{var} can be written")
    except OSError as error:
        return Finding("var", "broken", f"{var}: {error.strerror}; give the user of the night the right to write there")


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.var_path, *settings.var_path.parents) if path.exists())
    free = shutil.disk_usage(folder).free / GB
    if free >= WANTED_GB:
        return Finding("disk", "well", f"{free:.0f} GB free")
    state: Literal["doubtful", "broken"] = "doubtful" if free >= NEEDED_GB else "broken"
    return Finding("disk", state, f"{free:.1f} GB free, {WANTED_GB} wanted; run `forestall prune` or make room")


def _key(settings: Settings) -> Finding:
    if settings.secret_key.get_secret_value():
        return Finding("secret key", "well", "FORESTALL_SECRET_KEY is set")
    told = "FORESTALL_SECRET_KEY is not set; `openssl rand -hex 32` makes one, .env beside forestall.toml can hold it"
    return Finding("secret key", "broken", told)


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)):
            return Finding("port", "well", f"{port} is free for `forestall airflow standalone`")
    return Finding("port", "doubtful", f"{port} is taken: Airflow runs already, or use `forestall airflow --port`")


def _holder(settings: Settings) -> Finding:
    holder = lock_holder(settings)
    return Finding("lock", "doubtful", f"held by {holder}") if holder else Finding("lock", "well", "nobody writes")


def _warehouse(settings: Settings) -> Finding:
    unhurried = settings.model_copy(update={"warehouse": settings.warehouse.model_copy(update={"lock_wait_s": 0})})
    kind = settings.warehouse_url.partition(":")[0]
    if kind == "duckdb" and not (settings.root / settings.warehouse_url.removeprefix("duckdb:///")).exists():
        return Finding("warehouse", "well", "duckdb, made by the first night")  # one made here would stop a restore
    try:
        with open_warehouse(unhurried, "doctor") as warehouse:
            warehouse.scalar("SELECT 1")
    except WarehouseBusyError:
        return Finding("warehouse", "doubtful", "is being written to; ask again when the lock is free")
    except (ConfigError, OSError) as error:
        return Finding("warehouse", "broken", str(error))
    return Finding("warehouse", "well", f"{kind} answers")


def _models(settings: Settings) -> Finding:
    if not settings.mlflow_uri.startswith("http"):
        return Finding("mlflow", "well", f"embedded, {settings.tracking_uri.partition(':')[0]}")
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(f"{settings.mlflow_uri.rstrip('/')}/health", timeout=10):
            return Finding("mlflow", "well", f"{settings.mlflow_uri} answers")
    except (URLError, OSError, ValueError) as error:
        return Finding("mlflow", "broken", f"{settings.mlflow_uri}: {error}; start the server or mend mlflow_uri")


def _last_night(settings: Settings, today: date) -> Finding:
    try:
        night = current_night(settings.var_path / "published")
    except ConfigError as error:
        return Finding("last night", "broken", str(error))
    if night is None:
        return Finding("last night", "doubtful", "nothing is published yet; run `forestall nightly`")
    days = ((settings.run_date or today) - night.run_date).days
    if days <= 1:
        return Finding("last night", "well", f"{night.run_date} is published")
    return Finding("last night", "doubtful", f"{night.run_date}, {days} days old; see docs/runbook.md")


def _reviewed(settings: Settings) -> Finding:
    try:
        check_reviewed(settings)
    except ConfigError as error:
        return Finding("reviewed files", "broken", str(error))
    return Finding("reviewed files", "well", "standards, playbook, calendar and the others hold no mistake")


def _sources(settings: Settings) -> Iterator[Finding]:
    if not settings.sources:
        yield Finding("sources", "broken", "there are none; add [sources.<name>] to forestall.toml")
    problems = check_sources(settings)
    for problem in problems:
        yield Finding(f"source {problem.source}", "broken" if problem.is_blocking else "doubtful", problem.what)
    troubled = {problem.source for problem in problems}
    if well := [name for name in settings.sources if name not in troubled]:
        yield Finding("sources", "well", f"{', '.join(well)}: can be read as mapped")


def _receivers(settings: Settings) -> Iterator[Finding]:
    problems = check_receivers(settings)
    for told in problems:
        yield Finding("receivers", "doubtful", told)
    if settings.receivers and not problems:
        yield Finding("receivers", "well", f"{', '.join(settings.receivers)}: secrets and headers are set")
