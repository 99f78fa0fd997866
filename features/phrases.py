"""How a feature is told to an agent: a phrase with one place in it, and the value there as people say such values.

What stands in the braces is the kind: a number (`{value}`), a `{share}` of a whole, a `{duration}` in seconds, an
`{amount}` of the company's currency, a `{tone}` from -1 to 1; and of differences `{more}` of what is counted,
`{greater}` amounts, `{longer}` times, tones that are `{better}`, marks that have `{moved}`, and what lies so many
standard deviations `{beside}` the usual.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np

PLACE = re.compile(r"\{(\w+)\}")
# What is counted: one of it, where the value is one. Ages and gaps are none.
_COUNTED = re.compile(r"(\{(?:value|more)\} (?:\w+ )??\w+?)(ie)?s\b(?! the usual)")
_TIMES = re.compile(r"\{value\} times\b(?! the usual)( each)?")
_OTHERS = re.compile(r"(others in the account )?(?:were )?")
_NUMERALS = {"1": "once", "2": "twice"}
_ONE = ("1", "1 more", "1 fewer")
_EVEN = re.compile(r"\{(more|greater|longer)\}(.*?) than\b")
_AS = {"more": "as many", "greater": "as much", "longer": "as long"}
FAR, NEAR = 2.0, 0.5  # standard deviations
STRONG, SLIGHT = 0.5, 0.15  # of a tone from -1 to 1


def worded(phrase: str, value: object) -> str:
    """The phrase with its value, as a colleague would say it.

    `3 complaints in the last 7 days`, `1 complaint in the last 7 days`, `no complaints in the last 7 days`; `gave up
    waiting twice`, `never gave up waiting`; `last complaint yesterday`; `as many contacts as in the months before`.
    """
    text = shown(phrase, value)
    form = _NONE.get(kind_of(phrase), _as_it_is)(phrase) if _is_nothing(value, text) else _one_or_two(phrase, text)
    return PLACE.sub(lambda _: text, form, count=1)


def _is_nothing(value: object, text: str) -> bool:
    return not isinstance(value, str) and re.fullmatch(r"0(\.00)?( \w+){0,2}", text) is not None


def _as_it_is(phrase: str) -> str:
    return phrase


def _none_of(phrase: str) -> str:
    """`never gave up waiting`, `active on none of the last 30 days`, `no contacts`; what is not counted stays 0."""
    if _TIMES.search(phrase):
        without = re.sub(r" ?" + _TIMES.pattern, "", phrase, count=1)
        return _OTHERS.sub(lambda found: found[0] + "never ", without, count=1)
    counted = phrase.replace("{value} days ago", "today").replace("{value} of the last", "none of the last")
    if _COUNTED.search(counted) and not re.search(r"(for|in|of|every|by|to) \{value\}|\{value\} days", counted):
        return counted.replace("{value}", "no").replace(" each", "")
    return counted.replace(" on {value} days", " on no day")


def _nothing_of(phrase: str) -> str:
    return "nothing" + phrase.removeprefix("{amount}") if phrase.startswith("{amount}") else phrase


def _even(phrase: str) -> str:
    """`as many contacts as in the months before`."""
    return _EVEN.sub(lambda found: f"{_AS[found[1]]}{found[2]} as", phrase, count=1)


def _one_or_two(phrase: str, text: str) -> str:
    """The phrase in the number that its value asks for."""
    if text in _NUMERALS and _TIMES.search(phrase):
        return _TIMES.sub(lambda found: _NUMERALS[text] + (found[1] or ""), phrase, count=1)
    if text not in _ONE:
        return phrase
    phrase = phrase.replace("{value} days ago", "yesterday").replace("every {value} days", "every day")
    return _COUNTED.sub(lambda found: found[1] + ("y" if found[2] else ""), phrase, count=1)


def shown(phrase: str, value: object) -> str:
    """The value alone, as the phrase's kind has it; what is no number stays as it is."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        return str(value)
    # Rounded: a mean of 80.05 must not read as 80.0 on one warehouse and 80.1 on the other.
    return KINDS[kind_of(phrase)](round(float(value), 6))


def kind_of(phrase: str) -> str:
    """What stands in the braces.

    Raises:
        ValueError: the phrase has no place for the value, has several, or is of no known kind.
    """
    kinds = PLACE.findall(phrase)
    if len(kinds) != 1 or kinds[0] not in KINDS:
        raise ValueError(f"`{phrase}` needs one of {', '.join(f'{{{kind}}}' for kind in KINDS)} in it")
    return str(kinds[0])


def counted(count: int, what: str) -> str:
    """`1 day`, `2 days`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _number(value: float) -> str:
    """Whole where it is whole or large, otherwise with one or two decimals."""
    if value == round(value) or abs(value) >= 100:
        return f"{value + 0.0:,.0f}"  # minus zero is zero
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def _duration(seconds: float) -> str:
    """`45 s`, `9 min`, `5 h`, `3 days`: the unit of which there are at least two."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _beside(deviations: float) -> str:
    if abs(deviations) < NEAR:
        return "close to"
    far = "far " if abs(deviations) >= FAR else ""
    return f"{far}{'above' if deviations > 0 else 'below'}"


def _tone(value: float) -> str:
    if abs(value) < SLIGHT:
        return "neutral"
    return f"{'very ' if abs(value) >= STRONG else ''}{'happy' if value > 0 else 'unhappy'}"


def _either(words: Callable[[float], str], above: str, below: str) -> Callable[[float], str]:
    return lambda value: f"{words(abs(value))} {above if value >= 0 else below}"


KINDS: Mapping[str, Callable[[float], str]] = {
    "value": _number,
    "share": lambda value: f"{100 * value:,.0f} %",
    "duration": _duration,
    "amount": _amount,
    "more": _either(_number, "more", "fewer"),
    "greater": _either(_amount, "more", "less"),
    "longer": _either(_duration, "longer", "shorter"),
    "tone": _tone,
    "better": lambda value: "better than" if value > 0 else "worse than" if value < 0 else "the same as",
    "moved": lambda value: f"{'up' if value > 0 else 'down'} by {_number(abs(value))}" if value else "unchanged",
    "beside": _beside,
}
_NONE: Mapping[str, Callable[[str], str]] = {
    "value": _none_of,
    "amount": _nothing_of,
    **dict.fromkeys(("more", "greater", "longer"), _even),
}  # fmt: skip
