"""A mistake in `staffing.yml` is one line that says where; what `init` writes plans nothing, and says how."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from forestall.settings import ConfigError
from forestall.shifts.rules import Pattern, StaffingRules, load_staffing_rules

TEMPLATES = Path(__file__).parents[3] / "forestall" / "templates"
DEMO = Path(__file__).parents[3] / "forestall" / "demo" / "pages" / "staffing.yml"
GOOD = """
patterns:
  full:
    starts: [10:30, "08:00"]
    minutes: 480
    breaks:
      - {minutes: 15, earliest: 90, latest: 150, is_paid: true}
      - {minutes: 30, earliest: 210, latest: 300}
groups:
  front: [care, chat]
absences:
  - {agent: a1, from_on: 2026-03-02, to_on: 2026-03-06}
"""


@pytest.fixture
def load(company, tmp_path):
    def load(text):
        (tmp_path / "staffing.yml").write_text(text, encoding="utf-8")
        return load_staffing_rules(company(""))

    return load


def test_a_good_file(load):
    rules = load(GOOD)
    full = rules.patterns["full"]
    assert full.starts == [630, 480]  # YAML reads the unquoted 10:30 as 630, which is the same minute
    assert full.paid_minutes == 450
    assert (rules.group_of("chat"), rules.group_of("mail")) == ("front", "mail")
    assert rules.absences[0].to_on == date(2026, 3, 6)


def test_without_a_file_nothing_is_planned(company):
    assert load_staffing_rules(company("")).patterns == {}


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        ((': [10:30, "08:00"]', ': ["25:00"]'), 4, "`25:00` is no time of day; write it as 08:30"),
        ((': [10:30, "08:00"]', ': ["08:10"]'), 4, "490 min is not on the planning step of 15 min"),
        (("minutes: 480", "minutes: 300"), 8, "the break could end after the shift (300 min)"),
        (("earliest: 210", "earliest: 150"), 8, "the break before may last until minute 165"),
        (("latest: 300", "latest: 195"), 8, "is before earliest (210)"),
        (("[care, chat]", "[care]\n  back: [care]"), 11, "care is in front already"),
        (("[care, chat]", "[care, chat]\n  care: [mail]"), 11, "groups.care: is a queue of front too"),
        (("to_on: 2026-03-06", "to_on: 2026-03-01"), 12, "is before from_on (2026-03-02)"),
        (("minutes: 480", "minuts: 480"), 5, "there is no such key; meant `minutes`?"),
    ],
)
def test_a_mistake_is_told_with_its_line(load, change, line, says):
    with pytest.raises(ConfigError, match=re.escape(says)) as told:
        load(GOOD.replace(*change))
    assert f"staffing.yml:{line}: " in str(told.value)


def test_a_site_that_is_not_named_is_told(load):
    with pytest.raises(ConfigError, match="`Bonn` is none of the sites Leipzig"):
        load("sites: {Leipzig: {}}\n" + GOOD.replace("minutes: 480", "minutes: 480\n    sites: [Bonn]"))


def test_an_uncovered_step_is_worth_the_longest_shift_and_a_quarter():
    rules = StaffingRules(patterns={"full": Pattern(starts=["08:00"], minutes=480)})
    # A quarter of an hour uncovered costs 10 hours, a shift 8.
    assert rules.short_cost * 0.25 == 10


def test_the_template_without_its_comment_signs_is_a_file_that_plans(load):
    text = (TEMPLATES / "staffing.yml").read_text(encoding="utf-8")
    assert load(text).patterns == {}
    uncommented = "\n".join(
        line.removeprefix("# ") for line in text.splitlines()[2:] if re.match(r"# +([A-Za-z_]+:|- \{)", line)
    )
    rules = StaffingRules.model_validate(yaml.safe_load(uncommented))
    assert set(rules.patterns) == {"full", "half"}
    assert rules.patterns["full"].paid_minutes == 480


def test_the_demo_plans(load):
    assert set(load(DEMO.read_text(encoding="utf-8")).patterns) == {"full", "half"}
