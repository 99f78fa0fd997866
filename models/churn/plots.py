"""Pictures of a churn model that a business person can read: is it right, whom does it find, what would a list earn."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from models.churn.profit import STANDARD, profit_curve
from models.metrics import Numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 10
SHOWN_FEATURES = 20
MOST_POINTS = 1000  # of a curve
Place = Literal["upper left", "lower right", "lower left"]
Said = Mapping[str, Numbers]  # probabilities by model, ours first


def calibration_plot(outcome: Numbers, said: Said) -> "Figure":
    """Observed share by tenth of the predicted probability; for the first model with 95 % intervals (Wilson's)."""
    figure, axes = _axes()
    most = 0.0
    for position, (name, probability) in enumerate(said.items()):
        tenths = _tenths(outcome, probability)
        low, high = _wilson(tenths["observed"].to_numpy(), tenths["count"].to_numpy())
        if position == 0:
            error = np.clip([tenths["observed"] - low, high - tenths["observed"]], 0, None)
            line = axes.plot(tenths["expected"], tenths["observed"], "o-", label=name, zorder=3)[0]
            axes.errorbar(tenths["expected"], tenths["observed"], error, fmt="none", capsize=3, ecolor=line.get_color())
            most = float(high.max())
        else:
            axes.plot(tenths["expected"], tenths["observed"], ".--", linewidth=1, label=name)
        most = max(most, float(tenths[["expected", "observed"]].to_numpy().max()))
    limit = min(1.0, most * 1.05) or 1.0
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.set(xlim=(0, limit), ylim=(0, limit), xlabel="said: will leave", ylabel="came: share that left")
    _in_percent(axes)
    told = "Each point is a tenth of the customers; on the line it came exactly so,\nabove it more left than was said."
    return _titled(figure, axes, "Does it come as it was said?", told, "upper left")


def lift_plot(outcome: Numbers, said: Said) -> "Figure":
    """Share of all leavers found among the first so many of the list; the diagonal is chance."""
    figure, axes = _axes()
    for name, probability in said.items():
        found = np.concatenate([[0.0], np.cumsum(outcome[np.argsort(-probability, kind="stable")])])
        axes.plot(*_thinned(found / max(1.0, outcome.sum())), label=name)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="customers called, riskiest first", ylabel="leavers found among them")
    _in_percent(axes)
    told = "The grey line is a list by chance: half of the leavers in half of the customers."
    return _titled(figure, axes, "How many leavers are on the list?", told, "lower right")


def profit_plot(outcome: Numbers, said: Said) -> "Figure":
    """Profit per customer of lists of every length, at the standard assumptions; the best length is marked.

    Lists that lose more than the best one earns are cut off: most companies should call few, and there it counts.
    """
    figure, axes = _axes()
    curves = {name: _thinned(profit_curve(outcome, probability)) for name, probability in said.items()}
    most = max(float(profit.max()) for _, profit in curves.values())
    if most > 0:
        seen = max(float(share[profit > -most].max()) for share, profit in curves.values())
        axes.set(xlim=(0, seen), ylim=(-most, 1.25 * most))
    for name, (share, profit) in curves.items():
        line = axes.plot(share, profit, label=name)[0]
        best = int(profit.argmax())
        axes.plot(share[best], profit[best], "o", color=line.get_color())
    axes.axhline(0, color="0.7", linewidth=1)
    axes.set(xlabel="customers called, riskiest first", ylabel="profit per customer of the company")
    _in_percent(axes, only_x=True)
    told = (
        f"Assumed, not measured: a customer is worth {STANDARD.customer_value:g}, a call costs "
        f"{STANDARD.contact_cost:g},\nan offer {STANDARD.offer_cost:g}, {STANDARD.accepted_share:.0%} of the leavers "
        "called accept. Dots: the best length."
    )
    return _titled(figure, axes, "What would a list earn?", told, "lower left")


def importance_plot(importance: pd.Series) -> "Figure":
    """What part of what the model goes by is that of the strongest features."""
    shown = (importance / importance.sum()).head(SHOWN_FEATURES)[::-1]
    figure, axes = _axes(7, 0.8 + 0.28 * len(shown))
    axes.barh(shown.index.astype(str), shown.to_numpy())
    axes.set_xlabel("share")
    axes.set_title("What the model looks at")
    return figure


def _axes(width: float = 6, height: float = 5.6) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure  # a second; only where something is drawn

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _titled(figure: "Figure", axes: "Axes", title: str, told: str, place: Place) -> "Figure":
    axes.set_title(told, fontsize=9, color="0.35", loc="left")
    figure.suptitle(title, x=0.02, ha="left")
    axes.legend(loc=place, fontsize=9)
    return figure


def _in_percent(axes: "Axes", *, only_x: bool = False) -> None:
    from matplotlib.ticker import PercentFormatter

    for axis in (axes.xaxis,) if only_x else (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))


def _thinned(curve: Numbers) -> tuple[Numbers, Numbers]:
    """A curve over the share of customers, from nobody to all, in at most `MOST_POINTS`."""
    places = np.unique(np.linspace(0, len(curve) - 1, MOST_POINTS).astype(np.int64))
    return places / max(1, len(curve) - 1), curve[places]


def _tenths(outcome: Numbers, probability: Numbers) -> pd.DataFrame:
    rank = pd.Series(probability).rank(method="first", pct=True)
    tenth = (rank * BINS).apply(np.ceil)
    rows = pd.DataFrame({"expected": probability, "observed": outcome}).groupby(tenth)
    return rows.mean().assign(count=rows.size())


def _wilson(share: Numbers, count: Numbers) -> tuple[Numbers, Numbers]:
    """95 % interval of a share (Wilson 1927): 0 of 10 is 0 to .278, where the normal one is a point."""
    z = 1.96
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return np.asarray(middle - half), np.asarray(middle + half)
