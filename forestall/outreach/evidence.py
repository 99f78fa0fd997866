"""What stands behind a listing, in words: counts, topics and hours from the warehouse, never what was said.

A reason says what the model makes of a customer; evidence says what happened, so that an agent can begin the talk
with it. Takes rows of `marts.fct_customer_evidence` and decides nothing.
"""

import pandas as pd

from forestall.outreach.reasons import SENTENCES, SEPARATOR
from forestall.outreach.triggers import duration

Texts = pd.Series
WEEK_DAYS = 7


def told_evidence(facts: pd.DataFrame) -> Texts:
    """The facts of each customer, by customer_id, the most pressing first; at most as many as reasons are told.

    Args:
        facts: rows of `marts.fct_customer_evidence`.

    Returns:
        Text such as `3 contacts about billing in 7 days, the last one unanswered for 31 h | gave up waiting twice in
        30 days`. Customers of whom there is nothing to tell are left out.
    """
    rows = facts.reset_index(drop=True)
    parts = [_complaints(rows), _contacts(rows), _answers(rows), _given_up(rows)]
    long = pd.concat([part.dropna().rename("sentence").to_frame().assign(place=at) for at, part in enumerate(parts)])
    long = long.rename_axis("row").reset_index().sort_values(["row", "place"])
    long = long.groupby("row").head(SENTENCES)
    told = long.groupby("row")["sentence"].agg(SEPARATOR.join)
    return told.set_axis(rows["customer_id"].iloc[told.index])


def _contacts(rows: pd.DataFrame) -> Texts:
    """`3 contacts about billing (Comfort) in 7 days, the last one unanswered for 31 h`.

    A single contact is told while it waits, or for a week where it was given up.
    """
    week, month = _whole(rows["contact_count_7d"]), _whole(rows["contact_count_30d"])
    about = " about " + rows["topic"].astype("str") + (" (" + rows["product"].astype("str") + ")").fillna("")
    many = week.astype("str").where(week >= 2, month.astype("str"))
    window = pd.Series(" in 7 days", rows.index).where(week >= 2, " in 30 days")
    several = many + " contacts" + about + window
    one = "contact" + about + " " + _ago(rows["last_contact_days"])
    waits = ", the last one unanswered for " + duration(rows["last_unanswered_h"])
    gave_up = rows["is_last_given_up"].astype("boolean").fillna(value=False).astype(bool)
    ending = waits.where(waits.notna(), pd.Series(", the last one given up", rows.index).where(gave_up))
    text = (several + ending.fillna("")).where(month >= 2, one + ending.str.replace("the last one ", "").fillna(""))
    is_fresh = rows["last_unanswered_h"].notna() | (_whole(rows["last_contact_days"]) <= WEEK_DAYS)
    return text.where((month >= 2) | ((month == 1) & ending.notna() & is_fresh))


def _complaints(rows: pd.DataFrame) -> Texts:
    """`complaint about price open for 3 days, without an answer`."""
    about = (" about " + rows["complaint_topic"].astype("str")).fillna("")
    is_waiting = rows["is_complaint_unanswered"].astype("boolean").fillna(value=False).astype(bool)
    answer = pd.Series(", without an answer", rows.index).where(is_waiting, "")
    return "complaint" + about + " open for " + duration(rows["complaint_open_h"]) + answer


def _answers(rows: pd.DataFrame) -> Texts:
    """`satisfaction 1 of 5, 4 days ago`."""
    score = rows["lowest_csat_30d"].astype("Int64")
    return "satisfaction " + score.astype("str").where(score.notna()) + " of 5, " + _ago(rows["lowest_csat_days"])


def _given_up(rows: pd.DataFrame) -> Texts:
    """`gave up waiting twice in 30 days, after 12 min at most`; once is no pattern."""
    count = _whole(rows["given_up_count_30d"])
    often = (count.astype("str") + " times").mask(count == 2, "twice")
    minutes = (rows["given_up_wait_s_max"].astype("float64") / 60).round().astype("Int64")
    longest = (", after " + minutes.astype("str").where(minutes.notna()) + " min at most").fillna("")
    return ("gave up waiting " + often + " in 30 days" + longest).where(count >= 2)


def _ago(days: pd.Series) -> Texts:
    whole = days.astype("Int64")
    return (whole.astype("str") + " days ago").mask(whole == 1, "yesterday").where(whole.notna())


def _whole(counts: pd.Series) -> pd.Series:
    return counts.astype("Int64").fillna(0).astype("int64")
