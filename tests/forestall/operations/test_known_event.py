"""What an event does to rows of a forecast, by hand."""

from datetime import date

import pandas as pd
import pytest

from forestall.operations.known_event import KnownEvent
from forestall.settings import ConfigError
from models.volume.marks import in_words

SALE = KnownEvent("sale", date(2026, 3, 3), date(2026, 3, 4))
EFFECTS = pd.DataFrame(
    [("care", "event: sale", 0.5, 12), ("care", "event: sale after 1", 0.1, 6), ("mail", "event: sale", -0.99, 1),
     ("care", "event: release after 2", 0.1, 3), ("care", "event: release", 0.3, 3), ("care", "holiday: sale", 9.0, 1)],
    columns=["queue", "mark", "effect", "days_seen"],
)  # fmt: skip
EFFECTS["description"] = EFFECTS["mark"].map(in_words)
METHODS = pd.DataFrame({"queue": "care", "lead_bucket": ["1", "2-3", "4-7"], "weight_prophet": [1.0, 0.8, 0.5]})


def test_rows_move_by_the_event_and_by_little_only_as_far_as_the_daily_model_counts():
    days = pd.date_range("2026-03-02", periods=6)
    rows = pd.DataFrame({"queue": "care", "local_on": days.date, "lead_days": range(1, 7)})
    # Monday is before it; Tuesday and Wednesday are its days; one day after it has an effect, the next have none.
    assert SALE.factors(rows, EFFECTS, METHODS) == pytest.approx([1, 1.5, 1.5, 1.05, 1, 1])
    assert SALE.factors(rows.assign(queue="chat"), EFFECTS, METHODS) == pytest.approx([1] * 6)
    # A twentieth of a day is left, as the night leaves it; without weights all is the daily model's.
    assert SALE.factors(rows.assign(queue="mail"), EFFECTS, METHODS)[1] == pytest.approx(0.05)
    assert SALE.factors(rows, EFFECTS, METHODS.iloc[:0])[3] == pytest.approx(1.1)


def test_the_line_says_what_it_does_and_what_it_was_learned_from():
    line = SALE.told(EFFECTS, ("care", "mail", "chat"))
    assert line == ["sale, on a day without other marks: care +50% (seen on 12 days), mail -99% (seen on 1 day)"]
    assert SALE.told(EFFECTS, ("chat",))[0].endswith("none of these queues feels it")


def test_an_event_that_has_never_been_is_one_line():
    unknown = KnownEvent("price letter", date(2026, 3, 3), date(2026, 3, 3))
    with pytest.raises(ConfigError, match=r"no event price letter has passed.*known: release, sale$"):
        unknown.told(EFFECTS, ("care",))
    with pytest.raises(ConfigError, match="known: none"):
        unknown.told(EFFECTS.iloc[:0], ("care",))
