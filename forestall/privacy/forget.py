"""Forgets a customer: the vault entry and its key, and every row that carries the pseudonym.

What was published stays as it was: it carries the pseudonym only, and with the vault's key gone
nobody can say whose it was. The tombstone is the pseudonym itself: rows of that customer that a
source still delivers are dropped at every pull, and counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from forestall.privacy.pseudonyms import pseudonym
from forestall.privacy.vault import open_vault
from forestall.settings import Settings
from forestall.sources.tables import create_tables
from forestall.warehouse import Warehouse, open_warehouse

# The order in which the numbers are told: what came in, then what was made of it.
SCHEMAS = ("raw", "forestall", "staging", "intermediate", "marts")


@dataclass(frozen=True)
class Receipt:
    """What was deleted, to be kept as evidence. It does not say who it was."""

    customer_id: str
    forgotten_at: datetime
    vault_entries: int
    rows: Mapping[str, int]

    def __str__(self) -> str:
        rows = ", ".join(f"{number} of {table}" for table, number in self.rows.items()) or "none"
        is_stranger = not (self.vault_entries or self.rows)
        return (
            f"customer {self.customer_id} (pseudonym) forgotten at {self.forgotten_at.isoformat(timespec='seconds')}: "
            f"{self.vault_entries} vault entries deleted; rows deleted: {rows}"
            + ("; nothing was known of such a customer: is the key right?" if is_stranger else "")
        )


def forget(settings: Settings, customer_id: str, now: datetime) -> Receipt:
    """Forget one customer for good.

    Args:
        settings: of this installation.
        customer_id: the company's own key of the customer, or the pseudonym.
        now: the time for the receipt.

    Returns:
        The receipt. Forgetting somebody who is not known, or no longer, counts nothing and still
        leaves a tombstone.

    Raises:
        ConfigError: there is no secret key.
        WarehouseBusyError: a night is running.
    """
    with open_warehouse(settings, f"forget at {now.isoformat(timespec='seconds')}") as warehouse:
        create_tables(warehouse)
        person = _known_pseudonym(settings, warehouse, customer_id)
        with warehouse.transaction():
            rows = _delete_rows(warehouse, person)
            _write_tombstone(warehouse, person, now)
            _have_all_made_anew(warehouse)
        # After the commit: a run that is killed in between is repeated with the same result.
        with open_vault(settings) as vault:
            entries = vault.forget(person)
        _overwrite(warehouse)
    return Receipt(person, now, entries, rows)


def _known_pseudonym(settings: Settings, warehouse: Warehouse, customer_id: str) -> str:
    """What was given if it is a pseudonym in use, else the pseudonym of it."""
    with open_vault(settings) as vault:
        if vault.read([customer_id]):
            return customer_id
    return pseudonym(settings, customer_id)


def _delete_rows(warehouse: Warehouse, person: str) -> dict[str, int]:
    """Delete from every table of ours with a `customer_id`; rows by table, where there were any."""
    schemas = ", ".join(f"'{schema}'" for schema in SCHEMAS)
    found = warehouse.query(
        f"""
        SELECT c.table_schema, c.table_name
        FROM information_schema.columns AS c
        JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
        WHERE c.column_name = 'customer_id' AND t.table_type = 'BASE TABLE' AND c.table_schema IN ({schemas})
        ORDER BY c.table_schema, c.table_name
        """
    ).to_pylist()
    tables = [(row["table_schema"], row["table_name"]) for row in found]
    deleted = {}
    for schema, name in sorted(tables, key=lambda table: SCHEMAS.index(table[0])):
        number = warehouse.scalar(f"SELECT count(*) FROM {schema}.{name} WHERE customer_id = ?", [person])
        if number:
            warehouse.execute(f"DELETE FROM {schema}.{name} WHERE customer_id = ?", [person])
            deleted[f"{schema}.{name}"] = int(number)
    deleted.pop("forestall.forgotten", None)
    return deleted


def _write_tombstone(warehouse: Warehouse, person: str, now: datetime) -> None:
    tombstone = {"customer_id": [person], "forgotten_at": pa.array([now], pa.timestamp("us", tz="UTC"))}
    warehouse.append("forestall.forgotten", pa.table(tombstone))


def _have_all_made_anew(warehouse: Warehouse) -> None:
    """Volumes and figures that accumulate still count the customer's contacts: the next build starts from nothing."""
    if warehouse.has_table("forestall.builds"):
        warehouse.execute("UPDATE forestall.builds SET rules = ''")


def _overwrite(warehouse: Warehouse) -> None:
    """Hand the space of deleted rows back, so that the next writes overwrite it."""
    warehouse.execute("CHECKPOINT" if warehouse.dialect == "duckdb" else "VACUUM")
