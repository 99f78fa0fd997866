"""The contract of the data that comes in: fifteen tables, none of which a company must have in full.

Times are UTC instants (`*_at`) or local dates (`*_on`); keys are text. A table or column that a
company does not have costs its features, not the night. `revealed_by` and `born_at` are what makes
the past reproducible: they say when a value could first have been known (docs/decisions/0002).
"""

from features.tables import Column, Kind, Table

CHANNELS = ("phone", "chat", "email", "web_form", "social", "in_person", "self_service")
LIVE_CHANNELS = ("phone", "chat", "in_person")  # served while the customer waits; the rest is deferred
STAGES = ("reception", "consultation", "complaint", "feedback")
PURPOSES = ("service", "marketing", "profiling")

DAY_S = 86_400


def _key(name: str, about: str) -> Column:
    return Column(name, "text", about, is_required=True)


def _customer(about: str = "the customer's key, replaced by a pseudonym", *, is_required: bool = True) -> Column:
    return Column("customer_id", "text", about, is_required=is_required, privacy="key")


def _at(name: str, about: str, *, is_required: bool = False, reveals_itself: bool = False) -> Column:
    return Column(name, "instant", about, is_required, revealed_by=name if reveals_itself else None)


def _on(name: str, about: str, *, is_required: bool = False, reveals_itself: bool = False) -> Column:
    return Column(name, "date", about, is_required, revealed_by=name if reveals_itself else None)


def _amount(name: str, kind: Kind, about: str, *, most: float | None = None, revealed_by: str | None = None) -> Column:
    return Column(name, kind, about, at_least=0, at_most=most, revealed_by=revealed_by)


def _flag(name: str, about: str, *, revealed_by: str | None = None) -> Column:
    return Column(name, "boolean", about, revealed_by=revealed_by)


def _text(name: str, about: str, *, words: tuple[str, ...] = (), is_required: bool = False) -> Column:
    return Column(name, "text", about, is_required, words=words)


CUSTOMERS = Table(
    "customers", "customer", ("customer_id",),
    (
        _customer(),
        Column("account_id", "text", "the account that pays for the customer", privacy="key"),
        _at("signed_up_at", "when the customer joined"),
        _text("segment", "the company's own segment"),
        _text("region", "where the customer lives"),
        _text("language", "language the customer is served in, ISO 639-1"),
        _text("time_zone", "IANA zone of the customer; the site's where empty"),
        _text("preferred_channel", "how the customer wants to be reached", words=CHANNELS),
        _flag("is_minor", "under age: never listed"),
        _flag("is_protected", "must not be contacted for retention"),
        Column("name", "text", "full name", privacy="vault"),
        Column("email", "text", "mail address", privacy="vault"),
        Column("phone", "text", "phone number", privacy="vault"),
        _text("attributes", "further attributes as one JSON object"),
    ),
    born_at="signed_up_at",
)  # fmt: skip

CONSENTS = Table(
    "consents", "customer x channel x purpose", ("customer_id", "channel", "purpose"),
    (
        _customer(),
        Column("channel", "text", "the channel it is about, or `any`", True, words=(*CHANNELS, "any")),
        Column("purpose", "text", "what the channel may be used for", True, words=PURPOSES),
        Column("status", "text", "granted or refused", True, words=("granted", "refused")),
        _at("changed_at", "since when", is_required=True),
    ),
    born_at="changed_at",
)  # fmt: skip

SUBSCRIPTIONS = Table(
    "subscriptions", "subscription", ("subscription_id",),
    (
        _key("subscription_id", "the subscription's key"),
        _customer(),
        _text("plan", "the plan's name"),
        _amount("monthly_value", "money", "what the customer pays a month, in the company's currency"),
        _amount("margin", "money", "what is left of it a month after its own costs"),
        _at("started_at", "first instant of service", is_required=True),
        _at("renews_at", "next renewal; of an ended subscription the last that stood"),
        Column("term_months", "integer", "length of a term; a renewal repeats at it; 12 where empty", at_least=1,
               at_most=1200),
        _at("notice_given_at", "when the customer said that they would leave", reveals_itself=True),
        _at("ended_at", "last instant of service", reveals_itself=True),
        Column("end_reason", "text", "why it ended",
               words=("voluntary", "involuntary", "plan_change", "transfer", "other"), revealed_by="ended_at"),
    ),
    born_at="started_at",
)  # fmt: skip

INTERACTIONS = Table(
    "interactions", "contact", ("interaction_id",),
    (
        _key("interaction_id", "the contact's key"),
        _text("parent_interaction_id", "the contact that this one continues"),
        _customer("who it was; empty where unknown", is_required=False),
        _text("channel", "how it came", words=CHANNELS, is_required=True),
        _text("queue", "where it was served", is_required=True),
        _text("direction", "who began it", words=("inbound", "outbound")),
        _text("stage", "what it was about", words=STAGES),
        _text("topic", "the company's own topic"),
        _text("product", "the product concerned"),
        _text("language", "language it was held in, ISO 639-1"),
        _text("site", "where it was served"),
        _at("started_at", "when it arrived", is_required=True),
        _at("answered_at", "when an agent took it", reveals_itself=True),
        _at("first_response_at", "when the customer first got an answer", reveals_itself=True),
        _at("resolved_at", "when it was settled", reveals_itself=True),
        _amount("wait_time_s", "integer", "seconds in the queue", most=DAY_S),
        _amount("handle_time_s", "integer", "talk, hold and wrap, in seconds", most=DAY_S),
        _flag("is_abandoned", "the customer gave up before an answer"),
        _flag("is_first_contact_resolution", "settled at the first contact", revealed_by="resolved_at"),
        _amount("transfer_count", "integer", "how often it was passed on", most=100),
        _text("agent_id", "who served it"),
        Column("text", "text", "what was written or transcribed", privacy="text"),
    ),
    born_at="started_at",
)  # fmt: skip

CONTACT_VOLUMES = Table(
    "contact_volumes", "queue x interval", ("queue", "interval_start_at"),
    (
        _key("queue", "the queue's key"),
        _text("channel", "its channel", words=CHANNELS),
        _at("interval_start_at", "first instant of the interval", is_required=True),
        Column("offered_count", "integer", "contacts that arrived", True, at_least=0),
        _amount("handled_count", "integer", "contacts that were served"),
        _amount("abandoned_count", "integer", "contacts that gave up"),
        _amount("short_abandoned_count", "integer", "of these, those that gave up at once"),
        _amount("answered_in_standard_count", "integer", "contacts answered within the standard"),
        _amount("wait_time_s", "integer", "sum of waits in seconds"),
        _amount("handle_time_s", "integer", "sum of handle times in seconds"),
    ),
    born_at="interval_start_at",
)  # fmt: skip

BACKLOG = Table(
    "backlog", "queue x instant", ("queue", "counted_at"),
    (
        _key("queue", "the queue's key"),
        _at("counted_at", "when it was counted", is_required=True),
        Column("open_count", "integer", "contacts waiting for an answer", True, at_least=0),
    ),
    born_at="counted_at",
)  # fmt: skip

SURVEYS = Table(
    "surveys", "answer", ("survey_id",),
    (
        _key("survey_id", "the answer's key"),
        _customer(is_required=False),
        _text("interaction_id", "the contact asked about"),
        _text("kind", "which question", words=("csat", "nps", "ces"), is_required=True),
        Column("score", "integer", "csat 1-5, nps 0-10, ces 1-7", True, at_least=0, at_most=10),
        _at("answered_at", "when", is_required=True),
        Column("comment", "text", "what the customer wrote", privacy="text"),
    ),
    born_at="answered_at",
)  # fmt: skip

EVALUATIONS = Table(
    "evaluations", "contact", ("interaction_id",),
    (
        _key("interaction_id", "the contact that was reviewed"),
        Column("score", "number", "quality score, 0-100", at_least=0, at_most=100),
        _flag("is_compliant", "no rule was broken"),
    ),
)  # fmt: skip

ACTIVITY = Table(
    "activity", "customer x day x kind", ("customer_id", "occurred_on", "kind"),
    (
        _customer(),
        _on("occurred_on", "local day", is_required=True),
        _text("kind", "usage, purchase, return, ...", is_required=True),
        Column("event_count", "integer", "how often", at_least=0),
        Column("value", "money", "worth of it; returns are negative"),
    ),
    born_at="occurred_on",
)  # fmt: skip

PAYMENTS = Table(
    "payments", "invoice", ("invoice_id",),
    (
        _key("invoice_id", "the invoice's key"),
        _customer(),
        _on("due_on", "when it was due", is_required=True),
        _on("paid_on", "when it was paid", reveals_itself=True),
        Column("amount", "money", "what was due"),
        # A failure shows on the due day; that it was paid is read from paid_on alone.
        Column("status", "text", "where it stands", words=("open", "paid", "failed", "refunded"), revealed_by="due_on"),
    ),
    born_at="due_on",
)  # fmt: skip

BUSINESS_EVENTS = Table(
    "business_events", "event", ("event_id",),
    (
        _key("event_id", "the event's key"),
        _text("name", "what it is: campaign, billing run, release, outage", is_required=True),
        _on("starts_on", "first day", is_required=True),
        _on("ends_on", "last day; the first where empty"),
        _text("queues", "comma-separated queues that feel it; all where empty"),
        _on("known_on", "since when it was known; always where empty, so backtests know of it beforehand"),
    ),
    born_at="known_on",
)  # fmt: skip

AGENTS = Table(
    "agents", "agent", ("agent_id",),
    (
        _key("agent_id", "the agent's key"),
        _text("team", "the agent's team"),
        _text("site", "the agent's site"),
        _text("skills", "comma-separated queues that the agent can serve"),
        _text("languages", "comma-separated, ISO 639-1"),
        _amount("contract_hours", "number", "hours a week", most=168),
        _on("hired_on", "first day"),
        _on("left_on", "last day", reveals_itself=True),
    ),
    born_at="hired_on",
)  # fmt: skip

AGENT_TIME = Table(
    "agent_time", "agent x activity", ("agent_id", "starts_at", "activity", "is_planned"),
    (
        _key("agent_id", "the agent's key"),
        _at("starts_at", "first instant", is_required=True),
        _at("ends_at", "last instant", is_required=True),
        _text("activity", "available, break, training, meeting, sick, vacation, ...", is_required=True),
        Column("is_planned", "boolean", "from the schedule (true) or from what happened", True),
    ),
    born_at="starts_at",
)  # fmt: skip

COSTS = Table(
    "costs", "kind x since", ("kind", "starts_on"),
    (
        _key("kind", "a channel, an activity or `agent`"),
        _on("starts_on", "since when it holds", is_required=True),
        _amount("per_contact", "money", "cost of one contact"),
        _amount("per_minute", "money", "cost of one minute"),
        _text("currency", "ISO 4217; the company's where empty"),
    ),
    born_at="starts_on",
)  # fmt: skip

OUTREACH_OUTCOMES = Table(
    "outreach_outcomes", "action", ("outcome_id",),
    (
        _key("outcome_id", "the action's key"),
        _customer(),
        _text("row_id", "the list's row that was worked; empty where the call was not from a list"),
        _text("action", "what was done"),
        _text("offer", "what was offered"),
        _text("channel", "how", words=CHANNELS),
        _at("happened_at", "when", is_required=True),
        _text("result", "what came of it", is_required=True,
              words=("reached", "accepted", "declined", "not_reached", "callback", "do_not_contact", "wrong_number")),
        _amount("minutes", "number", "minutes it took", most=1440),
        _text("agent_id", "who did it"),
    ),
    born_at="happened_at",
)  # fmt: skip

CONTRACT: dict[str, Table] = {
    table.name: table
    for table in (
        CUSTOMERS, CONSENTS, SUBSCRIPTIONS, INTERACTIONS, CONTACT_VOLUMES, BACKLOG, SURVEYS, EVALUATIONS,
        ACTIVITY, PAYMENTS, BUSINESS_EVENTS, AGENTS, AGENT_TIME, COSTS, OUTREACH_OUTCOMES,
    )
}  # fmt: skip
