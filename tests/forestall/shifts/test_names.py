"""What reviewed files say of queues that there are not is told with the place and the nearest name."""

import pytest

from forestall.settings import ConfigError
from forestall.shifts.names import without_effect

CHANNELS = {"hot_a": "phone", "hot_b": "phone", "mail": "email", "unknown": None}
GOOD = {
    "standards.yml": "queues:\n  hot_a: {threshold_s: 30}\n  mail: {clock: business}\n  unknown: {clock: business}\n",
    "calendar.yml": "queues:\n  hot_b: {hours: 08:00-20:00}\nclosures:\n  - {starts_on: 2026-03-02, queues: [mail]}\n",
    "staffing.yml": "groups:\n  hot: [hot_a, hot_b]\n  mail: [mail]\n",
}


@pytest.fixture
def told(company, tmp_path):
    def told(file="standards.yml", old="", new=""):
        assert old in GOOD[file]
        for name, text in GOOD.items():
            (tmp_path / name).write_text(text.replace(old, new) if old and name == file else text, encoding="utf-8")
        return without_effect(company(""), CHANNELS)

    return told


def test_of_files_in_which_every_name_is_a_queue_nothing_is_said(told, company):
    assert told() == []


def test_a_company_without_the_files_hears_nothing(company):
    assert without_effect(company(""), CHANNELS) == []


STRANGER = "is forecast, so it changes nothing;"


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("standards.yml", "hot_a:", "hot_aa:", f"2: queues.hot_aa: no queue `hot_aa` {STRANGER} meant `hot_a`?"),
        (
            "standards.yml",
            "hot_a:",
            "zzz:",
            f"2: queues.zzz: no queue `zzz` {STRANGER} known: hot_a, hot_b, mail, unknown",
        ),
        (
            "standards.yml",
            "threshold_s: 30",
            "first_response_s: 30",
            "2: queues.hot_a.first_response_s: phone is live, `first_response_s` has no meaning there;"
            " use service_level and threshold_s; it changes nothing",
        ),
        (
            "standards.yml",
            "mail: {clock: business}",
            "mail: {patience_s: 60}",
            "3: queues.mail.patience_s: email is deferred, `patience_s` has no meaning there;"
            " use first_response_s; it changes nothing",
        ),
        ("calendar.yml", "hot_b:", "hotb:", f"2: queues.hotb: no queue `hotb` {STRANGER} meant `hot_b`?"),
        ("calendar.yml", "[mail]", "[mail, mial]", f"4: closures.0.queues.1: no queue `mial` {STRANGER} meant `mail`?"),
        ("staffing.yml", "hot_b]", "hot_c]", f"2: groups.hot.1: no queue `hot_c` {STRANGER} meant `hot_b`?"),
    ],
)
def test_a_name_that_no_queue_has_and_a_standard_of_another_channel_are_told(told, file, old, new, line):
    assert told(file, old, new) == [f"{file}:{line}"]


def test_a_group_with_the_name_of_a_queue_outside_of_it_is_refused(told):
    with pytest.raises(ConfigError, match=r"staffing.yml:2: groups.unknown: a queue outside of the group has its name"):
        told("staffing.yml", "hot:", "unknown:")
