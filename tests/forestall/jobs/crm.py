"""A receiver of the list on this machine: it keeps tasks, and answers as badly as it is told to."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
SLOW_S = 0.6
WELL = "200"


class Crm(ThreadingHTTPServer):
    """Keeps what it is told by row, and how often each row was changed.

    `answers` says how the next requests are met: a status, with what comes after a blank as Retry-After;
    `slow`, `cut` (the connection is reset before anything is done), or one of those after `done `: with
    what was asked done.
    """

    daemon_threads = True

    def __init__(self, answers: Iterable[str] = ()) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: Iterator[str] = iter(answers)
        self.tasks: dict[str, Any] = {}
        self.effects: Counter[str] = Counter()
        self.asked: list[tuple[float, str, str, str, bytes]] = []
        self.known: set[str] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, method: str, path: str, key: str, body: bytes) -> None:
        """Do what is asked, once for each key."""
        with self.lock:
            if path == "/hook":
                for told in json.loads(body)["rows"]:
                    self._keep(told["row"]["row_id"], told["idempotency_key"], told["row"])
            else:
                self._keep(path.rpartition("/")[2], key, None if method == "DELETE" else json.loads(body))

    def _keep(self, row_id: str, key: str, task: Any) -> None:
        if key in self.known:
            return
        self.known.add(key)
        self.effects[row_id] += 1
        self.tasks[row_id] = task


class Handler(BaseHTTPRequestHandler):
    server: Crm
    protocol_version = "HTTP/1.1"

    def _meet(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers["Idempotency-Key"]
        self.server.asked.append((time.monotonic(), self.command, self.path, key, body))
        answer = next(self.server.answers, WELL)
        if not self._is_signed(key, body):
            answer = "401"
        if answer == WELL or answer.startswith("done "):
            self.server.take(self.command, self.path, key, body)
            answer = answer.removeprefix("done ")
        if answer == "cut":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        if answer == "slow":
            time.sleep(SLOW_S)
            self.close_connection = True
            return
        status, _, more = answer.partition(" ")
        self.send_response(int(status))
        if more:
            self.send_header("Location" if status == "302" else "Retry-After", more)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_PATCH = do_DELETE = _meet  # noqa: N815  # the base class looks for these names

    def _is_signed(self, key: str, body: bytes) -> bool:
        """As a receiver checks it: over what arrived, and not older than five minutes."""
        at = self.headers["webhook-timestamp"]
        said = b".".join([self.headers["webhook-id"].encode(), at.encode(), body])
        wanted = base64.b64encode(hmac.new(KEY, said, hashlib.sha256).digest()).decode()
        is_ours = self.headers["webhook-signature"] == f"v1,{wanted}" and self.headers["webhook-id"] == key
        return is_ours and abs(time.time() - int(at)) < 300

    def finish(self) -> None:
        if not self.connection._closed:  # type: ignore[attr-defined]
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        pass


@contextmanager
def serving(answers: Iterable[str] = ()) -> Iterator[Crm]:
    server = Crm(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
