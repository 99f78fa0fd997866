import numpy as np
import pandas as pd

from models.churn.params import BandParams
from models.churn.ranking import known_margins, listing_order, risk_bands


def test_a_band_begins_at_its_limit() -> None:
    bands = BandParams(medium=0.1, high=0.25, very_high=0.5)
    said = risk_bands(np.array([0.0, 0.0999, 0.1, 0.25, 0.5, 1.0]), bands)
    assert said.tolist() == ["low", "low", "medium", "high", "very_high", "very_high"]


def test_an_unknown_margin_is_the_usual_one() -> None:
    assert known_margins(pd.DataFrame({"monthly_margin": [10.0, None, 30.0]})).tolist() == [10, 20, 30]
    assert known_margins(pd.DataFrame({"monthly_margin": [None, None]})).tolist() == [1, 1]
    assert known_margins(pd.DataFrame({"x": [1]})).tolist() == [1]


def test_money_decides_among_equals_and_position_among_ties() -> None:
    assert listing_order(np.array([0.5, 0.5, 0.2, 0.5]), np.array([1.0, 2, 10, 2])).tolist() == [2, 1, 3, 0]
