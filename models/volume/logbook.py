"""One MLflow run a night: parameters, how each queue's methods fared, all series as one file, a picture."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from models.tracking import track
from models.volume.accuracy import accuracy_rows
from models.volume.candidates import Candidates
from models.volume.forecast import Learned, apply
from models.volume.params import VolumeParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENT = "volume"


def log_forecast(
    uri: str, run_date: date, version: str, params: VolumeParams, tonight: Mapping[tuple[str, date], Candidates],
    scored: pd.DataFrame, learned: Learned, forecast: pd.DataFrame,
) -> None:  # fmt: skip
    """Log the night's forecast under `version`, the name that its published rows carry.

    The accuracy logged is that of the weights on the cutoffs that chose them (in sample): the ledger has
    the honest one.
    """
    flat = {
        f"{section}.{name}": value for section, values in params.model_dump().items() for name, value in values.items()
    }
    tags = {"run_date": run_date.isoformat(), "model_version": version, "params_hash": params.hash}
    with track(uri, EXPERIMENT, f"volume {run_date}", params=flat, tags=tags) as run:
        if len(scored):
            accuracy = accuracy_rows(apply(scored, learned), 0, "backtest")
            run.log_table("backtest_accuracy.csv", accuracy)
            named = accuracy.dropna(subset=["wape"])
            names = map(metric_name, named["queue"], named["lead_bucket"])
            run.log_metrics(dict(zip(names, named["wape"], strict=True)))
        run.log_json("prophet.json", {queue: found.model for (queue, _), found in tonight.items() if found.model})
        run.log_figure("forecast.png", picture(forecast))


def picture(forecast: pd.DataFrame) -> "Figure":
    """Contacts a day of each queue over the horizon."""
    from matplotlib.figure import Figure

    days = forecast.pivot_table(index="local_on", columns="queue", values="contacts", aggfunc="sum")
    figure = Figure(figsize=(9, 1.2 + 1.3 * len(days.columns)))
    axes = figure.subplots(len(days.columns), 1, sharex=True, squeeze=False)[:, 0]
    for panel, queue in zip(axes, days.columns, strict=True):
        panel.plot(pd.to_datetime(days.index), days[queue], linewidth=1.2)
        panel.set_ylabel(str(queue), rotation=0, ha="right", fontsize=8, parse_math=False)
        panel.set_ylim(bottom=0)
    axes[0].set_title("Contacts a day", fontsize=10)
    figure.autofmt_xdate()
    return figure


def metric_name(queue: str, lead_bucket: str) -> str:
    """The name under which MLflow keeps a queue's error.

    It allows letters, digits and `_-. ` in a part of a name, which may not be dots alone, nor long: a
    queue that is called otherwise is told from the others by a hash.
    """
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_-. ") else "_" for sign in queue[:100])
    if plain != queue or not queue.strip("."):
        plain += f"-{hashlib.sha256(queue.encode()).hexdigest()[:8]}"
    return f"wape/{plain}/{lead_bucket}"
