"""What the demo company knows about itself and the pipeline must not: hazards, effects, intensities.

Written under `truth/`, which no source is mapped to. Benchmarks and tests compare against it.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from forestall.demo.business_year import day_of, to_utc
from forestall.demo.export import Frames, customer_keys
from forestall.demo.life import DayRows, State
from forestall.demo.parameters import EPOCH, QUEUES, parameters_hash
from forestall.demo.storage import write_bytes


def day_frames(rows: DayRows, state: State) -> Frames:
    """The truth of one day: arrivals, decisions, effects of the outreach."""
    queues = np.repeat([queue.key for queue in QUEUES], len(rows.day.starts))
    intensity = pd.DataFrame(
        {
            "queue": queues,
            "interval_start_at": np.tile(to_utc(rows.day.starts), len(QUEUES)),
            "contacts": rows.intensity.ravel(),
            "agents": rows.present[: len(QUEUES)].ravel(),
        }
    )
    decisions = pd.DataFrame(
        {
            "customer_id": customer_keys(rows.decided),
            "account_id": "G" + pd.Series(state.people["account"][rows.decided] + 50_000).astype(str),
            "decided_on": rows.day.on,
            "chance": rows.chance[rows.decided],
        }
    )
    effects = pd.DataFrame(
        {
            "customer_id": customer_keys(rows.outcomes["customer"]),
            "action": rows.outcomes["action"],
            "happened_at": to_utc(rows.outcomes["second"]),
            "log_hazard_change": rows.outcomes["effect"],
        }
    )
    return {"truth/intensity": intensity, "truth/decisions": decisions, "truth/outreach_effects": effects}


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
