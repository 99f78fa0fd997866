"""Shifts as calendars read them (RFC 5545): all in one, and each agent's own with the breaks.

Instants are in UTC, so a calendar shows them right on either side of a clock change. An event keeps its UID from night
to night (slot and day), so whoever subscribes to a file of `current/shifts/` sees it move and not twice. The same rows
always give the same bytes.
"""

import hashlib
import re
from collections.abc import Iterator

import pandas as pd

from forestall.privacy.pseudonyms import HEX_CHARACTERS
from forestall.publishing.breaks import BETWEEN, breaks_of

FOLDER = "shifts"  # of a published night
OCTETS = 75  # longest line of a calendar
_UTC = "%Y%m%dT%H%M%SZ"


def calendar_file(slot_id: str) -> str:
    """Name of a slot's calendar: a pseudonym is its own; of other text what is harmless, and a hash of all of it."""
    if re.fullmatch(rf"[0-9a-f]{{{HEX_CHARACTERS}}}", slot_id):
        return f"{slot_id}.ics"
    harmless = re.sub(r"[^a-z0-9]+", "-", slot_id.lower()).strip("-")[:40]
    return f"{harmless}-{hashlib.sha256(slot_id.encode()).hexdigest()[:HEX_CHARACTERS]}.ics"


def calendar_of_all(shifts: pd.DataFrame, zone: str, company: str, stamp: str) -> str:
    """Every shift, those that nobody has yet as tentative.

    Args:
        shifts: rows of `shift_plan`.
        zone: of the site.
        company: its name.
        stamp: instant that every event was made at: the night's cutoff, so that equal nights are equal.
    """
    events = _shifts(shifts, zone)
    return _text(events.assign(summary=events["slot_id"].astype(str) + ": " + events["summary"]), company, stamp)


def calendars_of_agents(shifts: pd.DataFrame, zone: str, company: str, stamp: str) -> Iterator[tuple[str, str]]:
    """A file's name and its text for everybody who has a shift, breaks as events of their own; arguments as above."""
    assigned = shifts[shifts["is_assigned"].astype(bool)]
    events = pd.concat([_shifts(assigned, zone), _breaks(assigned, zone)], ignore_index=True)
    for slot, rows in events.sort_values(["starts_at", "uid"]).groupby("slot_id"):  # a file each
        yield calendar_file(str(slot)), _text(rows, company, stamp)


def _shifts(shifts: pd.DataFrame, zone: str) -> pd.DataFrame:
    """slot_id, uid, starts_at, ends_at, summary, description, site, queue_group, is_assigned; a row a shift."""
    begins, ends = (shifts[name].dt.tz_convert(zone).dt.strftime("%H:%M") for name in ("starts_at", "ends_at"))
    rests = shifts["breaks"].fillna("").str.replace(BETWEEN, ", ", regex=False).replace("", "none")
    columns = ["slot_id", "starts_at", "ends_at", "site", "queue_group", "is_assigned"]
    return shifts[columns].assign(
        site=shifts["site"].fillna(""),
        uid=shifts["slot_id"].astype(str) + pd.to_datetime(shifts["local_on"]).dt.strftime("-%Y%m%d"),
        summary=shifts["pattern"] + " (" + shifts["queue_group"] + ")",
        description=begins + "-" + ends + ", breaks " + rests,
    )


def _breaks(shifts: pd.DataFrame, zone: str) -> pd.DataFrame:
    """As `_shifts`; a row a break."""
    rests = breaks_of(shifts.reset_index(drop=True), zone)
    each = shifts.iloc[rests["shift"].to_numpy(int)].reset_index(drop=True)
    events = _shifts(each.assign(starts_at=rests["starts_at"], ends_at=rests["ends_at"]), zone)
    uid = events["uid"] + "-break-" + rests["number"].astype(str)
    return events.assign(uid=uid, summary="Break", description=rests["told"])


def _text(events: pd.DataFrame, company: str, stamp: str) -> str:
    made = pd.Timestamp(stamp).tz_convert("UTC").strftime(_UTC)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//forestall//shifts//EN", "CALSCALE:GREGORIAN",
             f"X-WR-CALNAME:{_escaped(f'{company} shifts')}", "REFRESH-INTERVAL;VALUE=DURATION:P1D"]  # fmt: skip
    utc = (events[name].dt.tz_convert("UTC").dt.strftime(_UTC) for name in ("starts_at", "ends_at"))
    for row, begin, end in zip(events.itertuples(), *utc, strict=True):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_escaped(str(row.uid))}@forestall",
            f"DTSTAMP:{made}",
            f"DTSTART:{begin}",
            f"DTEND:{end}",
            f"SUMMARY:{_escaped(str(row.summary))}",
            f"DESCRIPTION:{_escaped(str(row.description))}",
            f"LOCATION:{_escaped(str(row.site))}",
            f"CATEGORIES:{_escaped(str(row.queue_group))}",
            f"STATUS:{'CONFIRMED' if row.is_assigned else 'TENTATIVE'}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _escaped(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """A line in pieces of at most 75 octets; the next ones begin with a blank. No character is cut."""
    piece, room = "", OCTETS
    for sign in line:
        size = len(sign.encode("utf-8"))
        if size > room:
            yield piece
            piece, room = " ", OCTETS - 1
        piece, room = piece + sign, room - size
    yield piece
