"""What stands behind a listing, in words: counts, topics and hours from the warehouse, never what was said.

A reason says what the model makes of a customer; evidence says what happened, so that an agent can begin the talk
with it. Takes rows of `marts.fct_customer_evidence` and decides nothing.
"""

import pandas as pd

from forestall.outreach.playbook import EVIDENCE
from forestall.outreach.reasons import SENTENCES, SEPARATOR
from forestall.outreach.triggers import days_ago, duration

Texts = pd.Series
WEEK_DAYS = 7


def told_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """What happened to each customer, each fact in words; at most as many of a customer as reasons are told.

    Args:
        rows: of `marts.fct_customer_evidence`.

    Returns:
        customer_id (index) x `EVIDENCE`, the most pressing first; missing where there is nothing to tell.
    """
    rows = rows.reset_index(drop=True)
    told = dict(zip(EVIDENCE, (_complaints(rows), _contacts(rows), _answers(rows), _given_up(rows)), strict=True))
    facts = pd.DataFrame(told, dtype=object).set_axis(rows["customer_id"])
    return facts.where(facts.notna().cumsum(axis=1) <= SENTENCES)


def joined(facts: pd.DataFrame) -> Texts:
    """The facts of each row as one text: `3 contacts about billing in 7 days | gave up waiting twice in 30 days`.

    Args:
        facts: columns in the order in which they are told; missing ones are left out.

    Returns:
        As many as there are rows, missing where none has anything to tell.
    """
    long = facts.reset_index(drop=True).T.melt(var_name="row", value_name="fact").dropna(subset="fact")
    told = long.groupby("row")["fact"].agg(SEPARATOR.join).reindex(range(len(facts)))
    return told.set_axis(facts.index).astype(object)


def _contacts(rows: pd.DataFrame) -> Texts:
    """`3 contacts about billing (Comfort) in 7 days, the last one unanswered for 31 h`.

    A single contact is told while it waits, or for a week where it was given up. That the last one waits is left to
    the complaint where it is the complaint.
    """
    week, month = _whole(rows["contact_count_7d"]), _whole(rows["contact_count_30d"])
    about = " about " + rows["topic"].astype("str") + (" (" + rows["product"].astype("str") + ")").fillna("")
    many = week.astype("str").where(week >= 2, month.astype("str"))
    window = pd.Series(" in 7 days", rows.index).where(week >= 2, " in 30 days")
    several = many + " contacts" + about + window
    one = "contact" + about + " " + days_ago(rows["last_contact_days"])
    is_complaint = (
        _holds(rows["is_complaint_unanswered"])
        & rows["complaint_topic"].eq(rows["topic"])
        & rows["complaint_open_h"].eq(rows["last_unanswered_h"])
    )
    unanswered_h = rows["last_unanswered_h"].mask(is_complaint)
    waits = ", the last one unanswered for " + duration(unanswered_h)
    gave_up = _holds(rows["is_last_given_up"])
    ending = waits.where(waits.notna(), pd.Series(", the last one given up", rows.index).where(gave_up))
    text = (several + ending.fillna("")).where(month >= 2, one + ending.str.replace("the last one ", "").fillna(""))
    is_fresh = unanswered_h.notna() | (_whole(rows["last_contact_days"]) <= WEEK_DAYS)
    return text.where((month >= 2) | ((month == 1) & ending.notna() & is_fresh))


def _complaints(rows: pd.DataFrame) -> Texts:
    """`complaint about price without an answer for 31 h`, or `open for 4 days` once it had one."""
    about = (" about " + rows["complaint_topic"].astype("str")).fillna("")
    state = pd.Series(" without an answer for ", rows.index).where(
        _holds(rows["is_complaint_unanswered"]), " open for "
    )
    return "complaint" + about + state + duration(rows["complaint_open_h"])


def _answers(rows: pd.DataFrame) -> Texts:
    """`satisfaction 1 of 5, 4 days ago`."""
    score = rows["lowest_csat_30d"].astype("Int64")
    return "satisfaction " + score.astype("str").where(score.notna()) + " of 5, " + days_ago(rows["lowest_csat_days"])


def _given_up(rows: pd.DataFrame) -> Texts:
    """`gave up waiting twice in 30 days, after 12 min at most`; once is no pattern."""
    count = _whole(rows["given_up_count_30d"])
    often = (count.astype("str") + " times").mask(count == 2, "twice")
    minutes = (rows["given_up_wait_s_max"].astype("float64") / 60).round().astype("Int64")
    longest = (", after " + minutes.astype("str").where(minutes.notna()) + " min at most").fillna("")
    return ("gave up waiting " + often + " in 30 days" + longest).where(count >= 2)


def _holds(flags: pd.Series) -> "pd.Series[bool]":
    return flags.astype("boolean").fillna(value=False).astype(bool)


def _whole(counts: pd.Series) -> pd.Series:
    return counts.astype("Int64").fillna(0).astype("int64")
