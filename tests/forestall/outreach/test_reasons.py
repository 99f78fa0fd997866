import pandas as pd

from forestall.outreach.reasons import main_reasons, told_reasons


def reasons(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "place", "feature", "contribution", "sentence"])


def test_the_group_that_pushes_most_is_the_reason(playbook):
    found = main_reasons(
        reasons(
            ("c1", 1, "wait_time_s_max_90d", 0.5, "a"),
            ("c1", 2, "complaint_count_30d", 0.3, "b"),
            ("c1", 3, "unresolved_count_30d", 0.3, "c"),
            ("c2", 1, "tenure_days", 0.9, "d"),
            ("c2", 2, "wait_time_s_max_90d", 0.1, "e"),
            ("c3", 1, "wait_time_s_max_90d", -0.5, "f"),
        ),
        playbook,
    )
    # .3 + .3 of one group is more than .5 of another; a feature of no group counts for the default
    assert found.to_dict() == {"c1": "trouble", "c2": "default"}


def test_of_equal_groups_the_playbooks_first_is_taken(playbook):
    rows = reasons(("c1", 1, "wait_time_s_max_90d", 0.5, "a"), ("c1", 2, "complaint_count_30d", 0.5, "b"))
    assert main_reasons(rows, playbook)["c1"] == "trouble"


def test_the_three_strongest_sentences_are_told_in_order():
    rows = reasons(
        ("c1", 3, "x", 0.1, "third"), ("c1", 1, "x", 0.4, "first"), ("c1", 2, "x", 0.2, "second"),
        ("c1", 4, "x", 0.05, "fourth"), ("c2", 1, "x", -0.1, "keeps"), ("c3", 1, "x", 0.2, None),
    )  # fmt: skip
    assert told_reasons(rows).to_dict() == {"c1": "first | second | third"}


def test_no_reasons_at_all(playbook):
    assert main_reasons(reasons(), playbook).empty
    assert told_reasons(reasons()).empty
