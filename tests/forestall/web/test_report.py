import re
from collections.abc import Callable, Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from forestall.jobs import NIGHT
from forestall.publishing.publication import PublishedNight, publish_night
from forestall.web import charts, numbers, summaries
from forestall.web.minutes import minutes_of_outreach
from forestall.web.report import NOTES_OF, failure_report, night_report
from forestall.web.shifts import shift_section

Tables = Callable[..., dict[str, pa.Table]]
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


class _Balanced(HTMLParser):
    """Raises where a tag is closed that was not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "rect", "line", "circle", "polyline", "polygon", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line", "circle", "polyline", "polygon"):
            assert self.open.pop() == tag


@pytest.fixture
def publish(tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]) -> Callable[..., PublishedNight]:
    def make(run_date: date = MONDAY, *, keeps: float = 1.0, **about: Any) -> PublishedNight:
        tables = {name: rows.slice(0, int(rows.num_rows * keeps)) for name, rows in night_tables(run_date).items()}
        return publish_night(tmp_path, run_date, tables, {**about_the_night, **about}, lambda _: None)

    return make


def _text(html: str) -> str:
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", body.replace(numbers.THIN, " "))


def test_the_report_says_what_people_look_at_first(publish: Callable[..., PublishedNight]) -> None:
    night = publish()
    told = _text(night_report(night))
    requirement = summaries.with_local_time(night.frame("staffing_requirement"), "Europe/Berlin")
    by_interval = summaries.agents_by_interval(requirement, MONDAY).sum()
    assert f"Agents, busiest interval {by_interval.max()} at {by_interval.idxmax()}" in told
    assert "To contact 24 customers 288 agent minutes, worth EUR 438" in told
    assert "3 complaints in the last 30 days, none of them settled" in told
    assert "Not listed: 6 holdout" in told
    assert "410 rows; 1180 as a rule" in told
    assert "published with 1 warning" in told
    assert "Everything known before 2026-03-02 00:00 Europe/Berlin" in told


@pytest.mark.parametrize(
    ("basis", "told"),
    [({"tax_basis": "net"}, "EUR without tax."), ({"tax_basis": "gross"}, "EUR with tax."), ({}, "EUR.")],
    ids=["net", "gross", "a manifest that does not say"],
)
def test_the_report_says_whether_money_is_with_tax(
    publish: Callable[..., PublishedNight], about_the_night: Mapping[str, Any], basis: dict[str, str], told: str
) -> None:
    night = publish(company={**about_the_night["company"], **basis})
    assert _text(night_report(night)).strip().endswith(f"money is in {told}")


def test_the_report_says_what_outreach_does(publish: Callable[..., PublishedNight]) -> None:
    told = _text(night_report(publish()))
    assert "Listing changes the share that leaves by −5.0 points." in told
    assert "3 accounts of the holdout had been contacted all the same" in told
    assert "−5.0 percentage points" in told.replace("-", "−")
    assert re.search(r"business segment 1 800 200 −5.0 \+1.0 \+30.0 ■ do not disturb", told)
    assert re.search(r"consumer segment 1 800 200 −5.0 −20.0 −2.0 ● helps", told)
    assert "5 points 31.1 50.0 10 points not at this rate 22.8" in told


def test_the_report_says_whether_groups_are_treated_alike(
    tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]
) -> None:
    def told(change: Callable[[pd.DataFrame], pd.DataFrame]) -> str:
        tables = night_tables()
        rows = change(tables["outreach_fairness"].to_pandas())
        schema = tables["outreach_fairness"].schema
        tables["outreach_fairness"] = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
        return _text(night_report(publish_night(tmp_path, MONDAY, tables, about_the_night, lambda _: None)))

    usual = told(lambda rows: rows)
    assert "● none unexplained 2 comparisons, no difference that nothing explains" in usual
    assert "21 nights since Tue 2026-02-10, all with the same playbook. 1 further comparison" in usual
    assert "north region offer price 120 24.00 30.50 27.00 27.40 −1.20 0.40 explained" in usual
    flagged = told(
        lambda rows: rows.assign(is_flagged=rows["measure"] == "offer_price", sentence="the north pays more.")
    )
    assert "■ unexplained 1 of 2 comparisons shows a difference that nothing explains: the north pays more." in flagged
    few = told(lambda rows: rows[rows["verdict"] == "too_few"])
    assert "No group is large enough yet to be judged." in few
    assert "so there is nothing to compare" in told(lambda rows: rows.iloc[:0])


def test_the_report_says_what_each_action_saves(publish: Callable[..., PublishedNight]) -> None:
    told = _text(night_report(publish()))
    assert re.search(r"call back 15 % 9 % 2 % 16 % 1 200 140", told)
    assert re.search(r"call back business 15 % .3 % .12 % 6 % 1 200 40", told)
    assert "A model of each customer's own effect: not used: on 1 250 accounts left out" in told.replace("&#39;", "'")


def test_a_night_of_an_older_version_says_nothing_of_it(publish: Callable[..., PublishedNight]) -> None:
    night = publish()
    (night.folder / "save_chances.parquet").unlink()
    assert "What each action saves" not in _text(night_report(night))


def test_the_report_says_where_the_risk_lies(publish: Callable[..., PublishedNight]) -> None:
    html = night_report(publish())
    told = _text(html)
    assert re.search(r"settled 36 15.3 % 6 EUR 102 22 EUR 440 under notice 4 – – ", told)
    assert re.search(r"high 10 15.0 % 2 EUR 28 4 EUR 80 ", told)
    assert re.search(r"export 310 120 42 30 54 EUR 777 \+5.0 \+1.0 \+9.0 ", told)
    assert "export (pro) 200 120 30" in told
    assert "export: 310 contacts of 120 customers." in told
    assert "not what causes what" in told
    chart = html[html.index("<title>Most leave among who contacts us about export") :]
    chart = chart[: chart.index("</svg>")]
    assert chart.count('class="bar"') == 2  # topics; pairs are in the table only
    assert chart.count('class="dot"') == 1
    assert "too few" in chart
    assert "&lt;invoice&gt;" in chart


def test_a_row_says_what_moved_it_and_what_happened(publish: Callable[..., PublishedNight]) -> None:
    told = _text(night_report(publish()))
    assert "up 4.0 points since yesterday: 3 complaints in the last 30 days (was 1)" in told
    assert "3 contacts about billing in 7 days, the last one unanswered for 31 h" in told
    assert "settled, high value" in told


def test_a_chart_of_causes_puts_values_where_they_belong() -> None:
    chart = str(charts.cause_chart(["a"], ([5.0], [2.0], [10.0]), ([-2.0], [-4.0], [0.0]), title="t"))
    bar = re.search(r'class="bar" x="190" y="[\d.]+" width="([\d.]+)"', chart)
    dot = re.search(r'class="dot" cx="([\d.]+)"', chart)
    assert bar is not None
    assert dot is not None
    assert float(bar[1]) == pytest.approx(330 * 5 / 10)
    assert float(dot[1]) == pytest.approx(600 + 340 * 2 / 8)


def test_the_report_is_one_sound_file_that_fetches_nothing(publish: Callable[..., PublishedNight]) -> None:
    html = night_report(publish())
    parser = _Balanced()
    parser.feed(html)
    assert parser.open == []
    assert not re.search(r"https?://|<script|<link|<img|@import|url\(", html)
    assert html.count('role="img"') == html.count("<svg") == 10
    assert night_report(publish()) == html


def test_what_came_from_outside_is_escaped(
    publish: Callable[..., PublishedNight], about_the_night: Mapping[str, Any]
) -> None:
    company = {**about_the_night["company"], "name": "<script>alert(1)</script>"}
    html = night_report(publish(company=company, degraded=["crm (customers): <b>no answer</b>"]))
    assert "<script>" not in html
    assert "&lt;b&gt;no answer" in html
    assert "published, degraded" in html


def test_what_jobs_noticed_is_told_by_job(publish: Callable[..., PublishedNight]) -> None:
    html = night_report(publish(notes={"plan_staffing": ["mail: <late>", "chat: 120 s assumed"]}))
    assert "<h3>Staffing plan</h3><ul><li>mail: &lt;late&gt;</li><li>chat: 120 s assumed</li></ul>" in html
    assert "Worth knowing" in _text(html)
    assert "Worth knowing" not in _text(night_report(publish(TUESDAY)))


def test_what_changed_since_the_night_before_is_told(publish: Callable[..., PublishedNight]) -> None:
    before, night = publish(), publish(TUESDAY)
    told = _text(night_report(night, before))
    assert "Since the night of Mon 2026-03-02" in told
    assert re.search(r"contacts [+−]?\d+ %, scheduled agents [+−]?\d+ %", told)


def test_a_night_with_nothing_in_it_still_reports(publish: Callable[..., PublishedNight]) -> None:
    told = _text(night_report(publish(keeps=0, standards={}, watermarks=[])))
    for words in ("No queue needs an agent", "There is no queue to forecast", "Nobody is listed tonight",
                  "Nobody had been listed before tonight", "No contact was measured yet", "No forecast is old enough",
                  "All 0 gates held"):  # fmt: skip
        assert words in told


def test_the_report_of_a_stopped_run_shows_the_evidence_and_what_stays_up(
    publish: Callable[..., PublishedNight],
) -> None:
    gates = publish().frame("gate_results").astype({"sample_keys": "object"})
    is_wait = gates["gate"].str.contains("wait_time")
    gates.loc[is_wait, "is_passed"] = False
    gates.loc[is_wait, "failed_count"] = 12
    gates.loc[is_wait, "sample_keys"] = "i_17, i_<18>"
    html = failure_report(gates, TUESDAY, "Meridian Telecom", "2026-03-02")
    told = _text(html)
    assert "Not published: Tue 2026-03-03" in told
    assert "stopped by 1 gate " in told
    assert "The night of 2026-03-02 stays up" in told
    assert "i_17, i_&lt;18&gt;" in html
    assert told.index("wait_time_s_in_range") < told.index("batch.contacts.row_count")  # blocking ones first
    assert "No earlier night was published" in _text(failure_report(gates, TUESDAY, "M", None))


def test_a_days_range_is_the_published_one(night_tables: Tables) -> None:
    """And not one made of its intervals' quantiles, which do not add up."""
    rows = night_tables(MONDAY)["volume_days"].to_pandas()
    is_day = (rows["scope"] == "queue") & (rows["scope_value"] == "billing") & (rows["local_on"] == TUESDAY)
    rows.loc[is_day, ["contacts", "contacts_p10", "contacts_p90"]] = [900.0, 777.0, 1001.0]
    found = summaries.daily_contacts(rows, days=2)
    assert set(found["local_on"].dt.date) == {MONDAY, TUESDAY}
    (day,) = found[(found["queue"] == "billing") & (found["local_on"] == pd.Timestamp(TUESDAY))].to_dict("records")
    assert (day["contacts"], day["low"], day["high"]) == (900.0, 777.0, 1001.0)
    assert "all" not in set(found["queue"])


@pytest.mark.parametrize(
    ("share", "target", "word"),
    [(0.8, 0.8, "met"), (0.78, 0.8, "near"), (0.74, 0.8, "missed"), (None, 0.8, ""), (0.8, None, "")],
)
def test_verdicts(share: float | None, target: float | None, word: str) -> None:
    assert summaries.verdict(share, target) == word


def test_service_of_the_week_is_weighted_and_measured_against_its_own_standard(
    publish: Callable[..., PublishedNight], about_the_night: Mapping[str, Any]
) -> None:
    kpis = publish().frame("service_kpis")
    last = pd.to_datetime(kpis["local_on"]) == pd.to_datetime(kpis["local_on"]).max()
    kpis.loc[last & (kpis["queue"] == "billing"), ["service_level", "offered_count"]] = [0.0, 10**6]
    week = {row["queue"]: row for row in summaries.service_week(kpis, about_the_night["standards"])}
    assert week["billing"]["share"] < 0.01
    assert week["claims"]["share"] == pytest.approx(0.91)  # first response, not service level
    assert (week["claims"]["verdict"], week["support_chat"]["verdict"]) == ("near", "met")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (numbers.number(-1234567.891, 1), "−1 234 567.9"),
        (numbers.number(None), "–"),
        (numbers.number(-0.04, 1), "0.0"),
        (numbers.signed(-1954.4), "−1 954"),
        (numbers.percent(0.8451, 1), "84.5 %"),
        (numbers.duration(59), "59 s"),
        (numbers.duration(380), "6 min 20 s"),
        (numbers.duration(11100), "3 h 5 min"),
        (numbers.money(12345.4, "EUR"), "EUR 12 345"),
        (numbers.day(MONDAY), "Mon 2026-03-02"),
        (numbers.instant("2026-03-29T01:00:00+00:00", "Europe/Berlin"), "2026-03-29 03:00 Europe/Berlin"),
    ],
)
def test_numbers_read_alike_everywhere(told: str, expected: str) -> None:
    assert told.replace(numbers.THIN, " ") == expected


@pytest.mark.parametrize(("value", "top"), [(0, 1), (0.07, 0.08), (1, 1), (41, 50), (101, 150), (999, 1000)])
def test_axes_end_on_round_numbers(value: float, top: float) -> None:
    assert charts.nice_ceiling(value) == pytest.approx(top)


def test_missing_errors_draw_nothing() -> None:
    nothing = float("nan")
    svg = charts.accuracy_chart(["1 d", "2-3 d"], [0.1, nothing], [0.2, nothing], [nothing, nothing], title="t")
    assert (svg.count("<rect"), svg.count('class="rival"'), svg.count('class="floor"')) == (1, 1, 0)


def test_the_price_of_a_missing_agent_is_told_by_queue(publish: Callable[..., PublishedNight]) -> None:
    text = _text(night_report(publish()))
    section = text[text.index("The price of a missing agent") :]
    assert "Each minute of waiting costs." in section
    assert "Naively it would seem to cost more." in section
    assert "One agent more is worth most on Mon 2026-03-02" in section


def test_without_a_price_the_reason_stands_there_and_no_table(
    tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]
) -> None:
    tables = night_tables(MONDAY)
    tables["agent_value"] = tables["agent_value"].slice(0, 0)
    night = publish_night(tmp_path, MONDAY, tables, dict(about_the_night), lambda _: None)
    text = _text(night_report(night))
    assert "Each minute of waiting costs." in text
    assert "One less loses" not in text
    tables["wait_effect"] = tables["wait_effect"].slice(0, 0)
    later = publish_night(tmp_path, TUESDAY, tables, dict(about_the_night), lambda _: None)
    assert "The price of a missing agent" not in _text(night_report(later))


def test_holidays_and_events_ahead_are_told_with_what_they_do(publish: Callable[..., PublishedNight]) -> None:
    html = night_report(publish())
    assert "<li>campaign, Tue 2026-03-10: " in html
    told = html.replace(numbers.THIN, " ")
    assert "Good Friday, Fri 2026-04-03: claims −60 %, support_chat −55 %, billing −50 %" in told
    assert html.index("campaign, Tue") < html.index("Good Friday, Fri")
    assert "24 December" not in html  # nobody knows yet when it comes next
    assert "Ascension Day" not in html  # ten weeks ahead


def test_what_moved_and_what_overrides_were_worth_are_told(publish: Callable[..., PublishedNight]) -> None:
    html = night_report(publish())
    assert "billing, Mon 2026-03-02: 620 contacts instead of 500 (+120): overrides +100, new data +15" in html
    assert "claims, Mon 2026-03-02: 300 contacts instead of 310 (−10): new data −10" in html
    assert html.index("billing, Mon 2026-03-02: 620") < html.index("claims, Mon 2026-03-02: 300")
    assert "Override 5: made the forecast better by 60 contacts misplaced over 5 days" in html
    assert "Override 7: made it worse by 40 contacts" in html


def test_the_report_says_who_works_and_what_stays_uncovered(publish: Callable[..., PublishedNight]) -> None:
    html = night_report(publish())
    told = _text(html)
    assert "2 shifts of 1 people, 8 paid hours for 9 required" in told
    assert "■ not all covered 1.0 agent hours in 2 intervals have nobody. 1 shift is open" in told
    assert "billing Mon 2026-03-02 16:00 1 0.0 1.0 1 missing; overtime of 1 (1 stay, 0 come earlier" in told
    assert re.search(r"billing 82.0 % 71 % 93 % 60 % 14 s 6 s to 31 s 3.0 % 1 % to 6 % 80 % 72 % to 87 %", told)
    assert html.count('class="lacks"') == 2
    assert "Mon 2026-03-02 billing 1" in told
    _Balanced().feed(html)


def test_the_report_says_where_the_minutes_of_the_list_come_from(publish: Callable[..., PublishedNight]) -> None:
    night = publish()
    html = night_report(night)
    told = _text(html)
    assert "24 of 480 minutes are placed" in told
    assert "retention Mon 2026-03-02 firm 480 24 5 % 2 EUR 30" in told
    assert "One agent more in retention would not pay for himself by outreach alone: 330 min worth EUR 250" in told
    assert "Retention: as many a day as the settings say ( outreach.team_minutes , outreach.pools ), not from" in told
    assert "Nobody calls in the minutes of care: no pool takes them." in told
    # From ten on 21, 21, 0 and 0 minutes firm and 6 each if it is quiet, half hour by half hour.
    assert "Queues 10 11 billing 42+12 0+12" in told
    assert "Shrinkage: 30.0 % of paid time: sick 30.0 % (agent_time of 56 days)." in told
    assert "support_chat: a contact takes 600 s alone, 780 s with 2 at once." in told
    (night.folder / "usable_minutes.parquet").unlink()
    assert "24 of 480 minutes are placed" in _text(night_report(night))
    (night.folder / "outreach_placed.parquet").unlink()
    assert 'id="minutes"' not in night_report(night)


def test_a_night_without_shifts_has_no_such_section(publish: Callable[..., PublishedNight]) -> None:
    night = publish()
    for name in ("shift_plan", "shift_coverage", "shift_service", "capacity_plan"):
        (night.folder / f"{name}.parquet").unlink()
    assert 'id="shifts"' not in night_report(night)


def test_notes_of_every_job_stand_under_words_that_people_use() -> None:
    assert set(NIGHT) <= set(NOTES_OF)
    assert not [title for title in NOTES_OF.values() if "_" in title or title[0].islower()]


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("26,108 contacts of 2,395 customers", "26 108 contacts of 2 395 customers"),
        ("by -0.37 points (-1.54 to +0.80)", "by −0.37 points (−1.54 to +0.80)"),
        ("EUR -1,234.50 on 2026-03-02, 12:15-12:45, 4-7 days", "EUR −1 234.50 on 2026-03-02, 12:15-12:45, 4-7 days"),
        ("0.1% of 1,2 and 95 %", "0.1 % of 1,2 and 95 %"),
        ("`chat_de` <b>", "<code>chat_de</code> &lt;b&gt;"),
    ],
)
def test_sentences_of_jobs_have_the_numbers_of_the_page(told: str, read: str) -> None:
    assert numbers.prose(told).replace(numbers.THIN, " ") == read


def test_weeks_and_sizes_are_told_as_far_as_anybody_would_wait() -> None:
    assert [numbers.weeks(count) for count in (31.14, 260.0, 261.0, None)] == [
        "31.1", "260.0", "more than 5 years", "not at this rate",
    ]  # fmt: skip
    sizes = [numbers.size(size).replace(numbers.THIN, " ") for size in (0.01, 0.05, 0.025, None)]
    assert sizes == ["1 point", "5 points", "2.5 points", "–"]


def test_nobody_waits_who_writes_and_self_service_takes_no_agent_time(
    publish: Callable[..., PublishedNight], about_the_night: Mapping[str, Any]
) -> None:
    kpis = publish().frame("service_kpis")
    kpis.loc[kpis["queue"] == "claims", "asa_s"] = 0.0
    is_portal = kpis["queue"] == "support_chat"
    kpis.loc[is_portal, "channel"] = "self_service"
    kpis.loc[is_portal, "handle_time_s"] = 0.0
    week = {row["queue"]: row for row in summaries.service_week(kpis, about_the_night["standards"])}
    assert (week["claims"]["asa_s"], week["claims"]["handle_time_s"]) == (None, 330.0)
    assert (week["support_chat"]["asa_s"], week["support_chat"]["handle_time_s"]) == (None, None)
    assert week["billing"]["asa_s"] == 24.0


def test_a_day_below_its_standard_is_red_whatever_the_mean_of_the_plan(
    publish: Callable[..., PublishedNight], about_the_night: Mapping[str, Any]
) -> None:
    night = publish()
    tables = {name: night.frame(name) for name in (
        "shift_plan", "shift_coverage", "shift_service", "capacity_plan", "staffing_requirement")}  # fmt: skip
    days = pd.date_range(MONDAY, periods=10).date
    tables["shift_service"] = pd.concat([tables["shift_service"]] * 10, ignore_index=True).assign(
        local_on=days, service_level=[0.0, 0.799, 0.8] + [1.0] * 7
    )
    found = shift_section(tables, MONDAY, "Europe/Berlin", about_the_night["standards"])
    assert found is not None
    assert found["next"]["days"] == list(days[:7])
    (row,) = found["next"]["rows"]
    assert (row["name"], row["target"]) == ("billing", pytest.approx(0.8))
    assert [is_below for _, is_below in row["cells"]] == [True, True, False, False, False, False, False]


def test_minutes_say_which_teams_lend_them_and_which_do_not(publish: Callable[..., PublishedNight]) -> None:
    night = publish()
    placed, usable = night.frame("outreach_placed"), night.frame("usable_minutes")
    lent = minutes_of_outreach(placed.assign(lent_by="care"), usable, "Europe/Berlin", "EUR")
    assert lent is not None
    assert lent["sources"][0].startswith("retention: from the shifts of care; firm are their agents beyond")
    assert lent["not_lent"] == []
    before = minutes_of_outreach(placed.assign(lent_by=None), usable, "Europe/Berlin", "EUR")
    assert before is not None
    assert (before["sources"], before["not_lent"]) == ([], [])


def test_a_queue_on_which_the_rival_was_better_is_marked(
    tmp_path: Path, night_tables: Tables, about_the_night: Mapping[str, Any]
) -> None:
    tables = night_tables(MONDAY)
    rows = tables["forecast_accuracy"].to_pandas()
    rows.loc[rows["queue"] == "claims", "rival_wape"] = 0.1
    tables["forecast_accuracy"] = pa.Table.from_pandas(
        rows, schema=tables["forecast_accuracy"].schema, preserve_index=False
    )
    html = night_report(publish_night(tmp_path, MONDAY, tables, dict(about_the_night), lambda _: None))
    marked = re.findall(r'<tr><th scope="row">(\w+)</th>(?:(?!</tr>).)*rival is better', html)
    assert marked == ["claims"]
