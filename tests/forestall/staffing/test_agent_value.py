"""What an agent more or less is worth: by the queueing formulas themselves, and against trying every number."""

import numpy as np
import pytest

from forestall.staffing.agent_value import Worth, price_agents
from forestall.staffing.queueing import evaluate
from forestall.staffing.requirement import Demand

INTERVAL_S = 1800
WORTH = Worth(effect=0.01, effect_low=0.004, effect_high=0.02, customer_value=500.0, agent_cost=20.0)


def demand(*contacts, patience_s=180.0):
    count = len(contacts)
    return Demand(
        rates_per_s=np.array(contacts, float)[:, None] / INTERVAL_S, weights=np.ones(1),
        handle_time_s=np.full(count, 300.0), patience_s=np.full(count, patience_s), threshold_s=np.full(count, 20.0),
        service_level=np.full(count, 0.8), occupancy_cap=np.ones(count), concurrency=np.ones(count, np.int64),
    )  # fmt: skip


def minutes(agents, contacts, patience_s=180.0):
    return contacts * float(evaluate(agents, contacts / INTERVAL_S, 300.0, patience_s, 20.0).asa_s) / 60


def test_one_more_and_one_less_by_the_formula():
    row = price_agents(demand(60), np.array([11]), WORTH, INTERVAL_S).iloc[0]
    saved, lost = minutes(11, 60) - minutes(12, 60), minutes(10, 60) - minutes(11, 60)
    assert row["wait_minutes"] == pytest.approx(minutes(11, 60))
    assert row["minutes_saved"] == pytest.approx(saved)
    assert row["customers_kept"] == pytest.approx(saved * 0.01)
    kept = row[["value_of_one_more", "value_of_one_more_low", "value_of_one_more_high"]].astype(float)
    assert kept.tolist() == pytest.approx([saved * 5, saved * 2, saved * 10])
    assert row["loss_of_one_less"] == pytest.approx(lost * 5)


@pytest.mark.parametrize("contacts", [3, 20, 60, 200])
@pytest.mark.parametrize("patience_s", [60.0, 600.0])
def test_the_worthwhile_number_is_that_of_trying_them_all(contacts, patience_s):
    found = price_agents(demand(contacts, patience_s=patience_s), np.array([5]), WORTH, INTERVAL_S)
    gains = [5 * (minutes(n, contacts, patience_s) - minutes(n + 1, contacts, patience_s)) for n in range(1, 80)]
    assert found["agents_worthwhile"].iloc[0] == next(n for n, gain in enumerate(gains, 1) if gain <= 20.0)


def test_an_interval_without_contacts_and_a_queue_that_would_not_settle():
    found = price_agents(demand(0, 60, patience_s=np.inf), np.array([0, 11]), WORTH, INTERVAL_S)
    assert found["value_of_one_more"].tolist()[0] == 0
    assert found["agents_worthwhile"].tolist()[0] == 0
    assert np.isnan(found["loss_of_one_less"].iloc[1])  # ten agents, ten erlangs, endless patience
    assert found["agents_worthwhile"].iloc[1] >= 11


def test_nobody_says_what_is_worthwhile_where_the_cost_is_not_known():
    worth = Worth(0.01, 0.004, 0.02, 500.0, None)
    assert price_agents(demand(60), np.array([11]), worth, INTERVAL_S)["agents_worthwhile"].isna().all()
