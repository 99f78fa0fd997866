"""What the demo company knows about itself and the pipeline must not: hazards, effects, intensities.

Written under `truth/`, which no source is mapped to. Benchmarks and tests compare against it.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from forestall.demo.batch import Batch
from forestall.demo.business_year import day_of, to_utc
from forestall.demo.export import account_keys, customer_keys
from forestall.demo.life import DayRows, State
from forestall.demo.parameters import EPOCH, QUEUES, parameters_hash
from forestall.demo.records import Records
from forestall.demo.storage import write_bytes


def day_records(rows: DayRows, state: State) -> Records:
    """The truth of one day: arrivals, decisions, effects of the outreach."""
    day, queues = rows.day, len(QUEUES)
    return {
        "truth/intensity": {
            "queue": np.repeat(np.arange(queues), len(day.starts)),
            "start": np.tile(day.starts, queues),
            "contacts": rows.intensity.ravel(),
            "agents": rows.present[:queues].ravel(),
        },
        "truth/decisions": {
            "customer": rows.decided,
            "account": state.people["account"][rows.decided],
            "day": np.full(len(rows.decided), day.number),
            "chance": rows.chance[rows.decided],
        },
        "truth/outreach_effects": {name: rows.outcomes[name] for name in ("customer", "action", "second", "effect")},
    }


def file_rows(name: str, records: Batch) -> pd.DataFrame:
    """The rows of a truth file of that name."""
    if name == "truth/intensity":
        queues = np.array([queue.key for queue in QUEUES], object)[records["queue"]]
        values = {"queue": queues, "interval_start_at": to_utc(records["start"])}
        return pd.DataFrame(values | {"contacts": records["contacts"], "agents": records["agents"]})
    customer = {"customer_id": customer_keys(records["customer"])}
    if name == "truth/decisions":
        decided_on = (np.datetime64(EPOCH) + records["day"]).astype("datetime64[s]")
        accounts = account_keys(records["account"])
        return pd.DataFrame(customer | {"account_id": accounts, "decided_on": decided_on, "chance": records["chance"]})
    happened = {"action": records["action"], "happened_at": to_utc(records["second"])}
    return pd.DataFrame(customer | happened | {"log_hazard_change": records["effect"]})


def write_manifest(folder: Path, state: State) -> None:
    """`manifest.json`: world, seed, hash of the parameters, defects planted so far."""
    manifest = {
        "seed": state.seed,
        "world": state.world,
        "scale": state.scale,
        "parameters_hash": parameters_hash(state.parameters),
        "starts_on": EPOCH.isoformat(),
        "lived_until": day_of(state.day).on.isoformat(),
        "customer_count": len(state.people["plan"]),
        "defects": state.planted,
    }
    write_bytes(folder / "manifest.json", json.dumps(manifest, indent=2).encode())
