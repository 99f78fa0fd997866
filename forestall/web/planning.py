"""What the report says of the planner's hand: days unlike others, what moved since, and what overrides were worth."""

from collections.abc import Hashable
from datetime import date
from typing import Any

import pandas as pd

from forestall.web.numbers import day, number, percent, signed, signed_percent

MOST_MOVES = 5
MOST_OVERRIDES = 5
MOST_DAYS, DAYS_AHEAD, LEAST_EFFECT = 8, 56, 0.05
TOLD_MARKS = ("holiday: ", "event: ", "bridge: ", "year end: ")
LEAST_MOVE = 1.0  # contacts a day; less is not worth a line
WORDS = {
    "by_data": "new data",
    "by_model": "other weights of the methods",
    "by_event": "events",
    "by_override": "overrides",
    "by_outreach": "outreach",
}


def days_unlike_others(effects: pd.DataFrame, run_date: date) -> list[str]:
    """Holidays and events of the next weeks, the nearest first, each with what it does to the queues that it moves.

    Such as `Good Friday, Fri 2026-04-03: mail -48 %, social -31 %`.
    """
    until = pd.Timestamp(run_date) + pd.Timedelta(days=DAYS_AHEAD)
    is_told = effects["mark"].str.startswith(TOLD_MARKS) & ~effects["description"].str.endswith(" day after")
    on = pd.to_datetime(effects["next_on"])
    rows = effects.assign(next_on=on)[is_told & (on < until) & (effects["effect"].abs() >= LEAST_EFFECT)]
    lines = []
    for _, own in rows.groupby(["next_on", "description"]):
        largest = own.sort_values("effect", key=lambda values: -values.abs())
        told = ", ".join(f"{row['queue']} {signed_percent(row['effect'])}" for row in largest.to_dict("records"))
        lines.append(f"{own['description'].iloc[0]}, {day(own['next_on'].iloc[0])}: {told}")
    return lines[:MOST_DAYS]


def moves(changes: pd.DataFrame) -> list[str]:
    """The largest changes of a queue's day since the last published night, each with its causes.

    Such as `billing, Mon 2026-03-02: 620 instead of 500 (+120): overrides +100, new data +15, ...`.
    """
    size = changes["change"].abs()
    largest = changes[size >= LEAST_MOVE].loc[lambda rows: rows["change"].abs().nlargest(MOST_MOVES).index]
    return [_move(row) for row in largest.to_dict("records")]


def worth_of_overrides(values: pd.DataFrame) -> list[str]:
    """One line for each of the newest overrides whose days have passed."""
    whole = values[(values["queue"] == "all") & (values["lead_bucket"] == "all")]
    newest = whole.assign(last=whole["override_id"].astype(str).str.split("+").str[-1].astype(int))
    return [_worth(row) for row in newest.nlargest(MOST_OVERRIDES, "last").to_dict("records")]


def _move(row: dict[Hashable, Any]) -> str:
    shares = {words: float(row[name]) for name, words in WORDS.items()}
    worth_telling = ((words, share) for words, share in shares.items() if abs(share) >= LEAST_MOVE / 2)
    told = sorted(worth_telling, key=lambda one: -abs(one[1]))
    causes = ", ".join(f"{words} {signed(share)}" for words, share in told)
    change = float(row["change"])
    return (
        f"{row['queue']}, {day(pd.Timestamp(str(row['local_on'])))}: {number(row['contacts'])} contacts instead of "
        f"{number(row['previous_contacts'])} ({signed(change)}): {causes}"
    )


def _worth(row: dict[Hashable, Any]) -> str:
    avoided, wape, model_wape = (float(row[name]) for name in ("error_avoided", "wape", "model_wape"))
    verdict = "made the forecast better by" if avoided > 0 else "made it worse by" if avoided < 0 else "changed it by"
    many = "s" if "+" in str(row["override_id"]) else ""
    return (
        f"Override{many} {row['override_id']}: {verdict} {number(abs(avoided))} contacts misplaced over "
        f"{row['day_count']} days (WAPE {percent(wape, 1)} with, {percent(model_wape, 1)} without)"
    )
