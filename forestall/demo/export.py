"""A day as the demo company's own systems write it down: their columns, their words, their formats.

Each function gives one file's rows. `forestall.toml` of the demo says how they become the contract's.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forestall.demo import defects, reactions, voices
from forestall.demo.arrivals import UNKNOWN, contact_ids
from forestall.demo.batch import Array, Batch, size, stack, take
from forestall.demo.business_year import ZONE, Day, local_times, to_utc
from forestall.demo.customers import NEVER, People
from forestall.demo.life import DayRows, State
from forestall.demo.parameters import EPOCH, LANGUAGES, PLANS, PORTAL, QUEUES, SOCIAL
from forestall.demo.service import UNTIL_NEVER

# The company's own words, in the order of the codes.
CHANNEL_WORDS = {"phone": "Telefon", "chat": "Chat", "email": "E-Mail", "web_form": "Formular"}
STAGE_WORDS = np.array(["Auskunft", "Beratung", "Beschwerde", "Rückmeldung"], object)
TOPIC_WORDS = np.array(
    ["Rechnung", "Preis", "Störung", "Vertrag", "Lieferung", "Anmeldung", "Nutzung", "Kündigung"], object
)
_OUTBOUND_KEYS_FROM = 900_000
_LANGUAGES, _PLANS = np.array(LANGUAGES, object), np.array([plan.title() for plan in PLANS], object)
_QUEUES = np.array([queue.key for queue in QUEUES], object)
_SITES = np.array([queue.site.title() for queue in QUEUES], object)
_CHANNELS = np.array([queue.channel for queue in QUEUES], object)

Frames = Mapping[str, pd.DataFrame]


def customer_keys(positions: Array) -> Array:
    """The company's own customer numbers; empty where the customer is unknown."""
    keys = "K" + pd.Series(np.maximum(positions, 0) + 100_000).astype(str)
    return np.where(positions == UNKNOWN, None, keys.to_numpy(object))


def customer_positions(keys: pd.Series) -> Array:
    """Back from the company's customer numbers to positions."""
    return (keys.str.slice(1).astype(int) - 100_000).to_numpy()


def agent_keys(positions: Array) -> Array:
    keys = "A" + pd.Series(np.maximum(positions, 0)).astype(str).str.zfill(3)
    return np.where(positions == UNKNOWN, None, keys.to_numpy(object))


def day_frames(rows: DayRows, state: State) -> Frames:
    """All that a day adds, by the name of its file; `state.held` and `state.planted` move on."""
    contacts, people, day = rows.contacts, state.people, rows.day
    is_live = np.array([queue.is_live for queue in QUEUES])[contacts["queue"]]
    calls = stack(take(contacts, is_live), _outbound_calls(rows.outcomes, people, day))
    # What the back office settles later is told by a row of its own, and is no place for defects.
    is_today = calls["started"] >= day.start
    fresh, state.held = defects.plant(
        take(calls, is_today), state.held, state.parameters.defects, state.seed, state.world, day
    )
    for kind, count in defects.count_planted(fresh).items():
        state.planted[kind] = state.planted.get(kind, 0) + count
    settled = take(calls, ~is_today)
    none = np.zeros(size(settled), int)
    settled |= {"defect": none, "changed": none + day.end - 1, "deliver_day": none + day.number}
    return {
        "interactions/telephony": _telephony(stack(settled, fresh), people, day, state),
        "interactions/tickets": _tickets(take(contacts, ~is_live & (contacts["queue"] != PORTAL)), people, day),
        "interactions/portal": _portal(take(contacts, contacts["queue"] == PORTAL), people, day),
        "contact_volumes/social": _social(rows.social),
        "payments/invoices": _invoices(rows.invoices, day),
        "surveys/answers": _surveys(rows.surveys, people),
        "evaluations/reviews": _evaluations(rows.evaluations),
        "activity/usage": _usage(rows.usage, day),
        "agent_time/times": _agent_time(rows.agent_time),
        "backlog/open": _backlog(rows.backlog, day),
        "outreach_outcomes/calls": _outcomes(rows.outcomes),
    }


def _outbound_calls(outcomes: Batch, people: People, day: Day) -> Batch:
    """Outreach by phone stands in the telephone system too."""
    calls = take(outcomes, outcomes["channel"] == "phone")
    count, who = size(calls), calls["customer"]
    missed = calls["result"] == reactions.RESULTS.index("not_reached")
    handle = np.rint(reactions.minutes_of(calls) * 60).astype(int)
    answered = np.where(missed, UNTIL_NEVER, calls["second"] + 20)
    return {
        "queue": np.where(people["language"][who] == 0, 0, 1),
        "customer": who,
        "started": calls["second"],
        "id": contact_ids(day, _OUTBOUND_KEYS_FROM + np.arange(count)),
        "parent": np.full(count, UNKNOWN),
        "topic": np.full(count, UNKNOWN),
        "stage": np.ones(count, int),
        "language": people["language"][who],
        "severity": np.zeros(count),
        "is_repeat": np.zeros(count, bool),
        "mood": np.full(count, -1),
        "wait": np.zeros(count, int),
        "is_abandoned": np.zeros(count, bool),
        "answered": answered,
        "resolved": answered,
        "handle": handle,
        "is_solved": ~missed,
        "transfers": np.zeros(count, int),
        "agent": calls["agent"],
    }


def _visible(seconds: Array, day: Day) -> Array:
    """Instants up to the end of the day; later ones are nobody's knowledge."""
    return np.where(seconds < day.end, seconds, UNTIL_NEVER)


def _instants(seconds: Array) -> pd.Series:
    """UTC instants, empty where a second never comes."""
    known = pd.Series(seconds).where(pd.Series(seconds) != UNTIL_NEVER)
    return pd.to_datetime(known, unit="s", utc=True).astype("datetime64[us, UTC]")


def _written(seconds: Array) -> Array:
    """Local time with its offset, as the telephone system writes it; empty where a second never comes."""
    return local_times(np.where(seconds == UNTIL_NEVER, 0, seconds), seconds != UNTIL_NEVER)


def _words(codes: Array, words: Array) -> Array:
    return np.where(codes == UNKNOWN, None, words[np.maximum(codes, 0)])


def _key(numbers: Array) -> Array:
    return np.where(numbers == UNKNOWN, None, pd.Series(numbers).astype(str).to_numpy(object))


def _yes(flags: Array) -> Array:
    return np.where(flags, "ja", "nein")


def _plan_of(customer: Array, people: People) -> Array:
    return np.where(customer == UNKNOWN, None, _PLANS[people["plan"][np.maximum(customer, 0)]])


def _telephony(calls: Batch, people: People, day: Day, state: State) -> pd.DataFrame:
    is_outbound = calls["id"] % 1_000_000 >= _OUTBOUND_KEYS_FROM
    channel = np.array([CHANNEL_WORDS.get(word, word) for word in _CHANNELS], object)[calls["queue"]]
    kind = calls["defect"]
    answered, resolved = _visible(calls["answered"], day), _visible(calls["resolved"], day)
    is_first = np.where(calls["is_solved"] & ~calls["is_repeat"], "ja", "nein")
    frame = pd.DataFrame(
        {
            "ruf_id": np.where(kind == defects.KINDS.index("missing_key"), None, _key(calls["id"])),
            "bezug_id": _key(calls["parent"]),
            "kundennr": customer_keys(calls["customer"]),
            "kanal": np.where(kind == defects.KINDS.index("unknown_channel"), "Fax", channel),
            "warteschlange": _QUEUES[calls["queue"]],
            "richtung": np.where(is_outbound, "aus", "ein"),
            "anlass": STAGE_WORDS[calls["stage"]],
            "thema": _words(calls["topic"], TOPIC_WORDS),
            "tarif": _plan_of(calls["customer"], people),
            "sprache": _LANGUAGES[calls["language"]],
            "standort": _SITES[calls["queue"]],
            "beginn": _written(calls["started"]),
            "angenommen": _written(answered),
            "erledigt": _written(resolved),
            "wartezeit_s": calls["wait"],
            "bearbeitung_s": np.where(calls["is_abandoned"], 0, calls["handle"]),
            "aufgelegt": _yes(calls["is_abandoned"]),
            "erstloesung": np.where(resolved == UNTIL_NEVER, None, is_first),
            "weitergeleitet": calls["transfers"],
            "agent": agent_keys(calls["agent"]),
            "mitschrift": voices.texts_of(calls["mood"], calls["language"], calls["customer"], people),
            "stand": _written(calls["changed"]),
        }
    )
    if day.on.isoformat() >= state.parameters.defects.extra_column_from:
        frame["kampagne"] = np.where(is_outbound, "Bindung", "")
    return frame.assign(_key=calls["id"], _defect=kind)


def _tickets(tickets: Batch, people: People, day: Day) -> pd.DataFrame:
    answered, resolved = _visible(tickets["answered"], day), _visible(tickets["resolved"], day)
    is_answered = answered != UNTIL_NEVER
    channel = np.array([CHANNEL_WORDS.get(word, word) for word in _CHANNELS], object)[tickets["queue"]]
    one_touch = tickets["is_solved"] & ~tickets["is_repeat"]
    return pd.DataFrame(
        {
            "ticket": _key(tickets["id"]),
            "follows_ticket": _key(tickets["parent"]),
            "customer_no": customer_keys(tickets["customer"]),
            "source": channel,
            "mailbox": _QUEUES[tickets["queue"]],
            "request_type": STAGE_WORDS[tickets["stage"]],
            "category": _words(tickets["topic"], TOPIC_WORDS),
            "plan": _plan_of(tickets["customer"], people),
            "lang": _LANGUAGES[tickets["language"]],
            "office": _SITES[tickets["queue"]],
            "created": _instants(tickets["started"]),
            "first_reply": _instants(answered),
            "solved": _instants(resolved),
            "work_minutes": np.where(is_answered, np.round(tickets["handle"] / 60, 2), np.nan),
            "one_touch": pd.array(np.where(resolved == UNTIL_NEVER, None, one_touch), dtype="boolean"),
            "forwarded": tickets["transfers"],
            "handled_by": agent_keys(tickets["agent"]),
            "body": voices.texts_of(tickets["mood"], tickets["language"], tickets["customer"], people),
            "changed": _instants(np.full(size(tickets), day.end - 1)),
            "_key": tickets["id"],
        }
    )


def _portal(visits: Batch, people: People, day: Day) -> pd.DataFrame:
    resolved = _visible(visits["resolved"], day)
    return pd.DataFrame(
        {
            "visit": _key(visits["id"]),
            "after": _key(visits["parent"]),
            "login": customer_keys(visits["customer"]),
            "topic": _words(visits["topic"], TOPIC_WORDS),
            "plan": _plan_of(visits["customer"], people),
            "lang": _LANGUAGES[visits["language"]],
            "at": _instants(visits["started"]),
            "done_at": _instants(resolved),
            "changed": _instants(np.full(size(visits), day.end - 1)),
            "_key": visits["id"],
        }
    )


def _social(report: Batch) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "queue": _QUEUES[SOCIAL],
            "interval_utc": to_utc(report["start"]).strftime("%Y-%m-%d %H:%M"),
            "mentions": report["offered"],
            "answered": report["handled"],
            "work_s": report["handle"],
        }
    )


def _dates(days: Array, until: int) -> pd.Series:
    """Local dates of day numbers, empty after `until`."""
    known = pd.Series(days).where(pd.Series(days) <= until)
    return (pd.Timestamp(EPOCH) + pd.to_timedelta(known, unit="D")).dt.strftime("%Y-%m-%d")


def _invoices(invoices: Batch, day: Day) -> pd.DataFrame:
    is_paid = invoices["paid_day"] <= day.number
    return pd.DataFrame(
        {
            "beleg": "R" + pd.Series(invoices["id"] + 1_000_000).astype(str),
            "kundennr": customer_keys(invoices["customer"]),
            "faellig": _dates(invoices["due_day"], NEVER - 1),
            "bezahlt": _dates(invoices["paid_day"], day.number),
            "betrag": invoices["amount"],
            "status": np.select([invoices["has_failed"], is_paid], ["Rücklastschrift", "bezahlt"], "offen"),
            "_key": invoices["id"],
        }
    )


def _surveys(answers: Batch, people: People) -> pd.DataFrame:
    language = people["language"][answers["customer"]]
    return pd.DataFrame(
        {
            "id": "S" + pd.Series(answers["id"]).astype(str),
            "customer": customer_keys(answers["customer"]),
            "contact": _key(answers["contact"]),
            "question": np.array(["zufriedenheit", "empfehlung", "aufwand"], object)[answers["kind"]],
            "points": answers["score"],
            "given": _written(answers["second"]),
            "comment": voices.texts_of(answers["mood"], language, answers["customer"], people),
        }
    )


def _evaluations(reviews: Batch) -> pd.DataFrame:
    return pd.DataFrame(
        {"ruf_id": _key(reviews["contact"]), "punkte": reviews["score"], "regelkonform": _yes(reviews["is_compliant"])}
    )


def _usage(usage: Batch, day: Day) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": customer_keys(usage["customer"]),
            "day": day.on,
            "event": "usage",
            "sessions": usage["event_count"],
            "minutes": usage["minutes"],
        }
    )


def _agent_time(times: Batch) -> pd.DataFrame:
    words = np.array(["verfuegbar", "pause", "schulung", "besprechung", "krank", "urlaub"], object)
    return pd.DataFrame(
        {
            "agent": agent_keys(times["agent"]),
            "von": _instants(times["starts"]),
            "bis": _instants(times["ends"]),
            "taetigkeit": words[times["activity"]],
            "plan": times["is_planned"],
        }
    )


def _backlog(waiting: Array, day: Day) -> pd.DataFrame:
    at = pd.Timestamp(day.end - 1, unit="s", tz="UTC").tz_convert(ZONE).strftime("%Y-%m-%dT%H:%M:%S%z")
    written = np.array([not queue.is_live and number not in (SOCIAL, PORTAL) for number, queue in enumerate(QUEUES)])
    return pd.DataFrame({"mailbox": _QUEUES[written], "at": at, "open": waiting[written]})


def _outcomes(outcomes: Batch) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "nr": "O" + pd.Series(outcomes["id"] + 10_000).astype(str),
            "kundennr": customer_keys(outcomes["customer"]),
            "zeile": outcomes["row_id"],
            "massnahme": outcomes["action"],
            "angebot": outcomes["offer"],
            "kanal": outcomes["channel"],
            "zeitpunkt": _written(outcomes["second"]),
            "ergebnis": np.array(reactions.RESULTS, object)[outcomes["result"]],
            "minuten": reactions.minutes_of(outcomes),
            "agent": agent_keys(outcomes["agent"]),
        }
    )
