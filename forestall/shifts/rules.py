"""What shifts a company may plan, as `staffing.yml` says it: patterns, breaks, days off, sites, groups, absences.

It is what planners and the works council agreed on; the file is theirs. The module says what is allowed,
never what is best: that is for `program` and `rostering`. Without patterns no shifts are planned.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BeforeValidator, Field, model_validator

from features.sections import Section
from forestall.reviewed import MistakeAtError, load_reviewed
from forestall.settings import Settings

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _minute_of_day(value: Any) -> int:
    """`08:30` is 510. YAML reads an unquoted 10:30 as 630 (base 60), which is the same minute."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < DAY_MINUTES:
        return value
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"`{value}` is no time of day; write it as 08:30")
    return 60 * int(found[1]) + int(found[2])


MinuteOfDay = Annotated[int, BeforeValidator(_minute_of_day)]
Minutes = Annotated[int, Field(gt=0, le=DAY_MINUTES)]


class Break(Section):
    """One break of a pattern: it begins somewhere in its window, on the planning step."""

    minutes: Minutes
    earliest: int = Field(ge=0, description="minutes after the start of the shift at which it may begin")
    latest: int = Field(ge=0, description="minutes after the start of the shift at which it must have begun")
    is_paid: bool = False


class Pattern(Section):
    """One way to work a day."""

    starts: list[MinuteOfDay] = Field(min_length=1, description="local times at which it may begin")
    minutes: Minutes = Field(description="from coming to going, breaks included")
    breaks: list[Break] = Field([], description="in their order; windows do not overlap")
    days: list[Weekday] = Field(default_factory=lambda: list(WEEK), description="days on which it may begin")
    sites: list[str] = Field([], description="sites where it is worked; empty: all")

    @property
    def paid_minutes(self) -> int:
        """Length less the unpaid breaks."""
        return self.minutes - sum(one.minutes for one in self.breaks if not one.is_paid)


class Site(Section):
    """Limits of one place."""

    most_agents: int | None = Field(None, ge=1, description="seats")
    least_agents: int = Field(0, ge=0, description="present while any of its groups needs somebody")


class Absence(Section):
    """Days on which an agent is not there, both ends included."""

    agent: str
    from_on: date
    to_on: date
    reason: str = ""


class CapacityRules(Section):
    """What hiring takes."""

    attrition_a_year: float | None = Field(None, ge=0, lt=1, description="share that leaves; none: from the roster")
    hiring_lead_weeks: int = Field(8, ge=0, description="from the search to the first day")
    training_weeks: int = Field(4, ge=0, description="from the first day until they take contacts")
    peak_weeks: int = Field(4, ge=1, description="nobody is hired for a need that lasts shorter")


class StaffingRules(Section):
    """All of `staffing.yml`. Without the file no shifts are planned."""

    step_minutes: Literal[5, 10, 15, 30] = Field(15, description="starts and breaks lie on this grid")
    days_a_week: int = Field(5, ge=1, le=7)
    days_in_a_row: int = Field(6, ge=1, le=14)
    rest_hours: float = Field(11.0, ge=0, lt=24, description="from the end of a shift to the start of the next")
    contract_hours: float = Field(40.0, gt=0, le=84, description="a week, for agents of whom `agents` says nothing")
    least_share_of_contract: float = Field(0.0, ge=0, le=1, description="of the contract, paid whether worked or not")
    rotation: Literal["none", "keep", "weekly"] = Field("keep", description="of start times within and over weeks")
    announced_weeks: int = Field(0, ge=0, le=8, description="that stay as last published, this one included")
    overtime_minutes: int = Field(60, ge=0, description="most by which a shift may be lengthened")
    short_hour_cost: float | None = Field(None, gt=0, description="paid hours that one uncovered agent hour is worth")
    solver_seconds: int = Field(600, ge=5, description="for the search; past it each day still gets a first plan")
    sites: dict[str, Site] = Field({}, description="empty: all, without limits")
    patterns: dict[str, Pattern] = Field({}, description="none: no shifts are planned")
    groups: dict[str, list[str]] = Field({}, description="queues that the same people serve, by name of the group")
    teams_left_out: list[str] = Field([], description="teams with a plan of their own")
    absences: list[Absence] = Field([], description="known ahead")
    absences_in_shrinkage: list[str] = Field(["vacation"], description="activities that `absences` already holds")
    capacity: CapacityRules = CapacityRules()

    @model_validator(mode="after")
    def _can_be_planned(self) -> "StaffingRules":
        for name, pattern in self.patterns.items():
            self._check_pattern(name, pattern)
        seen = dict[str, str]()
        for group, queues in self.groups.items():
            for at, queue in enumerate(queues):
                if queue in seen:
                    raise MistakeAtError(("groups", group, at), f"{queue} is in {seen[queue]} already")
                seen[queue] = group
        for group in self.groups:
            # Its shifts would be those of both.
            if seen.get(group, group) != group:
                raise MistakeAtError(("groups", group), f"is a queue of {seen[group]} too; call the group otherwise")
        for at, absence in enumerate(self.absences):
            if absence.to_on < absence.from_on:
                raise MistakeAtError(("absences", at, "to_on"), f"is before from_on ({absence.from_on})")
        return self

    def _check_pattern(self, name: str, pattern: Pattern) -> None:
        place = ("patterns", name)
        step = self.step_minutes
        for at, start in enumerate(pattern.starts):
            _on_step((*place, "starts", at), start, step)
        _on_step((*place, "minutes"), pattern.minutes, step)
        for at, site in enumerate(pattern.sites):
            if self.sites and site not in self.sites:
                raise MistakeAtError((*place, "sites", at), f"`{site}` is none of the sites {', '.join(self.sites)}")
        over = 0
        for at, one in enumerate(pattern.breaks):
            where = (*place, "breaks", at)
            for key in ("minutes", "earliest", "latest"):
                _on_step((*where, key), getattr(one, key), step)
            if one.latest < one.earliest:
                raise MistakeAtError((*where, "latest"), f"is before earliest ({one.earliest})")
            if one.earliest < over:
                raise MistakeAtError((*where, "earliest"), f"the break before may last until minute {over}")
            over = one.latest + one.minutes
            if over > pattern.minutes:
                raise MistakeAtError((*where, "latest"), f"the break could end after the shift ({pattern.minutes} min)")
        if pattern.paid_minutes <= 0:
            raise MistakeAtError((*place, "minutes"), "nothing is left beside the breaks")

    @property
    def short_cost(self) -> float:
        """Paid hours that an uncovered agent hour is worth: by default a shift is added for a single step."""
        if self.short_hour_cost is not None:
            return self.short_hour_cost
        longest = max((pattern.paid_minutes for pattern in self.patterns.values()), default=480)
        return 1.25 * longest / self.step_minutes

    def group_of(self, queue: str) -> str:
        """The group that serves a queue: by `groups`, or one of its own name."""
        return next((group for group, queues in self.groups.items() if queue in queues), queue)

    def groups_of(self, queues: "pd.Series[str]") -> "pd.Series[str]":
        """The group of each row's queue."""
        return queues.map({queue: self.group_of(queue) for queue in queues.unique()})


def load_staffing_rules(settings: Settings) -> StaffingRules:
    """The reviewed `staffing.yml`.

    Raises:
        ConfigError: the file holds a mistake; names file and line.
    """
    return load_reviewed(settings.root / settings.files.staffing, StaffingRules)


def _on_step(place: Sequence[int | str], minutes: int, step: int) -> None:
    if minutes % step:
        raise MistakeAtError(tuple(place), f"{minutes} min is not on the planning step of {step} min (step_minutes)")
