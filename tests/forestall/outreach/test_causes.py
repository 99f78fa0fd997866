"""How many more left: by hand, against the risk difference of one stratum, and over many simulated companies."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forestall.outreach.causes import ALIKE, LEAST_COMPARED, churn_causes, excess_risk, named

ALONE = {"segment": "home", "tenure_band": "longer"}


def counted(exposed, others):
    """One topic and one stratum: (customers, leavers) with it and without it."""
    with_it = {**ALONE, "topic": "fault", "product": "all", "other_band": 0, "total_band": 1}
    mine = pd.DataFrame([{**with_it, "customer_count": exposed[0], "left_count": exposed[1]}])
    everybody = pd.DataFrame(
        [{**ALONE, "total_band": band, "customer_count": count, "left_count": left}
         for band, (count, left) in enumerate((others, exposed))]
    )  # fmt: skip
    return mine, everybody


def test_one_stratum_is_the_difference_of_two_shares():
    row = excess_risk(*counted((100, 20), (1000, 100))).iloc[0]
    assert row["excess_risk"] == pytest.approx(0.1)
    deviation = np.sqrt(0.2 * 0.8 / 100 + 0.1 * 0.9 / 1000)
    reach = stats.norm.ppf(0.975) * deviation
    assert row["excess_high"] - row["excess_risk"] == pytest.approx(reach, rel=0.02)
    assert row["excess_risk"] - row["excess_low"] == pytest.approx(reach, rel=0.02)
    assert row["compared_count"] == 100


def test_who_had_the_topic_is_no_counterpart():
    """All contacts of the exposed put them into the band of other customers' contacts about other things."""
    with_it = {**ALONE, "topic": "fault", "product": "all", "other_band": 1, "total_band": 1}
    mine = pd.DataFrame([{**with_it, "customer_count": 100, "left_count": 50}])
    everybody = pd.DataFrame([{**ALONE, "total_band": 1, "customer_count": 300, "left_count": 70}])
    assert excess_risk(mine, everybody)["excess_risk"].iloc[0] == pytest.approx(0.5 - 20 / 200)


def test_too_few_are_not_judged_and_a_stratum_without_a_counterpart_is_left_out():
    for exposed, others in (((LEAST_COMPARED - 1, 20), (1000, 100)), ((100, 2), (1000, 5))):
        assert excess_risk(*counted(exposed, others))[["excess_risk", "excess_low", "excess_high"]].isna().all().all()
    assert excess_risk(*counted((100, 20), (0, 0))).empty
    mine, everybody = counted((100, 20), (1000, 100))
    assert excess_risk(mine.iloc[:0], everybody).empty


def company(rng, count=3000, excess=0.0):
    """Business customers and who calls much leave more and call more about faults; the topic adds `excess`."""
    is_business = rng.random(count) < 0.3
    others = rng.choice(4, count, p=[0.4, 0.3, 0.2, 0.1])
    has_topic = rng.random(count) < 0.05 + 0.15 * is_business + 0.1 * others
    risk = 0.05 + 0.15 * is_business + 0.05 * others + excess * has_topic
    people = pd.DataFrame({
        "segment": np.where(is_business, "business", "home"), "tenure_band": "longer", "other_band": others,
        "total_band": np.minimum(others + has_topic, 3), "topic": "fault", "product": "all", "has_topic": has_topic,
        "customer_count": 1, "left_count": (rng.random(count) < risk).astype(int),
    })  # fmt: skip
    counts = ["customer_count", "left_count"]
    mine = people[has_topic].groupby(["topic", "product", *ALIKE, "other_band", "total_band"])[counts].sum()
    return mine.reset_index(), people.groupby([*ALIKE, "total_band"])[counts].sum().reset_index(), people


def test_what_segment_and_other_contacts_explain_is_no_excess_and_intervals_cover():
    """200 companies each: of 95 % intervals 190 cover, give or take 9 (three standard deviations)."""
    for excess in (0.0, 0.08):
        rng, estimates, covered, crude = np.random.default_rng(7), [], 0, []
        for _ in range(200):
            mine, everybody, people = company(rng, excess=excess)
            row = excess_risk(mine, everybody).iloc[0]
            estimates.append(row["excess_risk"])
            covered += row["excess_low"] <= excess <= row["excess_high"]
            shares = people.groupby("has_topic")["left_count"].mean()
            crude.append(shares[True] - shares[False])
        assert np.mean(estimates) == pytest.approx(excess, abs=0.005)
        assert np.mean(crude) > excess + 0.05  # so there was something to adjust for
        assert 181 <= covered <= 199


def test_intervals_of_several_topics_hold_for_all_at_once():
    mine, everybody = counted((100, 20), (1000, 100))
    alone = excess_risk(mine, everybody).iloc[0]
    both = excess_risk(pd.concat([mine, mine.assign(topic="price")]), everybody)
    wider = (both["excess_high"] - both["excess_low"]) / (alone["excess_high"] - alone["excess_low"])
    assert wider.to_numpy() == pytest.approx(stats.norm.ppf(1 - 0.05 / 4) / stats.norm.ppf(0.975))


def tonight(**columns):
    usual = {"topic": "export", "product": "all", "contact_count": 1310, "customer_count": 120,
             "expected_leavers": 42.0, "leaver_variance": 25.0, "margin_at_risk": 777.4}  # fmt: skip
    return pd.DataFrame([usual | columns])


def excess_of(risk, low, high):
    return pd.DataFrame([{"topic": "export", "product": "all", "compared_count": 110, "excess_risk": risk,
                          "excess_low": low, "excess_high": high}])  # fmt: skip


@pytest.mark.parametrize(
    ("risk", "said"),
    [
        ((0.05, 0.01, 0.09), "; such customers left more often than customers alike (+5.0 points, +1.0 to +9.0)."),
        ((-0.05, -0.09, -0.01), "; such customers left less often than customers alike (-5.0 points, -9.0 to -1.0)."),
        ((0.05, -0.01, 0.11), "; such customers are not told apart from customers alike (+5.0 points, -1.0 to +11.0)."),
        ((None, None, None), "."),
    ],
)
def test_a_cause_in_words(risk, said):
    row = churn_causes(tonight(), excess_of(*risk).astype({"excess_risk": float}), 90, "EUR").iloc[0]
    assert row["sentence"] == (
        "export: 1,310 contacts of 120 customers, 42 of whom (32 to 52) are expected to leave within 90 days, "
        f"with EUR 777 of margin a month{said}"
    )


def test_ranges_keep_to_the_customers_there_are_and_excess_is_counted_in_customers():
    row = churn_causes(tonight(leaver_variance=1e6), excess_of(0.05, 0.01, 0.09), 90, "EUR").iloc[0]
    assert (row["leavers_low"], row["leavers_high"]) == (0, 120)
    assert row["excess_leavers"] == pytest.approx(6.0)
    assert row["excess_leavers_high"] == pytest.approx(10.8)
    nobody = churn_causes(tonight(margin_at_risk=np.nan), excess_of(0.05, 0.01, 0.09), 90, "EUR").iloc[0]
    assert "margin" not in nobody["sentence"]


def test_names():
    rows = pd.DataFrame({"topic": ["fault", "fault", "all"], "product": ["all", "Pro", "Pro"]})
    assert named(rows).tolist() == ["fault", "fault (Pro)", "Pro"]
