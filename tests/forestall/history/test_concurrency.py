"""Contacts of an agent swept by hand, on both engines, and second by second."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forestall.history.concurrency import contacts_by_concurrency
from forestall.night import Night
from forestall.staffing.standards import QueueOverride, Standards
from forestall.warehouse import open_warehouse

RUN_DATE = date(2026, 3, 2)  # its cutoff is 2026-03-01 23:00 UTC
TOML = '[company]\ntime_zone = "Europe/Berlin"\n'
STANDARDS = Standards(queues={"vip": QueueOverride(concurrency=2)})
TABLE = """
    CREATE TABLE intermediate.int_interaction_versions (queue VARCHAR, channel VARCHAR, agent_id VARCHAR,
        taken_at TIMESTAMPTZ, handle_time_s BIGINT, is_live BOOLEAN, started_on DATE, valid_from TIMESTAMPTZ,
        valid_to TIMESTAMPTZ)
"""
FIRST, NEVER = "2026-01-01 00:00+00", "9999-12-31 00:00+00"


def version(queue, channel, agent, taken_at, handle_time_s, valid=(FIRST, NEVER)):
    of = "NULL" if agent is None else f"'{agent}'"
    return (
        f"('{queue}', '{channel}', {of}, '{taken_at}+00', {handle_time_s}, {channel != 'email'}, '{taken_at[:10]}',"
        f" '{valid[0]}', '{valid[1]}')"
    )


ROWS = [
    # a: one chat of ten minutes with one of 200 s beside it; the next begins in the second in which it ends
    version("chat", "chat", "a", "2026-02-10 10:00:00", 600),
    version("chat", "chat", "a", "2026-02-10 10:05:00.4", 200),
    version("chat", "chat", "a", "2026-02-10 10:10:00", 100),
    # and a call of a queue whose agents hold two, with a chat in the middle of it
    version("vip", "phone", "a", "2026-02-10 11:00:00", 300),
    version("chat", "chat", "a", "2026-02-10 11:01:00", 120),
    # b: up to three at once, two of which end together
    version("chat", "chat", "b", "2026-02-11 09:00:00", 30),
    version("chat", "chat", "b", "2026-02-11 09:00:10", 20),
    version("chat", "chat", "b", "2026-02-11 09:00:20", 20),
    # none of these counts: a call, a letter, nobody's, of no length, too long ago
    version("care", "phone", "a", "2026-02-10 10:00:00", 600),
    version("mail", "email", "a", "2026-02-10 10:00:00", 600),
    version("chat", "chat", None, "2026-02-10 10:00:00", 600),
    version("chat", "chat", "a", "2026-02-10 10:00:00", 0),
    version("chat", "chat", "a", "2026-01-04 10:00:00", 600),
    # nor does what ends after the cutoff, was known after it, or had been replaced by then
    version("chat", "chat", "a", "2026-03-01 22:55:00", 600),
    version("chat", "chat", "b", "2026-02-11 09:00:00", 999, ("2026-03-01 23:30+00", NEVER)),
    version("chat", "chat", "b", "2026-02-11 09:00:00", 999, (FIRST, "2026-02-20 00:00+00")),
]


def swept(settings, rows):
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute(TABLE)
        warehouse.execute(f"INSERT INTO intermediate.int_interaction_versions VALUES {', '.join(rows)}")
        found = contacts_by_concurrency(warehouse, Night(settings, RUN_DATE), STANDARDS)
    return [tuple(row) for row in found.to_numpy().tolist()]


BY_HAND = [
    # alone: a 300 + 100 + 100 s, b 10 + 10 s; in pairs: a 2 x 200 and 120 s beside the call, b 2 x 10 s; b 3 x 10 s
    ("chat", "chat", 1, 520, 3),
    ("chat", "chat", 2, 540, 2),
    ("chat", "chat", 3, 30, 2),
    ("vip", "phone", 1, 180, 1),
    ("vip", "phone", 2, 120, 0),
]


def test_seconds_and_ends_by_how_many_are_held(company):
    assert swept(company(TOML), ROWS) == BY_HAND


@pytest.mark.slow
def test_the_same_on_postgresql(company, postgres_url):
    assert swept(company(f'{TOML}[warehouse]\nurl = "{postgres_url}"\n'), ROWS) == BY_HAND


def test_the_same_as_counted_second_by_second(company):
    rng = np.random.default_rng(4)
    count, length = 150, 3000
    agent, queue = rng.choice(["a", "b"], count), rng.choice(["chat", "vip"], count)
    begins, seconds = rng.integers(0, length - 130, count), rng.integers(1, 130, count)
    start = datetime(2026, 2, 10, 10, tzinfo=UTC)
    rows = [
        version(q, "chat", a, (start + timedelta(seconds=int(at))).strftime("%Y-%m-%d %H:%M:%S"), s)
        for a, q, at, s in zip(agent, queue, begins, seconds, strict=True)
    ]
    held = {name: np.zeros(length + 1, int) for name in "ab"}
    for a, at, s in zip(agent, begins, seconds, strict=True):
        held[a][at : at + s] += 1
    lived = pd.concat([
        pd.DataFrame({"queue": q, "held": held[a][at : at + s], "ended": [0] * (s - 1) + [1]})
        for a, q, at, s in zip(agent, queue, begins, seconds, strict=True)
    ])  # fmt: skip
    expected = lived.groupby(["queue", "held"])["ended"].agg(["size", "sum"])
    assert lived["held"].max() <= 10  # nobody is taken for a machine
    found = {(q, held): (s, ended) for q, _, held, s, ended in swept(company(TOML), rows)}
    assert found == {key: tuple(row) for key, row in zip(expected.index, expected.to_numpy().tolist(), strict=True)}


def test_who_holds_more_than_ten_is_no_agent(company):
    rows = [version("chat", "chat", "bot", f"2026-02-10 10:00:{second:02d}", 600) for second in range(40)]
    assert max(held for _, _, held, _, _ in swept(company(TOML), rows)) == 10
