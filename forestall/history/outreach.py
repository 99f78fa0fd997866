"""Who was listed, and what became of them: the experiment as far as it is known.

Lists of published nights are copied once into `forestall.listings`, so that the evidence outlives the nights that
`forestall prune` drops and can be joined with what the warehouse knows. An account counts from the first night on
which it would have been listed, in whichever revision; what became of it is followed through the customer who was
listed then, so that an account that was merged or split is followed too.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forestall.history.training_features import churn_rule
from forestall.night import Night
from forestall.outreach.effect_table import LOAD_DAYS, groups_of
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.playbook import Playbook
from forestall.outreach.value import MONTH_DAYS, unless_done
from forestall.publishing.publication import PublishedNight, nights
from forestall.warehouse import Warehouse

KPI_MONTHS = 12
UNKNOWN_RISK = 0.5  # listed by a trigger, and never scored

LISTINGS = """
    CREATE TABLE IF NOT EXISTS forestall.listings (
        run_date DATE NOT NULL, revision BIGINT NOT NULL, row_id VARCHAR NOT NULL, list_rank BIGINT,
        customer_id VARCHAR NOT NULL, account_id VARCHAR NOT NULL, arm VARCHAR NOT NULL,
        arm_probability DOUBLE PRECISION NOT NULL, segment VARCHAR, action VARCHAR, reason VARCHAR, trigger VARCHAR,
        churn_probability DOUBLE PRECISION
    )
"""
# Listings of before there were these have none.
LATER_COLUMNS = {"lifecycle_stage": "VARCHAR", "value_segment": "VARCHAR", "addressed_share": "DOUBLE PRECISION",
                 "fresh_share": "DOUBLE PRECISION"}  # fmt: skip
_COLUMNS = ["row_id", "list_rank", "customer_id", "account_id", "arm", "arm_probability", "segment", "action",
            "reason", "trigger", "churn_probability", *LATER_COLUMNS]  # fmt: skip

# The first listing of each account.
_FIRSTS = """
    WITH firsts AS (
        SELECT * FROM (
            SELECT listings.*, row_number() OVER (
                PARTITION BY account_id ORDER BY run_date, revision, list_rank, row_id
            ) AS place
            FROM forestall.listings AS listings WHERE run_date < DATE '{run_date}'
        ) AS ranked
        WHERE place = 1
    )
"""
# `members`: customers of the account that its customer is in by now.
_FIRST = f"""
    {_FIRSTS},
    members AS (
        SELECT account_id, run_date, customer_id FROM firsts
        UNION
        SELECT firsts.account_id, firsts.run_date, others.customer_id
        FROM firsts
        INNER JOIN staging.stg_customers AS own ON own.customer_id = firsts.customer_id
        INNER JOIN staging.stg_customers AS others
            ON coalesce(others.account_id, others.customer_id) = coalesce(own.account_id, own.customer_id)
    )
"""

# The last spell that began before the listing; a shop's customer who came back within the window has not left.
_LEAVING = """
    SELECT account_id, coalesce(left_on < until_on AND NOT is_involuntary AND NOT has_returned, false) AS has_left
    FROM (
        SELECT firsts.account_id, spells.left_on, spells.is_involuntary,
            firsts.run_date + {horizon_days} AS until_on,
            {is_inactivity} AND EXISTS (
                SELECT 1 FROM intermediate.int_customer_spells AS later
                WHERE later.customer_id = firsts.customer_id AND later.started_on >= firsts.run_date
                    AND later.started_on < firsts.run_date + {horizon_days}
            ) AS has_returned,
            row_number() OVER (PARTITION BY firsts.account_id ORDER BY spells.spell_number DESC) AS place
        FROM firsts
        INNER JOIN intermediate.int_customer_spells AS spells
            ON spells.customer_id = firsts.customer_id AND spells.started_on < firsts.run_date
    ) AS followed
    WHERE place = 1
"""

# Margin times days, within the horizon from the listing on and within as long before it.
_SUBSCRIPTIONS = """
    SELECT account_id,
        CAST(coalesce(sum(margin * days_after), 0) AS DECIMAL(18, 4)) AS margin_days_after,
        CAST(coalesce(sum(margin * days_before), 0) AS DECIMAL(18, 4)) AS margin_days_before,
        CAST(coalesce(sum(CASE WHEN margin IS NULL THEN monthly_value * days_after END), 0) AS DECIMAL(18, 4))
            AS value_days_after,
        CAST(coalesce(sum(CASE WHEN margin IS NULL THEN monthly_value * days_before END), 0) AS DECIMAL(18, 4))
            AS value_days_before
    FROM (
        SELECT account_id, margin, monthly_value,
            greatest(least(ended_on, run_date + {horizon_days}) - greatest(started_on, run_date), 0) AS days_after,
            greatest(least(ended_on, run_date) - greatest(started_on, run_date - {horizon_days}), 0) AS days_before
        FROM (
            SELECT members.account_id, members.run_date, subscriptions.margin, subscriptions.monthly_value,
                CAST(subscriptions.started_at AT TIME ZONE '{zone}' AS DATE) AS started_on,
                coalesce(CAST(subscriptions.ended_at AT TIME ZONE '{zone}' AS DATE), DATE '9999-12-31') AS ended_on
            FROM members
            INNER JOIN staging.stg_subscriptions AS subscriptions ON subscriptions.customer_id = members.customer_id
        ) AS dated
    ) AS counted
    GROUP BY account_id
"""

# What was bought, less what came back.
_ACTIVITY = """
    SELECT members.account_id,
        CAST(coalesce(sum(CASE WHEN bought.occurred_on >= members.run_date THEN bought.value END), 0)
            AS DECIMAL(18, 4)) AS value_after,
        CAST(coalesce(sum(CASE WHEN bought.occurred_on < members.run_date THEN bought.value END), 0)
            AS DECIMAL(18, 4)) AS value_before
    FROM members
    INNER JOIN intermediate.int_activity_versions AS bought ON bought.customer_id = members.customer_id
    WHERE (bought.is_counted OR bought.kind = 'return')
        AND bought.occurred_on >= members.run_date - {horizon_days}
        AND bought.occurred_on < members.run_date + {horizon_days}
        AND bought.valid_from < TIMESTAMPTZ '{cutoff}' AND bought.valid_to >= TIMESTAMPTZ '{cutoff}'
    GROUP BY members.account_id
"""

# What customers wanted of an agent, of their own accord.
_CONTACTS = """
    SELECT members.account_id,
        CAST(count(CASE WHEN contacts.started_on >= members.run_date THEN 1 END) AS BIGINT) AS contacts_14d,
        CAST(count(CASE WHEN contacts.started_on < members.run_date THEN 1 END) AS BIGINT) AS contacts_before,
        CAST(coalesce(sum(CASE WHEN contacts.started_on >= members.run_date THEN contacts.handle_time_s END), 0)
            AS BIGINT) AS handle_s_14d,
        CAST(coalesce(sum(CASE WHEN contacts.started_on < members.run_date THEN contacts.handle_time_s END), 0)
            AS BIGINT) AS handle_s_before
    FROM members
    INNER JOIN intermediate.int_interaction_versions AS contacts ON contacts.customer_id = members.customer_id
    WHERE contacts.is_inbound AND contacts.channel <> 'self_service'
        AND contacts.started_on >= members.run_date - {load_days}
        AND contacts.started_on < members.run_date + {load_days}
        AND contacts.valid_from < TIMESTAMPTZ '{cutoff}' AND contacts.valid_to >= TIMESTAMPTZ '{cutoff}'
    GROUP BY members.account_id
"""

# Each contact by outreach once, however often it was recorded. Minutes are added as hundredths: floats would differ
# from run to run.
_OUTCOMES = """
    SELECT account_id, offer, count(*) AS contact_count,
        CAST(coalesce(sum(CAST(round(minutes * 100) AS BIGINT)), 0) AS BIGINT) AS hundredths_of_minutes,
        CAST(count(CASE WHEN result = 'accepted' THEN 1 END) AS BIGINT) AS accepted_count
    FROM (
        SELECT DISTINCT members.account_id, outcomes.customer_id, outcomes.row_id, outcomes.action, outcomes.offer,
            outcomes.happened_at, outcomes.result, outcomes.minutes
        FROM members
        INNER JOIN staging.stg_outreach_outcomes AS outcomes ON outcomes.customer_id = members.customer_id
        WHERE CAST(outcomes.happened_at AT TIME ZONE '{zone}' AS DATE) >= members.run_date
            AND CAST(outcomes.happened_at AT TIME ZONE '{zone}' AS DATE) < members.run_date + {horizon_days}
    ) AS once
    GROUP BY account_id, offer
    ORDER BY account_id, offer
"""
_STRAY = """
    SELECT
        (SELECT count(*) FROM staging.stg_outreach_outcomes WHERE CASE
            WHEN row_id IS NOT NULL
                THEN row_id NOT IN (SELECT row_id FROM forestall.listings WHERE run_date < DATE '{run_date}')
            ELSE CAST(happened_at AS DATE) >= (SELECT min(run_date) FROM forestall.listings)
                AND customer_id NOT IN (SELECT customer_id FROM forestall.listings WHERE run_date < DATE '{run_date}')
        END) AS never_listed_count,
        (SELECT count(*) FROM staging.stg_outreach_outcomes) - (SELECT count(*) FROM (
            SELECT DISTINCT customer_id, row_id, action, offer, happened_at, result, minutes
            FROM staging.stg_outreach_outcomes) AS once) AS repeated_count
"""


@dataclass(frozen=True)
class Experiment:
    """What is known of it on a night.

    Attributes:
        accounts: one row an account, as `effect_table.effects` takes them.
        horizon_days: of leaving and margin.
        has_grace: whether it takes the days of grace to know that somebody has left.
        never_listed_count: outcomes of no list: the row that they name, or where they name none the customer, was on
            none; they only let the customer rest. What was done before the first list names none and is not counted.
        repeated_count: outcomes recorded once more; counted once.
    """

    accounts: pd.DataFrame
    horizon_days: int
    has_grace: bool
    never_listed_count: int
    repeated_count: int


def record_listings(warehouse: Warehouse, night: Night) -> int:
    """Copy the lists of earlier published nights that were not copied yet; returns how many rows.

    A backfill's lists were never worked, so nothing can be learned from them.
    """
    warehouse.execute(LISTINGS)
    for column, kind in LATER_COLUMNS.items():
        warehouse.execute(f"ALTER TABLE forestall.listings ADD COLUMN IF NOT EXISTS {column} {kind}")
    if night.settings.is_backfill:
        return 0
    known = warehouse.query("SELECT DISTINCT run_date, revision FROM forestall.listings").to_pylist()
    seen = {(row["run_date"], row["revision"]) for row in known}
    new = [
        one for one in nights(night.published)
        if one.run_date < night.run_date and (one.run_date, one.revision) not in seen
    ]  # fmt: skip
    rows = pa.concat_tables([_listed(one) for one in new]) if new else None
    if rows is None or not rows.num_rows:
        return 0
    if warehouse.has_table("forestall.forgotten"):
        forgotten = warehouse.query("SELECT customer_id FROM forestall.forgotten").column(0)
        rows = rows.filter(pc.invert(pc.is_in(rows["customer_id"], value_set=forgotten.combine_chunks())))
    with warehouse.transaction():
        return warehouse.append("forestall.listings", rows)


def _listed(published: PublishedNight) -> pa.Table:
    """Who was listed, or would have been but for the arm."""
    withheld = published.table("outreach_withheld")
    held = withheld.filter(pc.equal(withheld["suppression_reason"], HOLDOUT))
    both = pa.concat_tables([published.table("outreach_list").select(_COLUMNS), held.select(_COLUMNS)])
    both = both.filter(pc.and_(pc.is_valid(both["arm"]), pc.is_valid(both["arm_probability"])))
    revision = pa.array([published.revision] * both.num_rows, pa.int64())
    run_dates = pa.array([published.run_date] * both.num_rows, pa.date32())
    return both.append_column("run_date", run_dates).append_column("revision", revision)


def read_experiment(warehouse: Warehouse, night: Night, playbook: Playbook, cost_per_minute: float) -> Experiment:
    """Accounts at their first listing before the run date, with what is known of them by its cutoff.

    `margin` is what the account brought in within the main horizon, less the minutes and offers of outreach as they
    were recorded; `margin_before` what it brought in within as many days before.
    """
    settings = night.settings
    is_inactivity = churn_rule(warehouse, settings) == "inactivity"
    horizon = settings.churn.inactive_days if is_inactivity else settings.churn.main_horizon
    values = {
        "run_date": night.run_date.isoformat(), "cutoff": night.cutoff.isoformat(), "zone": settings.company.time_zone,
        "horizon_days": horizon, "load_days": LOAD_DAYS, "is_inactivity": str(is_inactivity).lower(),
    }  # fmt: skip

    def by_account(sql: str) -> pd.DataFrame:
        return warehouse.frame((_FIRST + sql).format(**values))

    first = by_account("SELECT * FROM firsts ORDER BY account_id")
    accounts = first.assign(
        listed_on=pd.to_datetime(first["run_date"]),
        **groups_of(first),
        churn_probability=unless_done(first).fillna(UNKNOWN_RISK),
    )
    for sql in (_LEAVING, _ACTIVITY if is_inactivity else _SUBSCRIPTIONS, _CONTACTS):
        accounts = accounts.merge(by_account(sql), on="account_id", how="left", validate="one_to_one")
    accounts = accounts.merge(
        _outreach_costs(by_account(_OUTCOMES), playbook, cost_per_minute),
        on="account_id", how="left", validate="one_to_one",
    )  # fmt: skip
    stray = warehouse.query(_STRAY.format(**values)).to_pylist()[0]
    measured = _measured(accounts, float(playbook.margin_share), is_inactivity=is_inactivity)
    return Experiment(measured, horizon, not is_inactivity, **stray)


def _outreach_costs(outcomes: pd.DataFrame, playbook: Playbook, cost_per_minute: float) -> pd.DataFrame:
    """Whether each account was contacted, and what that cost: minutes, and offers that were accepted."""
    prices = outcomes["offer"].map({name: float(offer.cost) for name, offer in playbook.offers.items()}).fillna(0.0)
    minutes = outcomes["hundredths_of_minutes"] / 100
    costs = outcomes.assign(outreach_cost=minutes * cost_per_minute + outcomes["accepted_count"] * prices.astype(float))
    by_account: pd.DataFrame = costs.groupby("account_id", as_index=False)[["outreach_cost"]].sum()
    return by_account.assign(was_contacted=True)


def _measured(accounts: pd.DataFrame, margin_share: float, *, is_inactivity: bool) -> pd.DataFrame:
    """Accounts with the columns of the measures; whoever made no contact made none."""
    zero = accounts.drop(columns=["has_left", "was_contacted"]).select_dtypes("number").fillna(0.0).astype(float)
    if is_inactivity:
        earned, before = (zero[f"value_{when}"] * margin_share for when in ("after", "before"))
    else:
        earned, before = (
            (zero[f"margin_days_{when}"] + zero[f"value_days_{when}"] * margin_share) / MONTH_DAYS
            for when in ("after", "before")
        )
    return accounts.assign(
        left=accounts["has_left"].astype("boolean").astype("Float64").astype(float),
        margin=earned - zero["outreach_cost"],
        margin_before=before,
        contacts_14d=zero["contacts_14d"],
        contacts_before=zero["contacts_before"],
        handle_minutes_14d=zero["handle_s_14d"] / 60,
        handle_minutes_before=zero["handle_s_before"] / 60,
        was_contacted=accounts["was_contacted"].astype("boolean").fillna(False).astype(bool),
    )


def last_held_out(warehouse: Warehouse, run_date: date, days: int) -> "pd.Series[Any]":
    """Last night of the so many days before the run date that withheld each customer for the experiment.

    In whichever revision of the night, as `read_experiment` counts them.
    """
    if not warehouse.has_table("forestall.listings"):
        return pd.Series(dtype=object)
    sql = """
        SELECT customer_id, max(run_date) AS held_out_on FROM forestall.listings
        WHERE arm = ? AND run_date >= ? AND run_date < ? GROUP BY customer_id ORDER BY customer_id
    """
    found = warehouse.frame(sql, [HOLDOUT, run_date - timedelta(days=days), run_date])
    return found.set_index("customer_id")["held_out_on"]


def listed_by_night(warehouse: Warehouse, run_date: date) -> "pd.Series[float]":
    """Accounts that were first listed, and not held out, by run date of the night that listed them."""
    if not warehouse.has_table("forestall.listings"):
        return pd.Series(dtype=float)
    sql = (
        f"SELECT run_date, count(*) AS listed FROM firsts WHERE arm <> '{HOLDOUT}' GROUP BY run_date ORDER BY run_date"
    )
    found = warehouse.frame(_FIRSTS.format(run_date=run_date) + sql)
    return found.set_index("run_date")["listed"].astype(float)


def agent_cost_per_minute(warehouse: Warehouse, night: Night) -> float | None:
    """What an agent's minute costs on the run date, as known at its cutoff; None where costs do not say."""
    sql = """
        SELECT per_minute FROM raw.costs
        WHERE kind = 'agent' AND per_minute IS NOT NULL AND starts_on <= ? AND known_at < ?
        ORDER BY starts_on DESC, known_at DESC, pull_id DESC LIMIT 1
    """
    found = warehouse.scalar(sql, [night.run_date, night.cutoff])
    return None if found is None else float(found)


def recent_kpis(warehouse: Warehouse, run_date: date) -> pd.DataFrame:
    """The last complete months; one in which nobody was there to stay tells nothing."""
    sql = """
        SELECT segment, customer_count, retention_rate FROM marts.fct_customer_kpis
        WHERE month_on >= ? AND month_on < ? AND segment IS NOT NULL
    """
    this_month = run_date.replace(day=1)
    first = (pd.Timestamp(this_month) - pd.DateOffset(months=KPI_MONTHS)).date()
    return warehouse.frame(sql, [first, this_month])
