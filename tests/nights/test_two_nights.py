"""What a first night publishes, and what a second one adds and leaves alone."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.contract import CONTRACT
from features.published import PUBLISHED
from forestall.night import Night
from forestall.operations.intraday import react
from forestall.privacy.pseudonyms import pseudonym
from forestall.publishing.publication import canonical_hash, current_night, load_night, nights
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from tests.nights.company import EMPTY_AT_FIRST, FIRST, NEWCOMER, SECOND, STRANGER, copied, fingerprints, run_jobs

LOADS = re.compile(r"""(?:src|href|action|data)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""")


def test_a_first_night_publishes_every_table_with_rows_and_as_its_contract_says(first_night: Settings) -> None:
    night = load_night(first_night.var_path / "published" / "current")
    assert night.run_date == FIRST
    for name, contract in PUBLISHED.items():
        rows = pq.read_table(night.folder / f"{name}.parquet", partitioning=None)
        assert rows.num_rows > 0 or name in EMPTY_AT_FIRST, name
        assert rows.schema.equals(contract.arrow_schema()), name
        keys = rows.select(list(contract.key)).to_pandas()
        assert not keys.duplicated().any(), name
        assert not keys.isna().any(axis=None), name


def test_the_manifest_tells_rows_and_hashes_of_exactly_what_lies_beside_it(first_night: Settings) -> None:
    night = load_night(first_night.var_path / "published" / "current")
    there = [path for path in night.folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    files = {path.relative_to(night.folder).as_posix(): path for path in there}
    assert set(night.manifest["files"]) == set(files)
    for name, told in night.manifest["files"].items():
        content = files[name].read_bytes()
        assert told == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}, name
    for name, told in night.manifest["tables"].items():
        rows = pq.read_table(files[f"{name}.parquet"], partitioning=None)
        assert told == {"rows": rows.num_rows, "canonical_hash": canonical_hash(rows, PUBLISHED[name])}, name


def test_the_report_loads_nothing_from_the_network(first_night: Settings) -> None:
    html = (first_night.var_path / "published" / "current" / "report.html").read_text(encoding="utf-8")
    assert len(html) > 10_000
    assert LOADS.findall(html) == []
    assert LOADS.search('<script src="https://example.org/x.js">')  # what is looked for would be found


def test_nothing_is_left_in_the_home_folder(first_night: Settings, home: Path) -> None:
    assert current_night(first_night.var_path / "published") is not None
    assert {path.name for path in home.iterdir()} <= {".cache", ".config"}  # matplotlib's list of fonts
    assert {path.name for folder in home.iterdir() for path in folder.iterdir()} <= {"matplotlib", "fontconfig"}


def _counts(settings: Settings) -> dict[str, dict[int, int]]:
    """Rows of each raw table by pull."""
    with open_warehouse(settings, "test") as warehouse:
        return {
            name: dict(
                warehouse.frame(f"SELECT pull_id, count(*) AS row_count FROM raw.{name} GROUP BY pull_id")
                .astype(int)
                .itertuples(index=False)
            )
            for name in CONTRACT
        }


def _rows_not_in(later: pd.DataFrame, earlier: pd.DataFrame) -> int:
    return int((~later.apply(tuple, axis=1).isin(earlier.apply(tuple, axis=1))).sum())


@pytest.mark.slow
def test_a_second_night_pulls_only_what_is_new(first_night: Settings, second_night) -> None:
    settings = second_night.settings
    before, after = _counts(first_night), _counts(settings)
    assert {name: counts.get(1, 0) for name, counts in after.items()} == {
        name: counts.get(1, 0) for name, counts in before.items()
    }
    assert {pull for counts in after.values() for pull in counts} == {1, 2}
    now, then = (
        [pd.read_parquet(one.root / "data" / "customers" / "customers.parquet"),
         pd.read_csv(one.root / "data" / "consents" / "consents.csv", sep=";"),
         pd.read_csv(one.root / "data" / "subscriptions" / "contracts.csv", sep=";", keep_default_na=False)]
        for one in (settings, first_night)
    )  # fmt: skip
    usage = pd.read_parquet(settings.root / "data" / "activity" / "usage_2026-03-02.parquet")
    assert len(usage) > 0
    assert {name: after[name].get(2, 0) for name in ("customers", "consents", "subscriptions", "activity")} == {
        "customers": _rows_not_in(now[0], then[0]),
        "consents": _rows_not_in(now[1], then[1]),
        "subscriptions": _rows_not_in(now[2], then[2]),
        "activity": len(usage),
    }


@pytest.mark.slow
def test_no_row_is_kept_again_unchanged(second_night) -> None:
    with open_warehouse(second_night.settings, "test") as warehouse:
        for name, table in CONTRACT.items():
            again = warehouse.scalar(
                f"""
                SELECT count(*) FROM (
                    SELECT row_hash, lag(row_hash) OVER (
                        PARTITION BY {", ".join(table.key)} ORDER BY known_at, pull_id
                    ) AS hash_before FROM raw.{name}
                ) AS versions WHERE row_hash = hash_before
                """
            )
            assert again == 0, name


@pytest.mark.slow
def test_a_second_night_leaves_the_first_as_it_was_and_moves_current(first_night: Settings, second_night) -> None:
    then, now = first_night.var_path / "published", second_night.settings.var_path / "published"
    assert fingerprints(now / FIRST.isoformat()) == fingerprints(then / FIRST.isoformat())
    assert {night.folder.name for night in nights(now)} == {FIRST.isoformat(), SECOND.isoformat()}
    assert (then / "current").readlink() == Path(FIRST.isoformat())
    assert (now / "current").readlink() == Path(SECOND.isoformat())


@pytest.mark.slow
def test_a_night_that_is_run_again_says_the_same_and_adds_no_revision(second_night, tmp_path: Path) -> None:
    settings = copied(second_night.settings.root, tmp_path / "again")
    published = settings.var_path / "published"
    before = fingerprints(published)
    summaries = run_jobs(settings, SECOND)
    assert fingerprints(published) == before
    assert summaries["pull"]["new_rows"] == 0
    assert summaries["publish"]["revision"] == 1
    assert summaries["choose_outreach"]["new_arms"] == 0
    tables = {name: pq.read_table(settings.var_path / "runs" / SECOND.isoformat() / f"{name}.parquet")
              for name in _made_again()}  # fmt: skip
    told = load_night(published / "current").manifest["tables"]
    assert {name: canonical_hash(rows, PUBLISHED[name]) for name, rows in tables.items()} == {
        name: told[name]["canonical_hash"] for name in tables
    }


def _made_again() -> Iterable[str]:
    return (name for name in PUBLISHED if name != "gate_results")  # those are gathered by `publish`


@pytest.mark.slow
def test_a_customer_without_history_is_scored_by_the_learned_model_with_reasons_that_are_known(second_night) -> None:
    settings, newcomer = second_night.settings, pseudonym(second_night.settings, NEWCOMER)
    night = load_night(settings.var_path / "published" / "current")
    scores = night.frame("churn_scores").set_index("customer_id").loc[[newcomer]]
    assert len(scores) == len(settings.churn.horizons)
    assert not scores["model_version"].str.contains("base rate").any()
    assert scores["churn_probability"].between(0, 1, inclusive="neither").all()
    assert scores["previous_churn_probability"].isna().all()
    with open_warehouse(settings, "test") as warehouse:
        features = warehouse.frame(
            "SELECT * FROM marts.fct_customer_features WHERE as_of_on = ? AND customer_id = ?", [SECOND, newcomer]
        )
    known = {name for name in features.columns if features[name].notna().all()}
    assert features["contact_count_90d"].tolist() == [0]
    assert len(features.columns) - len(known) > 20  # what was never measured stays null
    reasons = Night(settings, SECOND).read("churn_reasons")
    told = reasons[reasons["customer_id"] == newcomer]
    assert set(told["feature"]) <= known
    assert not told["sentence"].str.contains(r"\b(?:nan|None|NaT)\b").any()
    assert newcomer not in set(night.frame("outreach_list")["customer_id"])  # nobody has asked her yet


@pytest.mark.slow
def test_a_call_of_an_unknown_customer_is_counted_and_kept_for_the_volume_alone(second_night) -> None:
    settings, stranger = second_night.settings, pseudonym(second_night.settings, STRANGER)
    night = load_night(settings.var_path / "published" / "current")
    gate = night.frame("gate_results").set_index("gate").loc["batch.interactions.customer_is_known"]
    assert (gate["severity"], gate["failed_count"], gate["sample_keys"]) == ("warning", 1, stranger)

    path = settings.root / "data" / "interactions" / "telephony_2026-03-02.csv.gz"
    calls = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    queue, began = calls.loc[calls["kundennr"] == STRANGER, ["warteschlange", "beginn"]].iloc[0]
    calls = calls.assign(interval=pd.to_datetime(calls["beginn"], utc=True).dt.floor("30min"))
    interval = pd.Timestamp(began).tz_convert("UTC").floor("30min")
    is_alike = (calls["warteschlange"] == queue) & (calls["interval"] == interval) & (calls["richtung"] == "ein")
    known = calls[is_alike & calls["kanal"].isin(["Telefon", "Chat"]) & (calls["ruf_id"] != "")]
    with open_warehouse(settings, "test") as warehouse:
        offered = warehouse.scalar(
            "SELECT offered_count FROM marts.fct_contact_volume WHERE queue = ? AND interval_start_at = ?",
            [queue, interval],
        )
    assert offered == known["ruf_id"].nunique()
    for name in ("churn_scores", "outreach_list", "outreach_withheld"):
        assert stranger not in set(night.frame(name)["customer_id"]), name


def test_a_score_says_by_how_much_it_moved_since_the_night_before_and_what_moved_it(second_night) -> None:
    scores = load_night(second_night.settings.var_path / "published" / "current").frame("churn_scores")
    told = scores[scores["change_reason"].notna()]
    assert set(told["horizon_days"]) == {second_night.settings.churn.main_horizon}
    points = 100 * (told["churn_probability"] - told["previous_churn_probability"])
    assert (told["change_reason"] == "first scored tonight").eq(points.isna()).all()
    assert (told["change_reason"] == "unchanged since yesterday").eq(points.abs() < 0.5).all()
    moved = told[points.abs() >= 0.5]
    words = points[moved.index].map(lambda by: f"{'up' if by > 0 else 'down'} {abs(by):.1f} points since yesterday")
    assert all(reason.startswith(word) for reason, word in zip(moved["change_reason"], words, strict=True))
    assert moved["change_reason"].str.contains(": ").mean() > 0.5  # days go by for whom nothing else happens
    assert told["change_by_model"].dropna().eq(0).all()  # the same model on both nights


@pytest.mark.slow
def test_a_second_night_says_what_moved_and_scores_the_first(first_night: Settings, second_night) -> None:
    first, second = load_night(first_night.var_path / "published" / "current"), load_night(
        second_night.settings.var_path / "published" / "current"
    )  # fmt: skip
    changes = second.frame("forecast_changes")
    shares = changes[["by_data", "by_model", "by_event", "by_override", "by_outreach"]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(changes["change"].to_numpy(), abs=1e-6)
    totals = [
        night.frame("volume_forecast").groupby(["queue", "local_on"])["contacts"].sum() for night in (first, second)
    ]
    assert len(changes) == len(totals[0].index.intersection(totals[1].index)) > 0
    moved = changes.set_index(["queue", "local_on"])["change"]
    assert moved.to_numpy() == pytest.approx((totals[1] - totals[0]).loc[moved.index].to_numpy(), abs=1e-6)
    ledger = second.frame("forecast_ledger")
    assert set(ledger["local_on"]) == set(ledger["cutoff_on"]) == {FIRST}
    said = ledger.groupby("queue")["forecast_sum"].sum()
    assert said.to_numpy() == pytest.approx(totals[0].xs(FIRST, level="local_on").loc[said.index].to_numpy())
    assert (ledger["contacts"] > 0).any()


@pytest.mark.slow
def test_a_day_that_comes_as_it_was_forecast_takes_whom_the_night_planned(second_night) -> None:
    settings = second_night.settings
    night = load_night(settings.var_path / "published" / "current")
    forecast = night.frame("volume_forecast")
    today = forecast[forecast["local_on"] == SECOND]
    noon = datetime(SECOND.year, SECOND.month, SECOND.day, 12, tzinfo=settings.zone)
    came = pd.DataFrame({"queue": today["queue"], "at": today["interval_start_at"], "contacts": today["contacts"]})
    came["handled_count"] = None  # so mail stays as planned
    found = react(settings, noon, came)
    assert found.queues["factor"].to_numpy() == pytest.approx(1.0)
    assert found.queues["surge"].isna().all()
    key = ["queue", "interval_start_at"]
    asked = night.frame("staffing_requirement").merge(found.requirement, on=key, suffixes=("_of_night", ""))
    assert len(asked) == len(found.requirement) > 0
    assert (asked["agents_net"] == asked["agents_net_of_night"]).all()
    assert found.requirement["planned_agents"].sum() > 0  # of the shifts
