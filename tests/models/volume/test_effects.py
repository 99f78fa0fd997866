"""Effects of marks against the whole joint model, by hand, and on a Christmas that is seen once."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.volume.candidates import forecast_candidates
from models.volume.effects import MarkedDays, learn_effects, mark_factors
from models.volume.params import volume_params

PARAMS = volume_params()
DAILY = PARAMS.daily.model_copy(update={"effect_prior_scale": 0.3, "effect_spread": 0.1})
DAYS = pd.date_range("2025-01-06", periods=200)


def marks_on(**names):
    rows = [(on, name) for name, days in names.items() for on in pd.to_datetime(days)]
    return pd.DataFrame(rows, columns=["ds", "holiday"])


def one_day(part, base=400.0):
    on = DAYS[:2]
    return MarkedDays(on, np.array([base, base * (1 + part)]), np.full(2, base), marks_on(eve=[on[1]]))


def test_two_queues_and_a_day_each_by_hand():
    found = learn_effects({"a": one_day(-0.2), "b": one_day(-0.4)}, DAILY)
    assert found.queues["a"]["eve"] == pytest.approx(-0.2195, abs=1e-4)
    # Both tell the common one, by -.3 on the mean, and it was a single day.
    variance = (1 / 400 + 0.001 + 0.01) / 2 + 0.001
    assert found.common["eve"] == pytest.approx(-0.3 * 0.09 / (0.09 + variance))


def test_many_queues_on_one_day_do_not_tell_more_than_a_day():
    """The day's own scatter, .01, is common to all of a hundred queues; two days have half of its variance."""
    rng = np.random.default_rng(2)
    wild = DAYS[:101]
    base = np.full(101, 1e6)
    queues = {}
    for number in range(100):
        contacts = base * (1 + np.append(0.1 * np.sign(rng.normal(size=100)), -0.4))
        queues[f"q{number}"] = MarkedDays(wild, contacts, base, marks_on(eve=[wild[-1]]))
    assert learn_effects(queues, DAILY).common["eve"] == pytest.approx(-0.4 * 0.09 / (0.09 + 0.01 + 0.0002), abs=1e-4)


def test_a_queue_alone_is_shrunk_to_no_effect_by_both_scales():
    found = learn_effects({"a": one_day(-0.4)}, DAILY)
    assert found.queues["a"]["eve"] == pytest.approx(-0.4 * 0.1 / (0.1 + 1 / 400 + 0.001))


def test_effects_are_those_of_the_joint_model():
    """Three queues, five marks that meet: the posterior of all unknowns at once, solved as one system."""
    rng = np.random.default_rng(5)
    names = [f"mark {number}" for number in range(5)]
    queues = {}
    for queue, base_level in (("a", 900.0), ("b", 60.0), ("c", 8.0)):
        marks = marks_on(**{name: DAYS[rng.choice(len(DAYS), 9, replace=False)] for name in names[: 5 - len(queues)]})
        base = base_level * rng.uniform(0.6, 1.4, len(DAYS))
        queues[queue] = MarkedDays(
            DAYS, rng.poisson(base * rng.gamma(50, 1 / 50, len(DAYS))).astype(float), base, marks
        )

    names_of = {queue: days.marks["holiday"].unique() for queue, days in queues.items()}
    assert [len(names_of[queue]) for queue in queues] == [5, 4, 3]
    designs, weights, parts, scatters = {}, {}, {}, []
    for queue, days in queues.items():
        felt = np.array([[((days.marks["ds"] == on) & (days.marks["holiday"] == name)).any() for name in names]
                         for on in days.on], dtype=float)  # fmt: skip
        plain, error = felt.sum(axis=1) == 0, days.contacts - days.base
        scatters.append(max((error**2 - days.base)[plain].sum() / (days.base[plain] ** 2).sum(), 1e-3))
        designs[queue], parts[queue] = felt, error / days.base
        weights[queue] = 1 / (1 / days.base + scatters[-1])
    days_felt = [len({on for days in queues.values() for on in days.marks["ds"][days.marks["holiday"] == name]})
                 for name in names]  # fmt: skip

    def solved(shocked):
        """Unknown: the common effects, what the marks' days had besides, and each queue's distance from the former."""
        precision = np.diag([1 / 0.3**2] * 5 + list(np.array(days_felt) / np.median(scatters)) + [1 / 0.1**2] * 15)
        score = np.zeros(25)
        for place, queue in enumerate(queues, start=2):
            design = np.zeros((len(DAYS), 25))
            design[:, :5] = design[:, 5 * place : 5 * place + 5] = designs[queue]
            design[:, 5:10] = designs[queue] * (queue in shocked)
            precision += design.T @ (design * weights[queue][:, None])
            score += design.T @ (weights[queue] * parts[queue])
        return np.linalg.solve(precision, score).reshape(-1, 5)

    found = learn_effects(queues, DAILY)
    np.testing.assert_allclose(found.common.to_numpy(), solved(set(queues))[0])
    for place, queue in enumerate(queues, start=2):
        own = solved(set(queues) - {queue})
        np.testing.assert_allclose(found.queues[queue].to_numpy(), own[0] + own[place])


def test_marks_add_up_unknown_ones_do_nothing_and_something_is_left():
    effects = pd.Series({"eve": -0.7, "storm": -0.6, "sale": 0.5})
    marks = marks_on(eve=DAYS[[1, 3]], storm=DAYS[[3]], sale=DAYS[[4, 1]], news=DAYS[[4, 5]])
    found = mark_factors(marks, DAYS[:6], effects)
    np.testing.assert_allclose(found, [1, 0.8, 1, 0.05, 1.5, 1])
    np.testing.assert_allclose(mark_factors(marks, DAYS[:6], effects.iloc[:0]), 1)


def test_queues_without_days_and_without_marks_teach_nothing():
    empty = MarkedDays(DAYS[:3], np.zeros(3), np.zeros(3), marks_on(eve=[DAYS[0]]))
    found = learn_effects({"none": empty, "a": one_day(-0.4)}, DAILY)
    alone = learn_effects({"a": one_day(-0.4)}, DAILY)
    assert found.queues["a"]["eve"] == pytest.approx(alone.queues["a"]["eve"])
    assert found.queues["none"]["eve"] == pytest.approx(found.common["eve"])
    assert learn_effects({}, DAILY).common.empty
    assert learn_effects({"a": MarkedDays(DAYS, np.ones(200), np.ones(200), marks_on())}, DAILY).queues["a"].empty


def christmas(local):
    """Half of a day on Christmas Eve and New Year's Eve."""
    on = local.tz_localize(None)
    return np.where((on.month == 12) & on.day.isin([24, 31]), 0.5, 1.0)


def test_a_christmas_eve_seen_once_is_foreseen_even_by_a_small_and_by_a_young_queue(site, no_events):
    made = site(first_on=date(2024, 3, 4), run_date=date(2025, 12, 22), ahead=14)
    for seed, a_day in enumerate((400, 250, 120, 60)):
        made.queue(f"q{a_day}", a_day=a_day, seed=seed, phi=0.01, factor=christmas)
    made.queue("young", a_day=150, seed=9, phi=0.01, factor=christmas, since=date(2025, 9, 1))
    found = forecast_candidates(made.histories(), no_events, [made.run_date], made.ahead, 730, PARAMS)
    for queue in made.histories():
        own = found[queue, made.run_date]
        truth = made.mean_matrix(queue)[made.grid.day_index(made.run_date) :].sum(axis=1)
        for eve in (2, 9):
            assert own.day_contacts[eve] == pytest.approx(truth[eve], rel=0.25), (queue, eve)
    # Alone, the young queue has never seen one.
    young = {"young": made.histories()["young"]}
    alone = forecast_candidates(young, no_events, [made.run_date], made.ahead, 730, PARAMS)["young", made.run_date]
    assert alone.day_contacts[2] > 1.6 * truth[2]
