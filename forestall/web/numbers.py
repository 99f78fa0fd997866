"""Numbers as people read them, the same in every locale: thin spaces, points, units, local times.

Missing values are a dash. Nothing here computes.
"""

from datetime import date, datetime
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo

DASH = "–"
THIN = "\u202f"  # narrow no-break space


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN or NaT."""
    return value is None or value != value


def number(value: float | None, places: int = 0) -> str:
    """`12 345.6`, with thin spaces between thousands."""
    if value is None or isnan(value):
        return DASH
    return f"{value + 0.0:,.{places}f}".replace(",", THIN).replace("-", "−")


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
