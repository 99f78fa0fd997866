"""How the shape of a day goes with the season: one wave of a year in each interval's share.

The plain shape is that of recent weeks; a day elsewhere in the year has it moved by as much as the wave moves in
between. A queue's wave is shrunk to that of its kin, theirs to none, and both are used only as far as they would have
told the weeks after earlier cutoffs better than the plain shape did. With less than a year of history there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume import profile
from models.volume.history import Mask, Matrix
from models.volume.params import ProfileParams

YEAR_DAYS = 365
BLOCK_DAYS = 28  # an earlier cutoff every so many days, judged by the days up to the next
MOST_BLOCKS = 6
LEAST_FACTOR, MOST_FACTOR = 0.5, 2.0


@dataclass(frozen=True)
class Wave:
    """Sums over days that tell of the wave in each slot: a Poisson score and its information, both at "no wave".

    Attributes:
        score: slots x 2 (cosine, sine): sum of (contacts - due) x place in the year.
        information: slots x 2 x 2: sum of due x place x place.
    """

    score: Matrix
    information: NDArray[np.float64]


@dataclass(frozen=True)
class Origin:
    """What was known at a cutoff, and what the days up to the next one brought; both from that cutoff's plain shape.

    Attributes:
        before: of the days before it.
        after: of the `BLOCK_DAYS` after it; nothing at the latest.
        centre: where in the year the plain shape stands (2).
    """

    before: Wave
    after: Wave
    centre: NDArray[np.float64]


def places(days: pd.DatetimeIndex) -> Matrix:
    """Cosine and sine of each day's place in the year (days x 2)."""
    angle = 2 * np.pi * days.day_of_year.to_numpy() / 365.25
    return np.column_stack([np.cos(angle), np.sin(angle)])


def origins(
    contacts: Matrix, intervals: Matrix, is_day: Mask, weekday: NDArray[np.int64], usual: Matrix, place: Matrix,
    params: ProfileParams,
) -> tuple[Origin, ...]:  # fmt: skip
    """The end of a history and the cutoffs before it that have a year behind them, the latest first.

    Args:
        contacts: days x slots.
        intervals: open intervals in each cell, likewise.
        is_day: ordinary days with data.
        weekday: of each day.
        usual: 7 x slots, whether a weekday is usually open in a slot.
        place: of `places`.
        params: of the plain shape.
    """
    found = []
    for end in range(len(contacts), YEAR_DAYS - 1, -BLOCK_DAYS)[: MOST_BLOCKS + 1]:
        counts = profile.count(contacts[:end], intervals[:end], is_day[:end], weekday[:end], params)
        seen = counts.weights * counts.totals
        if not seen.any():
            break
        pooled = profile.pooled_share(counts, profile.kin_share([counts], usual), params)
        shares = profile.weekday_shares(counts, pooled, usual, params)
        centre = seen @ place[:end] / seen.sum()
        waves = []
        for days in (slice(0, end), slice(end, end + BLOCK_DAYS)):
            came = np.where(is_day[days, None], contacts[days], 0.0)
            due = came.sum(axis=1, keepdims=True) * shares[weekday[days]] * intervals[days]
            away = place[days] - centre
            squares = (away[:, :, None] * away[:, None, :]).reshape(-1, 4)
            waves.append(Wave((came - due).T @ away, (due.T @ squares).reshape(-1, 2, 2)))
        found.append(Origin(waves[0], waves[1], centre))
    return tuple(found)


def season_factors(
    own: Sequence[Origin], kin: Sequence[Sequence[Origin]], place: Matrix, params: ProfileParams
) -> Matrix:
    """How much more of a day each slot has than in the plain shape (days x slots); ones where nothing tells.

    Args:
        own: of the queue.
        kin: of all queues of its channel, itself among them: its days count for what is lent too, so a queue alone in
            its channel is shrunk about half as much as the strengths say, which were chosen so.
        place: of the days that are asked for.
        params: how strongly waves, and how far they are used, are shrunk.
    """
    if not own:
        return np.ones((len(place), 1))
    lent = [_together([one[step] for one in kin if len(one) > step]) for step in range(len(own))]
    prior = params.season_contacts
    waves_lent = [_coefficients(one.before, np.zeros_like(one.before.score), prior) for one in lent]
    waves = [_coefficients(one.before, wave, prior) for one, wave in zip(own, waves_lent, strict=True)]
    share = _worth(own, waves, _worth(lent, waves_lent, 0.0, params), params)
    moved = 1 + share * (place - own[0].centre) @ waves[0].T
    return np.asarray(np.clip(moved, LEAST_FACTOR, MOST_FACTOR))


def _together(origins: Sequence[Origin]) -> Origin:
    def total(waves: Sequence[Wave]) -> Wave:
        score, information = (wave.score for wave in waves), (wave.information for wave in waves)
        return Wave(np.sum(list(score), axis=0), np.sum(list(information), axis=0))

    return Origin(
        total([one.before for one in origins]), total([one.after for one in origins]), origins[0].centre
    )  # fmt: skip


def _coefficients(wave: Wave, prior: Matrix, prior_contacts: float) -> Matrix:
    """The wave of each slot (slots x 2): a Newton step of a Poisson regression, shrunk to `prior`.

    Worked for one coefficient: an information of 500 (half of 1,000 contacts due, evenly over a year), a score of 100
    and 500 contacts of a prior of none: 100 / (500 + 500) = 0.1.
    """
    ridge = prior_contacts * np.eye(2)
    score = wave.score + prior_contacts * prior
    return np.asarray(np.linalg.solve(wave.information + ridge, score[..., None])[..., 0])


def _worth(origins: Sequence[Origin], waves: Sequence[Matrix], prior: float, params: ProfileParams) -> float:
    """Which share of the wave known at each cutoff the days after it bore out: 0 is none, 1 all of it.

    The share c that makes sum of due x (contacts / due - 1 - c wave)^2 least is sum of (contacts - due) x wave over
    sum of due x wave^2; some contacts' worth of that denominator pull it to `prior`.
    """
    borne = sum(float((one.after.score * wave).sum()) for one, wave in zip(origins, waves, strict=True))
    told = sum(
        float(np.einsum("si,sij,sj->", wave, one.after.information, wave))
        for one, wave in zip(origins, waves, strict=True)
    )
    strength = params.season_worth
    return float(np.clip((borne + strength * prior) / (told + strength), 0.0, 1.0))
