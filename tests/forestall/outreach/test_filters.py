"""Each filter by itself: what it holds back, what it lets pass, and which one is named."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from forestall.outreach.filters import FILTERS, Limits, suppression_reasons

LIMITS = Limits(cutoff=datetime(2026, 3, 2, tzinfo=UTC), run_date=date(2026, 3, 2), cooldown_days=30)


def reason(candidates, **columns):
    usual = {"channel": "phone", "is_owed": False, "held_out_on": None, "is_do_not_disturb": False}
    found = suppression_reasons(candidates(1).assign(**usual | columns), LIMITS)[0]
    return None if pd.isna(found) else found


def at(text):
    return pd.Timestamp(text, tz="UTC")


@pytest.mark.parametrize(
    ("columns", "held_by"),
    [
        ({}, None),
        ({"has_do_not_contact": True}, "do_not_contact"),
        ({"is_minor": True}, "minor"),
        ({"is_protected": True}, "protected"),
        ({"is_minor": None, "is_protected": None, "has_do_not_contact": None}, None),
        ({"is_profiling_allowed": False}, "profiling_refused"),
        ({"is_profiling_allowed": None}, None),
        ({"can_phone": False}, "no_consent"),
        ({"can_phone": None}, None),  # the company has no consents at all
        ({"can_phone": False, "channel": "email"}, None),
        ({"can_email": False, "channel": "email"}, "no_consent"),
        ({"can_chat": False, "channel": "chat"}, "no_consent"),
        ({"is_do_not_disturb": True}, "do_not_disturb"),
        ({"is_do_not_disturb": True, "is_owed": True}, None),
        ({"has_open_complaint": True}, "complaint_owned"),
        ({"has_open_complaint": True, "is_complaint_unanswered_24h": True}, None),
        ({"last_outreach_at": at("2026-02-01"), "last_outreach_result": "declined"}, "cooldown"),
        ({"last_outreach_at": at("2026-01-30 12:00"), "last_outreach_result": "declined"}, None),
        ({"last_outreach_at": at("2026-02-20"), "last_outreach_result": "not_reached"}, None),
        ({"last_outreach_at": at("2026-02-20"), "last_outreach_result": "callback"}, None),
        ({"last_outreach_at": at("2026-02-20"), "last_outreach_result": "reached", "is_owed": True}, None),
        ({"held_out_on": date(2026, 1, 31)}, "cooldown"),
        ({"held_out_on": date(2026, 1, 30)}, None),
        ({"is_owed": True, "is_minor": True}, "minor"),  # what is owed does not lift any other rule
        ({"has_do_not_contact": True, "is_minor": True, "can_phone": False}, "do_not_contact"),
    ],
)
def test_one_by_one(candidates, columns, held_by):
    assert reason(candidates, **columns) == held_by


def test_the_table_above_tries_every_filter():
    tried = {case[1] for case in test_one_by_one.pytestmark[0].args[1]}
    assert set(FILTERS) <= tried
