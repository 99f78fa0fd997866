"""What a minute of waiting does to leaving: the night's estimate, beside the demo company's own hazard.

`python -m benchmarks.price var/demo` reads `wait_effect` of the newest run of a demo company, and its truth: by how
much the chance of leaving within the main horizon rises with a minute more of one contact's wait, and with having to
give up once, each for the customers who called in the two weeks before, as often as they did. A crowd does both:
a wait that is longer is given up oftener.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from forestall.demo.company import current_state
from forestall.demo.export import customer_keys
from forestall.demo.life import State
from forestall.demo.prospects import HORIZONS, hazard_path, leaving_chances
from forestall.privacy.pseudonyms import pseudonym
from forestall.settings import Settings, load_settings
from forestall.warehouse import open_warehouse

FELT_A_MINUTE = 60 / 150  # `demo.outcomes`: 150 s of waiting live are felt as one
CALLED = """
    SELECT customer_id, count(*) AS contact_count FROM intermediate.int_interaction_versions
    WHERE is_inbound AND is_live AND customer_id IS NOT NULL AND replaced_on IS NULL
        AND started_on >= (SELECT max(started_on) FROM intermediate.int_interaction_versions) - 14
    GROUP BY customer_id
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.price", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of a demo company whose night was run")
    folder = parser.parse_args().folder
    settings = load_settings(folder / "forestall.toml")
    newest = max((settings.var_path / "runs").glob("*/wait_effect.parquet"))
    print("| change of the chance of leaving by a minute of waiting | points |\n|---|--:|")
    for row in pd.read_parquet(newest).to_dict("records"):
        points, low, high = (100 * row[name] for name in ("effect_per_minute", "effect_low", "effect_high"))
        print(f"| estimated, {row['approach']} | {points:.2f} [{low:.2f}, {high:.2f}] |")
    by_wait, by_giving_up = _truth(settings, current_state(folder))
    print(f"| true, of the wait alone | {100 * by_wait:.2f} |")
    print(f"| true, of giving up once | {100 * by_giving_up:.2f} |")


def _truth(settings: Settings, state: State) -> tuple[float, float]:
    people, parameters, day = state.people, state.parameters, state.day
    horizon = HORIZONS.index(settings.churn.main_horizon)
    path = hazard_path(people, parameters, day)
    usual = leaving_chances(people, path)[:, horizon]

    def rise(changed: dict[str, np.ndarray]) -> np.ndarray:
        other = hazard_path(people | changed, parameters, day)
        return np.asarray(leaving_chances(people, path, other)[:, horizon] - usual)

    with open_warehouse(settings, "benchmark price") as warehouse:
        called = warehouse.frame(CALLED).set_index("customer_id")["contact_count"].astype(float)
    keys = [pseudonym(settings, str(key)) for key in customer_keys(np.arange(len(usual)))]
    calls = called.reindex(keys).fillna(0.0).to_numpy() * (people["status"] == 0)
    longer, gave_up = {"waits": people["waits"] + FELT_A_MINUTE}, {"abandons": people["abandons"] + 1}
    return float(np.average(rise(longer), weights=calls)), float(np.average(rise(gave_up), weights=calls))


if __name__ == "__main__":
    main()
