"""The outreach list as a workbook: what an agent needs, in the order of the work; then how the worth comes about.

Agents read from left to right: whom, what to do, by when, when to call, why, what to say. All that the contract knows
besides stands on the last sheet, in the contract's order.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.published_outreach import OUTREACH_LIST
from features.tables import Kind
from forestall.outreach.reasons import SEPARATOR
from forestall.publishing.workbooks import HEAD, WHITE, new_workbook

# Sheets of agents: all rows in working order, then those of each list.
LISTS = {
    "Outreach list": None,
    "Save queue": "save_queue",
    "Renewals": "renewal",
    "Payment failures": "payment_failure",
}
WORTH, EVERYTHING = "How the value comes about", "All columns"
# What an agent sees: head, width, what the head's note says.
AGENT: dict[str, tuple[int, str]] = {
    "Rank": (6, "the order to work in: promises that are due and rows worth most a minute, in turn"),
    "Customer": (23, "pseudonym; `forestall export list.xlsx` writes this with names, for those who may see them"),
    "Name": (24, "from the vault"),
    "Phone": (18, "from the vault"),
    "Email": (26, "from the vault"),
    "Own number": (18, "the customer's id in the company's own systems"),
    "What to do": (24, "action of the playbook, and how to reach the customer"),
    "By": (21, "act by; coloured where that day has passed"),
    "When to call": (17, "the customer's local hours: those in which the customer has answered, and those allowed; and "
                     "when agents have time on that day, by our own clock"),
    "Why": (62, "what speaks for leaving and what happened, the most telling first"),
    "Since the last night": (44, "how the risk moved, and what moved it"),
    "What to say and offer": (30, "what may be offered, and where the script is"),
    "Language": (10, "ISO 639-1"),
    "Minutes": (9, "agent minutes that the row is expected to take, with all tries"),
    "Worth": (10, "what the contact is expected to save, less offer and minutes; a promise is kept at any worth"),
    "Tier": (9, "firm: to be worked; if quiet: only when there is time left"),
    "Team": (13, "who owns it"),
    "Status": (11, "open, or the last outcome"),
    "Row id": (19, "write it with the outcome (`outreach_outcomes.row_id`), so that both are found together"),
}  # fmt: skip
WRAPPED = ("What to do", "When to call", "Why", "Since the last night", "What to say and offer")
# The worth of a row, part by part, as docs/how-to/read-the-list.md explains it.
PARTS = (
    "list_rank", "customer_id", "churn_probability", "addressed_share", "fresh_share", "prior_save_probability",
    "learned_save_probability", "save_source", "save_probability", "monthly_margin", "monthly_retention",
    "value_at_risk", "offer_acceptance", "offer_price", "offer_cost", "expected_minutes", "contact_cost", "load_cost",
    "expected_value", "row_id",
)  # fmt: skip
WIDTHS: dict[Kind, int] = {"text": 16, "instant": 17, "date": 11, "integer": 9, "number": 11, "money": 12, "boolean": 8}
WIDE = {"reasons": 60, "evidence": 50, "change_reason": 40, "call_hours": 24, "best_hours": 24, "idle_hours": 24,
        "customer_id": 23, "account_id": 23, "row_id": 19, "script": 30}  # fmt: skip
LONG = ("reasons", "evidence", "change_reason")
FORMATS: dict[Kind, str] = {"instant": "yyyy-mm-dd hh:mm", "date": "yyyy-mm-dd", "integer": "0", "number": "0.00",
                            "money": "#,##0.00", "text": "@", "boolean": "General"}  # fmt: skip
SHARES = ("churn_probability", "probability_change", "save_probability", "prior_save_probability",
          "learned_save_probability", "addressed_share", "fresh_share", "offer_acceptance", "monthly_retention",
          "arm_probability")  # fmt: skip
DAY, PAST_DAY = "ddd d mmm yyyy", '"was due "ddd d mmm yyyy'
AMBER = "#F6C89F"


def write_list(rows: pd.DataFrame, run_date: date, path: Path) -> None:
    """The list for agents, each of `LISTS` by itself, the parts of the worth, and all columns.

    Args:
        rows: of `outreach_list` in working order; with the columns of `privacy.export.NAMES` where names rejoined.
        run_date: what was due before it is marked.
        path: where to.
    """
    with new_workbook(path) as book:
        for title, name in LISTS.items():
            _write_agents(book, title, rows if name is None else rows[rows["list_name"] == name], run_date)
        _write_columns(book, WORTH, rows[list(PARTS)])
        _write_columns(book, EVERYTHING, rows)


def as_agents_read(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the columns of `AGENT`; those of names only where `rows` has them.

    Worked: reasons `a | b` and evidence `c` are three lines of `Why`, each after a dot.
    """
    told = rows["reasons"].str.cat(rows["evidence"].astype("str"), sep=SEPARATOR, na_rep="")
    lines = told.map(lambda text: "\n".join(f"• {line}" for line in text.split(SEPARATOR) if line), na_action="ignore")
    best, allowed = rows["best_hours"].astype("str"), rows["call_hours"].astype("str")
    idle = "\nwe have time " + rows["idle_hours"].astype("str")
    offer = ("Offer: " + _plain(rows["offer"]).str.lower()).fillna("No offer")
    columns = {
        "Rank": rows["list_rank"],
        "Customer": rows["customer_id"],
        "Name": rows.get("name"),
        "Phone": rows.get("phone"),
        "Email": rows.get("email"),
        "Own number": rows.get("original_customer_id"),
        "What to do": _plain(rows["action"]) + (", by " + _plain(rows["channel"]).str.lower()).fillna(""),
        "By": rows["due_on"],
        "When to call": ("best " + best + "\nallowed " + allowed).fillna(allowed).str.cat(idle, na_rep=""),
        "Why": lines,
        "Since the last night": rows["change_reason"],
        "What to say and offer": offer + ("\nScript: " + rows["script"].astype("str")).fillna(""),
        "Language": rows["language"],
        "Minutes": rows["expected_minutes"],
        "Worth": rows["expected_value"],
        "Tier": _plain(rows["tier"]),
        "Team": _plain(rows["team"]),
        "Status": _plain(rows["status"]),
        "Row id": rows["row_id"],
    }
    return pd.DataFrame({name: columns[name] for name in AGENT if columns[name] is not None}, index=rows.index)


def _plain(names: pd.Series) -> "pd.Series[str]":
    """`resolve_open_issue` is `Resolve open issue`."""
    return names.astype("str").str.replace("_", " ").str.capitalize()


def _write_agents(book: Any, title: str, rows: pd.DataFrame, run_date: date) -> None:
    shown = as_agents_read(rows)
    formats = {"Minutes": "0", "Worth": FORMATS["money"], "Rank": "0", "By": DAY}
    heads = [(name, *AGENT[name]) for name in shown.columns]
    styles = [
        book.add_format({"num_format": formats.get(name, "@"), "valign": "top", "text_wrap": name in WRAPPED})
        for name in shown.columns
    ]
    sheet = _new_sheet(book, title, heads, styles, shown)
    late = book.add_format({"num_format": PAST_DAY, "valign": "top", "bg_color": AMBER})
    at = list(shown.columns).index("By")
    for row, due_on in enumerate(shown["By"], start=1):  # xlsxwriter writes cell by cell
        if due_on is not None and due_on == due_on and pd.Timestamp(due_on) < pd.Timestamp(run_date):
            sheet.write_datetime(row, at, due_on, late)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write_columns(book: Any, title: str, rows: pd.DataFrame) -> None:
    """Columns of the contract as they are; the note on a head says which one it is and what it means."""
    known = {column.name: column for column in OUTREACH_LIST.columns}
    heads, styles = [], []
    for name in rows.columns:
        kind: Kind = known[name].kind if name in known else "text"
        share = "0.0%" if name in SHARES else FORMATS[kind]
        styles.append(book.add_format({"num_format": share, "valign": "top", "text_wrap": name in LONG}))
        note = f"{name}: {known[name].about}" if name in known else ""
        heads.append((heading(name), WIDE.get(name, WIDTHS[kind]), note))
    sheet = _new_sheet(book, title, heads, styles, rows)
    if len(rows):
        at = list(rows.columns).index("churn_probability")
        scale = {"type": "2_color_scale", "min_color": WHITE, "max_color": AMBER}
        sheet.conditional_format(1, at, len(rows), at, scale)


def _new_sheet(
    book: Any, title: str, heads: Sequence[tuple[str, int, str]], styles: Sequence[Any], rows: pd.DataFrame
) -> Any:
    """Frozen heads with their notes, columns as wide as they ask for, filters, and the rows."""
    sheet = book.add_worksheet(title)
    bold = book.add_format(HEAD)
    sheet.freeze_panes(1, 2)
    for at, ((head, width, note), style) in enumerate(zip(heads, styles, strict=True)):
        sheet.set_column(at, at, width, style)
        sheet.write_string(0, at, head, bold)
        if note:
            sheet.write_comment(0, at, note)
        _write_column(sheet, at, rows.iloc[:, at], style)
    if len(rows):
        sheet.autofilter(0, 0, len(rows), len(heads) - 1)
    return sheet


def heading(name: str) -> str:
    """A column's name as people read it: `expected_value` is `Expected value`, `due_on` is `Due`."""
    words = name.removesuffix("_on").removesuffix("_id").removeprefix("is_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _write_column(sheet: Any, at: int, values: pd.Series, style: Any) -> None:
    for row, value in enumerate(values, start=1):  # xlsxwriter writes cell by cell
        if value is None or value != value:
            continue
        if isinstance(value, str):
            sheet.write_string(row, at, value, style)
        elif hasattr(value, "year"):
            sheet.write_datetime(row, at, value, style)
        else:
            sheet.write_number(row, at, float(value), style)
