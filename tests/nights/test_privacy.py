"""Who a customer is stays in the vault, who said no is left alone, and who is forgotten stays forgotten."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from forestall.demo.company import play
from forestall.privacy.forget import forget
from forestall.privacy.vault import open_vault
from forestall.publishing.publication import nights
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from tests.nights.company import FIRST, SECOND, consents, copied, customers, fingerprints, run_jobs
from tests.nights.search import files_below, readable, tables

pytestmark = pytest.mark.slow

NUMBER = re.compile(rb"(?<![0-9A-Za-z])[KG]\d{5,6}(?![0-9A-Za-z])")
CONTACTS = re.compile(rb"(?<![\w.+-])[\w.+-]++@(?:mail\.)?example\.(?:com|org|net)|30[ /-]?23125[ /-]?\d+")
SEARCHED = 100


class Traces:
    """What would betray a customer: names, addresses, numbers."""

    def __init__(self, settings: Settings) -> None:
        known = customers(settings).sample(SEARCHED, random_state=1)
        self.numbers = {number.encode() for column in ("kundennr", "konto") for number in known[column]}
        # Whoever writes a name writes the family's; two Chinese signs are a name only together.
        self.names = {name.rpartition(" ")[2].encode() for name in known["anzeigename"]}

    def found_in(self, content: bytes) -> set[bytes]:
        numbers = set(NUMBER.findall(content)) & self.numbers
        return numbers | set(CONTACTS.findall(content)) | {name for name in self.names if name in content}


def test_the_search_finds_what_it_looks_for_where_it_may_be(second_night) -> None:
    """The company's own files hold every kind of trace, also within texts, archives and Parquet."""
    traces, data = Traces(second_night.settings), second_night.settings.root / "data"
    people = traces.found_in(readable(data / "customers" / "customers.parquet"))
    assert people >= traces.numbers | traces.names
    assert sum(b"@" in trace for trace in people) > SEARCHED
    for place in ("interactions/telephony_2026-02.csv.gz", "interactions/tickets_2026-02.parquet"):
        written = traces.found_in(readable(data / place))
        assert written & traces.names, place
        assert [trace for trace in written if b"@" in trace], place


def test_no_file_that_forestall_wrote_betrays_a_customer(second_night, home: Path) -> None:
    settings = second_night.settings
    traces = Traces(settings)
    files = files_below(settings.var_path)
    parts = {path.relative_to(settings.var_path).parts[0] for path in files}
    assert parts >= {"dbt", "logs", "mlflow", "published", "runs", "vault", "volume", "warehouse.duckdb"}
    betrayed = {str(path): found for path in files if (found := traces.found_in(readable(path)))}
    assert betrayed == {}
    assert not [path for path in files_below(home) if traces.found_in(path.read_bytes())]
    assert not (home / ".dlt").exists()


def test_no_table_of_the_warehouse_betrays_a_customer(second_night) -> None:
    traces = Traces(second_night.settings)
    with open_warehouse(second_night.settings, "test") as warehouse:
        texts = dict(tables(warehouse))
    assert {"raw.customers", "forestall.quarantine", "marts.fct_customer_features"} <= set(texts)
    assert len(texts["forestall.quarantine"]) > 1000
    assert {name: found for name, text in texts.items() if (found := traces.found_in(text))} == {}


def _last_words(settings: Settings, purpose: str) -> pd.DataFrame:
    """The company's own consents on a purpose, with the pseudonym of who gave or refused them."""
    said = consents(settings)
    said = said[(said["zweck"] == purpose) & (pd.to_datetime(said["seit"], utc=True) < "2026-03-02T23:00:00Z")]
    last = said.sort_values("seit").drop_duplicates(["kundennr", "weg"], keep="last")
    return last.merge(customers(settings)[["kundennr", "customer_id"]], on="kundennr", validate="many_to_one")


def test_who_refused_profiling_is_neither_scored_nor_listed(second_night) -> None:
    settings = second_night.settings
    said = _last_words(settings, "profilbildung")
    refused = set(said.loc[said["einwilligung"] == "nein", "customer_id"])
    night = nights(settings.var_path / "published")[-1]
    assert night.run_date == SECOND
    assert len(refused) > 5
    assert not refused & set(night.frame("churn_scores")["customer_id"])
    assert not refused & set(night.frame("outreach_list")["customer_id"])
    scored_before = set(nights(settings.var_path / "published")[0].frame("churn_scores")["customer_id"])
    assert set(second_night.refusals["profiling"]) <= refused
    assert scored_before & set(second_night.refusals["profiling"])  # so the refusal was what kept them out


def test_nobody_is_listed_who_may_not_be_called(second_night) -> None:
    settings = second_night.settings
    first, second = nights(settings.var_path / "published")
    assert (first.run_date, second.run_date) == (FIRST, SECOND)
    listed, before = second.frame("outreach_list"), set(first.frame("outreach_list")["customer_id"])
    known = customers(settings)
    barred = set(known.loc[known["minderjaehrig"] | known["schutzvermerk"], "customer_id"])
    for why, people in second_night.refusals.items():
        assert set(people) <= before, why
        assert not set(people) & set(listed["customer_id"]), why
    assert not barred & set(listed["customer_id"])
    others = before - {who for people in second_night.refusals.values() for who in people}
    assert len(others & set(listed["customer_id"])) > len(others) / 2  # the list itself lives on


def test_everybody_listed_has_agreed_to_the_channel(second_night) -> None:
    settings = second_night.settings
    said = pd.concat([_last_words(settings, "service"), _last_words(settings, "werbung")])
    said = said[said["einwilligung"] == "ja"]
    agreed = {channel: set(said.loc[said["weg"].isin([word, "alle"]), "customer_id"])
              for channel, word in {"phone": "Telefon", "email": "E-Mail", "chat": "Chat"}.items()}  # fmt: skip
    listed = nights(settings.var_path / "published")[-1].frame("outreach_list")
    assert len(listed) > 10
    for channel, people in listed.groupby("channel")["customer_id"]:
        assert set(people) <= agreed[str(channel)], channel


def test_accounts_of_the_holdout_are_never_listed(second_night) -> None:
    settings = second_night.settings
    with open_warehouse(settings, "test") as warehouse:
        arms = warehouse.frame("SELECT account_id, arm FROM forestall.arms")
    held = set(arms.loc[arms["arm"] == "holdout", "account_id"])
    assert len(held) > 10
    assert not arms["account_id"].duplicated().any()
    published = nights(settings.var_path / "published")
    for night in published:
        assert not held & set(night.frame("outreach_list")["account_id"]), night.run_date
    # whom the first night would have listed rests from then on, owed answers included
    first = published[0].frame("outreach_withheld")
    would_have = set(first.loc[first["suppression_reason"] == "holdout", "account_id"])
    assert would_have
    assert would_have <= held
    later = published[-1].frame("outreach_withheld")
    assert not would_have & set(later.loc[later["suppression_reason"] == "holdout", "account_id"])


def test_a_forgotten_customer_leaves_the_warehouse_and_does_not_come_back(
    first_night: Settings, tmp_path: Path
) -> None:
    settings = copied(first_night.root, tmp_path / "company")
    published = settings.var_path / "published"
    person = nights(published)[-1].frame("outreach_list")["customer_id"].iloc[0]
    own_number = customers(settings).set_index("customer_id")["kundennr"][person]
    receipt = forget(settings, own_number, datetime(2026, 3, 2, 9, tzinfo=UTC))
    assert (receipt.customer_id, receipt.vault_entries) == (person, 1)
    assert {"raw.customers", "raw.consents", "raw.interactions", "marts.fct_customer_features"} <= set(receipt.rows)
    assert all(number > 0 for number in receipt.rows.values())
    assert own_number not in str(receipt)
    assert _tables_with(settings, person) == {"forestall.forgotten"}

    before = fingerprints(published / FIRST.isoformat())
    play(settings.root, SECOND)
    assert run_jobs(settings, SECOND)["pull"]["forgotten_rows"] > 0
    assert _tables_with(settings, person) == {"forestall.forgotten"}
    tonight = nights(published)[-1]
    assert tonight.run_date == SECOND
    people = {*tonight.frame("churn_scores")["customer_id"], *tonight.frame("outreach_list")["customer_id"],
              *tonight.frame("outreach_withheld")["customer_id"]}  # fmt: skip
    assert len(people) > 100
    assert person not in people
    assert fingerprints(published / FIRST.isoformat()) == before
    with open_vault(settings) as vault:
        assert not vault.read([person])


def _tables_with(settings: Settings, person: str) -> set[str]:
    with open_warehouse(settings, "test") as warehouse:
        return {name for name, text in tables(warehouse) if person.encode() in text}
