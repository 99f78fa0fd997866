"""The DR-learner: its pseudo-outcome by hand and against the textbook's, and what it finds where there is something."""

import numpy as np
import pandas as pd
import pytest

from models.uplift.learner import UpliftModel, grow_uplift, held_out_scores, scores, trust
from models.uplift.params import uplift_params

PARAMS = uplift_params()
KINDS = {"is_bound": "boolean", **{f"x{number}": "number" for number in range(5)}}


def accounts(count, seed, depth=0.6):
    """Half are held out. Of the bound an action keeps `depth` fewer than chance says, of the others as many more."""
    rng = np.random.default_rng(seed)
    is_bound, is_held = rng.random(count) < 0.5, rng.random(count) < 0.5
    true = 0.1 + np.where(is_bound, -depth, depth)
    risk = rng.uniform(0.2, 0.6, count)
    left = rng.random(count) < risk * np.where(is_held, 1.0, 1 - true)
    features = {f"x{number}": rng.normal(size=count) for number in range(5)}
    return pd.DataFrame({
        "account_id": [f"{seed}-{number}" for number in range(count)], "left": left.astype(float),
        "is_held_out": is_held, "arm_probability": 0.5, "action": np.where(rng.random(count) < 0.5, "fix", "coach"),
        "risk": risk, "chance": 0.1, "is_bound": is_bound, "true": true, **features,
    })  # fmt: skip


def test_the_pseudo_outcome_is_the_textbooks():
    """AIPW with mu1, mu0 and a known propensity, and ours with m = (1 - p) mu1 + p mu0."""
    p, mu1, mu0 = 0.8, 0.2, 0.35
    rows = pd.DataFrame({"left": [1.0, 0, 1, 0], "is_held_out": [False, False, True, True],
                         "arm_probability": [p, p, 1 - p, 1 - p]})  # fmt: skip
    listed = ~rows["is_held_out"]
    aipw = mu1 - mu0 + listed / p * (rows["left"] - mu1) - ~listed / (1 - p) * (rows["left"] - mu0)
    assert scores(rows, np.full(4, (1 - p) * mu1 + p * mu0)) == pytest.approx(aipw.to_numpy())
    assert scores(rows.iloc[:1], np.array([0.3]))[0] == pytest.approx(0.875)


def test_trust_by_hand_and_at_its_limits():
    said, ones = np.array([1.0, -1.0] * 50), np.ones(100)
    assert trust(said, 3 * said, ones) == 1.0
    assert trust(said, -said, ones) == 0.0
    assert trust(np.zeros(100), said, ones) == 0.0
    noise = np.tile([2.5, 2.5, -2.5, -2.5], 25)  # residuals of size 2.5: a standard error of 0.25
    assert trust(said, 0.5 * said + noise, ones) == pytest.approx(0.5 * (1 - 0.25))


def test_whom_an_action_keeps_is_found_and_whom_it_drives_away():
    seen, new = accounts(3_000, 1), accounts(2_000, 2)
    model = grow_uplift(seen, KINDS, PARAMS)
    found = model.difference(new)
    assert model.trust > 0.3
    assert found[new["is_bound"]].mean() < -0.1 < 0.1 < found[~new["is_bound"]].mean()
    assert np.corrcoef(found, new["true"])[0, 1] > 0.9
    assert model.importance().index[0] == "is_bound"
    pd.testing.assert_series_equal(
        pd.Series(UpliftModel.from_files(model.to_files()).difference(new)), pd.Series(found)
    )
    again = grow_uplift(seen, KINDS, PARAMS)
    assert again.to_files() == model.to_files()
    unknown = model.difference(new.assign(action="never tried"))
    assert (unknown == 0).all()
    assert len(model.difference(new.iloc[:0])) == 0


def test_where_all_are_alike_hardly_anything_is_said():
    sizes = [
        np.abs(grow_uplift(accounts(1_500, seed, depth=0.0), KINDS, PARAMS).difference(accounts(500, 99))).mean()
        for seed in range(3)
    ]
    assert np.mean(sizes) < 0.06


def test_scores_of_accounts_left_out_are_unbiased():
    """Their mean is the true change of the probability of leaving; two standard errors and a half."""
    seen, judged = accounts(1_500, 3), accounts(4_000, 4)
    model = grow_uplift(seen, KINDS, PARAMS)
    told = held_out_scores(seen, judged, model.design, PARAMS)
    true = -(judged["true"] * judged["risk"]).to_numpy()
    assert abs((told - true).mean()) < 2.5 * (told - true).std() / np.sqrt(len(told))
