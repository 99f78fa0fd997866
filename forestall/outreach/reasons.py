"""Why a customer is likely to leave, in the playbook's words, and how much of that an action answers to.

Takes what the model said (`churn_contributions`, `churn_reasons`) and decides nothing about actions: that is the
playbook's part.
"""

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from forestall.outreach.playbook import DEFAULT_REASON, Playbook

SENTENCES = 3  # more than three reasons are not read on the phone
SEPARATOR = " | "
# Features whose value a fact tells in other words.
RETOLD = {"complaint": ("unresolved_complaint_age_days",), "satisfaction": ("csat_last",)}
ADDRESSED = ["customer_id", "action", "reason", "addressed_share"]


def pushes(contributions: pd.DataFrame, playbook: Playbook) -> pd.DataFrame:
    """How far each of the playbook's reasons pushes each customer towards leaving.

    Args:
        contributions: customer_id, and by feature what it adds to the log odds of leaving.
        playbook: groups features into reasons. A feature belongs to the first group that it fits.

    Returns:
        Customers (index) x reasons in the playbook's order: the sum over the group's features, 0 where it speaks
        for staying.
    """
    by_feature = contributions.set_index("customer_id").astype(float)
    group = [_group(feature, playbook) for feature in by_feature.columns]
    return by_feature.T.groupby(group).sum().T.reindex(columns=list(playbook.reasons), fill_value=0.0).clip(lower=0.0)


def main_reasons(pushing: pd.DataFrame, playbook: Playbook) -> pd.Series:
    """Of the reasons that some action answers, the one that pushes each customer most, by customer_id.

    Of equals it is the playbook's first.

    Args:
        pushing: what `pushes` gave; customers whom nothing pushes are left out: theirs is `default`.
        playbook: which reasons have actions.
    """
    acted = pushing[[name for name, one in playbook.reasons.items() if one.actions]]
    pushed = acted[(acted > 0).any(axis=1)]
    return pushed.idxmax(axis=1) if len(pushed) else pd.Series(dtype=object)


def addressed(pushing: pd.DataFrame, playbook: Playbook) -> pd.DataFrame:
    """What share of each customer's risk goes with the reasons that an action answers to.

    Were these reasons as with other customers, the log odds would be lower by their pushes, and the odds lower by
    1 - exp(-pushes): no action can take away more than its causes brought. That share bears on `save_probability`.

    Args:
        pushing: what `pushes` gave.
        playbook: which action answers which reasons.

    Returns:
        customer x action of any reason but `default`: `ADDRESSED`, reason being the strongest of those answered; and
        whom `default` pushes most with its actions, which count whole.

    Worked: an action for waits (0.5) and complaints (0.2) answers to 1 - exp(-0.7) = 0.50 of the risk.
    """
    main = main_reasons(pushing, playbook)
    by_default = pd.MultiIndex.from_product(
        [main.index[main == DEFAULT_REASON], playbook.reasons[DEFAULT_REASON].actions if playbook.reasons else ()],
        names=["customer_id", "action"],
    )
    parts = [by_default.to_frame(index=False).astype(object).assign(reason=DEFAULT_REASON, addressed_share=1.0)]
    for action in playbook.actions:
        reasons = [name for name, one in playbook.reasons.items() if action in one.actions and name != DEFAULT_REASON]
        if reasons and len(pushing):
            own = pushing[reasons]
            share = -np.expm1(-own.sum(axis=1))
            parts.append(
                own.idxmax(axis=1).rename("reason").to_frame().assign(action=action, addressed_share=share)
                .rename_axis("customer_id").reset_index()
            )  # fmt: skip
    every = pd.concat(parts, ignore_index=True)[ADDRESSED].astype({"addressed_share": float})
    return every.drop_duplicates(["customer_id", "action"], ignore_index=True)  # the default's come first


def _group(feature: str, playbook: Playbook) -> str:
    fits = (
        name
        for name, reason in playbook.reasons.items()
        if any(fnmatchcase(feature, pattern) for pattern in reason.features)
    )
    return next(fits, DEFAULT_REASON)


def told_reasons(churn_reasons: pd.DataFrame, facts: pd.DataFrame | None = None) -> pd.Series:
    """The strongest sentences of each customer, by customer_id, strongest first.

    Args:
        churn_reasons: customer_id, place, feature, contribution, sentence.
        facts: by customer_id (index), what is told of each customer otherwise; what one of them says is not said again.
    """
    shown = churn_reasons[(churn_reasons["contribution"] > 0) & churn_reasons["sentence"].notna()]
    if facts is not None and len(shown):
        shown = shown[~_is_told(shown, facts)]
    shown = shown.sort_values(["customer_id", "place"]).groupby("customer_id").head(SENTENCES)
    return shown.groupby("customer_id")["sentence"].agg(SEPARATOR.join)


def _is_told(shown: pd.DataFrame, facts: pd.DataFrame) -> "pd.Series[bool]":
    """Reasons that a fact tells as well: in the same words (a window is `in 30 days` there), or of the same feature.

    Worked: `gave up waiting 3 times in the last 30 days` is told by `gave up waiting 3 times in 30 days, after 7 min at
    most`.
    """
    words = shown["sentence"].astype("str").str.replace(" in the last ", " in ")
    found = pd.Series(data=False, index=shown.index)
    for name in facts.columns:
        fact = shown["customer_id"].map(facts[name])
        plain = fact.astype("str").str.replace(r" \(.*?\)", "", regex=True).str.replace(" in the last ", " in ")
        begins = [text.startswith(words_of) for text, words_of in zip(plain.fillna(""), words, strict=True)]
        found |= fact.notna() & (pd.Series(begins, shown.index) | shown["feature"].isin(RETOLD.get(str(name), ())))
    return found
