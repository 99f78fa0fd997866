"""Why a list is empty: how many customers were held back by what, in one line.

A night without a list looks like one in which all is well; mostly a setting is wrong.
"""

import pandas as pd

NOT_WORTH_IT = "worth less than a contact costs, or without minutes"
NO_ACTION = "no action of the playbook"
NOTHING_KNOWN = "neither score nor trigger"


def why_nobody(customers: pd.Series, is_scored: pd.Series, options: pd.DataFrame, withheld: pd.DataFrame) -> str:
    """The line of a night that lists nobody.

    Args:
        customers: customer_id of all candidates, each once.
        is_scored: whether the model scored them; aligned with `customers`.
        options: customer_id, suppression_reason (missing: no filter holds the option back).
        withheld: customer_id, suppression_reason of those who are published as withheld.

    Worked: of ten customers seven withheld for quiet hours, and three whom nothing holds back: "nobody is listed, of
    10 customers: quiet_hours 7, worth less than a contact costs, or without minutes 3".
    """
    if customers.empty:
        return "nobody is listed: no customer is known"
    free_first = options.sort_values("suppression_reason", na_position="first", kind="stable")
    held = free_first.drop_duplicates("customer_id").set_index("customer_id")["suppression_reason"].astype(object)
    held = held.where(held.notna(), NOT_WORTH_IT)
    published = withheld.drop_duplicates("customer_id").set_index("customer_id")["suppression_reason"].astype(object)
    unknown = is_scored.map({True: NO_ACTION, False: NOTHING_KNOWN})
    why = customers.map(published).astype(object).fillna(customers.map(held)).fillna(unknown)
    counts = why.value_counts().rename_axis("why").reset_index(name="count")
    counts = counts.sort_values(["count", "why"], ascending=[False, True])
    told = ", ".join(f"{name} {count}" for name, count in counts.itertuples(index=False))
    return f"nobody is listed, of {len(customers)} customers: {told}"
