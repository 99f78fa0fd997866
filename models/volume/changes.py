"""How the forecast of a day moved from one night to the next, shared out over its causes.

Nothing is fitted again. Tonight's candidates are put together three times: as published; with the weights
and leads of then; and with these and the events known then. The steps between them are the shares of model
and event, the step from what was published then to the last is the share of data, and what planners put on top
is known exactly: the shares add up to the change.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.candidates import BLENDED, Candidates
from models.volume.combine import combined
from models.volume.effects import mark_factors
from models.volume.history import History
from models.volume.marks import MARGIN_DAYS, day_marks
from models.volume.params import DailyParams, VolumeParams

Floats = NDArray[np.float64]

CAUSES = ("data", "model", "event", "override", "outreach")
LEAST = 0.05  # contacts a day; less is rounding


def as_then(
    rows: pd.DataFrame, histories: Mapping[str, History], weights: pd.DataFrame, nights_between: int
) -> pd.DataFrame:
    """Contacts a day of tonight's candidates with the weights and at the leads of an earlier night.

    Args:
        rows: `candidate_rows` of all queues.
        histories: by queue.
        weights: as they were learned then.
        nights_between: by how many days the leads were longer.

    Returns:
        queue, local_on (midnight), contacts.
    """
    shifted = rows.assign(lead_days=rows["lead_days"] + nights_between).reset_index(drop=True)
    out = combined(shifted, weights)
    grid = next(iter(histories.values())).grid
    day = (out["day_on"] - grid.dates[0]).dt.days.to_numpy()
    contacts = out["forecast"].to_numpy() * grid.multiplicity[day, out["slot"].to_numpy()]
    rows = out[["queue"]].assign(local_on=out["day_on"], contacts=contacts)
    return rows.groupby(["queue", "local_on"], as_index=False).sum()


def without_new_events(
    rows: pd.DataFrame, tonight: Mapping[tuple[str, date], Candidates], histories: Mapping[str, History],
    events: pd.DataFrame, events_then: pd.DataFrame, params: VolumeParams,
) -> pd.DataFrame:  # fmt: skip
    """`rows` with the candidates as tonight's effects give them for the events that were known then."""
    if _same(events, events_then):
        return rows
    factors = []
    for (queue, _), found in tonight.items():
        history = histories[queue]
        days = history.grid.dates[found.basis.end : found.basis.until]
        factor = _event_factor(found, history, events, events_then, params.daily)
        factors.append(pd.DataFrame({"queue": queue, "day_on": days, "factor": factor}))
    beside = rows.merge(pd.concat(factors), on=["queue", "day_on"], how="left", validate="many_to_one")
    factor = beside["factor"].to_numpy()
    # Like days are moved along only where a mark does enough.
    others = np.where(np.abs(factor - 1) >= params.rival.least_lift, factor, 1.0)
    moved = {name: rows[name].to_numpy() * (factor if name == "daily" else others) for name in BLENDED}
    return rows.assign(**moved)


def share_out(now: pd.DataFrame, then: pd.DataFrame, same_weights: pd.DataFrame, same_events: pd.DataFrame,
              *, is_other_model: bool) -> pd.DataFrame:  # fmt: skip
    """The change of each queue and day that both nights forecast, and its causes.

    Args:
        now: queue, local_on, contacts, model_contacts, outreach_contacts: day sums as published tonight.
        then: the same of the earlier night.
        same_weights: queue, local_on, contacts of `as_then`.
        same_events: the same without the events that are new since.
        is_other_model: parameters or methods changed, so what remains says more of the model than of the data.

    Returns:
        queue, local_on, contacts, previous_contacts, change, by_<cause> for CAUSES, main_cause.
    """
    key = ["queue", "local_on"]
    both = now.merge(then, on=key, suffixes=("", "_then"), validate="one_to_one")
    both = both.merge(same_weights.rename(columns={"contacts": "weighed"}), on=key, how="left", validate="one_to_one")
    both = both.merge(same_events.rename(columns={"contacts": "eventless"}), on=key, how="left", validate="one_to_one")
    # A day on which the queue accepts nothing has no candidates: it is zero whatever the weights.
    weighed, eventless = both["weighed"].fillna(0.0), both["eventless"].fillna(0.0)
    own, own_then = (both[f"model_contacts{night}"] - both[f"outreach_contacts{night}"] for night in ("", "_then"))
    rest, model = eventless - own_then, own - weighed
    shares = pd.DataFrame(
        {
            "by_data": 0.0 if is_other_model else rest,
            "by_model": model + rest if is_other_model else model,
            "by_event": weighed - eventless,
            "by_override": (both["contacts"] - both["model_contacts"])
            - (both["contacts_then"] - both["model_contacts_then"]),
            "by_outreach": both["outreach_contacts"] - both["outreach_contacts_then"],
        },
        index=both.index,
    )
    size = shares.abs()
    largest = size.to_numpy().argmax(axis=1)  # the first of equals, in the order of CAUSES
    cause = pd.Series(np.array(CAUSES, dtype=object)[largest], both.index)
    return both[[*key, "contacts"]].assign(
        previous_contacts=both["contacts_then"],
        change=both["contacts"] - both["contacts_then"],
        **shares,
        main_cause=cause.mask(size.max(axis=1) < LEAST, "none"),
    )


def _same(events: pd.DataFrame, others: pd.DataFrame) -> bool:
    said = ["name", "starts_on", "ends_on", "queues"]
    first, second = (
        frame[said].astype(str).sort_values(said).reset_index(drop=True).drop_duplicates() for frame in (events, others)
    )
    return first.equals(second)


def _event_factor(
    found: Candidates, history: History, events: pd.DataFrame, events_then: pd.DataFrame, params: DailyParams
) -> Floats:
    """Forecast with the events of then over that with tonight's, by day ahead; 1 where they do not differ."""
    basis = found.basis
    days = history.days.iloc[max(basis.end - MARGIN_DAYS, 0) : basis.until + MARGIN_DAYS]
    with_now, with_then = (
        mark_factors(day_marks(days, known, history.queue, params), basis.dates[basis.ahead], found.effects)
        for known in (events, events_then)
    )
    return np.asarray(with_then / with_now)
