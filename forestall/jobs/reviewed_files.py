"""The reviewed YAML as a night reads it: once before it begins, so that a mistake costs nobody an hour of waiting."""

from forestall.history.contacts import load_calendar
from forestall.outreach.playbook import load_playbook
from forestall.outreach.segments import load_segments
from forestall.planning.written import WrittenOverrides
from forestall.publishing.checks import load_limits
from forestall.reviewed import load_reviewed
from forestall.settings import Settings
from forestall.shifts.rules import load_staffing_rules
from forestall.staffing.standards import load_standards


def check_reviewed(settings: Settings) -> None:
    """Read every reviewed YAML as a night would.

    Raises:
        ConfigError: one of them holds a mistake; names file, line and key.
    """
    load_standards(settings)
    load_playbook(settings)
    load_limits(settings)
    load_calendar(settings)
    load_segments(settings)
    load_staffing_rules(settings)
    load_reviewed(settings.root / settings.files.overrides, WrittenOverrides)
