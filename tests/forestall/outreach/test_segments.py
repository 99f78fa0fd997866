"""Rules into segments: order, unknown facts, lines by share and by money, and mistakes with their line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from forestall.outreach.segments import FACTS, TEMPLATE, SegmentRules, classify, load_segments, segment_summary
from forestall.settings import ConfigError

SHIPPED = SegmentRules.model_validate(yaml.safe_load(TEMPLATE.read_text(encoding="utf-8")))


def customers(**columns):
    count = max(len(values) for values in columns.values())
    return pd.DataFrame({"customer_id": [f"c{number}" for number in range(count)], **columns})


def rules(lifecycle=None, **value):
    by = {"by": ["monthly_margin"], "segments": {"all": {}}}
    return SegmentRules.model_validate({"lifecycle": lifecycle or {"all": {}}, "value": by | value})


def test_the_first_stage_that_fits_holds():
    rows = customers(
        is_under_notice=[True, False, False, False, False, False],
        tenure_days=[10, 89, 90, 400, 400, 400],
        days_to_renewal=[5, 5, 30, 31, None, None],
        days_since_last_activity=[0, 0, 0, 60, 59, None],
    )
    found = classify(rows, SHIPPED)
    assert found["lifecycle_stage"].tolist() == [
        "under_notice", "new", "at_renewal", "dormant", "settled", "dormant",
    ]  # fmt: skip
    assert found["customer_id"].tolist() == rows["customer_id"].tolist()


def test_a_fact_that_nobody_tells_makes_nobody_anything():
    """A company without activity has no dormant customers, though `or_unknown` stands in the rule."""
    assert set(classify(customers(tenure_days=[400, 500]), SHIPPED)["lifecycle_stage"]) == {"settled"}
    silent = customers(tenure_days=[400, 500], days_since_last_activity=[np.nan, np.nan])
    assert set(classify(silent, SHIPPED)["lifecycle_stage"]) == {"settled"}


def test_words_and_truths_may_be_asked_for():
    asked = rules({"pro": {"plan": {"one_of": ["pro"]}, "is_contacted_recently": {"equals": False}}, "rest": {}})
    rows = customers(plan=["pro", "pro", "basic", None], is_contacted_recently=[False, True, False, False])
    assert classify(rows, asked)["lifecycle_stage"].tolist() == ["pro", "rest", "rest", "rest"]


def test_shares_take_the_top_and_whoever_has_as_much():
    shares = rules(segments={"high": {"top_share": 0.2}, "middle": {"top_share": 0.6}, "low": {}})
    margins = [float(margin) for margin in range(1, 11)]
    found = classify(customers(monthly_margin=[*margins, None]), shares)["value_segment"]
    assert found.value_counts().to_dict() == {"high": 2, "middle": 4, "low": 4, "unknown": 1}
    assert (found[8:10] == "high").all()
    tied = classify(customers(monthly_margin=[5.0] * 6 + [1.0] * 4), shares)["value_segment"]
    assert tied.value_counts().to_dict() == {"high": 6, "low": 4}


def test_lines_in_money_are_reached_by_who_has_as_much():
    lines = rules(segments={"high": {"at_least": 50}, "low": {}})
    assert classify(customers(monthly_margin=[50.0, 49.99]), lines)["value_segment"].tolist() == ["high", "low"]


def test_worth_is_the_first_measure_that_anyone_has():
    lines = rules(by=["monthly_margin", "activity_value_365d"], segments={"high": {"at_least": 50}, "low": {}})
    rows = customers(monthly_margin=[None, None], activity_value_365d=[80.0, 10.0])
    assert classify(rows, lines)["value_segment"].tolist() == ["high", "low"]
    assert set(classify(rows[["customer_id"]], lines)["value_segment"]) == {"unknown"}


def test_nobody_is_in_no_segment():
    assert classify(customers(tenure_days=[]), SHIPPED).empty


def test_without_a_file_the_shipped_rules_hold_and_a_file_of_ones_own_wins(company):
    settings = company("")
    assert load_segments(settings) == SHIPPED
    (settings.root / "segments.yml").write_text(
        "lifecycle: {all: {}}\nvalue: {by: [monthly_value], segments: {all: {}}}\n"
    )
    assert list(load_segments(settings).lifecycle) == ["all"]


VALUE = "value: {by: [monthly_margin], segments: {all: {}}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lifecycle:\n  new:\n    tenure_day: {below: 9}\n  rest: {}\n" + VALUE, "3: .*`tenure_day`.*tenure_days"),
        ("lifecycle:\n  new:\n    tenure_days: {equals: true}\n  rest: {}\n" + VALUE, "3: .*takes at_least or below"),
        ("lifecycle:\n  new:\n    tenure_days: {}\n  rest: {}\n" + VALUE, "3: .*takes at_least or below"),
        ("lifecycle:\n  new:\n    tenure_days: {under: 9}\n  rest: {}\n" + VALUE, "3: .*under"),
        ("lifecycle:\n  new:\n    tenure_days: {below: soon}\n  rest: {}\n" + VALUE, "3: .*below"),
        ("lifecycle:\n  new: {}\n  rest: {}\n" + VALUE, "2: .*no condition"),
        ("lifecycle:\n  new:\n    tenure_days: {below: 9}\n" + VALUE, "2: .*is the last"),
        ("lifecycle: {all: {}}\nvalue:\n  by: [plan]\n  segments: {all: {}}\n", "3: .*takes one_of"),
        ("lifecycle: {all: {}}\nvalue:\n  by: [monthly_margin]\n  segments: {a: {top_share: 0.5}}\n", "4: .*the last"),
        ("lifecycle: {all: {}}\nvalue:\n  by: [monthly_margin]\n  segments:\n    a: {top_share: 0.6}\n"
         "    b: {top_share: 0.2}\n    c: {}\n", "4: .*top_share rises"),
        ("lifecycle: {all: {}}\nvalue:\n  by: [monthly_margin]\n  segments:\n    a: {top_share: 0.6}\n"
         "    b: {at_least: 2}\n    c: {}\n", "4: .*one line"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(company, text, told):
    settings = company("")
    (Path(settings.root) / "segments.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"segments.yml:{told}"):
        load_segments(settings)


def test_every_fact_is_a_column_that_the_night_builds():
    assert FACTS["tenure_days"] == "number"
    assert FACTS["is_under_notice"] == "yes_or_no"
    assert FACTS["plan"] == "text"
    assert not {"customer_id", "attributes", "account_id"} & set(FACTS)


def test_the_summary_adds_up_customers_risk_and_list():
    """c2 is under notice and has no score; c3 refused profiling, and is on the list and in no segment."""
    segments = pd.DataFrame({
        "customer_id": ["c0", "c1", "c2"], "lifecycle_stage": ["settled", "settled", "under_notice"],
        "value_segment": "high",
    })  # fmt: skip
    scores = pd.DataFrame(
        {"customer_id": ["c0", "c1"], "churn_probability": [0.1, 0.3], "monthly_margin": [10.0, 20.0]}
    )
    listed = pd.DataFrame({"customer_id": ["c1", "c2", "c3"], "expected_value": [5.0, 7.0, 9.0]})
    found = segment_summary(segments, scores, listed).set_index(["lifecycle_stage", "value_segment"])
    settled, leaving = found.loc[("settled", "high")], found.loc[("under_notice", "high")]
    assert (settled["customer_count"], settled["scored_count"], settled["listed_count"]) == (2, 2, 1)
    assert settled["churn_probability"] == pytest.approx(0.2)
    assert settled["expected_leavers"] == pytest.approx(0.4)
    assert (settled["monthly_margin"], settled["margin_at_risk"], settled["listed_value"]) == (30.0, 7.0, 5.0)
    assert (leaving["customer_count"], leaving["scored_count"], leaving["listed_value"]) == (1, 0, 7.0)
    assert np.isnan(leaving["churn_probability"])
    assert np.isnan(leaving["margin_at_risk"])
    assert segment_summary(segments.iloc[:0], scores.iloc[:0], listed.iloc[:0]).empty
