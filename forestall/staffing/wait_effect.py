"""What a minute of waiting does to the chance of leaving.

Who waits long is not who would have stayed: hard cases wait longer and leave oftener whatever the queue does, so
leaving regressed on waits overstates what waiting does. What moves a customer's wait and has nothing to do with the
customer is how crowded the queue happened to be: the mean wait of the *others* of the same queue and interval. Compared
are contacts alike in queue, topic and hour of the week, within one week of the queue and between days of as many
contacts (an outage fills the queue and drives away, too), and the effect is the ratio of what the crowd does to leaving
to what it does to one's own wait (two-stage least squares; Angrist and Krueger 2001). Errors are clustered both by
customer, whose contacts share one outcome, and by queue and interval, which share one crowd (Cameron, Gelbach and
Miller 2011).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEVEL = 0.95
WEAK = 10.0  # of the first stage: below it the ratio is worth nothing (Staiger and Stock 1997)
SWEEPS = 100
CLOSE = 1e-9
CROWD, NAIVE = "crowd", "naive"  # how an effect was estimated
ESTIMATE = ("approach", "effect_per_minute", "effect_low", "effect_high", "first_stage_f", "contact_count",
            "customer_count", "leaver_count")  # fmt: skip


@dataclass(frozen=True)
class _Within:
    """What is left of outcome, wait and crowd of each contact when those alike are compared; and its clusters."""

    left: Floats
    wait: Floats
    crowd: Floats
    customer: Integers
    interval: Integers


def wait_effect(contacts: pd.DataFrame) -> pd.DataFrame:
    """The effect by the crowd, and beside it the naive regression on the same contacts.

    Args:
        contacts: one row a contact that had to queue: customer_id, interval (of the queue, any label), alike (label of
            queue, topic and hour of the week), queue_week, day_contacts (of the queue on that day), wait_minutes,
            others_wait_minutes (mean of other customers in the same interval), is_left (whether the customer decided to
            leave within the horizon, 0 or 1).

    Returns:
        Two rows, `ESTIMATE`: change of the chance of leaving by each minute of waiting with its 95 % interval. NaN
        where nothing can be told: no two contacts alike, one outcome only, or a crowd that does not move waits.
    """
    found = _within(contacts)
    counts = {
        "contact_count": len(contacts),
        "customer_count": contacts["customer_id"].nunique(),
        "leaver_count": contacts.loc[contacts["is_left"] == 1, "customer_id"].nunique(),
    }
    first, first_error = _ratio(found, found.wait, found.crowd, found.crowd)
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = float(np.nan_to_num(np.divide(first, first_error) ** 2, nan=0.0, posinf=np.inf))
    by_crowd = _ratio(found, found.left, found.wait, found.crowd) if strength > 0 else (np.nan, np.nan)
    naive = _ratio(found, found.left, found.wait, found.wait)
    half = norm.ppf((1 + LEVEL) / 2)
    rows = [
        (approach, effect, effect - half * error, effect + half * error, strength_of)
        for approach, (effect, error), strength_of in ((CROWD, by_crowd, strength), (NAIVE, naive, np.nan))
    ]
    return pd.DataFrame(rows, columns=list(ESTIMATE[:5])).assign(**counts)


def is_known(effect: pd.Series) -> bool:
    """Whether a price may be told: a strong first stage, and an interval on one side of zero, the side of harm."""
    return bool(effect["first_stage_f"] >= WEAK and effect["effect_low"] > 0)


def sentence(effect: pd.Series, horizon_days: int) -> str:
    """What a row of `wait_effect` says."""
    counts = f"{effect['contact_count']:,.0f} contacts of {effect['customer_count']:,.0f} customers"
    if pd.isna(effect["effect_per_minute"]):
        return f"too little to say what waiting does to leaving ({counts})"
    points, low, high = (f"{100 * effect[name]:+.2f}" for name in ("effect_per_minute", "effect_low", "effect_high"))
    told = (
        f"each minute of waiting changes the share that leaves within {horizon_days} days by {points} points "
        f"(95 % interval {low} to {high}; {counts})"
    )
    if effect["approach"] == NAIVE:
        return f"without looking at the crowd it would seem that {told}: hard cases wait longer and leave oftener"
    if effect["first_stage_f"] < WEAK:
        return f"{told}; how crowded it was hardly moves waits, so no price is given"
    return told if is_known(effect) else f"{told}; that may be nothing, so no price is given"


def _ratio(found: _Within, outcome: Floats, treatment: Floats, instrument: Floats) -> tuple[float, float]:
    """Coefficient of the treatment with its standard error, clustered two ways; NaN where it is not identified."""
    denominator = float(instrument @ treatment)
    if abs(denominator) < CLOSE:
        return np.nan, np.nan
    effect = float(instrument @ outcome) / denominator
    score = instrument * (outcome - effect * treatment)
    both = pd.factorize(found.customer * (found.interval.max() + 1) + found.interval)[0]
    variance = _clustered(score, found.customer) + _clustered(score, found.interval) - _clustered(score, both)
    # Taking away what both have in common can leave less than either gives alone, by chance.
    variance = max(variance, _clustered(score, found.customer), _clustered(score, found.interval))
    return effect, float(np.sqrt(variance) / abs(denominator))


def _clustered(score: Floats, cluster: Integers) -> float:
    sums = np.bincount(cluster, score)
    count = int((np.bincount(cluster) > 0).sum())
    return float(sums @ sums) * count / max(count - 1, 1)


def _within(contacts: pd.DataFrame) -> _Within:
    groups = (pd.factorize(contacts["alike"])[0], pd.factorize(contacts["queue_week"])[0])
    volume = _demeaned(np.log(contacts["day_contacts"].to_numpy(float)), groups)
    values = contacts[["is_left", "wait_minutes", "others_wait_minutes"]].to_numpy(float)
    left, wait, crowd = (_without(volume, _demeaned(values[:, place], groups)) for place in range(3))
    customer = np.asarray(pd.factorize(contacts["customer_id"])[0], np.int64)
    return _Within(left, wait, crowd, customer, np.asarray(pd.factorize(contacts["interval"])[0], np.int64))


def _without(control: Floats, values: Floats) -> Floats:
    """What a regression on the control leaves of the values."""
    square = float(control @ control)
    return values - (control @ values) / square * control if square > CLOSE else values


def _demeaned(values: Floats, groups: tuple[Integers, ...]) -> Floats:
    """Deviations from the means of all groupings at once, by taking them away in turn until nothing moves."""
    counts = [np.bincount(group) for group in groups]
    left: Floats = values - values.mean()
    for _ in range(SWEEPS):
        before = left
        for group, count in zip(groups, counts, strict=True):
            left = left - (np.bincount(group, left) / count)[group]
        if np.abs(left - before).max(initial=0.0) < CLOSE:
            break
    return left
