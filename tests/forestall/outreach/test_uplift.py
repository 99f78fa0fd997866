"""When a look is due, on whom a model is judged, and what is decided where the truth is known."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.learning import JUDGED_ON, KINDS, LEAVING, NOISE_FEATURES, World, experiment, playbook
from forestall.outreach.chances import evidence
from forestall.outreach.uplift import LATER, LEFT_OUT, due, try_uplift
from models.uplift.params import uplift_params

PARAMS = uplift_params().model_copy(update={"least_accounts": 500, "least_arm": 50})
FEW = {name: kind for name, kind in KINDS.items() if name not in {f"x{number}" for number in range(5, NOISE_FEATURES)}}


def arms(count, held=0.2):
    return pd.DataFrame({"arm": np.where(np.arange(count) % 10 < 10 * held, "holdout", "treatment")})


@pytest.mark.parametrize(
    ("count", "looked_at"), [(499, 0), (500, 500), (624, 500), (625, 625), (1_000, 976), (977, 976), (976, 781)]
)
def test_a_look_is_due_when_outcomes_have_grown_by_a_quarter(count, looked_at):
    assert len(due(arms(count), PARAMS)) == looked_at


def test_no_look_while_an_arm_is_small():
    assert due(arms(500, held=0.0), PARAMS).empty
    assert due(arms(500, held=1.0), PARAMS).empty


def known(world, count, seed=0):
    return evidence(experiment(count, world, seed), LEAVING, JUDGED_ON)


def test_where_customers_differ_the_model_is_taken():
    trial = try_uplift(known(World(0.05, 0.0, by_feature=0.6), 6_000), FEW, playbook(), LEAVING.wait_days, PARAMS)
    assert trial.is_better
    assert trial.judged_by == LEFT_OUT
    assert trial.judged.count == 6_000


def test_where_they_are_alike_it_is_not():
    trial = try_uplift(known(World(), 1_500), FEW, playbook(), LEAVING.wait_days, PARAMS)
    assert not trial.is_better


def test_a_long_history_is_judged_on_accounts_listed_later_whose_future_nobody_had_learned(monkeypatch):
    rows = known(World(), 3_000)
    params = PARAMS.model_copy(update={"least_older": 500})
    seen_until = []

    def spy(seen, *others):
        seen_until.append(seen["listed_on"].max())
        return grow(seen, *others)

    from models.uplift import learner

    grow = learner.grow_uplift
    monkeypatch.setattr(learner, "grow_uplift", spy)
    trial = try_uplift(rows, FEW, playbook(), LEAVING.wait_days, params)
    first_judged = rows["listed_on"].iloc[1_800]
    assert trial.judged_by == LATER
    assert trial.judged.count == int((rows["listed_on"] >= first_judged).sum())
    assert seen_until[0] + pd.Timedelta(days=LEAVING.wait_days) <= first_judged
    assert seen_until[1] == rows["listed_on"].max()  # what goes to work has learned from all
