"""Who is left alone so that we know what outreach does: arms, drawn once and for good.

An account's arm is drawn on the first night on which it could be listed, by a keyed hash within
blocks of like risk and value, and its probability is kept. Re-runs give the same arms, a new share
applies to newcomers only, and nobody without the key can tell an arm beforehand.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

RISK_BLOCKS = 4
VALUE_BLOCKS = 3
TREATMENT, HOLDOUT = "treatment", "holdout"
COLUMNS = ("account_id", "arm", "arm_probability", "block", "first_eligible_on", "seed")


@dataclass(frozen=True)
class Draw:
    """How arms are drawn tonight.

    Attributes:
        holdout_share: share of newcomers left alone.
        seed: of this experiment.
        secret: keys the hash.
        on: the run date.
    """

    holdout_share: float
    seed: int
    secret: str
    on: date


def draw_arms(eligible: pd.DataFrame, known: pd.DataFrame, draw: Draw) -> pd.DataFrame:
    """Arms of the accounts that have none yet.

    In a block of n newcomers n x share, rounded up or down by chance, are held out: those with the
    smallest hashes. So every account has the same probability, and blocks stay balanced.

    Args:
        eligible: customers who could be listed tonight: account_id, churn_probability, value_at_risk.
        known: arms drawn before; their accounts are left out.
        draw: share, seed, key and night.

    Returns:
        One row an account, in order of account_id, with `COLUMNS`; `arm_probability` is that of the
        arm it got.
    """
    accounts = eligible.groupby("account_id", as_index=False).agg({"churn_probability": "max", "value_at_risk": "sum"})
    accounts["block"] = _blocks(accounts)
    new = accounts[~accounts["account_id"].isin(known["account_id"])].sort_values("account_id", ignore_index=True)
    order = _hashes(new["account_id"], draw).groupby(new["block"]).rank(method="first")
    size = new.groupby("block")["account_id"].transform("size")
    luck = _hashes("block " + new["block"] + f" {draw.on.isoformat()}", draw) / 2**64
    is_holdout = order <= np.floor(size * draw.holdout_share + luck)
    return pd.DataFrame(
        {
            "account_id": new["account_id"],
            "arm": np.where(is_holdout, HOLDOUT, TREATMENT),
            "arm_probability": np.where(is_holdout, draw.holdout_share, 1 - draw.holdout_share),
            "block": new["block"],
            "first_eligible_on": draw.on,
            "seed": draw.seed,
        }
    )


def inherited_arms(eligible: pd.DataFrame, known: pd.DataFrame, former: pd.DataFrame) -> pd.DataFrame:
    """Arms of accounts that have none, but whose customers come from an account that has one: a split.

    Whoever was left alone is left alone on: of several arms the holdout's is taken.

    Args:
        eligible: customer_id, account_id.
        known: arms drawn before.
        former: customer_id, account_id of accounts in which customers were before.

    Returns:
        One row an account, with `COLUMNS`.
    """
    new = eligible[~eligible["account_id"].isin(known["account_id"])].set_index("customer_id")["account_id"]
    split = former[former["customer_id"].isin(new.index)].sort_values("account_id")
    found = known.set_index("account_id").reindex(split["account_id"]).reset_index(drop=True)
    found = found.assign(account_id=split["customer_id"].map(new).to_numpy(), is_treated=found["arm"] != HOLDOUT)
    found = found.dropna(subset="arm").sort_values(["account_id", "is_treated"], kind="stable")
    return found.drop_duplicates("account_id")[list(COLUMNS)].reset_index(drop=True)


def moved_between_arms(people: pd.DataFrame, known: pd.DataFrame, former: pd.DataFrame) -> int:
    """Customers whose account has another arm than one in which they were before: accounts that were merged."""
    arms = known.set_index("account_id")["arm"]
    now = former["customer_id"].map(people.set_index("customer_id")["account_id"]).map(arms)
    before = former["account_id"].map(arms)
    return int(former.loc[now.notna() & before.notna() & (now != before), "customer_id"].nunique())


def _blocks(accounts: pd.DataFrame) -> pd.Series:
    risk = equal_part(accounts["churn_probability"], RISK_BLOCKS)
    worth = equal_part(accounts["value_at_risk"], VALUE_BLOCKS)
    return pd.Series([f"r{r}v{v}" for r, v in zip(risk, worth, strict=True)], index=accounts.index, dtype=object)


def equal_part(values: pd.Series, count: int) -> NDArray[np.int64]:
    """Which of `count` equal parts a value lies in, 1 the least; 0 where it is not known."""
    place = (values.rank(method="average", pct=True) * count).fillna(0.0)
    return np.asarray(np.ceil(place.to_numpy(float)), np.int64)


def _hashes(keys: pd.Series, draw: Draw) -> pd.Series:
    """A keyed 64-bit hash of each text, as float between 0 and 2^64."""
    key = hashlib.blake2b(f"{draw.seed}".encode(), key=draw.secret.encode()[:64], digest_size=8).hexdigest()
    hashed = pd.util.hash_array(keys.to_numpy(object), hash_key=key, categorize=False)
    return pd.Series(hashed.astype(float), index=keys.index)
