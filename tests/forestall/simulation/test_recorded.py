import numpy as np
import pandas as pd

from forestall.simulation.recorded import told_by_features


def _customers(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(
        {"account_id": [f"a{number // 2}" for number in range(count)], "tenure_days": rng.integers(1, 2000, count),
         "segment": rng.choice(["home", "business"], count)},
        index=[f"c{number}" for number in range(count)],
    )  # fmt: skip
    luck = pd.Series(rng.normal(size=count), index=rows.index)
    account_luck = luck.groupby(rows["account_id"]).transform("first")
    return rows, pd.DataFrame({"seen": rows["tenure_days"] / 1000.0, "unseen": account_luck})


def test_what_features_hold_is_told_and_luck_is_not() -> None:
    rows, truth = _customers(1200)
    told = told_by_features(rows, truth)
    assert told.index.equals(truth.index)
    assert np.corrcoef(told["seen"], truth["seen"])[0, 1] > 0.99
    # both of an account have the same luck: it would show if one were learned from the other
    assert abs(np.corrcoef(told["unseen"], truth["unseen"])[0, 1]) < 0.15
