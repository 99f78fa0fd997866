"""Against a real mail server and a real web server, both on this machine."""

import json
import logging
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from forestall.night import Night
from forestall.operations.alerts import Alert, backfill_failed, night_failed, send, watch_night
from forestall.settings import Settings

Company = Callable[[str], Settings]
ALERT = Alert("Acme: nightly of 2026-03-01 failed", "pull: no such file\nSee docs/runbook.md.")


class _Mailbox(socketserver.StreamRequestHandler):
    """Enough of SMTP (RFC 5321) to take one message."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        message: list[str] = []
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                message.extend(text.decode().rstrip() for text in iter(self.rfile.readline, b".\r\n"))
                self.server.received.append("\n".join(message))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[socketserver.TCPServer]:
    server.received = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def mailbox() -> Iterator[Any]:
    with _serving(socketserver.TCPServer(("127.0.0.1", 0), _Mailbox)) as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Any]:
    with _serving(HTTPServer(("127.0.0.1", 0), _Hook)) as server:
        yield server


def test_an_alert_reaches_log_mailbox_and_webhook(
    company: Company, mailbox: Any, hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings = company(
        f'[alerts]\nemail_to = ["night@acme.example"]\nsmtp_url = "smtp://127.0.0.1:{mailbox.server_address[1]}"\n'
        f'webhook_url = "http://127.0.0.1:{hook.server_address[1]}/x"'
    )
    with caplog.at_level(logging.ERROR):
        assert send(settings, ALERT) == ["log", "email", "webhook"]
    assert ALERT.subject in caplog.text
    (mail,) = mailbox.received
    assert "Subject: Acme: nightly of 2026-03-01 failed" in mail
    assert "To: night@acme.example" in mail
    assert "pull: no such file" in mail
    assert hook.received == [{"subject": ALERT.subject, "text": f"{ALERT.subject}\n{ALERT.text}"}]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1/x", "alert could not be sent by webhook"),
        ("file:///etc/hosts", "must begin with http"),
    ],
)
def test_a_channel_that_is_down_keeps_no_other_from_being_told(
    company: Company, mailbox: Any, caplog: pytest.LogCaptureFixture, url: str, told: str
) -> None:
    settings = company(
        f'[alerts]\nemail_to = ["night@acme.example"]\nsmtp_url = "smtp://127.0.0.1:{mailbox.server_address[1]}"\n'
        f'webhook_url = "{url}"'
    )
    assert send(settings, ALERT) == ["log", "email"]
    assert told in caplog.text
    assert len(mailbox.received) == 1


def _record(night: Night, **statuses: str) -> None:
    """Records of steps, by job."""
    steps = night.folder / "steps"
    steps.mkdir(parents=True)
    record = {"run_date": night.run_date.isoformat(), "started_at": "2026-03-02T03:30:00+00:00"}
    for job, status in statuses.items():
        (steps / f"{job}.json").write_text(json.dumps(record | {"job": job, "status": status}))


def test_a_failed_night_names_the_step_and_what_is_still_shown(company: Company) -> None:
    settings = company('[company]\nname = "Acme"')
    night = Night(settings, date(2026, 3, 2))
    _record(night, pull="done", check_batch="running")
    (night.published / "2026-03-01").mkdir(parents=True)
    (night.published / "current").symlink_to("2026-03-01")
    alert = night_failed(settings, night.run_date)
    assert alert.subject == "Acme: nightly of 2026-03-02 failed"
    assert alert.text == "check_batch: running\n`current` shows 2026-03-01.\nSee docs/runbook.md."


def test_a_failed_backfill_names_its_range_and_the_night_that_broke_off(company: Company) -> None:
    settings = company('[company]\nname = "Acme"')
    first, second, third = (Night(settings.for_backfill(), date(2026, 2, day)) for day in (26, 27, 28))
    _record(first, pull="done", publish="done")
    _record(second, pull="done", check_batch="failed")
    _record(third, pull="failed")  # last week's, before it was mended
    _record(Night(settings, second.run_date), measure="failed")  # of the night itself
    alert = backfill_failed(settings, [night.run_date for night in (first, second, third)])
    assert alert.subject == "Acme: backfill of 2026-02-26 to 2026-02-28 failed"
    assert alert.text == "check_batch 2026-02-27: failed\n`current` shows nothing yet.\nSee docs/runbook.md."


def test_a_backfill_that_did_not_say_which_nights_is_told_too(company: Company) -> None:
    alert = backfill_failed(company('[company]\nname = "Acme"'), [])
    assert (alert.subject, alert.text.splitlines()[0]) == ("Acme: backfill failed", "no step was reached")


BEFORE, AFTER = datetime(2026, 3, 1, 4, 59, tzinfo=UTC), datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def test_a_night_that_never_came_is_told_once_after_it_was_due(
    company: Company, hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings = company(
        f'[company]\ntime_zone = "Europe/Berlin"\n[alerts]\nwebhook_url = "http://127.0.0.1:{hook.server_address[1]}/x"'
    )
    assert watch_night(settings, BEFORE)
    assert hook.received == []
    assert not watch_night(settings, AFTER)
    assert not watch_night(settings, AFTER)
    (told,) = hook.received
    assert told["subject"] == "My company: nothing was published for 2026-03-01 by 06:00"
    assert "no run started." in told["text"]
    night = Night(settings, date(2026, 3, 1))
    (night.published / "2026-03-01").mkdir(parents=True)
    assert not watch_night(settings, AFTER)
    (night.published / "2026-03-01" / "manifest.json").write_text("{}")
    assert watch_night(settings, AFTER)
