"""The job on a small warehouse of the documented shape."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.published_volume import VOLUME_FORECAST
from forestall.jobs.plan_staffing import plan_staffing
from forestall.night import Night
from forestall.sections import ServiceLevelSettings
from forestall.settings import ConfigError
from forestall.warehouse import open_warehouse
from models.volume.handle_time import HANDLE_TIME_COLUMNS
from tests.forestall.jobs.volumes import add_staffing_tables

RUN_DATE = date(2026, 3, 2)


@pytest.fixture
def night(company):
    settings = company('[company]\ntime_zone = "Europe/Berlin"\n')
    add_staffing_tables(settings)
    night = Night(settings, RUN_DATE)
    night.write("volume_forecast", forecast(("care", "phone"), ("mail", "email")))
    return night


def forecast(*queues):
    starts = pd.date_range("2026-03-02 08:00", periods=16, freq="30min", tz="UTC")
    contacts = np.linspace(20, 60, starts.size)
    one = pd.DataFrame({"interval_start_at": starts, "local_on": starts.date, "contacts": contacts, "is_open": True})
    one = one.assign(handle_time_s=240.0, cutoff_at=starts[0], lead_days=1, method="prophet", model_version="1")
    one = one.assign(
        model_contacts=one["contacts"],
        override_id=None,
        outreach_contacts=0.0,
        **dict.fromkeys(HANDLE_TIME_COLUMNS, 240.0),
    )
    quantiles = [name for name in VOLUME_FORECAST.names if name.startswith("contacts_p")]
    one = one.assign(**dict.fromkeys(quantiles, one["contacts"]))
    return pd.concat([one.assign(queue=queue, channel=channel) for queue, channel in queues])


def fill(night, sql):
    with open_warehouse(night.settings, "test") as warehouse:
        warehouse.execute(sql)


def test_with_empty_marts_the_settings_tell(night):
    summary = plan_staffing(night.settings, RUN_DATE)
    plan = night.read("staffing_requirement")
    assert (summary["queues"], summary["intervals"]) == (2, 32)
    assert night.read("shrinkage_causes")[["cause", "share"]].to_numpy().tolist() == [["all", 0.3]]
    assert plan["shrinkage"].unique().tolist() == [0.3]
    assert plan.groupby("queue")["model"].first().to_dict() == {"care": "erlang_c", "mail": "deferred"}


def test_shrinkage_and_patience_come_from_the_last_eight_weeks(night):
    fill(night, """
        INSERT INTO marts.fct_agent_time VALUES
            ('2026-03-01', 'care', 'available', false, 1, 6000), ('2026-03-01', 'care', 'sick', false, 1, 4000),
            ('2025-12-01', 'care', 'sick', false, 1, 999999), ('2026-03-02', 'care', 'sick', false, 1, 999999)
    """)  # fmt: skip
    fill(night, "INSERT INTO marts.fct_contact_volume VALUES ('care', '2026-02-27', 100, 9000)")
    fill(night, "INSERT INTO marts.fct_contact_volume VALUES ('care', '2026-03-02', 9000, 1)")
    summary = plan_staffing(night.settings, RUN_DATE)
    plan = night.read("staffing_requirement")
    assert summary["shrinkage"] == 0.4
    causes = night.read("shrinkage_causes")
    assert causes.to_dict("records") == [{"cause": "sick", "share": 0.4, "basis": "agent_time of 1 days"}]
    assert plan.loc[plan["queue"] == "care", "model"].unique().tolist() == ["erlang_a"]


def test_chats_are_staffed_for_how_long_they_take_beside_others(night):
    """400 chats of 300 s alone and 400 pairs of 700 s that begin together."""
    night.write("volume_forecast", forecast(("support", "chat")))
    plan_staffing(night.settings, RUN_DATE)
    before = night.read("staffing_requirement")
    assert night.read("handle_time_by_concurrency").empty
    fill(
        night,
        """
        INSERT INTO intermediate.int_interaction_versions
        SELECT 'support', 'chat', agent_id, TIMESTAMPTZ '2026-02-01 00:00+00' + n * INTERVAL '1 hour', handle_time_s,
            true, DATE '2026-02-01', TIMESTAMPTZ '2026-01-01 00:00+00', TIMESTAMPTZ '9999-12-31 00:00+00'
        FROM (VALUES ('alone', 300), ('pair', 700), ('pair', 700)) AS chats(agent_id, handle_time_s),
            generate_series(1, 400) AS hours(n)
    """,
    )
    summary = plan_staffing(night.settings, RUN_DATE)
    plan, table = night.read("staffing_requirement"), night.read("handle_time_by_concurrency")
    # Both of a pair end in the same second, so both ended in pairs: 400 x 300 s / 400, and 400 x 1,400 s / 800.
    assert table[["concurrency", "contact_count"]].to_numpy().tolist() == [[1, 400], [2, 800]]
    assert table["measured_handle_time_s"].tolist() == [300.0, 700.0]
    # 680,000 s / 1,200 are 566.7 s as lived, so two at once take 700 / 566.7 of what is forecast, less what is chance.
    ratio = (plan["handle_time_s"] / before["handle_time_s"]).to_numpy()
    assert ratio == pytest.approx(700 * 1200 / 680_000, rel=0.01)
    assert plan["agents_net"].sum() > before["agents_net"].sum()
    assert "support: 2 contacts at once gain nothing" in summary["notes"]  # 10.3 an hour in pairs, 12 alone


def test_the_newest_backlog_known_at_the_cutoff_is_planned(night):
    fill(night, """
        INSERT INTO raw.backlog VALUES
            ('mail', '2026-03-01 17:00+00', 500, '2026-03-01 17:00+00', 1),
            ('mail', '2026-03-01 21:00+00', 44, '2026-03-01 21:00+00', 1),
            ('mail', '2026-03-01 21:00+00', 40, '2026-03-01 22:00+00', 2),
            ('mail', '2026-03-01 21:00+00', 9999, '2026-03-01 23:30+00', 3),
            ('mail', '2026-03-02 06:00+00', 9999, '2026-03-01 06:00+00', 3),
            ('care', '2026-02-20 06:00+00', 9999, '2026-02-20 06:00+00', 1)
    """)  # fmt: skip
    plan_staffing(night.settings, RUN_DATE)
    plan = night.read("staffing_requirement")
    arriving = forecast(("mail", "email"))["contacts"].sum()
    assert plan.loc[plan["queue"] == "mail", "contacts"].sum() == pytest.approx(arriving + 40)


def test_again_gives_the_same_bytes(night):
    plan_staffing(night.settings, RUN_DATE)
    path = night.folder / "staffing_requirement.parquet"
    first = path.read_bytes()
    plan_staffing(night.settings, RUN_DATE)
    assert path.read_bytes() == first


def test_a_name_that_no_queue_has_is_a_note_and_a_group_named_as_a_queue_is_refused(night):
    (night.settings.root / "standards.yml").write_text("queues:\n  caer: {threshold_s: 30}\n")
    summary = plan_staffing(night.settings, RUN_DATE)
    assert "standards.yml:2: queues.caer: no queue `caer` is forecast, so it changes nothing; meant `care`?" in str(
        summary["notes"]
    )
    (night.settings.root / "staffing.yml").write_text("groups:\n  mail: [care, caer]\n")
    with pytest.raises(ConfigError, match=r"staffing.yml:2: groups.mail: a queue outside of the group has its name"):
        plan_staffing(night.settings, RUN_DATE)


def test_no_forecast_no_plan_but_a_reason(night):
    night.write("volume_forecast", forecast(("care", "phone")).iloc[:0])
    assert plan_staffing(night.settings, RUN_DATE)["notes"] == "no queue is forecast, so none is staffed"
    assert night.read("staffing_requirement").empty
    assert night.read("shrinkage_causes").empty
    assert night.read("handle_time_by_concurrency").empty


def test_a_shrinkage_that_leaves_nobody_is_refused(company):
    night = Night(company("[staffing]\nshrinkage = 1.0"), RUN_DATE)
    night.write("volume_forecast", forecast(("care", "phone")))
    with pytest.raises(ConfigError, match="leaves nobody"):
        plan_staffing(night.settings, RUN_DATE)


def test_a_certainty_is_planned_for_with_the_quantiles_of_days(night):
    fill(night, "INSERT INTO marts.fct_contact_volume VALUES ('care', '2026-02-27', 100, 9000)")
    wide = forecast(("care", "phone"), ("mail", "email"))
    levels = {5: -1.645, 10: -1.282, 25: -0.674, 50: 0.0, 75: 0.674, 90: 1.282, 95: 1.645}

    def spread(rows, cv):
        mean = rows["contacts"]
        named = {f"contacts_p{level:02d}": mean + score * np.sqrt(mean + (cv * mean) ** 2)
                 for level, score in levels.items()}  # fmt: skip
        return rows.assign(**named)

    night.write("volume_forecast", spread(wide, 0.15))
    settings = night.settings.model_copy(
        update={"service_level": ServiceLevelSettings(period="day", certainty=0.9, short_abandon_s=5)}
    )

    def hours():
        plan_staffing(settings, RUN_DATE)
        plan = night.read("staffing_requirement")
        care = plan[plan["queue"] == "care"]
        assert care["standard"].unique().tolist() == ["80 % in 20 s on 90 % of days"]
        return care["agents_net"].sum()

    shared = hours()  # without quantiles of days all of the error is taken to be shared
    days = (
        wide.groupby(["queue", "local_on"], as_index=False)["contacts"].sum().rename(columns={"queue": "scope_value"})
    )
    days = days.assign(scope="queue", cutoff_at=wide["cutoff_at"].iloc[0], lead_days=1, basis="intervals")
    night.write("volume_days", spread(days, 0.05).assign(model_version="1"))
    assert hours() < shared
