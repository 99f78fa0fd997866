"""One MLflow run for each uplift model that was tried: how it was judged, whether it is used and why, and its files.

A trial is found again by the outcomes that it was made from, so that a night without new ones trains nothing.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from models.provenance import code_version
from models.tracking import TrackingError, Version, model_files, register, track, versions
from models.uplift.params import MODEL, UpliftParams

if TYPE_CHECKING:
    from models.uplift.learner import UpliftModel

VERDICT = "verdict"  # the tag that keeps what was decided


def log_trial(
    uri: str,
    run_date: date,
    outcomes_version: str,
    model: "UpliftModel",
    verdict: Mapping[str, Any],
    chances: pd.DataFrame,
    params: UpliftParams,
) -> Version:
    """Log a trial and register its model.

    Args:
        uri: MLflow's.
        run_date: the night of the look.
        outcomes_version: hash of the outcomes that it was made from.
        model: what was trained.
        verdict: figures, `is_used` and `reason`, as JSON can hold them.
        chances: of actions and segments on that night.
        params: of the repository.
    """
    tags = {
        "run_date": run_date.isoformat(),
        "data_version": outcomes_version,
        "code_version": code_version(),
        VERDICT: json.dumps(dict(verdict), sort_keys=True),
    }
    said = {name: value for name, value in verdict.items() if not isinstance(value, int | float)}
    figures = {name: float(value) for name, value in verdict.items() if isinstance(value, int | float)}
    with track(uri, MODEL, f"uplift {run_date}", tags=tags | said, params={"trust": model.trust}) as run:
        run.log_json("params.json", params.model_dump())
        run.log_metrics(figures)
        run.log_table("save_chances.parquet", chances)
        run.log_json("importance.json", model.importance().head(30).round(4).to_dict())
        # The verdict is the version's own: the same model tried on other outcomes is another version.
        return register(
            run, MODEL, {**model.to_files(), "trial.json": json.dumps({"outcomes": outcomes_version})}, tags
        )


def find_trial(uri: str, outcomes_version: str) -> Version | None:
    """The newest trial made from these outcomes; None where there was none."""
    same = [version for version in versions(uri, MODEL) if version.tags.get("data_version") == outcomes_version]
    return same[-1] if same else None


def verdict_of(version: Version) -> dict[str, Any]:
    """What was decided of a trial."""
    verdict: dict[str, Any] = json.loads(version.tags[VERDICT])
    return verdict


def read_uplift(uri: str, label: str) -> "UpliftModel":
    """The model of a version's label, such as `uplift/3`.

    Raises:
        TrackingError: there is no such version, or its files are gone.
    """
    from models.uplift.learner import UpliftModel

    found = next((version for version in versions(uri, MODEL) if version.label == label), None)
    if found is None:
        raise TrackingError(f"{label}: there is no such version; restore a backup, or run measure_outreach again")
    return UpliftModel.from_files(model_files(uri, found))
