"""The rows of the requirement for work that may wait: where it goes, and who does it.

Work is placed at its mean: over the hours it may wait, chance evens out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.staffing.deferred import Placement, Waiting, place, place_whole
from forestall.staffing.plan_notes import notes_of_closure, notes_of_deferred
from forestall.staffing.standards import QueueStandard

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placer:
    """Places the work of deferred queues.

    Attributes:
        queues: standards.
        lost: shrinkage by queue.
        backlog: open contacts at the start, by queue.
        interval_s: length of an interval.
        begins_at: of `plan_requirement`.
        at_work: of `plan_requirement`.
    """

    queues: Mapping[str, QueueStandard]
    lost: Mapping[str, float]
    backlog: Mapping[str, float]
    interval_s: int
    begins_at: datetime | None
    at_work: Mapping[str, int]

    def shrinkage(self, rows: pd.DataFrame) -> "pd.Series[float]":
        return rows["queue"].map(self.lost).astype(float)

    def whole(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """The fewest whole agents to schedule, in long stretches."""

        def placed(queue: str, waiting: Waiting) -> tuple[Placement, Floats]:
            agent_s = self.interval_s * self.queues[queue].occupancy_cap * (1 - self.lost[queue])
            found = place_whole(waiting, agent_s, self.at_work.get(queue))
            return found, found.agents.astype(np.float64)

        return self._placed(frame, placed)

    def evenly(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Whole agents who must be working, with the work spread evenly."""

        def placed(queue: str, waiting: Waiting) -> tuple[Placement, Floats]:
            found = place(waiting)
            return found, self._working(queue, found.work_s) / (1 - self.lost[queue])

        return self._placed(frame, placed)

    def _placed(
        self, frame: pd.DataFrame, way: Callable[[str, Waiting], tuple[Placement, Floats]]
    ) -> tuple[pd.DataFrame, list[str]]:
        """Rows of the plan, `agents_gross` included, and lines; by placement and agents to schedule of each queue."""
        plans, notes = [], list[str]()
        for name, rows in frame.groupby("queue", sort=True):  # a handful of queues, each a whole horizon of its own
            queue = str(name)
            waiting = self._waiting(rows, queue)
            placed, gross = way(queue, waiting)
            work = np.clip(placed.work_s, 0.0, None)
            load, agents = work / self.interval_s, self._working(queue, work)
            plans.append(rows[["queue", "interval_start_at", "local_on", "handle_time_s"]].assign(
                contacts=work / rows["handle_time_s"].to_numpy(float),
                offered_load=load,
                agents_net=agents,
                agents_alone=agents,
                agents_gross=gross,
                model="deferred",
                service_level=np.nan,
                asa_s=np.nan,
                abandonment=np.nan,
                occupancy=np.divide(load, agents, out=np.zeros_like(load), where=agents > 0),
            ))  # fmt: skip
            arriving_s = float(waiting.work_s.sum())
            notes += notes_of_deferred(queue, self.queues[queue], placed.late_s, arriving_s, work)
            notes += notes_of_closure(queue, rows)
        return pd.concat(plans, ignore_index=True) if plans else pd.DataFrame(), notes

    def _waiting(self, rows: pd.DataFrame, queue: str) -> Waiting:
        standard, handle_time = self.queues[queue], rows["handle_time_s"].to_numpy(float)
        return Waiting(
            rows["interval_start_at"].to_numpy("datetime64[s]").astype(np.int64),
            self.interval_s,
            rows["is_open"].to_numpy(bool),
            rows["contacts"].to_numpy(float) * handle_time,
            standard.first_response_s or self.interval_s,
            standard.clock,
            standard.catch_up_s,
            self.backlog.get(queue, 0.0) * float(handle_time[0]),
            int(self.begins_at.timestamp()) if self.begins_at else 0,
        )

    def _working(self, queue: str, work_s: Floats) -> NDArray[np.int64]:
        """Whole agents who do so much work in each interval, as busy as the standard allows."""
        busy = work_s / self.interval_s / self.queues[queue].occupancy_cap
        return np.ceil(np.round(busy, 9)).astype(np.int64)
