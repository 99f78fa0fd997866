"""Why a customer is likely to leave, in the playbook's words: which group of features pushes most.

Takes what the model said (`churn_reasons`) and decides nothing about actions: that is the
playbook's part.
"""

from fnmatch import fnmatchcase

import pandas as pd

from forestall.outreach.playbook import DEFAULT_REASON, Playbook

SENTENCES = 3  # more than three reasons are not read on the phone
SEPARATOR = " | "


def main_reasons(churn_reasons: pd.DataFrame, playbook: Playbook) -> pd.Series:
    """The playbook's reason of each customer.

    Args:
        churn_reasons: customer_id, feature, contribution to the log odds of leaving.
        playbook: groups features into reasons. A feature belongs to the first group that it fits.

    Returns:
        Reason by customer_id: the group with the greatest sum of positive contributions, the
        playbook's first where two are equal. Customers without any are left out: theirs is `default`.
    """
    pushing = churn_reasons[churn_reasons["contribution"] > 0]
    names = list(playbook.reasons)
    group = pushing["feature"].map({feature: _group(feature, playbook) for feature in pushing["feature"].unique()})
    by_group = pushing.assign(group_place=group.map({name: place for place, name in enumerate(names)}))
    sums = by_group.groupby(["customer_id", "group_place"])["contribution"].sum().reset_index()
    best = sums.sort_values(["customer_id", "contribution", "group_place"], ascending=[True, False, True])
    best = best.drop_duplicates("customer_id").set_index("customer_id")
    return best["group_place"].astype(int).map(dict(enumerate(names)))


def _group(feature: str, playbook: Playbook) -> str:
    fits = (
        name
        for name, reason in playbook.reasons.items()
        if any(fnmatchcase(feature, pattern) for pattern in reason.features)
    )
    return next(fits, DEFAULT_REASON)


def told_reasons(churn_reasons: pd.DataFrame) -> pd.Series:
    """The strongest sentences of each customer, by customer_id, strongest first."""
    shown = churn_reasons[(churn_reasons["contribution"] > 0) & churn_reasons["sentence"].notna()]
    shown = shown.sort_values(["customer_id", "place"]).groupby("customer_id").head(SENTENCES)
    return shown.groupby("customer_id")["sentence"].agg(SEPARATOR.join)
