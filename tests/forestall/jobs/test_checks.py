"""The three checking jobs and publication on small nights: what must pass, and what must stop."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.gates import GateFailedError
from features.published import PUBLISHED
from forestall.jobs.check_batch import check_batch
from forestall.jobs.check_features import check_features
from forestall.jobs.check_publication import PHONE, check_publication, nobody_protected
from forestall.jobs.publish import publish
from forestall.night import Night
from forestall.outreach.filters import CONSENTS
from forestall.publishing.publication import current_night, nights
from forestall.settings import ConfigError, Settings
from forestall.sources.tables import create_tables, raw_columns
from forestall.warehouse import Warehouse, open_warehouse

Company = Callable[[str], Settings]
Tables = Callable[..., dict[str, pa.Table]]
SUNDAY, MONDAY = date(2026, 3, 1), date(2026, 3, 2)
CUTOFF = datetime(2026, 3, 1, 23, tzinfo=UTC)
TOML = """
[company]
name = "Meridian Telecom"
time_zone = "Europe/Berlin"
"""


def _append(warehouse: Warehouse, table: str, rows: list[Mapping[str, Any]]) -> None:
    names = dict.fromkeys(name for row in rows for name in row)
    warehouse.append(table, pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]))


def _contacts(count: int, pull_id: int = 2, **differs: Any) -> list[Mapping[str, Any]]:
    return [
        {
            "interaction_id": f"i{pull_id}_{number}", "customer_id": f"c{number % 50}", "channel": "phone",
            "queue": "billing", "started_at": CUTOFF - timedelta(hours=3), "wait_time_s": 30,
            "known_at": CUTOFF - timedelta(microseconds=1), "pull_id": pull_id, "source": "contacts",
        } | (differs if number == 0 else {})
        for number in range(count)
    ]  # fmt: skip


def _pull(run_date: date, pull_id: int, rows_new: int, **differs: Any) -> Mapping[str, Any]:
    return {
        "pull_id": pull_id, "source": "contacts", "table_name": "interactions", "run_date": run_date,
        "status": "ok", "reason": "", "note": "", "rows_new": rows_new,
    } | differs  # fmt: skip


@pytest.fixture
def batch(company: Company) -> Callable[..., Settings]:
    """A warehouse after tonight's pull: a hundred contacts of fifty customers, ten nights before it."""

    def make(contacts: list[Mapping[str, Any]] | None = None, **pulled: Any) -> Settings:
        settings = company(TOML)
        contacts = _contacts(100) if contacts is None else contacts
        with open_warehouse(settings, "test") as warehouse:
            create_tables(warehouse)
            past = [_pull(MONDAY - timedelta(days=back), 1, 100) for back in range(10, 0, -1)]
            _append(warehouse, "forestall.pulls", [*past, _pull(MONDAY, 2, len(contacts), **pulled)])
            known = {"known_at": CUTOFF - timedelta(days=9), "pull_id": 1, "source": "customers"}
            _append(warehouse, "raw.customers", [{"customer_id": f"c{number}", **known} for number in range(50)])
            if contacts:
                _append(warehouse, "raw.interactions", contacts)
        return settings

    return make


def _results(settings: Settings, stage: str) -> pd.DataFrame:
    return Night(settings, MONDAY).read(f"gates_{stage}").set_index("gate")


def test_a_good_batch_passes_every_gate(batch: Callable[..., Settings]) -> None:
    settings = batch()
    assert check_batch(settings, MONDAY)["warnings"] == 0
    found = _results(settings, "batch")
    assert found.loc["batch.interactions.wait_time_s_in_range", "checked_count"] == 100
    assert found.loc["batch.all.has_new_rows", "observed"] == "100 new rows tonight"


BAD_CONTACTS = {
    "wait_time_s_in_range": {"wait_time_s": -5},
    "channel_in_words": {"channel": "pigeon"},
    "queue_is_there": {"queue": None},
    "started_at_until_answered_at": {"answered_at": CUTOFF - timedelta(hours=4)},
    "known_before_cutoff": {"known_at": CUTOFF},
}


def test_bad_rows_that_slipped_through_stop_the_night_with_their_keys(batch: Callable[..., Settings]) -> None:
    contacts = _contacts(100)
    for at, differs in enumerate(BAD_CONTACTS.values()):
        contacts[at] = {**contacts[at], **differs}
    contacts[99] = {**contacts[99], "interaction_id": "i2_98"}
    settings = batch(contacts)
    with pytest.raises(GateFailedError, match=r"gate batch\.interactions\.\w+ failed \(and 5 more\)"):
        check_batch(settings, MONDAY)
    found = _results(settings, "batch")
    failed = {gate.rpartition(".")[2]: row["sample_keys"] for gate, row in found[~found["is_passed"]].iterrows()}
    assert failed.pop("version_is_unique").startswith("i2_98/")
    assert failed == {gate: f"i2_{at}" for at, gate in enumerate(BAD_CONTACTS)}
    report = (Night(settings, MONDAY).folder / "report.html").read_text()
    assert "stopped by 6 gates<" in report
    assert all(f"batch.interactions.{gate}" in report for gate in BAD_CONTACTS)


@pytest.mark.parametrize(
    ("count", "differs", "pulled", "gate"),
    [
        (40, {}, {}, "interactions.contacts_row_count"),
        (0, {}, {}, "all.has_new_rows"),
        (100, {}, {"note": "columns nobody mapped: mood"}, "interactions.contacts_columns_unchanged"),
        (100, {}, {"status": "degraded", "reason": "no answer"}, "interactions.contacts_delivered"),
        (10, {"customer_id": "stranger"}, {}, "interactions.customer_is_known"),
    ],
)
def test_what_is_odd_but_usable_is_a_warning(
    batch: Callable[..., Settings], count: int, differs: dict[str, Any], pulled: dict[str, Any], gate: str
) -> None:
    settings = batch(_contacts(count, **differs), **pulled)
    check_batch(settings, MONDAY)
    assert not _results(settings, "batch").loc[f"batch.{gate}", "is_passed"]


def test_too_much_quarantine_stops_the_night_and_little_does_not(batch: Callable[..., Settings]) -> None:
    settings = batch()

    def quarantine(count: int) -> None:
        rows = [{"source": "contacts", "table_name": "interactions", "rule": "negative wait", "run_date": MONDAY,
                 "pull_id": 2, "row_key": f"q{count}_{number}"} for number in range(count)]  # fmt: skip
        with open_warehouse(settings, "test") as warehouse:
            _append(warehouse, "forestall.quarantine", rows)

    quarantine(5)  # 5 of 105 are less than 5 %
    assert check_batch(settings, MONDAY)["warnings"] == 0
    quarantine(14)  # 16 % of the batch, but too few rows to stop a night
    assert check_batch(settings, MONDAY)["warnings"] == 1
    share = _results(settings, "batch").loc["batch.interactions.contacts_quarantine_share"]
    assert (share["is_passed"], share["severity"], share["failed_count"]) == (False, "warning", 19)
    quarantine(1)
    with pytest.raises(GateFailedError, match=r"contacts_quarantine_share failed.*quarantined: negative wait 20"):
        check_batch(settings, MONDAY)


@pytest.mark.parametrize(("table", "severity"), [("consents", "blocking"), ("business_events", "warning")])
def test_a_small_table_that_is_quarantined_whole_is_told_with_rule_and_count_until_it_is_mended(
    batch: Callable[..., Settings], table: str, severity: str
) -> None:
    settings = batch()
    pull = {"source": "small", "table_name": table}
    bad = [{**pull, "rule": "time_without_zone", "run_date": MONDAY, "pull_id": 3, "row_key": f"k{at}"} for at in "123"]

    def told(run_date: date) -> pd.DataFrame:
        if severity == "blocking":
            with pytest.raises(GateFailedError, match=r"small_ever_usable failed.*3 of 3 rows.*time_without_zone 3"):
                check_batch(settings, run_date)
        else:
            check_batch(settings, run_date)
        return Night(settings, run_date).read("gates_batch").set_index("gate")

    with open_warehouse(settings, "test") as warehouse:
        _append(warehouse, "forestall.quarantine", bad)
        _append(warehouse, "forestall.pulls", [_pull(MONDAY, 3, 0, **pull)])
    found = told(MONDAY)
    assert found.loc[f"batch.{table}.small_ever_usable", "severity"] == severity
    assert not found.loc[f"batch.{table}.small_quarantine_share", "is_passed"]
    assert found.loc[f"batch.{table}.small_quarantine_share", "observed"] == "quarantined: time_without_zone 3"
    tuesday = MONDAY + timedelta(days=1)
    with open_warehouse(settings, "test") as warehouse:  # it delivers the same again
        _append(warehouse, "forestall.pulls", [_pull(tuesday, 4, 0, **pull)])
    found = told(tuesday)
    assert not found.loc[f"batch.{table}.small_ever_usable", "is_passed"]
    assert found.loc[f"batch.{table}.small_quarantine_share", "is_passed"]
    key = {"customer_id": "c1"} if table == "consents" else {"event_id": "e1"}
    known = {"known_at": CUTOFF, "pull_id": 4, "source": "small"}
    with open_warehouse(settings, "test") as warehouse:
        _append(warehouse, f"raw.{table}", [{**key, **known, "pull_id": 1}])
    check_batch(settings, tuesday)
    assert (
        Night(settings, tuesday)
        .read("gates_batch")
        .set_index("gate")
        .loc[f"batch.{table}.small_ever_usable", "is_passed"]
    )


def test_one_of_two_sources_of_a_needed_table_may_be_bad(batch: Callable[..., Settings]) -> None:
    settings = batch()
    pull = {"source": "shop", "table_name": "customers"}
    with open_warehouse(settings, "test") as warehouse:
        row = {**pull, "rule": "no_key", "run_date": MONDAY, "pull_id": 3, "row_key": None}
        _append(warehouse, "forestall.quarantine", [row])
        _append(warehouse, "forestall.pulls", [_pull(MONDAY, 3, 0, **pull)])
    assert check_batch(settings, MONDAY)["warnings"] == 2  # its share, and that nothing ever came


def test_a_warehouse_without_any_row_has_nothing_to_publish(company: Company) -> None:
    settings = company(TOML)
    with open_warehouse(settings, "test") as warehouse:
        create_tables(warehouse)
    with pytest.raises(GateFailedError, match=r"gate batch\.all\.has_rows failed"):
        check_batch(settings, MONDAY)


def test_a_mended_night_takes_the_report_of_its_failure_away(batch: Callable[..., Settings]) -> None:
    settings = batch(_contacts(100, wait_time_s=-5))
    with pytest.raises(GateFailedError):
        check_batch(settings, MONDAY)
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute("UPDATE raw.interactions SET wait_time_s = 5 WHERE wait_time_s < 0")
    check_batch(settings, MONDAY)
    assert not (Night(settings, MONDAY).folder / "report.html").exists()


def test_raw_tables_have_the_columns_that_the_gates_read() -> None:
    """The fixture above writes real raw tables; their bookkeeping columns are the documented ones."""
    from features.contract import INTERACTIONS

    assert {"known_at", "pull_id", "source"} <= set(raw_columns(INTERACTIONS))


def _features(as_of_on: date, count: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(count)],
            "as_of_on": as_of_on,
            "account_id": "a",
            "is_active": True,
            "contact_count_30d": rng.poisson(3, count),
            "wait_time_s_mean_30d": rng.normal(60, 10, count),
            "wait_time_s_change_30d": rng.normal(0, 10, count),
            "late_share_90d": rng.uniform(0, 1, count),
        }
    )


@pytest.fixture
def marts(company: Company) -> Callable[..., Settings]:
    """Feature marts of two as-of dates, a week apart."""

    def make(now: pd.DataFrame | None = None, *, label_on: date = MONDAY, interval_at: datetime = CUTOFF) -> Settings:
        settings = company(TOML)
        both = pd.concat([_features(MONDAY - timedelta(days=7)), _features(MONDAY, seed=2) if now is None else now])
        label = {"customer_id": ["c1"], "as_of_on": [SUNDAY], "horizon_days": [30], "is_churned": [True],
                 "observable_on": [label_on]}  # fmt: skip
        volume = {"queue": ["billing"], "interval_start_at": [interval_at - timedelta(minutes=30)]}
        with open_warehouse(settings, "test") as warehouse:
            scratch = warehouse.scratch()
            for name, rows in {"fct_customer_features": both, "fct_churn_labels": pd.DataFrame(label),
                               "fct_contact_volume": pd.DataFrame(volume)}.items():  # fmt: skip
                scratch.register("rows", pa.Table.from_pandas(rows, preserve_index=False))
                warehouse.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM rows")
        return settings

    return make


def test_good_features_pass(marts: Callable[..., Settings]) -> None:
    settings = marts()
    assert check_features(settings, MONDAY)["warnings"] == 0
    names = set(_results(settings, "features").index)
    assert "features.fct_customer_features.late_share_90d_in_range" in names
    assert "features.fct_customer_features.wait_time_s_change_30d_in_range" not in names  # a change may be negative


def test_broken_features_stop_the_night(marts: Callable[..., Settings]) -> None:
    now = _features(MONDAY, seed=2).head(150)
    now.loc[0, "contact_count_30d"] = -1
    now.loc[1, "late_share_90d"] = 1.2
    now["is_active"] = now["is_active"].where(now.index != 2, None)
    now = pd.concat([now, now.loc[[3]], now.loc[[4]].assign(as_of_on=date(2026, 3, 3))])
    later = CUTOFF + timedelta(minutes=30)
    settings = marts(now, label_on=date(2026, 3, 3), interval_at=later)
    with pytest.raises(GateFailedError, match=r"failed \(and 7 more\)"):
        check_features(settings, MONDAY)
    found = _results(settings, "features")
    assert set(found.index[~found["is_passed"]]) == {
        "features.fct_customer_features.contact_count_30d_in_range",
        "features.fct_customer_features.late_share_90d_in_range",
        "features.fct_customer_features.is_active_is_there",
        "features.fct_customer_features.key_is_unique",
        "features.fct_customer_features.as_of_until_run_date",
        "features.fct_customer_features.population_kept",
        "features.fct_churn_labels.observable_by_run_date",
        "features.fct_contact_volume.before_cutoff",
    }


def test_features_are_judged_alike_on_postgresql(company: Company, postgres_url: str) -> None:
    settings = company(f'{TOML}\n[warehouse]\nurl = "{postgres_url}"')
    customers = "generate_series(1, 300) AS g(number)"
    with open_warehouse(settings, "test") as warehouse:
        for week, shift in ((0, 9), (7, 0)):
            create = (
                "INSERT INTO marts.fct_customer_features" if week else "CREATE TABLE marts.fct_customer_features AS"
            )
            warehouse.execute(
                f"{create} SELECT 'c' || number AS customer_id, date '2026-03-02' - {week} AS as_of_on, "
                f"true AS is_active, cast(number % 7 + {shift} AS BIGINT) AS contact_count_30d, "
                f"CASE WHEN number % 3 > 0 THEN 0.5::double precision END AS late_share_90d FROM {customers}"
            )
        warehouse.execute("INSERT INTO marts.fct_customer_features SELECT * FROM marts.fct_customer_features LIMIT 1")
        warehouse.execute("CREATE TABLE marts.fct_churn_labels (customer_id text, as_of_on date, horizon_days int, "
                          "is_churned boolean, observable_on date)")  # fmt: skip
        warehouse.execute("CREATE TABLE marts.fct_contact_volume (queue text, interval_start_at timestamptz)")
    with pytest.raises(GateFailedError, match=r"key_is_unique failed: fct_customer_features: 2 of 601 rows"):
        check_features(settings, MONDAY)
    found = _results(settings, "features")
    assert found.loc["features.fct_customer_features.key_is_unique", "sample_keys"] == "c1/2026-03-02"
    assert found.loc["features.fct_customer_features.drift_effect_size_is_small", "sample_keys"] == "contact_count_30d"
    assert int((~found["is_passed"]).sum()) == 2


def test_a_feature_that_empties_or_moves_is_a_warning_that_names_it(marts: Callable[..., Settings]) -> None:
    now = _features(MONDAY, seed=2)
    now.loc[:100, "late_share_90d"] = np.nan
    now["wait_time_s_mean_30d"] += 6
    settings = marts(now)
    assert check_features(settings, MONDAY)["warnings"] == 2
    found = _results(settings, "features")["sample_keys"]
    assert found["features.fct_customer_features.null_share_rise_is_small"] == "late_share_90d"
    assert found["features.fct_customer_features.drift_effect_size_is_small"] == "wait_time_s_mean_30d"


def test_the_first_night_has_nothing_to_compare_with(marts: Callable[..., Settings]) -> None:
    settings = marts()
    with open_warehouse(settings, "test") as warehouse:
        warehouse.execute("DELETE FROM marts.fct_customer_features WHERE as_of_on < ?", [MONDAY])
    assert check_features(settings, MONDAY)["warnings"] == 0


@pytest.fixture
def finished(company: Company, night_tables: Tables) -> Callable[..., Settings]:
    """A night whose tables are all there, with the candidates behind its list and gates that held."""

    def make(change: Callable[[dict[str, pa.Table]], None] | None = None, **refused: Any) -> Settings:
        settings = company(TOML + "[outreach]\nteam_minutes = { retention = 288 }\nbudget = 96\n")
        night = Night(settings, MONDAY)
        tables = night_tables(MONDAY)
        if change:
            change(tables)
        for name, rows in tables.items():
            if name != "gate_results":
                night.write(name, rows)
        gates = tables["gate_results"].take([0])
        for stage in ("batch", "features"):
            night.write(f"gates_{stage}", gates.slice(0, 1 if stage == "batch" else 0))
        candidates = pd.DataFrame({"customer_id": tables["outreach_list"]["customer_id"].to_pylist()}).assign(
            is_minor=False, is_protected=False, has_do_not_contact=False, is_profiling_allowed=True,
            **dict.fromkeys(CONSENTS, True),
        ).astype({"can_phone_marketing": object})  # fmt: skip
        for name, value in refused.items():
            candidates.loc[0, name] = value
        with open_warehouse(settings, "test") as warehouse:
            create_tables(warehouse)
            warehouse.scratch().register("candidates", pa.Table.from_pandas(candidates, preserve_index=False))
            warehouse.execute("CREATE OR REPLACE TABLE marts.fct_outreach_candidates AS SELECT * FROM candidates")
        return settings

    return make


def _put(tables: dict[str, pa.Table], table: str, row: int, column: str, value: object) -> None:
    rows = tables[table]
    field = rows.schema.field(column)
    values = rows[column].to_pylist()
    values[row] = value
    tables[table] = rows.set_column(rows.schema.get_field_index(column), field, pa.array(values, field.type))


def test_a_good_night_passes_every_gate(finished: Callable[..., Settings]) -> None:
    assert check_publication(finished(), MONDAY)["warnings"] == 0


def test_queues_of_a_group_are_judged_by_those_who_serve_them_together(finished: Callable[..., Settings]) -> None:
    """All agents of an interval are put down to the first queue; the others' work still fits into them."""

    def deal(tables: dict[str, pa.Table], group: str | None) -> None:
        rows = tables["staffing_requirement"].to_pandas()
        is_first = ~rows.duplicated("interval_start_at")
        by_interval = rows.groupby("interval_start_at")
        for name in ("agents_net", "agents_gross"):
            rows[name] = by_interval[name].transform("sum").where(is_first, 0)
        rows["queue_group"] = rows["queue"] if group is None else group
        schema = tables["staffing_requirement"].schema
        tables["staffing_requirement"] = pa.Table.from_pandas(rows, schema, preserve_index=False)

    assert check_publication(finished(lambda tables: deal(tables, "service")), MONDAY)["warnings"] == 0
    with pytest.raises(GateFailedError, match="carried_load_until_capacity"):
        check_publication(finished(lambda tables: deal(tables, None)), MONDAY)


@pytest.mark.parametrize("severity", ["warning", "blocking"])
def test_an_unexplained_difference_between_groups_is_flagged_before_publication(
    finished: Callable[..., Settings], severity: str
) -> None:
    def flag(tables: dict[str, pa.Table]) -> None:
        _put(tables, "outreach_fairness", 1, "is_flagged", True)
        _put(tables, "outreach_fairness", 1, "sentence", "region north, price: unexplained.")

    settings = finished(flag)
    (settings.root / "gates.yml").write_text(f"fairness_severity: {severity}\n")
    if severity == "blocking":
        with pytest.raises(GateFailedError, match="region north, price: unexplained"):
            check_publication(settings, MONDAY)
    else:
        assert check_publication(settings, MONDAY)["warnings"] == 1
    gate = _results(settings, "publication").loc["publication.outreach_fairness.differences_are_explained"]
    assert (gate["severity"], gate["is_passed"], gate["failed_count"], gate["checked_count"]) == (severity, False, 1, 2)
    assert gate["sample_keys"] == "region north listed"


# Row, column and value that break a gate; rows 26 to 30 of an interval table lie in the morning of a working day.
DEFECTS = [
    ("churn_scores", 0, "churn_probability", 1.2, "churn_scores.churn_probability_in_range"),
    ("churn_scores", 5, "churn_probability", None, "churn_scores.churn_probability_is_there"),
    ("churn_scores", 11, "churn_probability", 0.0, "churn_scores.p60_until_p90"),
    ("volume_forecast", 26, "contacts", float("inf"), "volume_forecast.contacts_in_range"),
    ("volume_forecast", 27, "contacts_p50", -0.5, "volume_forecast.contacts_p50_in_range"),
    ("volume_forecast", 28, "contacts_p10", 900.0, "volume_forecast.contacts_p10_until_contacts_p25"),
    ("volume_forecast", 29, "contacts", None, "volume_forecast.contacts_is_there"),
    ("staffing_requirement", 26, "offered_load", 50.0, "staffing_requirement.carried_load_until_capacity"),
    ("staffing_requirement", 27, "agents_gross", 0.0, "staffing_requirement.agents_net_until_agents_gross"),
    ("staffing_requirement", 28, "occupancy", 1.1, "staffing_requirement.occupancy_in_range"),
    ("outreach_list", 0, "arm", "holdout", "outreach_list.arm_is_treatment"),
    ("outreach_list", 1, "expected_minutes", 13.0, "outreach_list.fits_capacity"),
    ("outreach_list", 2, "offer_cost", 5, "outreach_list.fits_budget"),
    ("outreach_list", 3, "reasons", "Wrote from ada@example.org twice", "all.text_has_no_email"),
    ("outreach_withheld", 4, "offer", "call +49 30 1234567", "all.text_has_no_phone"),
]  # fmt: skip


def test_a_broken_night_is_not_published(finished: Callable[..., Settings]) -> None:
    def break_it(tables: dict[str, pa.Table]) -> None:
        for table, row, column, value, _ in DEFECTS:
            _put(tables, table, row, column, value)
        forecast = tables["volume_forecast"]
        is_last = pc.equal(forecast["local_on"], pc.max(forecast["local_on"]))
        is_gone = pc.and_(is_last, pc.equal(forecast["queue"], "claims"))
        tables["volume_forecast"] = forecast.filter(pc.invert(is_gone))
        tables["service_kpis"] = pa.concat_tables([tables["service_kpis"], tables["service_kpis"].slice(0, 1)])

    settings = finished(break_it, is_minor=True)
    with pytest.raises(GateFailedError):
        check_publication(settings, MONDAY)
    found = _results(settings, "publication")
    assert found.loc["publication.volume_forecast.days_are_covered", "sample_keys"] == "claims"
    assert found.loc["publication.service_kpis.key_is_unique", "failed_count"] == 2
    assert found.loc["publication.outreach_list.nobody_protected", "failed_count"] == 1
    for *_, gate in DEFECTS:
        assert not found.loc[f"publication.{gate}", "is_passed"], gate
    with pytest.raises(GateFailedError):
        publish(settings, MONDAY)
    assert nights(Night(settings, MONDAY).published) == []


@pytest.mark.parametrize(
    ("refused", "is_refused"),
    [({"is_minor": True}, True), ({"is_protected": True}, True), ({"has_do_not_contact": True}, True),
     ({"can_phone_marketing": False}, True), ({"can_phone_service": False}, False),
     ({"is_profiling_allowed": False}, True),
     ({"can_email_marketing": False}, False), ({"can_phone_marketing": None}, False)],
)  # fmt: skip
def test_nobody_is_listed_who_must_not_be_called(
    finished: Callable[..., Settings], refused: dict[str, Any], is_refused: bool
) -> None:
    settings = finished(**refused)
    listed = Night(settings, MONDAY).read("outreach_list")
    _, measure = nobody_protected(listed, settings, MONDAY)
    assert measure.value == (1 if is_refused else 0)


@pytest.mark.parametrize("text", ["030 12345678", "+49 (30) 1234-5678", "0049301234567", "Tel. 0171/1234567"])
def test_a_phone_number_is_seen_however_it_is_written(text: str) -> None:
    assert re.search(PHONE, text)


@pytest.mark.parametrize(
    "text",
    ["2026-03-02", "0.123456789", "17-19", "1 234 567 EUR", "c_00491234567890", "12 contacts in 30 days", "24/7"],
)
def test_what_is_no_phone_number_passes(text: str) -> None:
    assert not re.search(PHONE, text)


def test_a_night_is_published_with_all_its_documents(finished: Callable[..., Settings]) -> None:
    settings = finished()
    check_publication(settings, MONDAY)
    summary = publish(settings, MONDAY)
    night = current_night(Night(settings, MONDAY).published)
    assert night is not None
    assert (summary["revision"], str(night.folder)) == (1, summary["folder"])
    documents = {"report.html", "outreach_list.csv", "outreach_list.xlsx", "staffing_requirement.csv",
                 "staffing_requirement.xlsx", "volume_forecast.xlsx", "shift_plan.xlsx", "shifts.ics", "shifts",
                 "manifest.json"}  # fmt: skip
    assert {path.name for path in night.folder.iterdir()} == documents | {f"{name}.parquet" for name in PUBLISHED}
    manifest = json.loads((night.folder / "manifest.json").read_text())
    assert manifest["cutoff_at"] == "2026-03-01T23:00:00+00:00"
    assert manifest["models"] == ["churn 3", "volume 1f2e"]
    assert manifest["standards"]["billing"]["words"] == "80 % in 20 s"
    assert set(night.frame("gate_results")["stage"]) == {"batch", "publication"}
    assert "a key that only the tests know" not in (night.folder / "manifest.json").read_text()


def test_published_again_nothing_moves_and_files_are_the_same_bytes(finished: Callable[..., Settings]) -> None:
    settings = finished()
    check_publication(settings, MONDAY)
    first = Path(str(publish(settings, MONDAY)["folder"]))
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    assert publish(settings, MONDAY)["revision"] == 1
    assert {path: path.read_bytes() for path in first.rglob("*") if path.is_file()} == before
    backfill = publish_elsewhere(settings)
    for name in set(before) - {"manifest.json"}:
        assert (backfill / name).read_bytes() == before[name], name


def publish_elsewhere(settings: Settings) -> Path:
    """The same night as a backfill: beside the others, and never `current`."""
    aside = settings.for_backfill()
    for path in Night(settings, MONDAY).folder.glob("*.parquet"):
        target = Night(aside, MONDAY).folder / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    folder = Path(str(publish(aside, MONDAY)["folder"]))
    assert folder.parent == settings.var_path / "backfill" / "published"
    assert not (folder.parent / "current").exists()
    return folder


def test_a_night_that_lacks_a_table_says_which(finished: Callable[..., Settings]) -> None:
    settings = finished()
    check_publication(settings, MONDAY)
    (Night(settings, MONDAY).folder / "service_kpis.parquet").unlink()
    with pytest.raises(ConfigError, match="service_kpis of 2026-03-02: not there yet"):
        publish(settings, MONDAY)
