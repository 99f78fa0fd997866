"""Whose minutes there are: of the settings, or of the shifts that are planned."""

from datetime import date, timedelta

import pandas as pd
import pytest

from forestall.outreach.capacity import idle_hours, slots, told, with_rostered
from forestall.sections import OutreachSettings, PoolSettings

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)


def usable(*rows):
    columns = ["team", "languages", "skills", "local_on", "firm_minutes", "if_quiet_minutes"]
    return pd.DataFrame(rows, columns=columns)


CARE = usable(
    ("care", "de,en", "phone", MONDAY, 30.0, 8.0),
    ("care", "de", "phone", MONDAY, 20.0, 4.0),
    ("care", "de", "phone", MONDAY, 10.0, 0.0),
    ("care", "", "chat", MONDAY, 5.0, None),
    ("care", "de", "phone", TUESDAY, 0.0, None),
)


def minutes(settings, rows=CARE, **more):
    return slots(settings, MONDAY, rows, **more).set_index(["pool", "day"])["minutes"].to_dict()


def test_a_team_with_shifts_gives_its_usable_minutes_and_another_those_of_the_settings():
    settings = OutreachSettings(team_minutes={"care": 400, "success": 50}, plan_days=2, if_quiet_share=0.1)
    assert minutes(settings) == {("care", 0): 65.0, ("success", 0): 50.0, ("care", 1): 0.0, ("success", 1): 50.0}
    assert minutes(settings, if_quiet=True) == {
        ("care", 0): 12.0, ("success", 0): 5.0, ("care", 1): 0.0, ("success", 1): 5.0
    }  # fmt: skip


@pytest.mark.parametrize("rows", [None, CARE.iloc[:0]])
def test_without_shifts_all_is_as_the_settings_say(rows):
    assert minutes(OutreachSettings(team_minutes={"care": 400}), rows) == {("care", 0): 400.0}


def test_the_settings_may_be_asked_for():
    settings = OutreachSettings(team_minutes={"care": 400}, minutes_from="settings")
    assert minutes(settings) == {("care", 0): 400.0}
    assert minutes(settings, if_quiet=True) == {("care", 0): 0.0}


def test_agents_are_in_the_first_pool_that_they_fit():
    pools = {
        "english": PoolSettings(team="care", minutes=1, languages=("en",)),
        "german": PoolSettings(team="care", minutes=1, languages=("de",), skills=("phone",)),
        "rest": PoolSettings(team="care", minutes=1),
    }
    settings = OutreachSettings(team_minutes={}, pools=pools)
    assert minutes(settings) == {("english", 0): 30.0, ("german", 0): 30.0, ("rest", 0): 5.0}
    assert minutes(settings.model_copy(update={"pools": {"german": pools["german"]}})) == {("german", 0): 60.0}


def test_teams_that_serve_queues_lend_theirs_to_the_team_that_owns_the_actions():
    pools = {
        "own": PoolSettings(team="retention", minutes=100),
        "lent": PoolSettings(team="retention", minutes=999, languages=("de",), lent_by=("care", "chat")),
    }
    settings = OutreachSettings(team_minutes={}, pools=pools)
    found = slots(settings, MONDAY, CARE)
    assert found["team"].tolist() == ["retention", "retention"]
    assert minutes(settings) == {("own", 0): 100.0, ("lent", 0): 60.0}


def test_a_team_that_owns_an_action_and_has_shifts_need_not_be_named(playbook):
    settings = with_rostered(OutreachSettings(team_minutes={"success": 50}), playbook, CARE)
    assert minutes(settings) == {("success", 0): 50.0, ("care", 0): 65.0}
    other = usable(("floor", "de", "phone", MONDAY, 30.0, 8.0))  # owns no action
    assert minutes(with_rostered(OutreachSettings(team_minutes={"success": 50}), playbook, other), other) == {
        ("success", 0): 50.0
    }


def test_shifts_that_leave_nobody_free_are_told(playbook):
    settings = OutreachSettings(team_minutes={"care": 100, "success": 50})
    assert told(playbook, settings, MONDAY, CARE) == []
    assert told(playbook, settings, TUESDAY, CARE) == [
        "team `care` has no usable minutes in its shifts, so nobody can do: fix, credit_call"
    ]


def test_when_agents_of_a_pool_have_time_is_told_by_the_sites_clock():
    """Half hours of Monday: care speaks German until eleven, with a gap; English has half a minute only."""
    starts = pd.date_range(f"{MONDAY} 09:00", periods=5, freq="30min", tz="Europe/Berlin").tz_convert("UTC")
    minutes = {"de": [10.0, 20.0, 0.0, 4.0, 0.6], "en": [0.5] * 5}
    rows = pd.concat([
        usable(*(("care", language, "phone", MONDAY, firm, 7.0) for firm in own)).assign(interval_start_at=starts)
        for language, own in minutes.items()
    ])  # fmt: skip
    pools = {name: PoolSettings(team="care", minutes=1, languages=(name,)) for name in ("de", "en")}
    settings = OutreachSettings(pools=pools)
    firm = idle_hours(settings, rows, "Europe/Berlin", 30, if_quiet=False)
    assert firm == {("de", MONDAY): "09:00-10:00, 10:30-11:00"}
    quiet = idle_hours(settings, rows, "America/New_York", 30, if_quiet=True)
    assert quiet == dict.fromkeys((("de", MONDAY), ("en", MONDAY)), "03:00-05:30")
