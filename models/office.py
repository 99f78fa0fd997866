"""Which version was in production, and when: the record of alias moves, read as terms in office."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.tracking import AliasMove


@dataclass(frozen=True)
class Term:
    """One version's time as champion.

    Attributes:
        version: its number.
        first_on: the first night that it scored.
        last_on: the last; None while it is in office.
        reason: why it came.
    """

    version: int
    first_on: date
    last_on: date | None
    reason: str


def terms_in_office(moves: Sequence[AliasMove]) -> list[Term]:
    """The champions' terms, oldest first.

    Args:
        moves: of one model, in the order in which they were made. A move takes back whatever was said before about
            nights from its own on: a rollback on the day of a promotion leaves the promoted version no night at all.
    """
    terms: list[Term] = []
    for move in moves:
        if move.alias != "champion":
            continue
        first_on = date.fromisoformat(move.effective_on)
        terms = [term for term in terms if term.first_on < first_on]
        if terms:
            last = terms[-1]
            terms[-1] = Term(last.version, last.first_on, first_on - timedelta(days=1), last.reason)
        terms.append(Term(move.to_version, first_on, None, move.reason))
    return terms
