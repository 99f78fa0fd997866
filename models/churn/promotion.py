"""Whether a challenger replaces the champion, by the rules of `mlflow/promotion.yml`.

Compared on the newest labelled window, each by a model that never saw it: the challenger's held-out
twin, and the champion itself where it is old enough, else the champion's own twin. A comparison that
cannot be made fairly changes nothing. Both gains come with an interval; what decides is the gain itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from pydantic import Field

from features.sections import Section
from models.churn.list_value import ListAssumptions, drawn_gain, list_gain
from models.churn.model import ChurnModel
from models.churn.training import Trained, label
from models.metrics import Numbers, row_log_loss

FILE = Path(__file__).parents[2] / "mlflow" / "promotion.yml"


class PromotionRules(Section):
    """`mlflow/promotion.yml`."""

    least_log_loss_gain: float
    least_profit_gain: float
    listed_share: float = Field(gt=0, le=1)
    assumed_save_probability: float = Field(ge=0, le=1)
    margin_months: float = Field(gt=0)
    contact_cost: float = Field(ge=0)
    logged_days: int = Field(ge=1)
    least_logged_share: float = Field(ge=0, le=1)
    least_logged_arm: int = Field(ge=1)
    seed: int

    @property
    def assumptions(self) -> ListAssumptions:
        return ListAssumptions(
            self.listed_share, self.assumed_save_probability, self.margin_months, self.contact_cost,
            self.least_logged_share, self.least_logged_arm,
        )  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """What was decided, in one sentence, and the figures behind it."""

    is_promoted: bool
    reason: str
    evidence: Mapping[str, float]


def promotion_rules(file: Path = FILE) -> PromotionRules:
    """The repository's own rules."""
    return PromotionRules.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def compared_on(challenger: Trained) -> date | None:
    """The as-of date on which it is compared; None where no window was judged."""
    if challenger.judged != "newest window":
        return None
    day: date = challenger.predictions["as_of_on"].max()
    return day


def decide(
    challenger: Trained,
    champion: ChurnModel,
    champion_twin: ChurnModel | None,
    rules: PromotionRules,
    arms: pd.DataFrame | None = None,
) -> Decision:
    """Compare a challenger with the champion in office.

    Args:
        challenger: as it was trained and judged.
        champion: in office.
        champion_twin: its own; None where it has none.
        rules: of `mlflow/promotion.yml`.
        arms: account_id, arm, arm_probability of accounts for which lots were drawn soon after `compared_on`.
    """
    window = compared_on(challenger)
    if challenger.model.kind == "base_rate":
        return Decision(False, "the challenger is a base rate: there was too little to learn from", {})
    if window is None:
        if champion.kind == "base_rate":
            return Decision(True, "the champion was a base rate", {})
        return Decision(False, "no labelled window is old enough to compare the two", {})
    rows = challenger.predictions[challenger.predictions[label(challenger.model.main_horizon)].notna()]
    judge = next((model for model in (champion, champion_twin) if model is not None and _is_fair(model, window)), None)
    if judge is None:
        return Decision(False, f"champion and its twin have seen the window of {window}", {})
    horizon = challenger.model.main_horizon
    if horizon not in judge.horizons:
        return Decision(True, f"the champion does not know the horizon of {horizon} days", {})
    if arms is not None and "account_id" in rows:
        rows = rows.merge(arms, on="account_id", how="left", validate="many_to_one")
    ours = rows[f"churn_probability_{horizon}d"].to_numpy(dtype=np.float64)
    return _judged(rows, ours, judge.predict(rows, as_it_was=True)[horizon], horizon, rules)


def _is_fair(model: ChurnModel, window: date) -> bool:
    """All labels that the model learned from were known when the window began."""
    dates = [date.fromisoformat(day) for day in model.about["as_of_dates"]]
    return not dates or max(dates) + timedelta(days=int(model.about["gap_days"])) <= window


def _judged(rows: pd.DataFrame, ours: Numbers, theirs: Numbers, horizon: int, rules: PromotionRules) -> Decision:
    outcome = rows[label(horizon)].to_numpy(dtype=np.float64)
    loss = drawn_gain(rows, row_log_loss(outcome, theirs) - row_log_loss(outcome, ours), seed=rules.seed, is_mean=True)
    earned = list_gain(rows, outcome, ours, theirs, rules.assumptions, seed=rules.seed)
    profit = earned.gain
    evidence = {
        "log_loss_gain": loss.value, "log_loss_gain_low": loss.low, "log_loss_gain_high": loss.high,
        "profit_gain": profit.value, "profit_gain_low": profit.low, "profit_gain_high": profit.high,
        "profit_is_off_policy": float(earned.is_off_policy), "profit_logged_share": earned.logged_share,
    }  # fmt: skip
    figures = (
        f"log loss falls by {loss.value:.4f} ({loss.low:.4f} to {loss.high:.4f}), "
        f"profit of the list ({earned.told}) changes by {profit}"
    )
    if loss.value < rules.least_log_loss_gain:
        return Decision(False, f"not better: {figures}; wanted a fall of {rules.least_log_loss_gain}", evidence)
    if profit.value < rules.least_profit_gain:
        return Decision(False, f"earns less: {figures}; wanted {rules.least_profit_gain:,.0f}", evidence)
    return Decision(True, f"better: {figures}", evidence)
