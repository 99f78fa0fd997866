"""Rows as the demo company's own systems write them: their columns, their words, their formats.

Each function gives one file's rows. `pages/forestall.toml` says how they become the contract's.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from forestall.demo import defects, reactions, voices
from forestall.demo.arrivals import UNKNOWN
from forestall.demo.batch import Array, Batch, size
from forestall.demo.business_year import blank, local_times, to_utc
from forestall.demo.customers import NEVER, People
from forestall.demo.parameters import BASE, EPOCH, LANGUAGES, PLANS, QUEUES, SOCIAL
from forestall.demo.records import is_outbound
from forestall.demo.service import UNTIL_NEVER

# The company's own words, in the order of the codes.
_CHANNEL_WORDS = {"phone": "Telefon", "chat": "Chat", "email": "E-Mail", "web_form": "Formular"}
_STAGES = np.array(["Auskunft", "Beratung", "Beschwerde", "Rückmeldung"], object)
_TOPICS = np.array(
    ["Rechnung", "Preis", "Störung", "Vertrag", "Lieferung", "Anmeldung", "Nutzung", "Kündigung"], object
)
_QUESTIONS = np.array(["zufriedenheit", "empfehlung", "aufwand"], object)
_ACTIVITIES = np.array(["verfuegbar", "pause", "schulung", "besprechung", "krank", "urlaub"], object)
_LANGUAGES, _PLANS = np.array(LANGUAGES, object), np.array([plan.title() for plan in PLANS], object)
_QUEUES = np.array([queue.key for queue in QUEUES], object)
_SITES = np.array([queue.site.title() for queue in QUEUES], object)
_CHANNELS = np.array([_CHANNEL_WORDS.get(queue.channel, queue.channel) for queue in QUEUES], object)
_RESULTS = np.array(reactions.RESULTS, object)

Frames = Mapping[str, pd.DataFrame]


def customer_keys(positions: Array) -> Array:
    """The company's own customer numbers; empty where the customer is unknown."""
    return _keys(positions, "K", 100_000)


def customer_positions(keys: pd.Series) -> Array:
    """Back from the company's customer numbers to positions."""
    return (keys.str.slice(1).astype(int) - 100_000).to_numpy()


def account_keys(accounts: Array) -> Array:
    return _keys(accounts, "G", 50_000)


def agent_keys(positions: Array) -> Array:
    return _keys(positions, "A", 1_000)


def file_rows(name: str, records: Batch, people: People) -> pd.DataFrame:
    """The rows of a file of that name, in its system's columns."""
    return _SYSTEMS[name](records, people)


def _keys(numbers: Array, letter: str = "", first: int = 0) -> Array:
    known = numbers != UNKNOWN
    text = np.char.add(letter, (np.maximum(numbers, 0) + first).astype("U16")).astype(object)
    return blank(text, ~known)


def _instants(seconds: Array) -> pd.Series:
    """UTC instants, empty where a second never comes."""
    stamps = np.where(seconds == UNTIL_NEVER, 0, seconds).astype("datetime64[s]").astype("datetime64[us]")
    stamps[seconds == UNTIL_NEVER] = np.datetime64("NaT")
    return pd.Series(pd.DatetimeIndex(stamps, tz="UTC"))


def _written(seconds: Array) -> Array:
    """Local time with its offset, as the telephone system writes it; empty where a second never comes."""
    return local_times(np.where(seconds == UNTIL_NEVER, 0, seconds), seconds != UNTIL_NEVER)


def _dates(days: Array, is_known: Array) -> Array:
    first = np.datetime64(EPOCH)
    return blank((first + np.where(is_known, days, 0)).astype(str).astype(object), ~is_known)


def _words(codes: Array, words: Array) -> Array:
    return blank(words[np.maximum(codes, 0)], codes == UNKNOWN)


def _yes(flags: Array) -> Array:
    return np.asarray(np.where(flags, "ja", "nein"), dtype=object)


def _texts(records: Batch, people: People) -> Array:
    return voices.texts_of(records["mood"], records["language"], records["customer"], people)


def _telephony(calls: Batch, people: People) -> pd.DataFrame:
    kind, outbound = calls["defect"], is_outbound(calls["id"])
    is_first = _yes(calls["is_solved"] & ~calls["is_repeat"])
    frame = pd.DataFrame(
        {
            "ruf_id": blank(_keys(calls["id"]), kind == defects.KINDS.index("missing_key")),
            "bezug_id": _keys(calls["parent"]),
            "kundennr": customer_keys(calls["customer"]),
            "kanal": np.where(kind == defects.KINDS.index("unknown_channel"), "Fax", _CHANNELS[calls["queue"]]),
            "warteschlange": _QUEUES[calls["queue"]],
            "richtung": np.where(outbound, "aus", "ein"),
            "anlass": _STAGES[calls["stage"]],
            "thema": _words(calls["topic"], _TOPICS),
            "tarif": _words(calls["plan"], _PLANS),
            "sprache": _LANGUAGES[calls["language"]],
            "standort": _SITES[calls["queue"]],
            "beginn": _written(calls["started"]),
            "angenommen": _written(calls["answered"]),
            "erledigt": _written(calls["resolved"]),
            "wartezeit_s": calls["wait"],
            "bearbeitung_s": np.where(calls["is_abandoned"], 0, calls["handle"]),
            "aufgelegt": _yes(calls["is_abandoned"]),
            "erstloesung": blank(is_first, calls["resolved"] == UNTIL_NEVER),
            "weitergeleitet": calls["transfers"],
            "agent": agent_keys(calls["agent"]),
            "mitschrift": _texts(calls, people),
            "stand": _written(calls["changed"]),
        }
    )
    # From some day on the system exports a column more.
    days = np.datetime64(BASE.defects.extra_column_from) <= calls["seen"].astype("datetime64[s]")
    return frame.assign(kampagne=np.where(outbound, "Bindung", "")) if days.any() else frame


def _tickets(tickets: Batch, people: People) -> pd.DataFrame:
    one_touch = tickets["is_solved"] & ~tickets["is_repeat"]
    is_open = tickets["resolved"] == UNTIL_NEVER
    return pd.DataFrame(
        {
            "ticket": _keys(tickets["id"]),
            "follows_ticket": _keys(tickets["parent"]),
            "customer_no": customer_keys(tickets["customer"]),
            "source": _CHANNELS[tickets["queue"]],
            "mailbox": _QUEUES[tickets["queue"]],
            "request_type": _STAGES[tickets["stage"]],
            "category": _words(tickets["topic"], _TOPICS),
            "plan": _words(tickets["plan"], _PLANS),
            "lang": _LANGUAGES[tickets["language"]],
            "office": _SITES[tickets["queue"]],
            "created": _instants(tickets["started"]),
            "first_reply": _instants(tickets["answered"]),
            "solved": _instants(tickets["resolved"]),
            "work_minutes": np.where(tickets["answered"] == UNTIL_NEVER, np.nan, np.round(tickets["handle"] / 60, 2)),
            "one_touch": pd.array(blank(one_touch, is_open), dtype="boolean"),
            "forwarded": tickets["transfers"],
            "handled_by": agent_keys(tickets["agent"]),
            "body": _texts(tickets, people),
            "changed": _instants(tickets["seen"] - 1),
        }
    )


def _portal(visits: Batch, _: People) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "visit": _keys(visits["id"]),
            "after": _keys(visits["parent"]),
            "login": customer_keys(visits["customer"]),
            "topic": _words(visits["topic"], _TOPICS),
            "plan": _words(visits["plan"], _PLANS),
            "lang": _LANGUAGES[visits["language"]],
            "at": _instants(visits["started"]),
            "done_at": _instants(visits["resolved"]),
            "changed": _instants(visits["seen"] - 1),
        }
    )


def _social(report: Batch, _: People) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "queue": _QUEUES[SOCIAL],
            "interval_utc": to_utc(report["start"]).strftime("%Y-%m-%d %H:%M"),
            "mentions": report["offered"],
            "answered": report["handled"],
            "work_s": report["handle"],
        }
    )


def _invoices(invoices: Batch, _: People) -> pd.DataFrame:
    is_paid = invoices["paid_day"] <= invoices["seen_day"]
    everyone = np.ones(size(invoices), bool)
    return pd.DataFrame(
        {
            "beleg": _keys(invoices["id"], "R", 1_000_000),
            "kundennr": customer_keys(invoices["customer"]),
            "faellig": _dates(invoices["due_day"], everyone),
            "bezahlt": _dates(np.minimum(invoices["paid_day"], NEVER), is_paid),
            "betrag": invoices["amount"],
            "status": np.select([invoices["has_failed"], is_paid], ["Rücklastschrift", "bezahlt"], "offen"),
            "gebucht": _dates(invoices["seen_day"], everyone),
        }
    )


def _surveys(answers: Batch, people: People) -> pd.DataFrame:
    spoken = answers | {"language": people["language"][answers["customer"]]}
    return pd.DataFrame(
        {
            "id": _keys(answers["id"], "S"),
            "customer": customer_keys(answers["customer"]),
            "contact": _keys(answers["contact"]),
            "question": _QUESTIONS[answers["kind"]],
            "points": answers["score"],
            "given": _written(answers["second"]),
            "comment": _texts(spoken, people),
        }
    )


def _evaluations(reviews: Batch, _: People) -> pd.DataFrame:
    return pd.DataFrame(
        {"ruf_id": _keys(reviews["contact"]), "punkte": reviews["score"], "regelkonform": _yes(reviews["is_compliant"])}
    )


def _usage(usage: Batch, _: People) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": customer_keys(usage["customer"]),
            "day": (np.datetime64(EPOCH) + usage["day"]).astype("datetime64[s]"),
            "event": "usage",
            "sessions": usage["event_count"],
            "minutes": usage["minutes"],
        }
    )


def _agent_time(times: Batch, _: People) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "agent": agent_keys(times["agent"]),
            "von": _instants(times["starts"]),
            "bis": _instants(times["ends"]),
            "taetigkeit": _ACTIVITIES[times["activity"]],
            "plan": times["is_planned"],
        }
    )


def _backlog(waiting: Batch, _: People) -> pd.DataFrame:
    return pd.DataFrame(
        {"mailbox": _QUEUES[waiting["queue"]], "at": _written(waiting["second"]), "open": waiting["open"]}
    )


def _outcomes(outcomes: Batch, _: People) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "nr": _keys(outcomes["id"], "O", 10_000),
            "kundennr": customer_keys(outcomes["customer"]),
            "zeile": outcomes["row_id"],
            "massnahme": outcomes["action"],
            "angebot": outcomes["offer"],
            "kanal": outcomes["channel"],
            "zeitpunkt": _written(outcomes["second"]),
            "ergebnis": _RESULTS[outcomes["result"]],
            "minuten": reactions.minutes_of(outcomes),
            "agent": agent_keys(outcomes["agent"]),
        }
    )


_SYSTEMS: Mapping[str, Callable[[Batch, People], pd.DataFrame]] = {
    "interactions/telephony": _telephony,
    "interactions/tickets": _tickets,
    "interactions/portal": _portal,
    "contact_volumes/social": _social,
    "payments/invoices": _invoices,
    "surveys/answers": _surveys,
    "evaluations/reviews": _evaluations,
    "activity/usage": _usage,
    "agent_time/times": _agent_time,
    "backlog/open": _backlog,
    "outreach_outcomes/calls": _outcomes,
}
