"""The credit of a day by hand, by both formulas."""

import numpy as np
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.staffing.promise import Promise

CAME = np.array([True, True, True, True, False])
GAVE_UP = np.array([False, False, True, True, False])
WAIT_S = np.array([10.0, 30.0, 3.0, 60.0, np.nan])


@pytest.mark.parametrize(
    ("formula", "credit"),
    [
        # In time; late; gave up within 5 s, which does not count; gave up late; nobody.
        ("answered_in_standard_over_offered", [0.2, -0.8, 0.0, -0.8, 0.0]),
        ("answered_in_standard_over_handled", [0.2, -0.8, 0.0, 0.0, 0.0]),
    ],
)
def test_what_each_contact_adds(formula, credit):
    promise = Promise(np.array([20.0]), np.array([0.8]), ServiceLevelSettings(formula=formula))
    assert promise.credit(np.zeros(5, int), CAME, GAVE_UP, WAIT_S).tolist() == pytest.approx(credit)


def test_each_queue_has_its_own_standard():
    promise = Promise(np.array([20.0, 60.0]), np.array([0.8, 0.5]), ServiceLevelSettings())
    kind = np.array([0, 1, 0, 1, 0])
    assert promise.credit(kind, CAME, GAVE_UP, WAIT_S).tolist() == pytest.approx([0.2, 0.5, 0, -0.5, 0])
