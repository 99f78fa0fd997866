"""Shares a day out over its intervals, by weekday and by kind of day.

Shares are counts over exposure, each level shrunk towards the one above by so many contacts: the
interval towards its neighbours, the weekday towards the queue, the queue towards its kin (queues of the
same channel). A queue of yesterday thus has the shape of its kin, and a large one its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.volume.history import Mask, Matrix
from models.volume.params import ProfileParams

KINDS = ("ordinary", "after_off", "before_off")


@dataclass(frozen=True)
class Counts:
    """Recency-weighted contacts and exposure of one queue, by weekday x slot and kind x slot.

    Exposure is what the day brought in all, wherever the slot was open: contacts over exposure is the
    slot's share of its day.
    """

    contacts: Matrix
    exposure: Matrix
    weights: NDArray[np.float64]  # of each day
    totals: NDArray[np.float64]
    is_day: Mask


def count(
    contacts: Matrix, intervals: Matrix, is_day: Mask, weekday: NDArray[np.int64], params: ProfileParams
) -> Counts:
    """Weigh the usable days of a history.

    Args:
        contacts: days x slots.
        intervals: how many open intervals each cell has (0 where closed).
        is_day: days that count.
        weekday: 0 is Monday.
        params: half-life of a day's weight.
    """
    age = np.arange(len(contacts))[::-1]
    weights = np.where(is_day, 0.5 ** (age / params.half_life_days), 0.0)
    totals = contacts.sum(axis=1)
    return Counts(
        _by(weekday, 7, weights[:, None] * contacts),
        _by(weekday, 7, (weights * totals)[:, None] * intervals),
        weights, totals, is_day,
    )  # fmt: skip


def pooled_share(counts: Counts, kin: NDArray[np.float64], params: ProfileParams) -> NDArray[np.float64]:
    """The queue's share of a day in each slot, over all weekdays, shrunk towards its kin."""
    return _smoothed(counts.contacts.sum(axis=0), counts.exposure.sum(axis=0), kin, params.kin_contacts, params)


def kin_share(all_counts: list[Counts], usual: Matrix) -> NDArray[np.float64]:
    """The share of a day in each slot over all queues of a kind; even over `usual` slots without any contact."""
    even = usual.max(axis=0) / max(usual.max(axis=0).sum(), 1.0)
    contacts = sum((counts.contacts.sum(axis=0) for counts in all_counts), np.zeros_like(even))
    exposure = sum((counts.exposure.sum(axis=0) for counts in all_counts), np.zeros_like(even))
    return np.asarray((contacts + even) / (exposure + 1.0))


def weekday_shares(counts: Counts, pooled: NDArray[np.float64], usual: Matrix, params: ProfileParams) -> Matrix:
    """Share of each slot by weekday (7 x slots); over the slots in which a weekday is usually open it adds up to 1.

    Args:
        counts: of the queue.
        pooled: its share over all weekdays.
        usual: 7 x slots, open intervals on an ordinary day of the weekday.
        params: how strongly weekdays are shrunk.
    """
    shares = np.stack(
        [
            _smoothed(counts.contacts[day], counts.exposure[day], pooled, params.weekday_contacts, params)
            for day in range(7)
        ]
    )
    full = (shares * usual).sum(axis=1, keepdims=True)
    return np.asarray(np.divide(shares, full, out=np.zeros_like(shares), where=full > 0))


def kind_factors(
    contacts: Matrix, intervals: Matrix, counts: Counts, weekday: NDArray[np.int64], kind: NDArray[np.int64],
    shares: Matrix, params: ProfileParams,
) -> Matrix:  # fmt: skip
    """How much more of a day each slot has on days of a kind (KINDS x slots), shrunk towards 1."""
    expected = (counts.weights * counts.totals)[:, None] * shares[weekday] * intervals
    seen = _by(kind, len(KINDS), counts.weights[:, None] * contacts)
    due = _by(kind, len(KINDS), expected)
    typical = shares.mean(axis=0) * params.kind_contacts
    factors = np.divide(seen + typical, due + typical, out=np.ones_like(seen), where=due + typical > 0)
    factors[0] = 1.0  # the ordinary day is the yardstick
    return np.asarray(factors)


def _by(key: NDArray[np.int64], groups: int, rows: Matrix) -> Matrix:
    """Sum of the rows of each group."""
    sums = np.zeros((groups, rows.shape[1]))
    np.add.at(sums, key, rows)
    return sums


def _smoothed(
    contacts: NDArray[np.float64], exposure: NDArray[np.float64], prior: NDArray[np.float64], strength: float,
    params: ProfileParams,
) -> NDArray[np.float64]:  # fmt: skip
    """Contacts over exposure, shrunk to `prior`, then thin slots towards their neighbours."""
    share = (contacts + strength * prior) / (exposure + strength)
    padded = np.pad(share, 1, mode="edge")
    around = (padded[:-2] + 2 * share + padded[2:]) / 4
    weight = contacts / (contacts + params.smooth_contacts) if params.smooth_contacts else np.ones_like(share)
    # A slot next to a closed one keeps its own value: opening time is a cliff, not noise.
    is_edge = (padded[:-2] == 0) | (padded[2:] == 0)
    return np.asarray(np.where(is_edge, share, weight * share + (1 - weight) * around))
