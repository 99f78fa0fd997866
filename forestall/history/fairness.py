"""The audit of fairness over nights: what each night adds is kept, so that small lists can be judged at all.

`forestall.fairness_tallies` holds sums by group, of no customer. Nights count from the day on which the playbook took
its present form, so that what was mended is not held against it.
"""

from datetime import timedelta

import pandas as pd
import pyarrow as pa

from features.attributes import ATTRIBUTES
from features.published_outreach import OUTREACH_FAIRNESS
from forestall.night import Night
from forestall.outreach.fairness import KEY, SUMS, Tolerance, compare, in_groups, tally
from forestall.outreach.fairness_words import with_sentences
from forestall.warehouse import Warehouse

TALLIES = f"""
    CREATE TABLE IF NOT EXISTS forestall.fairness_tallies (
        run_date DATE NOT NULL, playbook_version VARCHAR NOT NULL, scope VARCHAR NOT NULL,
        scope_value VARCHAR NOT NULL, measure VARCHAR NOT NULL,
        {", ".join(f"{name} DOUBLE PRECISION NOT NULL" for name in SUMS)}
    )
"""


def audit(warehouse: Warehouse, night: Night, considered: pd.DataFrame, playbook_version: str) -> pd.DataFrame:
    """`outreach_fairness` of the night: tonight's decisions and those of earlier nights with the same playbook.

    What tonight adds is kept (not of a backfill); a night that is run again replaces what it added before.

    Args:
        warehouse: where the tallies are.
        night: tonight.
        considered: one row an account that was decided on (`listing.Lists`).
        playbook_version: tonight's.
    """
    settings = night.settings.outreach
    attributes = [f"{ATTRIBUTES.prefix}{name}" for name in settings.fairness_attributes]
    scopes = [*settings.fairness_groups, *(name for name in attributes if name in considered)]
    tonight = tally(in_groups(considered, scopes), scopes)
    tonight = tonight.assign(run_date=night.run_date)
    warehouse.execute(TALLIES)
    earlier = _earlier(warehouse, night, playbook_version)
    if not night.settings.is_backfill:
        _keep(warehouse, night, tonight.assign(playbook_version=playbook_version))
    known = pd.concat([earlier[earlier["scope"].isin(scopes)], tonight], ignore_index=True)
    found = compare(known, Tolerance(settings.fairness_ratio, settings.fairness_least))
    told = with_sentences(found, night.settings.company.currency)
    nights = pd.to_datetime(known["run_date"])
    return told.assign(since_on=nights.min(), night_count=nights.nunique())[list(OUTREACH_FAIRNESS.names)]


def _earlier(warehouse: Warehouse, night: Night, playbook_version: str) -> pd.DataFrame:
    first = night.run_date - timedelta(days=night.settings.outreach.fairness_days)
    return warehouse.frame(
        f"SELECT run_date, {', '.join([*KEY, *SUMS])} FROM forestall.fairness_tallies "
        f"WHERE run_date > ? AND run_date < ? AND playbook_version = ? ORDER BY run_date, {', '.join(KEY)}",
        [first, night.run_date, playbook_version],
    )


def _keep(warehouse: Warehouse, night: Night, rows: pd.DataFrame) -> None:
    with warehouse.transaction():
        warehouse.execute("DELETE FROM forestall.fairness_tallies WHERE run_date = ?", [night.run_date])
        if len(rows):
            kept = rows[["run_date", "playbook_version", *KEY, *SUMS]].astype(dict.fromkeys(SUMS, "float64"))
            warehouse.append("forestall.fairness_tallies", pa.Table.from_pandas(kept, preserve_index=False))
