"""The benchmark of the churn model runs at any size, and measures work that really learns."""

import json
from pathlib import Path

from benchmarks.churn import WORK, frame
from features.columns import features


def test_each_work_and_its_bare_counterpart_run(tmp_path: Path) -> None:
    for do in WORK.values():  # in order: the first leaves the model that the others use
        do(150, tmp_path)()
    model = json.loads(json.loads((tmp_path / "model.json").read_text())["churn_model.json"])
    assert model["kind"] == "lightgbm"
    assert sorted(model["grown"]) == [30, 60, 90]


def test_its_customers_have_the_columns_of_a_night() -> None:
    assert {column.name for column in features()} <= set(frame(10, 1))
