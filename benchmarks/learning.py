"""What learning from outcomes is worth where the truth is known: fast simulated experiments.

    python -m benchmarks.learning [--runs 100] [--seed 0]

Each run is a company's experiment of a year: accounts are listed night by night with one of four actions, a fifth of
them is held out, and who leaves depends on risk, luck and what the action does in that segment, of which the playbook
was wrong. Two things are asked:

- **Chances**: how far the learned chances lie from the true ones, beside the raw ones of each cell and the
  playbook's; and how often their 95 % intervals hold the truth.
- **Uplift**: how often a model is put to work in place of the chances, where what an action does follows customers'
  features and where it does not; and what that does to the true value of the list that would have been made.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from forestall.outreach.chances import CELL, chances_of, evidence, learn_chances, raw_chances
from forestall.outreach.effect_table import measures
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.playbook import Playbook
from forestall.outreach.uplift import try_uplift
from models.churn.design import Kind
from models.uplift.judging import listed_share
from models.uplift.params import uplift_params

BEGAN = date(2025, 1, 1)
NIGHTS = 365
JUDGED_ON = BEGAN + timedelta(days=NIGHTS + 200)  # every outcome is known
LEAVING = measures(90, 14)[0]
HOLDOUT_SHARE = 0.2
PRIORS = {"fix": 0.32, "credit": 0.28, "review": 0.24, "coach": 0.30}
SEGMENTS = ("home", "business", "young")
NOISE_FEATURES = 40


def playbook() -> Playbook:
    """Four actions, with the numbers of the playbook that we ship."""
    actions = {name: {"team": "care", "save_probability": prior, "minutes": 10} for name, prior in PRIORS.items()}
    return Playbook.model_validate({"actions": actions, "reasons": {"default": {"actions": list(PRIORS)}}})


@dataclass(frozen=True)
class World:
    """What actions really do.

    Attributes:
        off: how far the chance of an action lies from the playbook's (standard deviation).
        spread: between segments of an action, the same.
        by_feature: how much the chance rises and falls with what customers are like.
    """

    off: float = 0.1
    spread: float = 0.05
    by_feature: float = 0.0


WORLDS: Mapping[str, World] = {
    "as the playbook says": World(0.0, 0.0),
    "playbook is wrong": World(),
    "playbook is very wrong": World(0.2, 0.1),
}


def experiment(count: int, world: World, seed: int) -> pd.DataFrame:
    """One row an account, as `effect_table.effects` takes them, with features and `true_chance`."""
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame([(action, segment) for action in PRIORS for segment in SEGMENTS], columns=CELL)
    moved = cells["action"].map(dict(zip(PRIORS, rng.normal(0, world.off, len(PRIORS)), strict=True)))
    cells["chance"] = cells["action"].map(PRIORS) + moved + rng.normal(0, world.spread, len(cells))
    picked = cells.iloc[rng.choice(len(cells), count, p=_shares(rng, len(cells)))].reset_index(drop=True)
    features = {f"x{number}": rng.normal(size=count) for number in range(NOISE_FEATURES)}
    engagement, bound = rng.normal(size=count), rng.random(count) < 0.4
    pattern = np.where(bound & (engagement < 0), -1.5, np.where(engagement > 0.5, 1.0, 0.2))
    chance = np.clip(picked["chance"] + world.by_feature * (pattern - pattern.mean()), -1, 1)
    risk, share = np.clip(rng.beta(2, 4, count), 0.02, 0.95), rng.uniform(0.2, 0.9, count)
    is_held = rng.random(count) < HOLDOUT_SHARE
    has_left = rng.random(count) < np.clip(risk * np.where(is_held, 1.0, 1 - share * chance), 0, 1)
    told = np.clip(0.9 * risk * rng.lognormal(0, 0.15, count), 0.01, 0.99)  # risk is estimated, and a tenth too low
    return pd.DataFrame({
        "account_id": [f"a{number:06d}" for number in range(count)],
        "listed_on": pd.Timestamp(BEGAN) + pd.to_timedelta(np.sort(rng.integers(0, NIGHTS, count)), unit="D"),
        "list_rank": np.arange(count), "action": picked["action"], "segment": picked["segment"],
        "reason": "default", "trigger": None,
        "arm": np.where(is_held, HOLDOUT, "treatment"),
        "arm_probability": np.where(is_held, HOLDOUT_SHARE, 1 - HOLDOUT_SHARE),
        "churn_probability": told, "addressed_share": share, "fresh_share": 1.0, "left": has_left.astype(float),
        "value_at_risk": rng.lognormal(5.5, 0.5, count), "cost": 8.0,
        "engagement": engagement, "is_bound": bound, **features,
        "true_chance": chance * risk / told,  # of the published risk, as a chance is used
    })  # fmt: skip


def _shares(rng: np.random.Generator, count: int) -> np.ndarray:
    """Some cells have many accounts and some have few."""
    return rng.dirichlet(np.full(count, 1.5))


def truth(accounts: pd.DataFrame) -> pd.DataFrame:
    """The chance of each cell: the share kept of who would leave for what the action answers to, by published risk."""
    risk = accounts["churn_probability"] * accounts["addressed_share"]
    sums = accounts.assign(kept=accounts["true_chance"] * risk, risk=risk).groupby(CELL)[["kept", "risk"]].sum()
    return (sums["kept"] / sums["risk"]).rename("true_chance").reset_index()


def judge_chances(accounts: pd.DataFrame) -> dict[str, float]:
    """Mean squared errors of three ways to know a chance, and how often the interval holds it."""
    known = evidence(accounts, LEAVING, JUDGED_ON)
    rows = (
        truth(accounts)
        .merge(learn_chances(known, playbook()), on=CELL)
        .merge(raw_chances(known)[[*CELL, "raw"]], on=CELL)
    )
    true = rows["true_chance"]
    return {
        "learned": float(((rows["learned_save_probability"] - true) ** 2).mean()),
        "raw": float(((rows["raw"] - true) ** 2).mean()),
        "playbook": float(((rows["prior_save_probability"] - true) ** 2).mean()),
        "coverage": float(((rows["low"] <= true) & (true <= rows["high"])).mean()),
    }


def chances_table(runs: Sequence[int], worlds: Mapping[str, World], counts: Sequence[int]) -> pd.DataFrame:
    """Root mean squared errors and coverage by world and number of accounts."""
    rows = [
        {"world": name, "accounts": count, **judge_chances(experiment(count, world, run))}
        for name, world in worlds.items()
        for count in counts
        for run in runs
    ]
    means = pd.DataFrame(rows).groupby(["world", "accounts"], sort=False).mean()
    means[["learned", "raw", "playbook"]] **= 0.5
    return means


UPLIFT_WORLDS: Mapping[str, World] = {
    "all alike": World(),
    "differ some": World(by_feature=0.15),
    "differ much": World(by_feature=0.45),
}
FRESH = 10_000  # accounts of the same world, to see what lists are truly worth
KINDS: Mapping[str, Kind] = {
    "engagement": "number", "is_bound": "boolean", "segment": "category",
    **dict.fromkeys((f"x{number}" for number in range(NOISE_FEATURES)), "number"),
}  # fmt: skip


def judge_uplift(count: int, world: World, seed: int) -> dict[str, float]:
    """Whether one look takes the model, and what lists by chances, model and truth are worth (currency an account)."""
    accounts = experiment(count + FRESH, world, seed)
    is_learned = np.random.default_rng([seed, 1]).permutation(len(accounts)) < count
    known = evidence(accounts[is_learned], LEAVING, JUDGED_ON)
    trial = try_uplift(known, KINDS, playbook(), LEAVING.wait_days, uplift_params())
    fresh = accounts[~is_learned].assign(risk=accounts["churn_probability"] * accounts["addressed_share"])
    chance = chances_of(fresh, learn_chances(known, playbook()))
    difference = trial.model.difference(fresh)
    truly = fresh["true_chance"] * fresh["risk"] * fresh["value_at_risk"] - fresh["cost"]

    def worth(chances: pd.Series) -> float:
        told = (chances * fresh["risk"] * fresh["value_at_risk"] - fresh["cost"]).to_numpy(float)
        return float((listed_share(told, uplift_params().capacity_shares) * truly).mean())

    return {
        "taken": float(trial.is_better), "gain": trial.judged.gain, "by_chance": worth(chance),
        "by_model": worth(chance + difference), "as_chosen": worth(chance + trial.is_better * difference),
        "by_truth": worth(fresh["true_chance"]),
    }  # fmt: skip


def uplift_table(runs: Sequence[int], looks: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """How often the model is taken, and what lists are truly worth, by world and accounts learned from."""
    rows = [
        {"world": name, "accounts": count, **judge_uplift(count, UPLIFT_WORLDS[name], run)}
        for name, counts in looks.items()
        for count in counts
        for run in runs
    ]
    return pd.DataFrame(rows).groupby(["world", "accounts"], sort=False).mean()


LOOKS = (1_000, 1_250, 1_562, 1_953, 2_441)


def ever_taken(runs: Sequence[int], world: World) -> float:
    """Share of experiments in which any of five looks at growing outcomes took the model."""

    def taken(seed: int) -> bool:
        known = evidence(experiment(max(LOOKS), world, seed), LEAVING, JUDGED_ON)
        looks = (try_uplift(known[:count], KINDS, playbook(), LEAVING.wait_days, uplift_params()) for count in LOOKS)
        return any(look.is_better for look in looks)

    return float(np.mean([taken(seed) for seed in runs]))


def main() -> None:
    """Simulate and print the tables of `docs/benchmarks.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.perf_counter()
    runs = range(arguments.seed, arguments.seed + arguments.runs)
    few = runs[: max(1, len(runs) // 5)]
    print(chances_table(runs, WORLDS, (300, 1_000, 3_000, 10_000)).round(3).to_string())
    print(uplift_table(runs, {"all alike": (2_000,)}).round(3).to_string())
    print(f"taken at any of {len(LOOKS)} looks where all are alike: {ever_taken(few, UPLIFT_WORLDS['all alike']):.3f}")
    print(uplift_table(few, {"differ some": (4_000, 12_000), "differ much": (4_000, 12_000)}).round(3).to_string())
    print(f"\n{arguments.runs} runs in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
