"""Telling a receiver of the list over HTTP: signed, tried again with patience, each thing under a key of its own.

Requests are signed as Standard Webhooks (standardwebhooks.com) asks, anew for each try, so that a receiver
may refuse what is old. No redirect is followed: nothing is sent anywhere but where the settings say.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests
import tenacity
from requests.exceptions import InvalidHeader, InvalidURL, RequestException
from urllib3.exceptions import InvalidHeader as NoRetryAfter
from urllib3.util import Retry

from forestall.sections import Receiver
from forestall.settings import ConfigError, Settings, secret

BACKOFF_S, MOST_BACKOFF_S = 1.0, 60.0  # doubles with each try; the wait is drawn at random below it
BUSY = (408, 409, 425, 429)  # come back later; so says every 5xx
NOBODY_MAY = (401, 403)
GONE = (404, 410)
SECRET_PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64  # of a secret, by Standard Webhooks


class ReceiverDownError(Exception):
    """The receiver did not take it, and may later; its text is one line.

    Attributes:
        retry_after_s: for how long it asks to be left alone.
    """

    def __init__(self, told: str, retry_after_s: float = 0.0) -> None:
        super().__init__(told)
        self.retry_after_s = retry_after_s


class RefusedError(ConfigError):
    """The receiver will not take it as it is; its text is one line.

    Attributes:
        is_about_all: it would refuse anything else, too.
    """

    def __init__(self, told: str, *, is_about_all: bool = False) -> None:
        super().__init__(told)
        self.is_about_all = is_about_all


@dataclass(frozen=True)
class Request:
    """One thing to say.

    Attributes:
        method: of HTTP.
        url: where to.
        body: JSON, or nothing.
        key: the same for the same thing said again.
        row_ids: the rows that it is about.
    """

    method: str
    url: str
    body: bytes
    key: str
    row_ids: list[str]


class Line:
    """An open line to one receiver. Build it with `open_line`."""

    def __init__(self, name: str, receiver: Receiver, key: bytes, headers: Mapping[str, str]) -> None:
        self._about = f"receivers.{name}"
        self._receiver = receiver
        self._key = key
        self._session = requests.Session()
        self._session.headers.update({"Content-Type": "application/json", **headers})

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def tell(self, request: Request, within_s: float) -> None:
        """Say one thing until it is taken.

        Args:
            request: what to say.
            within_s: no further try begins after so long, `Retry-After` included.

        Raises:
            ReceiverDownError: it was not taken by any try, or asks to wait for longer than there is.
            RefusedError: it will not be taken as it is.
        """
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ReceiverDownError),
            wait=_wait_s,
            stop=tenacity.stop_after_attempt(self._receiver.retries + 1) | tenacity.stop_before_delay(within_s),
            reraise=True,
        )
        tries(self._try, request)

    def _try(self, request: Request) -> None:
        now = int(time.time())
        headers = {
            "Idempotency-Key": request.key,
            "webhook-id": request.key,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(self._key, request.key, now, request.body),
        }
        try:
            answer = self._session.request(
                request.method,
                request.url,
                data=request.body,
                headers=headers,
                timeout=self._receiver.timeout_s,
                allow_redirects=False,
                auth=lambda prepared: prepared,  # otherwise a .netrc would replace the Authorization of the settings
            )
        except (InvalidURL, InvalidHeader) as error:
            raise RefusedError(
                f"{self._about}: {type(error).__name__}; check url and headers", is_about_all=True
            ) from error
        except RequestException as error:
            raise ReceiverDownError(f"{self._about}: does not answer: {type(error).__name__}") from error
        self._judge(request, answer)

    def _judge(self, request: Request, answer: requests.Response) -> None:
        """Texts say the status alone: an answer may repeat what it was sent."""
        status = answer.status_code
        if status < 300:
            return
        told = f"{self._about}: answers {status}"
        if status in BUSY or status >= 500:
            raise ReceiverDownError(told, _retry_after_s(answer.headers.get("Retry-After", "")))
        if request.method == "DELETE" and status in GONE:
            return
        if status < 400:
            raise RefusedError(f"{told}; redirects are not followed, check url", is_about_all=True)
        if status in NOBODY_MAY:
            raise RefusedError(f"{told}; check headers and secret", is_about_all=True)
        raise RefusedError(f"{told} for row {request.row_ids[0]}; check url, method and columns")


def open_line(settings: Settings, name: str, receiver: Receiver) -> Line:
    """A line to one receiver, with what only the environment knows. Sends nothing.

    Raises:
        ConfigError: a variable is not set, or the secret is none of Standard Webhooks.
    """
    about = f"receivers.{name}"
    headers = {
        header: secret(settings, f"{about}: headers.{header}", variable)
        for header, variable in receiver.headers.items()
    }
    text = secret(settings, f"{about}: secret", receiver.secret)
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(SECRET_PREFIX) or not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ConfigError(
            f"{about}: secret: {receiver.secret} must be `{SECRET_PREFIX}` and {LEAST_BYTES} to {MOST_BYTES} bytes in "
            f'base64, as made by `echo "{SECRET_PREFIX}$(openssl rand -base64 32)"`'
        )
    return Line(name, receiver, key, headers)


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a request, version 1 of Standard Webhooks.

    HMAC-SHA-256 over `<id>.<timestamp>.<body>`, in base64.

    Args:
        key: the secret without its prefix, decoded.
        message_id: the idempotency key.
        timestamp: seconds since 1970, when it is sent.
        body: as it is sent, byte by byte.
    """
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def _wait_s(state: tenacity.RetryCallState) -> float:
    """Longer each time, and never shorter than the receiver asks."""
    backoff = tenacity.wait_random_exponential(multiplier=BACKOFF_S, max=MOST_BACKOFF_S)(state)
    error = state.outcome.exception() if state.outcome else None
    return max(backoff, error.retry_after_s) if isinstance(error, ReceiverDownError) else backoff


def _retry_after_s(text: str) -> float:
    """Seconds, or the time until a date (RFC 9110); 0 where there is neither."""
    try:
        return Retry().parse_retry_after(text) if text else 0.0
    except NoRetryAfter:
        return 0.0
