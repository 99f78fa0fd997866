from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from forestall.publishing.outbox import Message, Outbox, open_outbox

MONDAY = date(2026, 3, 2)


def _put(outbox: Outbox, **contents: str) -> list[Message]:
    """The list of a night, in the order in which it is given; what is pending then."""
    rows = [(row_id, place, f'{{"say": "{text}"}}') for place, (row_id, text) in enumerate(contents.items())]
    outbox.put("crm", pd.DataFrame(rows, columns=["row_id", "place", "content"]))
    return outbox.pending("crm")


def _told(messages: list[Message]) -> list[tuple[str, int, str, bool]]:
    return [(one.row_id, one.version, one.content["say"], one.is_withdrawn) for one in messages]


def test_only_what_is_new_changed_or_gone_is_pending_and_withdrawals_come_first(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        assert _told(_put(outbox, b="call", a="write")) == [("b", 1, "call", False), ("a", 1, "write", False)]
        outbox.note_arrival("crm", ["a", "b"], MONDAY)
        assert _put(outbox, a="write", b="call") == []  # another order is nothing to say
    with open_outbox(tmp_path) as outbox:
        pending = _put(outbox, c="call", a="visit")
    assert _told(pending) == [("b", 2, "call", True), ("c", 1, "call", False), ("a", 2, "visit", False)]


def test_what_was_not_taken_is_said_again_under_its_key_and_what_is_new_under_another(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        keys = [_put(outbox, a=text)[0].idempotency_key for text in ("call", "call", "visit", "call")]
        assert (keys[0], len(set(keys))) == (keys[1], 3)  # `call` may have arrived, then `visit`: it is news again


def test_a_row_that_comes_back_is_news(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        seen = []
        for night in ({"a": "call"}, {}, {"a": "call"}):
            (message,) = _put(outbox, **night)
            outbox.note_arrival("crm", ["a"], MONDAY)
            seen.append((message.version, message.is_withdrawn, message.idempotency_key))
    assert [one[:2] for one in seen] == [(1, False), (2, True), (3, False)]
    assert len({key for *_, key in seen}) == 3


def test_receivers_are_told_apart(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        _put(outbox, a="call")
        outbox.put("dialler", pd.DataFrame({"row_id": ["a"], "place": [0], "content": ["{}"]}))
        outbox.note_arrival("dialler", ["a"], MONDAY)
        assert (len(outbox.pending("crm")), len(outbox.pending("dialler"))) == (1, 0)


@pytest.mark.parametrize(("limit", "dropped"), [(date(2026, 3, 2), 0), (date(2026, 3, 3), 1)])
def test_old_withdrawals_are_dropped_and_what_stands_is_kept(tmp_path: Path, limit: date, dropped: int) -> None:
    with open_outbox(tmp_path) as outbox:
        for night in ({"a": "call", "b": "call"}, {"a": "call"}):
            _put(outbox, **night)
            outbox.note_arrival("crm", ["a", "b"], MONDAY)
        assert outbox.prune(limit) == dropped
        assert _put(outbox, a="call") == []
