"""Facts in words: which are told, in which order, and that nothing is made of what is not known."""

import pandas as pd
import pytest

from forestall.outreach.evidence import joined, told_facts

NOTHING = {
    "topic": None, "product": None, "contact_count_7d": None, "contact_count_30d": None, "last_contact_days": None,
    "last_unanswered_h": None, "is_last_given_up": None, "complaint_topic": None, "complaint_open_h": None,
    "is_complaint_unanswered": None, "lowest_csat_30d": None, "lowest_csat_days": None, "given_up_count_30d": None,
    "given_up_wait_s_max": None,
}  # fmt: skip
BILLING = {"topic": "billing", "contact_count_7d": 3, "contact_count_30d": 4, "last_contact_days": 2}


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (BILLING | {"last_unanswered_h": 31},
         "3 contacts about billing in 7 days, the last one unanswered for 31 h"),
        (BILLING | {"contact_count_7d": 1, "product": "Comfort"}, "4 contacts about billing (Comfort) in 30 days"),
        (BILLING | {"is_last_given_up": True}, "3 contacts about billing in 7 days, the last one given up"),
        (BILLING | {"contact_count_7d": 0, "contact_count_30d": 1, "last_unanswered_h": 80, "last_contact_days": 4},
         "contact about billing 4 days ago, unanswered for 3 days"),
        ({"complaint_topic": "price", "complaint_open_h": 50, "is_complaint_unanswered": True},
         "complaint about price without an answer for 50 h"),
        (BILLING | {"last_unanswered_h": 50, "complaint_topic": "billing", "complaint_open_h": 50,
                    "is_complaint_unanswered": True},
         "complaint about billing without an answer for 50 h | 3 contacts about billing in 7 days"),
        (BILLING | {"last_unanswered_h": 5, "complaint_topic": "billing", "complaint_open_h": 50,
                    "is_complaint_unanswered": True},
         "complaint about billing without an answer for 50 h"
         " | 3 contacts about billing in 7 days, the last one unanswered for 5 h"),
        (BILLING | {"last_unanswered_h": 50, "complaint_topic": "price", "complaint_open_h": 50,
                    "is_complaint_unanswered": True},
         "complaint about price without an answer for 50 h"
         " | 3 contacts about billing in 7 days, the last one unanswered for 50 h"),
        ({"complaint_open_h": 100, "is_complaint_unanswered": False}, "complaint open for 4 days"),
        ({"lowest_csat_30d": 1, "lowest_csat_days": 1}, "satisfaction 1 of 5, yesterday"),
        ({"given_up_count_30d": 2, "given_up_wait_s_max": 700},
         "gave up waiting twice in 30 days, after 12 min at most"),
        ({"given_up_count_30d": 3}, "gave up waiting 3 times in 30 days"),
    ],
)  # fmt: skip
def test_a_fact_is_told_as_an_agent_would_say_it(facts, text):
    told = told_facts(pd.DataFrame([{"customer_id": "a"} | NOTHING | facts]))
    assert joined(told).to_dict() == {"a": text}


def test_the_most_pressing_comes_first_and_no_more_than_three():
    everything = BILLING | {
        "complaint_open_h": 20, "is_complaint_unanswered": True, "lowest_csat_30d": 2, "lowest_csat_days": 9,
        "given_up_count_30d": 5,
    }  # fmt: skip
    rows = pd.DataFrame(
        [{"customer_id": name} | NOTHING | facts for name, facts in (("b", everything), ("a", BILLING))]
    )
    told = joined(told_facts(rows))
    assert told["b"].split(" | ") == [
        "complaint without an answer for 20 h",
        "3 contacts about billing in 7 days",
        "satisfaction 2 of 5, 9 days ago",
    ]
    assert told["a"] == "3 contacts about billing in 7 days"


def test_what_proves_nothing_is_not_told():
    once = BILLING | {"contact_count_7d": 1, "contact_count_30d": 1}
    gave_up_once = {"given_up_count_30d": 1}
    long_ago = once | {"is_last_given_up": True, "last_contact_days": 23}
    every = (once, gave_up_once, long_ago, {})
    rows = pd.DataFrame([{"customer_id": str(at)} | NOTHING | facts for at, facts in enumerate(every)])
    assert joined(told_facts(rows)).isna().all()
    assert joined(told_facts(rows.iloc[:0])).empty
