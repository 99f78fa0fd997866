"""Queues of a group share agents: as one queue where they are alike, else within two points of an event simulation."""

import numpy as np
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.staffing.plan import Known, plan_requirement
from forestall.staffing.standards import QueueOverride, Standards
from forestall.staffing.uncertainty import COLUMNS
from tests.forestall.staffing.test_plan import forecast, pd, plan
from tests.forestall.staffing.test_simulation import by_events

TOGETHER = {"service": ["care", "sales", "tech"]}


def unlike():
    """Handle times of two to twelve minutes, standards of 20 s to two minutes."""
    return Standards(queues={
        "care": QueueOverride(service_level=0.8, threshold_s=20, patience_s=120),
        "sales": QueueOverride(service_level=0.9, threshold_s=60, patience_s=400),
        "tech": QueueOverride(service_level=0.7, threshold_s=120, patience_s=900),
    })  # fmt: skip


def of_three(scale):
    parts = (("care", 60, 120.0), ("sales", 20, 300.0), ("tech", 12, 720.0))
    return [forecast(queue, "phone", [scale * contacts], seconds) for queue, contacts, seconds in parts]


def test_alike_queues_take_what_one_queue_with_all_their_contacts_takes():
    apart = [forecast(queue, "phone", [20, 60, 90], 240.0) for queue in ("care", "sales")]
    patience = {"care": 180, "sales": 180}
    found, _ = plan(*apart, patience_s=patience, groups={"service": ["care", "sales"]})
    one, _ = plan(forecast("care", "phone", [40, 120, 180], 240.0), patience_s=patience)
    together = found.groupby("interval_start_at")["agents_net"].sum()
    assert np.abs(together.to_numpy() - one["agents_net"].to_numpy()).max() <= 1  # by the chance of the simulation
    assert (found.groupby("interval_start_at")["agents_alone"].sum() > together).all()
    assert set(found["model"]) == {"pooled"}
    assert set(found["queue_group"]) == {"service"}


@pytest.mark.parametrize("scale", [0.4, 1, 2])
def test_each_queue_has_its_standard_within_two_points_and_nobody_is_too_many(scale):
    rows, standards = of_three(scale), unlike()
    found, _ = plan(*rows, standards=standards, groups=TOGETHER)
    agents = int(found["agents_net"].sum())
    wanted = {name: one.service_level for name, one in standards.queues.items()}
    with_all, with_one_less = (lived(rows, standards, some) for some in (agents, agents - 1))
    for name, told in zip(found["queue"], found["service_level"], strict=True):
        assert with_all[name] >= wanted[name] - 0.02
        assert with_all[name] == pytest.approx(told, abs=0.02)
    assert any(with_one_less[name] < wanted[name] + 0.02 for name in wanted)


def lived(rows, standards, agents, contacts=60_000):
    """The level of each queue by a plain event simulation of one long day."""
    rng = np.random.default_rng(8)
    per_s = np.array([float(frame["contacts"].iloc[0]) / 1800 for frame in rows])
    names = [frame["queue"].iloc[0] for frame in rows]
    kind = rng.choice(len(rows), contacts, p=per_s / per_s.sum())
    at = np.cumsum(rng.exponential(1 / per_s.sum(), contacts))
    patience = np.array([standards.queues[name].patience_s for name in names], float)[kind]
    handle = np.array([frame["handle_time_s"].iloc[0] for frame in rows])[kind]
    wait, gave_up = by_events(at, rng.exponential(handle), rng.exponential(patience), agents)
    counts = ~(gave_up & (wait < ServiceLevelSettings().short_abandon_s))
    threshold = np.array([standards.queues[name].threshold_s for name in names])
    in_time = ~gave_up & (wait <= threshold[kind])
    return {name: in_time[counts & (kind == at)].mean() for at, name in enumerate(names)}


def test_what_is_shared_out_is_whole_and_adds_up():
    found, _ = plan(*of_three(3), standards=unlike(), groups=TOGETHER)
    assert found["agents_net"].dtype.kind == "i"
    assert (found["agents_net"] <= found["agents_alone"]).all()


def test_a_queue_that_is_closed_asks_for_nothing_of_the_others():
    rows = [forecast("care", "phone", [80, 80], 240.0), forecast("sales", "phone", [20, 0], 240.0)]
    strict = Standards(queues={"sales": QueueOverride(service_level=0.99, threshold_s=5)})
    found, _ = plan(*rows, standards=strict, patience_s={"care": 180, "sales": 180}, groups={"s": ["care", "sales"]})
    agents = found.pivot_table(index="interval_start_at", columns="queue", values="agents_net")
    assert agents["sales"].iloc[1] == 0
    assert agents["care"].iloc[1] == found.set_index("queue")["agents_alone"]["care"].iloc[1]


def test_a_strict_queue_that_is_there_for_a_part_of_the_day_has_its_standard_then():
    """Where it brings nobody its level is no level that the rest of the day could make up for."""
    strict = np.r_[np.full(12, 60.0), np.zeros(24)]
    rows = [forecast("strict", "phone", strict, 300.0), forecast("patient", "phone", [120.0] * 36, 300.0)]
    standards = Standards(queues={
        "strict": QueueOverride(service_level=0.9, threshold_s=10),
        "patient": QueueOverride(service_level=0.5, threshold_s=120),
    })  # fmt: skip
    known = Known(standards, 0.3, {"strict": 300.0, "patient": 300.0}, groups={"all": ["strict", "patient"]})
    level = ServiceLevelSettings(period="day", certainty=0.5)
    plan, _ = plan_requirement(pd.concat(rows, ignore_index=True), known, level, 1800)
    served = plan[(plan["queue"] == "strict") & (plan["contacts"] > 0)]
    assert (served["model"] == "pooled").sum() >= 8
    assert served["service_level"].mean() > 0.88


def test_a_queue_of_few_contacts_is_not_moved_by_chance():
    """One contact in two hundred is the strict queue's: it is judged by what all would have met."""
    rows = [forecast("vip", "phone", [1.0], 300.0), forecast("mass", "phone", [200.0], 300.0)]
    standards = Standards(queues={
        "vip": QueueOverride(service_level=0.9, threshold_s=10),
        "mass": QueueOverride(service_level=0.88, threshold_s=10),
    })  # fmt: skip
    patience = {"vip": 300.0, "mass": 300.0}
    found, _ = plan(*rows, standards=standards, patience_s=patience, groups={"all": ["vip", "mass"]})
    all_strict, _ = plan(
        forecast("one", "phone", [201.0], 300.0), patience_s={"one": 300.0},
        standards=Standards(queues={"one": QueueOverride(service_level=0.9, threshold_s=10)}),
    )  # fmt: skip
    assert abs(found["agents_net"].sum() - all_strict["agents_net"].sum()) <= 1


def test_queues_too_unlike_to_share_stay_apart():
    """Few who must be answered at once, many who can wait for long: together all would have to be answered at once."""
    rows = [forecast("vip", "phone", [6], 120.0), forecast("mass", "phone", [300], 600.0)]
    standards = Standards(occupancy_cap=1.0, queues={
        "vip": QueueOverride(service_level=0.95, threshold_s=5, patience_s=60),
        "mass": QueueOverride(service_level=0.5, threshold_s=300, patience_s=300),
    })  # fmt: skip
    found, _ = plan(*rows, standards=standards, groups={"all": ["vip", "mass"]})
    assert "pooled" not in set(found["model"])
    assert found["agents_net"].tolist() == found["agents_alone"].tolist()


@pytest.mark.parametrize("period", ["interval", "day", "month"])
def test_a_certainty_takes_more_of_the_group_and_the_group_less_than_apart(period):
    spread = np.array([0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.5])
    rows = pd.concat([
        frame.assign(**{name: frame["contacts"] * part for name, part in zip(COLUMNS, spread, strict=True)})
        for frame in (forecast(queue, "phone", [60, 80, 70], 240.0) for queue in ("care", "sales"))
    ], ignore_index=True)  # fmt: skip
    known = Known(Standards(), 0.3, {"care": 180.0, "sales": 180.0}, groups={"service": ["care", "sales"]})
    totals = []
    for certainty in (0.5, 0.9):
        level = ServiceLevelSettings(period=period, certainty=certainty)
        found, _ = plan_requirement(rows, known, level, 1800)
        assert found["agents_net"].sum() < found["agents_alone"].sum()
        totals.append(found["agents_net"].sum())
    assert totals[0] < totals[1]
