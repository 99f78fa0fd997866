"""A small company as the pull would leave it: every raw table, with versions, late rows and corrections.

Ten months up to November 2025 in Europe/Berlin, so that both changes of the clocks lie within.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.contract import CONTRACT
from features.tables import ARROW
from forestall.history.training_features import build_training_features
from forestall.jobs.build_features import build_features
from forestall.settings import Settings, load_settings
from forestall.sources.tables import VERSION_COLUMNS, create_tables, kept_columns
from forestall.warehouse import open_warehouse

RUN_DATE = date(2025, 11, 5)
TRAINING_DATES = (date(2025, 3, 31), date(2025, 6, 1), date(2025, 7, 1))
ZONE = "Europe/Berlin"
COMPANY = f"""
[company]
time_zone = "{ZONE}"
[churn]
announcing_topics = ["it's over", "MOVE"]
[warehouse]
url = "{{url}}"
"""

INSTANT = "datetime64[us, UTC]"

Frames = dict[str, pd.DataFrame]
Load = Callable[..., Settings]
QUEUES = np.array(["sales_phone", "help_phone", "help_chat", "help_email", "bot"])
CHANNELS = np.array(["phone", "phone", "chat", "email", "self_service"])


def company_frames(customers: int = 240, contacts: int = 6000, seed: int = 7) -> Frames:
    """Every contract table's versions, as frames in the columns of `raw.<table>` (missing ones are null)."""
    rng = np.random.default_rng(seed)
    cutoff = pd.Timestamp(RUN_DATE, tz=ZONE).tz_convert("UTC")
    first = pd.Timestamp("2025-01-02", tz="UTC")
    span_s = int((cutoff - first).total_seconds()) - 5 * 86_400
    names = np.array([f"c{number:06d}" for number in range(customers)])

    def instants(count: int) -> pd.Series:
        return pd.Series(first + pd.to_timedelta(rng.integers(0, span_s, count), unit="s"))

    def days(at: pd.Series) -> Any:
        return at.dt.tz_convert(ZONE).dt.date

    def some(values: Any, share: float) -> pd.Series:
        return pd.Series(values).where(rng.random(len(values)) < share)

    signed_up = pd.Series(first - pd.to_timedelta(rng.integers(0, 900, customers), unit="D"))
    frames: Frames = {}
    frames["customers"] = pd.DataFrame({
        "customer_id": names, "account_id": np.array([f"a{number // 2:06d}" for number in range(customers)]),
        "signed_up_at": signed_up, "segment": rng.choice(["home", "business"], customers),
        "region": rng.choice(["north", "south", "Ost"], customers), "language": rng.choice(["de", "fr"], customers),
        "time_zone": None, "preferred_channel": rng.choice(["phone", "email"], customers),
        "is_minor": rng.random(customers) < 0.02, "is_protected": rng.random(customers) < 0.02,
        "known_at": signed_up,
    })  # fmt: skip
    consenting = np.tile(names[: customers // 2], 3)
    frames["consents"] = pd.DataFrame({
        "customer_id": consenting, "channel": np.repeat(["phone", "email", "any"], customers // 2),
        "purpose": np.repeat(["marketing", "service", "profiling"], customers // 2),
        "status": rng.choice(["granted", "refused"], len(consenting), p=[0.8, 0.2]),
        "changed_at": instants(len(consenting)),
    }).assign(known_at=lambda rows: rows["changed_at"])  # fmt: skip

    subscribed = np.concatenate([names, rng.choice(names, customers // 2)])
    started = pd.Series(first - pd.to_timedelta(rng.integers(0, 700, len(subscribed)), unit="D"))
    started.iloc[customers:] = instants(customers // 2)
    ended = some(instants(len(subscribed)), 0.7).where(lambda at: at > started)
    notice = (ended - pd.to_timedelta(rng.integers(0, 40, len(subscribed)), unit="D")).where(
        lambda at: (at > started) & (rng.random(len(subscribed)) < 0.7)
    )
    frames["subscriptions"] = pd.DataFrame({
        "subscription_id": [f"s{number:06d}" for number in range(len(subscribed))], "customer_id": subscribed,
        "plan": rng.choice(["basic", "plus", "pro"], len(subscribed)),
        "monthly_value": rng.integers(900, 9900, len(subscribed)) / 100,
        "margin": rng.integers(100, 4000, len(subscribed)) / 100, "started_at": started,
        "renews_at": cutoff + pd.to_timedelta(rng.integers(1, 365, len(subscribed)), unit="D"),
        "term_months": pd.Series(np.arange(len(subscribed)) % 3).map({0: 1, 1: 24}).astype("Int64"),
        "notice_given_at": notice, "ended_at": ended,
        "end_reason": pd.Series(rng.choice(["voluntary", "involuntary", "plan_change"], len(subscribed))).where(
            ended.notna()
        ),
        "known_at": started,
    })  # fmt: skip

    place = rng.choice(len(QUEUES), contacts, p=[0.2, 0.3, 0.2, 0.2, 0.1])
    began = instants(contacts)
    caller = some(rng.choice(names, contacts), 0.95)
    # every fourth contact comes again within minutes or days: redials and repeats
    again = np.arange(3, contacts, 4)
    place[again], caller.iloc[again] = place[again - 1], caller.iloc[again - 1]
    began.iloc[again] = began.iloc[again - 1] + pd.to_timedelta(10 ** rng.uniform(1, 5.8, len(again)), unit="s").round(
        "s"
    )
    wait = pd.Series(rng.exponential(40, contacts).astype("int64"))
    answered = (began + pd.to_timedelta(np.where(CHANNELS[place] == "email", wait * 200, wait), unit="s")).where(
        (rng.random(contacts) < 0.9) & (CHANNELS[place] != "self_service")
    )
    frames["interactions"] = pd.DataFrame({
        "interaction_id": [f"i{number:07d}" for number in range(contacts)],
        "customer_id": caller, "channel": CHANNELS[place], "queue": QUEUES[place],
        "direction": rng.choice(["inbound", "outbound"], contacts, p=[0.95, 0.05]),
        "stage": rng.choice(["reception", "consultation", "complaint", "feedback"], contacts),
        "topic": some(rng.choice(["bill", "fault", "move"], contacts), 0.9), "site": "Berlin",
        "language": rng.choice(["de", "fr"], contacts), "started_at": began,
        "answered_at": answered, "first_response_at": answered,
        "resolved_at": some(answered + pd.to_timedelta(rng.integers(0, 9 * 86_400, contacts), unit="s"), 0.8),
        "wait_time_s": wait, "handle_time_s": pd.Series(rng.integers(30, 900, contacts)).where(answered.notna()),
        "is_abandoned": answered.isna() & (np.isin(CHANNELS[place], ["phone", "chat"])),
        "is_first_contact_resolution": some(rng.random(contacts) < 0.7, 0.5).astype("boolean"),
        "transfer_count": rng.integers(0, 3, contacts), "text_length": rng.integers(5, 300, contacts),
        "agent_id": some(rng.choice(["g1", "g2", "g3"], contacts), 0.9),
        "text_sentiment": some(rng.integers(-1000, 1000, contacts) / 1000, 0.6), "text_language": "de",
        "known_at": began,
    })  # fmt: skip

    reported = pd.Series(first + pd.to_timedelta(np.arange(0, span_s // 1800), unit="h") / 2)
    offered = rng.poisson(6, len(reported))
    frames["contact_volumes"] = pd.DataFrame({
        "queue": "branch", "channel": "phone", "interval_start_at": reported, "offered_count": offered,
        "handled_count": offered - offered // 5, "abandoned_count": offered // 5, "short_abandoned_count": offered // 9,
        "answered_in_standard_count": offered // 2, "wait_time_s": offered * 31, "handle_time_s": offered * 240,
        "known_at": reported,
    })  # fmt: skip
    frames["surveys"] = _surveys(rng, frames["interactions"])
    frames["evaluations"] = pd.DataFrame({
        "interaction_id": frames["interactions"]["interaction_id"][::20], "score": 80.0,
        "is_compliant": rng.random(len(frames["interactions"][::20])) < 0.8,
        "known_at": frames["interactions"]["known_at"][::20] + pd.Timedelta("2D"),
    })  # fmt: skip
    used = instants(customers * 20)
    frames["activity"] = pd.DataFrame({
        "customer_id": rng.choice(names, len(used)), "occurred_on": days(used),
        "kind": rng.choice(["usage", "purchase", "return"], len(used), p=[0.5, 0.4, 0.1]),
        "event_count": rng.integers(1, 5, len(used)), "value": rng.integers(-500, 5000, len(used)) / 100,
        "known_at": used + pd.Timedelta("1D"),
    }).drop_duplicates(["customer_id", "occurred_on", "kind"])  # fmt: skip
    due = instants(customers * 8)
    frames["payments"] = pd.DataFrame({
        "invoice_id": [f"p{number:06d}" for number in range(len(due))], "customer_id": rng.choice(names, len(due)),
        "due_on": days(due), "amount": rng.integers(900, 9900, len(due)) / 100,
        "paid_on": days(some(due + pd.to_timedelta(rng.integers(-5, 30, len(due)), unit="D"), 0.9)),
        "status": rng.choice(["open", "paid", "failed", "refunded"], len(due), p=[0.1, 0.7, 0.15, 0.05]),
        "known_at": due + pd.Timedelta("1D"),
    })  # fmt: skip
    shifts = pd.Series(pd.date_range(first, cutoff - pd.Timedelta("2D"), freq="D", tz="UTC"))
    frames["agents"] = pd.DataFrame({
        "agent_id": ["g1", "g2", "g3"], "team": ["retention", "help", "help"], "site": "Berlin",
        "hired_on": date(2024, 1, 1), "known_at": first,
    })  # fmt: skip
    frames["agent_time"] = pd.concat([
        pd.DataFrame({
            "agent_id": agent, "starts_at": shifts + pd.Timedelta(hours=hour), "activity": activity,
            "ends_at": shifts + pd.Timedelta(hours=hour + length), "is_planned": is_planned, "known_at": shifts,
        })
        for agent in ("g1", "g2", "g3") for is_planned in (True, False)
        for activity, hour, length in (("available", 7, 5), ("break", 12, 1), ("available", 20, 6))
    ])  # fmt: skip
    frames["costs"] = pd.DataFrame({
        "kind": ["phone", "email", "agent", "phone"], "starts_on": [date(2024, 1, 1)] * 3 + [date(2025, 7, 1)],
        "per_contact": [1.5, 0.8, None, 1.75], "per_minute": [0.6, 0.45, 0.5, 0.65],
        "currency": "EUR", "known_at": first,
    })  # fmt: skip
    called = instants(customers)
    frames["outreach_outcomes"] = pd.DataFrame({
        "outcome_id": [f"o{number:05d}" for number in range(customers)], "customer_id": rng.choice(names, customers),
        "action": "call", "channel": "phone", "happened_at": called, "minutes": 7.5,
        "result": rng.choice(["reached", "accepted", "declined", "not_reached", "do_not_contact"], customers),
        "known_at": called,
    })  # fmt: skip
    frames["business_events"] = pd.DataFrame({
        "event_id": ["e1"], "name": ["campaign"], "starts_on": [date(2025, 9, 1)], "ends_on": [date(2025, 9, 9)],
        "known_on": [date(2025, 8, 1)], "known_at": [first],
    })  # fmt: skip
    counted = pd.Series(pd.date_range(first, cutoff - pd.Timedelta("2D"), freq="12h"))
    frames["backlog"] = pd.DataFrame({
        "queue": "help_email", "counted_at": counted, "open_count": np.arange(len(counted)) % 40, "known_at": counted,
    })  # fmt: skip
    return {name: _with_corrections(rng, name, rows, cutoff) for name, rows in frames.items()}


def _surveys(rng: np.random.Generator, contacts: pd.DataFrame) -> pd.DataFrame:
    asked = contacts.iloc[::8]
    kind = rng.choice(["csat", "nps", "ces"], len(asked))
    at = asked["started_at"] + pd.to_timedelta(rng.integers(3600, 86_400 * 3, len(asked)), unit="s")
    return pd.DataFrame({
        "survey_id": "v" + asked["interaction_id"], "customer_id": asked["customer_id"],
        "interaction_id": asked["interaction_id"], "kind": kind, "score": rng.integers(1, 6, len(asked)),
        "answered_at": at, "comment_length": 12, "comment_sentiment": rng.integers(-1000, 1000, len(asked)) / 1000,
        "comment_language": "de", "known_at": at,
    })  # fmt: skip


def _with_corrections(rng: np.random.Generator, name: str, rows: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Pull 1 is the first load; pulls 2 to 4 correct some of its rows, and bring others late."""
    rows = rows.reset_index(drop=True).assign(pull_id=1, known_at=lambda rows: rows["known_at"].astype(INSTANT))
    late = rng.random(len(rows)) < 0.03
    for pull, nights_ago in ((2, 3), (3, 2), (4, 0)):
        known_at = cutoff - pd.Timedelta(days=nights_ago, microseconds=1)
        chosen = late & (rng.random(len(rows)) < 0.4)
        rows.loc[chosen, ["known_at", "pull_id"]] = [known_at, pull]
        late &= ~chosen
    corrected = rows[(rng.random(len(rows)) < 0.04) & (rows["pull_id"] == 1)]
    amended = corrected.assign(known_at=cutoff - pd.Timedelta(days=1, microseconds=1), pull_id=3)
    for column in ("wait_time_s", "score", "offered_count", "event_count", "open_count"):
        if column in amended and name != "evaluations":
            amended[column] = amended[column] % 4 + 1
    return pd.concat([rows, amended], ignore_index=True)


def as_arrow(name: str, rows: pd.DataFrame) -> pa.Table:
    """A frame in the columns and types of `raw.<name>`."""
    columns = [column for column in (*kept_columns(CONTRACT[name]), *VERSION_COLUMNS) if column.name in rows]
    schema = pa.schema([pa.field(column.name, ARROW[column.kind]) for column in columns])
    wide = rows.loc[:, schema.names]
    floats = pa.schema([
        pa.field(field.name, pa.float64() if pa.types.is_decimal(field.type) else field.type) for field in schema
    ])  # fmt: skip
    return pa.Table.from_pandas(wide, floats, preserve_index=False).cast(schema)


def append_raw(settings: Settings, frames: Frames) -> None:
    """Create the raw tables and append the frames to them."""
    with open_warehouse(settings, "test") as warehouse:
        create_tables(warehouse)
        for name, rows in frames.items():
            hashed = rows.assign(row_hash=[f"{name}{number}" for number in range(len(rows))], source="test")
            warehouse.append(f"raw.{name}", as_arrow(name, hashed))


@pytest.fixture(scope="session")
def frames() -> Frames:
    """The company as it is on the run date."""
    return company_frames()


@pytest.fixture(scope="session")
def run_date() -> date:
    return RUN_DATE


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """A company in a folder of its own, whose raw tables hold the frames; by default in DuckDB."""

    def load(frames: Frames, url: str = "", toml: str = "") -> Settings:
        folder = tmp_path_factory.mktemp("company")
        path = folder / "forestall.toml"
        path.write_text(COMPANY.format(url=url or f"duckdb:///{folder / 'warehouse.duckdb'}") + toml, encoding="utf-8")
        settings = load_settings(path)
        append_raw(settings, frames)
        return settings

    return load


@pytest.fixture(scope="session")
def built(load: Load, frames: Frames) -> Settings:
    """The company with its night built and features of three past dates; read it, and leave it as it is."""
    settings = load(frames)
    build_features(settings, RUN_DATE)
    build_training_features(settings, RUN_DATE, TRAINING_DATES)
    return settings


@pytest.fixture(scope="session")
def more() -> Callable[[Settings, Frames], None]:
    """Appends further versions to the raw tables."""
    return append_raw
