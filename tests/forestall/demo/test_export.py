"""What the company's systems export: planted defects in the counts that the manifest tells, and nothing told early."""

import json

import pandas as pd
import pytest

from forestall.demo.company import Company
from forestall.demo.defects import KEYS_FROM
from forestall.demo.describe import daily_contacts


@pytest.fixture(scope="module")
def calls(made: Company) -> pd.DataFrame:
    files = sorted(made.folder.glob("data/interactions/telephony_*.csv.gz"))
    return pd.concat([pd.read_csv(path, sep=";", dtype={"ruf_id": "string"}) for path in files], ignore_index=True)


def test_each_defect_is_there_as_often_as_the_manifest_says(made: Company, calls: pd.DataFrame) -> None:
    planted = json.loads((made.truth / "manifest.json").read_text())["defects"]
    copies = calls["ruf_id"].isna() | (calls["ruf_id"].str[-6:].astype("Int64").fillna(KEYS_FROM) >= KEYS_FROM)
    broken = calls[copies & (calls["richtung"] == "ein")]
    started = pd.to_datetime(calls["beginn"], utc=True)
    assert planted["missing_key"] == calls["ruf_id"].isna().sum()
    assert planted["unknown_channel"] == (calls["kanal"] == "Fax").sum()
    assert planted["negative_handle_time"] == (calls["bearbeitung_s"] < 0).sum()
    assert planted["absurd_time"] == (started < "1950").sum()
    assert planted["future_time"] == (started > "2050").sum()
    assert planted["exact_duplicate"] == calls[calls["ruf_id"].notna()].duplicated().sum()
    kinds = (
        "missing_key",
        "unknown_channel",
        "negative_handle_time",
        "absurd_time",
        "future_time",
        "ends_before_start",
    )
    assert len(broken) == sum(planted[kind] for kind in kinds)
    assert min(planted.values()) > 0


def test_the_latest_of_two_versions_is_told_by_the_time_of_change(calls: pd.DataFrame) -> None:
    twice = calls[calls["ruf_id"].duplicated(keep=False) & calls["ruf_id"].notna()].drop_duplicates()
    differing = twice[twice["ruf_id"].duplicated(keep=False)]
    assert len(differing) > 0
    assert not differing.duplicated(["ruf_id", "stand"]).any()


def test_no_file_tells_what_happened_after_its_day(made: Company) -> None:
    until = pd.Timestamp(made.run_date, tz="Europe/Berlin")
    tickets = pd.concat(pd.read_parquet(path) for path in made.folder.glob("data/interactions/tickets_*.parquet"))
    for column in ("created", "first_reply", "solved", "changed"):
        assert tickets[column].max() < until
    assert tickets["first_reply"].isna().any()
    december = pd.read_csv(made.folder / "data/payments/invoices_2024-11.csv.gz", sep=";")
    assert december["bezahlt"].max() <= "2024-11-30"
    contracts = pd.read_csv(made.folder / "data/subscriptions/contracts.csv", sep=";")
    assert pd.to_datetime(contracts["ende"], utc=True).max() < until


def test_leavers_give_notice_thirty_days_before_the_end(made: Company) -> None:
    contracts = pd.read_csv(made.folder / "data/subscriptions/contracts.csv", sep=";")
    left = contracts[contracts["grund"] == "gekündigt"]
    notice, end = (pd.to_datetime(left[name], utc=True) for name in ("gekuendigt_am", "ende"))
    assert len(left) > 5
    assert (end - notice).dt.days.between(28, 30).all()


def test_messages_hold_names_that_the_customers_have(made: Company) -> None:
    customers = pd.read_parquet(made.folder / "data/customers/customers.parquet")
    tickets = pd.concat(pd.read_parquet(path) for path in made.folder.glob("data/interactions/tickets_*.parquet"))
    spoken = tickets[tickets["body"] != ""].merge(
        customers, left_on="customer_no", right_on="kundennr", validate="many_to_one"
    )
    holds = [name in body for name, body in zip(spoken["anzeigename"], spoken["body"], strict=True)]
    assert len(spoken) > 100
    assert all(holds)
    assert customers["mailadresse"].is_unique


def test_live_queues_rest_on_sundays_and_the_written_ones_do_not(made: Company) -> None:
    daily = daily_contacts(made.folder)
    daily = daily[daily.index < made.run_date.isoformat()]
    is_sunday = pd.to_datetime(daily.index).day_of_week == 6
    assert set(daily.columns) == {
        "hotline_de", "hotline_en", "chat_de", "mail_de", "mail_int", "forms", "social", "portal",
    }  # fmt: skip
    assert (daily.loc[is_sunday, ["hotline_de", "hotline_en", "chat_de"]].to_numpy() == 0).all()
    assert (daily.loc[is_sunday, "portal"] > 0).mean() > 0.9
    assert daily.loc["2024-10-31", "hotline_de"] == 0  # Reformation Day in Saxony, an ordinary day in Bavaria
