"""How many agents each queue takes in each interval of the forecast.

Reads `volume_forecast` of the night (and `volume_days` where there is one), eight weeks of
`marts.fct_agent_time` (shrinkage), `marts.fct_contact_volume` (patience) and contacts by agent (handle time by
concurrency), the opening backlog and `standards.yml`; writes `staffing_requirement`, `shrinkage_causes` and
`handle_time_by_concurrency`. Safe to run again: the same night gives the same plan.
"""

import logging
from datetime import date, timedelta

import pandas as pd

from features.published_staffing import HANDLE_TIME_BY_CONCURRENCY, SHRINKAGE_CAUSES, STAFFING_REQUIREMENT
from forestall.history.concurrency import contacts_by_concurrency
from forestall.night import Night
from forestall.records import LINE_END, Summary
from forestall.settings import ConfigError, Settings
from forestall.shifts.names import without_effect
from forestall.shifts.rules import load_staffing_rules
from forestall.staffing import concurrency, patience, shrinkage
from forestall.staffing.plan import Known, days_of_queues, plan_requirement, standards_of
from forestall.staffing.standards import load_standards
from forestall.warehouse import Warehouse, open_warehouse

log = logging.getLogger(__name__)

# A count older than this tells nothing of what lies open this morning.
BACKLOG_DAYS = 2
STAFFING_KNOWN = "staffing_known"  # what the night knew of patience and backlog; stays in its run folder


def plan_staffing(settings: Settings, run_date: date) -> Summary:
    """Write the night's `staffing_requirement`, `shrinkage_causes` and `handle_time_by_concurrency`.

    Raises:
        ConfigError: `standards.yml` or `staffing.yml` holds a mistake, or the shrinkage of the settings leaves nobody.
        ConfigError: the night has no `volume_forecast` yet.
    """
    night = Night(settings, run_date)
    forecast = night.read("volume_forecast")
    if forecast.empty:
        for table in (STAFFING_REQUIREMENT, SHRINKAGE_CAUSES, HANDLE_TIME_BY_CONCURRENCY):
            night.write(table.name, pd.DataFrame(columns=table.names))
        return {"intervals": 0, "notes": "no queue is forecast, so none is staffed"}
    if settings.staffing.shrinkage >= 1:
        raise ConfigError("staffing.shrinkage: 1 leaves nobody to work; give the share of paid time lost, such as 0.30")
    with open_warehouse(settings, f"plan_staffing {run_date}") as warehouse:
        known, lost = what_is_known(warehouse, night, learned_handle_times(warehouse, night))
    interval_s = settings.volume.interval_minutes * 60
    plan, notes = plan_requirement(forecast, known, settings.service_level, interval_s, _days(night))
    at_once = {queue: standard.concurrency for queue, standard in standards_of(forecast, known).items()}
    channels = dict(zip(forecast["queue"], forecast["channel"], strict=True))
    notes += without_effect(settings, channels)
    notes += concurrency.concerns(concurrency.paces(known.handle_times), at_once)
    for note in notes:
        log.warning("%s", note)
    night.write("staffing_requirement", plan)
    night.write(SHRINKAGE_CAUSES.name, lost.causes())
    night.write(HANDLE_TIME_BY_CONCURRENCY.name, known.handle_times)
    night.write(STAFFING_KNOWN, _of_queues(known))  # for `forestall intraday`
    return {
        "queues": plan["queue"].nunique(),
        "intervals": len(plan),
        "agent_hours_saved_by_groups": round(float(_saved(plan).sum()) * interval_s / 3600, 1),
        "agents_net_most": int(plan["agents_net"].max()) if len(plan) else 0,
        "shrinkage": round(known.shrinkage, 4),
        "shrinkage_source": lost.source,
        "shrinkage_causes": ", ".join(f"{cause} {share:.1%}" for cause, share in lost.by_cause.items()),
        "notes": LINE_END.join(notes),
    }


def _of_queues(known: Known) -> pd.DataFrame:
    """queue, patience_s, open_count (contacts waiting at the cutoff); null where nothing tells."""
    columns = {"patience_s": known.patience_s, "open_count": known.backlog}
    rows = pd.DataFrame({name: pd.Series(values, dtype="float64") for name, values in columns.items()})
    return rows.rename_axis("queue").reset_index().astype({"queue": "str"})


def _saved(plan: pd.DataFrame) -> pd.Series:
    """Agents whom groups save against people of its own for every queue."""
    return plan["agents_alone"] - plan["agents_net"]


def _days(night: Night) -> pd.DataFrame | None:
    """The forecast of each queue's days, where the night has one."""
    if not night.has("volume_days"):
        return None
    return days_of_queues(night.read("volume_days"))


def what_is_known(warehouse: Warehouse, night: Night, handle_times: pd.DataFrame) -> tuple[Known, shrinkage.Shrinkage]:
    """Standards, shrinkage, patience and backlog of the night beside its handle times, and the shrinkage by cause.

    Args:
        warehouse: of the night.
        night: whose cutoff it is.
        handle_times: rows of `handle_time_by_concurrency`, which take seconds to learn: the night has them once.

    Raises:
        ConfigError: `standards.yml` or `staffing.yml` holds a mistake.
    """
    staffing, run_date = night.settings.staffing, night.run_date
    lost = shrinkage.estimate_shrinkage(_agent_time(warehouse, run_date), staffing.shrinkage)
    known = Known(
        standards=load_standards(night.settings),
        shrinkage=lost.share,
        patience_s=patience.estimate_patience(_volume(warehouse, run_date)),
        default_patience_s=staffing.patience_s,
        backlog=_backlog(warehouse, night),
        groups=load_staffing_rules(night.settings).groups,
        handle_times=handle_times,
    )
    return known, lost


def _agent_time(warehouse: Warehouse, run_date: date) -> pd.DataFrame:
    sql = """
        SELECT local_on, team, activity, is_planned, agent_s FROM marts.fct_agent_time
        WHERE local_on >= ? AND local_on < ?
    """
    return warehouse.frame(sql, [run_date - timedelta(days=shrinkage.WINDOW_DAYS), run_date])


def _volume(warehouse: Warehouse, run_date: date) -> pd.DataFrame:
    sql = """
        SELECT queue, abandoned_count, wait_time_s FROM marts.fct_contact_volume
        WHERE local_on >= ? AND local_on < ?
    """
    return warehouse.frame(sql, [run_date - timedelta(days=patience.WINDOW_DAYS), run_date])


def learned_handle_times(warehouse: Warehouse, night: Night) -> pd.DataFrame:
    """Rows of `handle_time_by_concurrency`, learned from the contacts before the night's cutoff."""
    standards = load_standards(night.settings)
    contacts = contacts_by_concurrency(warehouse, night, standards)
    channels = contacts.groupby("queue")["channel"].first()
    at_once = {str(queue): standards.for_queue(str(queue), channel).concurrency for queue, channel in channels.items()}
    return concurrency.handle_times(contacts, at_once)


def _backlog(warehouse: Warehouse, night: Night) -> dict[str, float]:
    """Open contacts by queue at the last count before the cutoff, as known then."""
    sql = """
        WITH versions AS (
            SELECT queue, open_count,
                row_number() OVER (PARTITION BY queue ORDER BY counted_at DESC, known_at DESC, pull_id DESC) AS newest
            FROM raw.backlog
            WHERE known_at < ? AND counted_at < ? AND counted_at >= ?
        )
        SELECT queue, open_count FROM versions WHERE newest = 1
    """
    since = night.cutoff - timedelta(days=BACKLOG_DAYS)
    rows = warehouse.frame(sql, [night.cutoff, night.cutoff, since])
    return {str(queue): float(count) for queue, count in zip(rows["queue"], rows["open_count"], strict=True)}
