"""Why a customer is at risk, in sentences: LightGBM's contributions, grouped by subject.

Windows of one quantity (7, 30, 90 days) are one subject: their contributions add up, and the window
that says most tells it. Only what raises the risk is a reason, and only what is known of the customer.
"""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.phrases import shown, worded
from models.metrics import Numbers

REASON_COLUMNS = ["customer_id", "place", "feature", "contribution", "value", "sentence"]

_WINDOW = re.compile(r"_\d+d$")


def reasons(
    rows: pd.DataFrame, contributions: pd.DataFrame, phrases: Mapping[str, str], per_customer: int
) -> pd.DataFrame:
    """The strongest reasons of each customer.

    Args:
        rows: one row a customer, with the features.
        contributions: rows x features, log odds (`ChurnModel.contributions`), same index as `rows`.
        phrases: by feature (`features.phrases`); a feature without one is no reason.
        per_customer: at most so many.

    Returns:
        customer x reason, ordered by customer and rank: `REASON_COLUMNS`; `value` as it is told. A
        customer whom nothing puts at risk has no row.
    """
    named = [name for name in contributions.columns if name in phrases]
    if not named or rows.empty:
        return pd.DataFrame({column: [] for column in REASON_COLUMNS}).astype({"place": "int64"})
    known = rows[named].notna().to_numpy()
    long = strongest(np.where(known, contributions[named].to_numpy(dtype=np.float64), 0.0), named, per_customer)
    return _worded(long, rows, phrases)


def told_as_others(contributions: pd.DataFrame, tellers: Mapping[str, str]) -> pd.DataFrame:
    """Contributions with those of features that nobody is told of added to their tellers'; the sums stay.

    Args:
        contributions: rows x features, log odds.
        tellers: the feature that is named in place of another, by that other's name. Where the model does not know
            the teller, the feature stays as it is.
    """
    moved = {name: teller for name, teller in tellers.items() if {name, teller} <= set(contributions.columns)}
    return contributions.T.groupby(lambda name: moved.get(name, name), sort=False).sum().T


def strongest(contributions: Numbers, names: list[str], most: int) -> pd.DataFrame:
    """The subjects that push each row most.

    Args:
        contributions: rows x features; what points the other way is negative.
        names: of the features.
        most: so many subjects of a row at most.

    Returns:
        row x place (1 is the strongest): row, place, feature (of the subject the one that says most), contribution
        (the subject's, positive) and share (of all that pushes the row).
    """
    subjects = _by_subject(contributions, names)
    strength = np.column_stack([total for total, _ in subjects])
    feature = np.column_stack([teller for _, teller in subjects])
    order = np.argsort(-strength, axis=1, kind="stable")[:, :most]
    all_pushes = strength.clip(min=0).sum(axis=1)
    long = pd.DataFrame({
        "row": np.repeat(np.arange(len(strength)), order.shape[1]),
        "place": np.tile(np.arange(1, order.shape[1] + 1), len(strength)),
        "feature": np.array(names, dtype=object)[np.take_along_axis(feature, order, axis=1).ravel()],
        "contribution": np.take_along_axis(strength, order, axis=1).ravel(),
    })  # fmt: skip
    long = long[long["contribution"] > 0]
    return long.assign(share=long["contribution"] / all_pushes[long["row"]])


def _by_subject(contributions: Numbers, names: list[str]) -> list[tuple[Numbers, np.ndarray]]:
    """For each subject the sum of its features' contributions, and the position of the one that says most."""
    subject = pd.Series([_WINDOW.sub("", name) for name in names])
    positions = [np.flatnonzero(subject == one) for one in subject.unique()]
    return [(contributions[:, own].sum(axis=1), own[contributions[:, own].argmax(axis=1)]) for own in positions]


def _worded(long: pd.DataFrame, rows: pd.DataFrame, phrases: Mapping[str, str]) -> pd.DataFrame:
    parts = []
    for name, own in long.groupby("feature", sort=True):
        phrase, values = phrases[str(name)], rows[name].iloc[own["row"]]
        value, sentence = ([how(phrase, one) for one in values] for how in (shown, worded))
        parts.append(own.assign(value=value, sentence=sentence))
    long = pd.concat(parts) if parts else long.assign(value="", sentence="")
    long = long.assign(customer_id=rows["customer_id"].to_numpy()[long["row"]])
    return long.sort_values(["customer_id", "place"], ignore_index=True)[REASON_COLUMNS]
