"""What retraining learns and decides is shown in tests/examples/test_online_retail.py."""

from collections.abc import Callable
from datetime import date

import pytest

from forestall.jobs.retrain_churn import retrain_churn
from forestall.settings import ConfigError, Settings


def test_before_the_first_night_there_is_nothing_to_learn_from(company: Callable[[str], Settings]) -> None:
    with pytest.raises(ConfigError, match="retrain: nothing is known yet; run `forestall nightly` first"):
        retrain_churn(company(""), date(2026, 3, 1))
