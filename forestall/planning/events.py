"""Business events that planners enter by hand: campaigns, releases, outages, planned or past."""

from datetime import date

from pydantic import Field, model_validator

from features.sections import Section


class PlannedEvent(Section):
    """One event. Days of the same name share one effect, which the forecast learns from those that have passed."""

    name: str = Field(min_length=1)
    starts_on: date
    ends_on: date | None = Field(None, description="last day; the first where empty")
    queues: tuple[str, ...] = Field((), description="all where empty")
    author: str = Field(min_length=1)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "PlannedEvent":
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError(f"ends on {self.ends_on}, before it starts on {self.starts_on}")
        if any("," in queue for queue in self.queues):
            raise ValueError("a queue's name holds a comma; events name queues without one")
        return self

    @property
    def words(self) -> str:
        """Such as `Spring sale, 2026-03-02 to 2026-03-06, all queues`."""
        days = f"{self.starts_on}" if self.ends_on in (None, self.starts_on) else f"{self.starts_on} to {self.ends_on}"
        return ", ".join([self.name, days, ", ".join(self.queues) or "all queues"])
