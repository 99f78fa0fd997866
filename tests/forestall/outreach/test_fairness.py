"""Planted discrimination is found, what risk and reason explain is not, and small groups are not judged."""

import numpy as np
import pandas as pd
import pytest

from forestall.outreach.fairness import (
    ALIKE,
    EXPLAINED,
    MEASURES,
    TOO_FEW,
    UNEXPLAINED,
    Tolerance,
    compare,
    in_groups,
    tally,
)
from forestall.outreach.fairness_words import with_sentences

TOLERANCE = Tolerance(ratio=0.8, least=30)
LISTED = {"low": 0.05, "medium": 0.2, "high": 0.6}
OFFERED = {"waits": 0.8, "price": 0.4}
PRICE = {"waits": 15.0, "price": 30.0}


def decided(rng, count, **planted):
    """Customers of four regions; the south is at more risk and waits more. Planted: by measure, the south's factor."""
    region = rng.choice(["north", "south", "east", "west"], count, p=[0.4, 0.3, 0.2, 0.1])
    is_south = region == "south"
    band = np.where(is_south, rng.choice(list(LISTED), count, p=[0.1, 0.2, 0.7]), rng.choice(list(LISTED), count))
    reason = np.where(rng.random(count) < np.where(is_south, 0.8, 0.3), "waits", "price")
    of = {name: np.where(is_south, planted.get(name, 1.0), 1.0) for name in MEASURES}
    chance = pd.Series(band).map(LISTED) * of["listed"]
    offered = pd.Series(reason).map(OFFERED) * of["offered"]
    rows = pd.DataFrame(
        {"region": region, "risk_band": band, "reason": reason, "value_at_risk": rng.gamma(2, 300, count)}
    )
    rows["is_listed"] = rng.random(count) < chance
    rows["is_offered"] = rows["is_listed"] & (rng.random(count) < offered)
    price = pd.Series(reason).map(PRICE) * of["offer_price"] * rng.choice([0.8, 1.2], count)
    return rows.assign(offer_price=price.where(rows["is_offered"]))


def judged(rows, tolerance=TOLERANCE, scopes=("region",)):
    found = compare(tally(rows, scopes), tolerance)
    return found.set_index(["scope_value", "measure"])


def test_what_risk_and_reason_explain_is_no_discrimination():
    found = judged(decided(np.random.default_rng(1), 12_000))
    raw = found["group_mean"] / found["others_mean"]
    assert raw["south", "listed"] > 1.4
    assert raw["south", "offered"] > 1.25
    assert raw["south", "offer_price"] < 0.8
    assert found.loc["south", "verdict"].tolist() == [EXPLAINED] * 3
    assert found.loc["south", "ratio"].to_numpy() == pytest.approx(1.0, abs=0.1)
    assert not found["is_flagged"].any()


@pytest.mark.parametrize("measure", MEASURES)
def test_planted_discrimination_is_found_where_it_was_planted(measure):
    found = judged(decided(np.random.default_rng(2), 12_000, **{measure: 0.65}))
    assert found.loc["south"].query("is_flagged").index.tolist() == [measure]
    row = found.loc["south", measure]
    assert row["verdict"] == UNEXPLAINED
    assert row["ratio"] == pytest.approx(0.65, abs=0.05)
    assert row["adjusted_high"] < 0


def test_discrimination_that_the_mix_hides_is_found():
    """As it is the south looks better off, since it is at more risk; beside others alike it is not."""
    found = judged(decided(np.random.default_rng(3), 12_000, listed=0.7)).loc["south", "listed"]
    assert found["group_mean"] > 1.05 * found["others_mean"]
    assert (found["verdict"], found["is_flagged"]) == (UNEXPLAINED, True)


def test_many_customers_alone_raise_no_flag():
    found = judged(decided(np.random.default_rng(4), 150_000, listed=0.9)).loc["south", "listed"]
    assert found["p_value"] < 1e-6
    assert (found["verdict"], found["is_flagged"]) == (EXPLAINED, False)


def test_a_small_group_is_not_judged_and_it_is_said():
    rows = decided(np.random.default_rng(5), 3_000)
    rows.loc[:19, "region"] = "isle"
    rows.loc[:19, ["is_listed", "is_offered"]] = False
    found = judged(rows)
    assert found.loc["isle", "verdict"].tolist() == [TOO_FEW]
    assert not found.loc["isle", "is_flagged"].any()
    assert found.loc["isle", ["ratio", "adjusted_low", "p_value"]].isna().all(axis=None)
    told = with_sentences(compare(tally(rows, ["region"]), TOLERANCE), "EUR").set_index("scope_value")["sentence"]
    assert told["isle"] == "region isle, listed: too few of them, or of others alike, to judge (20)."


def test_a_group_that_no_other_customer_resembles_is_not_judged():
    rows = decided(np.random.default_rng(6), 4_000)
    rows["reason"] = rows["reason"].where(rows["region"] != "west", "only in the west")
    assert judged(rows).loc["west", "verdict"].tolist() == [TOO_FEW] * 3


def test_too_rare_an_event_is_not_judged():
    """A hundred of a group, none listed, where one was to be expected: that is no finding."""
    rows = decided(np.random.default_rng(7), 4_000)
    rows["is_listed"] = rows.index % 100 == 0
    rows.loc[rows.index[rows["region"] == "west"][:100], "region"] = "isle"
    rows.loc[rows["region"] == "isle", "is_listed"] = False
    assert judged(rows).loc[("isle", "listed"), "verdict"] == TOO_FEW


def test_without_anybody_decided_on_there_is_nothing_to_compare():
    rows = decided(np.random.default_rng(8), 10)
    assert compare(tally(rows.iloc[:0], ["region"]), TOLERANCE).empty
    assert with_sentences(compare(tally(rows, []), TOLERANCE), "EUR").empty
    nobody = rows.assign(is_listed=False, is_offered=False)
    assert set(compare(tally(nobody, ["region"]), TOLERANCE)["verdict"]) == {TOO_FEW}


def test_by_hand():
    # one stratum, 2 of 4 are of the group and both are listed, of the others none
    rows = pd.DataFrame({"region": ["a", "a", "b", "b"], "is_listed": [True, True, False, False]})
    rows = rows.assign(risk_band="low", reason=None, value_at_risk=1.0, is_offered=False, offer_price=np.nan)
    sums = tally(rows, ["region"]).set_index(["scope_value", "measure"]).loc[("a", "listed")]
    assert sums[["group_count", "group_sum", "others_count", "others_sum"]].tolist() == [2, 2, 2, 0]
    # weight 2 x 2 / 4; excess 2 - 2 x 2/4; variance 2 x 2 / 3 x 1/4: of the six draws 1, 4 and 1 give 0, 1 and 2
    assert sums[["weight", "excess", "weighted_others"]].tolist() == [1, 1, 0]
    assert sums["variance"] == pytest.approx((1 * 1 + 4 * 0 + 1 * 1) / 6)
    assert sums[["room_below", "room_above"]].tolist() == [1, 1]


@pytest.mark.parametrize("measure", MEASURES)
def test_the_difference_is_that_of_a_regression_with_an_intercept_for_each_stratum(measure):
    rows = decided(np.random.default_rng(9), 3_000, offered=0.7).assign(value_at_risk=1.0)
    subset = {"listed": rows, "offered": rows[rows["is_listed"]], "offer_price": rows[rows["is_offered"]]}[measure]
    outcome = subset[{"listed": "is_listed", "offered": "is_offered", "offer_price": "offer_price"}[measure]]
    strata = pd.get_dummies(subset["risk_band"] + subset["reason"]).to_numpy(float)
    design = np.column_stack([(subset["region"] == "south").to_numpy(float), strata])
    slope = np.linalg.lstsq(design, outcome.to_numpy(float), rcond=None)[0][0]
    assert judged(rows).loc[("south", measure), "adjusted_difference"] == pytest.approx(slope)


def test_where_nobody_is_treated_differently_one_audit_in_twenty_at_most_raises_any_flag():
    """However small a difference is let pass; all regions and measures of an audit together."""
    rng, strict = np.random.default_rng(10), Tolerance(ratio=0.9999, least=30)
    flags = [judged(decided(rng, 600), strict)["is_flagged"].any() for _ in range(100)]
    assert np.mean(flags) <= 0.05 + 1.645 * np.sqrt(0.05 * 0.95 / 100)


def test_intervals_leave_out_zero_exactly_where_the_adjusted_p_value_says_so():
    found = judged(decided(np.random.default_rng(11), 3_000, listed=0.8, offered=0.8)).dropna(subset="p_value")
    is_off_zero = (found["adjusted_low"] > 0) | (found["adjusted_high"] < 0)
    assert is_off_zero.tolist() == (found["p_value"] < 0.05).tolist()
    assert is_off_zero.nunique() == 2


def test_nights_add_up_as_if_each_were_a_stratum():
    rng = np.random.default_rng(12)
    nights = [decided(rng, 2_000, offered=0.6).assign(value_at_risk=1.0) for _ in range(3)]
    apart = compare(pd.concat([tally(night, ["region"]) for night in nights]), TOLERANCE)
    marked = pd.concat([night.assign(reason=night["reason"] + str(at)) for at, night in enumerate(nights)])
    pd.testing.assert_frame_equal(apart, compare(tally(marked, ["region"]), TOLERANCE))


def test_numbers_are_compared_by_quarters_and_what_is_missing_is_a_group():
    ages = pd.DataFrame({"age": [20.0, 30, 40, 50, 60, 70, 80, 90, 91, np.nan, 93, 94], "band": ["a", None] * 6})
    groups = in_groups(ages, ["age", "band"])
    assert groups["age"].tolist()[:3] + groups["age"].tolist()[9:10] == ["20 to 30", "20 to 30", "40 to 60", "unknown"]
    assert set(groups["band"]) == {"a", "unknown"}


def test_every_verdict_is_said_in_words():
    found = compare(tally(decided(np.random.default_rng(2), 12_000, offer_price=0.65), ["region"]), TOLERANCE)
    told = with_sentences(found, "EUR").set_index(["scope_value", "measure"])
    flagged = told.loc[("south", "offer_price"), "sentence"]
    assert flagged.startswith("region south, mean price of what is offered: EUR ")
    assert flagged.endswith("a difference that neither risk, reason, value nor chance explains.")
    alike = told.loc[told["verdict"] == ALIKE, "sentence"]
    assert len(alike) > 1
    assert alike.str.endswith("no large difference.").all()
