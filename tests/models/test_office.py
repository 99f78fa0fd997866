"""Terms in office agree with what each night would have scored with."""

from datetime import date

from models.office import Term, terms_in_office
from models.tracking import AliasMove


def _move(version: int, effective_on: str, alias: str = "champion") -> AliasMove:
    return AliasMove("churn", alias, None, version, "why", effective_on)  # type: ignore[arg-type]


def test_each_champion_holds_office_until_the_day_before_the_next() -> None:
    moves = [_move(1, "2026-03-01"), _move(2, "2026-03-05", "challenger"), _move(2, "2026-03-09")]
    assert terms_in_office(moves) == [
        Term(1, date(2026, 3, 1), date(2026, 3, 8), "why"),
        Term(2, date(2026, 3, 9), None, "why"),
    ]


def test_a_rollback_before_the_first_night_leaves_no_term() -> None:
    moves = [_move(1, "2026-03-01"), _move(2, "2026-03-09"), _move(1, "2026-03-09")]
    assert [(term.version, term.last_on) for term in terms_in_office(moves)] == [
        (1, date(2026, 3, 8)),
        (1, None),
    ]
    early = [_move(1, "2026-03-01"), _move(2, "2026-03-09"), _move(1, "2026-03-08")]
    assert [term.version for term in terms_in_office(early)] == [1, 1]


def test_nobody_was_ever_in_office() -> None:
    assert terms_in_office([]) == []
