"""A real HTTP server as the source: pages, a rate limit, failures, a token."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from forestall.jobs.pull import pull
from forestall.settings import ConfigError, Settings
from forestall.sources import rest
from forestall.sources.pulls import degraded_sources
from forestall.warehouse import open_warehouse

Company = Callable[[str], Settings]

NIGHT = date(2026, 3, 2)
DESK = """
[sources.desk]
kind = "rest"
table = "surveys"
location = "answers"
connection = "DESK_URL"
token = "DESK_TOKEN"
records = "data"
paging = { type = "page_number", base_page = 1, page_param = "page", total_path = "pages" }
cursor_param = "since"
updated_at = "changed_at"
retries = 2
columns = { survey_id = "id", customer_id = "customer", comment = "note" }
"""


class Desk(ThreadingHTTPServer):
    """Three pages of two answers; each failure in `failures` is given once before the answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), DeskHandler)
        self.answers: list[dict[str, Any]] = [
            {"id": number, "customer": f"c{number}", "kind": "csat", "score": 4, "note": None,
             "answered_at": "2026-03-01T10:00:00Z", "changed_at": f"2026-03-01T1{number}:00:00Z", "tags": ["a"]}
            for number in range(6)
        ]  # fmt: skip
        self.failures: list[int] = []
        self.asked: list[dict[str, list[str]]] = []
        self.body: bytes | None = None


class DeskHandler(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        self.server.asked.append(asked)
        if self.server.failures:
            return self._answer(self.server.failures.pop(0), b"{}")
        if self.headers["Authorization"] != "Bearer open sesame":
            return self._answer(401, b"{}")
        page = int(asked.get("page", ["1"])[0])
        since = asked.get("since", [""])[0]
        fresh = [answer for answer in self.server.answers if answer["changed_at"] >= since]
        body = {"data": fresh[2 * page - 2 : 2 * page], "pages": (len(fresh) + 1) // 2}
        return self._answer(200, self.server.body or json.dumps(body).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        pass


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    server = Desk()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("DESK_URL", f"http://127.0.0.1:{server.server_port}/api")
    monkeypatch.setenv("DESK_TOKEN", "open sesame")
    monkeypatch.setattr(rest, "BACKOFF_S", 0.01)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_all_pages_come_in_through_a_rate_limit_and_a_failure(company: Company, desk: Desk) -> None:
    desk.failures = [429, 503]
    settings = company(DESK)
    assert pull(settings, NIGHT)["new_rows"] == 6
    assert [asked["page"] for asked in desk.asked] == [["1"], ["1"], ["1"], ["2"], ["3"]]


def test_the_second_night_asks_from_the_watermark_less_the_overlap(company: Company, desk: Desk) -> None:
    settings = company(DESK + "overlap_hours = 1")
    pull(settings, NIGHT)
    desk.asked.clear()
    desk.answers.append(desk.answers[0] | {"id": 9, "changed_at": "2026-03-02T09:00:00Z"})
    summary = pull(settings, NIGHT + timedelta(1))
    assert desk.asked[0]["since"] == ["2026-03-01T14:00:00+00:00"]
    assert (summary["new_rows"], summary["unchanged_rows"]) == (1, 2)


def test_a_desk_that_is_down_degrades_the_night(company: Company, desk: Desk) -> None:
    settings = company(DESK)
    desk.failures = [500] * 3
    assert pull(settings, NIGHT)["degraded"] == "desk"
    with open_warehouse(settings, "test") as warehouse:
        assert [one.table_name for one in degraded_sources(warehouse, NIGHT)] == ["surveys"]
        assert "the API answers 500" in warehouse.scalar("SELECT reason FROM forestall.pulls")
    assert len(desk.asked) == 3
    assert pull(settings, NIGHT)["new_rows"] == 6  # it is up again, and the same night is run again
    with open_warehouse(settings, "test") as warehouse:
        assert degraded_sources(warehouse, NIGHT) == []


def test_a_desk_that_is_not_there_degrades_the_night(
    company: Company, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_URL", "http://127.0.0.1:1/api")
    assert pull(company(DESK.replace("retries = 2", "retries = 0")), NIGHT)["degraded"] == "desk"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('records = "data"', 'records = "data[*].tags"'), "leads to no list of objects"),
        (('type = "page_number"', 'type = "page_nmber"'), "sources.desk: paging:"),
        (("DESK_TOKEN", "DESK_URL"), "answers 401; check DESK_URL"),
    ],
)
def test_a_mistake_is_one_line(company: Company, desk: Desk, change: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        pull(company(DESK.replace(*change)), NIGHT)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_answer_that_is_no_json_is_one_line(company: Company, desk: Desk) -> None:
    desk.body = b"<html>maintenance</html>"
    with pytest.raises(ConfigError, match="the answer is not JSON"):
        pull(company(DESK), NIGHT)
