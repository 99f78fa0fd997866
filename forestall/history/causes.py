"""Topics and products counted: who is at risk tonight, and who of an earlier morning left.

Tonight's contacts are those of the 90 days before; the comparison looks at the newest morning whose outcomes are all
known, so that nobody is judged by a score. Topics that announce leaving are left out on both sides: they tell of a
decision that was taken.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from forestall.history.training_features import churn_rule
from forestall.night import Night
from forestall.warehouse import Warehouse, as_frame

LEAST_CUSTOMERS = 10  # a topic of fewer is pooled, a pair of topic and product of fewer is not told apart
MOST_ROWS = 100

_TONIGHT = """
    SELECT customer_id, topic, product, count(*) AS contact_count FROM intermediate.int_recent_contacts
    WHERE is_inbound AND NOT is_announcement AND topic IS NOT NULL
    GROUP BY customer_id, topic, product
"""

# Each contact stands for its topic, for its product and for both together. Probabilities are added as whole numbers:
# a sum of floats would differ from run to run.
_BY_CAUSE = """
    WITH popular AS (
        SELECT topic FROM contacts INNER JOIN scores USING (customer_id)
        GROUP BY topic HAVING count(DISTINCT customer_id) >= {least}
    ),
    named AS (
        SELECT contacts.customer_id, contacts.product, contacts.contact_count,
            CASE WHEN popular.topic IS NULL THEN 'other' ELSE contacts.topic END AS topic
        FROM contacts LEFT JOIN popular ON popular.topic = contacts.topic
    ),
    levels AS (
        SELECT customer_id, topic, 'all' AS product, contact_count FROM named
        UNION ALL
        SELECT customer_id, 'all', product, contact_count FROM named WHERE product IS NOT NULL
        UNION ALL
        SELECT customer_id, topic, product, contact_count FROM named WHERE product IS NOT NULL AND topic <> 'other'
    ),
    people AS (
        SELECT topic, product, customer_id, sum(contact_count) AS contact_count FROM levels
        GROUP BY topic, product, customer_id
    )
    SELECT topic, product,
        CAST(sum(contact_count) AS BIGINT) AS contact_count,
        count(scores.customer_id) AS customer_count,
        CAST(sum(billionths) AS DOUBLE) / 1e9 AS expected_leavers,
        CAST(sum(billionths * (1000000000 - billionths) // 1000000000) AS DOUBLE) / 1e9 AS leaver_variance,
        CAST(sum(CAST(billionths * 1e-9 AS DECIMAL(18, 9)) * CAST(monthly_margin AS DECIMAL(18, 4))) AS DECIMAL(38, 4))
            AS margin_at_risk
    FROM people LEFT JOIN scores USING (customer_id)
    GROUP BY topic, product
    HAVING count(scores.customer_id) >= {least} OR topic = 'other' AND count(scores.customer_id) > 0
    ORDER BY expected_leavers DESC, topic, product LIMIT {most}
"""

# Customers of the morning `compared_on`, whether they left by the horizon, and how many contacts they had before.
_COHORT = """
    WITH cohort AS (
        SELECT spells.customer_id, coalesce(customers.segment, '') AS segment,
            CASE WHEN spells.started_on >= DATE '{compared_on}' - 180 THEN 'months'
                WHEN spells.started_on >= DATE '{compared_on}' - 730 THEN 'two years' ELSE 'longer' END AS tenure_band,
            CASE WHEN spells.left_on < DATE '{compared_on}' + {horizon_days} THEN 1 ELSE 0 END AS has_left
        FROM intermediate.int_customer_spells AS spells
        LEFT JOIN staging.stg_customers AS customers ON customers.customer_id = spells.customer_id
        WHERE spells.started_on < DATE '{compared_on}' AND spells.gone_on >= DATE '{compared_on}'
            AND NOT (spells.is_involuntary AND spells.gone_on < DATE '{compared_on}' + {horizon_days})
    ),
    contacts AS (
        SELECT customer_id, topic, product, count(*) AS contact_count
        FROM intermediate.int_interaction_versions
        WHERE is_inbound AND customer_id IS NOT NULL AND topic IS NOT NULL AND lower(topic) NOT IN ({announcing})
            AND started_on >= DATE '{compared_on}' - 90 AND started_on < DATE '{compared_on}'
            AND valid_from < TIMESTAMPTZ '{cutoff}' AND valid_to >= TIMESTAMPTZ '{cutoff}'
        GROUP BY customer_id, topic, product
    ),
    totals AS (SELECT customer_id, sum(contact_count) AS contact_count FROM contacts GROUP BY customer_id)
"""
_BAND = "CASE WHEN {count} = 0 THEN 0 WHEN {count} <= 2 THEN 1 WHEN {count} <= 5 THEN 2 ELSE 3 END"
_EVERYBODY = f"""
    SELECT segment, tenure_band, total_band, count(*) AS customer_count, CAST(sum(has_left) AS BIGINT) AS left_count
    FROM (
        SELECT cohort.*, {_BAND.format(count="coalesce(totals.contact_count, 0)")} AS total_band
        FROM cohort LEFT JOIN totals ON totals.customer_id = cohort.customer_id
    ) AS banded
    GROUP BY segment, tenure_band, total_band ORDER BY segment, tenure_band, total_band
"""
_EXPOSED = f""",
    levels AS (
        SELECT customer_id, topic, 'all' AS product, contact_count FROM contacts
        UNION ALL
        SELECT customer_id, 'all', product, contact_count FROM contacts WHERE product IS NOT NULL
        UNION ALL
        SELECT customer_id, topic, product, contact_count FROM contacts WHERE product IS NOT NULL
    ),
    people AS (
        SELECT topic, product, customer_id, sum(contact_count) AS contact_count FROM levels
        GROUP BY topic, product, customer_id
    ),
    banded AS (
        SELECT people.topic, people.product, cohort.segment, cohort.tenure_band, cohort.has_left,
            {_BAND.format(count="(totals.contact_count - people.contact_count)")} AS other_band,
            {_BAND.format(count="totals.contact_count")} AS total_band
        FROM people
        INNER JOIN cohort ON cohort.customer_id = people.customer_id
        INNER JOIN totals ON totals.customer_id = people.customer_id
    )
    SELECT topic, product, segment, tenure_band, other_band, total_band, count(*) AS customer_count,
        CAST(sum(has_left) AS BIGINT) AS left_count
    FROM banded
    GROUP BY topic, product, segment, tenure_band, other_band, total_band
    ORDER BY topic, product, segment, tenure_band, other_band, total_band
"""


@dataclass(frozen=True)
class Followed:
    """Customers of an earlier morning and whether they left, counted as `causes.excess_risk` takes them.

    Attributes:
        compared_on: the morning.
        exposed: those with a topic.
        everybody: all of them.
    """

    compared_on: date
    exposed: pd.DataFrame
    everybody: pd.DataFrame


def at_risk_tonight(warehouse: Warehouse, scores: pa.Table) -> pd.DataFrame:
    """Contacts of the last 90 days by topic and product, and what leaving is expected of who made them.

    Args:
        warehouse: as of the night.
        scores: `churn_scores` of the main horizon.
    """
    contacts = warehouse.query(_TONIGHT)
    known = scores.select(["customer_id", "churn_probability", "monthly_margin"])
    scratch = warehouse.scratch()
    scratch.register("contacts", contacts)
    scratch.register("published_scores", known)
    try:
        sql = f"""
            WITH scores AS (
                SELECT customer_id, CAST(round(churn_probability * 1e9) AS BIGINT) AS billionths, monthly_margin
                FROM published_scores
            )
            SELECT * FROM ({_BY_CAUSE.format(least=LEAST_CUSTOMERS, most=MOST_ROWS)}) AS found
        """
        return as_frame(scratch.sql(sql).to_arrow_table())
    finally:
        scratch.unregister("contacts")
        scratch.unregister("published_scores")


def followed(warehouse: Warehouse, night: Night) -> Followed:
    """Who left of the customers of the newest morning whose outcomes are all known."""
    churn = night.settings.churn
    is_inactivity = churn_rule(warehouse, night.settings) == "inactivity"
    horizon, grace = (churn.inactive_days, 0) if is_inactivity else (churn.main_horizon, churn.grace_days)
    compared_on = night.run_date - timedelta(days=horizon + grace)
    words = ", ".join("'" + word.lower().replace("'", "''") + "'" for word in churn.announcing_topics)
    cohort = _COHORT.format(
        compared_on=compared_on, horizon_days=horizon, cutoff=night.cutoff.isoformat(), announcing=words or "''"
    )  # fmt: skip
    return Followed(compared_on, warehouse.frame(cohort + _EXPOSED), warehouse.frame(cohort + _EVERYBODY))
