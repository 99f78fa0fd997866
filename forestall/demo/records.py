"""What a day leaves in each of the company's systems, still as numbers; `export` puts it into their words.

Whole months are stacked before they are written, so each row carries what it needs of its day: the
second up to which its system had seen things (`seen`), and the plan that the customer had then.
"""

from collections.abc import Mapping

import numpy as np

from forestall.demo import defects, reactions
from forestall.demo.arrivals import UNKNOWN, contact_ids
from forestall.demo.batch import Array, Batch, size, stack, take
from forestall.demo.business_year import Day
from forestall.demo.customers import People
from forestall.demo.life import DayRows, State
from forestall.demo.parameters import PORTAL, QUEUES, SOCIAL
from forestall.demo.service import UNTIL_NEVER

OUTBOUND_KEYS_FROM = 900_000  # where the keys of the company's own calls begin within their day
_DAY_KEYS = 1_000_000

Records = Mapping[str, Batch]


def day_records(rows: DayRows, state: State) -> Records:
    """All that a day adds, by the name of its file; `state.held` and `state.planted` move on."""
    contacts, people, day = rows.contacts, state.people, rows.day
    is_live = np.array([queue.is_live for queue in QUEUES])[contacts["queue"]]
    is_portal = contacts["queue"] == PORTAL
    return {
        "interactions/telephony": _telephony(take(contacts, is_live), rows.outcomes, state, day),
        "interactions/tickets": _seen(take(contacts, ~is_live & ~is_portal), people, day),
        "interactions/portal": _seen(take(contacts, is_portal), people, day),
        "contact_volumes/social": rows.social,
        "payments/invoices": rows.invoices | {"seen_day": np.full(size(rows.invoices), day.number)},
        "surveys/answers": rows.surveys,
        "evaluations/reviews": rows.evaluations,
        "activity/usage": rows.usage | {"day": np.full(size(rows.usage), day.number)},
        "agent_time/times": rows.agent_time,
        "backlog/open": _backlog(rows.backlog, day),
        "outreach_outcomes/calls": rows.outcomes,
    }


def latest(records: Batch) -> Batch:
    """Of rows that changed while they were gathered, the last; planted defects stay as they are."""
    if "seen" not in records and "seen_day" not in records:
        return records
    is_planted = records["defect"] != 0 if "defect" in records else np.zeros(size(records), bool)
    key = np.where(is_planted, -1 - np.arange(size(records)), records["id"])
    _, from_end = np.unique(key[::-1], return_index=True)
    return take(records, np.sort(size(records) - 1 - from_end))


def _telephony(calls: Batch, outcomes: Batch, state: State, day: Day) -> Batch:
    calls = stack(calls, _outbound(outcomes, state.people, day))
    calls = _seen(calls, state.people, day)
    # What the back office settles later is told by a row of its own, and is no place for defects.
    is_today = calls["started"] >= day.start
    fresh, state.held = defects.plant(
        take(calls, is_today), state.held, state.parameters.defects, state.seed, state.world, day
    )
    for kind, count in defects.count_planted(fresh).items():
        state.planted[kind] = state.planted.get(kind, 0) + count
    settled = take(calls, ~is_today)
    none = np.zeros(size(settled), int)
    return stack(
        settled | {"defect": none, "changed": none + day.end - 1, "deliver_day": none + day.number},
        fresh | {"seen": np.full(size(fresh), day.end)},
    )


def _seen(contacts: Batch, people: People, day: Day) -> Batch:
    """With the plan of the day and the end of what was seen; what lies after it is nobody's knowledge."""
    customer = contacts["customer"]
    plan = np.where(customer == UNKNOWN, UNKNOWN, people["plan"][np.maximum(customer, 0)])
    hidden = {
        name: np.where(contacts[name] < day.end, contacts[name], UNTIL_NEVER) for name in ("answered", "resolved")
    }
    return contacts | hidden | {"plan": plan, "seen": np.full(size(contacts), day.end)}


def _outbound(outcomes: Batch, people: People, day: Day) -> Batch:
    """Outreach by phone stands in the telephone system too."""
    calls = take(outcomes, outcomes["channel"] == "phone")
    count, who = size(calls), calls["customer"]
    missed = calls["result"] == reactions.RESULTS.index("not_reached")
    answered = np.where(missed, UNTIL_NEVER, calls["second"] + 20)
    return {
        "queue": np.where(people["language"][who] == 0, 0, 1),
        "customer": who,
        "started": calls["second"],
        "id": contact_ids(day, OUTBOUND_KEYS_FROM + np.arange(count)),
        "parent": np.full(count, UNKNOWN),
        "topic": np.full(count, UNKNOWN),
        "stage": np.ones(count, int),
        "language": people["language"][who],
        "severity": np.zeros(count),
        "is_repeat": np.zeros(count, bool),
        "mood": np.full(count, UNKNOWN),
        "wait": np.zeros(count, int),
        "is_abandoned": np.zeros(count, bool),
        "answered": answered,
        "resolved": answered,
        "handle": np.rint(reactions.minutes_of(calls) * 60).astype(int),
        "is_solved": ~missed,
        "transfers": np.zeros(count, int),
        "agent": calls["agent"],
    }


def is_outbound(ids: Array) -> Array:
    return np.asarray(ids % _DAY_KEYS >= OUTBOUND_KEYS_FROM)


def _backlog(waiting: Array, day: Day) -> Batch:
    written = np.array([n for n, queue in enumerate(QUEUES) if not queue.is_live and n not in (SOCIAL, PORTAL)])
    return {"queue": written, "second": np.full(len(written), day.end - 1), "open": waiting[written]}
