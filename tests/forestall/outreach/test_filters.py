"""Each filter by itself: what it holds back, what it lets pass, and which one is named."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from forestall.outreach.filters import FILTERS, Limits, suppression_reasons

LIMITS = Limits(
    cutoff=datetime(2026, 3, 2, tzinfo=UTC), run_date=date(2026, 3, 2), cooldown_days=30, contact_limit=3,
    contact_limit_days=30,
)  # fmt: skip

OFTEN = {"reached_day_count_30d": 3}


def reason(candidates, **columns):
    usual = {"channel": "phone", "purpose": "marketing", "is_owed": False, "trigger_days": 3.0, "held_out_on": None,
             "call_hours": "09:00-20:00", "is_unspoken": False, "is_do_not_disturb": False}  # fmt: skip
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
        ({"is_do_not_disturb": True}, "do_not_disturb"),
        ({"is_do_not_disturb": True, "is_owed": True}, None),
        ({"can_phone_marketing": False}, "no_consent"),
        ({"can_phone_marketing": None}, None),  # the company has no consents at all
        ({"can_phone_marketing": False, "channel": "email"}, None),
        ({"can_phone_marketing": False, "purpose": "service"}, None),
        ({"can_phone_service": False, "purpose": "service"}, "no_consent"),
        ({"can_phone_service": False}, None),
        ({"can_email_marketing": False, "channel": "email"}, "no_consent"),
        ({"can_chat_marketing": False, "channel": "chat"}, "no_consent"),
        ({"has_open_complaint": True}, "complaint_owned"),
        ({"has_open_complaint": True, "is_complaint_unanswered_24h": True}, None),
        ({"last_reached_at": at("2026-02-01")}, "cooldown"),
        ({"last_reached_at": at("2026-01-30 12:00")}, None),
        ({"last_reached_at": at("2026-02-20"), "is_owed": True}, None),
        # an answer that was given, or withheld, since its want was first known is owed no more
        ({"last_reached_at": at("2026-02-26 23:59"), "is_owed": True}, None),
        ({"last_reached_at": at("2026-02-27"), "is_owed": True}, "cooldown"),
        ({"last_reached_at": at("2026-01-20"), "is_owed": True, "trigger_days": 50.0}, None),
        ({"last_reached_at": at("2026-01-20"), "is_owed": True, "trigger_days": 50.0, **OFTEN}, "contact_limit"),
        ({"last_reached_at": at("2026-01-20"), "is_owed": True, "trigger_days": 30.0, **OFTEN}, None),
        ({"last_reached_at": at("2026-02-27"), "is_owed": True, "is_do_not_disturb": True}, "do_not_disturb"),
        ({"held_out_on": date(2026, 2, 26), "is_owed": True}, None),
        ({"held_out_on": date(2026, 2, 27), "is_owed": True}, "cooldown"),
        ({"held_out_on": date(2026, 1, 31)}, "cooldown"),
        ({"held_out_on": date(2026, 1, 30)}, None),
        (OFTEN, "contact_limit"),
        ({"reached_day_count_30d": 2, "reached_day_count_90d": 9}, None),
        ({**OFTEN, "is_owed": True}, None),
        ({"call_hours": None}, "quiet_hours"),
        ({"call_hours": None, "channel": "email"}, None),
        ({"is_unspoken": True}, "no_speaker"),
        ({"is_owed": True, "is_minor": True}, "minor"),  # what is owed does not lift any other rule
        ({"has_do_not_contact": True, "is_minor": True, "can_phone": False}, "do_not_contact"),
    ],
)
def test_one_by_one(candidates, columns, held_by):
    assert reason(candidates, **columns) == held_by


def test_the_table_above_tries_every_filter():
    tried = {case[1] for case in test_one_by_one.pytestmark[0].args[1]}
    assert set(FILTERS) <= tried
