"""Ways of choosing whom to contact, on the same options and the same minutes.

- `random`: anybody who may be contacted;
- `probability`: the pipeline's own risk, from the top; whoever gave notice leaves for certain;
- `probability_x_value`: the same times what would be lost;
- `before`: our list as the first night knew things: its model, the playbook's chances, and nothing learned since;
- `after`: our list, with what the nights learn from outcomes and from training again;
- `best`: the best set for whoever sees everything but severity and tolerance (`demo.calls.expected_falls`) and may
  take any action of the playbook for anybody: what observables allow. It chooses by expected kept margin, week by week,
  and has no holdout. It knows what is never recorded, such as how much less somebody has come to want the product;
- `recorded`: the same for whoever knows of these truths what trees tell from the features of others
  (`recorded.told_by_features`): about what any choice made from recorded data can reach.

`nobody` is the company in which nobody is called: what margin would have been.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from forestall.demo.parameters import REASONS
from forestall.demo.reactions import about_of
from forestall.outreach.playbook import DEFAULT_REASON, Playbook, Reason
from forestall.outreach.room import Room
from forestall.outreach.triggers import NOTICE
from forestall.outreach.value import to_cents, unless_done
from forestall.sections import OutreachSettings

Policy = Literal["nobody", "random", "probability", "probability_x_value", "before", "after", "recorded", "best"]
NOBODY: Policy = "nobody"
RIVALS: tuple[Policy, ...] = ("random", "probability", "probability_x_value")
OURS: tuple[Policy, ...] = ("before", "after")
RECORDED: Policy = "recorded"
BEST: Policy = "best"
KNOWING: tuple[Policy, ...] = (RECORDED, BEST)
POLICIES: tuple[Policy, ...] = (NOBODY, *RIVALS, *OURS, *KNOWING)
RETRAINED: tuple[Policy, ...] = ("probability", "probability_x_value", "after")


@dataclass(frozen=True)
class Choice:
    """What a rival chooses from, on one night.

    Attributes:
        options: customer x action that no filter holds back (`listing.judged_options`).
        settings: of outreach: minutes and budget.
        playbook: what is done about what.
        run_date: the night.
        horizon_days: of the risk.
        seed: of what is drawn.
    """

    options: pd.DataFrame
    settings: OutreachSettings
    playbook: Playbook
    run_date: date
    horizon_days: int
    seed: int


def everything_for_everybody(playbook: Playbook) -> Playbook:
    """The same playbook with every action for any customer; only whoever gave notice has the save queue's."""
    notice = {name: rule for name, rule in playbook.triggers.items() if name == NOTICE}
    saves = {rule.action for rule in notice.values()}
    actions = tuple(name for name in playbook.actions if name not in saves)
    return playbook.model_copy(update={"reasons": {DEFAULT_REASON: Reason(actions=actions)}, "triggers": notice})


def choose_as_rival(policy: Policy, choice: Choice) -> pd.DataFrame:
    """From the top of the policy's order until the minutes are used up.

    A customer has one action, the playbook's answer to the reason that is worth most; an account one customer.
    """
    options = choice.options.sort_values(
        ["customer_id", "expected_value_cents"], ascending=[True, False], kind="stable"
    )
    people = options.drop_duplicates("customer_id").reset_index(drop=True)
    draws = np.random.default_rng([choice.seed, choice.run_date.toordinal()]).random(len(people))
    risk = unless_done(people).astype(float).fillna(0.0)
    order = {
        "random": pd.Series(draws),
        "probability": risk,
        "probability_x_value": risk * people["value_at_risk"].astype(float),
    }[policy]
    # Equals (all who gave notice have the same risk) in the order of what they bring in.
    ranked = people.assign(order=order).sort_values(["order", "value_at_risk"], ascending=False, kind="stable")
    return _fill(
        ranked.drop_duplicates("account_id"), Room.of(choice.settings, choice.run_date, choice.horizon_days, {})
    )


def choose_as_best(choice: Choice, expected: pd.DataFrame) -> pd.DataFrame:
    """The set with the greatest expected kept margin.

    Args:
        choice: of options by `everything_for_everybody`.
        expected: customers (index, pseudonyms) x fall_<reason>.
    """
    options = choice.options
    fall = falls_of(options, expected)
    reached = reach_of(options["action"], choice.playbook)
    worth = fall * reached * options["value_at_risk"].to_numpy(float)
    room = Room.of(choice.settings, choice.run_date, choice.horizon_days, {})
    return room.best(options.assign(saved_cents=to_cents(np.nan_to_num(worth)), last_day=choice.settings.plan_days))


def falls_of(rows: pd.DataFrame, expected: pd.DataFrame) -> np.ndarray:
    """The fall of the chance to leave that each row's action promises; NaN for unknown customers.

    Args:
        rows: customer_id, action.
        expected: customers (index, as in rows) x fall_<reason>.
    """
    falls = expected.reindex(rows["customer_id"])[[f"fall_{reason}" for reason in REASONS]].to_numpy(float)
    return np.asarray(falls[np.arange(len(rows)), about_of(rows["action"].to_numpy())])


def reach_of(action: pd.Series, playbook: Playbook) -> np.ndarray:
    """Chance that the tries of each action reach the customer, as the playbook has it."""
    chances = {name: 1 - (1 - one.reach_probability) ** one.attempts for name, one in playbook.actions.items()}
    return action.map(chances).to_numpy(float)


def _fill(ranked: pd.DataFrame, room: Room) -> pd.DataFrame:
    """The first rows that fit into the minutes; offers are made until the budget is spent."""
    ranked = ranked[ranked["team"].isin(room.slots["team"])]
    is_paid = ranked["offer_cost_cents"].cumsum() <= room.budget.sum()
    ranked = ranked[is_paid | (ranked["offer_cost_cents"] == 0)]
    return ranked[ranked["expected_minutes"].cumsum() <= room.slots["minutes"].sum()]
