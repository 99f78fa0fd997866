"""What is wrong with a value of a reviewed file, said to whoever wrote it: what stands there, and what should.

Pydantic's own sentences are for programmers; what has none here is told in its words, beside what was found.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

LONGEST = 40  # letters of what was found; the line number leads to the rest

WHOLE, NUMBER, DATE = "no whole number; write one such as 12", "no number; write one such as 12.50", "2026-03-31"
_SAID: Mapping[str, str] = {
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing", "finite_number"), NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), "neither true nor false; write one of them, without quotes"),
    "string_type": "no text; put it in quotes",
    "string_too_short": "empty; write something there",
    **dict.fromkeys(("list_type", "tuple_type"), "no list; write one such as [first, second]"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type"), "no group of keys; write one `key: value` a line"),
}
_BEYOND = {
    "less_than": ("lt", "too much: less than"), "less_than_equal": ("le", "too much: at most"),
    "greater_than": ("gt", "too little: more than"), "greater_than_equal": ("ge", "too little: at least"),
}  # fmt: skip


def said(mistake: ErrorDetails, model: type[BaseModel]) -> str:
    """One mistake as a sentence.

    Args:
        mistake: as pydantic found it.
        model: of the whole file.

    Worked: for a cost of `cheap`, "`cheap` is no number; write one such as 12.50".
    """
    kind, found = mistake["type"], shown(mistake["input"])
    if kind == "value_error":
        return mistake["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return mistake["msg"]
    if not mistake["loc"]:
        return f"{found} stands where the file's keys should be; known: {', '.join(sorted(model.model_fields))}"
    if kind.startswith("date_") and kind not in ("date_past", "date_future"):
        why = mistake.get("ctx", {}).get("error")
        return f"{found} is no date{f' ({why})' if why else ''}; write one such as {DATE}"
    if kind in _BEYOND:
        limit, beyond = _BEYOND[kind]
        return f"{found} is {beyond} {mistake['ctx'][limit]}"
    if kind in _SAID:
        return f"{found} is {_SAID[kind]}"
    return f"{found}: {mistake['msg'][0].lower()}{mistake['msg'][1:]}"


def shown(value: Any) -> str:
    """What was found, short enough for a line."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a group of keys"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
    return f"`{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}`"
