"""Whom to contact tonight, and whom not: the whole of outreach, from values to values.

Options are built, valued and filtered; the best set is chosen blind to the arm; only then does the
arm say who of it is left alone. Nothing here reads or writes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd

from forestall.outreach import value, worklist
from forestall.outreach.effect_table import do_not_disturb
from forestall.outreach.experiment import HOLDOUT, Draw, draw_arms
from forestall.outreach.filters import Limits, suppression_reasons
from forestall.outreach.options import build_options
from forestall.outreach.playbook import Playbook
from forestall.outreach.policy import choose
from forestall.settings import OutreachSettings

NO_MINUTES = "no_minutes"
CERTAIN = 1.0  # who gave notice leaves unless something is done


@dataclass(frozen=True)
class Known:
    """What is known on the evening of a night.

    Attributes:
        run_date: the morning the list is for.
        cutoff: its cutoff.
        candidates: rows of `marts.fct_outreach_candidates`, with net_activity_value_365d: what the
            customer bought in a year, for companies without subscriptions.
        scores: rows of `churn_scores`, main horizon only.
        churn_reasons: of the same night.
        kpis: rows of `marts.fct_customer_kpis` of the last complete months.
        arms: drawn on earlier nights (`experiment.COLUMNS`).
        previous: customer_id, listed_since_on of the night before, the holdout included.
        held_out: last night on which the experiment withheld a customer, by customer_id; within the cooldown.
        worked: rows of an earlier list of this very day on which work has begun.
        outcomes: last result by row_id.
        effects: what being listed did (`effect_table.effects`).
        cost_per_minute: of an agent; None: the playbook's.
    """

    run_date: date
    cutoff: datetime
    candidates: pd.DataFrame
    scores: pd.DataFrame
    churn_reasons: pd.DataFrame
    kpis: pd.DataFrame
    arms: pd.DataFrame
    previous: pd.DataFrame
    held_out: pd.Series
    worked: pd.DataFrame
    outcomes: pd.Series
    effects: pd.DataFrame
    cost_per_minute: float | None = None


@dataclass(frozen=True)
class Lists:
    """What comes of it.

    Attributes:
        listed: rows of `outreach_list`.
        withheld: rows of `outreach_withheld`.
        new_arms: arms drawn tonight.
        notes: what a planner should know, one line each.
    """

    listed: pd.DataFrame
    withheld: pd.DataFrame
    new_arms: pd.DataFrame
    notes: list[str]


def make_lists(known: Known, playbook: Playbook, settings: OutreachSettings, horizon_days: int, secret: str) -> Lists:
    """Tonight's list, who is withheld from it and why, and the arms of newcomers."""
    options = _valued_options(known, playbook, settings, horizon_days)
    options["is_do_not_disturb"] = do_not_disturb(options, known.effects)
    limits = Limits(known.cutoff, known.run_date, settings.cooldown_days)
    options["suppression_reason"] = suppression_reasons(options, limits)
    is_allowed = options["suppression_reason"].isna()
    draw = Draw(settings.holdout_share, settings.seed, secret, known.run_date)
    new_arms = draw_arms(options[is_allowed].drop_duplicates("customer_id"), known.arms, draw)

    selected = _select(options[is_allowed], known.worked, playbook.trigger_share, settings)
    rows = pd.concat([selected, _held_back(options, is_allowed)], ignore_index=True)
    arms = pd.concat([known.arms, new_arms], ignore_index=True).set_index("account_id")
    rows = rows.assign(**{name: rows["account_id"].map(arms[name]) for name in ("arm", "arm_probability")})
    is_holdout = rows["suppression_reason"].isna() & (rows["arm"] == HOLDOUT)
    rows["suppression_reason"] = rows["suppression_reason"].mask(is_holdout, HOLDOUT)

    rows = worklist.carry_over(worklist.in_order(rows), known.previous, known.run_date)
    rows["best_hours"] = worklist.best_hours(rows["answered_hours"], playbook.calling_hours)
    listed, withheld = worklist.split(worklist.publish(rows, known.worked, known.outcomes, playbook.version))
    return Lists(listed, withheld, new_arms, _notes(playbook, settings))


def _valued_options(known: Known, playbook: Playbook, settings: OutreachSettings, horizon_days: int) -> pd.DataFrame:
    """Customer x action with its worth; those already worked today are left to their rows."""
    scored = ["customer_id", "churn_probability", "risk_band", "previous_churn_probability", "model_version"]
    people = known.candidates[~known.candidates["customer_id"].isin(known.worked["customer_id"])]
    people = people.merge(known.scores[scored], on="customer_id", how="left", validate="one_to_one")
    people["account_id"] = people["account_id"].fillna(people["customer_id"])
    people["held_out_on"] = people["customer_id"].map(known.held_out)
    people["value_at_risk"] = _value_at_risk(people, known, playbook, settings, horizon_days)
    options = build_options(people, known.churn_reasons, playbook)
    under_notice = options["trigger"] == "notice_given"
    certain = options["churn_probability"].mask(under_notice, CERTAIN)
    cost = float(playbook.cost_per_minute) if known.cost_per_minute is None else known.cost_per_minute
    valued = value.add_value(options.assign(churn_probability=certain), cost)
    # What is published as probability is the model's, and the model does not score who gave notice.
    return valued.assign(churn_probability=options["churn_probability"])


def _value_at_risk(
    people: pd.DataFrame, known: Known, playbook: Playbook, settings: OutreachSettings, horizon_days: int
) -> value.Floats:
    by_segment, overall = value.monthly_retention(known.kpis)
    if overall is None:
        overall = value.retention_of_risk(known.scores["churn_probability"], horizon_days)
    retention = people["segment"].map(by_segment).fillna(overall)
    paid = people["monthly_value"].astype(float).fillna(people["net_activity_value_365d"].astype(float) / 12)
    margin = people["monthly_margin"].astype(float).fillna(paid * playbook.margin_share).fillna(0.0)
    return value.value_at_risk(
        np.asarray(margin, np.float64),
        np.asarray(retention, np.float64),
        settings.discount_rate,
        settings.life_cap_months,
    )


def _select(
    allowed: pd.DataFrame, worked: pd.DataFrame, trigger_share: float, settings: OutreachSettings
) -> pd.DataFrame:
    """Triggers first, then the best of the rest, then (where set) what is worth it if it stays quiet."""
    minutes = _less(settings.team_minutes, worked)
    budget = max(settings.budget * 100 - float((worked["offer_cost"].astype(float) * 100).sum()), 0.0)
    urgent = worklist.in_order(allowed[allowed["trigger"].notna()].assign(tier=worklist.FIRM))
    by_team = urgent["expected_minutes"].groupby(urgent["team"]).cumsum()
    most = urgent["team"].map({team: left * trigger_share for team, left in minutes.items()}).astype(float)
    fits = by_team <= most.fillna(0.0)
    fits &= urgent["offer_cost_cents"].where(fits, 0).cumsum() <= budget
    urgent["suppression_reason"] = urgent["suppression_reason"].mask(~fits, NO_MINUTES)
    taken = urgent[fits]
    rest = allowed[allowed["trigger"].isna() & ~allowed["account_id"].isin(urgent["account_id"])]
    parts = [urgent]
    for tier, share in ((worklist.FIRM, 1.0), (worklist.IF_QUIET, settings.if_quiet_share)):
        if tier == worklist.IF_QUIET:
            minutes = {team: share * left for team, left in settings.team_minutes.items()}
        else:
            minutes = _less(minutes, taken)
        budget -= float(taken["offer_cost_cents"].sum())
        taken = rest[choose(rest, minutes, budget)].assign(tier=tier)
        rest = rest[~rest["account_id"].isin(taken["account_id"])]
        parts.append(taken)
    return pd.concat(parts, ignore_index=True)


def _less(minutes: Mapping[str, float], taken: pd.DataFrame) -> dict[str, float]:
    used = taken.groupby("team")["expected_minutes"].sum().to_dict()
    return {team: max(left - used.get(team, 0.0), 0.0) for team, left in minutes.items()}


def _held_back(options: pd.DataFrame, is_allowed: pd.Series) -> pd.DataFrame:
    """Customers whom a filter alone keeps off the list: the best of their options, if it is worth anything."""
    free = options.loc[is_allowed, "customer_id"]
    held = options[~options["customer_id"].isin(free)]
    held = held[held["trigger"].notna() | (held["expected_value_cents"] > 0)]
    best = held.sort_values(["customer_id", "expected_value_cents"], ascending=[True, False], kind="stable")
    return best.drop_duplicates("customer_id").assign(tier=None)


def _notes(playbook: Playbook, settings: OutreachSettings) -> list[str]:
    """Settings that keep actions of the playbook from ever being listed."""
    notes = []
    for team in sorted({action.team for action in playbook.actions.values()}):
        if settings.team_minutes.get(team, 0) <= 0:
            names = ", ".join(name for name, action in playbook.actions.items() if action.team == team)
            notes.append(f"team `{team}` has no minutes in outreach.team_minutes, so nobody can do: {names}")
    prices = [float(offer.cost) * offer.acceptance for offer in playbook.offers.values()]
    if prices and settings.budget < min(prices):
        cheapest = f"{min(prices):.2f} expected"
        notes.append(
            f"outreach.budget {settings.budget:g} is below the cheapest offer ({cheapest}): nothing is offered"
        )
    return notes
