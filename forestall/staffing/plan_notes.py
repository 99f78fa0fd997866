"""What the night says of the requirement: what cannot be met, is assumed or was left out, and how to mend it."""

from collections.abc import Mapping

import pandas as pd

from features.phrases import counted
from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import Integers
from forestall.staffing.standards import QueueStandard

LONGEST_PAUSE = pd.Timedelta(days=7)  # the longest run of holidays at a horizon's end that is no closure


def notes_of_patience(plan: pd.DataFrame) -> list[str]:
    """One line for all queues whose patience nobody knows; `plan` has queue and model."""
    unknown = sorted(plan.loc[plan["model"] == "erlang_c", "queue"].unique())
    if not unknown:
        return []
    return [
        f"{', '.join(unknown)}: too few gave up to tell patience, so Erlang C, which asks for more agents"
        " (standards: patience_s)"
    ]


def notes_of_backlog(backlog: Mapping[str, float], queues: Mapping[str, QueueStandard]) -> list[str]:
    """A line for each queue whose open contacts no plan holds.

    Args:
        backlog: open contacts by queue.
        queues: standards of the queues that are forecast.
    """
    lines = []
    for queue, count in sorted(backlog.items()):  # a handful
        if count <= 0 or (queue in queues and queues[queue].is_deferred):
            continue
        why = (
            "customers wait there live, nothing is left over from a day (standards: queues: channel)"
            if queue in queues
            else "no such queue is forecast (check the queue's name in the source of `backlog`)"
        )
        lines.append(f"{queue}: backlog of {counted(round(count), 'contact')} is not planned: {why}")
    return lines


def note_of_blending(group: str, reserve: Integers, saved_h: float) -> str:
    """The line about written work in idle minutes; `reserve` by row in which it is so."""
    least, most = int(reserve.min()), int(reserve.max())
    idle = f"{least}" if least == most else f"{least} to {most}, by the hour,"
    return (
        f"{group}: written work goes into idle minutes, begun while more than {idle} are idle;"
        f" {counted(round(saved_h), 'agent hour')} fewer than with people of its own"
    )


def note_of_no_blending(group: str) -> str:
    """The line where a group's written work stays with people of its own, though others could do it between calls."""
    return f"{group}: written work keeps people of its own: done in idle minutes, it would take as many agents or more"


def notes_of_deferred(queue: str, standard: QueueStandard, late_s: float, arriving_s: float, work: Floats) -> list[str]:
    """What of a queue's work no plan can hold in time."""
    if arriving_s > 0 and not work.any():
        return [f"{queue}: never open in the whole horizon; its work is not planned"]
    if late_s > 0.005 * arriving_s:
        return [
            f"{queue}: {late_s / arriving_s:.0%} of contacts are due while the queue is closed, so no number of agents"
            f" keeps `{standard.words}`; planned within {standard.catch_up_s // 60} min of opening."
            " To mend it, open longer (calendar.yml), or let the clock run only while it is open (standards.yml:"
            " clock: business)"
        ]
    return []


def notes_of_closure(queue: str, rows: pd.DataFrame) -> list[str]:
    """A line where a queue that can be written to closes for longer than `LONGEST_PAUSE` and does not open again.

    Args:
        queue: its name.
        rows: local_on, is_open, contacts of its whole horizon.
    """
    opens = rows.loc[rows["is_open"].astype(bool), "local_on"]
    if opens.empty:  # `notes_of_deferred` says so
        return []
    last, end = pd.Timestamp(opens.max()), pd.Timestamp(rows["local_on"].max())
    later = float(rows.loc[pd.to_datetime(rows["local_on"]) > last, "contacts"].sum())
    if end - last <= LONGEST_PAUSE or later < 0.5:
        return []
    return [
        f"{queue}: not open after {last:%Y-%m-%d}; {counted(round(later), 'contact')} forecast for the days after it"
        " are planned for nobody (if others answer them, give them that queue's name in the source; if nothing comes"
        " any more, `forestall override add ... --set 0`)"
    ]
