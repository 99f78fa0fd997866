"""Why a customer is at risk, in sentences: LightGBM's contributions, grouped by subject.

Windows of one quantity (7, 30, 90 days) are one subject: their contributions add up, and the window
that says most tells it. Only what raises the risk is a reason, and only what is known of the customer.
"""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.metrics import Numbers

REASON_COLUMNS = ["customer_id", "place", "feature", "contribution", "value", "sentence"]

_WINDOW = re.compile(r"_\d+d$")
_COUNTED = re.compile(
    r"(\{value\} (?:\w+ )??\w+?)s\b(?! the usual)"
)  # what is counted, which is one where the value is


def reasons(
    rows: pd.DataFrame, contributions: pd.DataFrame, phrases: Mapping[str, str], per_customer: int
) -> pd.DataFrame:
    """The strongest reasons of each customer.

    Args:
        rows: one row a customer, with the features.
        contributions: rows x features, log odds (`ChurnModel.contributions`), same index as `rows`.
        phrases: by feature, with `{value}` where the value goes; a feature without one is no reason.
        per_customer: at most so many.

    Returns:
        customer x reason, ordered by customer and rank: `REASON_COLUMNS`; `value` as it is told. A
        customer whom nothing puts at risk has no row.
    """
    told = [name for name in contributions.columns if name in phrases]
    if not told or rows.empty:
        return pd.DataFrame({column: [] for column in REASON_COLUMNS}).astype({"place": "int64"})
    known = rows[told].notna().to_numpy()
    long = strongest(np.where(known, contributions[told].to_numpy(dtype=np.float64), 0.0), told, per_customer)
    return _worded(long, rows, phrases)


def told_as_others(contributions: pd.DataFrame, tellers: Mapping[str, str]) -> pd.DataFrame:
    """Contributions with those of features that nobody is told of added to their tellers'; the sums stay.

    Args:
        contributions: rows x features, log odds.
        tellers: the feature that is named in place of another, by that other's name. Where the model does not know
            the teller, the feature stays as it is.
    """
    told = {name: teller for name, teller in tellers.items() if {name, teller} <= set(contributions.columns)}
    return contributions.T.groupby(lambda name: told.get(name, name), sort=False).sum().T


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
        value = rows[name].iloc[own["row"]].map(shown).to_numpy()
        sentence = [phrased(phrases[str(name)], one) for one in value]
        parts.append(own.assign(value=value, sentence=sentence))
    worded = pd.concat(parts) if parts else long.assign(value="", sentence="")
    worded = worded.assign(customer_id=rows["customer_id"].to_numpy()[worded["row"]])
    return worded.sort_values(["customer_id", "place"], ignore_index=True)[REASON_COLUMNS]


def phrased(phrase: str, value: str) -> str:
    """The phrase with its value: `3 complaints in the last 7 days`, `1 complaint in the last 7 days`."""
    return (_COUNTED.sub(r"\1", phrase, count=1) if value == "1" else phrase).format(value=value)


def shown(value: object) -> str:
    """A value as an agent reads it: whole where it is whole or large, otherwise with one or two decimals."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        return str(value)
    number = round(float(value), 6)  # a mean of 80.05 must not read as 80.0 on one warehouse and 80.1 on the other
    if number == round(number) or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 1 else f"{number:.2f}"
