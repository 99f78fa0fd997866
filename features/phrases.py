"""How a feature is told to an agent: a phrase with one place in it, and the value there as people say such values.

What stands in the braces is the kind: a number (`{value}`), a `{share}` of a whole, a `{duration}` in seconds, an
`{amount}` of the company's currency; and of differences `{more}` of what is counted, `{greater}` amounts, `{longer}`
times, marks that have `{moved}`, and what lies so many standard deviations `{beside}` the usual.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np

PLACE = re.compile(r"\{(\w+)\}")
_COUNTED = re.compile(
    r"(\{(?:value|more)\} (?:\w+ )??\w+?)s\b(?! the usual)"
)  # what is counted, one where the value is
_ONE = ("1", "1 more", "1 fewer")
FAR, NEAR = 2.0, 0.5  # standard deviations


def worded(phrase: str, value: object) -> str:
    """The phrase with its value: `3 complaints in the last 7 days`, `1 complaint in the last 7 days`."""
    text = shown(phrase, value)
    return PLACE.sub(text, _COUNTED.sub(r"\1", phrase, count=1) if text in _ONE else phrase, count=1)


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


def _number(value: float) -> str:
    """Whole where it is whole or large, otherwise with one or two decimals."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
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
    "moved": lambda value: f"{'up' if value >= 0 else 'down'} by {_number(abs(value))}",
    "beside": _beside,
}
