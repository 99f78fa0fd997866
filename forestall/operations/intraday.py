"""Today, looked at again: the rest of the day's forecast, surges, the agents that it takes, and what to propose.

Reads the last published night and what came so far; takes no lock and writes nothing that a night reads. Work that may
wait is placed again, what waits now included, over today and the days that follow; where nothing tells what was handled
today or lay open at midnight, it stays as the night planned it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from forestall.history.ledger import entries_before
from forestall.jobs.plan_staffing import STAFFING_KNOWN
from forestall.night import Night
from forestall.publishing.publication import PublishedNight, current_night
from forestall.settings import ConfigError, Settings
from forestall.shifts.rules import load_staffing_rules
from forestall.staffing.intraday import propose, still_waiting
from forestall.staffing.plan import Known, days_of_queues, plan_requirement, standards_of
from forestall.staffing.standards import load_standards
from models.volume.intraday import (
    DAY_SHARE,
    FALSE_ALARMS_A_DAY,
    Spread,
    day_dispersion,
    interval_dispersion,
    level_of,
    rest_of_day,
    surge_probability,
)
from models.volume.quantiles import QUANTILE_COLUMNS, moved_along
from models.volume.scores import latest

WINDOW_MINUTES = 60  # a surge is looked for in the last hour
LEAST_TOLD = 3  # intervals of which two differences tell how far rows lie apart
NEVER_NOBODY = 14.0  # contacts forecast of which once in a million days none comes


@dataclass(frozen=True)
class Reaction:
    """What came of it.

    Attributes:
        until: the end of the last interval that counts.
        queues: queue, came, expected (until then), factor (of the rest), surge (how many times as many came in the
            last hour, null where no alarm rings), rest, rest_before (contacts of the rest of the day), waiting
            (contacts now, of deferred queues), later_h (hours of work that the days after today get beyond the plan, of
            deferred queues); both null where the queue is not restated.
        requirement: queue, interval_start_at, contacts, agents_net (restated), planned_agents (on shift, or required
            by the night where there are no shifts) of the rest; queues that are restated.
        proposals: overtime and time off; `queue` is the group where several queues have the same people.
        notes: lines on what could not be told.
    """

    until: datetime
    queues: pd.DataFrame
    requirement: pd.DataFrame
    proposals: pd.DataFrame
    notes: list[str]


def react(settings: Settings, now: datetime, counts: pd.DataFrame) -> Reaction:
    """The rest of the day of `now` from what came so far.

    Args:
        settings: of the company.
        now: only intervals that have ended by then count.
        counts: queue, at (instant), contacts, handled_count (null where not told); a row an interval or a contact.

    Raises:
        ConfigError: there is no night for that day, it forecast nothing, or nothing came yet; or what came is told for
            longer intervals than those of the night.
    """
    now = now.astimezone(settings.zone)
    today = now.date()
    night = _night_of(settings, today)
    minutes = settings.volume.interval_minutes
    forecast = night.frame("volume_forecast")
    forecast = forecast[forecast["local_on"] == today].reset_index(drop=True)
    if forecast.empty:
        raise ConfigError(f"the night of {today} forecast no queue: there is no plan to react with")
    came, handled, until, notes = _placed(counts, forecast, now, minutes)
    is_past = (forecast["interval_start_at"] + pd.Timedelta(minutes=minutes) <= until).to_numpy()
    day_errors = latest(entries_before(Night(settings, today + timedelta(days=1))))
    queues, pieces = [], []
    for queue, own in forecast.groupby("queue", sort=True):  # each has a level of its own
        row, rest = _queue(own, came[own.index], is_past[own.index], _days_of(day_errors, str(queue)), until,
                           forecast["queue"].nunique())  # fmt: skip
        queues.append({"queue": str(queue), **row})
        pieces.append(rest)
    rest = pd.concat(pieces, ignore_index=True)
    today_now = pd.concat([forecast.assign(contacts=came)[is_past], rest], ignore_index=True)
    requirement, deferred, told = _restated(settings, night, today_now, handled, until)
    proposals = propose(_by_group(settings, requirement), minutes)
    columns = ["queue", "interval_start_at", "contacts", "agents_net", "planned_agents"]
    told_queues = pd.DataFrame(queues).merge(deferred, on="queue", how="left", validate="one_to_one")
    return Reaction(until, told_queues, requirement[columns], proposals, [*notes, *told])


def _night_of(settings: Settings, today: date) -> PublishedNight:
    night = current_night(settings.var_path / "published")
    if night is None:
        raise ConfigError(f"{settings.var_path / 'published'}: nothing is published yet; run a night first")
    if night.run_date != today:
        raise ConfigError(f"the last published night is that of {night.run_date}; there is no plan of {today}")
    return night


def _placed(
    counts: pd.DataFrame, forecast: pd.DataFrame, now: datetime, minutes: int
) -> tuple[np.ndarray, "pd.Series[float]", datetime, list[str]]:
    """Contacts by row of the forecast, handled ones by queue, until when both are whole, lines on what does not fit."""
    step = pd.Timedelta(minutes=minutes)
    # Intervals begin where the forecast has them: local days do not everywhere begin on a full hour of UTC.
    starts = pd.DatetimeIndex(forecast["interval_start_at"].drop_duplicates().sort_values())
    at = pd.DatetimeIndex(pd.to_datetime(counts["at"], utc=True)).as_unit(starts.unit)
    place = starts.searchsorted(at, side="right") - 1
    is_placed = (place >= 0) & (at < starts[place] + step)
    own = counts.assign(interval_start_at=starts[place])[is_placed & (at < pd.Timestamp(now))]
    days = at.tz_convert(now.tzinfo).date
    is_busy = own[["contacts", "handled_count"]].astype(float).sum(axis=1) > 0
    if not is_busy.any():
        others = sorted({str(day) for day in days[days != now.date()]})
        told = f"; what came is of {others[0]} to {others[-1]}" if others else ""
        raise ConfigError(f"no contact of today is known yet: there is nothing to react to{told}")
    _refuse_coarser(own, forecast, minutes)
    # Sources lag behind: an interval in which no queue had a contact yet is not taken for a quiet one.
    ended = starts[starts + step <= pd.Timestamp(now)]
    last_ended = ended[-1] + step if len(ended) else starts[0]
    until = min(last_ended, own.loc[is_busy, "interval_start_at"].max() + step)
    sums = own.groupby(["queue", "interval_start_at"], as_index=False)["contacts"].sum()
    beside = forecast[["queue", "interval_start_at"]].merge(sums, how="left", validate="one_to_one")
    known, seen = set(forecast["queue"]), set(own["queue"].dropna())
    notes = [f"{queue}: contacts, but no forecast; left out" for queue in sorted(seen - known)]
    notes += [f"{queue}: no contact today yet" for queue in sorted(known - seen)]
    if until < last_ended:
        notes.append(f"what came is known until {until.tz_convert(now.tzinfo).isoformat()} only")
    if lost := float(counts["contacts"][(days == now.date()) & ~is_placed].sum()):
        notes.append(f"{lost:.0f} contacts of today lie in no interval of the forecast; left out")
    handled = own[own["interval_start_at"] < until].groupby("queue")["handled_count"].sum(min_count=1)
    came = beside["contacts"].fillna(0.0).to_numpy(np.float64)
    notes += _silences(forecast[(forecast["interval_start_at"] < until) & forecast["queue"].isin(seen)], came)
    return came, handled.dropna(), until.to_pydatetime(), notes


def _silences(past: pd.DataFrame, came: np.ndarray) -> list[str]:
    """A line for each queue that has been silent for longer than chance allows: its own source may lag."""
    notes = []
    for queue, rows in past.sort_values("interval_start_at").groupby("queue", sort=True):  # a handful
        is_silent = came[rows.index][::-1].cumsum()[::-1] == 0
        expected = float(rows["contacts"].to_numpy(np.float64)[is_silent].sum())
        if expected >= NEVER_NOBODY:
            notes.append(f"{queue}: none of the last {expected:.0f} contacts forecast came; is its source late?")
    return notes


def _refuse_coarser(own: pd.DataFrame, forecast: pd.DataFrame, minutes: int) -> None:
    """A row an hour where the forecast has half-hours would all be taken for the first half."""
    starts = forecast["interval_start_at"]
    told = own.loc[own["queue"].isin(forecast["queue"]), "interval_start_at"].drop_duplicates().sort_values()
    seconds = pd.DatetimeIndex(told).as_unit("s").asi8
    apart = int(np.gcd.reduce(np.diff(seconds))) // 60
    skipped = forecast[starts.between(told.min(), told.max()) & ~starts.isin(told)]
    if len(told) >= LEAST_TOLD and apart > minutes and skipped["contacts"].sum() >= NEVER_NOBODY:
        raise ConfigError(
            f"what came is told every {apart} minutes, the forecast has intervals of {minutes}: "
            "give a row for each of them (volume.interval_minutes)"
        )


def _days_of(entries: pd.DataFrame, queue: str) -> pd.DataFrame:
    """Forecast and contacts of whole days on their own morning, from the ledger."""
    own = entries[(entries["queue"] == queue) & (entries["lead_days"] == 1)]
    return own.groupby("local_on")[["forecast_sum", "contacts"]].sum().astype(float)


def _queue(
    own: pd.DataFrame, came: np.ndarray, is_past: np.ndarray, days: pd.DataFrame, until: datetime,
    queue_count: int,
) -> tuple[dict[str, object], pd.DataFrame]:  # fmt: skip
    """What one queue's day so far says, and the rows of its rest with contacts and quantiles moved along."""
    mean = own["contacts"].to_numpy(np.float64)
    low, high = (own[name].to_numpy(np.float64) for name in ("contacts_p10", "contacts_p90"))
    whole = interval_dispersion(mean, low, high)
    day = day_dispersion(days["forecast_sum"].to_numpy(), days["contacts"].to_numpy(), DAY_SHARE * whole)
    spread = Spread(day, max(whole - day, 0.0))
    is_open = is_past & (mean > 0)
    open_rows = np.flatnonzero(is_open)
    # Of the hour before now: what came before a break in opening hours has faded, or belongs to the day's level.
    since = pd.Timestamp(until) - pd.Timedelta(minutes=WINDOW_MINUTES)
    is_last = (own["interval_start_at"] >= since).to_numpy()[open_rows]
    last, before = open_rows[is_last], open_rows[~is_last]
    earlier = level_of(came[before], mean[before], spread)
    limit = FALSE_ALARMS_A_DAY / (queue_count * max(int((mean > 0).sum()), 1))
    # An alarm takes all over-dispersion for the intervals' own: rather one incident heard late than many for noise.
    probability = surge_probability(float(came[last].sum()), mean[last], earlier, whole) if len(last) else 1.0
    is_surge = probability < limit
    level = earlier if is_surge else level_of(came[is_open], mean[is_open], spread)
    times = came[last].sum() / max(mean[last].sum() * level.factor, 1e-9) if is_surge else 1.0
    rest = own[~is_past].reset_index(drop=True)
    hours = (rest["interval_start_at"] - pd.Timestamp(until)).dt.total_seconds().to_numpy() / 3600
    before_mean = rest["contacts"].to_numpy(np.float64)
    after = before_mean * rest_of_day(level, float(times), hours)
    quantiles = rest[list(QUANTILE_COLUMNS)].to_numpy(np.float64)
    rest = rest.assign(contacts=after)
    rest[list(QUANTILE_COLUMNS)] = moved_along(quantiles, before_mean, after)
    return {
        "came": float(came[is_past].sum()), "expected": float(mean[is_past].sum()), "factor": level.factor,
        "surge": float(times) if is_surge else np.nan, "rest": float(after.sum()),
        "rest_before": float(before_mean.sum()),
    }, rest  # fmt: skip


def _restated(
    settings: Settings, night: PublishedNight, today: pd.DataFrame, handled: "pd.Series[float]", until: datetime
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Agents for the rest of the day beside those planned, both as rounded and as not (`_working`), and what waits.

    The whole forecast is staffed for again, with the rest of today in its place: a standard that holds over a day or a
    month asks for what it did in the night wherever nothing has changed, and what may wait till tomorrow may.

    Args:
        settings: of the company.
        night: that planned today.
        today: rows of `volume_forecast`; contacts are those that came before `until`, and as forecast again from then.
        handled: contacts by queue, where told.
        until: the rest begins.

    Returns:
        The requirement of the rest; queue, waiting, later_h of the deferred queues that are restated; lines.
    """
    planned = _planned(settings, night)
    known, notes = known_of(settings, night, planned)
    forecast, required = night.frame("volume_forecast"), night.frame("staffing_requirement")
    deferred = [queue for queue, standard in standards_of(forecast, known).items() if standard.is_deferred]
    work, waiting, told = _deferred(today[today["queue"].isin(deferred)], known.backlog, handled, until)
    live = today[~today["queue"].isin(deferred) & (today["interval_start_at"] >= until)]
    now = pd.concat([live, work], ignore_index=True)
    others = forecast[forecast["queue"].isin(now["queue"].unique()) & ~_at(forecast).isin(_at(now))]
    interval_s = settings.volume.interval_minutes * 60
    plan, unmet = plan_requirement(
        pd.concat([others, now[forecast.columns]], ignore_index=True), replace(known, backlog={}),
        settings.service_level, interval_s, days_of_queues(night.frame("volume_days")), until,
        _at_work(required[required["queue"].isin(deferred)], until - timedelta(seconds=interval_s)),
    )  # fmt: skip
    later, later_planned = (_load_after(night.run_date, rows) for rows in (plan, required))
    waiting["later_h"] = waiting["queue"].map((later - later_planned) * interval_s / 3600)
    rest = plan[_at(plan).isin(_at(now[now["interval_start_at"] >= until]))]
    key = ["queue", "interval_start_at"]
    beside = rest.merge(planned[[*key, "planned_share"]], on=key, how="inner", validate="one_to_one")
    beside = beside.assign(agents_share=_working(beside))
    beside["planned_agents"] = beside["agents_net"] - _lack(beside)
    columns = [*key, "contacts", "agents_net", "planned_agents", "agents_share", "planned_share"]
    return beside.reindex(columns=columns), waiting, [*notes, *told, *unmet]


def _working(requirement: pd.DataFrame) -> "pd.Series[float]":
    """Agents at work of those to schedule: `agents_net`, but of whole people scheduled for work that waits a part."""
    return requirement["agents_gross"] * (1 - requirement["shrinkage"])


def _lack(rows: pd.DataFrame) -> "pd.Series[int]":
    """Whole agents who lack at work (below none: who are to spare)."""
    lack: pd.Series[int] = np.ceil(rows["agents_share"] - rows["planned_share"] - 1e-6).astype("int64")
    return lack


def _at_work(deferred: pd.DataFrame, before: datetime) -> dict[str, int]:
    """Agents whom the night scheduled for work that may wait, by queue, in the interval that begins at `before`."""
    there = deferred[deferred["interval_start_at"] == before].set_index("queue")["agents_gross"]
    return {str(queue): int(there.get(queue, 0.0)) for queue in deferred["queue"].unique()}


def _load_after(day: date, requirement: pd.DataFrame) -> "pd.Series[float]":
    """Erlangs of all intervals of the days after `day`, by queue."""
    return requirement[requirement["local_on"] > day].groupby("queue")["offered_load"].sum()


def _at(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["queue", "interval_start_at"]])


def _deferred(
    today: pd.DataFrame, backlog: Mapping[str, float], handled: "pd.Series[float]", until: datetime
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Deferred queues of which all is known: their rows of today with what waits still of the contacts that came.

    Returns:
        Rows of `today`; queue, waiting; a line for each queue that stays as planned, and why.
    """
    pieces, waiting, notes = [today.iloc[:0]], [], list[str]()
    for name, rows in today.groupby("queue", sort=True):  # a handful, each has an order of its own
        queue = str(name)
        if queue not in handled or queue not in backlog:
            why = (
                "nothing says what was handled today (handled_count)" if queue in backlog
                else "what lay open at midnight is not known (a source of `backlog`)"
            )  # fmt: skip
            notes.append(f"{queue}: {why}, so its agents stay as planned")
            continue
        is_past = rows["interval_start_at"] < until
        left, beyond = still_waiting(
            rows["contacts"].where(is_past, 0.0).to_numpy(np.float64), backlog[queue], float(handled[queue])
        )
        if beyond:
            notes.append(f"{queue}: {beyond:.0f} more were handled than came or lay open; none is taken to wait")
        pieces.append(rows.assign(contacts=left + rows["contacts"].where(~is_past, 0.0)))
        waiting.append({"queue": queue, "waiting": float(left.sum())})
    return pd.concat(pieces), pd.DataFrame(waiting, columns=["queue", "waiting"]), notes


def _planned(settings: Settings, night: PublishedNight) -> pd.DataFrame:
    """queue, interval_start_at, shrinkage of the night, and planned_share: agents who will really be working.

    Of the shifts, shrinkage taken off, shared among the queues of a group as their requirement is; the requirement
    itself where no shifts are planned.
    """
    columns = ["queue", "interval_start_at", "agents_gross", "shrinkage"]
    rows = night.frame("staffing_requirement")[columns]
    rows = rows.assign(agents_share=_working(rows))
    coverage = night.frame("shift_coverage")
    if coverage.empty:
        return rows.assign(planned_share=rows["agents_share"])
    rules = load_staffing_rules(settings)
    rows = rows.assign(queue_group=rules.groups_of(rows["queue"])).merge(
        coverage[["queue_group", "interval_start_at", "planned"]], on=["queue_group", "interval_start_at"], how="left",
        validate="many_to_one",
    )  # fmt: skip
    together = rows.groupby(["queue_group", "interval_start_at"])["agents_share"]
    needed = together.transform("sum")
    share = (rows["agents_share"] / needed.where(needed > 0)).fillna(1 / together.transform("size"))
    there = rows["planned"].fillna(0.0) * (1 - rows["shrinkage"]) * share
    return rows.assign(planned_share=there).drop(columns=["planned", "queue_group"])


def _by_group(settings: Settings, requirement: pd.DataFrame) -> pd.DataFrame:
    """The requirement of those who serve the queues, under the group's name in `queue`; people are rounded together."""
    group = load_staffing_rules(settings).groups_of(requirement["queue"])
    sums = ["agents_net", "agents_share", "planned_share"]
    rows = requirement[sums].groupby([group, requirement["interval_start_at"]]).sum().reset_index()
    return rows.assign(planned_agents=rows["agents_net"] - _lack(rows))


def known_of(settings: Settings, night: PublishedNight, planned: pd.DataFrame) -> tuple[Known, list[str]]:
    """What the night knew, from its run folder; without it nobody is taken to give up."""
    path = Night(settings, night.run_date).folder / f"{STAFFING_KNOWN}.parquet"
    columns = ["patience_s", "open_count"]
    if path.is_file():
        rows = pd.read_parquet(path).set_index("queue").reindex(columns=columns)  # a night of before may lack one
        notes = list[str]()
    else:
        rows = pd.DataFrame(columns=columns)
        notes = [f"{path}: is gone, so patience is that of the settings, and no backlog is known"]
    patience, backlog = ({str(queue): float(x) for queue, x in rows[name].dropna().items()} for name in columns)
    standards, channels = load_standards(settings), night.frame("volume_forecast").groupby("queue")["channel"].first()
    own = [
        queue for queue, channel in channels.items() if standards.for_queue(str(queue), channel).shrinkage is not None
    ]
    estimated = planned.loc[~planned["queue"].isin(own), "shrinkage"]  # the same in all, where no standard says another
    shrinkage = float(estimated.median()) if len(estimated) else settings.staffing.shrinkage
    groups = load_staffing_rules(settings).groups
    known = Known(
        standards, shrinkage, patience, settings.staffing.patience_s, backlog, groups,
        handle_times=night.frame("handle_time_by_concurrency"),
    )  # fmt: skip
    return known, notes
