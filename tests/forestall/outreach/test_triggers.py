import numpy as np
import pytest
import yaml

from forestall.outreach.playbook import TEMPLATE, Playbook
from forestall.outreach.triggers import FACTS, find_triggers, tell


@pytest.fixture
def shipped():
    return Playbook.model_validate(yaml.safe_load(TEMPLATE.read_text("utf-8")))


@pytest.mark.parametrize(
    ("columns", "trigger", "sentence"),
    [
        ({"is_complaint_unanswered_24h": True, "complaint": "complaint about price without an answer for 31 h"},
         "complaint_unanswered", "complaint about price without an answer for 31 h"),
        ({"is_complaint_unanswered_24h": True}, "complaint_unanswered", "complaint without an answer"),
        ({"is_first_response_late": True}, "first_response_late", "first response is later than promised"),
        ({"is_under_notice": True, "notice_given_days": 0}, "notice_given", "notice given yesterday"),
        ({"is_under_notice": True, "notice_given_days": 22}, "notice_given", "notice given 23 days ago"),
        ({"is_under_notice": True, "notice_given_days": np.nan}, "notice_given", "notice given some time ago"),
        ({"low_csat_7d": 2.0, "satisfaction": "satisfaction 2 of 5, yesterday"}, "low_csat",
         "satisfaction 2 of 5, yesterday"),
        ({"repeat_topic_7d": "billing"}, "repeated_topic", "three or more contacts on one topic in 7 days"),
        ({"failed_payment_count_30d": 1.0}, "payment_failed", "1 failed payment in the last 30 days"),
        ({"failed_payment_count_30d": 2.0}, "payment_failed", "2 failed payments in the last 30 days"),
        ({"failed_payment_count_30d": np.nan, "is_under_notice": None}, None, None),
    ],
)  # fmt: skip
def test_each_fact_has_its_trigger_and_sentence(candidates, shipped, columns, trigger, sentence):
    rows = candidates(1, **columns)
    found = find_triggers(rows, shipped)
    assert found[0] == trigger
    assert tell(found, rows, shipped)[0] == sentence


def test_every_trigger_of_the_playbook_has_a_fact(shipped):
    assert set(FACTS) == set(shipped.triggers)


def test_the_most_urgent_wins_and_the_playbook_says_which_that_is(candidates, shipped):
    rows = candidates(1, is_under_notice=True, low_csat_7d=1.0)
    assert find_triggers(rows, shipped)[0] == "notice_given"
    turned = shipped.model_copy(update={"triggers": dict(reversed(shipped.triggers.items()))})
    assert find_triggers(rows, turned)[0] == "low_csat"


def test_a_trigger_that_the_playbook_does_not_name_is_not_acted_on(candidates, playbook):
    assert find_triggers(candidates(1, failed_payment_count_30d=3), playbook)[0] is None


def test_a_value_that_is_not_known_is_said_to_be_so(candidates, shipped):
    rule = shipped.triggers["complaint_unanswered"].model_copy(update={"sentence": "open for {open_complaint_for}"})
    book = shipped.model_copy(update={"triggers": shipped.triggers | {"complaint_unanswered": rule}})
    for hours, text in ((np.nan, "open for (not known)"), (31.4, "open for 31 h"), (300.0, "open for 12 days")):
        rows = candidates(1, is_complaint_unanswered_24h=True, open_complaint_h=hours)
        assert tell(find_triggers(rows, book), rows, book)[0] == text


@pytest.mark.parametrize("form", [":d", ":.0f", "!x", ":>08s"])
def test_a_format_that_the_value_does_not_take_leaves_the_value_and_stops_no_night(candidates, shipped, form):
    rows = candidates(2, low_csat_7d=[2.0, np.nan], is_under_notice=[False, True])
    rule = shipped.triggers["low_csat"].model_copy(update={"sentence": f"gave {{low_csat_7d{form}}} of 5: call"})
    book = shipped.model_copy(update={"triggers": {"low_csat": rule}})
    expected = "gave 2 of 5: call" if form == ":.0f" else "gave 2.0 of 5: call"
    assert tell(find_triggers(rows, book), rows, book).tolist() == [expected, None]
