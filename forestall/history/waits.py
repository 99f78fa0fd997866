"""Who waited how long in which crowd, and whether they left: what the price of a wait is learned from."""

from datetime import timedelta

import pandas as pd

from forestall.night import Night
from forestall.warehouse import Warehouse

LOOK_BACK_DAYS = 730
MOST_CONTACTS = 1_000_000  # of a larger company so many, in whole customers: their pseudonyms are drawn by lot already
RECENT_DAYS = 90

# Contacts that had to queue, as known at the cutoff; a wait that ended in giving up is a wait.
_QUEUED = """
    queued AS (
        SELECT customer_id, queue, interval_start_at, started_on, lower(coalesce(topic, '')) AS topic,
            wait_time_s
        FROM intermediate.int_interaction_versions
        WHERE is_inbound AND is_live AND wait_time_s IS NOT NULL AND customer_id IS NOT NULL
            AND started_on >= DATE '{first_on}' AND started_on < DATE '{until}'
            AND valid_from < TIMESTAMPTZ '{cutoff}' AND valid_to >= TIMESTAMPTZ '{cutoff}'
    )
"""
_FOLLOWED = """
    WITH {queued},
    crowds AS (
        SELECT queue, interval_start_at, sum(wait_time_s) AS wait_time_s, count(*) AS contact_count
        FROM queued GROUP BY queue, interval_start_at
    ),
    own AS (
        SELECT queue, interval_start_at, customer_id, sum(wait_time_s) AS wait_time_s, count(*) AS contact_count
        FROM queued GROUP BY queue, interval_start_at, customer_id
    )
    SELECT queued.customer_id, queued.queue, queued.interval_start_at, queued.started_on, queued.topic,
        queued.wait_time_s, CAST(crowds.wait_time_s - own.wait_time_s AS BIGINT) AS others_wait_time_s,
        crowds.contact_count - own.contact_count AS others_count,
        CASE WHEN spells.left_on < queued.started_on + {horizon_days} THEN 1 ELSE 0 END AS is_left
    FROM queued
    INNER JOIN crowds ON crowds.queue = queued.queue AND crowds.interval_start_at = queued.interval_start_at
    INNER JOIN own ON own.queue = queued.queue AND own.interval_start_at = queued.interval_start_at
        AND own.customer_id = queued.customer_id
    INNER JOIN intermediate.int_customer_spells AS spells ON spells.customer_id = queued.customer_id
        AND spells.started_on <= queued.started_on
        AND (spells.gone_on IS NULL OR spells.gone_on > queued.started_on)
        AND (spells.left_on IS NULL OR spells.left_on >= queued.started_on)
    WHERE crowds.contact_count > own.contact_count AND queued.topic NOT IN ({announcing})
        {sample}
        AND NOT (coalesce(spells.is_involuntary, false) AND spells.gone_on < queued.started_on + {horizon_days})
    ORDER BY queued.customer_id, queued.interval_start_at, queued.queue, queued.topic, queued.wait_time_s
"""


def contacts_followed(warehouse: Warehouse, night: Night) -> pd.DataFrame:
    """Contacts whose customers' leaving is known by now, as `staffing.wait_effect` takes them.

    Left out are customers under notice, topics that announce leaving, involuntary ends, and intervals in which nobody
    else was there.
    """
    churn = night.settings.churn
    until = night.run_date - timedelta(days=churn.main_horizon + churn.grace_days)
    queued = _queued(night, until, LOOK_BACK_DAYS)
    count = int(warehouse.scalar(f"WITH {queued} SELECT count(*) FROM queued") or 0)
    share = min(1.0, MOST_CONTACTS / max(count, 1))
    words = ", ".join("'" + word.lower().replace("'", "''") + "'" for word in churn.announcing_topics)
    sql = _FOLLOWED.format(
        queued=queued, horizon_days=churn.main_horizon, announcing=words or "''",
        sample=f"AND queued.customer_id < '{int(share * 16**8):08x}'" if share < 1 else "",
    )  # fmt: skip
    rows = warehouse.frame(sql)
    local = pd.to_datetime(rows["interval_start_at"], utc=True).dt.tz_convert(night.settings.zone)
    queue = rows["queue"].astype("str")
    hour_of_week = (local.dt.weekday * 24 + local.dt.hour).astype("str")
    # Whole seconds are added up in the warehouse: a sum of fractions would differ from run to run.
    others = rows["others_wait_time_s"].astype(float) / rows["others_count"].astype(float)
    return rows.assign(
        wait_minutes=rows["wait_time_s"].astype(float) / 60,
        others_wait_minutes=others / 60,
        interval=queue + "|" + rows["interval_start_at"].astype("str"),
        alike=queue + "|" + rows["topic"].astype("str") + "|" + hour_of_week,
        queue_week=queue + "|" + pd.to_datetime(rows["started_on"]).dt.strftime("%G-%V"),
        day_contacts=rows.groupby(["queue", "started_on"])["customer_id"].transform("size"),
    )


def recent_callers(warehouse: Warehouse, night: Night) -> pd.DataFrame:
    """Whom a wait meets: customer_id, contact_count of the last 90 days in queues where customers wait."""
    queued = _queued(night, night.run_date, RECENT_DAYS)
    sql = f"WITH {queued} SELECT customer_id, count(*) AS contact_count FROM queued GROUP BY 1 ORDER BY 1"
    return warehouse.frame(sql)


def _queued(night: Night, until: object, days: int) -> str:
    first_on = night.run_date - timedelta(days=days)
    return _QUEUED.format(first_on=first_on, until=until, cutoff=night.cutoff.isoformat())
