"""How long worked rows of earlier lists took, by action."""

from datetime import timedelta

import pandas as pd

from forestall.night import Night
from forestall.warehouse import Warehouse

WINDOW_DAYS = 365
ENDED_DAYS = 7  # a row that was begun so long ago has had its tries

# What was recorded twice counts once; a row of which a try has no minutes tells nothing. The row's action is that of
# its list, or else what was done.
_WORKED = """
    SELECT action, count(*) AS row_count, sum(minutes) AS minutes FROM (
        SELECT tries.row_id, coalesce(max(lists.action), max(tries.action)) AS action, sum(tries.minutes) AS minutes
        FROM (
            SELECT DISTINCT row_id, action, happened_at, result, CAST(minutes AS DOUBLE PRECISION) AS minutes
            FROM staging.stg_outreach_outcomes WHERE row_id IS NOT NULL
        ) AS tries
        LEFT JOIN (SELECT row_id, max(action) AS action FROM forestall.listings GROUP BY row_id) AS lists
            ON lists.row_id = tries.row_id
        GROUP BY tries.row_id
        HAVING count(*) = count(tries.minutes) AND min(tries.happened_at) >= ? AND min(tries.happened_at) < ?
    ) AS rows_worked
    WHERE action IS NOT NULL
    GROUP BY action
    ORDER BY action
"""


def worked_minutes(warehouse: Warehouse, night: Night) -> pd.DataFrame:
    """Rows begun within the last year and a week ago or longer; `forestall.listings` must exist.

    Returns:
        action, row_count, minutes (of all their tries).
    """
    since, until = (night.cutoff - timedelta(days=days) for days in (WINDOW_DAYS, ENDED_DAYS))
    return warehouse.frame(_WORKED, [since, until])
