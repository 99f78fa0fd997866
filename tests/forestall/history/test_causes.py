"""Topics counted by hand, on both engines: who is at risk tonight, and who of an earlier morning left."""

from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

from features.published_churn import CHURN_SCORES
from features.published_outreach import OUTREACH_LIST
from forestall.history.causes import at_risk_tonight, followed
from forestall.jobs.explain_churn import explain_churn
from forestall.night import Night
from forestall.warehouse import open_warehouse

RUN_DATE = date(2026, 6, 1)
COMPARED_ON = date(2026, 2, 17)  # 90 days of horizon and 14 of grace before
TOML = '[company]\ntime_zone = "Europe/Berlin"\n'
TABLES = """
    CREATE TABLE staging.stg_customers (customer_id VARCHAR, segment VARCHAR);
    CREATE TABLE raw.subscriptions (subscription_id VARCHAR);
    CREATE TABLE raw.activity (customer_id VARCHAR);
    CREATE TABLE intermediate.int_customer_spells (customer_id VARCHAR, spell_number BIGINT, started_on DATE,
        left_on DATE, gone_on DATE, is_involuntary BOOLEAN);
    CREATE TABLE intermediate.int_interaction_versions (customer_id VARCHAR, topic VARCHAR, product VARCHAR,
        is_inbound BOOLEAN, started_on DATE, valid_from TIMESTAMPTZ, valid_to TIMESTAMPTZ);
    CREATE TABLE intermediate.int_recent_contacts (customer_id VARCHAR, topic VARCHAR, product VARCHAR,
        is_inbound BOOLEAN, is_announcement BOOLEAN);
    INSERT INTO raw.subscriptions VALUES ('s1')
"""
# Of the morning's customers k1 left; k3 left after the horizon, k4 before the morning, k5 was ended by the company,
# k6 came later.
SPELLS = """
    INSERT INTO intermediate.int_customer_spells VALUES
        ('k1', 1, '2020-01-01', '2026-03-01', '2026-03-01', false), ('k2', 1, '2020-01-01', NULL, '9999-12-31', false),
        ('k3', 1, '2025-06-01', '2026-05-18', '2026-05-18', false),
        ('k4', 1, '2020-01-01', '2026-02-01', '2026-02-01', false),
        ('k5', 1, '2020-01-01', '2026-03-01', '2026-03-01', true),
        ('k6', 1, '2026-02-17', NULL, '9999-12-31', false), ('k7', 1, '2020-01-01', NULL, '9999-12-31', false),
        ('k8', 1, '2020-01-01', NULL, '9999-12-31', false), ('k9', 1, '2026-01-01', NULL, '9999-12-31', false);
    INSERT INTO staging.stg_customers SELECT customer_id, 'home' FROM intermediate.int_customer_spells
"""
CONTACTS = [
    *[("k1", "fault", None, "2026-01-20")] * 3,
    ("k1", "bill", "Pro", "2026-01-21"),
    ("k2", "fault", None, "2025-11-19"),  # the first day of the window
    ("k4", "fault", None, "2026-01-20"),
    ("k7", "Cancellation", None, "2026-01-20"),  # announces that the customer leaves
    ("k8", "fault", None, "2025-11-18"),
    ("k8", "fault", None, "2026-02-17"),
    *[("k9", "bill", "Pro", "2026-02-16")] * 2,
    ("k9", None, "Pro", "2026-02-16"),
]


def run(settings, script):
    with open_warehouse(settings, "test") as warehouse:
        for statement in script.split(";"):
            warehouse.execute(statement)


def fill(settings):
    run(settings, TABLES + ";" + SPELLS)
    values = ", ".join(
        f"({', '.join('NULL' if value is None else repr(value) for value in row[:3])}, true, DATE '{row[3]}', "
        "TIMESTAMPTZ '2025-11-01 00:00+00', TIMESTAMPTZ '9999-12-31 00:00+00')"
        for row in CONTACTS
    )
    run(settings, f"INSERT INTO intermediate.int_interaction_versions VALUES {values}")
    return settings


def of_the_morning(settings):
    with open_warehouse(settings, "test") as warehouse:
        return followed(warehouse, Night(settings, RUN_DATE))


def check(found):
    assert found.compared_on == COMPARED_ON
    everybody = found.everybody.set_index(["tenure_band", "total_band"])[["customer_count", "left_count"]]
    assert {place: tuple(row) for place, row in zip(everybody.index, everybody.to_numpy(), strict=True)} == {
        ("longer", 0): (2, 0),  # k7, k8
        ("longer", 1): (1, 0),  # k2
        ("longer", 2): (1, 1),  # k1: four contacts
        ("months", 1): (1, 0),  # k9
        ("two years", 0): (1, 0),  # k3
    }
    exposed = found.exposed.drop(columns=["segment"]).to_numpy().tolist()
    assert sorted(map(tuple, exposed)) == [
        ("all", "Pro", "longer", 2, 2, 1, 1),
        ("all", "Pro", "months", 0, 1, 1, 0),
        ("bill", "Pro", "longer", 2, 2, 1, 1),
        ("bill", "Pro", "months", 0, 1, 1, 0),
        ("bill", "all", "longer", 2, 2, 1, 1),
        ("bill", "all", "months", 0, 1, 1, 0),
        ("fault", "all", "longer", 0, 1, 1, 0),
        ("fault", "all", "longer", 1, 2, 1, 1),
    ]


def scores(count, probability=0.25, margin=10.0):
    rows = pd.DataFrame({
        "customer_id": [f"c{number}" for number in range(count)], "horizon_days": 90,
        "churn_probability": probability, "monthly_margin": margin,
    }).reindex(columns=list(CHURN_SCORES.names))  # fmt: skip
    return pa.Table.from_pandas(rows, preserve_index=False)


RECENT = """
    INSERT INTO intermediate.int_recent_contacts
        SELECT 'c' || n, 'export', CASE WHEN n < 4 THEN 'Pro' END, true, false FROM generate_series(0, 11) AS s(n);
    INSERT INTO intermediate.int_recent_contacts VALUES ('c0', 'export', 'Pro', true, false),
        (NULL, 'export', NULL, true, false), ('gone', 'export', NULL, true, false),
        ('c1', 'export', NULL, false, false), ('c1', 'cancellation', NULL, true, true),
        ('c1', NULL, NULL, true, false), ('c1', 'rare', 'Pro', true, false),
        ('c2', 'seldom', NULL, true, false)
"""


def check_tonight(settings):
    with open_warehouse(settings, "test") as warehouse:
        found = at_risk_tonight(warehouse, scores(20)).set_index(["topic", "product"])
    assert set(found.index) == {("export", "all"), ("other", "all")}  # pairs with Pro are of too few customers
    export = found.loc[("export", "all")]
    assert export["contact_count"] == 15  # 12, once more, a stranger's, and one of a customer without a score
    assert export["customer_count"] == 12
    assert export["expected_leavers"] == pytest.approx(3.0)
    assert export["leaver_variance"] == pytest.approx(12 * 0.25 * 0.75)
    assert export["margin_at_risk"] == pytest.approx(30.0)
    assert found.loc[("other", "all"), "customer_count"] == 2


def test_who_left_of_whom_had_what(company):
    settings = fill(company(TOML))
    check(of_the_morning(settings))
    run(settings, RECENT)
    check_tonight(settings)


@pytest.mark.slow
def test_the_same_on_postgresql(company, postgres_url):
    settings = fill(company(f'{TOML}[warehouse]\nurl = "{postgres_url}"\n'))
    check(of_the_morning(settings))
    run(settings, RECENT)
    check_tonight(settings)


def night_of(settings, count):
    night = Night(settings, RUN_DATE)
    night.write("churn_scores", scores(count))
    names = [f"c{number}" for number in range(count)]
    night.write("customer_segments", pd.DataFrame(
        {"customer_id": pd.Series(names, dtype="str"), "lifecycle_stage": "settled", "value_segment": "high"}
    ))  # fmt: skip
    night.write("outreach_list", pd.DataFrame(columns=list(OUTREACH_LIST.names)))
    return night


def test_the_job_writes_both_tables(company):
    settings = fill(company(TOML))
    run(settings, RECENT)
    night = night_of(settings, 20)
    assert explain_churn(settings, RUN_DATE) == {"segments": 1, "causes": 2, "causes_compared": 0}
    causes = night.read("churn_causes").set_index("topic")
    assert causes.loc["export", "sentence"].startswith("export: 15 contacts of 12 customers, 3 of whom")
    assert causes["compared_on"].isna().all()
    summary = night.read("segment_summary").iloc[0]
    assert (summary["customer_count"], summary["expected_leavers"], summary["listed_count"]) == (20, 5.0, 0)


def test_without_scores_or_contacts_the_tables_are_empty_and_the_night_goes_on(company):
    settings = fill(company(TOML))
    for count in (0, 20):  # nobody is scored; nobody made contact
        night = night_of(settings, count)
        assert explain_churn(settings, RUN_DATE)["causes"] == 0
        assert night.read("churn_causes").empty
