"""For whom outreach drew lots: what a comparison of models needs of the experiment."""

from datetime import date, timedelta

import pandas as pd

from forestall.warehouse import Warehouse

# The first listing ever of each account: whoever was listed before is no longer as the as-of date shows them.
_FIRST = """
    SELECT account_id, arm, arm_probability FROM (
        SELECT account_id, arm, arm_probability, run_date, row_number() OVER (
            PARTITION BY account_id ORDER BY run_date, revision, list_rank, row_id
        ) AS place
        FROM forestall.listings
    ) AS ranked
    WHERE place = 1 AND run_date >= ? AND run_date < ?
    ORDER BY account_id
"""


def logged_arms(warehouse: Warehouse, as_of_on: date, days: int) -> pd.DataFrame:
    """Accounts that were listed for the first time within so many days from the as-of date on, or held back by lot.

    Returns:
        account_id, arm, arm_probability (of the arm that was drawn); no row before anything was listed.
    """
    if not warehouse.has_table("forestall.listings"):
        return pd.DataFrame(columns=["account_id", "arm", "arm_probability"])
    return warehouse.frame(_FIRST, [as_of_on, as_of_on + timedelta(days=days)])
