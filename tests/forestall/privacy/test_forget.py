from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from forestall.jobs.pull import pull
from forestall.privacy.forget import forget
from forestall.privacy.pseudonyms import pseudonym
from forestall.privacy.vault import open_vault
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

Company = Callable[[str], Settings]

NIGHT = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_forgotten_customer_is_gone_and_stays_gone(named: Settings, tmp_path: Path) -> None:
    pull(named, NIGHT)
    person = pseudonym(named, "KD-0815")
    with open_warehouse(named, "test") as warehouse:
        warehouse.execute("CREATE TABLE marts.fct_customer_features (customer_id VARCHAR, calls BIGINT)")
        warehouse.execute("INSERT INTO marts.fct_customer_features VALUES (?, 3)", [person])
        warehouse.execute("CREATE VIEW marts.seen AS SELECT * FROM marts.fct_customer_features")
    receipt = forget(named, "KD-0815", NOW)
    assert receipt.vault_entries == 1
    assert receipt.rows == {
        "raw.customers": 1, "raw.interactions": 1, "forestall.quarantine": 1, "marts.fct_customer_features": 1,
    }  # fmt: skip
    assert "KD-0815" not in str(receipt)
    assert "1 of raw.customers" in str(receipt)
    with open_vault(named) as vault:
        assert vault.read([person]) == {}
        assert len(vault.read([pseudonym(named, "KD-0816")])) == 1

    (tmp_path / "customers.csv").write_text((tmp_path / "customers.csv").read_text().replace("2025", "2024"))
    summary = pull(named, NIGHT + timedelta(1))
    assert (summary["forgotten_rows"], summary["new_rows"]) == (1, 1)
    with open_vault(named) as vault:
        assert vault.read([person]) == {}
    assert forget(named, "KD-0815", NOW).rows == {}


def test_a_pseudonym_will_do_too(named: Settings) -> None:
    pull(named, NIGHT)
    assert forget(named, pseudonym(named, "KD-0816"), NOW).vault_entries == 1


def test_a_receipt_about_nobody_says_so(named: Settings) -> None:
    pull(named, NIGHT)
    assert str(forget(named, "KD-9999", NOW)).endswith("is the key right?")
    assert "is the key right?" not in str(forget(named, "KD-0815", NOW))
