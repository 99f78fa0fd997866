"""Names that are planted in every place they may come in by, looked for in every place they must not be."""

from datetime import date
from pathlib import Path

from forestall.jobs.pull import pull
from forestall.settings import Settings
from forestall.sources.tables import BOOKKEEPING
from forestall.warehouse import open_warehouse

NIGHT = date(2026, 3, 2)
PLANTED = ("Quirrenbach", "Zebulon", "Ottilie", "zq@example.org", "5550815", "KD-0815", "KD-0816", "ACCT-77")


def test_no_name_is_left_in_any_file_or_table(named: Settings) -> None:
    summary = pull(named, NIGHT)
    assert summary["quarantined_rows"] == 3
    files = [path for path in named.var_path.rglob("*") if path.is_file()]
    assert named.var_path / "vault" / "vault.db" in files
    for path in files:
        assert not [name for name in PLANTED if name.encode() in path.read_bytes()], path
    with open_warehouse(named, "test") as warehouse:
        for table in ("raw.customers", "raw.interactions", *BOOKKEEPING):
            rows = str(warehouse.query(f"SELECT * FROM {table}").to_pylist())
            assert not [name for name in PLANTED if name in rows], table
        reduced = "SELECT text_length, text_sentiment < -0.3 AS is_angry, text_language FROM raw.interactions"
        assert warehouse.query(f"{reduced} WHERE interaction_id = 'i1'").to_pylist() == [
            {"text_length": 47, "is_angry": True, "text_language": "en"}
        ]
        kept = warehouse.query("SELECT rule, row_key, payload FROM forestall.quarantine ORDER BY rule").to_pylist()
    assert [row["rule"] for row in kept] == ["duplicate_key", "malformed_line", "unknown_word:channel"]
    assert '"channel":"pigeon"' in kept[2]["payload"]


def test_the_vault_is_readable_by_its_owner_only(named: Settings) -> None:
    pull(named, NIGHT)
    path: Path = named.var_path / "vault" / "vault.db"
    assert path.stat().st_mode & 0o777 == 0o600
