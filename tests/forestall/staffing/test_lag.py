"""Against the differential equation of a group with enough agents for everybody, and by hand."""

import numpy as np
import pytest

from forestall.staffing.lag import load_ratio

HALF_HOUR = 1800


def ratio(load, handle_time_s, start=None, queue=None):
    load = np.asarray(load, float)
    size = len(load)
    start = HALF_HOUR * np.arange(size) if start is None else np.asarray(start)
    queue = np.zeros(size, np.int64) if queue is None else np.asarray(queue)
    return load_ratio(load, np.full(size, float(handle_time_s)), start, queue, HALF_HOUR)


def test_a_queue_that_opens_begins_empty():
    assert ratio([0, 10, 10], 300)[1] == pytest.approx(1 - 300 / 1800 * (1 - np.exp(-6)))
    assert ratio([10, 10, 10], 300).tolist() == pytest.approx([1, 1, 1])


def test_equal_to_the_differential_equation():
    load, handle_s = np.array([5.0, 8.0, 20.0, 30.0, 31.0, 10.0, 12.0]), 1500.0
    held, mean = load[0], []
    for offered in load:  # Euler, a second a step
        seen = []
        for _ in range(HALF_HOUR):
            seen.append(held)
            held += (offered - held) / handle_s
        mean.append(np.mean(seen))
    assert ratio(load, handle_s) == pytest.approx(np.minimum(np.array(mean) / load, 1.0), abs=2e-3)


def test_after_a_gap_and_in_another_queue_nothing_is_left_of_before():
    found = ratio([10, 10, 10], 300, start=[0, 10 * HALF_HOUR, 11 * HALF_HOUR])
    assert found[1] == pytest.approx(0.8337, abs=1e-3)
    assert ratio([100, 10], 300, queue=[0, 1]).tolist() == pytest.approx([1, 1])


def test_no_rows():
    assert ratio([], 300).tolist() == []
