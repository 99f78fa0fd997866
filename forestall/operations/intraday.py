"""Today, looked at again: the rest of the day's forecast, surges, the agents that it takes, and what to propose.

Reads the last published night and what came so far; takes no lock and writes nothing that a night reads. Live
queues are restated; the work of deferred ones was placed over days and stays as the night planned it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.contract import LIVE_CHANNELS
from forestall.history.ledger import entries_before
from forestall.jobs.plan_staffing import STAFFING_KNOWN
from forestall.night import Night
from forestall.publishing.publication import PublishedNight, current_night
from forestall.settings import ConfigError, Settings
from forestall.shifts.rules import load_staffing_rules
from forestall.staffing.intraday import propose
from forestall.staffing.plan import Known, days_of_queues, plan_requirement
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


@dataclass(frozen=True)
class Reaction:
    """What came of it.

    Attributes:
        until: the end of the last interval that counts.
        queues: queue, came, expected (until then), factor (of the rest), surge (how many times as many came in the
            last hour, null where no alarm rings), rest, rest_before (contacts of the rest of the day).
        requirement: queue, interval_start_at, contacts, agents_net (restated), planned_agents (on shift, or required
            by the night where there are no shifts) of the rest; live queues.
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
        counts: queue, at (instant), contacts; a row an interval or a contact.

    Raises:
        ConfigError: there is no night for that day, or nothing came yet.
    """
    today = now.astimezone(settings.zone).date()
    night = _night_of(settings, today)
    minutes = settings.volume.interval_minutes
    forecast = night.frame("volume_forecast")
    forecast = forecast[forecast["local_on"] == today].reset_index(drop=True)
    came, until, notes = _placed(counts, forecast, now, minutes)
    is_past = (forecast["interval_start_at"] + pd.Timedelta(minutes=minutes) <= until).to_numpy()
    day_errors = latest(entries_before(Night(settings, today + timedelta(days=1))))
    queues, pieces = [], []
    for queue, own in forecast.groupby("queue", sort=True):  # each has a level of its own
        row, rest = _queue(own, came[own.index], is_past[own.index], _days_of(day_errors, str(queue)), until, minutes,
                           forecast["queue"].nunique())  # fmt: skip
        queues.append({"queue": str(queue), **row})
        pieces.append(rest)
    rest = pd.concat(pieces, ignore_index=True)
    requirement, told = _restated(settings, night, rest)
    proposals = propose(_by_group(settings, requirement), minutes)
    columns = ["queue", "interval_start_at", "contacts", "agents_net", "planned_agents"]
    return Reaction(until, pd.DataFrame(queues), requirement[columns], proposals, [*notes, *told])


def read_counts(path: Path, settings: Settings) -> pd.DataFrame:
    """A CSV of `queue`, `interval_start_at`, `contacts`: queue, at, contacts. A time without a zone is the site's.

    Raises:
        ConfigError: one line: file, line, what is wrong.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    rows = pd.read_csv(path, dtype=str)
    if missing := [name for name in ("queue", "interval_start_at", "contacts") if name not in rows]:
        raise ConfigError(f"{path}:1: has no column {', '.join(missing)}; needs queue, interval_start_at, contacts")
    contacts = pd.to_numeric(rows["contacts"], errors="coerce")
    _refuse(path, rows["contacts"], ~(contacts >= 0), "contacts", "a count, 0 or more")
    at = rows["interval_start_at"].map(lambda text: _instant(text, settings))
    _refuse(path, rows["interval_start_at"], at.isna(), "interval_start_at", "a time such as 2026-03-02T09:30")
    return pd.DataFrame({"queue": rows["queue"], "at": pd.to_datetime(at, utc=True), "contacts": contacts})


def _refuse(path: Path, texts: pd.Series, is_bad: pd.Series, name: str, expected: str) -> None:
    if is_bad.any():
        line = int(np.flatnonzero(is_bad)[0])
        raise ConfigError(f"{path}:{line + 2}: {name}: `{texts.iloc[line]}` is not {expected}")


def _instant(text: object, settings: Settings) -> pd.Timestamp | None:
    try:
        at = pd.Timestamp(str(text))
        return at.tz_localize(settings.zone) if at.tzinfo is None else at
    except ValueError:
        return None


def _night_of(settings: Settings, today: date) -> PublishedNight:
    night = current_night(settings.var_path / "published")
    if night is None:
        raise ConfigError(f"{settings.var_path / 'published'}: nothing is published yet; run a night first")
    if night.run_date != today:
        raise ConfigError(f"the last published night is that of {night.run_date}; there is no plan of {today}")
    return night


def _placed(
    counts: pd.DataFrame, forecast: pd.DataFrame, now: datetime, minutes: int
) -> tuple[np.ndarray, datetime, list[str]]:
    """Contacts by row of the forecast, until when they are whole, and lines about what does not fit."""
    step = pd.Timedelta(minutes=minutes)
    starts = forecast["interval_start_at"]
    at = pd.to_datetime(counts["at"], utc=True).astype(starts.dtype)
    own = counts.assign(interval_start_at=at.dt.floor(step))
    own = own[(at >= starts.min()) & (at < min(pd.Timestamp(now), starts.max() + step))]
    if own.empty:
        raise ConfigError("no contact of today is known yet: there is nothing to react to")
    # Sources lag behind: an interval in which no queue had a contact yet is not taken for a quiet one.
    until = min(pd.Timestamp(now).floor(step), own["interval_start_at"].max() + step)
    sums = own.groupby(["queue", "interval_start_at"], as_index=False)["contacts"].sum()
    beside = forecast[["queue", "interval_start_at"]].merge(sums, how="left", validate="one_to_one")
    known, seen = set(forecast["queue"]), set(own["queue"].dropna())
    notes = [f"{queue}: contacts, but no forecast; left out" for queue in sorted(seen - known)]
    notes += [f"{queue}: no contact today yet" for queue in sorted(known - seen)]
    if until < pd.Timestamp(now).floor(step):
        notes.append(f"what came is known until {until.isoformat()} only")
    return beside["contacts"].fillna(0.0).to_numpy(np.float64), until.to_pydatetime(), notes


def _days_of(entries: pd.DataFrame, queue: str) -> pd.DataFrame:
    """Forecast and contacts of whole days on their own morning, from the ledger."""
    own = entries[(entries["queue"] == queue) & (entries["lead_days"] == 1)]
    return own.groupby("local_on")[["forecast_sum", "contacts"]].sum().astype(float)


def _queue(
    own: pd.DataFrame, came: np.ndarray, is_past: np.ndarray, days: pd.DataFrame, until: datetime, minutes: int,
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
    last, before = np.split(open_rows[::-1], [max(WINDOW_MINUTES // minutes, 1)])
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


def _restated(settings: Settings, night: PublishedNight, rest: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Agents of the live queues for the rest of the day, beside those planned (planned_share before it is rounded).

    The whole forecast is staffed for again, with the rest of today in its place: a standard that holds over a day or a
    month asks for what it did in the night wherever nothing has changed.
    """
    key = ["queue", "interval_start_at"]
    live = rest[rest["channel"].isin(LIVE_CHANNELS)].reset_index(drop=True)
    planned = _planned(settings, night)
    columns = ["queue", "interval_start_at", "contacts", "agents_net", "planned_agents", "planned_share"]
    if live.empty:
        return pd.DataFrame(columns=columns), []
    known, notes = known_of(settings, night, planned)
    forecast = night.frame("volume_forecast")
    forecast = forecast[forecast["channel"].isin(LIVE_CHANNELS)]
    today = pd.MultiIndex.from_frame(live[key])
    others = forecast[~pd.MultiIndex.from_frame(forecast[key]).isin(today)]
    plan, told = plan_requirement(
        pd.concat([others, live[forecast.columns]], ignore_index=True), known, settings.service_level,
        settings.volume.interval_minutes * 60, days_of_queues(night.frame("volume_days")),
    )  # fmt: skip
    plan = plan[pd.MultiIndex.from_frame(plan[key]).isin(today)]
    beside = plan.merge(planned[[*key, "planned_agents", "planned_share"]], on=key, how="inner", validate="one_to_one")
    return beside[columns], [*notes, *told]


def _planned(settings: Settings, night: PublishedNight) -> pd.DataFrame:
    """queue, interval_start_at, agents_net, shrinkage of the night, and planned_agents: who will really be working.

    Of the shifts, shrinkage taken off, shared among the queues of a group as their requirement is; the requirement
    itself where no shifts are planned.
    """
    rows = night.frame("staffing_requirement")[["queue", "interval_start_at", "agents_net", "shrinkage"]]
    coverage = night.frame("shift_coverage")
    if coverage.empty:
        return rows.assign(planned_agents=rows["agents_net"], planned_share=rows["agents_net"].astype(float))
    rules = load_staffing_rules(settings)
    rows = rows.assign(queue_group=rules.groups_of(rows["queue"])).merge(
        coverage[["queue_group", "interval_start_at", "planned"]], on=["queue_group", "interval_start_at"], how="left",
        validate="many_to_one",
    )  # fmt: skip
    together = rows.groupby(["queue_group", "interval_start_at"])["agents_net"]
    needed = together.transform("sum")
    share = (rows["agents_net"] / needed.where(needed > 0)).fillna(1 / together.transform("size"))
    there = rows["planned"].fillna(0.0) * (1 - rows["shrinkage"]) * share
    whole = np.floor(there + 1e-6).astype("int64")
    return rows.assign(planned_agents=whole, planned_share=there).drop(columns=["planned", "queue_group"])


def _by_group(settings: Settings, requirement: pd.DataFrame) -> pd.DataFrame:
    """The requirement of those who serve the queues, under the group's name in `queue`; people are rounded together."""
    group = load_staffing_rules(settings).groups_of(requirement["queue"])
    sums = ["agents_net", "planned_share"]
    rows = requirement[sums].groupby([group, requirement["interval_start_at"]]).sum().reset_index()
    return rows.assign(planned_agents=np.floor(rows["planned_share"] + 1e-6).astype("int64"))


def known_of(settings: Settings, night: PublishedNight, planned: pd.DataFrame) -> tuple[Known, list[str]]:
    """What the night knew, from its run folder; without it nobody is taken to give up."""
    path = Night(settings, night.run_date).folder / f"{STAFFING_KNOWN}.parquet"
    notes, patience = [], dict[str, float]()
    if path.is_file():
        rows = pd.read_parquet(path)
        patience = dict(zip(rows["queue"].astype(str), rows["patience_s"].astype(float), strict=True))
    else:
        notes = [f"{path}: is gone, so patience is that of the settings"]
    shrinkage = float(planned["shrinkage"].median()) if len(planned) else settings.staffing.shrinkage
    groups = load_staffing_rules(settings).groups
    return Known(load_standards(settings), shrinkage, patience, settings.staffing.patience_s, groups=groups), notes
