"""What an estimate says, word by word: which way is better, and what finance is told."""

import numpy as np
import pandas as pd
import pytest

from forestall.outreach.effect_words import with_sentences


def told(**columns):
    usual = {
        "measure": "left", "scope": "all", "scope_value": "all", "treatment_count": 1200, "holdout_count": 140,
        "effect": -0.05, "effect_low": -0.08, "effect_high": -0.02, "always_low": -0.11, "always_high": -0.01,
        "total": -60.0, "total_low": -96.0, "total_high": -24.0,
    }  # fmt: skip
    return with_sentences(pd.DataFrame([usual | columns]), 90, "EUR")["sentence"].iloc[0]


def test_leaving_is_told_in_points_with_both_intervals_and_the_arms():
    assert told() == (
        "listing changes the share that leaves within 90 days by -5.0 points an account (95 % on a date fixed "
        "beforehand -8.0 points to -2.0 points, looked at every night -11.0 points to -1.0 points; 1,200 listed, 140 "
        "left alone at random): shown, for the better."
    )
    assert told(scope="segment", scope_value="business").startswith("segment business: listing changes ")


MARGIN = {"measure": "margin", "effect": 12.5, "effect_low": 3.0, "effect_high": 22.0, "always_low": 0.5,
          "always_high": 24.5, "total": 15_000.0, "total_low": 3_600.0, "total_high": 26_400.0}  # fmt: skip


def test_margin_is_told_in_total_with_its_interval_and_what_is_assumed():
    assert told(**MARGIN).endswith(
        "shown, for the better. Over the 1,200 accounts listed that is EUR +15,000 (95 % +3,600 to +26,400) of margin "
        "against no outreach: margin booked, beside a group left alone at random, after agents' minutes and accepted "
        "offers; nothing is assumed of the time after."
    )
    assert "Over the" not in told(**MARGIN | {"scope": "segment", "scope_value": "home"})


@pytest.mark.parametrize(
    ("measure", "low", "high", "verdict"),
    [
        ("left", -0.1, -0.01, "shown, for the better."),
        ("left", 0.01, 0.1, "shown, for the worse."),
        ("left", -0.1, 0.1, "not shown yet, whichever way."),
        ("margin", 0.01, 0.1, "shown, for the better. Over"),
        ("margin", -0.1, -0.01, "shown, for the worse. Over"),
        ("contacts_14d", 0.01, 0.1, "shown, for the worse."),
        ("handle_minutes_14d", -0.1, -0.01, "shown, for the better."),
    ],
)
def test_what_is_better_depends_on_the_measure_and_is_shown_only_off_zero(measure, low, high, verdict):
    assert f": {verdict}" in told(measure=measure, always_low=low, always_high=high)


def test_too_few_are_counted_and_nothing_is_claimed():
    assert told(effect=np.nan, holdout_count=9) == (
        "too few accounts to say what listing does to the share that leaves within 90 days (1,200 listed, "
        "9 left alone)."
    )
