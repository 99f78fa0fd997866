"""What a model says of several horizons agrees with itself."""

import numpy as np

from models.churn.model import in_order


def test_longer_horizons_never_say_less_and_the_main_one_stays() -> None:
    said = {90: np.array([0.3, 0.2]), 30: np.array([0.35, 0.1]), 60: np.array([0.2, 0.4]), 180: np.array([0.1, 0.5])}
    ordered = {horizon: values.tolist() for horizon, values in in_order(said, 60).items()}
    assert ordered == {30: [0.2, 0.1], 60: [0.2, 0.4], 90: [0.3, 0.4], 180: [0.3, 0.5]}
    assert list(ordered) == [30, 60, 90, 180]
    # of two shorter ones the shortest gives way to both
    shorter = in_order({30: np.array([0.3]), 60: np.array([0.1]), 90: np.array([0.2])}, 90)
    assert [values.tolist() for values in shorter.values()] == [[0.1], [0.1], [0.2]]
