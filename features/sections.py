"""The base of everything that is declared in a file: settings, reviewed YAML, parameters of models."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a declared file: frozen, and closed to keys that do not exist."""

    model_config = ConfigDict(frozen=True, extra="forbid")
