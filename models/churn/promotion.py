"""Whether a challenger replaces the champion, by the rules of `mlflow/promotion.yml`.

Compared on the newest labelled window, each by a model that never saw it: the challenger's held-out
twin, and the champion itself where it is old enough, else the champion's own twin. A comparison that
cannot be made fairly changes nothing.
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
from models.churn.model import ChurnModel
from models.churn.ranking import known_margins, listing_order
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


@dataclass(frozen=True)
class Decision:
    """What was decided, in one sentence, and the figures behind it."""

    is_promoted: bool
    reason: str
    evidence: Mapping[str, float]


def promotion_rules(file: Path = FILE) -> PromotionRules:
    """The repository's own rules."""
    return PromotionRules.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def decide(
    challenger: Trained, champion: ChurnModel, champion_twin: ChurnModel | None, rules: PromotionRules
) -> Decision:
    """Compare a challenger with the champion in office."""
    if challenger.model.kind == "base_rate":
        return Decision(False, "the challenger is a base rate: there was too little to learn from", {})
    if challenger.judged != "newest window":
        if champion.kind == "base_rate":
            return Decision(True, "the champion was a base rate", {})
        return Decision(False, "no labelled window is old enough to compare the two", {})
    rows = challenger.predictions[challenger.predictions[label(challenger.model.main_horizon)].notna()]
    window = rows["as_of_on"].max()
    judge = next((model for model in (champion, champion_twin) if model is not None and _is_fair(model, window)), None)
    if judge is None:
        return Decision(False, f"champion and its twin have seen the window of {window}", {})
    horizon = challenger.model.main_horizon
    if horizon not in judge.horizons:
        return Decision(True, f"the champion does not know the horizon of {horizon} days", {})
    ours = rows[f"churn_probability_{horizon}d"].to_numpy(dtype=np.float64)
    return _judged(rows, ours, judge.predict(rows, as_it_was=True)[horizon], horizon, rules)


def _is_fair(model: ChurnModel, window: date) -> bool:
    """All labels that the model learned from were known when the window began."""
    dates = [date.fromisoformat(day) for day in model.about["as_of_dates"]]
    return not dates or max(dates) + timedelta(days=int(model.about["gap_days"])) <= window


def _judged(rows: pd.DataFrame, ours: Numbers, theirs: Numbers, horizon: int, rules: PromotionRules) -> Decision:
    outcome = rows[label(horizon)].to_numpy(dtype=np.float64)
    gains = row_log_loss(outcome, theirs) - row_log_loss(outcome, ours)
    profit_gain = list_profit(rows, ours, horizon, rules) - list_profit(rows, theirs, horizon, rules)
    evidence = {
        "log_loss_gain": float(gains.mean()),
        "log_loss_gain_standard_error": float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else np.nan,
        "assumed_profit_gain": profit_gain,
    }
    figures = f"log loss falls by {gains.mean():.4f}, profit of the list (assumed) changes by {profit_gain:,.0f}"
    if gains.mean() < rules.least_log_loss_gain:
        return Decision(False, f"not better: {figures}; wanted a fall of {rules.least_log_loss_gain}", evidence)
    if profit_gain < rules.least_profit_gain:
        return Decision(False, f"earns less: {figures}; wanted {rules.least_profit_gain:,.0f}", evidence)
    return Decision(True, f"better: {figures}", evidence)


def list_profit(rows: pd.DataFrame, probability: Numbers, horizon: int, rules: PromotionRules) -> float:
    """Money that a list by probability x margin would have saved, less the calls; the saving is assumed."""
    margin = known_margins(rows)
    listed = listing_order(probability, margin)[: max(1, round(len(rows) * rules.listed_share))]
    left = rows[label(horizon)].to_numpy(dtype=np.float64)[listed]
    saved = (left * margin[listed]).sum() * rules.margin_months * rules.assumed_save_probability
    return float(saved - rules.contact_cost * len(listed))
