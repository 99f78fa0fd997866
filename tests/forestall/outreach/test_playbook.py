"""A mistake in the playbook is one line that says where; the one we ship is valid."""

from dataclasses import dataclass

import pytest
import yaml

from forestall.outreach.playbook import TEMPLATE, Action, Playbook, load_playbook, missing_scripts
from forestall.settings import ConfigError

VALID = """\
offers:
  credit: {cost: 20, acceptance: 0.5}
actions:
  call:
    team: care
    offer: credit
    save_probability: 0.2
    minutes: 10
reasons:
  default: {actions: [call]}
triggers:
  low_csat: {action: call, sentence: "gave {low_csat_7d:.0f}", days_to_act: 1}
"""


@pytest.fixture
def load(company, tmp_path):
    def from_text(text):
        (tmp_path / "playbook.yml").write_text(text, encoding="utf-8")
        return load_playbook(company(""))

    return from_text


@dataclass
class Case:
    old: str
    new: str
    line: int
    told: str


@pytest.mark.parametrize(
    "case",
    [
        Case("minutes: 10", "minuts: 10", 8, "actions.call.minuts"),
        Case("minutes: 10", "minutes: ten", 8, "actions.call.minutes"),
        Case("minutes: 10", "minutes: 0", 8, "actions.call.minutes"),
        Case("save_probability: 0.2", "save_probability: 20", 7, "actions.call.save_probability"),
        Case("cost: 20", "cost: cheap", 2, "offers.credit.cost"),
        Case("cost: 20", "cost: -1", 2, "offers.credit.cost"),
        Case("offer: credit", "offer: credti", 6, "there is no offer `credti`; meant `credit`?"),
        Case("actions: [call]", "actions: [cal]", 10, "there is no action `cal`; meant `call`?"),
        Case("actions: [call]", "actions: []", 10, "reasons.default.actions"),
        Case("action: call", "action: none", 12, "there is no action `none`"),
        Case("default:", "waits:", 9, "`default` is missing"),
        Case("low_csat:", "low_cast:", 12, "triggers.low_cast"),
        Case("{low_csat_7d:.0f}", "{low_csat}", 12, "`{low_csat}` cannot be quoted; meant `low_csat_7d`?"),
        Case("{low_csat_7d:.0f}", "{low_csat_7d:d}", 12, "`{low_csat_7d:d}` is no way to write such a value"),
        Case("{low_csat_7d:.0f}", "{low_csat_7d!x}", 12, "write `{low_csat_7d:.0f}`"),
        Case("{low_csat_7d:.0f}", "{low_csat_7d:99999999f}", 12, "write `{low_csat_7d:.0f}`"),
        Case("{low_csat_7d:.0f}", "{failed_payment_count_30d:d}", 12, "write `{failed_payment_count_30d:.0f}`"),
        Case("{low_csat_7d:.0f}", "{repeat_topic_7d:.0f}", 12, "write `{repeat_topic_7d}`"),
        Case("{low_csat_7d:.0f}", "{low_csat_7d:{width}}", 12, "write `{low_csat_7d:.0f}`"),
        Case("{low_csat_7d:.0f}", "{low_csat_7d:.0f", 12, "triggers.low_csat.sentence: "),
        Case("offers:", "calling_hours: [20, 9]\noffers:", 1, "calling_hours: from 20 to 9 is no time at all"),
        Case("offers:", "calling_hours: [9, 9]\noffers:", 1, "calling_hours: from 9 to 9 is no time at all"),
        Case("offers:", "ofers:", 1, "ofers"),
        Case("team: care", "team: care\n    purpose: selling", 6, "actions.call.purpose"),
        Case("offers:", "saved_churn_ratio: {home: 2}\noffers:", 1, "`default` is missing"),
        Case("offers:", "saved_churn_ratio: {default: much}\noffers:", 1, "saved_churn_ratio.default"),
        Case("offers:", "list_shares: {save_que: 0.5}\noffers:", 1, "list_shares.save_que"),
        Case("offers:", "list_shares: {save_queue: 1.5}\noffers:", 1, "list_shares.save_queue"),
    ],
    ids=lambda case: case.new,
)
def test_a_mistake_is_one_line_with_its_number(load, case):
    assert case.old in VALID
    with pytest.raises(ConfigError) as error:
        load(VALID.replace(case.old, case.new))
    assert f"playbook.yml:{case.line}: " in str(error.value)
    assert case.told in str(error.value)
    assert "\n" not in str(error.value)


def test_top_level_and_cost_are_told_in_words(load):
    with pytest.raises(ConfigError, match=r"playbook.yml:1: a list stands where the file's keys should be; known: act"):
        load("- " + VALID.replace("\n", "\n  "))
    with pytest.raises(ConfigError, match=r"offers.credit.cost: `cheap` is no number; write one such as 12.50$"):
        load(VALID.replace("cost: 20", "cost: cheap"))


def test_what_is_written_is_read(load):
    call = load(VALID).actions["call"]
    assert (call.team, call.channel, call.offer, call.minutes) == ("care", "phone", "credit", 10)


def test_without_a_file_the_one_we_ship_holds(company):
    assert load_playbook(company("")) == Playbook.model_validate(yaml.safe_load(TEMPLATE.read_text("utf-8")))


def test_every_script_that_the_template_names_is_there_and_one_that_is_not_is_named(load, tmp_path):
    book = Playbook.model_validate(yaml.safe_load(TEMPLATE.read_text("utf-8")))
    assert all(action.script for action in book.actions.values())
    assert missing_scripts(book, TEMPLATE.parent) == []
    mine = load(VALID.replace("minutes: 10", "minutes: 10\n    script: scripts/call.md"))
    assert missing_scripts(mine, tmp_path) == ["call (scripts/call.md)"]
    linked = load(VALID.replace("minutes: 10", "minutes: 10\n    script: https://wiki.example.com/call"))
    assert missing_scripts(linked, tmp_path) == []


def test_the_template_knows_every_trigger_and_comments_each_line():
    text = TEMPLATE.read_text(encoding="utf-8")
    book = Playbook.model_validate(yaml.safe_load(text))
    assert list(book.triggers) == [
        "complaint_unanswered", "first_response_late", "notice_given", "low_csat", "repeated_topic", "payment_failed"
    ]  # fmt: skip
    assert all("#" in line for line in text.splitlines() if line.strip())


def test_every_feature_pattern_of_the_template_fits_a_feature():
    from fnmatch import fnmatchcase

    from features.columns import load_columns

    book = Playbook.model_validate(yaml.safe_load(TEMPLATE.read_text("utf-8")))
    names = [column.name for column in load_columns()]
    patterns = [pattern for reason in book.reasons.values() for pattern in reason.features]
    assert [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)] == []


def test_the_version_follows_meaning_not_looks(load):
    version = load(VALID).version
    assert load("# a comment\n" + VALID.replace("cost: 20", "cost: 20.00")).version == version
    assert load(VALID.replace("cost: 20", "cost: 21")).version != version
    assert (
        load(VALID.replace("    team: care\n    offer: credit\n", "    offer: credit\n    team: care\n")).version
        == version
    )


@pytest.mark.parametrize("first", ["low_csat", "default"])
def test_another_order_of_triggers_or_reasons_is_another_playbook(load, first):
    """Of a customer's triggers the first is acted on, of reasons that push alike the first is the main one."""
    more = {
        "low_csat": "  payment_failed: {action: call, sentence: a payment failed, days_to_act: 3}\n",
        "default": "  waits: {features: [wait_*], actions: [call]}\n",
    }[first]
    (line,) = [line for line in VALID.splitlines(keepends=True) if line.startswith(f"  {first}:")]
    before, after = (load(VALID.replace(line, both)) for both in (line + more, more + line))
    assert before == after  # to Python the order of keys is none
    assert before.version != after.version


@pytest.mark.parametrize(
    ("attempts", "reach", "dial", "minutes"),
    [
        (1, 1.0, 0, 8.0),
        (3, 0.5, 1, 8.75),  # 1.75 tries, 0.875 reached
        (2, 0.25, 2, 1.75 * 2 + 0.4375 * 8),  # 1 + .75 tries, 1 - .75^2 reached
    ],
)
def test_expected_minutes(attempts, reach, dial, minutes):
    action = Action(
        team="care", save_probability=0.1, minutes=8, attempts=attempts, dial_minutes=dial, reach_probability=reach
    )
    assert action.expected_minutes == pytest.approx(minutes)
