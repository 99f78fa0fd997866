from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.settings import Settings
from forestall.sources.preview import check_sources, sample

Company = Callable[[str], Settings]

CRM = """
[sources.crm]
kind = "file"
table = "customers"
location = "crm.tsv"
columns = { customer_id = "No", signed_up_at = "Joined", preferred_channel = "Via" }
words = { preferred_channel = { Tel = "phone" } }
"""


@pytest.fixture
def settings(company: Company, tmp_path: Path) -> Settings:
    rows = [f"{number}\t2025-01-01T00:00:00Z\tTel\tAnna Muster\tb" for number in range(30)]
    rows[1] = "1\tsoon\tTel\tAnna Muster\tb"
    (tmp_path / "crm.tsv").write_text("\n".join(["No\tJoined\tVia\tName\tClass", *rows]))
    return company(CRM)


def test_a_sample_shows_mapped_rows_and_masks_people(settings: Settings) -> None:
    rows = sample(settings)["crm"].to_pylist()
    assert len(rows) == 20
    assert rows[0]["preferred_channel"] == "phone"
    assert (rows[0]["customer_id"], rows[0]["name"], rows[0]["email"]) == ("***", "***", None)
    assert [row["broken_rule"] for row in rows[:3]] == [None, "wrong_type:signed_up_at", None]
    assert not settings.var_path.exists()


def test_problems_are_listed_and_do_not_stop_the_others(settings: Settings, company: Company, tmp_path: Path) -> None:
    problems = check_sources(company(CRM + CRM.replace("crm", "erp")))
    assert [(problem.source, problem.is_blocking) for problem in problems] == [
        ("crm", False), ("crm", False), ("erp", True),
    ]  # fmt: skip
    assert problems[0].what == (
        "sources.crm: 1 of the first 30 rows break wrong_type:signed_up_at: `soon`; "
        "write dates as 2026-03-01, or read them with try_strptime under [sources.crm.columns]"
    )
    assert problems[1].what == "sources.crm: columns not used: Class"
    assert "erp.tsv: no such file" in problems[2].what


def test_a_missing_key_is_a_problem(settings: Settings, monkeypatch: pytest.MonkeyPatch, company: Company) -> None:
    monkeypatch.delenv("FORESTALL_SECRET_KEY")
    assert "FORESTALL_SECRET_KEY" in check_sources(company(CRM))[0].what


def test_a_problem_says_what_was_found_and_what_to_write(settings: Settings, company: Company, tmp_path: Path) -> None:
    told = [problem.what for problem in check_sources(company(CRM.replace("Tel =", "Fax =")))]
    assert told[0] == (
        "sources.crm: 29 of the first 30 rows break unknown_word:preferred_channel: `tel`; map it under "
        "[sources.crm.words.preferred_channel] to phone, chat, email, web_form, social, in_person, self_service"
    )
    rows = "1\t2025-01-01 10:00\tTel\n\t2025-01-01T00:00:00Z\tTel\n"
    (tmp_path / "crm.tsv").write_text("No\tJoined\tVia\n" + rows)
    told = [problem.what for problem in check_sources(company(CRM))]
    assert told == [
        "sources.crm: 1 of the first 2 rows break missing:customer_id",
        "sources.crm: 1 of the first 2 rows break time_without_zone:signed_up_at: `2025-01-01 10:00`; "
        "set `time_zone` under [sources.crm]",
    ]


def test_a_mapping_that_no_row_fits_cannot_be_used(company: Company, tmp_path: Path) -> None:
    (tmp_path / "crm.tsv").write_text("No\tJoined\tVia\n" + "1\tlast spring\tTel\n" * 3)
    (problem,) = check_sources(company(CRM))
    assert problem.is_blocking
    assert problem.what.startswith("sources.crm: 3 of the first 3 rows break wrong_type:signed_up_at: `last spring`")
