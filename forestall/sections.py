"""The sections of `forestall.toml`: what each may hold, and what is taken where it says nothing."""

import difflib
import os
import re
from datetime import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from features.contract import CONTRACT
from features.published_outreach import OUTREACH_LIST
from features.sections import Section


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        raise ValueError(f"is no time zone{f'; meant {near[0]}?' if near else ''}")
    return name


def _with_environment(location: str) -> str:
    """`${NAME}` replaced from the environment, so that a configuration can name data that lies elsewhere.

    The one setting that may: a location differs from machine to machine, and is no secret.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ValueError(f"the environment variable {match[1]} is not set; set it to where the data lies")
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", value, location)


ZoneName = Annotated[str, AfterValidator(_known_zone)]
Location = Annotated[str, AfterValidator(_with_environment)]
Share = Annotated[float, Field(ge=0, le=1)]
DAY_S = 86_400
YEAR_S = 366 * DAY_S
DECADE = 3_660  # days; with more of them dates leave the calendar
Seconds = Annotated[int, Field(gt=0, le=YEAR_S)]


class Company(Section):
    """Who we are and how we count."""

    name: str = "My company"
    time_zone: ZoneName = "UTC"
    country: str = Field("", description="ISO 3166 code for public holidays; empty for none")
    subdivision: str = Field("", description="state or province of the holidays")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")
    tax_basis: Literal["net", "gross"] = "net"


class Files(Section):
    """Reviewed YAML that business people change, relative to `forestall.toml`."""

    playbook: Path = Path("playbook.yml")
    standards: Path = Path("standards.yml")
    calendar: Path = Path("calendar.yml")
    gates: Path = Path("gates.yml")
    segments: Path = Path("segments.yml")
    overrides: Path = Path("overrides.yml")
    staffing: Path = Path("staffing.yml")


class WarehouseSettings(Section):
    """Where the data is kept."""

    url: str = Field("", description="duckdb:///path or postgresql://...; empty for var/warehouse.duckdb")
    memory_limit: str = "3GB"
    threads: int = Field(2, ge=1)
    lock_wait_s: int = Field(3600, ge=0, description="how long a second night waits for the first")


class Source(Section):
    """One source and how its columns become a contract table's.

    `columns` maps a contract column to a source column or a DuckDB SQL expression over the source's
    columns; unmapped contract columns are taken from source columns of the same name, if there are
    any. `words` maps the company's own words to the contract's, by column.
    """

    kind: Literal["file", "sql", "rest"]
    table: str
    location: Location = Field(description="path or glob; `schema.table` or a SELECT; URL path; may hold `${NAME}`")
    select: str = Field("", description="file: DuckDB SELECT over `source`, to group or reshape rows before mapping")
    columns: dict[str, str] = Field({}, description="source column or expression, by contract column")
    words: dict[str, dict[str, str]] = Field({}, description="the contract's word by theirs, by column")
    where: str = Field("", description="SQL condition over the source's columns; other rows are not ours")
    time_zone: ZoneName | None = Field(None, description="zone of instants written without one")
    updated_at: str = Field("", description="source column or expression by which changed rows are found")
    known_at: str = Field("", description="since when rows of the first load were known; empty: since their birth")
    overlap_hours: int = Field(48, ge=0, le=24 * DECADE, description="how far before the watermark rows are read again")
    format: Literal["auto", "csv", "json", "parquet"] = "auto"
    connection: str = Field("", description="environment variable with the SQL URL or the REST base URL")
    token: str = Field("", description="environment variable with a bearer token")
    records: str = Field("", description="REST: JSON path of the rows, such as `data`")
    paging: dict[str, Any] = Field({}, description="REST: paginator in dlt's words")
    cursor_param: str = Field("", description="REST: query parameter that takes the watermark")
    retries: int = Field(3, ge=0)
    has_pseudonyms: bool = Field(False, description="keys come as the pseudonyms that the list was delivered with")

    @model_validator(mode="after")
    def _names_exist(self) -> "Source":
        if self.table not in CONTRACT:
            near = difflib.get_close_matches(self.table, CONTRACT, n=1)
            raise ValueError(f"table `{self.table}` is not in the contract{f'; meant `{near[0]}`?' if near else ''}")
        known = CONTRACT[self.table].names
        for column in (*self.columns, *self.words):
            if column not in known:
                near = difflib.get_close_matches(column, known, n=1)
                hint = f"; meant `{near[0]}`?" if near else ""
                raise ValueError(f"`{column}` is not a column of {self.table}{hint}")
        for column, words in self.words.items():
            allowed = CONTRACT[self.table][column].words
            for theirs, ours in words.items():
                if allowed and ours not in allowed:
                    raise ValueError(
                        f"words.{column}: `{theirs}` maps to `{ours}`, which is none of {', '.join(allowed)}"
                    )
        return self


ROW = "{row_id}"
OUR_HEADERS = ("content-type", "idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature")


class Receiver(Section):
    """One place to which the published outreach list is sent.

    A webhook is told all that is new in one request, a REST API each row in a request of its own.
    `columns` maps published columns to the receiver's names for them; without it every column goes
    under its own name.
    """

    kind: Literal["webhook", "rest"]
    url: str = Field(description="rest: may hold `{row_id}`")
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    withdraw_method: Literal["", "POST", "PUT", "PATCH", "DELETE"] = Field("", description="empty: as `method`")
    secret: str = Field(description="environment variable with the secret that signs, `whsec_` and base64")
    headers: dict[str, str] = Field({}, description="environment variable with the value, by header")
    columns: dict[str, str] = Field({}, description="the receiver's name by published column; dots nest")
    timeout_s: float = Field(10, gt=0)
    retries: int = Field(7, ge=0, description="of one request")
    patience_s: float = Field(900, ge=0, description="a run begins nothing new after so long")

    @model_validator(mode="after")
    def _can_be_told(self) -> "Receiver":
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ValueError("url: must begin with http:// or https:// and name a host")
        if self.kind == "webhook" and (ROW in self.url or self.method != "POST" or self.withdraw_method):
            raise ValueError("a webhook is one POST with all rows; `{row_id}` and other methods need kind `rest`")
        for column in self.columns:
            if column not in OUTREACH_LIST.names:
                near = difflib.get_close_matches(column, OUTREACH_LIST.names, n=1)
                hint = f"; meant `{near[0]}`?" if near else ""
                raise ValueError(f"`{column}` is not a column of outreach_list{hint}")
        # Without the key a row could not be told from another, without its status not be withdrawn.
        needed = {"status"} if ROW in self.url else {"row_id", "status"}
        if self.columns and (missing := sorted(needed - set(self.columns))):
            raise ValueError(f"columns: {' and '.join(missing)} must be mapped")
        places = sorted(name.split(".") for name in self.columns.values())
        if clash := [one for one, next_one in pairwise(places) if next_one[: len(one)] == one]:
            raise ValueError(f"columns: `{'.'.join(clash[0])}` stands for more than one thing")
        if ours := [header for header in self.headers if header.lower() in OUR_HEADERS]:
            raise ValueError(f"headers: {ours[0]} is set by forestall")
        return self


class ChurnSettings(Section):
    """Who counts as having left, and how far ahead we look."""

    rule: Literal["auto", "subscription", "inactivity"] = Field(
        "auto", description="auto: subscription if that table has rows"
    )
    level: Literal["account", "customer"] = "account"
    grace_days: int = Field(14, ge=0, le=DECADE, description="without a subscription for so long: has left")
    inactive_days: int = Field(91, ge=1, le=DECADE, description="rule of inactivity: no activity for so long")
    activity_kinds: tuple[str, ...] = Field((), description="rule of inactivity: kinds that count; empty: all")
    dormant_days: int = Field(
        365, ge=1, le=DECADE, description="rule of inactivity: silent for longer is no customer any more"
    )
    announcing_topics: tuple[str, ...] = Field(
        ("cancellation",), description="topics of contacts that announce leaving: no feature comes from them"
    )
    horizons: tuple[Annotated[int, Field(ge=1, le=DECADE)], ...] = (30, 60, 90)
    main_horizon: int = 90
    training_dates: int = Field(12, ge=3, le=520, description="past as-of dates to learn from")
    training_step_days: int = Field(28, ge=1, le=366, description="days between them")

    @model_validator(mode="after")
    def _main_is_a_horizon(self) -> "ChurnSettings":
        if self.main_horizon not in self.horizons:
            raise ValueError(f"main_horizon {self.main_horizon} is none of the horizons {self.horizons}")
        if self.rule == "inactivity" and self.horizons != (self.inactive_days,):
            raise ValueError(f"under the rule of inactivity horizons must be [{self.inactive_days}], the inactive_days")
        return self


class VolumeSettings(Section):
    """The forecast of contacts."""

    interval_minutes: Literal[15, 30, 60] = 30
    horizon_days: int = Field(56, ge=1, le=366)
    history_days: int = Field(730, ge=28, le=DECADE, description="how far back the models look")
    backtest_cutoffs: int = Field(6, ge=1, le=520, description="weekly cutoffs on which methods are compared")


class ServiceLevelSettings(Section):
    """One formula for KPIs, requirement and simulation."""

    formula: Literal["answered_in_standard_over_offered", "answered_in_standard_over_handled"] = (
        "answered_in_standard_over_offered"
    )
    short_abandon_s: int = Field(5, ge=0, le=DAY_S, description="who gives up sooner is left out")
    period: Literal["interval", "day", "month"] = Field("interval", description="over which the standard is to be met")
    certainty: float | None = Field(
        None, gt=0, lt=1, description="chance to meet it that is staffed for; none: the level that is to be expected"
    )

    @model_validator(mode="after")
    def _period_has_certainty(self) -> "ServiceLevelSettings":
        if self.period != "interval" and self.certainty is None:
            raise ValueError(f'period = "{self.period}" needs certainty, such as 0.8: how often it is to be met')
        return self


class StaffingSettings(Section):
    """Defaults where a queue's standard says nothing."""

    shrinkage: Share = Field(0.30, description="used where agent_time cannot tell")
    occupancy_cap: Share = 0.88
    patience_s: Seconds | None = Field(None, description="mean patience where abandonments cannot tell; none: Erlang C")


Hour = Annotated[int, Field(ge=0, le=24)]


def _follow(hours: tuple[int, int]) -> tuple[int, int]:
    if hours[0] >= hours[1]:
        raise ValueError(f"from {hours[0]} to {hours[1]} is no time at all: the earlier hour comes first, as [9, 20]")
    return hours


Hours = Annotated[tuple[Hour, Hour], AfterValidator(_follow)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class PoolSettings(Section):
    """Agents of one team who speak and can do the same."""

    team: str = Field(min_length=1)
    minutes: int = Field(ge=0, description="agent minutes a day")
    languages: tuple[str, ...] = Field((), description="ISO 639-1; empty: any")
    skills: tuple[str, ...] = Field((), description="what the playbook's actions ask for; empty: any")
    weekdays: tuple[Weekday, ...] = WEEK
    lent_by: tuple[str, ...] = Field(
        (), description="teams of the roster whose usable minutes it takes; empty: its own team's, if that has shifts"
    )


Grouping = Literal["region", "language", "segment", "preferred_channel"]


class OutreachSettings(Section):
    """Limits of the list."""

    holdout_share: Share = 0.10
    cooldown_days: int = Field(30, ge=0, le=DECADE)
    contact_limit: int = Field(4, ge=0, description="days on which a customer is reached, over all channels, at most")
    contact_limit_days: Literal[7, 30, 90] = Field(90, description="within so many days")
    team_minutes: dict[str, int] = Field({"retention": 480}, description="agent minutes a day by team")
    pools: dict[str, PoolSettings] = Field({}, description="parts of teams; a team with pools has no other minutes")
    minutes_from: Literal["plan", "settings"] = Field(
        "plan", description="plan: a team whose shifts are planned gives its usable minutes, and no others"
    )
    least_run_minutes: int = Field(15, ge=1, description="agents free for a shorter time are not usable for outreach")
    work_hours: Hours = Field((8, 20), description="from, to: by the site's clock")
    agent_minutes: int = Field(330, ge=1, description="minutes a day that one agent more would have for outreach")
    agent_paid_minutes: int = Field(480, ge=1, description="minutes a day for which one agent more would be paid")
    plan_days: int = Field(1, ge=1, le=14, description="days whose minutes the list fills")
    renewal_days: int = Field(30, ge=0, le=DECADE, description="so near a renewal a customer is on the renewal list")
    if_quiet_share: float = Field(0.0, ge=0, le=5, description="more minutes, of those, that are used if it is quiet")
    budget: float = Field(500, ge=0, description="offers a day, company currency")
    discount_rate: float = Field(0.10, ge=0, description="a year")
    life_cap_months: int = Field(36, ge=1)
    seed: int = 20
    fairness_groups: tuple[Grouping, ...] = Field(
        ("region", "language", "segment", "preferred_channel"), description="groups that are compared by the audit"
    )
    fairness_attributes: tuple[str, ...] = Field(
        (), description="attributes that are compared too, such as an age band; no model sees these"
    )
    fairness_ratio: float = Field(0.8, gt=0, lt=1, description="least ratio of smaller to larger mean that is let pass")
    fairness_least: int = Field(30, ge=2, description="accounts; smaller groups are not judged")
    fairness_days: int = Field(
        28, ge=1, le=DECADE, description="nights so far back are added up, while the playbook is the same"
    )


def _cron(text: str) -> str:
    if len(text.split()) != 5:
        raise ValueError(f"`{text}` is no cron expression of five fields, such as `30 3 * * *`")
    return text


Cron = Annotated[str, AfterValidator(_cron)]


class ScheduleSettings(Section):
    """When the DAGs run, as cron expressions in the site's zone."""

    # Half past three exists once on every day of the zones that change clocks at one, two or three.
    nightly: Cron = "30 3 * * *"
    retrain: Cron = Field("30 12 * * 0", description="weekly, in a quiet hour")


class AlertSettings(Section):
    """Who hears of a night that failed or never came; the log always does."""

    due_at: time = time(6, 0)
    email_to: tuple[str, ...] = ()
    smtp_url: str = Field("", description="smtp://user@host:587 (STARTTLS where offered) or smtps://user@host")
    webhook_url: str = ""


class PrivacySettings(Section):
    """How long what is personal is kept, and who may see names."""

    keep_days: int = Field(
        730, ge=1, le=10 * DECADE, description="raw rows older than this are dropped by `forestall prune`"
    )
    may_export: tuple[str, ...] = Field((), description="user names who may rejoin names; empty: nobody")
    published_nights: int = Field(400, ge=2, description="nights kept by `forestall prune`")
