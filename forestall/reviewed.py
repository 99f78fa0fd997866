"""Reads the YAML files that business people change: playbook, standards, calendar.

A mistake becomes one line with file and line number, so that it can be mended without us.
"""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from forestall.settings import ConfigError, no_such_key

Model = TypeVar("Model", bound=BaseModel)


class MistakeAtError(ValueError):
    """A mistake that a validator of the whole file finds, and the place in the file where it stands."""

    def __init__(self, location: tuple[int | str, ...], message: str) -> None:
        super().__init__(message)
        self.location = location


def load_reviewed(path: Path, model: type[Model]) -> Model:
    """The file as `model`; a file that is not there gives the model's defaults.

    Raises:
        ConfigError: `file:line: key: what is wrong`.
    """
    if not path.is_file():
        return model()
    text = path.read_text(encoding="utf-8")
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: is not valid YAML: {getattr(error, 'problem', error)}") from error
    try:
        return model.model_validate(values)
    except ValidationError as error:
        mistakes = error.errors()
        # A misspelt key also leaves the right one missing: the misspelling is what helps.
        mistake = next((one for one in mistakes if one["type"] == "extra_forbidden"), mistakes[0])
        location = mistake["loc"] + getattr(mistake.get("ctx", {}).get("error"), "location", ())
        key = ".".join(str(part) for part in location)
        line_number = _line_of(yaml.compose(text), location)
        is_unknown = mistake["type"] == "extra_forbidden"
        message = no_such_key(model, location) if is_unknown else mistake["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{path}:{line_number}: {key}: {message}") from error


def _line_of(node: Any, location: tuple[int | str, ...]) -> int:
    """Line (from 1) of the deepest node that `location` leads to."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
