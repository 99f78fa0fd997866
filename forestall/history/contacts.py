"""Reads what is known of contact volumes and puts it on the site's days: histories, events, calendar.

The one place where the warehouse's tables become `models.volume` values; forecast, ledger and backtest
share it, so that they all mean the same by a contact: one that arrived and was no redial.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import pandas as pd

from features.calendar import Calendar
from forestall.night import Night
from forestall.planning.journal import entries, events_at
from forestall.reviewed import load_reviewed
from forestall.settings import ConfigError, Settings
from forestall.warehouse import Warehouse
from models.volume.history import CHANGE_COLUMNS, Grid, History, build_histories

CHANGES = "intermediate.int_contact_volume_changes"
REPORTS = "intermediate.int_report_versions"
EVENTS = "staging.stg_business_events"
EVENT_COLUMNS = ("name", "starts_on", "ends_on", "queues", "known_on")

_CHANGES_SQL = f"""
    SELECT queue, channel, interval_start_at, known_on,
           CAST(SUM(offered_count - redial_count) AS BIGINT) AS contacts,
           CAST(SUM(handled_count) AS BIGINT) AS handled_count,
           CAST(SUM(handle_time_s) AS BIGINT) AS handle_time_s
    FROM {CHANGES}
    WHERE known_on <= ? AND local_on >= ? AND local_on < ?
    GROUP BY queue, channel, interval_start_at, known_on
    ORDER BY queue, interval_start_at, known_on, channel
"""


@dataclass(frozen=True)
class ContactHistory:
    """Every queue's history as known on the run date, and the events known by then.

    `of_source` are those of the company's own source, without what planners entered; `of_zeros` queues that report,
    and never reported a contact: they have no history.
    """

    histories: dict[str, History]
    events: pd.DataFrame
    of_source: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(EVENT_COLUMNS)))
    of_zeros: tuple[str, ...] = ()


def load_calendar(settings: Settings) -> Calendar:
    """`calendar.yml`, in the company's country.

    Raises:
        ConfigError: the file or the country cannot be used.
    """
    path = settings.root / settings.files.calendar
    calendar = load_reviewed(path, Calendar)
    try:
        return calendar.in_country(settings.company.country, settings.company.subdivision)
    except ValueError as error:
        raise ConfigError(f"company.country: {error}") from error


def last_contact_on(warehouse: Warehouse) -> date | None:
    """The latest local day of which any contact is known; None where nothing ever came."""
    if not warehouse.has_table(CHANGES):
        return None
    found: date | None = warehouse.scalar(f"SELECT MAX(local_on) FROM {CHANGES}")
    return found


def read_contact_history(
    warehouse: Warehouse, settings: Settings, run_date: date, first_on: date, until: date
) -> ContactHistory:
    """Histories from `first_on` (or the first contact after it) on, and days ahead up to `until`.

    Args:
        warehouse: open.
        settings: zone, interval, calendar.
        run_date: nothing known later enters.
        first_on: first day that anybody needs.
        until: first day that nobody needs.
    """
    if not warehouse.has_table(CHANGES):
        return ContactHistory({}, pd.DataFrame(columns=list(EVENT_COLUMNS)))
    changes = warehouse.frame(_CHANGES_SQL, [run_date, first_on, run_date])
    if changes.empty:
        return ContactHistory({}, pd.DataFrame(columns=list(EVENT_COLUMNS)))
    earliest = pd.Timestamp(changes["interval_start_at"].min()).tz_convert(settings.zone).date()
    start = max(first_on, earliest - timedelta(days=1))
    grid = Grid(start, (until - start).days, settings.volume.interval_minutes, settings.zone)
    histories = build_histories(changes.loc[:, list(CHANGE_COLUMNS)], grid, load_calendar(settings))
    of_source = _events(warehouse, run_date)
    of_zeros = tuple(sorted(_reporting(warehouse, run_date) - set(histories)))
    return ContactHistory(histories, with_entered(of_source, settings, run_date), of_source, of_zeros)


def _reporting(warehouse: Warehouse, run_date: date) -> set[str]:
    """Queues of which interval reports are known."""
    if not warehouse.has_table(REPORTS):
        return set()
    return set(warehouse.frame(f"SELECT DISTINCT queue FROM {REPORTS} WHERE known_on <= ?", [run_date])["queue"])


def with_entered(of_source: pd.DataFrame, settings: Settings, run_date: date) -> pd.DataFrame:
    """The source's events and those that planners entered, as a night (tonight's or an earlier one) knew them."""
    known = of_source[~(pd.to_datetime(of_source["known_on"]) >= pd.Timestamp(run_date))]
    entered = events_at(entries(settings), Night(settings, run_date).cutoff, settings.zone)
    return pd.concat([known.astype(object), entered], ignore_index=True) if len(entered) else known


def _events(warehouse: Warehouse, run_date: date) -> pd.DataFrame:
    if not warehouse.has_table(EVENTS):
        return pd.DataFrame(columns=list(EVENT_COLUMNS))
    names = ", ".join(EVENT_COLUMNS)
    return warehouse.frame(
        f"SELECT {names} FROM {EVENTS} WHERE known_on IS NULL OR known_on < ? ORDER BY {names}", [run_date]
    )
