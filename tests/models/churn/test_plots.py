import numpy as np
import pandas as pd
import pytest

from models.churn.plots import _wilson, calibration_plot, importance_plot, lift_plot, profit_plot

OUTCOME = np.array([0.0, 1, 0, 1])
SAID = {"forestall": np.array([0.1, 0.9, 0.2, 0.8]), "rival": np.array([0.9, 0.1, 0.8, 0.2])}


def test_a_perfect_list_finds_all_leavers_first_and_earns_most_there() -> None:
    ours, rival, _ = lift_plot(OUTCOME, SAID).axes[0].lines
    assert ours.get_xydata().tolist() == [[0, 0], [0.25, 0.5], [0.5, 1], [0.75, 1], [1, 1]]
    assert rival.get_ydata().tolist() == [0, 0, 0, 0.5, 1]
    best = profit_plot(OUTCOME, SAID).axes[0].lines[1]
    assert best.get_xydata().tolist() == [[0.5, pytest.approx(2 * 56 / 4)]]


def test_pictures_name_all_models_and_say_what_is_assumed() -> None:
    for plot in (calibration_plot, lift_plot, profit_plot):
        assert [text.get_text() for text in plot(OUTCOME, SAID).axes[0].get_legend().get_texts()] == list(SAID)
    assert "30% of the leavers" in profit_plot(OUTCOME, SAID).axes[0].get_title(loc="left")


@pytest.mark.parametrize("outcome", [np.zeros(4), np.ones(4)])
def test_one_outcome_is_drawn_too(outcome: np.ndarray) -> None:
    assert all(len(plot(outcome, SAID).axes) == 1 for plot in (calibration_plot, lift_plot, profit_plot))


def test_the_interval_of_a_share() -> None:
    # Wilson's interval of 0 of 10 and of 5 of 10, as in Agresti and Coull (1998)
    low, high = _wilson(np.array([0.0, 0.5]), np.array([10.0, 10]))
    assert low == pytest.approx([0, 0.2366], abs=1e-3)
    assert high == pytest.approx([0.2775, 0.7634], abs=1e-3)


def test_the_strongest_feature_stands_on_top() -> None:
    labels = importance_plot(pd.Series({"a": 3.0, "b": 1.0})).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["b", "a"]
