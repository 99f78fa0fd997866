"""The published estimates: who is counted and when, groups side by side, harm, power and net load."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forestall.outreach.effect_table import (
    ALL,
    EFFECT_SIZES,
    GROUPS,
    HISTORY_WEEKS,
    do_not_disturb,
    effects,
    measures,
    net_load,
    power,
)
from forestall.outreach.experiment import HOLDOUT, TREATMENT
from forestall.outreach.sequences import ALPHA, LEAST_ARM

RUN_DATE = date(2026, 12, 31)
MEASURES = measures(horizon_days=90, grace_days=14)


def experiment(count=4000, nights=200, share=0.3, harmed="business", seed=3, ends=RUN_DATE):
    """Listing keeps one home customer in five leavers, and drives every second business customer away."""
    rng = np.random.default_rng(seed)
    is_held, segment = rng.random(count) < share, rng.choice(["home", "business"], count, p=[0.7, 0.3])
    chance = np.where(is_held, 0.3, np.where(segment == harmed, 0.5, 0.2))
    before = rng.poisson(0.5, count)
    contacts = rng.poisson(np.where(is_held, 0.5, 0.8))
    listed_on = pd.Timestamp(ends) - pd.to_timedelta(nights - np.arange(count) * nights // count, unit="D")
    return pd.DataFrame(
        {
            "account_id": [f"a{number:05d}" for number in range(count)], "listed_on": listed_on,
            "list_rank": np.arange(count), "arm": np.where(is_held, HOLDOUT, TREATMENT),
            "arm_probability": np.where(is_held, share, 1 - share), "segment": segment,
            "action": rng.choice(["call", "write"], count), "reason": "default", "trigger": None,
            "lifecycle_stage": "settled", "value_segment": np.where(np.arange(count) % 3, "low", "high"),
            "was_contacted": np.where(is_held, rng.random(count) < 0.02, rng.random(count) < 0.9),
            "left": (rng.random(count) < chance).astype(float), "churn_probability": 0.3,
            "margin": 30.0 * (rng.random(count) >= chance), "margin_before": 30.0,
            "contacts_14d": contacts.astype(float), "contacts_before": before.astype(float),
            "handle_minutes_14d": 5.0 * contacts, "handle_minutes_before": 5.0 * before,
        }
    )  # fmt: skip


def current(found, measure, scope=ALL, value=ALL):
    rows = found[(found["measure"] == measure) & found["is_current"] & (found["scope"] == scope)]
    return rows.set_index("scope_value").loc[value]


@pytest.fixture(scope="module")
def accounts():
    return experiment()


@pytest.fixture(scope="module")
def found(accounts):
    return effects(accounts, MEASURES, RUN_DATE)


def test_only_outcomes_that_are_known_are_counted(accounts, found):
    for measure, days in (("left", 104), ("contacts_14d", 14)):
        known = accounts[accounts["listed_on"] <= pd.Timestamp(RUN_DATE - timedelta(days=days))]
        row = current(found, measure)
        assert row["matured_until_on"] == known["listed_on"].max()
        assert row["treatment_count"] == (known["arm"] == TREATMENT).sum()
        assert row["holdout_count"] == (known["arm"] == HOLDOUT).sum()
        assert row["contaminated_count"] == ((known["arm"] == HOLDOUT) & known["was_contacted"]).sum()
        assert row["untouched_count"] == ((known["arm"] == TREATMENT) & ~known["was_contacted"]).sum()


def test_the_estimates_are_near_the_arms_own_means_and_the_truth(accounts, found):
    known = accounts[accounts["listed_on"] <= pd.Timestamp(RUN_DATE - timedelta(days=104))]
    left = known.groupby("arm")["left"].mean()
    row = current(found, "left")
    assert row["holdout_mean"] == pytest.approx(left[HOLDOUT])
    assert row["effect"] == pytest.approx(left[TREATMENT] - left[HOLDOUT], abs=0.01)
    assert row["effect_low"] <= 0.7 * -0.1 + 0.3 * 0.2 <= row["effect_high"]
    assert row["total"] == pytest.approx(row["effect"] * row["treatment_count"])
    load = current(found, "contacts_14d")
    assert load["always_low"] <= 0.3 <= load["always_high"]
    assert load["always_low"] > 0


def test_a_holdout_who_was_contacted_changes_nothing_but_the_count(accounts, found):
    other = effects(accounts.assign(was_contacted=True), MEASURES, RUN_DATE)
    counts = ["contaminated_count", "untouched_count"]
    pd.testing.assert_frame_equal(other.drop(columns=counts), found.drop(columns=counts))
    assert current(other, "left")["contaminated_count"] == current(other, "left")["holdout_count"]


def test_a_segment_that_contact_harms_is_marked_and_no_other(accounts, found):
    marked = found[found["is_do_not_disturb"]]
    assert list(zip(marked["scope"], marked["scope_value"], marked["measure"], strict=True)) == [
        ("segment", "business", "left")
    ]
    triggered = accounts.assign(trigger="low_csat")
    renamed = found.replace({"business": "low_csat"}).replace({"segment": "reason"})
    assert do_not_disturb(triggered, renamed).all()
    assert do_not_disturb(accounts, found).eq(accounts["segment"] == "business").all()
    assert not do_not_disturb(accounts, found.iloc[:0].astype({"is_do_not_disturb": object})).any()


def test_groups_are_judged_side_by_side(accounts, found):
    """A group that is all of them has the same scores; its interval is wider, its p-value larger."""
    everyone, group = current(found, "left"), current(found, "left", "reason", "default")
    assert group["effect"] == everyone["effect"]
    assert group["always_low"] < everyone["always_low"] < everyone["always_high"] < group["always_high"]
    by_group = found[(found["measure"] == "left") & (found["scope"] != ALL)]
    assert len(by_group) == 8  # two segments, two actions, one reason, one stage, two by value
    assert by_group["is_current"].all()
    is_harm_or_help = by_group[by_group["scope"] == "segment"]["p_value"] < ALPHA
    assert is_harm_or_help.all()


def test_the_least_p_value_of_eight_groups_counts_eight_times():
    """Where listing helps all alike nothing is surer than the group that is all of them."""
    helped = effects(experiment(harmed=""), MEASURES[:1], RUN_DATE)
    everyone, group = current(helped, "left"), current(helped, "left", "reason", "default")
    assert 0 < everyone["p_value"] < ALPHA / 8
    assert group["p_value"] == pytest.approx(8 * everyone["p_value"])


@pytest.mark.slow
def test_false_alarms_of_groups_stay_rare_however_many_there_are():
    """Twelve groups without any effect, forty experiments: 5 % would be 2 in any group at all."""
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = experiment(3000, seed=seed, harmed="")
        rows = rows.assign(left=(rng.random(3000) < 0.3).astype(float), segment=rng.integers(0, 12, 3000).astype(str))
        alarms += effects(rows, MEASURES[:1], RUN_DATE)["is_do_not_disturb"].any()
    assert alarms <= 5


def test_the_history_is_a_row_a_week_and_never_contradicts_what_was_known(accounts, found):
    history = found[(found["scope"] == ALL) & (found["measure"] == "contacts_14d")]
    assert history["is_current"].sum() == 1
    assert history["matured_until_on"].diff().dropna().eq(pd.Timedelta(days=7)).all()
    assert len(history) <= HISTORY_WEEKS + 1
    earlier = RUN_DATE - timedelta(days=28)
    then = current(effects(accounts, MEASURES, earlier), "contacts_14d")
    now = history.set_index("matured_until_on").loc[then["matured_until_on"]]
    assert then[["effect", "always_low", "always_high"]].tolist() == pytest.approx(
        now[["effect", "always_low", "always_high"]].tolist()
    )


def test_too_few_give_counts_and_no_interval():
    row = current(effects(experiment(300, share=0.1), MEASURES, RUN_DATE), "left")
    assert 0 < row["holdout_count"] < LEAST_ARM
    assert row[["effect", "effect_low", "always_high", "p_value"]].isna().all()
    assert not row["is_do_not_disturb"]


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_an_arm_that_was_certain_has_no_counterpart(accounts, found, probability):
    certain = experiment(500, seed=4).assign(arm_probability=probability, account_id=lambda rows: "z" + rows.account_id)
    pd.testing.assert_frame_equal(effects(pd.concat([accounts, certain]), MEASURES, RUN_DATE), found)


def test_nobody_listed_gives_an_empty_table(accounts):
    nothing = effects(accounts.iloc[:0], MEASURES, RUN_DATE)
    assert nothing.empty
    assert net_load(nothing).empty
    rows = power(accounts.iloc[:0], nothing, MEASURES[0], RUN_DATE)
    assert rows["weeks"].isna().all()


def test_what_cannot_be_measured_has_no_rows(accounts):
    without = accounts.assign(contacts_14d=0.0, contacts_before=0.0)
    assert "contacts_14d" not in set(effects(without, MEASURES, RUN_DATE)["measure"])


def test_outcomes_that_are_not_known_are_left_out(accounts):
    unknown = accounts.assign(left=accounts["left"].mask(accounts.index % 2 == 0))
    row = current(effects(unknown, MEASURES, RUN_DATE), "left")
    half = accounts[accounts.index % 2 == 1]
    assert (
        row["treatment_count"]
        == ((half["listed_on"] <= pd.Timestamp(RUN_DATE - timedelta(days=104))) & (half["arm"] == TREATMENT)).sum()
    )


def test_weeks_until_an_effect_is_seen_by_hand():
    """700 listed in 100 days, 49 a week; nothing matured, so the base rate speaks: 0.3 x 0.7 / (0.3 x 0.7) = 1."""
    rows = experiment(700, nights=100)
    found = effects(rows, MEASURES, RUN_DATE)
    told = power(rows, found, MEASURES[0], RUN_DATE).set_index(["looking", "effect_size"])
    assert (told["newcomers_per_week"] == 49).all()
    assert (told["listed_count"] == 700).all()
    needed = ((1.959964 + 0.841621) / 0.05) ** 2  # 3,140
    assert told.loc[("fixed_date", 0.05), "accounts_needed"] == pytest.approx(needed, abs=1)
    assert told.loc[("fixed_date", 0.05), "weeks"] == pytest.approx((3140 - 700) / 49 + 104 / 7, abs=0.05)
    # 785 for ten points; 700 are listed, so 85 more.
    assert told.loc[("fixed_date", 0.10), "weeks"] == pytest.approx(85 / 49 + 104 / 7, abs=0.05)
    assert (told.loc["every_night", "weeks"] > told.loc["fixed_date", "weeks"]).all()
    assert told.loc["fixed_date", "weeks"].is_monotonic_decreasing


def test_what_is_listed_already_only_has_to_mature():
    rows = experiment(4000, nights=200)
    told = power(rows, effects(rows, MEASURES, RUN_DATE), MEASURES[0], RUN_DATE).set_index(["looking", "effect_size"])
    row = told.loc[("fixed_date", 0.10)]
    listed_on = rows["listed_on"].iloc[int(row["accounts_needed"]) - 1]
    waits = max((listed_on + pd.Timedelta(days=104) - pd.Timestamp(RUN_DATE)).days, 0) / 7
    assert row["weeks"] == pytest.approx(waits)
    assert len(told) == 2 * len(EFFECT_SIZES)


def test_the_net_load_by_action_is_what_the_table_says(found):
    load = net_load(found).set_index(["measure", "action"])
    assert set(load.index.get_level_values("action")) == {ALL, "call", "write"}
    contacts, minutes = load.loc[("contacts_14d", ALL)], load.loc[("handle_minutes_14d", ALL)]
    assert contacts["low"] <= 0.3 <= contacts["high"]
    assert minutes["change"] == pytest.approx(5 * contacts["change"])
    assert contacts["change"] == current(found, "contacts_14d")["effect"]


def test_the_groups_are_columns_of_the_accounts(accounts):
    assert set(GROUPS) <= set(accounts)
