"""The contract of a published night: the columns of every table that planners and agents read.

`SCHEMA_VERSION` rises when a column is added; columns are never renamed, retyped or taken away, so
that whatever reads tonight's files reads next year's too. Customers appear as pseudonyms only.
"""

from features.published_churn import CHURN_CAUSES, CHURN_SCORES, SCORE_DRIFT, SEGMENT_SUMMARY
from features.published_outreach import (
    OUTREACH_EFFECT,
    OUTREACH_FAIRNESS,
    OUTREACH_LIST,
    OUTREACH_POWER,
    OUTREACH_WITHHELD,
    SAVE_CHANCES,
    SAVE_MODELS,
)
from features.published_planning import FORECAST_CHANGES, FORECAST_LEDGER, OVERRIDE_VALUE
from features.published_shifts import OUTREACH_PLACED, SHIFT_TABLES
from features.published_staffing import (
    AGENT_VALUE,
    HANDLE_TIME_BY_CONCURRENCY,
    SHRINKAGE_CAUSES,
    STAFFING_REQUIREMENT,
    WAIT_EFFECT,
)
from features.published_volume import (
    FORECAST_ACCURACY,
    FORECAST_METHODS,
    MARK_EFFECTS,
    VOLUME_DAYS,
    VOLUME_FORECAST,
)
from features.tables import Table, columns

SCHEMA_VERSION = 10

SERVICE_KPIS = Table(
    "service_kpis", "day x queue x channel", ("local_on", "queue", "channel"),
    columns(
        ("local_on", "date", "day in the site's zone"),
        ("queue", "text", "queue"),
        ("channel", "text", "channel"),
        ("offered_count", "integer", "contacts that arrived"),
        ("handled_count", "integer", "contacts that were served"),
        ("abandoned_count", "integer", "contacts that gave up"),
        ("short_abandoned_count", "integer", "of these, within the short limit: left out of the level"),
        ("answered_in_standard_count", "integer", "answered within the standard"),
        ("service_level", "number", "by the configured formula"),
        ("abandonment_rate", "number", "abandoned / offered"),
        ("asa_s", "number", "mean wait of the handled, seconds; null where nobody waits for an agent"),
        ("handle_time_s", "number", "mean handle time, seconds; null of self-service"),
        ("first_response_s", "number", "mean time to the first response, seconds"),
        ("first_response_in_standard_rate", "number", "share answered within the first-response standard"),
        ("first_contact_resolution_rate", "number", "share settled with no further contact on it, over all channels"),
        ("complaint_count", "integer", "complaints that arrived"),
        ("complaints_in_24h_rate", "number", "share of complaints answered within 24 hours"),
        ("csat", "number", "share of answers of 4 or 5"),
        ("nps", "number", "promoters minus detractors, -1 to 1"),
        ("ces", "number", "mean customer effort score"),
        ("containment_rate", "number", "self-service contacts that needed no agent within the window"),
        ("quality_compliance_rate", "number", "share of reviewed contacts without a broken rule"),
        ("cost_per_contact", "money", "company currency"),
    ),
)  # fmt: skip

GATE_RESULTS = Table(
    "gate_results", "gate x table x column", ("gate",),
    columns(
        ("gate", "text", "its name: stage.table.rule"),
        ("stage", "text", "batch, features or publication"),
        ("table", "text", "what was looked at"),
        ("column", "text", "the column, where it is about one"),
        ("reason", "text", "why it is there"),
        ("severity", "text", "blocking or warning"),
        ("is_passed", "boolean", "whether it held"),
        ("checked_count", "integer", "rows looked at"),
        ("failed_count", "integer", "rows that broke it"),
        ("observed", "text", "what was found, where it is not rows"),
        ("sample_keys", "text", "some keys that broke it, pseudonymised"),
    ),
)  # fmt: skip

PUBLISHED: dict[str, Table] = {
    table.name: table
    for table in (
        CHURN_SCORES, OUTREACH_LIST, OUTREACH_WITHHELD, VOLUME_FORECAST, VOLUME_DAYS, FORECAST_METHODS,
        MARK_EFFECTS,
        STAFFING_REQUIREMENT, SERVICE_KPIS, FORECAST_ACCURACY, FORECAST_CHANGES, FORECAST_LEDGER, OVERRIDE_VALUE,
        WAIT_EFFECT, AGENT_VALUE, OUTREACH_EFFECT, OUTREACH_POWER, OUTREACH_FAIRNESS, SAVE_CHANCES, SAVE_MODELS,
        SEGMENT_SUMMARY, CHURN_CAUSES, SCORE_DRIFT, GATE_RESULTS, SHRINKAGE_CAUSES, *SHIFT_TABLES, OUTREACH_PLACED,
        HANDLE_TIME_BY_CONCURRENCY,
    )
}  # fmt: skip
