"""A disk that is full, a folder that must not be written: one line, `current` as it was, and no row lost."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from forestall.jobs.pull import pull
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

Company = Callable[[str], Settings]

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NIGHT = date(2026, 3, 2)
ROWS = 20_000
CUSTOMERS = '[sources.crm]\nkind = "file"\ntable = "customers"\nlocation = "customers.csv"\n'
COUNTS = '[sources.counts]\nkind = "file"\ntable = "contact_volumes"\nlocation = "counts.csv"\n'
# Root may write anywhere; without these two rights the modes of files hold for it as for everybody.
RIGHTS = "-dac_override,-dac_read_search"
AS_ANYBODY = ["setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}"] if os.geteuid() == 0 else []


@pytest.fixture
def shown(company: Company, tmp_path: Path) -> Path:
    """The last good night."""
    (tmp_path / "customers.csv").write_text(
        "customer_id,name\n" + "".join(f"c{number},Name {number * 7919 % ROWS}\n" for number in range(ROWS))
    )
    (tmp_path / "counts.csv").write_text(
        "queue,channel,interval_start_at,offered_count,wait_time_s\n"
        + "".join(f"q{number},phone,2026-03-01T10:00:00Z,{number},{number * 7919}\n" for number in range(ROWS))
    )
    current = company("").var_path / "published" / "current"
    current.parent.mkdir(parents=True)
    current.symlink_to("2026-03-01")
    return current


def _pull(settings: Settings, before: Sequence[str] = (), file_bytes: int | None = None) -> tuple[int, str]:
    """`forestall job pull` in a process of its own: its code, and what it complains of."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))) if file_bytes else None
    done = subprocess.run(
        [*before, sys.executable, "-m", "forestall", "job", "pull", "--run-date", NIGHT.isoformat()],
        capture_output=True, text=True, check=False, preexec_fn=limit, cwd=settings.root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "FORESTALL_CONFIG": str(settings.root / "forestall.toml")},
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("toml", "table", "told"),
    [(CUSTOMERS, "customers", "vault/vault.db: "), (COUNTS, "contact_volumes", "warehouse.duckdb.wal")],
    ids=["vault", "warehouse"],
)
def test_a_full_disk_is_one_line_and_the_next_pull_loses_nothing(
    company: Company, shown: Path, toml: str, table: str, told: str
) -> None:
    settings = company(toml)
    code, complaint = _pull(settings, file_bytes=400_000)
    assert code == 2, complaint
    assert told in complaint.splitlines()[-1]
    assert "Traceback" not in complaint
    assert shown.readlink() == Path("2026-03-01")
    assert pull(settings, NIGHT)["new_rows"] == ROWS
    with open_warehouse(settings, "test") as warehouse:
        assert warehouse.scalar(f"SELECT count(*) FROM raw.{table}") == ROWS


@pytest.mark.skipif(bool(AS_ANYBODY) and not shutil.which("setpriv"), reason="root may write everywhere")
@pytest.mark.parametrize("closed", ["", "warehouse.duckdb", "vault"])
def test_a_place_that_must_not_be_written_is_one_line_that_names_it(company: Company, shown: Path, closed: str) -> None:
    settings = company(COUNTS)
    if closed:
        pull(settings, NIGHT)
    place = settings.var_path / closed
    if closed == "vault":
        (place / "vault.db").unlink()
    mode = place.stat().st_mode
    place.chmod(0o444 if place.is_file() else 0o555)
    code, complaint = _pull(settings, AS_ANYBODY)
    place.chmod(mode)
    assert code == 2, complaint
    assert str(place) in complaint.splitlines()[-1]
    assert "Permission denied" in complaint.splitlines()[-1]
    assert "Traceback" not in complaint
    assert shown.readlink() == Path("2026-03-01")
    pull(settings, NIGHT)
    with open_warehouse(settings, "test") as warehouse:
        assert warehouse.scalar("SELECT count(*) FROM raw.contact_volumes") == ROWS
