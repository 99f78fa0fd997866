"""What must be said of a queue's forecast: short histories, gaps, outliers, closed doors, assumed times."""

from calendar import day_name
from collections.abc import Mapping
from datetime import date

import numpy as np

from features.contract import LIVE_CHANNELS
from features.phrases import counted
from models.volume.candidates import Basis, Candidates
from models.volume.handle_time import SLIP, has_handle_times, slips
from models.volume.history import History

RECENT_DAYS = 56
TELLING = 10.0  # contacts that an even spread would bring: that none of them came is no chance


def notes_on(
    candidates: Mapping[tuple[str, date], Candidates], histories: Mapping[str, History], run_date: date
) -> list[str]:
    """One line for each queue and oddity of it, in the order of the queues."""
    notes = []
    for (queue, _), found in candidates.items():
        basis, series = found.basis, found.basis.series
        days = int(basis.is_day.sum())
        if not histories[queue].is_open.any():
            notes.append(f"{queue}: calendar.yml never opens it; forecast is zero")
            continue
        if not series.contacts.any() and series.outside >= 1:
            notes.append(f"{queue}: all of its {series.outside:.0f} contacts came outside its opening hours; forecast"
                         " is zero: mend its hours in calendar.yml")  # fmt: skip
            continue
        if not series.contacts.any():
            notes.append(f"{queue}: no contact in its whole history; forecast is zero")
            continue
        if basis.is_silent:
            notes.append(f"{queue}: no contact for weeks; taken as closed for good, forecast is zero")
            continue
        if found.is_short:
            notes.append(f"{queue}: {counted(days, 'day')} of history; level of these days, shape of its kin")
        if basis.stray and basis.end - basis.start < RECENT_DAYS:
            notes.append(f"{queue}: {counted(round(basis.stray), 'contact')} before {basis.dates[0]:%Y-%m-%d} left out:"
                         " too few for its history to have begun")  # fmt: skip
        for what, rest, flags in (
            ("open day", " without data", basis.is_gap),
            ("day", ", being an outlier,", basis.is_outlier),
        ):
            recent = int(flags[-RECENT_DAYS:].sum())
            if recent:
                notes.append(f"{queue}: {counted(recent, what)}{rest} left out, in the last {RECENT_DAYS} days")
        if series.outside >= 1:
            share = series.outside / (series.outside + series.contacts.sum())
            outside = counted(round(series.outside), "contact")
            notes.append(
                f"{queue}: {outside} ({share:.1%}) outside its opening hours left out;"
                " if it is served then, say so in calendar.yml"
            )
        quiet = _when_nobody_comes(basis, histories[queue])
        if quiet:
            notes.append(f"{queue}: nobody came {quiet} in the last {RECENT_DAYS} days; if it is closed then, say so in"
                         " calendar.yml: it is staffed around the clock")  # fmt: skip
        slipped = slips(series)
        if slipped:
            notes.append(
                f"{queue}: handle times of {slipped} intervals left out: {SLIP:g} times off the usual ones; are they in"
                " another unit than seconds?"
            )
        if not has_handle_times(series) and histories[queue].channel != "self_service":
            notes.append(
                f"{queue}: no handle times in the data; those of queues alike are taken, or of"
                " standards.yml (handle_time_s)"
            )
    return notes


def _when_nobody_comes(basis: Basis, history: History) -> str:
    """Hours and weekdays without a contact, of a live queue that never closes; empty where there are none.

    Such as `between 20:00 and 08:00 or on a Sunday`.
    """
    grid, recent = history.grid, basis.contacts[-RECENT_DAYS:]
    is_always_open = history.is_open[grid.multiplicity > 0].all()
    if history.channel not in LIVE_CHANNELS or not is_always_open or len(recent) < RECENT_DAYS or not recent.any():
        return ""
    found, of_slot = [], recent.sum(axis=0)
    busy = np.flatnonzero(of_slot)
    quiet = np.diff(busy, append=busy[0] + grid.slots) - 1  # slots after each busy one, over midnight too
    longest = int(quiet.argmax())
    if quiet[longest] * of_slot.mean() >= TELLING:
        ends = (busy[longest] + 1, busy[longest] + 1 + quiet[longest])
        hours = ["{:02d}:{:02d}".format(*divmod(int(slot) % grid.slots * grid.minutes, 60)) for slot in ends]
        found.append(f"between {hours[0]} and {hours[1]}")
    of_weekday = np.bincount(basis.weekday[basis.past][-RECENT_DAYS:], recent.sum(axis=1), minlength=7)
    if of_weekday.mean() >= TELLING:
        found += [f"on a {day_name[int(day)]}" for day in np.flatnonzero(of_weekday == 0)]
    return " or ".join(found)
