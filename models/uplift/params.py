"""The parameters of `models/params/uplift.yml`, checked and frozen."""

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field

from features.sections import Section

FILE = Path(__file__).parents[1] / "params" / "uplift.yml"

MODEL = "uplift"  # its name on MLflow, and of its experiment


class TreeParams(Section):
    rounds: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    num_leaves: int = Field(ge=2)
    least_leaf_share: float = Field(gt=0, lt=0.5)
    lambda_share: float = Field(ge=0)
    feature_fraction: float = Field(gt=0, le=1)
    bagging_fraction: float = Field(gt=0, le=1)


class UpliftParams(Section):
    seed: int
    least_accounts: int = Field(ge=100)
    least_arm: int = Field(ge=10)
    growth: float = Field(gt=1)
    folds: int = Field(ge=2)
    judged_share: float = Field(gt=0, lt=1)
    least_older: int = Field(ge=100)
    least_action: int = Field(ge=1)
    capacity_shares: tuple[float, ...]
    confidence: float = Field(gt=0, lt=1)
    replicates: int = Field(ge=100)
    outcome: TreeParams
    effect: TreeParams


@lru_cache(maxsize=1)
def uplift_params() -> UpliftParams:
    """The parameters of the repository's own file."""
    return UpliftParams.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
