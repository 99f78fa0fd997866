"""Which lots a comparison of models may use."""

from collections.abc import Callable
from datetime import date

from forestall.history.arms import logged_arms
from forestall.history.outreach import LISTINGS
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

ROWS = """
    INSERT INTO forestall.listings
        (run_date, revision, row_id, list_rank, customer_id, account_id, arm, arm_probability)
    VALUES
        ('2025-12-20', 1, 'r1', 1, 'c1', 'before', 'treatment', 0.9),
        ('2026-01-10', 1, 'r1', 1, 'c1', 'before', 'treatment', 0.9),
        ('2026-01-01', 1, 'r2', 2, 'c2', 'first day', 'holdout', 0.1),
        ('2026-01-05', 1, 'r2', 2, 'c2', 'first day', 'holdout', 0.2),
        ('2026-01-30', 1, 'r3', 1, 'c3', 'last day', 'treatment', 0.9),
        ('2026-01-31', 1, 'r4', 1, 'c4', 'after', 'treatment', 0.9)
"""


def test_the_first_listing_of_accounts_that_were_never_listed_before(company: Callable[[str], Settings]) -> None:
    with open_warehouse(company(""), "test") as warehouse:
        assert logged_arms(warehouse, date(2026, 1, 1), 30).empty
        warehouse.execute(LISTINGS)
        warehouse.execute(ROWS)
        found = logged_arms(warehouse, date(2026, 1, 1), 30)
    assert found.to_dict("records") == [
        {"account_id": "first day", "arm": "holdout", "arm_probability": 0.1},
        {"account_id": "last day", "arm": "treatment", "arm_probability": 0.9},
    ]
