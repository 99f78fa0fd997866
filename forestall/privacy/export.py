"""Gives names back to a table of pseudonyms, to those who may see them, and writes down who did.

The one way out of the vault. Without the user's name in `privacy.may_export` there is none.
"""

from datetime import datetime

import pandas as pd

from forestall.privacy.vault import open_vault
from forestall.settings import ConfigError, Settings

NAMES = ("original_customer_id", "name", "email", "phone")


def rejoin(settings: Settings, frame: pd.DataFrame, user: str, now: datetime, what: str = "") -> pd.DataFrame:
    """`frame` with the columns of `NAMES` after `customer_id`.

    Args:
        settings: says who may.
        frame: has `customer_id`, a pseudonym; any grain. It is not modified.
        user: who asks, as the operating system or the page knows them.
        now: the time for the record.
        what: what the table is, for the record, such as `outreach_list 2026-03-01`.

    Returns:
        One row for each of `frame`, in its order; names are missing for forgotten customers.

    Raises:
        ConfigError: the user may not see names, or the vault does not open.
    """
    if user not in settings.privacy.may_export:
        allowed = ", ".join(settings.privacy.may_export) or "nobody"
        raise ConfigError(f"`{user}` may not see names: privacy.may_export allows {allowed}")
    people = frame["customer_id"].dropna().unique().tolist()
    with open_vault(settings) as vault:
        # Written down first: whoever is shown names is on record, even if showing them fails.
        vault.note_export(now.isoformat(timespec="seconds"), user, what, len(people))
        found = vault.read(people)
    rows = [{**entry, "customer_id": person, NAMES[0]: entry["customer_id"]} for person, entry in found.items()]
    names = pd.DataFrame(rows, columns=["customer_id", *NAMES], dtype="str")
    joined = frame.merge(names, on="customer_id", how="left", validate="many_to_one")
    at = frame.columns.tolist().index("customer_id") + 1
    return joined[[*frame.columns[:at], *NAMES, *frame.columns[at:]]]
