"""What could be done for whom: every customer who has a score or a trigger, with each fitting action.

One row is customer x action. Which rows are allowed, worth it and chosen is for `filters`, `value`
and `policy`.
"""

import pandas as pd

from forestall.outreach.capacity import BETWEEN
from forestall.outreach.evidence import joined
from forestall.outreach.playbook import DEFAULT_REASON, EVIDENCE, Playbook
from forestall.outreach.reasons import SEPARATOR, addressed, main_reasons, pushes, told_reasons
from forestall.outreach.triggers import days_since, find_triggers, tell


def build_options(
    candidates: pd.DataFrame, contributions: pd.DataFrame, churn_reasons: pd.DataFrame, playbook: Playbook
) -> pd.DataFrame:
    """Customer x action, in order of customer and action.

    A customer with a trigger has the action of that trigger only, any other the actions of all reasons that push
    towards leaving; those of `default` where none pushes more. Customers under notice are never listed by the
    model: they have left in their minds, and the save queue (a trigger) is theirs.

    Args:
        candidates: rows of `marts.fct_outreach_candidates` with churn_probability (missing: not scored) and, where
            they are known, facts in words (`EVIDENCE`).
        contributions: customer_id, and by feature what it adds to the log odds of leaving.
        churn_reasons: customer_id, place, feature, contribution, sentence.
        playbook: what is done about what.

    Returns:
        The candidates' columns and trigger, trigger_place, trigger_days (since the first night that could
        know of it; missing without a trigger), is_overdue, reason (the one that the action answers to; of a trigger
        the strongest), reasons, evidence (what the trigger's sentence does not tell), action, addressed_share (of the
        risk; 1 where nothing says how much), team, channel,
        purpose, skills, action_languages (both joined by `capacity.BETWEEN`), offer, script,
        prior_save_probability, expected_minutes, days_to_act, is_owed, offer_acceptance, offer_price.
    """
    trigger = find_triggers(candidates, playbook)
    pushing = pushes(contributions, playbook)
    answered = addressed(pushing, playbook)
    reason = candidates["customer_id"].map(main_reasons(pushing, playbook))
    rows = candidates.assign(
        trigger=trigger,
        trigger_place=trigger.map({name: place for place, name in enumerate(playbook.triggers)}),
        trigger_days=days_since(trigger, candidates),
        reason=reason.where(reason.notna(), DEFAULT_REASON),
        reasons=_sentences(candidates, trigger, churn_reasons, playbook),
        evidence=joined(_untold(candidates, trigger, playbook)),
    )
    is_scored = rows["churn_probability"].notna() & ~rows["is_under_notice"].fillna(False).astype(bool)
    by_trigger = rows[trigger.notna()]
    by_model = rows[trigger.isna() & is_scored]
    by_trigger = by_trigger.assign(
        action=by_trigger["trigger"]
        .map({name: rule.action for name, rule in playbook.triggers.items()})
        .astype(object),
        days_allowed=by_trigger["trigger"].map({name: rule.days_to_act for name, rule in playbook.triggers.items()}),
        is_owed=by_trigger["trigger"]
        .map({name: rule.is_owed for name, rule in playbook.triggers.items()})
        .astype(bool),
    )
    by_trigger = by_trigger.merge(
        answered.drop(columns="reason"), on=["customer_id", "action"], how="left", validate="many_to_one"
    )
    options = pd.concat([by_trigger, _by_model(by_model, answered, playbook)], ignore_index=True)
    options["addressed_share"] = options["addressed_share"].fillna(1.0)
    options = options.merge(_actions(playbook), on="action", how="left", validate="many_to_one")
    options["days_to_act"] = options["days_allowed"].fillna(options["days_to_act"]).astype(int)
    options["is_overdue"] = options["trigger_days"] > options["days_to_act"]  # never without a trigger
    return options.sort_values(["customer_id", "action"], ignore_index=True).drop(columns="days_allowed")


def _by_model(people: pd.DataFrame, answered: pd.DataFrame, playbook: Playbook) -> pd.DataFrame:
    """Customers with the actions of their reasons, and those whom no reason explains with the default's."""
    answered = answered[answered["addressed_share"] > 0]
    by_reason = people.drop(columns="reason").merge(answered, on="customer_id", validate="one_to_many")
    unexplained = people[~people["customer_id"].isin(answered["customer_id"])]
    default = playbook.reasons.get(DEFAULT_REASON)
    actions = pd.DataFrame({"action": list(default.actions) if default else []}, dtype=str)
    by_default = unexplained.merge(actions, how="cross").assign(addressed_share=1.0)
    return pd.concat([by_reason, by_default], ignore_index=True).assign(is_owed=False)


def _actions(playbook: Playbook) -> pd.DataFrame:
    columns = ("action", "team", "channel", "purpose", "skills", "action_languages", "offer", "script",
               "prior_save_probability", "expected_minutes", "days_to_act", "offer_acceptance",
               "offer_price")  # fmt: skip
    rows = [
        (name, action.team, action.channel, action.purpose, BETWEEN.join(action.skills),
         BETWEEN.join(action.languages), action.offer, action.script, action.save_probability,
         action.expected_minutes, action.days_to_act, offer.acceptance, float(offer.cost))
        for name, action in playbook.actions.items()
        for offer in [playbook.offer_of(action)]
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _sentences(
    candidates: pd.DataFrame, trigger: pd.Series, churn_reasons: pd.DataFrame, playbook: Playbook
) -> pd.Series:
    """The trigger's sentence first, then the model's, but for those that say what trigger or evidence say."""
    first = tell(trigger, candidates, playbook).astype("str")
    facts = candidates.reindex(columns=list(EVIDENCE)).assign(trigger=first).set_axis(candidates["customer_id"])
    then = candidates["customer_id"].map(told_reasons(churn_reasons, facts)).astype("str")
    both = first + SEPARATOR + then
    return both.where(first.notna() & then.notna(), first.where(first.notna(), then))


def _untold(candidates: pd.DataFrame, trigger: pd.Series, playbook: Playbook) -> pd.DataFrame:
    """The facts of each customer that the trigger's sentence does not quote: each is told once."""
    quoted = trigger.map({name: rule.quotes for name, rule in playbook.triggers.items()}).astype(object)
    facts = candidates.reindex(columns=list(EVIDENCE)).astype(object)
    for name in EVIDENCE:
        is_quoted = pd.Series([isinstance(names, tuple) and name in names for names in quoted], facts.index, dtype=bool)
        facts[name] = facts[name].mask(is_quoted)
    return facts
