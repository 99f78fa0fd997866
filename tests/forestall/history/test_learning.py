"""From features kept on the night of listing to a model that makes tonight's list: tried, logged, found again."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.learning import JUDGED_ON, LEAVING, World, experiment, playbook
from features.published import PUBLISHED
from forestall.history import learning
from forestall.history.learning import learned_models
from forestall.history.listing_features import LISTING_FEATURES, read_listing_features, record_listing_features
from forestall.night import Night, conform
from forestall.outreach.chances import evidence, learn_chances
from forestall.outreach.listing import Lists
from forestall.outreach.uplift import try_uplift
from forestall.warehouse import open_warehouse
from models.tracking import model_files, versions
from models.uplift.logbook import MODEL, read_uplift
from models.uplift.params import uplift_params

BOOK = playbook()


@pytest.fixture
def settings(company, monkeypatch):
    params = uplift_params().model_copy(update={"least_accounts": 500, "least_arm": 50, "folds": 2})
    monkeypatch.setattr(learning, "uplift_params", lambda: params)
    return company()


def kept_features(accounts):
    """What the nights of listing kept: two features of the mart and an attribute."""
    lines = [
        f'{{"tenure_days":{1000 * engagement:.0f},"csat_last":null,"attributes":"{{\\"bound\\": \\"{bound}\\"}}"}}'
        for engagement, bound in zip(accounts["engagement"], accounts["is_bound"], strict=True)
    ]
    rows = accounts[["account_id", "value_at_risk", "cost"]].assign(
        run_date=accounts["listed_on"].dt.date, customer_id=accounts["account_id"], features=lines
    )
    return pa.Table.from_pandas(rows, preserve_index=False)


def look(settings, accounts, run_date=JUDGED_ON, book=BOOK):
    """`save_models` of a night, by approach, in the columns in which it is published."""
    known = evidence(accounts.drop(columns=["value_at_risk", "cost"]), LEAVING, run_date)
    with open_warehouse(settings, "test") as warehouse:
        found = learned_models(
            warehouse, Night(settings, run_date), known, learn_chances(known, book), book, LEAVING.wait_days
        )
    table = conform(pa.Table.from_pandas(found, preserve_index=False), PUBLISHED["save_models"])
    return {row["approach"]: row for row in table.to_pylist()}


def keep(settings, accounts):
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute(LISTING_FEATURES)
        warehouse.append("forestall.listing_features", kept_features(accounts))


@pytest.fixture
def accounts():
    """700 accounts whose effects differ much by engagement and by being bound; the last look is due at 625."""
    return experiment(700, World(0.05, 0.0, by_feature=0.6), 5)


def test_before_enough_outcomes_nothing_is_trained_and_the_night_says_so(settings, accounts):
    nothing = look(settings, accounts.iloc[:0])
    assert not nothing["outcomes"]["is_used"]
    assert nothing["uplift"]["reason"].startswith("no uplift model yet: outcomes of 0 accounts")
    few = look(settings, accounts.iloc[:400])
    assert few["outcomes"]["is_used"]
    assert few["outcomes"]["account_count"] == 400
    assert not few["uplift"]["is_used"]
    no_features = look(settings, accounts)
    assert "it takes 500 and 50" in no_features["uplift"]["reason"]


def test_a_look_is_logged_and_holds_until_there_is_more_to_look_at(settings, accounts, monkeypatch):
    keep(settings, accounts)
    first = look(settings, accounts)["uplift"]
    assert first["account_count"] == 625
    assert first["reason"].split(":")[0] == ("used" if first["is_used"] else "not used")
    assert first["is_used"] == (first["gain_low"] > 0)
    (version,) = versions(settings.tracking_uri, MODEL)
    assert version.label == first["model_version"]
    assert {"uplift_model.json", "trees.txt"} <= set(model_files(settings.tracking_uri, version))
    assert set(read_uplift(settings.tracking_uri, version.label).actions) <= set(BOOK.actions)

    monkeypatch.setattr(learning, "try_uplift", None)  # a night that would train again breaks
    assert look(settings, accounts)["uplift"] == first
    assert look(settings, accounts.iloc[:650])["uplift"] == first
    monkeypatch.setattr(learning, "try_uplift", try_uplift)
    assert len(versions(settings.tracking_uri, MODEL)) == 1
    actions = {name: action.model_copy(update={"save_probability": 0.5}) for name, action in BOOK.actions.items()}
    look(settings, accounts, book=BOOK.model_copy(update={"actions": actions}))  # to be better than another playbook
    assert len(versions(settings.tracking_uri, MODEL)) == 2


def test_a_backfill_trains_nothing(settings, accounts):
    backfill = settings.model_copy(update={"is_backfill": True})
    keep(backfill, accounts)
    assert look(backfill, accounts)["uplift"]["reason"] == "a backfill trains no model"


@pytest.mark.slow
def test_features_are_kept_and_read_on_postgresql(company, postgres_url):
    settings, run_date = company(f'[warehouse]\nurl = "{postgres_url}"\n'), date(2026, 3, 2)
    worth = {"value_at_risk": 300.0, "offer_cost": 1.0, "contact_cost": 2.0, "load_cost": None}
    people = pd.DataFrame({"account_id": ["a1", "a2", "a3"], "customer_id": ["c1", "c2", "c3"]}).assign(**worth)
    withheld = people.iloc[1:].assign(suppression_reason=["holdout", "cooldown"])
    lists = Lists(people.iloc[:1], withheld, people.iloc[:0], [], considered=people)
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute("""
            CREATE TABLE marts.fct_customer_features (customer_id VARCHAR, as_of_on DATE, is_training BOOLEAN,
                tenure_days BIGINT, csat_last DOUBLE PRECISION, attributes VARCHAR)
        """)
        warehouse.execute("""
            INSERT INTO marts.fct_customer_features VALUES
                ('c1', DATE '2026-03-02', false, 10, NULL, '{"size": 3}'), ('c1', DATE '2026-03-01', false, 9, 2, NULL),
                ('c2', DATE '2026-03-02', false, 20, 4.5, NULL), ('c3', DATE '2026-03-02', false, 30, 5, NULL)
        """)
        assert [record_listing_features(warehouse, Night(settings, run_date), lists) for _ in range(2)] == [2, 0]
        listed = pd.DataFrame({"account_id": ["a2", "a1"], "listed_on": pd.Timestamp(run_date)})
        rows, _ = read_listing_features(warehouse, listed)
    assert rows["account_id"].tolist() == ["a2", "a1"]
    assert rows["tenure_days"].tolist() == [20, 10]
    assert rows["attribute_size"].tolist()[1] == rows["cost"].tolist()[1] == 3.0


def test_features_are_those_of_the_night_of_the_first_listing(settings, accounts):
    """An account whose night was not published has features of that night too; those of the first listing count."""
    keep(settings, accounts.iloc[:50])
    stale = accounts.iloc[:50].assign(engagement=9.0, listed_on=lambda rows: rows["listed_on"] - pd.Timedelta(days=3))
    keep(settings, stale)
    with open_warehouse(settings, "test") as warehouse:
        asked = accounts.iloc[:60].drop(columns=["value_at_risk", "cost"])
        rows, kinds = read_listing_features(warehouse, asked)
        unseen, fewer = read_listing_features(warehouse, asked, ["bound"])
    assert "attribute_bound" not in {*unseen, *fewer}
    assert rows["account_id"].tolist() == accounts["account_id"].iloc[:50].tolist()  # of ten nothing was kept
    assert rows["tenure_days"].to_numpy() == pytest.approx(np.round(1000 * accounts["engagement"].iloc[:50]))
    assert rows["value_at_risk"].to_numpy() == pytest.approx(accounts["value_at_risk"].iloc[:50])
    assert kinds["attribute_bound"] == "category"
    assert rows["attribute_bound"].tolist() == [str(bound) for bound in accounts["is_bound"].iloc[:50]]
