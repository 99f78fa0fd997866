import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.published import PUBLISHED
from features.tables import Column, Table
from forestall.publishing import publication
from forestall.publishing.publication import (
    PublicationError,
    PublishedNight,
    canonical_hash,
    current_night,
    load_night,
    migrate,
    nights,
    publish_night,
)

Tables = Callable[..., dict[str, pa.Table]]
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
ABOUT = {"run": {"published_at": "2026-03-02T02:10:00+00:00"}}


def _no_documents(_: PublishedNight) -> None:
    pass


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_night_appears_whole_and_becomes_current(tmp_path: Path, night_tables: Tables) -> None:
    night = publish_night(tmp_path, MONDAY, night_tables(), ABOUT, lambda n: (n.folder / "report.html").write_text("x"))
    assert current_night(tmp_path) == night == load_night(tmp_path / "current")
    assert set(night.manifest["files"]) == {f"{name}.parquet" for name in PUBLISHED} | {"report.html"}
    assert night.manifest["tables"]["churn_scores"]["rows"] == 120
    assert night.table("churn_scores").equals(night_tables()["churn_scores"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-03-02", "current"]


def test_the_same_content_adds_no_revision_and_other_content_adds_one(tmp_path: Path, night_tables: Tables) -> None:
    first = publish_night(tmp_path, MONDAY, night_tables(), ABOUT, _no_documents)
    before = _content(first.folder)
    again = publish_night(tmp_path, MONDAY, night_tables(), {"run": {"published_at": "later"}}, _no_documents)
    other = publish_night(tmp_path, MONDAY, night_tables(seed=8), ABOUT, _no_documents)
    assert (again, other.revision, other.folder.name) == (first, 2, "2026-03-02.r2")
    assert _content(first.folder) == before
    assert nights(tmp_path) == [first, other]
    assert current_night(tmp_path) == other


def test_the_same_night_judged_by_more_gates_adds_no_revision(tmp_path: Path, night_tables: Tables) -> None:
    tables = night_tables()
    first = publish_night(tmp_path, MONDAY, tables, ABOUT, _no_documents)
    fewer = tables | {"gate_results": tables["gate_results"].slice(1)}
    assert publish_night(tmp_path, MONDAY, fewer, ABOUT, _no_documents) == first


def test_revisions_are_listed_by_number_not_by_name(tmp_path: Path, night_tables: Tables) -> None:
    for seed in range(11):
        publish_night(tmp_path, MONDAY, night_tables(seed=seed), ABOUT, _no_documents)
    assert [night.revision for night in nights(tmp_path)] == list(range(1, 12))


def test_current_never_moves_to_an_older_date_nor_to_a_backfill(tmp_path: Path, night_tables: Tables) -> None:
    newest = publish_night(tmp_path, TUESDAY, night_tables(TUESDAY), ABOUT, _no_documents)
    publish_night(tmp_path, MONDAY, night_tables(), ABOUT, _no_documents)
    publish_night(tmp_path, date(2026, 3, 4), night_tables(), ABOUT, _no_documents, moves_current=False)
    assert current_night(tmp_path) == newest


def test_the_canonical_hash_ignores_order_and_storage_and_sees_every_value(night_tables: Tables) -> None:
    table = PUBLISHED["volume_forecast"]
    rows = night_tables()["volume_forecast"]
    shuffled = rows.take(np.random.default_rng(1).permutation(rows.num_rows)).combine_chunks()
    assert canonical_hash(shuffled, table) == canonical_hash(rows, table)
    index = rows.schema.get_field_index("contacts")
    values = rows["contacts"].to_numpy().copy()
    values[100] = np.nextafter(values[100], 1e9)
    assert canonical_hash(rows.set_column(index, "contacts", pa.array(values)), table) != canonical_hash(rows, table)


def test_nan_reads_as_missing_and_minus_zero_as_zero_in_the_hash() -> None:
    table = Table("t", "row", ("key",), (Column("key", "text", ""), Column("value", "number", "")))
    one = pa.table({"key": ["a", "b"], "value": [float("nan"), -0.0]}, schema=table.arrow_schema())
    other = pa.table({"key": ["a", "b"], "value": [None, 0.0]}, schema=table.arrow_schema())
    assert canonical_hash(one, table) == canonical_hash(other, table)


def test_a_night_of_an_older_schema_reads_in_todays_columns(tmp_path: Path, night_tables: Tables) -> None:
    """Version 0: no gates table yet, no intraday quantiles, ranks still 32 bits wide."""
    folder = tmp_path / "2025-01-01"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"schema_version": 0, "run_date": "2025-01-01"}))
    forecast = night_tables()["volume_forecast"].drop_columns(["contacts_p05", "method"])
    pq.write_table(forecast, folder / "volume_forecast.parquet")
    scores = night_tables()["churn_scores"]
    rank = scores.schema.get_field_index("risk_rank")
    scores = scores.set_column(rank, "risk_rank", scores["risk_rank"].cast(pa.int32()))
    pq.write_table(scores.append_column("of_a_newer_version", scores["risk_rank"]), folder / "churn_scores.parquet")

    (night,) = nights(tmp_path)
    assert night.table("volume_forecast").schema.equals(PUBLISHED["volume_forecast"].arrow_schema())
    assert night.table("volume_forecast")["method"].null_count == forecast.num_rows
    assert night.table("volume_forecast")["contacts"].equals(forecast["contacts"])
    assert night.table("churn_scores").equals(night_tables()["churn_scores"])
    assert night.table("gate_results").num_rows == 0
    assert night.frame("outreach_list")["value_at_risk"].dtype == "float64"


def test_migration_of_nothing_gives_no_rows() -> None:
    assert migrate(pa.table({}), PUBLISHED["outreach_list"]).num_rows == 0


def test_what_is_no_night_is_told_in_one_line(tmp_path: Path, night_tables: Tables) -> None:
    (tmp_path / "notes").mkdir()
    with pytest.raises(PublicationError, match="notes: is no published night"):
        load_night(tmp_path / "notes")
    night = publish_night(tmp_path, MONDAY, night_tables(), ABOUT, _no_documents)
    (night.folder / "churn_scores.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(PublicationError, match=r"churn_scores\.parquet: cannot be read"):
        night.table("churn_scores")


def test_a_folder_that_cannot_be_written_leaves_current_as_it_was(tmp_path: Path, night_tables: Tables) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PublicationError, match=r"cannot publish: .*`current` still shows nothing"):
        publish_night(tmp_path / "file" / "published", MONDAY, night_tables(), ABOUT, _no_documents)


def test_a_document_that_fails_leaves_nothing_behind(tmp_path: Path, night_tables: Tables) -> None:
    night = publish_night(tmp_path, MONDAY, night_tables(), ABOUT, _no_documents)

    def broken(_: PublishedNight) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(PublicationError, match="No space left on device; `current` still shows 2026-03-02"):
        publish_night(tmp_path, TUESDAY, night_tables(TUESDAY), ABOUT, broken)
    assert (current_night(tmp_path), nights(tmp_path)) == (night, [night])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-03-02", "current"]


# Publishes the tables found in a folder; dies at the n-th time it touches a file, or may write only n bytes a file.
CHILD = """
import os, signal, sys
from datetime import date
from pathlib import Path
import pyarrow.parquet as pq
from features.published import PUBLISHED
from forestall.publishing.publication import publish_night

published, tables, dies_at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
read = {name: pq.read_table(tables / f"{name}.parquet") for name in PUBLISHED}
seen = 0

def watch(event, arguments):
    global seen
    if event in ("open", "os.mkdir", "os.rename", "os.symlink", "os.rmdir", "os.remove"):
        if any(str(published) in str(argument) for argument in arguments):
            seen += 1
            if seen == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
publish_night(published, date(2026, 3, 3), read, {"run": {}}, lambda night: (night.folder / "list.csv").write_text("x"))
print(seen)
"""


def _child(
    published: Path, tables: Path, dies_at: int, file_bytes: int | None = None, before: Sequence[str] = ()
) -> subprocess.CompletedProcess:
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))) if file_bytes else None
    return subprocess.run(
        [*before, sys.executable, "-c", CHILD, str(published), str(tables), str(dies_at)],
        capture_output=True, text=True, preexec_fn=limit, check=False, cwd=Path(publication.__file__).parents[2],
    )  # fmt: skip


@pytest.fixture
def tables_on_disk(tmp_path: Path, night_tables: Tables) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, rows in night_tables(TUESDAY).items():
        pq.write_table(rows, folder / f"{name}.parquet")
    return folder


def test_killed_at_any_point_and_run_again_it_publishes_what_an_undisturbed_run_does(
    tmp_path: Path, night_tables: Tables, tables_on_disk: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    steps = int(_child(undisturbed, tables_on_disk, 0).stdout)
    published = tmp_path / "published"
    monday = publish_night(published, MONDAY, night_tables(), {"run": {}}, _no_documents)
    for dies_at in range(1, steps + 1, 3):
        killed = _child(published, tables_on_disk, dies_at)
        assert killed.returncode == -9
        shown = current_night(published)
        assert shown is not None
        assert shown == monday or _content(shown.folder) == _content(undisturbed / "2026-03-03")
    assert _child(published, tables_on_disk, 0).returncode == 0
    assert sorted(path.name for path in published.iterdir()) == ["2026-03-02", "2026-03-03", "current"]
    assert _content(published / "current") == _content(undisturbed / "2026-03-03")


def test_a_folder_that_is_read_only_leaves_current_as_it_was(
    tmp_path: Path, night_tables: Tables, tables_on_disk: Path
) -> None:
    published = tmp_path / "published"
    monday = publish_night(published, MONDAY, night_tables(), {"run": {}}, _no_documents)
    published.chmod(0o555)
    tmp_path.chmod(0o755)
    # Root may write anywhere; without these two rights the modes of files hold for it as for everybody.
    rights = "-dac_override,-dac_read_search"
    as_anybody = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"] if os.geteuid() == 0 else []
    refused = _child(published, tables_on_disk, 0, before=as_anybody)
    published.chmod(0o755)
    assert refused.returncode == 1
    assert "cannot publish" in refused.stderr
    assert "`current` still shows 2026-03-02" in refused.stderr
    assert (current_night(published), nights(published)) == (monday, [monday])


def test_a_full_disk_leaves_current_as_it_was(tmp_path: Path, night_tables: Tables, tables_on_disk: Path) -> None:
    published = tmp_path / "published"
    monday = publish_night(published, MONDAY, night_tables(), {"run": {}}, _no_documents)
    full = _child(published, tables_on_disk, 0, file_bytes=4096)
    assert full.returncode == 1
    assert "PublicationError" in full.stderr.splitlines()[-1]
    assert "`current` still shows 2026-03-02" in full.stderr.splitlines()[-1]
    assert current_night(published) == monday
    assert sorted(path.name for path in published.iterdir()) == ["2026-03-02", "current"]
