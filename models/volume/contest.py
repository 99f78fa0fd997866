"""Ours beside every rival, by queue and lead bucket, with the same measures: what a backtest reports.

The rivals of the night get quantiles as ours do, from their own errors at earlier cutoffs; outsiders bring
theirs. All are scored on the same intervals.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from models.volume.accuracy import (
    LEAD_BUCKETS,
    bias,
    bucket_of,
    is_within_80,
    noise_floor,
    pinball,
    poisson_floor,
    share_of_days,
    wape,
)
from models.volume.candidates import MEMBERS
from models.volume.combine import METHODS
from models.volume.forecast import spread_of
from models.volume.params import VolumeParams
from models.volume.quantiles import QUANTILE_COLUMNS, estimate_spread, quantiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS = "ours"
KEY = ["queue", "cutoff_on", "day_on", "slot"]
NUMBERS = ["forecast", *QUANTILE_COLUMNS]
SMALL_MEAN = 10.0  # below it whole counts make coverage of an interval jump; the randomised PIT stands in


def contestants(
    scored: pd.DataFrame, past: pd.DataFrame, cutoffs: Sequence[date], count: int, outside: pd.DataFrame,
    params: VolumeParams,
) -> pd.DataFrame:  # fmt: skip
    """Everybody's forecast of every interval that all have one for.

    Args:
        scored: ours (`walk_forward`): KEY, lead_days, MEMBERS, contacts, pit, NUMBERS.
        past: backtest intervals with contacts, of these cutoffs and of earlier ones.
        cutoffs: those that are scored.
        count: how many earlier cutoffs a rival's spread is learned from.
        outside: of `outsider_rows`; may be empty.
        params: of the spread.

    Returns:
        KEY, lead_days, contacts, method, NUMBERS; pit of ours.
    """
    frames = [scored.assign(method=OURS)]
    for member in MEMBERS:
        own = scored.assign(method=METHODS[member], forecast=scored[member], pit=np.nan)
        frames.append(
            own.drop(columns=list(QUANTILE_COLUMNS)).join(_member_quantiles(own, past, cutoffs, count, member, params))
        )
    if len(outside):
        known = scored[[*KEY, "lead_days", "contacts"]]
        theirs = outside.astype({"slot": "int64"})
        frames.append(known.merge(theirs, on=KEY, how="inner", validate="one_to_many"))
    every = pd.concat(frames, ignore_index=True)[[*KEY, "lead_days", "contacts", "method", *NUMBERS, "pit"]]
    # A queue that some cannot forecast yet would be compared with nobody.
    told = every.groupby(KEY)["method"].transform("size")
    return every[told == every["method"].nunique()].reset_index(drop=True)


def contest_rows(everybody: pd.DataFrame) -> pd.DataFrame:
    """All measures by queue (and `all`), lead bucket (and `all`) and method.

    Returns:
        queue, lead_bucket, method, cutoff_count, day_count, contacts, wape, noise_floor_wape, poisson_floor_wape
        (as if its own means were true), bias, pinball, coverage_80 (ends included); of ours coverage_80_pooled
        too, with the randomised PIT where the mean is below SMALL_MEAN, and the ends of its 95 % interval.
    """
    bucket = np.array(LEAD_BUCKETS)[bucket_of(everybody["lead_days"].to_numpy())]
    rows = everybody.assign(lead_bucket=bucket)
    rows = pd.concat([rows, rows.assign(lead_bucket="all")], ignore_index=True)
    rows = pd.concat([rows, rows.assign(queue="all")], ignore_index=True)
    found = [
        {"queue": queue, "lead_bucket": lead, "method": method, **_measures(own)}
        for (queue, lead, method), own in rows.groupby(["queue", "lead_bucket", "method"])
    ]
    return pd.DataFrame(found)


def contest_text(table: pd.DataFrame) -> str:
    """WAPE of everybody by queue and lead bucket, and how honest our intervals are, as text."""
    order = [
        OURS,
        *[METHODS[member] for member in MEMBERS],
        *sorted(set(table["method"]) - set(METHODS.values()) - {OURS}),
    ]
    index = ["queue", "lead_bucket"]
    wide = table.pivot_table(index=index, columns="method", values="wape", sort=False)
    ours = table[table["method"] == OURS].set_index(index)
    wide = wide[[name for name in order if name in wide.columns]].assign(
        floor=ours["poisson_floor_wape"],
        bias=ours["bias"],
        pinball=ours["pinball"],
        coverage_80=ours["coverage_80_pooled"],
        low=ours["coverage_80_low"],
        high=ours["coverage_80_high"],
    )
    place = {name: step for step, name in enumerate((*LEAD_BUCKETS, "all"))}
    wide = wide.reset_index().sort_values(
        index,
        key=lambda values: values.map(lambda one: place.get(one, one)) if values.name == "lead_bucket" else values,
    )
    return wide.to_string(index=False, float_format="{:.4f}".format)


def contest_picture(table: pd.DataFrame) -> "Figure":
    """WAPE over all leads of everybody by queue, and of all queues by lead bucket, with the noise floor."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7))
    panels = figure.subplots(2, 1)
    by_queue = table[table["lead_bucket"] == "all"]
    by_lead = table[(table["queue"] == "all") & (table["lead_bucket"] != "all")]
    order = [name for name in LEAD_BUCKETS if name in set(by_lead["lead_bucket"])]
    for panel, rows, axis, names in (
        (panels[0], by_queue, "queue", sorted(set(by_queue["queue"]))), (panels[1], by_lead, "lead_bucket", order),
    ):  # fmt: skip
        wide = rows.pivot_table(index=axis, columns="method", values="wape").reindex(names)
        wide = wide[sorted(wide.columns, key=lambda name: name != OURS)]
        width = 0.8 / len(wide.columns)
        for step, name in enumerate(wide.columns):
            panel.bar(np.arange(len(wide)) + step * width, wide[name], width, label=name)
        floor = rows[rows["method"] == OURS].set_index(axis)["noise_floor_wape"].reindex(names)
        panel.plot(np.arange(len(wide)) + 0.4 - width / 2, floor, "k_", markersize=24, label="noise floor")
        panel.set_xticks(
            np.arange(len(wide)) + 0.4 - width / 2, [str(name) for name in names], fontsize=8, parse_math=False
        )
        panel.set_ylabel("WAPE")
    panels[0].set_title("By queue, over all leads", fontsize=10)
    panels[1].set_title("By days ahead, over all queues", fontsize=10)
    panels[0].legend(fontsize=7, ncols=4)
    figure.tight_layout()
    return figure


def _member_quantiles(
    own: pd.DataFrame, past: pd.DataFrame, cutoffs: Sequence[date], count: int, member: str, params: VolumeParams
) -> pd.DataFrame:
    """Quantiles of one rival, its spread learned as ours is: on days that had passed at each cutoff."""
    numbers = pd.DataFrame(np.nan, index=own.index, columns=list(QUANTILE_COLUMNS))
    asked = own.assign(bucket=bucket_of(own["lead_days"].to_numpy()))
    known = past.assign(bucket=bucket_of(past["lead_days"].to_numpy()))
    for cutoff in cutoffs:
        now = pd.Timestamp(cutoff)
        earlier = sorted(known.loc[known["cutoff_on"] < now, "cutoff_on"].unique())[-count:]
        learned = known[known["cutoff_on"].isin(earlier) & (known["day_on"] < now)]
        spreads = {
            cast(tuple[str, int], key): estimate_spread(
                rows[member].to_numpy(),
                rows["contacts"].to_numpy(),
                params.quantiles.prior_count,
                params.quantiles.seed,
            )
            for key, rows in learned.groupby(["queue", "bucket"])
        }
        for key, rows in asked[asked["cutoff_on"] == now].groupby(["queue", "bucket"]):
            queue, bucket = cast(tuple[str, int], key)
            numbers.loc[rows.index] = quantiles(rows["forecast"].to_numpy(), spread_of(queue, bucket, spreads))
    return numbers


def _measures(own: pd.DataFrame) -> dict[str, float]:
    forecast, actual = own["forecast"].to_numpy(), own["contacts"].to_numpy()
    levels = own[list(QUANTILE_COLUMNS)].to_numpy()
    pooled, low, high = _pooled_coverage(own)
    return {
        "cutoff_count": own["cutoff_on"].nunique(),
        "day_count": own["day_on"].nunique(),
        "contacts": float(actual.sum()),
        "wape": wape(forecast, actual),
        "noise_floor_wape": noise_floor(actual),
        "poisson_floor_wape": poisson_floor(forecast, actual),
        "bias": bias(forecast, actual),
        "pinball": pinball(levels, actual),
        "coverage_80": float(is_within_80(levels, actual).mean()),
        "coverage_80_pooled": pooled,
        "coverage_80_low": low,
        "coverage_80_high": high,
    }


def _pooled_coverage(own: pd.DataFrame) -> tuple[float, float, float]:
    """Coverage with the randomised PIT below SMALL_MEAN, and its 95 % interval; NaN for those without a PIT."""
    if own["pit"].isna().any():
        return float("nan"), float("nan"), float("nan")
    is_between = is_within_80(own[list(QUANTILE_COLUMNS)].to_numpy(), own["contacts"].to_numpy())
    return share_of_days(
        np.where(own["forecast"] >= SMALL_MEAN, is_between, own["pit"].between(0.1, 0.9)), own["day_on"]
    )
