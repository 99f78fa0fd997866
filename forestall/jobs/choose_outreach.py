"""Whom to contact, with what, and why; whom not, and by which rule.

Reads `churn_scores`, `churn_contributions`, `churn_reasons`, `customer_segments`, `outreach_effect`, `save_chances`,
`save_models` and `usable_minutes` (whom shifts leave free; where there are any) of the night,
`marts.fct_outreach_candidates`, `marts.fct_customer_evidence`, `marts.fct_customer_kpis`, costs, outcomes, the arms,
`playbook.yml`, `forestall.listings` and earlier published nights; writes `outreach_list`, `outreach_withheld`,
`outreach_placed` (minutes placed, and what one agent more would add), `outreach_fairness` (whether groups are treated
alike), its sums (`forestall.fairness_tallies`), the arms of newcomers (`forestall.arms`) and the features of who is
listed for the first time (`forestall.listing_features`). Safe to run again: arms are drawn once, and rows on which
work has begun stay. Where consents, subscriptions or outcomes are not of tonight, nobody is listed: yesterday's "no"
might be today's.
"""

import logging
from datetime import date

import pandas as pd
import pyarrow as pa

from features.attributes import ATTRIBUTES, with_attributes
from features.published_outreach import OUTREACH_FAIRNESS, OUTREACH_LIST, OUTREACH_WITHHELD
from features.published_shifts import OUTREACH_PLACED, USABLE_MINUTES
from forestall.history.fairness import audit
from forestall.history.listing_features import features_of, record_listing_features
from forestall.history.outreach import agent_cost_per_minute, last_held_out, recent_kpis
from forestall.night import Night
from forestall.outreach.chances import DIFFERENCES, UPLIFT
from forestall.outreach.evidence import told_facts
from forestall.outreach.experiment import COLUMNS, HOLDOUT
from forestall.outreach.listing import Known, Lists, make_lists
from forestall.outreach.playbook import Playbook, load_playbook, missing_scripts, playbook_path
from forestall.outreach.reasons import addressed, pushes
from forestall.outreach.value import fresh_share
from forestall.publishing.publication import PublishedNight, nights
from forestall.records import LINE_END, Summary
from forestall.settings import Settings
from forestall.sources.pulls import degraded_sources
from forestall.warehouse import Warehouse, open_warehouse

log = logging.getLogger(__name__)

MUST_BE_FRESH = frozenset({"consents", "subscriptions", "outreach_outcomes"})

# Without subscriptions what a customer brings in is known from activity alone; what came back was never earned.
CANDIDATES = """
    SELECT candidates.*,
        greatest(features.activity_value_365d - coalesce(features.return_value_365d, 0), 0) AS net_activity_value_365d
        {attributes}
    FROM marts.fct_outreach_candidates AS candidates
    LEFT JOIN marts.fct_customer_features AS features
        ON features.customer_id = candidates.customer_id AND features.as_of_on = ? AND NOT features.is_training
    ORDER BY candidates.customer_id
"""
# Under which account each customer stood before, where that was another one: accounts are split and merged.
FORMER_ACCOUNTS = """
    SELECT DISTINCT customer_id, account_id FROM (
        SELECT before.customer_id, coalesce(before.account_id, before.customer_id) AS account_id,
            coalesce(now.account_id, now.customer_id) AS account_now
        FROM raw.customers AS before
        INNER JOIN marts.fct_outreach_candidates AS now ON now.customer_id = before.customer_id
        WHERE before.known_at < ?
    ) AS accounts
    WHERE account_id <> account_now ORDER BY customer_id, account_id
"""
ARMS = """
    CREATE TABLE IF NOT EXISTS forestall.arms (
        account_id VARCHAR NOT NULL, arm VARCHAR NOT NULL, arm_probability DOUBLE PRECISION NOT NULL,
        block VARCHAR NOT NULL, first_eligible_on DATE NOT NULL, seed BIGINT NOT NULL
    )
"""


def choose_outreach(settings: Settings, run_date: date) -> Summary:
    """Write the night's `outreach_list` and `outreach_withheld`, and the arms of newcomers.

    Raises:
        ConfigError: `playbook.yml` holds a mistake, or the night has no `churn_scores` yet.
    """
    night = Night(settings, run_date)
    playbook = load_playbook(settings)
    with open_warehouse(settings, f"choose_outreach {run_date}") as warehouse:
        stale = sorted(MUST_BE_FRESH & {one.table_name for one in degraded_sources(warehouse, run_date)})
        if stale:
            return _list_nobody(night, f"{', '.join(stale)} not of tonight: nobody is listed")
        warehouse.execute(ARMS)
        known = what_is_known(warehouse, night, playbook)
        secret = settings.secret_key.get_secret_value()
        lists = make_lists(known, playbook, settings.outreach, settings.churn.main_horizon, secret)
        if not settings.is_backfill and len(lists.new_arms):
            with warehouse.transaction():
                warehouse.append("forestall.arms", _arms_as_arrow(lists.new_arms))
        fairness = audit(warehouse, night, lists.considered, playbook.version)
        record_listing_features(warehouse, night, lists)
    night.write("outreach_list", lists.listed)
    night.write("outreach_withheld", lists.withheld)
    night.write("outreach_fairness", fairness)
    night.write("outreach_placed", lists.placed)
    scripts = missing_scripts(playbook, playbook_path(settings).parent)
    notes = [f"scripts that the playbook names and nobody wrote: {', '.join(scripts)}"] if scripts else []
    unknown = [
        name for name in settings.outreach.fairness_attributes if f"{ATTRIBUTES.prefix}{name}" not in known.candidates
    ]
    notes += [f"no customer has the attribute `{name}` of outreach.fairness_attributes" for name in unknown]
    return _told(lists, int(fairness["is_flagged"].sum()), [*lists.notes, *notes])


def what_is_known(warehouse: Warehouse, night: Night, playbook: Playbook) -> Known:
    """All that the night's list is chosen from; `forestall.arms` must exist.

    Raises:
        ConfigError: the night has no `churn_scores` yet.
    """
    scores = night.read("churn_scores")
    scores = scores[scores["horizon_days"] == night.settings.churn.main_horizon]
    earlier = [published for published in nights(night.published) if published.run_date <= night.run_date]
    today = [published for published in earlier if published.run_date == night.run_date]
    candidates = _candidates(warehouse, night)
    outcomes = _outcomes(warehouse, night)
    rows = today[-1].frame("outreach_list") if today else pd.DataFrame(columns=OUTREACH_LIST.names)
    return Known(
        run_date=night.run_date,
        cutoff=night.cutoff,
        candidates=candidates,
        scores=scores,
        churn_reasons=night.read("churn_reasons"),
        contributions=night.read("churn_contributions"),
        kpis=recent_kpis(warehouse, night.run_date),
        arms=warehouse.frame(f"SELECT {', '.join(COLUMNS)} FROM forestall.arms ORDER BY account_id"),
        previous=_previous(earlier[: len(earlier) - len(today)]),
        worked=rows[rows["row_id"].isin(outcomes.index)],
        outcomes=outcomes,
        effects=night.read("outreach_effect"),
        chances=night.read("save_chances"),
        differences=_differences(warehouse, night, scores, candidates, playbook),
        site_zone=night.settings.company.time_zone,
        cost_per_minute=agent_cost_per_minute(warehouse, night),
        former_accounts=warehouse.frame(FORMER_ACCOUNTS, [night.cutoff]),
        segments=night.read("customer_segments"),
        usable=_usable(night),
        interval_minutes=night.settings.volume.interval_minutes,
        leave_together=night.settings.churn.level == "account",
        evidence=told_facts(warehouse.frame("SELECT * FROM marts.fct_customer_evidence ORDER BY customer_id")),
    )


def _usable(night: Night) -> pd.DataFrame:
    """What shifts leave for outreach; nothing for companies, and backtests, without shifts."""
    name = USABLE_MINUTES.name
    return night.read(name) if night.has(name) else pd.DataFrame(columns=USABLE_MINUTES.names)


def _candidates(warehouse: Warehouse, night: Night) -> pd.DataFrame:
    """Whom it is about, with those of their attributes that the audit of fairness asks for, and no other.

    Both arms rest alike after having been listed, so held_out_on says when the experiment withheld them last;
    otherwise the holdout would pile up at the head of the list and crowd out those who may be called.
    """
    audited = [f"{ATTRIBUTES.prefix}{name}" for name in night.settings.outreach.fairness_attributes]
    rows = warehouse.frame(
        CANDIDATES.format(attributes=f", features.{ATTRIBUTES.column}" if audited else ""), [night.run_date]
    )
    days = max(night.settings.outreach.cooldown_days, night.settings.churn.main_horizon)
    rows["held_out_on"] = rows["customer_id"].map(last_held_out(warehouse, night.run_date, days))
    if not audited:
        return rows
    known = with_attributes(rows.assign(as_of_on=night.run_date))
    return rows.drop(columns=ATTRIBUTES.column).assign(**{name: known[name] for name in audited if name in known})


def _differences(
    warehouse: Warehouse, night: Night, scores: pd.DataFrame, candidates: pd.DataFrame, playbook: Playbook
) -> pd.DataFrame:
    """What the uplift model adds to the chance of each of its actions, for customers whose reasons are known."""
    tried = night.read("save_models")
    used = tried.loc[(tried["approach"] == UPLIFT) & tried["is_used"].astype(bool), "model_version"]
    if used.empty:
        return pd.DataFrame(columns=DIFFERENCES)
    from models.uplift.logbook import read_uplift  # MLflow and LightGBM take seconds to import

    model = read_uplift(night.settings.tracking_uri, str(used.iloc[0]))
    contributions = night.read("churn_contributions")
    customers = sorted(set(contributions["customer_id"]))
    rows = with_attributes(features_of(warehouse, night, customers), night.settings.outreach.fairness_attributes)
    risk = scores.set_index("customer_id")["churn_probability"].rename("risk")
    rows = rows.join(risk, on="customer_id", how="inner").merge(pd.DataFrame({"action": model.actions}), how="cross")
    answered = addressed(pushes(contributions, playbook), playbook)
    rows = rows.merge(answered.drop(columns="reason"), on=["customer_id", "action"], how="left", validate="one_to_one")
    rows = rows.merge(candidates[["customer_id", "last_reached_on", "held_out_on"]], on="customer_id", how="left")
    fresh = fresh_share(rows.assign(trigger=None), night.run_date, night.settings.churn.main_horizon)
    rows["risk"] *= rows["addressed_share"].fillna(1.0) * fresh  # as `chances.evidence` has it
    return rows.assign(difference=model.difference(rows))[DIFFERENCES]


def _previous(before: list[PublishedNight]) -> pd.DataFrame:
    """Who was on the list of the last published night, in its last revision, the holdout included."""
    columns = ["customer_id", "listed_since_on"]
    if not before:
        return pd.DataFrame(columns=columns)
    withheld = before[-1].frame("outreach_withheld")
    both = pd.concat([before[-1].frame("outreach_list"), withheld[withheld["suppression_reason"] == HOLDOUT]])
    return both[columns].drop_duplicates("customer_id")


def _outcomes(warehouse: Warehouse, night: Night) -> pd.Series:
    """The last result of each row of a list."""
    sql = """
        WITH versions AS (
            SELECT row_id, outcome_id, result, happened_at,
                row_number() OVER (PARTITION BY outcome_id ORDER BY known_at DESC, pull_id DESC) AS newest
            FROM raw.outreach_outcomes WHERE known_at < ? AND row_id IS NOT NULL
        ),
        last AS (
            SELECT row_id, result,
                row_number() OVER (PARTITION BY row_id ORDER BY happened_at DESC, outcome_id DESC) AS place
            FROM versions WHERE newest = 1
        )
        SELECT row_id, result FROM last WHERE place = 1
    """
    return warehouse.frame(sql, [night.cutoff]).set_index("row_id")["result"]


def _arms_as_arrow(arms: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(arms, preserve_index=False)


def _list_nobody(night: Night, why: str) -> Summary:
    log.warning("%s", why)
    night.write("outreach_list", pd.DataFrame(columns=OUTREACH_LIST.names))
    night.write("outreach_withheld", pd.DataFrame(columns=OUTREACH_WITHHELD.names))
    night.write("outreach_fairness", pd.DataFrame(columns=OUTREACH_FAIRNESS.names))
    night.write("outreach_placed", pd.DataFrame(columns=OUTREACH_PLACED.names))
    return {"listed": 0, "withheld": 0, "notes": why}


def _told(lists: Lists, flagged: int, notes: list[str]) -> Summary:
    for note in notes:
        log.warning("%s", note)
    reasons = lists.withheld["suppression_reason"].value_counts()
    return {
        "listed": len(lists.listed),
        "by_trigger": int(lists.listed["trigger"].notna().sum()),
        "minutes": round(float(lists.listed["expected_minutes"].astype(float).sum()), 1),
        "expected_value": round(float(lists.listed["expected_value"].astype(float).sum()), 2),
        "holdout": int(reasons.get(HOLDOUT, 0)),
        "withheld": len(lists.withheld),
        "new_arms": len(lists.new_arms),
        "unfair": flagged,
        "notes": LINE_END.join(notes),
    }
