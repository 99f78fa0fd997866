"""The parameters of `models/params/churn.yml`, checked and frozen."""

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field, model_validator

from features.sections import Section

FILE = Path(__file__).parents[1] / "params" / "churn.yml"

MODEL = "churn"  # its name on MLflow
BANDS = ("low", "medium", "high", "very_high")


class TuningParams(Section):
    trials: int = Field(ge=1)
    budget_s: float = Field(gt=0)
    max_rows: int = Field(ge=1000)
    validation_share: float = Field(gt=0, lt=1)
    patience_rounds: int = Field(ge=1)
    max_rounds: int = Field(ge=1)


class TreeParams(Section):
    learning_rate: float = Field(gt=0, le=1)
    num_leaves: int = Field(ge=2)
    min_data_in_leaf: int = Field(ge=1)
    lambda_l2: float = Field(ge=0)
    feature_fraction: float = Field(gt=0, le=1)
    bagging_fraction: float = Field(gt=0, le=1)


class MonotoneParams(Section):
    rising: tuple[str, ...]
    falling: tuple[str, ...]

    @model_validator(mode="after")
    def _one_sign_each(self) -> "MonotoneParams":
        if both := set(self.rising) & set(self.falling):
            raise ValueError(f"{', '.join(sorted(both))}: risk cannot both rise and fall with it")
        return self

    def sign(self, name: str) -> int:
        """1 where risk may only rise with the feature, -1 where it may only fall, 0 where nobody knows."""
        return int(name in self.rising) - int(name in self.falling)


class SearchParams(Section):
    num_leaves: tuple[int, int]
    min_data_in_leaf: tuple[int, int]
    lambda_l2: tuple[float, float]
    feature_fraction: tuple[float, float]
    bagging_fraction: tuple[float, float]


class LinearParams(Section):
    ridges: tuple[float, ...] = Field(min_length=1)
    default_ridge: float = Field(gt=0)


class CalibrationParams(Section):
    folds: int = Field(ge=2)
    max_rows: int = Field(ge=1000)
    beta_churners: int = Field(ge=1)
    isotonic_churners: int = Field(ge=1)
    carried_level: float = Field(ge=0, le=1)


class FallbackParams(Section):
    min_churners: int = Field(ge=2)
    prior_rows: float = Field(gt=0)
    prior_rate: float = Field(gt=0, lt=1)


class RivalParams(Section):
    recency: tuple[str, ...]
    frequency: tuple[str, ...]
    value: tuple[str, ...]


class BandParams(Section):
    medium: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)
    very_high: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _rise(self) -> "BandParams":
        if not self.medium < self.high < self.very_high:
            raise ValueError("medium, high and very_high must rise")
        return self


class ReasonParams(Section):
    customers: int = Field(ge=1)
    per_customer: int = Field(ge=1)


class DriftParams(Section):
    stability_limit: float = Field(gt=0)
    gain_share: float = Field(gt=0, le=1)
    retrain_after_days: int = Field(ge=1)
    max_rows: int = Field(ge=1000)
    calendar: tuple[str, ...]


class ChurnParams(Section):
    seed: int
    threads: int = Field(ge=1)
    max_rows: int = Field(ge=1000)
    max_bin: int = Field(ge=2)
    tuning: TuningParams
    defaults: TreeParams
    default_rounds: int = Field(ge=1)
    monotone: MonotoneParams
    search: SearchParams
    linear: LinearParams
    calibration: CalibrationParams
    fallback: FallbackParams
    rival: RivalParams
    feature_auc_limit: float = Field(gt=0.5, le=1)
    bands: BandParams
    reasons: ReasonParams
    drift: DriftParams


@lru_cache(maxsize=1)
def churn_params() -> ChurnParams:
    """The parameters of the repository's own file."""
    return ChurnParams.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
