"""A company with names, on either engine."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from forestall.settings import Settings

Company = Callable[[str], Settings]

NIGHT = date(2026, 3, 2)


@pytest.fixture(params=["duckdb", "postgres"])
def named(request: pytest.FixtureRequest, company: Company, tmp_path: Path) -> Settings:
    """Two customers with names; contacts with text, one of them broken."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    (tmp_path / "customers.csv").write_text(
        "customer_id,account_id,signed_up_at,name,email,phone\n"
        "KD-0815,ACCT-77,2025-01-01T00:00:00Z,Zebulon Quirrenbach,zq@example.org,+49 171 5550815\n"
        "KD-0816,ACCT-77,2025-01-01T00:00:00Z,Ottilie Quirrenbach,,\n"
    )
    (tmp_path / "calls.csv").write_text(
        "interaction_id,customer_id,channel,queue,started_at,text\n"
        "i1,KD-0815,phone,sales,2026-03-01T10:00:00Z,This is Zebulon Quirrenbach and I am very angry\n"
        "i2,KD-0815,pigeon,sales,2026-03-01T10:00:00Z,call me at zq@example.org\n"
        "i3,KD-0816,phone,sales,2026-03-01T10:00:00Z,\n"
        "i4,KD-0816,phone,sales,2026-03-01T10:00:00Z,one,too many: Ottilie Quirrenbach\n"
        "i3,KD-0816,phone,service,2026-03-01T10:00:00Z,Ottilie Quirrenbach again\n"
    )
    return company(
        f"""
        [warehouse]
        url = "{url}"
        [privacy]
        may_export = ["lead"]
        [sources.crm]
        kind = "file"
        table = "customers"
        location = "customers.csv"
        [sources.calls]
        kind = "file"
        table = "interactions"
        location = "calls.csv"
        """
    )
