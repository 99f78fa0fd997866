"""dbt is called in process, writes outside the repository, leaves no connection, and fails in one line."""

import json
import os
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, cast

import pytest

from forestall import transform
from forestall.night import Night
from forestall.settings import Settings
from forestall.sources.tables import create_tables
from forestall.transform import TransformError
from forestall.warehouse import open_warehouse

RUN_DATE = date(2026, 3, 1)


@pytest.fixture
def empty(company: Callable[[str], Settings]) -> Settings:
    """A company whose raw tables are all there and empty."""
    settings = company("[company]\ntime_zone = 'Europe/Berlin'")
    with open_warehouse(settings, "test") as warehouse:
        create_tables(warehouse)
    return settings


def _variables(settings: Settings) -> dict[str, object]:
    return transform.variables(Night(settings, RUN_DATE), "subscription", [RUN_DATE])


def test_the_connection_is_given_back_and_nothing_is_written_into_the_repository(empty: Settings) -> None:
    environment = dict(os.environ)
    built = transform.build(empty, _variables(empty), "--select", "stg_customers", "int_customer_versions")
    assert built.model_count == 2
    assert dict(os.environ) == environment
    assert not (transform.PROJECT / "target").exists()
    assert not (transform.PROJECT / "logs").exists()
    assert (empty.var_path / "dbt" / "logs" / "dbt.log").is_file()
    with open_warehouse(empty, "test") as warehouse:  # DuckDB would refuse it beside a connection of dbt's
        assert warehouse.scalar("SELECT count(*) FROM staging.stg_customers") == 0


def test_a_model_that_fails_is_named_in_one_line(empty: Settings) -> None:
    with open_warehouse(empty, "test") as warehouse:
        warehouse.execute("DROP TABLE raw.customers")
    with pytest.raises(
        TransformError, match=r"dbt: stg_customers: .*customers.* does not exist.*see .*dbt\.log"
    ) as raised:
        transform.build(empty, _variables(empty), "--select", "stg_customers")
    assert "\n" not in str(raised.value)


def test_standards_are_handed_in_resolved(company: Callable[[str], Settings]) -> None:
    settings = company("")
    (settings.root / "standards.yml").write_text(
        "complaint_response_s: 3600\nqueues:\n  vip:\n    channel: phone\n    threshold_s: 10\n", encoding="utf-8"
    )
    promised = transform.promised(settings)
    assert promised["complaint_response_s"] == 3600
    assert promised["queues"]["vip"]["phone"] == {"threshold_s": 10, "first_response_s": None}
    assert promised["channels"]["phone"]["threshold_s"] == 20
    assert promised["channels"]["social"] == {"threshold_s": None, "first_response_s": 900}
    assert promised["queue_channels"] == {"vip": "phone"}


def test_a_socket_in_the_url_is_where_dbt_connects(company: Callable[[str], Settings]) -> None:
    url = "postgresql://planner:p%40ss@/center?host=/run/postgres"
    settings = company(f'[warehouse]\nurl = "{url}"')
    found = transform._connection(settings)
    assert found["DBT_POSTGRES_HOST"] == "/run/postgres"
    assert found["DBT_ENV_SECRET_POSTGRES_PASSWORD"] == "p@ss"
    assert found["DBT_POSTGRES_DATABASE"] == "center"


def _all_parsed(settings: Settings, values: Mapping[str, object]) -> Collection[Any]:
    """Models and tests, parsed with all these variables."""
    result = transform.run_dbt(settings, "--no-partial-parse", "parse", "--vars", json.dumps(values))
    assert result.exception is None
    return cast(Any, result.result).nodes.values()


def test_nothing_of_a_night_is_fixed_when_models_are_parsed(empty: Settings) -> None:
    night, other = _variables(empty), {"run_date": "2020-02-03", "cutoff_at": "2020-02-03T00:00:00+00:00",
                                       "as_of_dates": ["2020-01-01"], "training_dates": ["2020-01-01"],
                                       "is_training": True, "sampled_below": "8"}  # fmt: skip
    assert set(other) == transform.NOT_PARSED
    told = [
        {node.unique_id: (node.config.to_dict(), node.depends_on.to_dict()) for node in _all_parsed(empty, values)}
        for values in (night, night | other)
    ]
    assert told[0]
    assert told[0] == told[1]


def test_nights_in_a_row_are_parsed_once_and_built_each_as_of_its_own_cutoff(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands, run_dbt = [], transform.run_dbt

    def told(settings: Settings, *arguments: str, **others: Any) -> Any:
        commands.append(next(word for word in arguments if not word.startswith("--")))
        return run_dbt(settings, *arguments, **others)

    monkeypatch.setattr(transform, "run_dbt", told)
    with open_warehouse(empty, "test") as warehouse:
        warehouse.execute(
            "INSERT INTO raw.customers (customer_id, known_at, pull_id, row_hash, source) "
            "VALUES ('c1', TIMESTAMPTZ '2026-03-01 12:00:00+00', 1, 'h', 's')"
        )

    def built(run_date: date, rule: str = "subscription", **others: object) -> int:
        values = transform.variables(Night(empty, run_date), rule, [run_date], **others)
        transform.build(empty, values, "--select", "stg_customers")
        with open_warehouse(empty, "test") as warehouse:
            return int(warehouse.scalar("SELECT count(*) FROM staging.stg_customers"))

    next_day = date(2026, 3, 2)
    assert (built(RUN_DATE), built(next_day), built(next_day, is_training=True)) == (0, 1, 1)
    assert commands == ["parse", "build", "build", "build"]
    built(next_day, rule="inactivity")  # decides which models there are
    built(next_day, rule="inactivity", is_rebuild=True)  # stands in a model's configuration
    assert commands[4:] == ["parse", "build"] * 2
