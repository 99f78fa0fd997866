"""What the demo company's systems can only give as it stands today: customers, consents, contracts, agents."""

from datetime import timedelta

import numpy as np
import pandas as pd

from forestall.demo import voices
from forestall.demo.batch import Array, size
from forestall.demo.business_year import Day, day_of, events_between, local_times, midnight
from forestall.demo.customers import NEVER, PREFERRED, REGIONS, ZONES
from forestall.demo.export import account_keys, agent_keys, customer_keys
from forestall.demo.life import State
from forestall.demo.parameters import EPOCH, LANGUAGES, PLANS, QUEUES

_EVENT_WORDS = {"billing_run": "Rechnungslauf", "campaign": "Kampagne", "release": "Neue Version",
                "price_increase": "Preisanpassung", "outage": "Großstörung"}  # fmt: skip
_RATES = {  # kind: per contact, per minute
    "phone": (0.35, 0.72), "chat": (0.10, 0.66), "email": (0.05, 0.62), "web_form": (0.05, 0.62),
    "social": (0.10, 0.64), "self_service": (0.04, 0.0), "agent": (0.0, 0.58),
}  # fmt: skip


def snapshot_frames(state: State) -> dict[str, pd.DataFrame]:
    """All snapshots as they stand at the beginning of `state.day`, by the name of their file."""
    today = day_of(state.day)
    return {
        "customers/customers": _customers(state),
        "consents/consents": _consents(state),
        "subscriptions/contracts": _contracts(state),
        "agents/agents": _agents(state, today),
        "costs/rates": _costs(),
        "business_events/events": _events(state, today),
    }


def _customers(state: State) -> pd.DataFrame:
    people = state.people
    count = len(people["plan"])
    segment = np.array(["Privat", "Familie", "Geschäft"], object)[people["segment"]]
    since = pd.to_datetime(_local_seconds(people["signed_day"], people["signed_second"]), unit="s", utc=True)
    return pd.DataFrame(
        {
            "kundennr": customer_keys(np.arange(count)),
            "konto": account_keys(people["account"]),
            "kunde_seit": since.astype("datetime64[us, UTC]"),
            "segment": segment,
            "bundesland": np.array(REGIONS, object)[people["region"]],
            "sprache": np.array(["deutsch", "englisch", "chinesisch"], object)[people["language"]],
            "zeitzone": np.array(ZONES, object)[people["zone"]],
            "wunschkanal": np.array(PREFERRED, object)[people["preferred"]],
            "minderjaehrig": people["is_minor"],
            "schutzvermerk": people["is_protected"],
            "anzeigename": voices.names_of(people),
            "mailadresse": voices.emails_of(people),
            "rufnummer": voices.phones_of(people),
            "vertragslaufzeit_monate": people["term"],
        }
    )


def _consents(state: State) -> pd.DataFrame:
    people = state.people
    keys = customer_keys(np.arange(len(people["plan"])))
    asked = (("alle", "service", "may_service"), ("Telefon", "werbung", "may_call"),
             ("E-Mail", "werbung", "may_mail"), ("alle", "profilbildung", "may_profile"))  # fmt: skip
    parts = [
        pd.DataFrame(
            {
                "kundennr": keys,
                "weg": channel,
                "zweck": purpose,
                "einwilligung": np.where(people[name], "ja", "nein"),
                "seit": local_times(_local_seconds(people[f"{name}_since"], people["signed_second"] % 36_000 + 28_800)),
            }
        )
        for channel, purpose, name in asked
    ]
    return pd.concat(parts, ignore_index=True)


def _contracts(state: State) -> pd.DataFrame:
    rows = state.subscriptions
    words = np.array(["", "gekündigt", "Zahlungsausfall", "Tarifwechsel", "Umzug", "sonstiges"], object)
    renewal = np.where(rows["renewal_day"] == NEVER, -1, rows["renewal_day"])
    is_open = rows["ended"] < 0
    renewal_second = _local_seconds(np.maximum(renewal, 0), np.zeros(len(renewal), int))
    return pd.DataFrame(
        {
            "vertrag": "V" + pd.Series(np.arange(size(rows)) + 700_000).astype(str),
            "kundennr": customer_keys(rows["customer"]),
            "tarif": np.array([plan.title() for plan in PLANS], object)[rows["plan"]],
            "preis_monat": rows["value"],
            "deckungsbeitrag": rows["margin"],
            "beginn": local_times(rows["started"]),
            "laufzeit_monate": np.where(rows["term"] > 0, rows["term"].astype(str), ""),
            "verlaengert_sich": np.where(renewal > 0, local_times(renewal_second), ""),  # an ended one keeps its last
            "gekuendigt_am": np.where(rows["notice"] > 0, local_times(np.maximum(rows["notice"], 0)), ""),
            "ende": np.where(is_open, "", local_times(np.maximum(rows["ended"], 0))),
            "grund": words[rows["reason"]],
        }
    )


def _agents(state: State, today: Day) -> pd.DataFrame:
    agents = state.agents
    known = agents["hired"] < today.number
    names = np.array([queue.key for queue in QUEUES] + ["hotline_de,hotline_en"], object)
    teams = np.array([f"team_{queue.key}" for queue in QUEUES] + ["retention"], object)
    sites = np.array([queue.site.title() for queue in QUEUES] + ["Leipzig"], object)
    tongues = [",".join(LANGUAGES[code] for code in queue.languages) for queue in QUEUES]
    languages = np.array([*tongues, "de,en"], object)
    queue = agents["queue"]
    left = np.where(agents["left"] < today.number, agents["left"], -1_000_000)
    epoch = pd.Timestamp(EPOCH)
    return pd.DataFrame(
        {
            "agent": agent_keys(np.arange(size(agents))),
            "team": teams[queue],
            "standort": sites[queue],
            "kann": names[queue],
            "sprachen": languages[queue],
            "wochenstunden": agents["hours"],
            "eintritt": (epoch + pd.to_timedelta(agents["hired"].clip(-4000, 4000), unit="D")).strftime("%Y-%m-%d"),
            "austritt": np.where(
                left > -1_000_000, (epoch + pd.to_timedelta(left.clip(-4000, 4000), unit="D")).strftime("%Y-%m-%d"), ""
            ),
        }
    )[known]


def _costs() -> pd.DataFrame:
    rows = [(kind, "2023-01-01", contact, minute) for kind, (contact, minute) in _RATES.items()]
    raised = [(kind, "2025-07-01", contact, round(minute * 1.03, 4)) for kind, (contact, minute) in _RATES.items()]
    return pd.DataFrame(rows + raised, columns=["kind", "starts_on", "per_contact", "per_minute"]).assign(
        currency="EUR"
    )


def _events(state: State, today: Day) -> pd.DataFrame:
    """Events known by today; outages are told the day after, and forgotten by nobody."""
    events = events_between(
        state.seed, state.world, state.parameters, EPOCH - timedelta(days=60), today.on + timedelta(days=200)
    )
    known = events[[on < today.on for on in events["known_on"]]]
    return pd.DataFrame(
        {
            "id": known["event_id"],
            "was": known["kind"].map(_EVENT_WORDS),
            "von": known["starts_on"],
            "bis": known["ends_on"],
            "bekannt": known["known_on"],
        }
    )


def _local_seconds(days: Array, second: Array) -> Array:
    """UTC seconds of local times of day."""
    unique, inverse = np.unique(days, return_inverse=True)
    starts = np.array([midnight(EPOCH + timedelta(days=int(day))) for day in unique])
    return np.asarray(starts[inverse] + second)
