"""The trained model: for each horizon trees, straight lines beside them and a calibration, kept as text.

Probabilities of a longer horizon are never below those of a shorter one. Where nothing could be
learned a model of base rates takes its place, says so in `kind`, and is used in the same way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit

from models.churn.calibration import Calibration
from models.churn.design import Design, Matrix
from models.churn.drift import Reference
from models.churn.linear import TREES_ALONE, Linear, Weights, blended
from models.metrics import Numbers

CONTACTED = "is_contacted_recently"  # a feature of its own: customers who were called are modelled as called
MAIN_FILE = "churn_model.json"


@dataclass(frozen=True)
class ChurnModel:
    """One model over all horizons.

    Attributes:
        kind: `lightgbm`, or `base_rate` where nothing could be learned.
        horizons: days, ascending.
        main_horizon: the one that lists are made by.
        design: the matrix's columns.
        boosters: trees by horizon; empty for base rates.
        calibrations: by horizon.
        about: what it was made from: as-of dates, rows, recipe, how it was calibrated.
        levels: by horizon, log odds added to what is said of who leaves: how many are expected to.
        reference: what the customers looked like that it learned from; None for base rates and models of old.
        linear: the straight lines, and what trees and lines weigh; None where trees speak
            alone: learned from many rows, or long ago; and for base rates.
    """

    kind: Literal["lightgbm", "base_rate"]
    horizons: tuple[int, ...]
    main_horizon: int
    design: Design
    boosters: Mapping[int, lgb.Booster]
    calibrations: Mapping[int, Calibration]
    about: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[int, float] = field(default_factory=dict)
    reference: Reference | None = None
    linear: Linear | None = None

    def predict(self, rows: pd.DataFrame, *, as_it_was: bool = False) -> dict[int, Numbers]:
        """Calibrated probability of leaving within each horizon, if nobody calls, in the order of `rows`.

        `as_it_was` leaves those who were called as called: for judging against what they did.
        """
        matrix = self.design.matrix(rows if as_it_was else if_nobody_calls(rows))
        lines = self.linear.log_odds(matrix) if self.linear is not None else {}
        probabilities = {h: self.calibrations[h](self._raw(matrix, h, lines)) for h in self.horizons}
        return in_order(probabilities, self.main_horizon)

    def _raw(self, matrix: Matrix, horizon: int, lines: Mapping[int, Numbers]) -> Numbers:
        if horizon not in self.boosters:
            return np.full(len(matrix), 0.5)
        if not len(matrix):
            return np.empty(0)
        trees = np.asarray(self.boosters[horizon].predict(matrix, raw_score=True, num_threads=1))
        said = blended(trees, lines[horizon], self._weights(horizon)) if horizon in lines else trees
        return np.asarray(expit(said + self.levels.get(horizon, 0.0)))

    def _weights(self, horizon: int) -> Weights:
        return self.linear.weights.get(horizon, TREES_ALONE) if self.linear is not None else TREES_ALONE

    def contributions(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the log odds of leaving within the main horizon; rows x features.

        LightGBM's own (Tree SHAP) and what the feature adds to the straight lines, each with its weight; they add
        up to the log odds before calibration less one number, the same for all.
        """
        names = list(self.design.names)
        if self.main_horizon not in self.boosters or rows.empty:
            return pd.DataFrame(0.0, index=rows.index, columns=names)
        matrix, weights = self.design.matrix(if_nobody_calls(rows)), self._weights(self.main_horizon)
        trees = np.asarray(self.boosters[self.main_horizon].predict(matrix, pred_contrib=True, num_threads=1))[:, :-1]
        lines = self.linear.parts(matrix, self.main_horizon) if self.linear is not None and weights[1] else trees
        parts = blended(trees, lines, weights)
        return pd.DataFrame(parts, index=rows.index, columns=names)

    def importance(self) -> pd.Series:
        """By feature its part of what the model goes by for the main horizon, greatest first; they add up to 1.

        Of the trees the part of the gain, of the straight lines that of the coefficients, each with its weight.
        """
        if self.main_horizon not in self.boosters:
            return pd.Series(dtype="float64")
        names, weights = list(self.design.names), self._weights(self.main_horizon)
        parts = _parts(self.boosters[self.main_horizon].feature_importance("gain"))
        if self.linear is not None and weights[1]:
            parts = _parts(blended(parts, _parts(self.linear.moves(self.main_horizon, len(names))), weights))
        return pd.Series(parts, index=names).sort_values(ascending=False, kind="stable")

    def to_files(self) -> dict[str, str]:
        """The model as text by file name: LightGBM's own format, and one JSON."""
        values = {
            "kind": self.kind,
            "horizons": list(self.horizons),
            "main_horizon": self.main_horizon,
            "grown": sorted(self.boosters),
            "design": self.design.as_dict(),
            "calibrations": {str(h): calibration.as_dict() for h, calibration in self.calibrations.items()},
            "levels": {str(h): level for h, level in self.levels.items()},
            "about": self.about,
            "reference": self.reference.as_dict() if self.reference is not None else None,
            "linear": self.linear.as_dict() if self.linear is not None else None,
        }
        trees = {f"trees_{horizon}d.txt": booster.model_to_string() for horizon, booster in self.boosters.items()}
        return {MAIN_FILE: json.dumps(values, indent=1, sort_keys=True), **trees}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "ChurnModel":
        """The model that `to_files` wrote.

        Raises:
            KeyError: a file or an entry is missing.
        """
        values = json.loads(files[MAIN_FILE])
        horizons = tuple(values["horizons"])
        trees = {h: files[f"trees_{h}d.txt"] for h in values["grown"]}
        return cls(
            values["kind"],
            horizons,
            values["main_horizon"],
            Design.from_dict(values["design"]),
            {horizon: lgb.Booster(model_str=text) for horizon, text in trees.items()},
            {int(h): Calibration.from_dict(calibration) for h, calibration in values["calibrations"].items()},
            values["about"],
            {
                int(h): level for h, level in values.get("levels", {}).items()
            },  # trees of old bear their level themselves
            Reference.from_dict(values["reference"]) if values.get("reference") else None,
            Linear.from_dict(values["linear"]) if values.get("linear") else None,
        )


def _parts(weights: Numbers) -> Numbers:
    """Of a whole of 1; none where nothing weighs anything."""
    return np.asarray(weights / max(float(weights.sum()), 1e-12))


def if_nobody_calls(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` as they would be had nobody been called: that is what a risk is about."""
    return rows.assign(**{CONTACTED: False})


def in_order(probabilities: Mapping[int, Numbers], main_horizon: int) -> dict[int, Numbers]:
    """Probabilities that do not fall with the horizon; the main horizon's stay as they are."""
    ordered = {main_horizon: probabilities[main_horizon]}
    limit = probabilities[main_horizon]
    for horizon in sorted((h for h in probabilities if h < main_horizon), reverse=True):
        ordered[horizon] = limit = np.minimum(probabilities[horizon], limit)
    floor = probabilities[main_horizon]
    for horizon in sorted(h for h in probabilities if h > main_horizon):
        ordered[horizon] = floor = np.maximum(probabilities[horizon], floor)
    return {horizon: ordered[horizon] for horizon in sorted(ordered)}
