"""The playbook: which reason is answered by which action, what that costs, and what it is expected to save.

A retention lead changes `playbook.yml`; here it is read, checked as a whole (every action that is
named exists, every placeholder can be filled) and given a version. Numbers in it are assumptions
until outcomes replace them.
"""

import difflib
import hashlib
import json
import re
import string
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from features.sections import Section
from forestall.reviewed import MistakeAtError, load_reviewed
from forestall.sections import Hours, Share
from forestall.settings import Settings

Channel = Literal["phone", "email", "chat"]
Purpose = Literal["service", "marketing"]
Trigger = Literal[
    "complaint_unanswered", "first_response_late", "notice_given", "low_csat", "repeated_topic", "payment_failed"
]
ListName = Literal["risk", "save_queue", "renewal", "payment_failure"]
Money = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]

TEMPLATES = Path(__file__).parents[1] / "templates"
TEMPLATE = TEMPLATES / "playbook.yml"
DEFAULT_REASON = "default"

# What happened, as evidence tells it, by what it is about. A sentence that quotes one is the only place it is told in.
EVIDENCE = ("complaint", "contacts", "satisfaction", "given_up")
# What a trigger's sentence may quote: the same, columns of `marts.fct_outreach_candidates`, and some of these in words.
# Each with a value to try a sentence on; a count beside customers who have none comes as a float.
QUOTABLE: Mapping[str, str | float] = {
    **dict.fromkeys(EVIDENCE, "something that happened"), "open_complaint_for": "31 h", "low_csat_7d": 2.0,
    "repeat_topic_7d": "billing", "failed_payment_count_30d": 1.0, "failed_payments": "a payment failed",
    "notice_given_ago": "yesterday", "days_to_renewal": 30.0,
}  # fmt: skip
_LONG_FORMAT = re.compile(r"\d{3}")  # hundreds of signs: a slip that could fill the memory


class Offer(Section):
    """What a customer may be given."""

    cost: Money = Field(description="cost over the offer's term, company currency")
    acceptance: Share = Field(description="share of those on the list who take it")


class Action(Section):
    """What an agent does."""

    team: str = Field(min_length=1, description="who owns it; its minutes stand in outreach.team_minutes")
    channel: Channel = "phone"
    purpose: Purpose = Field("marketing", description="what consent is asked for")
    languages: tuple[str, ...] = Field((), description="in which it can be done; empty: in any")
    skills: tuple[str, ...] = Field((), description="what the agent must be able to do")
    offer: str | None = Field(None, description="key under offers; none: nothing is offered")
    script: str = Field("", description="where the script is, from the playbook's folder")
    save_probability: float = Field(ge=-1, le=1, description="share of those who leave for what it answers to who stay")
    minutes: float = Field(gt=0, le=480, description="talk and wrap once the customer is reached")
    attempts: int = Field(1, ge=1, le=10, description="tries at most")
    dial_minutes: float = Field(0.0, ge=0, le=60, description="each try")
    reach_probability: float = Field(1.0, gt=0, le=1, description="chance that one try reaches the customer")
    days_to_act: int = Field(3, ge=0, le=60)

    @property
    def expected_minutes(self) -> float:
        """Agent minutes of a row: tries x dialling + P(reached) x talk and wrap.

        Worked: three tries of 1 minute, each reaching one in two, 8 minutes of talk:
        (1 - 0.5^3) / 0.5 = 1.75 tries, 0.875 reached: 1.75 + 7 = 8.75 minutes.
        """
        reached = 1 - (1 - self.reach_probability) ** self.attempts
        return reached / self.reach_probability * self.dial_minutes + reached * self.minutes


class Reason(Section):
    """A group of features that tell of one cause, and what may be done about it."""

    features: tuple[str, ...] = Field((), description="columns or patterns such as wait_*")
    actions: tuple[str, ...] = Field(description="the one worth most is chosen; none: no call mends it")


class TriggerRule(Section):
    """What follows from a fact, without a model."""

    action: str
    sentence: str = Field(min_length=1, description="told to the agent; {column} quotes the customer's value")
    days_to_act: int = Field(ge=0, le=60)
    is_owed: bool = Field(
        False, description="the customer has an answer coming: no cooldown holds it back until it was given"
    )

    @property
    def quotes(self) -> tuple[str, ...]:
        """What the sentence quotes, in its order."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.sentence) if name)

    @field_validator("sentence")
    @classmethod
    def _can_be_filled(cls, sentence: str) -> str:
        for _, name, form, conversion in string.Formatter().parse(sentence):
            if name is None:
                continue
            if name not in QUOTABLE:
                raise ValueError(f"`{{{name}}}` cannot be quoted{_meant(name, QUOTABLE)}")
            quoted = f"{{{name}{'!' * bool(conversion)}{conversion or ''}{':' * bool(form)}{form}}}"
            if not _can_be_written(quoted):
                right = f"{{{name}}}" if isinstance(QUOTABLE[name], str) else f"{{{name}:.0f}}"
                raise ValueError(f"`{quoted}` is no way to write such a value; write `{right}`")
        return sentence


class Playbook(Section):
    """All of `playbook.yml`."""

    cost_per_minute: Money = Field(Decimal("0.60"), description="where the costs table has no kind `agent`")
    margin_share: Share = Field(0.5, description="margin over monthly value, where subscriptions name no margin")
    saved_churn_ratio: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        {DEFAULT_REASON: 1.0},
        description="by segment: a saved customer leaves so many times as often as others of the segment",
    )
    calling_hours: Hours = Field((9, 20), description="from, to: local hours of the customer")
    prior_outcomes: float = Field(
        10.0, ge=1, le=100_000, description="a save_probability weighs as much as so many leavers whose fate is known"
    )
    trigger_share: Share = Field(0.5, description="of the minutes that triggers in time take, whatever they are worth")
    list_shares: dict[ListName, Share] = Field(
        {}, description="of the minutes that a list takes while others want them; a list not named: all"
    )
    offers: dict[str, Offer] = Field({}, description="what may be given")
    actions: dict[str, Action] = Field({}, description="what may be done")
    reasons: dict[str, Reason] = Field({}, description="why customers leave, and which actions answer it")
    triggers: dict[Trigger, TriggerRule] = Field({}, description="facts that ask for an action, most urgent first")

    @model_validator(mode="after")
    def _names_exist(self) -> "Playbook":
        for name, action in self.actions.items():
            if action.offer is not None:
                _refuse_unknown(("actions", name, "offer"), "offer", action.offer, self.offers)
        for name, reason in self.reasons.items():
            for place, action_name in enumerate(reason.actions):
                _refuse_unknown(("reasons", name, "actions", place), "action", action_name, self.actions)
        for trigger, rule in self.triggers.items():
            _refuse_unknown(("triggers", trigger, "action"), "action", rule.action, self.actions)
        if DEFAULT_REASON not in self.saved_churn_ratio:
            raise MistakeAtError(("saved_churn_ratio",), f"`{DEFAULT_REASON}` is missing; it holds for other segments")
        if self.reasons and DEFAULT_REASON not in self.reasons:
            raise MistakeAtError(("reasons",), f"`{DEFAULT_REASON}` is missing; it answers whom no other reason fits")
        if self.reasons and not self.reasons[DEFAULT_REASON].actions:
            raise MistakeAtError(("reasons", DEFAULT_REASON, "actions"), "no action for whom no other reason fits")
        return self

    @property
    def version(self) -> str:
        """A hash of everything in it: comments do not change it, nor does the order of keys where nothing goes by it.

        By that of triggers and of reasons the list does go.
        """
        in_order = [list(self.triggers), list(self.reasons)]
        canonical = json.dumps([self.model_dump(), in_order], sort_keys=True, default=float)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def offer_of(self, action: Action) -> Offer:
        return self.offers[action.offer] if action.offer else Offer(cost=Decimal(0), acceptance=0.0)


def load_playbook(settings: Settings) -> Playbook:
    """The reviewed `playbook.yml`; where the company has none yet, the one that `forestall init` writes.

    Raises:
        ConfigError: the file holds a mistake; names file and line.
    """
    return load_reviewed(playbook_path(settings), Playbook)


def playbook_path(settings: Settings) -> Path:
    """Where the playbook is that holds: the company's own, or the one we ship."""
    path = settings.root / settings.files.playbook
    return path if path.is_file() else TEMPLATE


def missing_scripts(playbook: Playbook, folder: Path) -> list[str]:
    """Actions whose script is not where the playbook says, as `action (script)`; links are the reader's to follow."""
    return [
        f"{name} ({action.script})"
        for name, action in playbook.actions.items()
        if action.script and "://" not in action.script and not (folder / action.script).is_file()
    ]


def _can_be_written(quoted: str) -> bool:
    """Whether a placeholder such as `{low_csat_7d:.0f}` takes the kind of value that it quotes."""
    if _LONG_FORMAT.search(quoted.partition(":")[2]):
        return False
    try:
        quoted.format_map(QUOTABLE)
    except (AttributeError, LookupError, TypeError, ValueError):
        return False
    return True


def _refuse_unknown(location: tuple[int | str, ...], kind: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise MistakeAtError(location, f"there is no {kind} `{name}`{_meant(name, known)}")


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; meant `{near[0]}`?" if near else ""
