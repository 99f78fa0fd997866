"""What must be said of a queue's forecast: short histories, gaps, outliers, closed doors, assumed times."""

from collections.abc import Mapping
from datetime import date

from models.volume.candidates import Candidates
from models.volume.handle_time import has_handle_times
from models.volume.history import History

RECENT_DAYS = 56


def notes_on(
    candidates: Mapping[tuple[str, date], Candidates], histories: Mapping[str, History], run_date: date
) -> list[str]:
    """One line for each queue and oddity of it, in the order of the queues."""
    notes = []
    for (queue, _), found in candidates.items():
        basis, series = found.basis, found.basis.series
        days = int(basis.is_day.sum())
        if not series.contacts.any():
            notes.append(f"{queue}: no contact in its whole history; forecast is zero")
            continue
        if basis.is_silent:
            notes.append(f"{queue}: no contact for weeks; taken as closed for good, forecast is zero")
            continue
        if found.is_short:
            notes.append(f"{queue}: {days} days of history; level of these days, shape of its kin")
        for what, flags in (("open days without data left out", basis.is_gap), ("outliers left out", basis.is_outlier)):
            recent = int(flags[-RECENT_DAYS:].sum())
            if recent:
                notes.append(f"{queue}: {recent} {what} in the last {RECENT_DAYS} days")
        if series.outside >= 1:
            share = series.outside / (series.outside + series.contacts.sum())
            notes.append(f"{queue}: {series.outside:.0f} contacts ({share:.1%}) outside its opening hours left out")
        if not has_handle_times(series):
            notes.append(f"{queue}: no handle times; those of its kin, or of the standards")
    return notes
