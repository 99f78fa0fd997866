"""The marts against plain re-computation: what was counted, when, and on which local day."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.contract import CONTRACT
from forestall import transform
from forestall.dictionary import PROJECT, described_models
from forestall.night import Night
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse

ZONE = "Europe/Berlin"


def _read(settings: Settings, sql: str) -> pd.DataFrame:
    with open_warehouse(settings, "test") as warehouse:
        return warehouse.frame(sql)


def _counted_as_of(contacts: pd.DataFrame, morning: date) -> pd.Series:
    """Inbound contacts by queue, taken from the versions that were the latest that morning."""
    cutoff = pd.Timestamp(morning, tz=ZONE)
    known = contacts[contacts["known_at"] < cutoff].sort_values(["known_at", "pull_id"])
    latest = known.groupby("interaction_id").last()
    return latest[latest["direction"] == "inbound"].groupby("queue").size()


@pytest.mark.parametrize("morning", [date(2025, 3, 31), date(2025, 10, 27), date(2025, 11, 4), date(2025, 11, 5)])
def test_changes_add_up_to_the_volume_as_it_was_known_on_any_morning(
    built: Settings, frames: dict[str, pd.DataFrame], morning: date
) -> None:
    found = _read(
        built,
        f"""
        SELECT queue, CAST(sum(offered_count) AS BIGINT) AS offered FROM intermediate.int_contact_volume_changes
        WHERE known_on <= DATE '{morning}' AND queue <> 'branch' GROUP BY queue
        """,
    ).set_index("queue")["offered"]
    wanted = _counted_as_of(frames["interactions"], morning)
    pd.testing.assert_series_equal(found.sort_index(), wanted.sort_index(), check_names=False, check_dtype=False)


def test_contacts_fall_on_local_days_and_into_intervals_on_days_when_clocks_change(
    built: Settings, frames: dict[str, pd.DataFrame]
) -> None:
    found = _read(
        built,
        """
        SELECT local_on, count(DISTINCT interval_start_at) AS intervals, min(interval_start_at) AS first_at
        FROM intermediate.int_contact_volume_changes
        WHERE queue = 'branch' AND local_on IN (DATE '2025-03-29', DATE '2025-03-30', DATE '2025-10-26')
        GROUP BY local_on ORDER BY local_on
        """,
    )
    assert found["intervals"].tolist() == [48, 46, 50]
    starts = pd.to_datetime(found["first_at"], utc=True).dt.tz_convert(ZONE)
    assert starts.dt.strftime("%H:%M").tolist() == ["00:00"] * 3


def test_a_report_of_a_queue_counts_and_its_contacts_do_not(built: Settings, frames: dict[str, pd.DataFrame]) -> None:
    reports = frames["contact_volumes"].sort_values(["known_at", "pull_id"]).groupby("interval_start_at").last()
    found = _read(built, "SELECT sum(offered_count) AS offered FROM marts.fct_contact_volume WHERE queue = 'branch'")
    assert int(found["offered"][0]) == int(reports["offered_count"].sum())


def test_redials_are_marked(built: Settings, frames: dict[str, pd.DataFrame]) -> None:
    contacts = frames["interactions"]
    contacts = contacts[contacts["pull_id"] == 1].drop_duplicates("interaction_id")
    given_up = contacts[contacts["is_abandoned"]]
    pairs = (
        contacts[contacts["direction"] == "inbound"]
        .merge(given_up, on=["customer_id", "queue"])
        .query("customer_id.notna() and interaction_id_x != interaction_id_y")
    )
    after = pairs["started_at_x"] - pairs["started_at_y"]
    wanted = pairs[(after > pd.Timedelta(0)) & (after <= pd.Timedelta(minutes=30))]["interaction_id_x"].nunique()
    found = _read(
        built,
        """
        SELECT count(DISTINCT interaction_id) AS redials FROM intermediate.int_interaction_versions
        WHERE is_redial AND pull_id = 1
            AND interaction_id NOT IN (SELECT interaction_id FROM raw.interactions WHERE pull_id <> 1)
        """,
    )
    assert wanted > 20
    assert 0 < int(found["redials"][0]) <= wanted


def test_features_count_the_local_days_before_the_as_of_date(built: Settings, frames: dict[str, pd.DataFrame]) -> None:
    as_of = date(2025, 6, 1)
    cutoff = pd.Timestamp(as_of, tz=ZONE)
    contacts = frames["interactions"]
    known = contacts[contacts["known_at"] < cutoff].sort_values(["known_at", "pull_id"])
    latest = known.groupby("interaction_id").last()
    inbound = latest[(latest["direction"] == "inbound") & (latest["started_at"] >= cutoff - pd.Timedelta(days=30))]
    announces = inbound["topic"] == "move"  # `announcing_topics` of this company, in any case
    assert announces.sum() > 20
    inbound = inbound[~announces]
    wanted = inbound.groupby("customer_id").agg(contact_count_30d=("queue", "size"), mean_wait=("wait_time_s", "mean"))
    found = _read(
        built,
        f"""
        SELECT customer_id, contact_count_30d, wait_time_s_mean_30d AS mean_wait FROM marts.fct_customer_features
        WHERE as_of_on = DATE '{as_of}'
        """,
    ).set_index("customer_id")
    both = found.join(wanted, rsuffix="_wanted")
    assert (both["contact_count_30d"] == both["contact_count_30d_wanted"].fillna(0)).all()
    pd.testing.assert_series_equal(both["mean_wait"], both["mean_wait_wanted"], check_names=False, rtol=1e-9)
    assert both["contact_count_30d"].sum() > 100


def test_what_the_others_of_an_account_live_through_is_known_of_each(built: Settings) -> None:
    """By hand, one by one: the mean over the others who do not refuse profiling, and nothing for the alone."""
    rows = _read(built, "SELECT * FROM marts.fct_customer_features WHERE as_of_on = DATE '2025-06-01'")
    assert rows["is_profiling_allowed"].eq(False).any()
    names = [name for name in rows.columns if name.startswith("account_others_")]
    assert len(names) == 13
    by_account = dict(list(rows.groupby("account_id")))
    for row in rows.to_dict("records"):
        own = by_account[row["account_id"]]
        others = own[(own["customer_id"] != row["customer_id"]) & (own["is_profiling_allowed"] != False)]  # noqa: E712
        assert row["account_customer_count"] == len(own)
        for name in names:
            wanted = others[name.removeprefix("account_others_")].astype("float64").mean()
            assert row[name] == pytest.approx(wanted, nan_ok=True), name
    refusing = rows.loc[rows["is_profiling_allowed"].eq(False), "account_id"]
    assert rows["account_customer_count"].gt(1).sum() > 20
    assert rows.loc[rows["account_id"].isin(refusing), "account_customer_count"].gt(1).any()
    assert rows["account_others_wait_time_s_max_90d"].gt(0).any()


def test_tone_changes_against_what_came_before(built: Settings, frames: dict[str, pd.DataFrame]) -> None:
    as_of = date(2025, 6, 1)
    cutoff = pd.Timestamp(as_of, tz=ZONE)

    def latest(table: str, key: str, at: str, days: int) -> pd.DataFrame:
        known = frames[table][frames[table]["known_at"] < cutoff].sort_values(["known_at", "pull_id"])
        rows = known.groupby(key).last().reset_index().sort_values([at, key], ascending=[True, False])
        return rows[(rows[at] >= cutoff - pd.Timedelta(days=days)) & (rows[at] < cutoff)]

    contacts = latest("interactions", "interaction_id", "started_at", 90)
    contacts = contacts[contacts["topic"] != "move"]
    is_new = contacts["started_at"] >= cutoff - pd.Timedelta(days=30)
    tone = contacts["text_sentiment"].astype(float)
    by_customer = [tone[part].groupby(contacts["customer_id"]).mean() for part in (is_new, ~is_new)]
    comments = latest("surveys", "survey_id", "answered_at", 180).dropna(subset=["comment_sentiment"])
    said = comments["comment_sentiment"].astype(float).groupby(comments["customer_id"])
    before = (said.sum() - said.last()) / (said.size() - 1).where(lambda count: count > 0)
    wanted = pd.DataFrame({
        "text_sentiment_change_30d": by_customer[0] - by_customer[1],
        "survey_sentiment_min_180d": said.min(),
        "survey_sentiment_change": said.last() - before,
    })  # fmt: skip
    found = _read(
        built,
        f"SELECT customer_id, {', '.join(wanted)} FROM marts.fct_customer_features WHERE as_of_on = DATE '{as_of}'",
    ).set_index("customer_id")
    wanted = wanted.reindex(found.index)
    pd.testing.assert_frame_equal(found.astype(float), wanted, atol=1e-9)
    assert wanted.notna().sum().min() > 20


def test_what_was_billed_is_the_last_invoice_and_its_distance_from_the_first(
    built: Settings, frames: dict[str, pd.DataFrame]
) -> None:
    as_of = date(2025, 6, 1)
    invoices = frames["payments"]
    known = invoices[invoices["known_at"] < pd.Timestamp(as_of, tz=ZONE)].sort_values(["known_at", "pull_id"])
    due = known.groupby("invoice_id").last().query("status != 'refunded' and due_on < @as_of")
    # two invoices of one day have no order of their own: those customers are not compared
    twice = due.loc[due.duplicated(["customer_id", "due_on"]), "customer_id"]
    by_customer = due[~due["customer_id"].isin(twice)].sort_values("due_on").groupby("customer_id")
    wanted = pd.DataFrame({"first": by_customer["amount"].first(), "last": by_customer["amount"].last()}).astype(float)
    found = _read(
        built,
        f"""
        SELECT customer_id, billed_amount_last_365d AS billed, billed_amount_change_365d AS change
        FROM marts.fct_customer_features WHERE as_of_on = DATE '{as_of}' AND billed_amount_last_365d IS NOT NULL
        """,
    ).set_index("customer_id")
    both = found.astype(float).join(wanted, how="inner")
    pd.testing.assert_series_equal(both["billed"], both["last"], check_names=False)
    assert np.allclose(both["change"], both["last"] - both["first"])
    assert len(both) > 50


def test_time_of_agents_is_cut_at_local_midnight(built: Settings) -> None:
    found = _read(
        built,
        """
        SELECT CAST(local_on AS VARCHAR) AS local_on, agent_s FROM marts.fct_agent_time
        WHERE team = 'retention' AND activity = 'available' AND NOT is_planned
            AND local_on BETWEEN DATE '2025-03-29' AND DATE '2025-03-31' ORDER BY local_on
        """,
    )
    # 07-12 UTC and 20-02 UTC: in winter 3 h of the evening spell fall on the day, in summer 2 h and 4 h on the next
    assert found["agent_s"].tolist() == [(5 + 3 + 3) * 3600, (5 + 3 + 2) * 3600, (5 + 4 + 2) * 3600]


def test_kpis_of_a_day_are_those_of_its_contacts(built: Settings, frames: dict[str, pd.DataFrame]) -> None:
    contacts = frames["interactions"].sort_values(["known_at", "pull_id"]).groupby("interaction_id").last()
    day = contacts["started_at"].dt.tz_convert(ZONE).dt.date == date(2025, 9, 17)
    ours = contacts[day & (contacts["queue"] == "help_phone") & (contacts["direction"] == "inbound")]
    served = ours[ours["answered_at"].notna()]
    short = ours["is_abandoned"].astype(bool) & (ours["wait_time_s"] < 5)
    found = _read(
        built, "SELECT * FROM marts.fct_service_kpis WHERE local_on = DATE '2025-09-17' AND queue = 'help_phone'"
    ).iloc[0]
    assert found["offered_count"] == len(ours) > 3
    assert found["handled_count"] == len(served)
    assert found["service_level"] == pytest.approx((served["wait_time_s"] <= 20).sum() / (len(ours) - short.sum()))
    assert found["asa_s"] == pytest.approx(served["wait_time_s"].mean())
    minutes = served["handle_time_s"].sum() / 60
    assert found["cost_per_contact"] == pytest.approx(1.75 + 0.65 * minutes / len(served), abs=6e-5)


def test_nobody_waits_who_writes_and_self_service_takes_no_agent_time(built: Settings) -> None:
    found = _read(
        built,
        """
        SELECT channel, count(asa_s) AS waits, count(handle_time_s) AS times FROM marts.fct_service_kpis
        GROUP BY channel ORDER BY channel
        """,
    ).set_index("channel")
    live = found.index.isin(["phone", "chat", "in_person"])
    assert (found.loc[live, "waits"] > 0).all()
    assert (found.loc[~live, "waits"] == 0).all()
    assert (found.loc[found.index == "self_service", "times"] == 0).all()
    assert found.loc["email", "times"] > 0


def _of_summer(frames: dict[str, pd.DataFrame], queue: str) -> pd.DataFrame:
    """The latest version of every inbound contact of a queue of the summer, by `interaction_id`."""
    contacts = frames["interactions"].sort_values(["known_at", "pull_id"]).groupby("interaction_id").last()
    on = contacts["started_at"].dt.tz_convert(ZONE).dt.date
    is_ours = on.between(SUMMER[0], SUMMER[1]) & (contacts["queue"] == queue)
    return contacts[is_ours & (contacts["direction"] == "inbound")].assign(local_on=on)


SUMMER = (date(2025, 7, 20), date(2025, 9, 20))


@pytest.mark.parametrize("queue", ["help_phone", "help_chat", "help_email"])
def test_what_customers_and_reviewers_said_is_counted_by_the_day_of_the_contact(
    built: Settings, frames: dict[str, pd.DataFrame], queue: str
) -> None:
    ours = _of_summer(frames, queue)
    found = _read(
        built,
        f"""
        SELECT local_on, abandonment_rate, csat, nps, ces, quality_compliance_rate, complaint_count,
            complaints_in_24h_rate, first_response_s FROM marts.fct_service_kpis
        WHERE queue = '{queue}' AND local_on BETWEEN DATE '{SUMMER[0]}' AND DATE '{SUMMER[1]}' ORDER BY local_on
        """,
    )
    found = found.set_index(pd.to_datetime(found["local_on"]).dt.date).drop(columns="local_on").astype(float)
    surveys = frames["surveys"].sort_values(["known_at", "pull_id"]).groupby("survey_id").last()
    said = surveys.merge(ours[["local_on"]], left_on="interaction_id", right_index=True).groupby(["local_on", "kind"])
    share = {
        "csat": said["score"].agg(lambda score: (score >= 4).mean()).unstack()["csat"],
        "nps": said["score"].agg(lambda score: (score >= 9).mean() - (score <= 6).mean()).unstack()["nps"],
        "ces": said["score"].mean().unstack()["ces"],
    }
    reviews = frames["evaluations"].sort_values(["known_at", "pull_id"]).groupby("interaction_id").last()
    reviewed = reviews.join(ours[["local_on"]], how="inner").groupby("local_on")["is_compliant"]
    waited = (ours["answered_at"] - ours["started_at"]).dt.total_seconds()
    has_given_up = ours["is_abandoned"].astype(bool) & ours["answered_at"].isna()
    complaints = ours[ours["stage"] == "complaint"].assign(is_in_time=waited <= 86_400)
    wanted = pd.DataFrame({
        "abandonment_rate": has_given_up.groupby(ours["local_on"]).mean(),
        **share,
        "quality_compliance_rate": reviewed.agg(lambda one: one.astype(float).mean()),
        "complaint_count": ours.groupby("local_on")["stage"].agg(lambda stage: (stage == "complaint").sum()),
        "complaints_in_24h_rate": complaints.groupby("local_on")["is_in_time"].mean(),
        "first_response_s": waited.groupby(ours["local_on"]).mean(),
    }).astype(float)  # fmt: skip
    assert (wanted.notna().sum() > 2).all()
    assert len(found) == len(wanted) > 50
    pd.testing.assert_frame_equal(found, wanted, check_names=False, rtol=1e-6, check_like=True)


def test_a_contact_with_the_machine_is_contained_if_no_agent_was_needed_within_a_week(
    built: Settings, frames: dict[str, pd.DataFrame]
) -> None:
    contacts = frames["interactions"].sort_values(["known_at", "pull_id"]).groupby("interaction_id").last()
    agents = contacts[(contacts["direction"] == "inbound") & (contacts["channel"] != "self_service")]
    alone = _of_summer(frames, "bot").query("customer_id.notna()").reset_index()
    both = alone.merge(agents[["customer_id", "started_at"]], on="customer_id", suffixes=("", "_after"))
    after = both["started_at_after"] - both["started_at"]
    followed = set(both.loc[(after > pd.Timedelta(0)) & (after <= pd.Timedelta(days=7)), "interaction_id"])
    wanted = (~alone["interaction_id"].isin(followed)).groupby(alone["local_on"]).mean()
    found = _read(
        built,
        f"""
        SELECT local_on, containment_rate FROM marts.fct_service_kpis WHERE queue = 'bot'
            AND local_on BETWEEN DATE '{SUMMER[0]}' AND DATE '{SUMMER[1]}' AND containment_rate IS NOT NULL
        ORDER BY local_on
        """,
    )
    assert found["containment_rate"].to_numpy() == pytest.approx(wanted.to_numpy())
    assert 0 < wanted.mean() < 1


def test_retention_counts_who_was_there_when_the_month_began(built: Settings) -> None:
    found = _read(built, "SELECT * FROM marts.fct_customer_kpis")
    spells = _read(built, "SELECT customer_id, started_on, left_on, gone_on FROM intermediate.int_customer_spells")
    spells[["started_on", "left_on", "gone_on"]] = spells[["started_on", "left_on", "gone_on"]].apply(
        pd.to_datetime, errors="coerce"
    )
    by_month = found.assign(lost=((1 - found["retention_rate"]) * found["customer_count"]).fillna(0)).groupby(
        "month_on"
    )
    for month_on, counted in by_month[["customer_count", "joined_count", "lost"]].sum().iterrows():
        begins = pd.Timestamp(month_on)
        ends = begins + pd.offsets.MonthBegin()
        is_over = spells["gone_on"] < begins
        there = set(spells.loc[~is_over & (spells["started_on"] < begins), "customer_id"])
        joined = set(spells.loc[~is_over & spells["started_on"].between(begins, ends, "left"), "customer_id"])
        left = set(spells.loc[spells["left_on"].between(begins, ends, "left"), "customer_id"])
        assert counted.round(6).tolist() == [len(there), len(joined), len(there & left)], month_on
    assert by_month["lost"].sum().max() > 2


def test_a_customers_worth_follows_from_margin_and_retention(built: Settings) -> None:
    rows = _read(built, "SELECT * FROM marts.fct_customer_kpis WHERE customer_count > 0 AND monthly_margin > 0")
    lost = ((1 - rows["retention_rate"]) * rows["customer_count"]).round()
    months = (rows["customer_count"] // lost.where(lost > 0)).fillna(36).clip(upper=36)
    margin = rows["monthly_margin"] / (rows["customer_count"] + rows["joined_count"])
    assert rows["lifetime_value"].to_numpy() == pytest.approx((margin.round(4) * months).to_numpy(), abs=0.01)
    is_served = rows["service_cost"] > 10
    returned = (rows["monthly_margin"] / rows["service_cost"])[is_served]
    assert rows.loc[is_served, "service_return"].to_numpy() == pytest.approx(returned.to_numpy(), rel=1e-3)
    assert is_served.sum() > 10


def test_only_training_dates_and_the_last_week_are_kept(built: Settings, run_date: date) -> None:
    found = _read(built, "SELECT DISTINCT as_of_on, is_training FROM marts.fct_customer_features ORDER BY as_of_on")
    assert found["is_training"].tolist() == [True, True, True, False]
    assert pd.to_datetime(found["as_of_on"]).iloc[-1].date() == run_date


def test_no_key_has_two_versions_at_once(built: Settings) -> None:
    with open_warehouse(built, "test") as warehouse:
        for name, key in _versioned(warehouse):
            overlapping = f"""
                SELECT count(*) FROM (
                    SELECT valid_to, lead(valid_from) OVER (PARTITION BY {key} ORDER BY valid_from) AS next_from
                    FROM intermediate.{name}
                ) AS versions WHERE next_from <> valid_to
            """
            assert warehouse.scalar(overlapping) == 0, name


def _versioned(warehouse: Warehouse) -> list[tuple[str, str]]:
    keys = {
        "int_interaction_versions": "interactions",
        "int_customer_versions": "customers",
        "int_activity_versions": "activity",
        "int_report_versions": "contact_volumes",
        "int_agent_time_versions": "agent_time",
    }
    return [(name, ", ".join(CONTRACT[table].key)) for name, table in keys.items()]


def test_every_column_of_every_model_is_described(built: Settings) -> None:
    described = {model["name"]: {column["name"] for column in model["columns"]} for model in described_models()}
    with open_warehouse(built, "test") as warehouse:
        columns = warehouse.frame(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema IN ('intermediate', 'marts')
            """
        )
    found = columns.groupby("table_name")["column_name"].agg(set).to_dict()
    assert found == described
    assert all(column["description"] for model in described_models() for column in model["columns"])


def test_unit_tests_of_the_project_hold(built: Settings, run_date: date) -> None:
    values = transform.variables(Night(built, run_date), "subscription", [run_date])
    done = transform.run_dbt(built, "test", "--vars", json.dumps(values), "--select", "test_type:unit")
    assert done.success
    assert len(list(done.result)) == 17


def test_the_project_parses_without_any_setting(built: Settings) -> None:
    assert (PROJECT / "dbt_project.yml").is_file()
    assert transform.run_dbt(built, "parse").success


def test_evidence_is_of_the_topic_most_contacts_are_about(built: Settings, frames: dict[str, pd.DataFrame]) -> None:
    cutoff = pd.Timestamp(date(2025, 11, 5), tz=ZONE)
    contacts = frames["interactions"]
    known = contacts[contacts["known_at"] < cutoff].sort_values(["known_at", "pull_id"])
    latest = known.drop_duplicates("interaction_id", keep="last")
    recent = latest[(latest["direction"] == "inbound") & (latest["started_at"] >= cutoff - pd.DateOffset(days=30))]
    recent = recent[(recent["started_at"] < cutoff) & recent["customer_id"].notna() & recent["topic"].notna()]
    recent = recent.assign(is_of_week=recent["started_at"] >= cutoff - pd.DateOffset(days=7))
    wanted = recent.groupby(["customer_id", "topic"]).agg(
        contact_count_7d=("is_of_week", "sum"), contact_count_30d=("topic", "size"), last_at=("started_at", "max")
    )
    order = ["contact_count_7d", "contact_count_30d", "last_at"]
    wanted = wanted.reset_index().sort_values(order, ascending=False).drop_duplicates("customer_id")
    found = _read(built, "SELECT * FROM marts.fct_customer_evidence WHERE topic IS NOT NULL")
    both = found.merge(wanted, on="customer_id", how="left", suffixes=("", "_wanted"), validate="one_to_one")
    assert len(both) > 80
    for name in ("topic", "contact_count_7d", "contact_count_30d"):
        others = both[both[name] != both[f"{name}_wanted"]]
        assert others.empty, others.iloc[0].to_dict()
    last = recent.sort_values(["started_at", "interaction_id"]).drop_duplicates(["customer_id", "topic"], keep="last")
    last = last.set_index(["customer_id", "topic"])
    last = last.loc[pd.MultiIndex.from_frame(found[["customer_id", "topic"]])]
    has_given_up = last["is_abandoned"].fillna(value=False).to_numpy(dtype=bool)
    assert has_given_up.any()
    assert (found["is_last_given_up"].to_numpy(dtype=bool) == has_given_up).all()
    is_open = (last["answered_at"].isna() & ~(last["handle_time_s"] > 0)) | (last["answered_at"] >= cutoff)
    is_open &= last["channel"] != "self_service"
    waits = is_open.to_numpy(dtype=bool) & ~has_given_up
    assert (found["last_unanswered_h"].notna().to_numpy() == waits).all()


def test_evidence_and_trigger_tell_of_the_same_complaint(built: Settings) -> None:
    """The one that waits too long, where there is one, and so for how long: not an older one that had its answer."""
    found = _read(built, """
        SELECT is_complaint_unanswered_24h AS is_late, open_complaint_h AS told_h, complaint_open_h AS seen_h,
            is_complaint_unanswered AS is_waiting
        FROM marts.fct_outreach_candidates INNER JOIN marts.fct_customer_evidence USING (customer_id)
        WHERE has_open_complaint
    """)  # fmt: skip
    assert found["is_late"].any()
    assert found.loc[found["is_late"], "is_waiting"].all()
    assert (found["told_h"] == found["seen_h"]).all()
    assert (found.loc[found["is_late"], "told_h"] <= 31 * 24).all()
