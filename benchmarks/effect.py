"""Whether the intervals of the effect of outreach cover the truth: fast simulated experiments.

    python -m benchmarks.effect [--runs 1000] [--seed 0]

Each run is a company's experiment of half a year. Accounts become eligible in waves, their arms are drawn by
`forestall.outreach.experiment`, each night lists the most pressing of those never listed, and what becomes of
them depends on risk, value, reason, season and luck; the scores that the estimate may use are wrong by a tenth.
The truth of a night is the mean, over accounts listed until then, of the difference between what was to be
expected of each under either arm. A fixed-date interval must hold it in 93-97 % of runs on the night of the
decision, an always-valid one on every night of a run at once in at least 95 %, within binomial error.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy import stats

from forestall.outreach.effect import scores
from forestall.outreach.experiment import COLUMNS, HOLDOUT, Draw, draw_arms
from forestall.outreach.sequences import running

MEASURES = {"left": "churn_probability", "margin": "expected_margin", "contacts_14d": "contacts_before"}
BEGAN = date(2026, 1, 1)
NIGHTS, A_NIGHT, WAVES = 180, 25, 4
ACCOUNTS = 6_000
DECISIONS = (60, 120, 180)  # nights after which a decision could have been announced


@dataclass(frozen=True)
class World:
    """What listing does, on the scale of each measure.

    Attributes:
        saves: change of the probability of leaving, by reason (four of them).
        load: factor of the contacts of the next 14 days.
        contaminated: share of the holdout who are contacted all the same.
        holdout_share: of the first waves, and of the last two.
    """

    saves: tuple[float, float, float, float]
    load: float
    contaminated: float = 0.03
    holdout_share: tuple[float, float] = (0.1, 0.1)


WORLDS: Mapping[str, World] = {
    "helps": World((-0.12, -0.08, -0.03, 0.02), 1.2),
    "nothing": World((0.0, 0.0, 0.0, 0.0), 1.0),
    "harms": World((0.06, 0.03, 0.01, 0.0), 1.1),
    "share_raised": World((-0.12, -0.08, -0.03, 0.02), 0.8, holdout_share=(0.1, 0.25)),
}


def listings(holdout_share: tuple[float, float], seed: int) -> pd.DataFrame:
    """Accounts in order of listing: arm, arm_probability, listed_on, reason, segment, and what they are like."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in range(ACCOUNTS)],
            "risk": rng.beta(1.5, 4, ACCOUNTS),
            "monthly_margin": rng.lognormal(3, 0.9, ACCOUNTS),
            "rate": rng.gamma(0.8, 1.2, ACCOUNTS),
            "reason": rng.integers(0, 4, ACCOUNTS),
            "segment": rng.choice(["home", "business"], ACCOUNTS, p=[0.8, 0.2]),
            "wave": np.sort(rng.choice(WAVES, ACCOUNTS, p=[0.55, 0.15, 0.15, 0.15])),
        }
    )
    people = people.assign(churn_probability=np.clip(0.9 * people["risk"] ** 1.1, 0, 1))
    return _list_nightly(people.merge(_arms(people, holdout_share, seed), on="account_id"), rng)


def _arms(people: pd.DataFrame, holdout_share: tuple[float, float], seed: int) -> pd.DataFrame:
    """Each wave's arms, drawn on the night on which it becomes eligible."""
    eligible = people.assign(value_at_risk=people["monthly_margin"])
    arms = pd.DataFrame(columns=list(COLUMNS))
    parts = []
    for wave in range(WAVES):
        draw = Draw(holdout_share[wave >= WAVES - 2], seed, "simulated", BEGAN + timedelta(days=wave * NIGHTS // WAVES))
        parts.append(draw_arms(eligible[eligible["wave"] == wave], arms, draw))
    arms = pd.concat(parts)
    return arms[["account_id", "arm", "arm_probability"]]


def _list_nightly(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The most pressing of those who never were, each night, blind to the arm."""
    pressing = (people["risk"] * np.sqrt(people["monthly_margin"])).to_numpy() * rng.lognormal(0, 0.4, len(people))
    since = people["wave"].to_numpy() * NIGHTS // WAVES
    night = np.full(len(people), -1)
    for on in range(NIGHTS):
        waiting = np.flatnonzero((night < 0) & (since <= on))
        count = min(rng.poisson(A_NIGHT), len(waiting))
        night[waiting[np.argsort(-pressing[waiting])[:count]]] = on
    listed = people.assign(night=night, pressing=pressing).loc[night >= 0]
    listed = listed.sort_values(["night", "pressing"], ascending=[True, False], ignore_index=True)
    return listed.assign(listed_on=pd.Timestamp(BEGAN) + pd.to_timedelta(listed["night"], unit="D"))


def live(listed: pd.DataFrame, world: World, seed: int) -> pd.DataFrame:
    """What becomes of each account, and what its listing does to its expectations.

    Returns:
        `listed` with outcomes and expectations (`MEASURES`), and `true_<measure>`: the difference between what was
        to be expected of the account under either arm.
    """
    rng = np.random.default_rng([seed, 1])
    count = len(listed)
    season = 1 + 0.25 * np.sin(2 * np.pi * listed["night"].to_numpy() / 120)
    spared = np.clip(listed["risk"].to_numpy() * season, 0, 0.95)
    change = np.array(world.saves)[listed["reason"]]
    called = np.clip(spared + change * spared / 0.3, 0, 0.98)  # who is at greater risk has more to be saved from
    spared = spared + world.contaminated * (called - spared)
    margin, cost, is_listed = listed["monthly_margin"].to_numpy(), 6.0, (listed["arm"] != HOLDOUT).to_numpy()
    has_left = rng.random(count) < np.where(is_listed, called, spared)
    # Who leaves does so half way on the mean.
    kept = 3 * margin * np.where(has_left, rng.random(count), 1.0) - cost * is_listed
    rate = listed["rate"].to_numpy()
    contacts = rng.poisson(rate * rng.gamma(2, 0.5, count) * np.where(is_listed, world.load, 1.0))
    return listed.assign(
        left=has_left.astype(float),
        margin=kept,
        contacts_14d=contacts.astype(float),
        expected_margin=3 * margin * (1 - listed["churn_probability"] / 2),
        contacts_before=rng.poisson(rate).astype(float),
        true_left=called - spared,
        true_margin=-1.5 * margin * (called - spared) - cost,
        true_contacts_14d=rate * (world.load - 1),
    )


def covers(listed: pd.DataFrame, measure: str) -> dict[str, bool | float]:
    """Whether the intervals of one experiment hold the truth, and how wide they are."""
    held = (listed["arm"] == HOLDOUT).to_numpy()
    found = running(scores(listed, measure, MEASURES[measure]), held)
    truth = listed[f"true_{measure}"].to_numpy().cumsum() / np.arange(1, len(listed) + 1)
    night = listed["night"].to_numpy()
    last = np.append(np.flatnonzero(np.diff(night)), len(night) - 1)  # of each night: what it looks at
    fixed = ((found.fixed_low <= truth) & (truth <= found.fixed_high))[last]
    always = ((found.always_low <= truth) & (truth <= found.always_high))[last]
    is_given = ~np.isnan(found.always_low[last])
    dates = {
        f"fixed_{after}": bool(fixed[np.searchsorted(night[last], after - 1, side="right") - 1]) for after in DECISIONS
    }
    return {
        **dates,
        "always": bool(always[is_given].all()),
        "fixed_every_night": bool(fixed[is_given].all()),
        "width_fixed": float(found.fixed_high[-1] - found.fixed_low[-1]),
        "width_always": float(found.always_high[-1] - found.always_low[-1]),
        "bias": float((found.mean - truth)[-1]),
    }


def coverage(runs: int, seed: int) -> pd.DataFrame:
    """Shares of runs in which each interval held, by world and measure; the worlds share their listings."""
    shares = {world.holdout_share for world in WORLDS.values()}
    rows = [
        {"world": name, "measure": measure, **covers(lived, measure)}
        for run in range(seed, seed + runs)
        for share in sorted(shares)
        for listed in [listings(share, run)]
        for name, world in WORLDS.items()
        if world.holdout_share == share
        for lived in [live(listed, world, run)]
        for measure in MEASURES
    ]
    return pd.DataFrame(rows).groupby(["world", "measure"], sort=False).mean()


def main() -> None:
    """Simulate and print the table of `docs/benchmarks.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.perf_counter()
    found = coverage(arguments.runs, arguments.seed)
    least = stats.binom.ppf(0.025, arguments.runs, 0.95) / arguments.runs
    print(found.round(4).to_string())
    print(
        f"\n{arguments.runs} runs a world in {time.perf_counter() - began:.0f} s; binomial error of 95 %: {least:.3f}"
    )


if __name__ == "__main__":
    main()
