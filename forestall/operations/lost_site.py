"""Who would be on duty if nobody worked at a site: published shifts without those of the site."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.publishing.breaks import breaks_of
from forestall.settings import ConfigError, Settings

Integers = NDArray[np.int64]
STEP_S = 300  # shifts and breaks begin and end on multiples of it


def planned_without(site: str, coverage: pd.DataFrame, shifts: pd.DataFrame, settings: Settings) -> "pd.Series[float]":
    """Agents on duty in each row of `coverage` without the shifts of a site.

    Args:
        site: as the shifts name it.
        coverage: rows of `shift_coverage`.
        shifts: rows of `shift_plan`.
        settings: interval and zone.

    Raises:
        ConfigError: no shift is worked there.
    """
    known = sorted(shifts["site"].unique())
    if site not in known:
        raise ConfigError(f"what-if: no shift is planned at site `{site}`; known: {', '.join(known)}")
    mine = shifts[(shifts["site"] == site) & shifts["is_assigned"].astype(bool)].reset_index(drop=True)
    origin = int(coverage["interval_start_at"].min().timestamp())
    steps = settings.volume.interval_minutes * 60 // STEP_S
    first = (_seconds(coverage["interval_start_at"]) - origin) // STEP_S
    change = np.zeros((coverage["queue_group"].nunique(), int(first.max()) + steps + 1), np.int64)
    place = {group: at for at, group in enumerate(sorted(coverage["queue_group"].unique()))}
    mine = mine[mine["queue_group"].isin(list(place))]
    _add(change, mine["queue_group"].map(place), _seconds(mine["starts_at"]), _seconds(mine["ends_at"]), origin, 1)
    rests = breaks_of(mine, settings.company.time_zone)
    resting = mine["queue_group"].loc[rests["shift"]].map(place)
    _add(change, resting, _seconds(rests["starts_at"]), _seconds(rests["ends_at"]), origin, -1)
    lost = change.cumsum(axis=1)
    at = coverage["queue_group"].map(place).to_numpy(np.int64)
    mean = np.mean([lost[at, first + step] for step in range(steps)], axis=0)
    return pd.Series(np.maximum(coverage["planned"].to_numpy(float) - mean, 0.0), index=coverage.index)


def _seconds(instants: "pd.Series[pd.Timestamp]") -> Integers:
    return np.asarray(pd.DatetimeIndex(instants).as_unit("s").asi8)


def _add(change: Integers, group: "pd.Series[int]", first_s: Integers, last_s: Integers, origin: int, by: int) -> None:
    most = change.shape[1] - 1
    rows = group.to_numpy(np.int64)
    for instants, sign in ((first_s, by), (last_s, -by)):
        np.add.at(change, (rows, ((np.asarray(instants, np.int64) - origin) // STEP_S).clip(0, most)), sign)
