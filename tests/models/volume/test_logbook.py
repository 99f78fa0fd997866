"""What is logged of a night's forecast bears every name that a company gives its queues."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from models.tracking import track
from models.volume.logbook import EXPERIMENT, metric_name, picture

QUEUES = ["sales", ".", "..", "a/b", "קול", "שלם", "x" * 300, "$x^$"]


def test_every_queue_has_a_metric_of_its_own_that_mlflow_takes(tmp_path: Path) -> None:
    names = {metric_name(queue, "1-3") for queue in QUEUES}
    assert len(names) == len(QUEUES)
    assert "wape/sales/1-3" in names
    with track(f"sqlite:///{tmp_path / 'mlflow.db'}", EXPERIMENT, "names") as run:
        run.log_metrics(dict.fromkeys(names, 0.1))


@pytest.mark.parametrize("queue", QUEUES)
def test_every_queue_can_be_drawn(queue: str) -> None:
    days = [date(2026, 3, 2) + timedelta(day) for day in range(3)]
    picture(pd.DataFrame({"local_on": days, "queue": queue, "contacts": 1.0})).canvas.draw()
