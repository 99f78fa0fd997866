"""How long a contact takes while its agent holds so many at once, and what that means for staff.

An agent who holds k contacts loses each of them at a rate mu(k). Its maximum-likelihood estimate is the number of
contacts that ended while k were held over the contact seconds spent so (departure rates of a birth-and-death process;
Wolff 1965, "Problems of statistical inference for birth and death queueing models", Operations Research 13), so a
contact takes seconds over contacts. A mean over contacts by the number held at their start would mix states, since
most live through several. Where k makes no difference this holds for any distribution of handle times (symmetric
queues are insensitive to it; Kelly 1979, "Reversibility and Stochastic Networks").

Customers wait only while every agent holds as many as the standard allows, so live queues are staffed for the time that
holds there (the states in which all are busy; Luo and Zhang 2013, "Staffing and control of instant messaging contact
centers", Operations Research 61): on the safe side, since contacts end sooner where an agent holds fewer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from features.published_staffing import HANDLE_TIME_BY_CONCURRENCY

Floats = NDArray[np.float64]

LEAST_CONTACTS = 30  # that ended while so many were held; fewer are off by more than a third too often
CERTAINTY = 0.95  # of the interval that is told


@dataclass(frozen=True)
class Pace:
    """A queue's handle time by how many contacts the agent holds.

    Attributes:
        mean_s: handle time as lived, over the contacts that ended while as many were held as `held` says; the few
            (under `LEAST_CONTACTS` each) that ended with other numbers held are left out.
        held: numbers held that were lived often enough, ascending.
        ratio: handle time at each of them over `mean_s`; never falling.
    """

    mean_s: float
    held: Floats
    ratio: Floats

    def at(self, held: float | Floats) -> Floats:
        """The ratio with so many held; beyond the last that was lived it goes on as steeply as up to there."""
        span = self.held[-1] - self.held[0]
        step = (self.ratio[-1] - self.ratio[0]) / span if span else 0.0
        beyond = np.maximum(np.asarray(held, np.float64) - self.held[-1], 0.0)
        return np.asarray(np.interp(held, self.held, self.ratio) + step * beyond)

    def an_hour(self, held: float | Floats) -> Floats:
        """Contacts that an agent who always holds so many finishes in an hour."""
        return np.asarray(np.asarray(held) * 3600 / (self.mean_s * self.at(held)))


def handle_times(contacts: pd.DataFrame, standards: Mapping[str, int]) -> pd.DataFrame:
    """Rows of `handle_time_by_concurrency`; queues of which too little is known have none.

    Args:
        contacts: queue, concurrency, contact_s (contact seconds while so many were held), contact_count (that ended).
        standards: contacts that an agent is to hold at once, by queue.

    Worked: alone 100 contacts end in 60,000 s, in pairs 400 in 300,000 s: 600 s and 750 s, 720 s over all. Chance
    leaves 0.607 and 0.861 of the distances from it: 647 s and 746 s. With two at once a forecast of 720 s is 746 s.
    """
    found = [
        _of_queue(str(queue), rows, standards[str(queue)]) for queue, rows in contacts.groupby("queue", sort=True)
    ]  # a handful of queues
    return pd.concat([nothing_lived(), *found], ignore_index=True) if any(map(len, found)) else nothing_lived()


def nothing_lived() -> pd.DataFrame:
    """The table of a company of which nothing is known."""
    return pd.DataFrame(columns=list(HANDLE_TIME_BY_CONCURRENCY.names))


def _of_queue(queue: str, rows: pd.DataFrame, standard: int) -> pd.DataFrame:
    by_held = rows.set_index("concurrency")[["contact_s", "contact_count"]].astype(float)
    known = by_held[by_held["contact_count"] >= LEAST_CONTACTS].sort_index()
    if known.empty:
        return pd.DataFrame()
    seconds, count = known["contact_s"].to_numpy(), known["contact_count"].to_numpy()
    pace = Pace(seconds.sum() / count.sum(), known.index.to_numpy(np.float64), _ratios(seconds, count))
    held = np.arange(1.0, max(known.index[-1], standard) + 1)
    lived = by_held.reindex(held, fill_value=0.0)
    seconds, count = lived["contact_s"].to_numpy(), lived["contact_count"].to_numpy()
    tail = (1 - CERTAINTY) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = np.where(count > 0, seconds / count, np.nan)
        # Exact for Poisson counts (Garwood 1936); the most contacts make the shortest time.
        low = np.where(count > 0, seconds / stats.gamma.ppf(1 - tail, count + 1), np.nan)
        high = np.where(count > 0, seconds / stats.gamma.ppf(tail, count), np.nan)
    return pd.DataFrame({
        "queue": queue, "concurrency": held.astype(np.int64), "is_standard": held == standard,
        "contact_count": count.astype(np.int64),
        "measured_handle_time_s": measured, "handle_time_low_s": low, "handle_time_high_s": high,
        "handle_time_s": pace.mean_s * pace.at(held), "handle_time_ratio": pace.at(held),
        "contacts_per_agent_hour": pace.an_hour(held),
    })  # fmt: skip


def _ratios(seconds: Floats, count: Floats) -> Floats:
    """Handle time over its mean at each number held: drawn to 1 by what chance alone explains, then never falling.

    The variance between the numbers held is what their scatter has beyond that of Poisson counts, 1 / count
    (DerSimonian and Laird 1986, "Meta-analysis in clinical trials"); with none of it all are 1, so a plan does not
    move by noise. More contacts at once make none faster: what looks so is due to who holds many, or when.
    """
    total = count.sum()
    ratio = seconds / count * total / seconds.sum()
    spare = (count * (ratio - 1) ** 2).sum() - (len(count) - 1)
    between = max(spare / (total - (count**2).sum() / total), 0.0) if len(count) > 1 else 0.0
    kept = between / (between + 1 / count)
    return np.asarray(optimize.isotonic_regression(1 + kept * (ratio - 1), weights=count).x)


def paces(table: pd.DataFrame) -> dict[str, Pace]:
    """What rows of `handle_time_by_concurrency` say, by queue."""
    lived = table[table["contact_count"] >= LEAST_CONTACTS].sort_values(["queue", "concurrency"])
    return {
        str(queue): Pace(
            float((rows["handle_time_s"] / rows["handle_time_ratio"]).iloc[0]),
            rows["concurrency"].to_numpy(np.float64), rows["handle_time_ratio"].to_numpy(np.float64),
        )
        for queue, rows in lived.groupby("queue")
    }  # fmt: skip


def sentences(table: pd.DataFrame) -> list[str]:
    """What was lived of each queue, as `chat: a contact takes 640 s alone, 780 s with 2 at once`, and its concerns."""
    known = paces(table)
    standard = table[table["is_standard"].astype(bool)]
    at_once = dict(zip(standard["queue"].astype(str), standard["concurrency"].astype(int), strict=True))
    return [
        *(f"{queue}: a contact takes {_in_words(pace)}" for queue, pace in known.items()),
        *concerns(known, at_once),
    ]


def _in_words(pace: Pace) -> str:
    held, seconds = pace.held.astype(int), pace.mean_s * pace.ratio
    if len(held) > 1 and np.ptp(seconds) < 0.5:
        return (
            f"{seconds[0]:.0f} s, with {held[-1]} at once as well as {'alone' if held[0] == 1 else f'with {held[0]}'}"
        )
    return ", ".join(
        f"{s:.0f} s {'alone' if h == 1 else f'with {h} at once'}" for h, s in zip(held, seconds, strict=True)
    )


def concerns(known: Mapping[str, Pace], standards: Mapping[str, int]) -> list[str]:
    """A line for each queue whose agents gain nothing by the last contact that they are to hold, or where nobody knows.

    Args:
        known: by queue.
        standards: contacts that an agent is to hold at once, by queue.
    """
    lines = []
    for queue, at_once in sorted(standards.items()):  # a handful
        if at_once == 1 or queue not in known:
            continue
        pace = known[queue]
        if at_once > pace.held[-1]:
            lines.append(
                f"{queue}: agents hardly ever held {at_once} contacts at once, so how long one takes then is a guess"
                f" from up to {pace.held[-1]:.0f} at once"
            )
        fewer, more = pace.an_hour(np.array([at_once - 1, at_once]))
        if more <= fewer:
            lines.append(
                f"{queue}: {at_once} contacts at once gain nothing: an agent finishes {more:.1f} an hour, and with"
                f" {at_once - 1} at once {fewer:.1f} (standards: concurrency)"
            )
    return lines
