"""Whether an action keeps more where more of the risk goes with its reasons: on demo companies, whose truth is known.

    python -m benchmarks.reasons 701 703 --scale 0.25

makes the companies of seeds 701 to 703, trains their first model and scores their first night. For each action and
range of `addressed_share` (`forestall.outreach.reasons`) it tells how many customers there are, how many are likely to
leave, and the share of these whom a call of that action keeps if it reaches them, expected by whoever sees all but
severity and tolerance.
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd
from rich.console import Console

from forestall.demo.parameters import FIRST_RUN
from forestall.jobs.score_churn import score_churn
from forestall.night import Night
from forestall.outreach.playbook import load_playbook
from forestall.outreach.reasons import addressed, pushes
from forestall.simulation.nights import expected_of_all
from forestall.simulation.policies import falls_of
from forestall.simulation.year import Setup, make_start, simulated_settings

EDGES = (-0.001, 0.0, 0.1, 0.2, 0.3, 0.45, 1.0)


def main() -> None:
    """Print one table over all companies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first_seed", type=int)
    parser.add_argument("last_seed", type=int)
    parser.add_argument("--scale", type=float, default=0.25)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.last_seed + 1)
    rows = pd.concat([rows_of(Setup(seed=seed, scale=arguments.scale)) for seed in seeds], ignore_index=True)
    Console().print(table(rows).round(3).to_string(), highlight=False)


def rows_of(setup: Setup) -> pd.DataFrame:
    """Customer x action of a company's first night: addressed_share, churn_probability, fall (by the truth)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_start(folder, setup)
        settings = simulated_settings(folder, setup)
        score_churn(settings, FIRST_RUN)
        night, playbook = Night(settings, FIRST_RUN), load_playbook(settings)
        rows = addressed(pushes(night.read("churn_contributions"), playbook), playbook)
        scores = night.read("churn_scores")
        scores = scores[scores["horizon_days"] == settings.churn.main_horizon]
        rows = rows.merge(scores[["customer_id", "churn_probability"]], on="customer_id", validate="many_to_one")
        return rows.assign(fall=falls_of(rows, expected_of_all(settings)))


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Action x range of addressed_share: customers, likely leavers, and the share of these that is kept."""
    share = pd.cut(rows["addressed_share"], EDGES).rename("addressed_share")
    sums = rows.groupby(["action", share], observed=True).agg(
        customers=("fall", "size"), leavers=("churn_probability", "sum"), kept=("fall", "sum")
    )
    return sums.assign(kept=sums["kept"] / sums["leavers"])


if __name__ == "__main__":
    main()
