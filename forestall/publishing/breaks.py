"""Breaks of published shifts as instants, for whoever reads `shift_plan` again.

The clock shows every time of the autumn hour twice, so a break is read from its minutes after the start of the shift.
Nights of schema 7 and before say the clock only: there the first such instant after the start counts.
"""

import pandas as pd

BETWEEN = " | "


def breaks_of(shifts: pd.DataFrame, zone: str) -> pd.DataFrame:
    """A row for each break, in the order of the shifts and of their breaks.

    Args:
        shifts: rows of `shift_plan` with an index of their own; `break_minutes` may be missing or null.
        zone: of the site.

    Returns:
        shift (its index), number (from 1 within the shift), starts_at, ends_at, told (`12:15-12:45`).

    Worked: `break_minutes` of `240-270` in a shift from 22:00 on the last Saturday of October is the second 02:00 to
    02:30 by the clock of Berlin; `02:00-02:30` without them is the first.
    """
    minutes = shifts["break_minutes"] if "break_minutes" in shifts else pd.Series(None, shifts.index, dtype=object)
    each = pd.DataFrame({
        "start": shifts["starts_at"].dt.tz_convert("UTC"),
        "told": shifts["breaks"].fillna("").astype(str).str.split(BETWEEN, regex=False),
        "minutes": minutes.fillna("").astype(str).str.split(BETWEEN, regex=False),
    }, index=shifts.index)  # fmt: skip
    # Of old nights the one list has its breaks and the other none.
    each["minutes"] = [
        list(known) if len(known) == len(told) else [""] * len(told)
        for known, told in zip(each["minutes"], each["told"], strict=True)
    ]
    each = each.explode(["told", "minutes"]).rename_axis("shift").reset_index()
    each = each[each["told"].str.len() > 0].reset_index(drop=True)
    start = each["start"]
    clock = each["told"].astype("str").str.extract("(.+)-(.+)")
    after = each["minutes"].astype("str").str.extract(r"(\d+)-(\d+)").astype("Float64").astype("float64")
    by_clock = _first_at(clock[0], start, zone)
    begins, ends = (start + pd.to_timedelta(after[at], unit="min") for at in (0, 1))
    begins, ends = begins.fillna(by_clock), ends.fillna(_first_at(clock[1], by_clock, zone))
    number = each.groupby("shift", sort=False).cumcount() + 1
    return pd.DataFrame({
        "shift": each["shift"], "number": number, "starts_at": begins.astype(start.dtype),
        "ends_at": ends.astype(start.dtype), "told": each["told"],
    })  # fmt: skip


def _first_at(clock: pd.Series, after: pd.Series, zone: str) -> pd.Series:
    """The first instant from `after` on at which the local clock shows a time, of an hour that comes twice either."""
    midnight = after.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    wall = midnight + pd.to_timedelta(clock + ":00")
    found = [
        (wall + pd.Timedelta(days=days)).dt.tz_localize(zone, ambiguous=is_summer, nonexistent="shift_forward")
        for days in (0, 1)
        for is_summer in ([True] * len(wall), [False] * len(wall))
    ]
    later = [at.dt.tz_convert("UTC").where(at >= after) for at in found]
    first: pd.Series = pd.concat(later, axis=1).min(axis=1)
    return first
