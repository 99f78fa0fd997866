"""Pictures of a churn model for MLflow: is it calibrated, what does it lift, what does it look at."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.metrics import Numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10
SHOWN_FEATURES = 20


def calibration_plot(outcome: Numbers, probability: Numbers) -> "Figure":
    """Observed share by tenth of the predicted probability, with 95 % intervals (normal, of a share)."""
    figure = _figure(5, 5)
    axes = figure.subplots()
    tenths = _tenths(outcome, probability)
    error = 1.96 * np.sqrt(tenths["observed"] * (1 - tenths["observed"]) / tenths["count"])
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.errorbar(tenths["expected"], tenths["observed"], yerr=error, fmt="o-", capsize=3)
    limit = float(max(tenths["expected"].max(), (tenths["observed"] + error).max())) * 1.05 or 1.0
    axes.set(xlim=(0, limit), ylim=(0, limit), xlabel="predicted probability", ylabel="share that left")
    axes.set_title("Calibration by tenths")
    return figure


def lift_plot(outcome: Numbers, probability: Numbers, rival: Numbers) -> "Figure":
    """Share of all leavers found among the first so many of the list; the diagonal is chance."""
    figure = _figure(5, 5)
    axes = figure.subplots()
    share = np.arange(1, len(outcome) + 1) / len(outcome)
    for name, values in (("model", probability), ("recency, frequency, value", rival)):
        found = np.cumsum(outcome[np.argsort(-values, kind="stable")]) / max(1.0, outcome.sum())
        axes.plot(share, found, label=name)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of customers, riskiest first", ylabel="share of leavers found")
    axes.set_title("Lift")
    axes.legend(loc="lower right")
    return figure


def importance_plot(importance: pd.Series) -> "Figure":
    """Share of the total gain of the strongest features."""
    shown = (importance / importance.sum()).head(SHOWN_FEATURES)[::-1]
    figure = _figure(7, 0.5 + 0.28 * len(shown))
    axes = figure.subplots()
    axes.barh(shown.index.astype(str), shown.to_numpy())
    axes.set_xlabel("share of gain")
    axes.set_title("What the model looks at")
    return figure


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure  # a second; only where something is drawn

    return Figure(figsize=(width, height))


def _tenths(outcome: Numbers, probability: Numbers) -> pd.DataFrame:
    rank = pd.Series(probability).rank(method="first", pct=True)
    tenth = (rank * BINS).apply(np.ceil)
    rows = pd.DataFrame({"expected": probability, "observed": outcome}).groupby(tenth)
    return rows.mean().assign(count=rows.size())
