"""How well each queue is to be served: the standards that KPIs, requirement and simulation share.

A standard is resolved in layers: what is built in for the channel, what `standards.yml` says of the
channel, what it says of the queue. The module says what was promised; what that takes is for
`requirement`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from features.contract import LIVE_CHANNELS
from features.sections import Section
from forestall.reviewed import load_reviewed
from forestall.sections import DAY_S, Seconds
from forestall.settings import Settings

Channel = Literal["phone", "chat", "email", "web_form", "social", "in_person", "self_service"]
Clock = Literal["elapsed", "business"]

HOUR_S = 3600
CATCH_UP_S = 2 * HOUR_S
HANDLE_TIME_S = 300  # assumed, and said to be, where neither data nor standard tell how long a contact takes


# What a channel is, what says its standard, and what has no meaning there.
_LIVE = ("live", "service_level and threshold_s", ("first_response_s", "clock", "catch_up_s"))
_DEFERRED = ("deferred", "first_response_s", ("service_level", "threshold_s", "patience_s"))


class Standard(Section):
    """What one layer says; a field that is not given leaves the layer below as it is."""

    service_level: float | None = Field(None, gt=0, lt=1, description="share answered within threshold_s")
    threshold_s: int | None = Field(None, ge=0, le=DAY_S, description="seconds until an answer; live channels")
    first_response_s: Seconds | None = Field(None, description="seconds until the first answer; deferred channels")
    clock: Clock | None = Field(None, description="whether first_response_s runs while the queue is closed")
    catch_up_s: Seconds | None = Field(None, description="open seconds in which overdue work is caught up; deferred")
    occupancy_cap: float | None = Field(None, gt=0, le=1, description="greatest share of time busy")
    shrinkage: float | None = Field(None, ge=0, lt=1, description="share of paid time lost; none: from agent_time")
    patience_s: Seconds | None = Field(None, description="mean patience; none: from abandonments")
    concurrency: int | None = Field(None, ge=1, le=10, description="contacts an agent serves at once")
    handle_time_s: int | None = Field(None, gt=0, le=DAY_S, description="seconds a contact, where the data has none")


class QueueOverride(Standard):
    """What holds for one queue; `channel` only where the data does not tell it."""

    channel: Channel | None = None


@dataclass(frozen=True)
class QueueStandard:
    """The standard of one queue, all layers resolved.

    Attributes:
        channel: the queue's channel.
        service_level: share to be answered within `threshold_s`; None where nobody waits live.
        threshold_s: seconds; None with `service_level`.
        first_response_s: seconds until the first response; None for live channels.
        clock: `elapsed` runs always, `business` only while the queue is open.
        catch_up_s: open seconds in which work that is overdue at opening is caught up.
        occupancy_cap: greatest expected share of time busy.
        shrinkage: share of paid time lost; None: estimated.
        patience_s: mean patience of those who wait; None: estimated.
        concurrency: contacts that one agent serves at once.
        handle_time_s: seconds a contact takes, for want of any in the data.
        is_deferred: nobody waits on the line; work may be moved within `first_response_s`.
        words: the standard for people, such as `80 % in 20 s`.
    """

    channel: str
    service_level: float | None
    threshold_s: int | None
    first_response_s: int | None
    clock: Clock
    catch_up_s: int
    occupancy_cap: float
    shrinkage: float | None
    patience_s: float | None
    concurrency: int
    handle_time_s: int
    is_deferred: bool
    words: str

    @property
    def is_staffed(self) -> bool:
        """Whether people serve it at all; self-service needs nobody."""
        return self.service_level is not None or self.first_response_s is not None

    @property
    def may_hold_several(self) -> bool:
        """Whether an agent may have several of its contacts under way at once."""
        return not self.is_deferred and (self.channel == "chat" or self.concurrency > 1)


BUILT_IN: Mapping[str, Standard] = {
    "phone": Standard(service_level=0.80, threshold_s=20, concurrency=1),
    "chat": Standard(service_level=0.80, threshold_s=60, concurrency=2),
    "in_person": Standard(service_level=0.80, threshold_s=300, concurrency=1),
    "social": Standard(first_response_s=900, concurrency=1),
    "email": Standard(first_response_s=4 * HOUR_S, concurrency=1),
    "web_form": Standard(first_response_s=4 * HOUR_S, concurrency=1),
    "self_service": Standard(concurrency=1),
}


class Standards(Section):
    """All of `standards.yml`. Without the file, what is built in holds."""

    complaint_response_s: Seconds = Field(24 * HOUR_S, description="seconds until a complaint is answered")
    occupancy_cap: float = Field(0.88, gt=0, le=1, description="where neither queue nor channel says so")
    channels: dict[Channel, Standard] = Field({}, description="what differs from the built-in, by channel")
    queues: dict[str, QueueOverride] = Field({}, description="what differs from its channel, by queue")

    @model_validator(mode="after")
    def _fits_its_channel(self) -> "Standards":
        for channel, standard in self.channels.items():
            _refuse_other_kind(f"channels.{channel}", channel, standard)
        for queue, override in self.queues.items():
            if override.channel is not None:
                _refuse_other_kind(f"queues.{queue}", override.channel, override)
        return self

    def for_queue(self, queue: str, channel: str | None) -> QueueStandard:
        """The standard of a queue.

        Args:
            queue: its key; one that `queues` does not name has its channel's standard.
            channel: as the data says; where empty, `queues.<queue>.channel`, otherwise phone.
        """
        override = self.queues.get(queue, QueueOverride())
        channel = override.channel or channel or "phone"
        values = dict[str, float | int | str]()
        for layer in (BUILT_IN[channel], self.channels.get(channel), override):  # type: ignore[call-overload]
            values |= layer.model_dump(exclude_none=True, exclude={"channel"}) if layer else {}
        return _resolve(channel, Standard.model_validate(values), self.occupancy_cap)


def load_standards(settings: Settings) -> Standards:
    """The reviewed `standards.yml`; `staffing.occupancy_cap` of the settings where it names no cap.

    Raises:
        ConfigError: the file holds a mistake; names file and line.
    """
    standards = load_reviewed(settings.root / settings.files.standards, Standards)
    if "occupancy_cap" in standards.model_fields_set:
        return standards
    return standards.model_copy(update={"occupancy_cap": settings.staffing.occupancy_cap})


def _resolve(channel: str, standard: Standard, occupancy_cap: float) -> QueueStandard:
    # The file may not know the channel of a queue that the data names: what is `unfit` is dropped here.
    is_live = channel in LIVE_CHANNELS
    is_deferred = not is_live and standard.first_response_s is not None
    return QueueStandard(
        channel=channel,
        service_level=standard.service_level if is_live else None,
        threshold_s=standard.threshold_s if is_live else None,
        first_response_s=standard.first_response_s if is_deferred else None,
        clock=standard.clock or "elapsed",
        catch_up_s=standard.catch_up_s or CATCH_UP_S,
        occupancy_cap=standard.occupancy_cap or occupancy_cap,
        shrinkage=standard.shrinkage,
        patience_s=standard.patience_s,
        concurrency=standard.concurrency or 1,
        handle_time_s=standard.handle_time_s or HANDLE_TIME_S,
        is_deferred=is_deferred,
        words=_in_words(standard, is_deferred),
    )


def _in_words(standard: Standard, is_deferred: bool) -> str:
    if is_deferred and standard.first_response_s is not None:
        clock = "" if standard.clock != "business" else " of opening time"
        return f"first response within {_duration(standard.first_response_s)}{clock}"
    if standard.service_level is None or standard.threshold_s is None:
        return "none"
    return f"{standard.service_level * 100:g} % in {standard.threshold_s} s"


def _duration(seconds: int) -> str:
    for size, unit in ((HOUR_S, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def unfit(channel: str, standard: Standard) -> Iterator[tuple[str, str]]:
    """Keys of a standard that have no meaning in a channel, each with what to use there."""
    kind, right, wrong = _LIVE if channel in LIVE_CHANNELS else _DEFERRED
    for name in wrong:
        if getattr(standard, name) is not None:
            yield name, f"{channel} is {kind}, `{name}` has no meaning there; use {right}"


def _refuse_other_kind(key: str, channel: str, standard: Standard) -> None:
    """A service level for work that nobody waits for, or the reverse, is a misunderstanding."""
    for _, told in unfit(channel, standard):
        raise ValueError(f"{key}: {told}")
