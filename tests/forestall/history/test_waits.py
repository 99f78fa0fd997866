"""Who waited in which crowd, counted by hand, on both engines."""

from datetime import date

import pytest

from forestall.history.waits import contacts_followed, recent_callers
from forestall.night import Night
from forestall.warehouse import open_warehouse

RUN_DATE = date(2026, 6, 1)  # contacts before 17 February are followed: 90 days of horizon, 14 of grace
TOML = '[company]\ntime_zone = "Europe/Berlin"\n'
TABLES = """
    CREATE TABLE intermediate.int_customer_spells (customer_id VARCHAR, started_on DATE, left_on DATE, gone_on DATE,
        is_involuntary BOOLEAN);
    CREATE TABLE intermediate.int_interaction_versions (customer_id VARCHAR, queue VARCHAR, topic VARCHAR,
        interval_start_at TIMESTAMPTZ, started_on DATE, wait_time_s BIGINT, is_inbound BOOLEAN, is_live BOOLEAN,
        valid_from TIMESTAMPTZ, valid_to TIMESTAMPTZ);
    INSERT INTO intermediate.int_customer_spells VALUES
        ('leaves', '2020-01-01', '2026-04-19', '2026-04-19', false), ('late', '2020-01-01', '2026-04-20', NULL, false),
        ('stays', '2020-01-01', NULL, '9999-12-31', false), ('tells', '2020-01-01', '2026-02-01', NULL, false),
        ('lonely', '2020-01-01', NULL, '9999-12-31', false),
        ('noticed', '2020-01-01', '2026-01-19', '2026-03-01', false),
        ('ended', '2020-01-01', '2026-02-01', '2026-02-01', true), ('new', '2026-01-21', NULL, '9999-12-31', false)
"""
NINE, TEN = "2026-01-20 09:00+01", "2026-01-20 10:00+01"  # a Tuesday of week 4
CONTACTS = [
    ("leaves", "care", "Fault", NINE, 60),
    ("leaves", "care", "Fault", NINE, 30),
    ("late", "care", None, NINE, 240),
    ("tells", "care", "Cancellation", NINE, 600),  # waited beside the others, but had decided before
    ("stays", "sales", "Fault", NINE, 7),  # another queue, in which nobody else is
    ("lonely", "care", "Fault", TEN, 99),
    ("noticed", "chat", "bill", TEN, 10),
    ("ended", "chat", "bill", TEN, 20),
    ("new", "chat", "bill", TEN, 30),  # a customer from the next day on
    ("stays", "chat", "bill", TEN, 40),
]
ODD = """
    INSERT INTO intermediate.int_interaction_versions VALUES
        ('stays', 'care', 'x', '2026-01-20 09:00+01', '2026-01-20', 900, false, true, '2026-01-20', '9999-12-31'),
        ('stays', 'care', 'x', '2026-01-20 09:00+01', '2026-01-20', 900, true, false, '2026-01-20', '9999-12-31'),
        ('stays', 'care', 'x', '2026-01-20 09:00+01', '2026-01-20', NULL, true, true, '2026-01-20', '9999-12-31'),
        (NULL, 'care', 'x', '2026-01-20 09:00+01', '2026-01-20', 900, true, true, '2026-01-20', '9999-12-31'),
        ('stays', 'care', 'x', '2026-01-20 09:00+01', '2026-01-20', 900, true, true, '2026-01-20', '2026-01-25'),
        ('stays', 'care', 'x', '2026-01-20 09:00+01', '2026-01-20', 900, true, true, '2026-06-02', '9999-12-31'),
        ('stays', 'care', 'x', '2026-02-17 09:00+01', '2026-02-17', 900, true, true, '2026-02-17', '9999-12-31'),
        ('late', 'care', 'x', '2026-02-17 09:00+01', '2026-02-17', 900, true, true, '2026-02-17', '9999-12-31'),
        ('stays', 'care', 'x', '2026-03-02 09:00+01', '2026-03-02', 5, true, true, '2026-03-02', '9999-12-31'),
        ('stays', 'care', 'x', '2026-03-03 09:00+01', '2026-03-03', 5, true, true, '2026-03-03', '9999-12-31'),
        ('late', 'care', 'x', '2026-05-31 09:00+02', '2026-05-31', 5, true, true, '2026-05-31', '9999-12-31'),
        ('late', 'care', 'x', '2026-05-31 09:00+02', '2026-05-31', 5, true, true, '2026-05-31', '9999-12-31')
"""


def fill(settings):
    values = ", ".join(
        f"('{who}', '{queue}', {'NULL' if topic is None else repr(topic)}, '{at}', '2026-01-20', {wait_s}, true, true,"
        " '2026-01-20', '9999-12-31')"
        for who, queue, topic, at, wait_s in CONTACTS
    )
    with open_warehouse(settings, "test") as warehouse:
        script = f"{TABLES};INSERT INTO intermediate.int_interaction_versions VALUES {values};{ODD}"
        for statement in script.split(";"):
            warehouse.execute(statement)
    return settings


def check(settings):
    with open_warehouse(settings, "test") as warehouse:
        found = contacts_followed(warehouse, Night(settings, RUN_DATE))
        recent = recent_callers(warehouse, Night(settings, RUN_DATE))
    rows = found[["customer_id", "queue", "wait_minutes", "others_wait_minutes", "is_left"]]
    # Of 'leaves' the others waited 240 and 600 s, of 'late' 60, 30 and 600, of 'stays' in the chat 10, 20 and 30.
    assert sorted(map(tuple, rows.to_numpy().tolist())) == [
        ("late", "care", 4.0, pytest.approx(230 / 60), 0),  # left on the day after the horizon
        ("leaves", "care", 0.5, 7.0, 1),
        ("leaves", "care", 1.0, 7.0, 1),
        ("stays", "chat", pytest.approx(40 / 60), pytest.approx(20 / 60), 0),
    ]
    assert set(found["alike"]) == {"care|fault|33", "care||33", "chat|bill|34"}  # hours since Monday
    assert set(found["queue_week"]) == {"care|2026-04", "chat|2026-04"}
    assert found.groupby("queue")["interval"].nunique().to_dict() == {"care": 1, "chat": 1}
    assert found.groupby("queue")["day_contacts"].first().to_dict() == {"care": 3, "chat": 1}
    assert dict(recent[["customer_id", "contact_count"]].to_numpy().tolist()) == {"late": 2, "stays": 1}


def test_who_waited_beside_whom_and_left(company):
    check(fill(company(TOML)))


@pytest.mark.slow
def test_the_same_on_postgresql(company, postgres_url):
    check(fill(company(f'{TOML}[warehouse]\nurl = "{postgres_url}"\n')))
