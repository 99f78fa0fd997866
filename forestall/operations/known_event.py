"""What an event of a name would do to the forecast of some days, by what it has done before."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.phrases import counted
from forestall.settings import ConfigError
from models.volume.accuracy import LEAD_BUCKETS, bucket_of
from models.volume.effects import LEAST_FACTOR
from models.volume.marks import event_mark
from models.volume.params import volume_params


@dataclass(frozen=True)
class KnownEvent:
    """An event that the night has learned of.

    Attributes:
        name: of the event.
        first_on: its first day.
        last_on: its last day; its effect on the days after it follows.
    """

    name: str
    first_on: date
    last_on: date

    def factors(self, rows: pd.DataFrame, effects: pd.DataFrame, methods: pd.DataFrame) -> NDArray[np.float64]:
        """How many times the forecast of each row it would be, once a night knew of the event.

        What does little moves the daily model alone, so a row as far as that counts in it; the rest moves all methods.

        Args:
            rows: of `volume_forecast`.
            effects: `mark_effects` of the night.
            methods: `forecast_methods` of the night.
        """
        days_after = (pd.to_datetime(rows["local_on"]) - pd.Timestamp(self.last_on)).dt.days
        is_due = pd.to_datetime(rows["local_on"]) >= pd.Timestamp(self.first_on)
        mark = days_after.clip(lower=0).map(lambda days: event_mark(self.name, days)).where(is_due, "")
        bucket = np.array(LEAD_BUCKETS)[bucket_of(rows["lead_days"].to_numpy())]
        known = effects.set_index(["queue", "mark"])["effect"].astype(float)
        share = methods.set_index(["queue", "lead_bucket"])["weight_prophet"].astype(float)
        effect = known.reindex(pd.MultiIndex.from_arrays([rows["queue"], mark])).fillna(0.0).to_numpy()
        weight = share.reindex(pd.MultiIndex.from_arrays([rows["queue"], bucket])).fillna(1.0).to_numpy()
        moved = np.maximum(1 + effect, LEAST_FACTOR) - 1
        is_strong = np.abs(moved) >= volume_params().rival.least_lift
        return np.asarray(1 + np.where(is_strong, 1.0, weight) * moved)

    def told(self, effects: pd.DataFrame, queues: tuple[str, ...]) -> list[str]:
        """One line: what it does to each queue asked about.

        Raises:
            ConfigError: no event of that name has been felt by any queue.
        """
        events = effects[effects["mark"].str.startswith(event_mark(""))]
        rows = events[events["mark"] == event_mark(self.name)]
        if rows.empty:
            names = events["mark"].str.removeprefix(event_mark(""))
            known = sorted(set(names[names == events["description"]]))  # days after them are described otherwise
            raise ConfigError(
                f"what-if: no event {self.name} has passed, so nobody knows its effect (--volume takes a guess); "
                f"known: {', '.join(known) or 'none'}"
            )
        own = rows[rows["queue"].isin(queues)]
        parts = [
            f"{row['queue']} {row['effect']:+.0%} (seen on {counted(row['days_seen'], 'day')})"
            for row in own.sort_values("queue").to_dict("records")
        ]
        return [f"{self.name}, on a day without other marks: {', '.join(parts) or 'none of these queues feels it'}"]
