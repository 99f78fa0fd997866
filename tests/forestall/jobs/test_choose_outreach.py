"""The job on a small warehouse of the documented shape: arms, re-runs, degraded nights, earlier nights."""

import json
import shutil
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.published import PUBLISHED
from forestall.history.outreach import LISTINGS, record_listings
from forestall.jobs.choose_outreach import choose_outreach
from forestall.night import Night
from forestall.settings import ConfigError
from forestall.warehouse import open_warehouse
from models.uplift.learner import grow_uplift
from models.uplift.logbook import log_trial
from models.uplift.params import uplift_params

RUN_DATE = date(2026, 3, 2)
TOML = """
[outreach]
holdout_share = 0.3
team_minutes = { retention = 200 }
budget = 300
cooldown_days = 10
"""
CONSENTS = ", ".join(
    f"can_{channel}_{purpose} BOOLEAN" for channel in ("phone", "email", "chat") for purpose in ("marketing", "service")
)
TABLES = f"""
    CREATE TABLE marts.fct_outreach_candidates (customer_id VARCHAR, account_id VARCHAR, segment VARCHAR,
        region VARCHAR, language VARCHAR, time_zone VARCHAR, preferred_channel VARCHAR, is_minor BOOLEAN,
        is_protected BOOLEAN,
        is_under_notice BOOLEAN, is_profiling_allowed BOOLEAN, monthly_value DECIMAL(18,4),
        monthly_margin DECIMAL(18,4),
        tenure_days BIGINT, days_to_renewal BIGINT, {CONSENTS},
        has_do_not_contact BOOLEAN, last_reached_at TIMESTAMPTZ, last_reached_on DATE,
        has_open_complaint BOOLEAN, open_complaint_h DOUBLE, is_complaint_unanswered_24h BOOLEAN,
        is_first_response_late BOOLEAN, low_csat_7d BIGINT, repeat_topic_7d VARCHAR, failed_payment_count_30d BIGINT,
        answered_hours VARCHAR, complaint_unanswered_days BIGINT, first_response_late_days BIGINT,
        notice_given_days BIGINT, low_csat_days BIGINT, repeated_topic_days BIGINT, payment_failed_days BIGINT,
        reached_day_count_7d BIGINT, reached_day_count_30d BIGINT, reached_day_count_90d BIGINT);
    CREATE TABLE raw.customers (customer_id VARCHAR, account_id VARCHAR, known_at TIMESTAMPTZ);
    CREATE TABLE marts.fct_customer_features (customer_id VARCHAR, as_of_on DATE, is_training BOOLEAN,
        activity_value_365d DECIMAL(18,4), return_value_365d DECIMAL(18,4));
    CREATE TABLE marts.fct_customer_evidence (customer_id VARCHAR, topic VARCHAR, product VARCHAR,
        contact_count_7d BIGINT, contact_count_30d BIGINT, last_contact_days BIGINT, last_unanswered_h BIGINT,
        is_last_given_up BOOLEAN, complaint_topic VARCHAR, complaint_open_h BIGINT, is_complaint_unanswered BOOLEAN,
        lowest_csat_30d BIGINT, lowest_csat_days BIGINT, given_up_count_30d BIGINT, given_up_wait_s_max BIGINT);
    CREATE TABLE marts.fct_customer_kpis (month_on DATE, segment VARCHAR, customer_count BIGINT, retention_rate DOUBLE);
    CREATE TABLE raw.costs (kind VARCHAR, starts_on DATE, per_minute DECIMAL(18,4), known_at TIMESTAMPTZ,
        pull_id BIGINT);
    CREATE TABLE raw.outreach_outcomes (outcome_id VARCHAR, row_id VARCHAR, result VARCHAR, happened_at TIMESTAMPTZ,
        known_at TIMESTAMPTZ, pull_id BIGINT);
    CREATE TABLE forestall.pulls (pull_id BIGINT, source VARCHAR, table_name VARCHAR, run_date DATE, status VARCHAR,
        reason VARCHAR)
"""


@pytest.fixture
def settings(company):
    settings = company(TOML)
    with open_warehouse(settings, "test") as warehouse:
        for statement in TABLES.split(";"):
            warehouse.execute(statement)
    return settings


def add_customers(settings, count, first=0):
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute(f"""
            INSERT INTO marts.fct_outreach_candidates
            SELECT 'c' || i, 'a' || i, 'home', 'north', 'de', NULL, 'phone', false, false, false, true, 60, 30, 500, 60,
                true, true, true, true, true, true, false, NULL, NULL, false, NULL, false, false, NULL, NULL, 0,
                '9,17,18', NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0
            FROM range({first}, {first + count}) AS n(i)
        """)  # fmt: skip


def score(settings, run_date, count):
    risk = np.random.default_rng(2).uniform(0.2, 0.9, count)
    names = [f"c{number}" for number in range(count)]
    night = Night(settings, run_date)
    night.write("churn_scores", pd.DataFrame(
        {"customer_id": names, "horizon_days": 90, "account_id": names, "churn_probability": risk, "risk_band": "high",
         "risk_rank": 1, "previous_churn_probability": risk, "segment": "home", "monthly_margin": 30.0,
         "model_version": "churn 1", "lifecycle_stage": "settled", "value_segment": "high", "change_by_model": 0.0,
         "change_reason": "unchanged since yesterday"}
    ))  # fmt: skip
    night.write("customer_segments", pd.DataFrame(
        {"customer_id": names, "lifecycle_stage": "settled", "value_segment": "high"}
    ))  # fmt: skip
    night.write("churn_reasons", pd.DataFrame(
        {"customer_id": names, "place": 1, "feature": "unresolved_count_30d", "contribution": 0.4, "sentence": "open"}
    ))  # fmt: skip
    night.write("churn_contributions", pd.DataFrame({"customer_id": names, "unresolved_count_30d": 50.0}))
    for name in ("outreach_effect", "save_chances", "save_models"):  # as before anything was learned
        night.write(name, pd.DataFrame(columns=PUBLISHED[name].names))
    return night


def publish(settings, night, revision=""):
    """What the job `publish` leaves of tonight's two tables, and the next night's `measure_outreach` keeps of them."""
    folder = night.published / f"{night.run_date}{revision}"
    folder.mkdir(parents=True)
    for name in ("outreach_list", "outreach_withheld"):
        pq.write_table(pq.read_table(night.folder / f"{name}.parquet"), folder / f"{name}.parquet")
    (folder / "manifest.json").write_text("{}")
    with open_warehouse(settings, "test") as warehouse:
        record_listings(warehouse, Night(settings, night.run_date + timedelta(days=1)))


def arms(settings):
    with open_warehouse(settings, "test") as warehouse:
        return warehouse.frame("SELECT * FROM forestall.arms ORDER BY account_id")


def run_sql(settings, sql):
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute(sql)


@pytest.fixture
def night(settings):
    add_customers(settings, 60)
    return score(settings, RUN_DATE, 60)


def test_a_night(settings, night):
    summary = choose_outreach(settings, RUN_DATE)
    listed, withheld = night.read("outreach_list").sort_values("list_rank"), night.read("outreach_withheld")
    assert summary["listed"] == len(listed) > 0
    assert listed["list_rank"].tolist() == list(range(1, len(listed) + 1))
    assert set(listed["arm"]) == {"treatment"}
    assert set(withheld["suppression_reason"]) == {"holdout"}
    assert set(withheld["arm"]) == {"holdout"}
    assert 200 - listed["expected_minutes"].max() < listed["expected_minutes"].sum() <= 200  # the holdout takes none
    parts = listed["offer_cost"] + listed["contact_cost"] + listed["expected_value"]
    saved = listed["save_probability"] * listed["value_at_risk"].astype(float)
    assert parts.astype(float).to_numpy() == pytest.approx(saved.to_numpy(), abs=0.0051)
    assert len(arms(settings)) == summary["new_arms"] == 60


def test_again_gives_the_same_bytes_and_arms(settings, night):
    choose_outreach(settings, RUN_DATE)
    names = ("outreach_list", "outreach_withheld")
    first, drawn = [(night.folder / f"{name}.parquet").read_bytes() for name in names], arms(settings)
    summary = choose_outreach(settings, RUN_DATE)
    assert [(night.folder / f"{name}.parquet").read_bytes() for name in names] == first
    assert summary["new_arms"] == 0
    pd.testing.assert_frame_equal(arms(settings), drawn)


def test_only_newcomers_are_drawn_and_with_the_new_share(settings, night):
    choose_outreach(settings, RUN_DATE)
    before = arms(settings)
    add_customers(settings, 40, first=60)
    later = RUN_DATE + timedelta(days=1)
    score(settings, later, 100)
    changed = settings.model_copy(update={"outreach": settings.outreach.model_copy(update={"holdout_share": 1.0})})
    choose_outreach(changed, later)
    after = arms(settings)
    pd.testing.assert_frame_equal(after[after["account_id"].isin(before["account_id"])].reset_index(drop=True), before)
    new = after[~after["account_id"].isin(before["account_id"])]
    assert (len(new), set(new["arm"]), set(pd.to_datetime(new["first_eligible_on"]))) == (
        40,
        {"holdout"},
        {pd.Timestamp(later)},
    )


def test_a_backfill_draws_no_arms(settings, night):
    backfill = settings.for_backfill()
    score(backfill, RUN_DATE, 60)
    assert choose_outreach(backfill, RUN_DATE)["listed"] > 0
    assert arms(settings).empty


@pytest.mark.parametrize("table", ["consents", "subscriptions", "outreach_outcomes"])
def test_with_stale_consents_nobody_is_listed(settings, night, table):
    run_sql(settings, f"INSERT INTO forestall.pulls VALUES (1, 's', '{table}', '{RUN_DATE}', 'degraded', 'down')")
    assert choose_outreach(settings, RUN_DATE)["notes"] == f"{table} not of tonight: nobody is listed"
    assert night.read("outreach_list").empty
    assert night.read("outreach_withheld").empty


def test_a_stale_source_that_says_nothing_of_consent_does_not_matter(settings, night):
    run_sql(settings, f"INSERT INTO forestall.pulls VALUES (1, 's', 'surveys', '{RUN_DATE}', 'degraded', 'down')")
    assert choose_outreach(settings, RUN_DATE)["listed"] > 0


def test_who_stays_on_the_list_keeps_key_deadline_and_status(settings, night):
    choose_outreach(settings, RUN_DATE)
    publish(settings, night)
    first = night.read("outreach_list").set_index("customer_id")
    later = RUN_DATE + timedelta(days=1)
    tried = first["row_id"].iloc[0]
    run_sql(settings, f"""
        INSERT INTO raw.outreach_outcomes VALUES
            ('o1', '{tried}', 'reached', '2026-03-02 10:00+00', '2026-03-02 10:00+00', 1),
            ('o2', '{tried}', 'not_reached', '2026-03-02 11:00+00', '2026-03-02 11:00+00', 1),
            ('o3', '{tried}', 'accepted', '2026-03-03 11:00+00', '2026-03-03 11:00+00', 1)
    """)  # fmt: skip
    next_night = score(settings, later, 60)
    choose_outreach(settings, later)
    second = next_night.read("outreach_list").set_index("customer_id")
    stayed = second.index.intersection(first.index)
    assert len(stayed) > 3
    for name in ("row_id", "listed_since_on", "due_on"):
        assert second.loc[stayed, name].tolist() == first.loc[stayed, name].tolist()
    assert second.set_index("row_id")["status"].drop(tried).unique().tolist() == ["open"]
    assert second.set_index("row_id").loc[tried, "status"] == "not_reached"  # what came after the cutoff is not known


def test_the_holdout_rests_as_if_it_had_been_called(settings, night):
    choose_outreach(settings, RUN_DATE)
    publish(settings, night)
    held = set(night.read("outreach_withheld")["customer_id"])
    shutil.rmtree(night.published / str(RUN_DATE))  # what was pruned is remembered
    for days, reason in ((1, "cooldown"), (10, "cooldown"), (90, "holdout")):
        later = RUN_DATE + timedelta(days=days)
        after = score(settings, later, 60)
        choose_outreach(settings, later)
        withheld = after.read("outreach_withheld").set_index("customer_id")["suppression_reason"]
        assert set(withheld[withheld == reason].index) >= held


def test_a_rerun_never_takes_a_worked_row_away(settings, night):
    choose_outreach(settings, RUN_DATE)
    publish(settings, night)
    first = night.read("outreach_list").set_index("row_id")
    worked = first.index[2]
    run_sql(settings, f"""
        INSERT INTO raw.outreach_outcomes VALUES
            ('o1', '{worked}', 'accepted', '2026-03-01 11:00+00', '2026-03-01 11:00+00', 1)
    """)  # fmt: skip
    customer = first.loc[worked, "customer_id"]
    run_sql(settings, f"UPDATE marts.fct_outreach_candidates SET is_protected = true WHERE customer_id = '{customer}'")
    choose_outreach(settings, RUN_DATE)
    again = night.read("outreach_list").set_index("row_id")
    assert again.loc[worked, "status"] == "accepted"
    same = ["customer_id", "action", "team", "due_on", "arm", "expected_value", "value_at_risk", "reasons"]
    pd.testing.assert_series_equal(again.loc[worked, same], first.loc[worked, same])
    assert customer not in set(night.read("outreach_withheld")["customer_id"])
    assert again["expected_minutes"].sum() <= 200


def test_costs_and_retention_come_from_the_data(settings, night):
    choose_outreach(settings, RUN_DATE)
    usual = night.read("outreach_list").set_index("customer_id")
    run_sql(settings, """
        INSERT INTO raw.costs VALUES ('agent', '2026-01-01', 0.10, '2026-01-01 00:00+00', 1),
            ('agent', '2026-02-01', 0.30, '2026-02-01 00:00+00', 1),
            ('agent', '2026-04-01', 9, '2026-02-01 00:00+00', 1),
            ('phone', '2026-02-20', 7, '2026-02-01 00:00+00', 1)
    """)  # fmt: skip
    run_sql(settings, """
        INSERT INTO marts.fct_customer_kpis VALUES
            ('2026-02-01', 'home', 100, 0.5), ('2026-03-01', 'home', 100, 0), ('2024-12-01', 'home', 100, 0)
    """)  # fmt: skip
    choose_outreach(settings, RUN_DATE)
    listed = pd.concat([night.read("outreach_list"), night.read("outreach_withheld")]).set_index("customer_id")
    assert (listed["contact_cost"].astype(float) / listed["expected_minutes"]).to_numpy() == pytest.approx(
        0.30, abs=1e-3
    )
    q = 0.5 / 1.1 ** (1 / 12)
    assert listed["value_at_risk"].astype(float).to_numpy() == pytest.approx(30 * q / (1 - q), abs=0.01)
    assert (listed["value_at_risk"].max()) < usual["value_at_risk"].min()


def test_without_subscriptions_the_years_purchases_tell_the_value(settings, night):
    run_sql(settings, "UPDATE marts.fct_outreach_candidates SET monthly_value = NULL, monthly_margin = NULL")
    assert choose_outreach(settings, RUN_DATE)["listed"] == 0
    run_sql(settings, f"""
        INSERT INTO marts.fct_customer_features
        SELECT customer_id, day, is_training, bought, returned FROM marts.fct_outreach_candidates CROSS JOIN (
            VALUES (DATE '{RUN_DATE}', false, 1500, 300), (DATE '{RUN_DATE}', true, 9, 0),
                   (DATE '2026-02-01', false, 9, NULL)
        ) AS known (day, is_training, bought, returned)
    """)  # fmt: skip
    run_sql(settings, "INSERT INTO marts.fct_customer_kpis VALUES ('2026-02-01', 'home', 100, 0.5)")
    choose_outreach(settings, RUN_DATE)
    q = 0.5 / 1.1 ** (1 / 12)
    at_risk = night.read("outreach_list")["value_at_risk"].astype(float)
    # 1,500 less 300 that came back: 100 a month, of which the playbook takes half for margin
    assert at_risk.to_numpy() == pytest.approx(50 * q / (1 - q), abs=0.01)


def test_a_customer_who_moved_to_an_account_of_their_own_keeps_the_arm(settings, night):
    choose_outreach(settings, RUN_DATE)
    before = arms(settings).set_index("account_id")["arm"]
    held = before.index[before == "holdout"][0]
    customer = f"c{held[1:]}"
    run_sql(settings, f"""
        INSERT INTO raw.customers VALUES ('{customer}', '{held}', '2026-01-01 00:00+00'),
            ('{customer}', 'split', '2026-03-02 12:00+00')
    """)  # fmt: skip
    run_sql(settings, f"UPDATE marts.fct_outreach_candidates SET account_id = 'split' WHERE account_id = '{held}'")
    later = RUN_DATE + timedelta(days=1)
    score(settings, later, 60)
    assert choose_outreach(settings, later)["new_arms"] == 1
    assert arms(settings).set_index("account_id")["arm"].to_dict() == {**before.to_dict(), "split": "holdout"}


def test_an_outcome_of_a_row_of_no_list_changes_nothing(settings, night):
    choose_outreach(settings, RUN_DATE)
    listed = night.read("outreach_list")
    run_sql(settings, """
        INSERT INTO raw.outreach_outcomes VALUES ('o1', 'nobody', 'accepted', '2026-03-01 11:00+00',
            '2026-03-01 11:00+00', 1), ('o1', 'nobody', 'accepted', '2026-03-01 11:00+00', '2026-03-01 12:00+00', 1)
    """)  # fmt: skip
    choose_outreach(settings, RUN_DATE)
    pd.testing.assert_frame_equal(night.read("outreach_list"), listed)


def fairness(night, measure="listed", scope="region"):
    rows = night.read("outreach_fairness")
    return rows[(rows["measure"] == measure) & (rows["scope"] == scope)].set_index("scope_value")


def test_groups_are_compared_over_the_nights_of_one_playbook(settings, night):
    run_sql(settings, "UPDATE marts.fct_outreach_candidates SET region = 'south' WHERE customer_id < 'c3'")
    choose_outreach(settings, RUN_DATE)
    first = fairness(night)
    assert first["group_count"].to_dict() == {"north": 37, "south": 23}
    listed = pd.concat([night.read("outreach_list"), night.read("outreach_withheld")])  # the holdout is listed too
    assert first["group_mean"]["south"] == pytest.approx((listed["region"] == "south").sum() / 23)
    publish(settings, night)
    choose_outreach(settings, RUN_DATE)  # run again it replaces what it added
    later = RUN_DATE + timedelta(days=1)
    second = score(settings, later, 60)
    choose_outreach(settings, later)
    found = fairness(second)
    # on the second night only those are decided on who were not on the first night's list
    assert found["group_count"].sum() == 60 + 60 - len(listed)
    assert found["night_count"].unique().tolist() == [2]
    assert pd.to_datetime(found["since_on"]).unique().tolist() == [pd.Timestamp(RUN_DATE)]
    (settings.root / "playbook.yml").write_text(
        "actions:\n  call: {team: retention, minutes: 9, save_probability: 0.1}\n"
    )
    choose_outreach(settings, later)
    assert second.read("outreach_fairness").empty  # a playbook without reasons decides on nobody


def test_a_backfill_leaves_no_tallies(settings, night):
    choose_outreach(settings, RUN_DATE)
    count = "SELECT count(*) FROM forestall.fairness_tallies"
    with open_warehouse(settings, "test") as warehouse:
        before = warehouse.scalar(count)
    later = RUN_DATE + timedelta(days=1)
    backfill = settings.for_backfill()
    score(backfill, later, 60)
    choose_outreach(backfill, later)
    with open_warehouse(settings, "test") as warehouse:
        assert warehouse.scalar(count) == before > 0


def test_groups_of_an_attribute_are_compared_where_the_company_names_it(settings, night):
    run_sql(settings, "ALTER TABLE marts.fct_customer_features ADD COLUMN attributes VARCHAR")
    run_sql(settings, f"""
        INSERT INTO marts.fct_customer_features
        SELECT customer_id, DATE '{RUN_DATE}', false, NULL, NULL,
            CASE WHEN customer_id < 'c3' THEN '{{"age_band": "60+", "other": 1}}' ELSE '{{"other": 2}}' END
        FROM marts.fct_outreach_candidates
    """)  # fmt: skip
    named = settings.outreach.model_copy(update={"fairness_attributes": ("age_band", "never_heard_of")})
    summary = choose_outreach(settings.model_copy(update={"outreach": named}), RUN_DATE)
    assert summary["notes"] == "no customer has the attribute `never_heard_of` of outreach.fairness_attributes"
    assert set(night.read("outreach_fairness")["scope"]) == {
        "region", "language", "segment", "preferred_channel", "attribute_age_band"
    }  # fmt: skip
    assert fairness(night, scope="attribute_age_band")["group_count"].to_dict() == {"60+": 23, "unknown": 37}


def test_without_customers_both_tables_are_empty_and_in_their_columns(settings):
    night = score(settings, RUN_DATE, 0)
    assert choose_outreach(settings, RUN_DATE)["listed"] == 0
    for name in ("outreach_list", "outreach_withheld", "outreach_fairness"):
        table = pq.read_table(night.folder / f"{name}.parquet")
        assert table.schema.equals(PUBLISHED[name].arrow_schema())
        assert isinstance(table, pa.Table)
        assert table.num_rows == 0


def test_a_mistake_in_the_playbook_is_one_line(settings, night):
    (settings.root / "playbook.yml").write_text("actions:\n  call: {team: care, minutes: ten, save_probability: 0.1}\n")
    with pytest.raises(ConfigError, match=r"playbook.yml:2: actions.call.minutes"):
        choose_outreach(settings, RUN_DATE)


def listing_features(settings):
    with open_warehouse(settings, "test") as warehouse:
        return warehouse.frame("SELECT * FROM forestall.listing_features ORDER BY run_date, account_id")


def test_what_was_known_of_who_is_listed_first_is_kept_holdout_included(settings, night):
    run_sql(settings, f"""
        INSERT INTO marts.fct_customer_features
        SELECT 'c' || i, DATE '{RUN_DATE}' + CAST(k AS INTEGER), false, 100 + i + 1000 * k, NULL
        FROM range(60) AS n(i), range(2) AS m(k)
    """)  # fmt: skip
    choose_outreach(settings, RUN_DATE)
    withheld = night.read("outreach_withheld")
    held = withheld[withheld["suppression_reason"] == "holdout"]
    both = pd.concat([night.read("outreach_list"), held]).set_index("account_id").sort_index()
    kept = listing_features(settings).set_index("account_id")
    assert len(held) > 0
    assert sorted(kept.index) == sorted(both.index)
    values = [json.loads(line)["activity_value_365d"] for line in kept["features"]]
    assert values == [100 + int(customer[1:]) for customer in kept["customer_id"]]  # tonight's, not tomorrow's
    costs = both["offer_cost"] + both["contact_cost"] + both["load_cost"]
    assert kept["cost"].to_numpy() == pytest.approx(costs.astype(float).to_numpy())

    choose_outreach(settings, RUN_DATE)
    assert len(listing_features(settings)) == len(kept)  # a re-run adds nothing


def test_who_was_listed_before_is_not_kept_again(settings, night):
    run_sql(settings, f"""
        INSERT INTO marts.fct_customer_features
        SELECT 'c' || i, DATE '{RUN_DATE}', false, 1, NULL FROM range(60) AS n(i)
    """)  # fmt: skip
    run_sql(settings, LISTINGS)
    run_sql(settings, f"""
        INSERT INTO forestall.listings (run_date, revision, row_id, customer_id, account_id, arm, arm_probability)
        SELECT DATE '{RUN_DATE}' - 9, 0, 'r' || i, 'c' || i, 'a' || i, 'treatment', 0.7 FROM range(60) AS n(i)
        WHERE i % 2 = 0
    """)  # fmt: skip
    choose_outreach(settings, RUN_DATE)
    kept = listing_features(settings)
    assert len(kept) > 0
    assert all(int(account[1:]) % 2 for account in kept["account_id"])


def test_a_backfill_keeps_nothing(settings, night):
    run_sql(settings, f"INSERT INTO marts.fct_customer_features VALUES ('c1', DATE '{RUN_DATE}', false, 1, NULL)")
    backfill = settings.model_copy(update={"is_backfill": True})
    score(backfill, RUN_DATE, 60)
    choose_outreach(backfill, RUN_DATE)
    assert listing_features(settings).empty


def test_the_list_goes_by_what_was_learned(settings, night):
    """An action that outcomes show to drive customers away is on no list; a good one is worth more."""
    chances = pd.DataFrame({"action": ["resolve_open_issue", "apology_call"], "segment": "home", "low": 0.1,
                            "high": 0.4, "prior_save_probability": [0.32, 0.28], "treatment_count": 900,
                            "holdout_count": 100, "source": "outcomes", "expected_minutes": 5.0,
                            "worked_row_count": 900})  # fmt: skip
    night.write("save_chances", chances.assign(learned_save_probability=[0.4, -0.1]))
    choose_outreach(settings, RUN_DATE)
    listed = night.read("outreach_list")
    assert set(listed["action"]) == {"resolve_open_issue"}
    assert set(listed["save_source"]) == {"outcomes"}
    assert set(listed["prior_save_probability"]) == {0.32}
    assert set(listed["expected_minutes"].astype(float)) == {5.0}
    assert listed["save_probability"].to_numpy() == pytest.approx(0.4 * listed["churn_probability"].to_numpy())
    night.write("save_chances", chances.assign(learned_save_probability=-0.1))
    assert choose_outreach(settings, RUN_DATE)["listed"] == 0


def test_an_uplift_model_in_use_makes_the_list_by_each_customers_own_effect(settings, night):
    """Trained on accounts of whom the action keeps those of much activity, and drives away those of little."""
    run_sql(settings, f"""
        INSERT INTO marts.fct_customer_features
        SELECT 'c' || i, DATE '{RUN_DATE}', false, CASE WHEN i % 2 = 0 THEN 900 ELSE 100 END, NULL
        FROM range(60) AS n(i)
    """)  # fmt: skip
    rng = np.random.default_rng(3)
    is_active, is_held = rng.random(3000) < 0.5, rng.random(3000) < 0.5
    risk = rng.uniform(0.2, 0.9, 3000)
    kept = np.where(is_active, 0.9, -0.5)
    trained = pd.DataFrame({
        "account_id": [f"t{number}" for number in range(3000)], "is_held_out": is_held, "arm_probability": 0.5,
        "left": (rng.random(3000) < np.clip(risk * np.where(is_held, 1, 1 - kept), 0, 1)).astype(float),
        "action": "resolve_open_issue", "risk": risk, "chance": 0.16,
        "activity_value_365d": np.where(is_active, 900.0, 100.0),
    })  # fmt: skip
    params = uplift_params()
    model = grow_uplift(trained, {"activity_value_365d": "number"}, params)
    version = log_trial(settings.tracking_uri, RUN_DATE, "v", model, {"is_used": True}, pd.DataFrame(), params)
    models = pd.DataFrame({"approach": ["uplift"], "is_used": True, "model_version": version.label, "reason": "used"})
    night.write("save_models", models.reindex(columns=PUBLISHED["save_models"].names))
    choose_outreach(settings, RUN_DATE)
    listed = night.read("outreach_list")
    assert set(listed["save_source"]) == {"uplift"}
    assert all(int(customer[1:]) % 2 == 0 for customer in listed["customer_id"])
    assert (listed["learned_save_probability"] > 0.16).all()
    share = listed["save_probability"] / listed["churn_probability"]
    assert share.to_numpy() == pytest.approx(listed["learned_save_probability"].to_numpy())


def test_a_row_says_what_moved_the_risk_what_happened_and_where_the_customer_stands(settings, night):
    run_sql(settings, """
        INSERT INTO marts.fct_customer_evidence
            (customer_id, topic, contact_count_7d, contact_count_30d, last_contact_days, last_unanswered_h)
        SELECT 'c' || i, 'billing', 3, 3, 2, 31 FROM range(60) AS n(i)
    """)  # fmt: skip
    choose_outreach(settings, RUN_DATE)
    for name in ("outreach_list", "outreach_withheld"):
        rows = night.read(name)
        assert len(rows) > 0
        assert set(rows["evidence"]) == {"3 contacts about billing in 7 days, the last one unanswered for 31 h"}
        assert set(rows["change_reason"]) == {"unchanged since yesterday"}
        assert set(rows["lifecycle_stage"]) == {"settled"}
        assert set(rows["value_segment"]) == {"high"}


def test_where_the_team_has_shifts_the_list_fills_what_they_leave(settings, night):
    night.write("usable_minutes", pd.DataFrame({
        "queue_group": "care", "team": "retention", "languages": "de", "skills": "care",
        "interval_start_at": pd.to_datetime(["2026-03-02 09:00", "2026-03-02 09:30"], utc=True), "local_on": RUN_DATE,
        "firm_minutes": 30.0, "if_quiet_minutes": 13.0, "idle_agents": 2, "answers_ahead": 3,
        "idle_share": 0.3, "service_level_if_quiet": 0.81,
    }))  # fmt: skip
    choose_outreach(settings, RUN_DATE)
    placed = night.read("outreach_placed").set_index("tier")
    assert placed["usable_minutes"].to_dict() == {"firm": 60.0, "if_quiet": 26.0}  # and not the 200 of the settings
    minutes = night.read("outreach_list").groupby("tier")["expected_minutes"].sum().astype(float).to_dict()
    assert placed["placed_minutes"].to_dict() == minutes
    assert 0 < minutes["firm"] <= 60
    assert 0 < minutes["if_quiet"] <= 26
    assert "one agent more in `retention`" in placed.loc["firm", "sentence"]
