import numpy as np
import pandas as pd

from models.churn.design import Design, learn_design

KINDS = {
    "visits": "number",
    "is_new": "boolean",
    "plan": "category",
    "empty": "number",
    "same": "number",
    "gone": "number",
}
ROWS = pd.DataFrame({
    "visits": [1, 2, None], "is_new": [True, False, None], "plan": ["b", "a", None],
    "empty": [None, None, None], "same": [4, 4, 4], "is_churned_90d": [0, 1, 0],
})  # fmt: skip


def test_only_declared_columns_that_say_something_enter() -> None:
    assert learn_design(ROWS, KINDS).names == ("visits", "is_new", "plan")


def test_a_column_known_of_some_says_something_even_if_it_is_one_value() -> None:
    rows = pd.DataFrame({"visits": [3.0, None], "plan": ["a", None]})
    assert learn_design(rows, KINDS).names == ("visits", "plan")


def test_unseen_words_nulls_and_missing_columns_are_null() -> None:
    design = learn_design(ROWS, KINDS)
    matrix = design.matrix(pd.DataFrame({"plan": ["a", "never seen", None, "b"], "visits": [7, None, 1, 2]}))
    assert matrix.tolist()[0][::2] == [7, 0]
    assert np.isnan(matrix[:, 1]).all()
    assert np.isnan(matrix[[1, 2], 2]).all()
    assert matrix[3, 2] == 1


def test_it_survives_json() -> None:
    design = learn_design(ROWS, KINDS)
    assert Design.from_dict(design.as_dict()) == design
    assert design.categories == [2]
