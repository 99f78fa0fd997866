"""Who hears of a night that failed, or that never came: the log always, mail and webhook by setting.

Each channel is tried by itself; one that is down is logged and keeps no other from being told. Texts
name nights, steps and counts, never a customer.
"""

import json
import logging
import smtplib
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from forestall.jobs import AFTERWARDS, NIGHT, WEEKLY
from forestall.night import Night
from forestall.records import steps_of
from forestall.settings import ConfigError, Settings

log = logging.getLogger(__name__)

TIMEOUT_S = 20


@dataclass(frozen=True)
class Alert:
    """What is said: a subject of one line, and what to do."""

    subject: str
    text: str


def send(settings: Settings, alert: Alert) -> list[str]:
    """Tell every configured channel; returns those that were told, the log first."""
    log.error("%s: %s", alert.subject, alert.text)
    channels: dict[str, Callable[[Settings, Alert], None]] = {}
    if settings.alerts.email_to and settings.alerts.smtp_url:
        channels["email"] = _send_mail
    if settings.alerts.webhook_url:
        channels["webhook"] = _post
    told = ["log"]
    for name, channel in channels.items():
        try:
            channel(settings, alert)
            told.append(name)
        except (OSError, smtplib.SMTPException, ConfigError) as error:
            log.error("alert could not be sent by %s: %s", name, error)
    return told


def night_failed(settings: Settings, run_date: date, dag_id: str = "nightly") -> Alert:
    """What to say of a run that failed, from the records of its steps."""
    steps = steps_of(Night(settings, run_date), WEEKLY if dag_id == "retrain" else (*NIGHT, *AFTERWARDS))
    lines = [f"{step.job}: {step.error or step.status}" for step in steps if step.status != "done"]
    return _failed(settings, f"{dag_id} of {run_date}", lines)


def backfill_failed(settings: Settings, run_dates: Sequence[date]) -> Alert:
    """What to say of a backfill that failed: its range, and the night that broke off.

    Nights run in their order, so that is the first with a step that is not done; what stands in later ones is of
    an earlier backfill.

    Args:
        settings: of the company.
        run_dates: the nights, oldest first; none where the run did not say which.
    """
    apart = settings.for_backfill()
    each = ([step for step in steps_of(Night(apart, day), NIGHT) if step.status != "done"] for day in run_dates)
    broken = next((steps for steps in each if steps), [])
    lines = [f"{step.job} {step.run_date}: {step.error or step.status}" for step in broken]
    of = f" of {run_dates[0]} to {run_dates[-1]}" if run_dates else ""
    return _failed(settings, f"backfill{of}", lines)


def _failed(settings: Settings, what: str, lines: Sequence[str]) -> Alert:
    return Alert(
        f"{settings.company.name}: {what} failed",
        "\n".join(
            [*(lines or ["no step was reached"]), f"`current` shows {_shown(settings)}.", "See docs/runbook.md."]
        ),
    )


def watch_night(settings: Settings, now: datetime) -> bool:
    """Whether tonight's plan is published, or not yet due; tells once a day where it is missing.

    Args:
        settings: `alerts.due_at` says by when, in the site's zone.
        now: the present instant.
    """
    local = now.astimezone(settings.zone)
    night = Night(settings, local.date())
    if _is_published(night) or local.time() < settings.alerts.due_at:
        return True
    told = settings.var_path / "alerts" / f"{night.run_date}.overdue"
    if not told.exists():
        due = settings.alerts.due_at.isoformat("minutes")
        reason = "its steps:" if steps_of(night, NIGHT) else "no run started."
        steps = [f"{step.job}: {step.status} {step.error}".rstrip() for step in steps_of(night, NIGHT)]
        send(
            settings,
            Alert(
                f"{settings.company.name}: nothing was published for {night.run_date} by {due}",
                "\n".join([reason, *steps, f"`current` shows {_shown(settings)}.", "See docs/runbook.md."]),
            ),
        )
        told.parent.mkdir(parents=True, exist_ok=True)
        told.touch()
    return False


def _is_published(night: Night) -> bool:
    return any((folder / "manifest.json").is_file() for folder in night.published.glob(f"{night.run_date}*"))


def _shown(settings: Settings) -> str:
    link = settings.var_path / "published" / "current"
    return link.resolve().name if link.exists() else "nothing yet"


def _send_mail(settings: Settings, alert: Alert) -> None:
    """Over `smtp://` (STARTTLS where the server offers it) or `smtps://`."""
    url = urlsplit(settings.alerts.smtp_url)
    if url.scheme not in ("smtp", "smtps") or not url.hostname:
        raise ConfigError("alerts.smtp_url: must be smtp://host:port or smtps://host:port")
    message = EmailMessage()
    message["Subject"] = alert.subject
    message["From"] = unquote(url.username or "") if "@" in unquote(url.username or "") else f"forestall@{url.hostname}"
    message["To"] = ", ".join(settings.alerts.email_to)
    message.set_content(alert.text)
    connect = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    with connect(url.hostname, url.port or 0, timeout=TIMEOUT_S) as server:
        if url.scheme == "smtp":
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls()
        if url.username:
            server.login(unquote(url.username), settings.smtp_password.get_secret_value())
        server.send_message(message)


def _post(settings: Settings, alert: Alert) -> None:
    """One JSON object; `text` is what chat systems show."""
    if urlsplit(settings.alerts.webhook_url).scheme not in ("http", "https"):
        raise ConfigError("alerts.webhook_url: must begin with http:// or https://")
    body = {"subject": alert.subject, "text": f"{alert.subject}\n{alert.text}"}
    request = urllib.request.Request(
        settings.alerts.webhook_url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        response.read()
