"""Files of the demo company: written aside and renamed, the same bytes for the same rows.

A file that a process was killed over is either the old one or the new one; written again it has the
same bytes, so that a pull sees no change where there is none.
"""

import gzip
import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.aside import written_aside
from forestall.demo.batch import Batch
from forestall.demo.life import State

_BATCHES = ("people", "subscriptions", "agents", "waiting", "unsettled", "unpaid", "held")
_ARRAYS = ("pattern", "plan_level", "norms", "noise")

# How each system exports: what follows the first dot of the file's name.
FORMATS = {
    "interactions/telephony": "csv.gz",
    "interactions/tickets": "parquet",
    "interactions/portal": "parquet",
    "contact_volumes/social": "csv",
    "payments/invoices": "csv.gz",
    "surveys/answers": "jsonl",
    "evaluations/reviews": "csv",
    "activity/usage": "parquet",
    "agent_time/times": "parquet",
    "backlog/open": "csv",
    "outreach_outcomes/calls": "jsonl",
    "customers/customers": "parquet",
    "consents/consents": "csv",
    "subscriptions/contracts": "csv",
    "agents/agents": "csv",
    "costs/rates": "csv",
    "business_events/events": "csv",
}


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """The rows in the format that the file's name says."""
    write_bytes(path, _WRITERS[path.name.split(".", 1)[1]](frame))


def write_bytes(path: Path, content: bytes) -> None:
    """All of it or nothing."""
    with written_aside(path) as aside:
        aside.write_bytes(content)


def save_state(path: Path, state: State) -> None:
    """The company's whole memory as one file."""
    arrays = {name: getattr(state, name) for name in _ARRAYS}
    for batch in _BATCHES:
        arrays |= {f"{batch}/{name}": values for name, values in getattr(state, batch).items()}
    known = {*_BATCHES, *_ARRAYS}
    rest = {each.name: getattr(state, each.name) for each in fields(State) if each.name not in known}
    buffer = io.BytesIO()
    np.savez(buffer, rest=np.frombuffer(json.dumps(rest).encode(), np.uint8), **arrays)
    write_bytes(path, buffer.getvalue())


def load_state(path: Path) -> State:
    """What `save_state` wrote.

    Raises:
        FileNotFoundError: there is no company.
    """
    with np.load(path) as saved:
        values: dict[str, Any] = json.loads(saved["rest"].tobytes().decode())
        batches: dict[str, Batch] = {name: {} for name in _BATCHES}
        for key in saved.files:
            batch, _, name = key.partition("/")
            if name:
                batches[batch][name] = saved[key]
        arrays = {name: saved[name] for name in _ARRAYS}
    return State(**values | batches | arrays)


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, sep=";", lineterminator="\n").encode("utf-8")


def _gzip(frame: pd.DataFrame) -> bytes:
    return gzip.compress(_csv(frame), compresslevel=4, mtime=0)


def _json_lines(frame: pd.DataFrame) -> bytes:
    return (frame.to_json(orient="records", lines=True, force_ascii=False) if len(frame) else "").encode("utf-8")


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer)
    return buffer.getvalue()


_WRITERS = {"csv": _csv, "csv.gz": _gzip, "jsonl": _json_lines, "parquet": _parquet}
