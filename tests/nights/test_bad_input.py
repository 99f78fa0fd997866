"""One night of a company in which nearly all is wrong: each mistake has its line, and each queue what can be had.

In truth every queue of calls is the same: 40 an hour from eight to six, on every day.
"""

import re
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from forestall.publishing.publication import load_night
from forestall.warehouse import open_warehouse
from forestall.web import numbers
from tests.nights.company import ZONE, Make, run_jobs
from tests.nights.test_small_companies import CLOCKS_FORWARD
from tests.nights.test_small_companies import volumes as counts_of

pytestmark = pytest.mark.slow

A_DAY = 400
STANDARDS = """
queues:
  letters: {channel: email, first_response_s: 900}
"""
STAFFING = """
patterns:
  morning: {starts: ["08:00"], minutes: 240}
"""
CALENDAR = """
default: {hours: "08:00-18:00"}
queues:
  misfit: {hours: "08:00-12:00"}
"""
OVERRIDES = """
overrides:
  - {queues: [good], first_on: 2026-03-31, action: set, amount: 500, author: anna, reason: fair}
  - {queues: [good], first_on: 2026-03-31, action: percent, amount: 10, author: ben, reason: more of it}
"""
LINES = [
    "three: 3 days of history; level of these days, shape of its kin",
    "zeros: no contact in any of its reports; it has no forecast",
    "giant: 1 day, being an outlier, left out, in the last 56 days",
    "gap: 30 open days without data left out, in the last 56 days",
    "no_times: no handle times in the data; those of queues alike are taken",
    "zero_times: no handle times in the data; those of queues alike are taken",
    "yesterday: 1 day of history; level of these days, shape of its kin",
    "gone: no contact for weeks; taken as closed for good, forecast is zero",
    "outside its opening hours left out; if it is served then, say so in calendar.yml",
    "too few gave up to tell patience, so Erlang C",
    "override 2 (percent): goes on top of 1 in the intervals that both name",
    "business_events_quarantine_share ▲ warning",
    "missing:starts_on 1",
    "letters: 100 % of contacts are due while the queue is closed, so no number of agents keeps",
    "good: shifts leave",
    "three: nobody on the roster is skilled for it",
    "nobody: backlog of 40 contacts is not planned: no such queue is forecast",
]


def calls(queue: str, days: int = 120, until: date = CLOCKS_FORWARD, **columns: object) -> pd.DataFrame:
    return counts_of(queue, until, days, A_DAY / 10).assign(**columns)


def day_of(rows: pd.DataFrame) -> "pd.Series[date]":
    found: pd.Series[date] = rows["interval_start_at"].dt.tz_convert(ZONE).dt.date
    return found


def test_each_mistake_has_its_line_and_each_queue_what_can_be_had(small: Make) -> None:
    run_date = CLOCKS_FORWARD
    ago = [run_date - timedelta(days=days) for days in range(121)]
    giant, gap = calls("giant"), calls("gap")
    counts = ["offered_count", "handled_count", "handle_time_s"]
    giant[counts] = giant[counts].mask(day_of(giant) == ago[25], giant[counts] * 1000)
    gap = gap[~day_of(gap).between(ago[50], ago[21])]
    letters = counts_of("letters", run_date, 120, 10.0, hours=range(6)).assign(channel="email")
    volumes = pd.concat([
        calls("good"), calls("three", 3), calls("zeros", offered_count=0, handled_count=0, handle_time_s=0), giant, gap,
        calls("no_times", handle_time_s=None), calls("zero_times", handle_time_s=0), calls("yesterday", 1),
        calls("gone", 60, ago[60]), calls("misfit"), letters,
    ])  # fmt: skip
    dates = {"name": ["sale", "fair"], "starts_on": [ago[9], None], "known_on": [ago[30], ago[30]]}
    settings = small(
        contact_volumes=volumes,
        backlog=pd.DataFrame({"queue": ["nobody"], "counted_at": [f"{ago[1]}T18:00:00Z"], "open_count": [40]}),
        business_events=pd.DataFrame({"event_id": ["1", "2"], **dates}),
        agents=pd.DataFrame({"agent_id": [f"A{at}" for at in range(9)], "team": "floor", "site": "here",
                             "skills": "good", "contract_hours": 40}),
    )  # fmt: skip
    files = {"standards": STANDARDS, "staffing": STAFFING, "calendar": CALENDAR, "overrides": OVERRIDES}
    for name, text in files.items():
        (settings.root / f"{name}.yml").write_text(text, encoding="utf-8")
    run_jobs(settings, run_date)
    night = load_night(settings.var_path / "published" / "current")
    told = _text(night.folder / "report.html")
    assert [line for line in LINES if line not in told] == []
    forecast, plan = night.frame("volume_forecast"), night.frame("staffing_requirement")
    a_day = forecast.groupby(["queue", "local_on"])["contacts"].sum().groupby("queue").median()
    for queue in ("good", "giant", "gap", "no_times", "zero_times"):
        assert a_day[queue] == pytest.approx(A_DAY, rel=0.05), queue
    for queue in ("three", "yesterday"):
        assert a_day[queue] == pytest.approx(A_DAY, rel=0.2), queue
    assert a_day["misfit"] == pytest.approx(0.4 * A_DAY, rel=0.1)  # the four hours that it is open
    assert a_day["gone"] == 0
    fair = forecast[(forecast["queue"] == "good") & (forecast["local_on"] == date(2026, 3, 31))]
    assert fair["contacts"].sum() == pytest.approx(550)
    most = plan.groupby("queue")["agents_net"].max()
    # Of 20 contacts of 240 s in half an hour, 2.7 erlangs, no queue knows better than another what it takes.
    assert most[["giant", "gap", "no_times", "zero_times"]].nunique() == 1
    assert most["giant"] > 2.7
    assert (most.drop("gone") > 0).all()
    with open_warehouse(settings, "test") as warehouse:
        kept = warehouse.frame("SELECT queue, sum(offered_count) AS n FROM marts.fct_contact_volume GROUP BY 1")
    came = volumes.groupby("queue")["offered_count"].sum()
    assert kept.set_index("queue")["n"].astype(int).to_dict() == came[came > 0].to_dict()


def _text(report: Path) -> str:
    html = re.sub(r"<style>.*?</style>|<[^>]+>", " ", report.read_text(encoding="utf-8"), flags=re.S)
    return re.sub(r"\s+", " ", html).replace(numbers.THIN, " ")
