"""The published list out to its receivers: what is new, what has changed, what is withdrawn.

Published columns only, so pseudonyms only. What is sent is first written down in the outbox; a receiver
that is down or refuses keeps no other from being told, and has the rest the next time.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import pandas as pd

from features.published_outreach import OUTREACH_LIST
from forestall.publishing.outbox import Message, Outbox
from forestall.publishing.receivers import Line, ReceiverDownError, RefusedError, Request, open_line
from forestall.sections import ROW, Receiver
from forestall.settings import ConfigError, Settings

WITHDRAWN = "withdrawn"
DIGITS = 6  # beyond them a float says how it was computed, not how much it is

Progress = Callable[[int, int], None]


@dataclass
class Delivery:
    """What came of telling one receiver.

    Attributes:
        arrived: rows that it has taken.
        left: rows for the next time.
        down: why it could not take something, one line; empty where it could.
        refused: why it would not, one line.
    """

    arrived: int = 0
    left: int = 0
    down: str = ""
    refused: str = ""


def deliver_list(
    settings: Settings, name: str, listed: pd.DataFrame, outbox: Outbox, on: date, progress: Progress
) -> Delivery:
    """Tell one receiver what it has not been told.

    Args:
        settings: hold the receiver.
        name: of the receiver.
        listed: rows of `outreach_list`: the whole list.
        outbox: what it has been told.
        on: the day, to write down.
        progress: hears how many rows of how many have been told.
    """
    receiver = settings.receivers[name]
    outbox.put(name, contents(listed, receiver))
    pending = outbox.pending(name)
    try:
        line = open_line(settings, name, receiver)
    except ConfigError as error:
        return Delivery(left=len(pending), refused=str(error))
    with closing(line):
        delivery = _tell(
            line, receiver, requests_of(receiver, pending), lambda rows: outbox.note_arrival(name, rows, on), progress
        )
    delivery.left = len(pending) - delivery.arrived
    return delivery


def check_receivers(settings: Settings) -> list[str]:
    """What each receiver lacks in the environment, one line each; nobody is asked anything."""
    problems = []
    for name, receiver in settings.receivers.items():
        try:
            open_line(settings, name, receiver).close()
        except ConfigError as error:
            problems.append(str(error))
    return problems


def contents(listed: pd.DataFrame, receiver: Receiver) -> pd.DataFrame:
    """The list as the receiver is to know it: row_id, place, content (JSON under its names, sorted)."""
    names = _names(receiver)
    dates = [column.name for column in OUTREACH_LIST.columns if column.kind == "date"]
    rows = listed.sort_values("list_rank", ignore_index=True)
    rows = rows.assign(**{name: pd.to_datetime(rows[name]).dt.strftime("%Y-%m-%d") for name in dates})
    named = rows[list(names)].rename(columns=names)
    lines = named[sorted(names.values())].to_json(
        orient="records", lines=True, double_precision=DIGITS, force_ascii=False
    )
    return pd.DataFrame(
        {"row_id": rows["row_id"], "place": rows.index, "content": lines.rstrip("\n").split("\n") if len(rows) else []}
    )


def requests_of(receiver: Receiver, pending: Sequence[Message]) -> list[Request]:
    """What to send: one request for all, or one for each."""
    status = _names(receiver)["status"]
    rows = [_nested({**one.content, status: WITHDRAWN} if one.is_withdrawn else one.content) for one in pending]
    if receiver.kind == "webhook":
        told = [{"idempotency_key": one.idempotency_key, "row": row} for one, row in zip(pending, rows, strict=True)]
        body = _json({"rows": told})
        key = hashlib.sha256(body).hexdigest()[:32]
        return [Request("POST", receiver.url, body, key, [one.row_id for one in pending])] if pending else []
    return [_request(receiver, one, row) for one, row in zip(pending, rows, strict=True)]


def _request(receiver: Receiver, message: Message, row: Mapping[str, Any]) -> Request:
    method = (receiver.withdraw_method if message.is_withdrawn else "") or receiver.method
    body = b"" if method == "DELETE" else _json(row)
    return Request(
        method,
        receiver.url.replace(ROW, quote(message.row_id, safe="")),
        body,
        message.idempotency_key,
        [message.row_id],
    )


def _tell(
    line: Line,
    receiver: Receiver,
    requests: Sequence[Request],
    arrived: Callable[[list[str]], None],
    progress: Progress,
) -> Delivery:
    """One request after the other; two in a row that no try brought home say that the receiver is down."""
    delivery, began, was_down = Delivery(), time.monotonic(), False
    for place, request in enumerate(requests):
        progress(place, len(requests))
        left_s = began + receiver.patience_s - time.monotonic()
        if left_s <= 0:
            delivery.down = delivery.down or f"not done within {receiver.patience_s:g} s"
            break
        try:
            line.tell(request, left_s)
        except ReceiverDownError as error:
            delivery.down = str(error)
            if was_down or error.retry_after_s:
                break
            was_down = True
            continue
        except RefusedError as error:
            delivery.refused = delivery.refused or str(error)
            if error.is_about_all:
                break
            continue
        was_down = False
        arrived(request.row_ids)
        delivery.arrived += len(request.row_ids)
    return delivery


def _names(receiver: Receiver) -> Mapping[str, str]:
    return receiver.columns or {name: name for name in OUTREACH_LIST.names}


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`."""
    nested: dict[str, Any] = {}
    for name, value in row.items():
        *parents, last = name.split(".")
        inner = nested
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return nested


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()
