"""Reads the YAML files that business people change: playbook, standards, calendar.

A mistake becomes one line with file and line number, so that it can be mended without us.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from forestall.mistakes import said
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
    text = _text_of(path)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        _refuse_twice(path, root)
        values = None if root is None else loader.construct_document(root)
    except yaml.reader.ReaderError as error:
        line_number = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{path}:{line_number}: is not valid YAML: {error.reason}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: is not valid YAML: {getattr(error, 'problem', error)}") from error
    try:
        return model.model_validate({} if values is None else values)
    except ValidationError as error:
        mistakes = error.errors()
        # A misspelt key also leaves the right one missing: the misspelling is what helps.
        mistake = next((one for one in mistakes if one["type"] == "extra_forbidden"), mistakes[0])
        location = mistake["loc"] + getattr(mistake.get("ctx", {}).get("error"), "location", ())
        key = ".".join(str(part) for part in location if part != "[key]")  # pydantic's mark of a key that is wrong
        is_unknown = mistake["type"] == "extra_forbidden"
        message = no_such_key(model, location) if is_unknown else said(mistake, model)
        where = f"{path}:{_line_of(root, location)}"
        raise ConfigError(": ".join(part for part in (where, key, message) if part)) from error


class _Loader(yaml.SafeLoader):
    """YAML's types; what has the look of one and cannot be it stays text, so that its key says what it takes."""


def _or_text(constructed: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Such as 2026-02-30, of which YAML says neither where it stands nor what it is for."""

    def construct(loader: Any, node: Any) -> Any:
        try:
            return constructed(loader, node)
        except ValueError:
            return node.value

    return construct


for _tag in ("timestamp", "int", "float"):
    _Loader.add_constructor(
        f"tag:yaml.org,2002:{_tag}", _or_text(yaml.SafeLoader.yaml_constructors[f"tag:yaml.org,2002:{_tag}"])
    )


def _text_of(path: Path) -> str:
    written = path.read_bytes()
    try:
        return written.decode("utf-8")
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start) + 1
        told = f"byte {written[error.start]:#04x} is not UTF-8, as where an ü was saved in an older encoding"
        raise ConfigError(f"{path}:{line}: {told}; save the file as UTF-8") from error


def _refuse_twice(path: Path, root: yaml.Node | None) -> None:
    """Of two equal keys YAML takes the last, and what stands under the first is lost without a word."""
    waiting = deque([("", root)])
    seen = set[int]()  # an alias leads to a node that was there before
    while waiting:
        place, node = waiting.popleft()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend((f"{place}{at}.", one) for at, one in enumerate(node.value))
        elif isinstance(node, yaml.MappingNode):
            waiting.extend((f"{place}{key.value}.", value) for key, value in node.value)
            lines = dict[tuple[str, str], int]()
            for key, _ in node.value:
                name, line = (key.tag, str(key.value)), key.start_mark.line + 1
                if name in lines:
                    told = f"stands in line {lines[name]} already; write it once, with all that belongs to it"
                    raise ConfigError(f"{path}:{line}: {place}{key.value}: {told}")
                lines[name] = line


def line_of(path: Path, location: tuple[int | str, ...]) -> int:
    """Line (from 1) of a file that was read where `location` stands."""
    return _line_of(yaml.compose(_text_of(path), Loader=_Loader), location)


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
