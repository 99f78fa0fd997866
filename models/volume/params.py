"""The parameters of `models/params/volume.yml`, checked and frozen.

What shapes a candidate is part of the key of every stored backtest: changed, it makes a new backtest.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from features.sections import Section

FILE = Path(__file__).parents[1] / "params" / "volume.yml"


class DailyParams(Section):
    min_days: int = Field(ge=7)
    yearly_min_days: int = Field(ge=365)
    seasonality_mode: Literal["additive", "multiplicative"]
    changepoint_prior_scale: float = Field(gt=0)
    changepoint_range: float = Field(gt=0, le=1)
    weekly_prior_scale: float = Field(gt=0)
    effect_prior_scale: float = Field(gt=0)
    effect_spread: float = Field(gt=0)
    days_before_off: int = Field(ge=0)
    days_after_off: int = Field(ge=0)
    event_after_days: int = Field(ge=0)
    month_days: int = Field(ge=0, le=10)
    correction_days: int = Field(ge=1)
    correction_keep: float = Field(ge=0, le=1)
    drift_days: int = Field(ge=1)
    drift_keep: float = Field(ge=0, le=1)
    damp_after_days: int = Field(ge=1)
    damp_keep: float = Field(ge=0, lt=1)


class OutlierParams(Section):
    window_days: int = Field(ge=3)
    threshold: float = Field(gt=0)
    least_ratio: float = Field(gt=1)
    level_shift_days: int = Field(ge=2)
    gap_mean: float = Field(gt=0)
    silent_days: int = Field(ge=7)
    least_start: float = Field(gt=0, lt=1)


class ProfileParams(Section):
    half_life_days: float = Field(gt=0)
    kin_contacts: float = Field(gt=0)
    weekday_contacts: float = Field(gt=0)
    kind_contacts: float = Field(gt=0)
    smooth_contacts: float = Field(ge=0)
    season_contacts: float = Field(gt=0)
    season_worth: float = Field(gt=0)


class RivalParams(Section):
    like_days: int = Field(ge=1)
    least_lift: float = Field(gt=0)


class CombineParams(Section):
    steps: int = Field(ge=1, le=10)
    lead_share: float = Field(ge=0, le=1)
    pooled_days: float = Field(ge=0)


class DaysParams(Section):
    prior_count: float = Field(ge=0)
    samples: int = Field(ge=100)
    kin_days: float = Field(ge=0)
    seed: int


class QuantileParams(Section):
    prior_count: float = Field(ge=0)
    seed: int


class HandleTimeParams(Section):
    half_life_days: float = Field(gt=0)
    slot_contacts: float = Field(gt=0)
    spread_days: int = Field(ge=7)


class VolumeParams(Section):
    daily: DailyParams
    outliers: OutlierParams
    profile: ProfileParams
    rival: RivalParams
    combine: CombineParams
    quantiles: QuantileParams
    days: DaysParams
    handle_time: HandleTimeParams

    @property
    def hash(self) -> str:
        """Twelve hex digits that change with any parameter."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=6).hexdigest()

    @property
    def candidates_hash(self) -> str:
        """The same of what shapes a candidate; weights and spreads are learned anew each night."""
        shaping = self.model_dump_json(include={"daily", "outliers", "profile", "rival"})
        return hashlib.blake2b(shaping.encode(), digest_size=6).hexdigest()


@lru_cache(maxsize=1)
def volume_params() -> VolumeParams:
    """The parameters of the repository's own file."""
    return VolumeParams.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
