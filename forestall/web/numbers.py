"""Numbers as people read them, the same in every locale and in sentences: thin spaces, points, units, local times.

Missing values are a dash. Nothing here computes.
"""

import re
from datetime import date, datetime
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

DASH = "–"
THIN = "\u202f"  # narrow no-break space
MOST_WEEKS = 260  # what takes longer than five years nobody waits for
# In sentences that jobs wrote: commas between thousands, hyphens before numbers, per cent without a space, `names`.
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MINUS = re.compile(r"(?<![\w.)\]-])-(?=\d)")
_PERCENT = re.compile(r"(?<=\d) ?%")
_NAME = re.compile(r"`([^`]+)`")


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN or NaT."""
    return value is None or value != value


def number(value: float | None, places: int = 0) -> str:
    """`12 345.6`, with thin spaces between thousands."""
    if value is None or isnan(value):
        return DASH
    told = f"{value:,.{places}f}"
    told = told.removeprefix("-") if not told.strip("-0.,") else told  # what rounds to zero has no sign
    return told.replace(",", THIN).replace("-", "−")


def signed(value: float | None, places: int = 0) -> str:
    """`+120`, `−10` of a change."""
    if value is None or isnan(value):
        return DASH
    return f"{'+' if value >= 0 else ''}{number(value, places)}"


def percent(share: float | None, places: int = 0) -> str:
    """`84 %` of a share."""
    return DASH if share is None or isnan(share) else f"{number(100 * share, places)}{THIN}%"


def points(change: float | None) -> str:
    """`+2.1` percentage points of a change of a share."""
    if change is None or isnan(change):
        return DASH
    return f"{'+' if change >= 0 else ''}{number(100 * change, 1)}"


def signed_percent(share: float | None) -> str:
    """`+4 %` of a relative change."""
    if share is None or isnan(share):
        return DASH
    return f"{'+' if share >= 0 else ''}{percent(share)}"


def money(amount: float | None, currency: str) -> str:
    """`EUR 12 345`."""
    return DASH if amount is None or isnan(amount) else f"{currency}{THIN}{number(amount)}"


def size(change: float | None) -> str:
    """`1 point`, `5 points` of a change of a share whose sign is clear."""
    if change is None or isnan(change):
        return DASH
    told = number(100 * change, 0 if abs(100 * change - round(100 * change)) < 1e-9 else 1)
    return f"{told}{THIN}{'point' if told == '1' else 'points'}"


def weeks(count: float | None) -> str:
    """`31.1`; beyond five years only that; a missing count never comes."""
    if count is None or isnan(count):
        return "not at this rate"
    return "more than 5 years" if count > MOST_WEEKS else number(count, 1)


def prose(text: str) -> Markup:
    """A sentence that a job wrote, its numbers in the style of the page and names in backticks as code.

    `26,108 contacts by -0.37 points (0.1%)` reads `26 108 contacts by −0.37 points (0.1 %)`.
    """
    told = _PERCENT.sub(f"{THIN}%", _MINUS.sub("−", _THOUSANDS.sub(THIN, text)))
    return Markup(_NAME.sub(r"<code>\1</code>", str(escape(told))))


def opening(text: str) -> Markup:
    """The same with a capital in front."""
    return prose(text[:1].upper() + text[1:])


def duration(seconds: float | None) -> str:
    """`45 s`, `6 min 20 s`, `3 h 5 min`."""
    if seconds is None or isnan(seconds):
        return DASH
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{THIN}s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes}{THIN}min" + (f" {rest}{THIN}s" if rest else "")
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{number(hours)}{THIN}h" + (f" {minutes}{THIN}min" if minutes else "")


def day(value: date | None) -> str:
    """`Mon 2026-03-02`."""
    return DASH if is_missing(value) or value is None else f"{value:%a} {value:%Y-%m-%d}"


def instant(value: datetime | str | None, zone: str) -> str:
    """`2026-03-02 00:00 Europe/Berlin` of an instant."""
    if is_missing(value) or value is None:
        return DASH
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"


def plain(value: str | None) -> str:
    """`web form` of `web_form`."""
    return DASH if is_missing(value) or value is None else value.replace("_", " ")
