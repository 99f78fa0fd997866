"""How many contacts agents held at once, how long, and how many ended: what handle time by concurrency rests on."""

from datetime import timedelta

import pandas as pd

from features.contract import LIVE_CHANNELS
from forestall.night import Night
from forestall.staffing.standards import Standards
from forestall.warehouse import Warehouse

WINDOW_DAYS = 56  # eight whole weeks: every weekday weighs the same
MOST_HELD = 10  # whoever holds more is a machine, or several people under one name

# Each agent's contacts are swept in the order of their beginnings and ends. What happens in the same second happens at
# once, so a contact that follows another does not count beside it. A contact that the cutoff falls into is left out:
# how long it will take is not known yet.
_HELD = """
    WITH contacts AS (
        SELECT agent_id, queue, channel, handle_time_s,
            CAST(floor(extract(epoch FROM taken_at)) AS BIGINT) AS begins_s
        FROM intermediate.int_interaction_versions
        WHERE is_live AND agent_id IS NOT NULL AND taken_at IS NOT NULL AND handle_time_s > 0
            AND (queue IN ({queues}) OR channel IN ({channels}))
            AND started_on >= ? AND taken_at + handle_time_s * INTERVAL '1 second' < ?
            AND valid_from < ? AND valid_to >= ?
    ),
    turns AS (
        SELECT agent_id, queue, turned_s, sum(begun) - sum(ended) AS change, sum(ended) AS ended
        FROM (
            SELECT agent_id, queue, begins_s AS turned_s, 1 AS begun, 0 AS ended FROM contacts
            UNION ALL
            SELECT agent_id, queue, begins_s + handle_time_s, 0, 1 FROM contacts
        ) AS both_ends
        GROUP BY agent_id, queue, turned_s
    ),
    instants AS (SELECT agent_id, turned_s, sum(change) AS change FROM turns GROUP BY agent_id, turned_s),
    spans AS (
        SELECT agent_id, turned_s, sum(change) OVER in_time AS held, sum(change) OVER in_time - change AS held_before,
            lead(turned_s) OVER in_time - turned_s AS seconds
        FROM instants WINDOW in_time AS (PARTITION BY agent_id ORDER BY turned_s)
    ),
    by_queue AS (
        SELECT queues.queue, spans.held, spans.held_before, spans.seconds, coalesce(turns.ended, 0) AS ended,
            sum(coalesce(turns.change, 0)) OVER (
                PARTITION BY spans.agent_id, queues.queue ORDER BY spans.turned_s
            ) AS held_of_queue
        FROM spans
        INNER JOIN (SELECT DISTINCT agent_id, queue FROM contacts) AS queues ON queues.agent_id = spans.agent_id
        LEFT JOIN turns
            ON turns.agent_id = spans.agent_id AND turns.queue = queues.queue AND turns.turned_s = spans.turned_s
    ),
    states AS (
        SELECT queue, held AS concurrency, held_of_queue * seconds AS contact_s, 0 AS ended
        FROM by_queue WHERE held_of_queue > 0
        UNION ALL
        SELECT queue, held_before, 0, ended FROM by_queue WHERE ended > 0
    )
    SELECT states.queue, channels.channel, CAST(states.concurrency AS BIGINT) AS concurrency,
        CAST(sum(states.contact_s) AS BIGINT) AS contact_s, CAST(sum(states.ended) AS BIGINT) AS contact_count
    FROM states
    INNER JOIN (SELECT queue, max(channel) AS channel FROM contacts GROUP BY queue) AS channels
        ON channels.queue = states.queue
    WHERE states.concurrency <= {most}
    GROUP BY states.queue, channels.channel, states.concurrency
    ORDER BY states.queue, states.concurrency
"""


def contacts_by_concurrency(warehouse: Warehouse, night: Night, standards: Standards) -> pd.DataFrame:
    """Contacts of the last eight weeks in queues whose agents may hold several at once, as known at the cutoff.

    Contacts of all these queues count for how many an agent holds.

    Returns:
        queue, channel, concurrency (contacts that the agent held), contact_s (seconds of the queue's contacts while so
        many were held), contact_count (of these, ended then).
    """
    queues = [queue for queue in standards.queues if standards.for_queue(queue, None).may_hold_several]
    channels = [channel for channel in LIVE_CHANNELS if standards.for_queue("", channel).may_hold_several]
    sql = _HELD.format(queues=_places(queues), channels=_places(channels), most=MOST_HELD)
    since = night.run_date - timedelta(days=WINDOW_DAYS)
    return warehouse.frame(sql, [*queues, *channels, since, *[night.cutoff] * 3])


def _places(names: list[str]) -> str:
    """A `?` for each name; NULL, which nothing is in, for none."""
    return ", ".join("?" * len(names)) or "NULL"
