"""What is learned later moves nothing of an earlier morning; what comes bit by bit ends up as if at once."""

from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256

import pandas as pd
import pytest

from features.contract import CONTRACT
from forestall.history.training_features import build_training_features
from forestall.jobs.build_features import build_features
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

Frames = dict[str, pd.DataFrame]
EARLIER = date(2025, 10, 1)
PAST = (date(2025, 4, 1), date(2025, 6, 2))

FEATURES = "marts.fct_customer_features"
AS_KNOWN = {
    FEATURES: "as_of_on <= DATE '2025-10-01'",
    "marts.fct_churn_labels": "as_of_on <= DATE '2025-10-01'",
    "intermediate.int_contact_volume_changes": "known_on <= DATE '2025-10-01'",
    "marts.fct_contact_volume": "true",
    "marts.fct_service_kpis": "true",
    "marts.fct_outreach_candidates": "true",
    "marts.fct_customer_evidence": "true",
    "marts.fct_agent_time": "true",
    "marts.fct_customer_kpis": "true",
    "staging.stg_agents": "true",  # no mart asks when an agent leaves
}


def _known(settings: Settings, tables: dict[str, str]) -> dict[str, pd.DataFrame]:
    with open_warehouse(settings, "test") as warehouse:
        found = {name: warehouse.frame(f"SELECT * FROM {name} WHERE {condition}") for name, condition in tables.items()}
    return {name: _in_order(rows.drop(columns="built_pull_id", errors="ignore")) for name, rows in found.items()}


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    exact = [column for column in rows.columns if not pd.api.types.is_float_dtype(rows[column])]
    return rows.sort_values(exact, ignore_index=True)


def _same(ours: dict[str, pd.DataFrame], theirs: dict[str, pd.DataFrame]) -> None:
    for name, rows in ours.items():
        assert len(rows) > 0, name
        pd.testing.assert_frame_equal(rows, theirs[name], check_dtype=False, rtol=1e-12, obj=name)


def _cutoff(morning: date) -> pd.Timestamp:
    return pd.Timestamp(morning, tz="Europe/Berlin").tz_convert("UTC")


def _learned_later(frames: Frames, known_at: pd.Timestamp) -> Frames:
    """In each table a correction of an old row, a late row like an old one, and a fact of the future."""
    planted = {}
    for name, rows in frames.items():
        key = CONTRACT[name].key
        old = rows[rows["pull_id"] == 1].drop_duplicates(list(key)).iloc[:40].copy()
        for column in old.columns.difference([*key, "known_at", "pull_id"]):
            if CONTRACT[name].names.count(column) and CONTRACT[name][column].kind == "instant":
                old[column] = old[column] + pd.Timedelta(days=2)
            elif pd.api.types.is_bool_dtype(old[column]):
                old[column] = ~old[column].fillna(False).astype(bool)
            elif column.endswith(("_id", "plan", "segment", "status", "result", "topic")) and len(old) > 1:
                old[column] = old[column].to_numpy()[::-1]
        fresh = rows[rows["pull_id"] == 1].drop_duplicates(list(key)).iloc[40:80].copy()
        fresh[key[0]] = "new-" + fresh[key[0]].astype(str)
        ahead = fresh.assign(**{key[0]: "ahead-" + fresh[key[0]]})
        for column in ahead.columns:
            if isinstance(ahead[column].dtype, pd.DatetimeTZDtype):
                ahead[column] = ahead[column] + pd.Timedelta(days=3000)
        planted[name] = pd.concat([old, fresh, ahead], ignore_index=True).assign(
            known_at=pd.Series(known_at, index=range(len(old) + 2 * len(fresh))).astype("datetime64[us, UTC]"),
            pull_id=9,
        )
    return planted


def _under_way(frames: Frames) -> Frames:
    """On a past morning and the earlier one, of the rows known last all that reveals itself lies two days ahead."""
    told = {name: rows.copy() for name, rows in frames.items()}
    for morning in (PAST[-1], EARLIER):
        ahead = {"instant": _cutoff(morning) + pd.Timedelta(days=2), "date": morning + timedelta(days=2)}
        for name, rows in told.items():
            is_known = rows["known_at"] < _cutoff(morning)
            if name == "interactions":
                is_known &= rows["answered_at"].notna()  # neither given up nor served by a machine
            last = rows[is_known].sort_values("known_at", kind="stable").tail(40).index
            for column in CONTRACT[name].columns:
                if column.revealed_by == column.name:
                    rows.loc[last, column.name] = ahead[column.kind]
    return told


def _not_yet_told(told: Frames, morning: date) -> Frames:
    """The same rows as they read that morning: what is revealed later is null, and renewals stand where they stood."""
    untold = {name: rows.copy() for name, rows in told.items()}
    for name, rows in untold.items():
        for column in CONTRACT[name].columns:
            if column.name in rows and column.revealed_by in rows:
                rows[column.name] = rows[column.name].mask(_is_ahead(told[name][column.revealed_by], morning))
    contacts = untold["interactions"]
    measured = ["wait_time_s", "handle_time_s"]  # who still waits has no times yet
    contacts[measured] = contacts[measured].mask(_is_ahead(told["interactions"]["answered_at"], morning))
    untold["subscriptions"]["renews_at"] -= pd.DateOffset(months=24)  # whole terms, of whatever length
    return untold


def _is_ahead(values: pd.Series, morning: date) -> pd.Series:
    at = pd.to_datetime(values)
    return at >= (_cutoff(morning) if at.dt.tz else pd.Timestamp(morning))


@pytest.fixture(scope="module")
def earlier(load: Callable[..., Settings], frames: Frames) -> tuple[Settings, dict[str, pd.DataFrame]]:
    """The company on an earlier morning, whose source tells things to come already, and what it knew then."""
    settings = load(_under_way(frames))
    return settings, _known_that_morning(settings)


def _known_that_morning(settings: Settings) -> dict[str, pd.DataFrame]:
    """What the earlier morning knows, built from what lies in the warehouse now."""
    build_features(settings, EARLIER)
    build_training_features(settings, EARLIER, PAST)
    return _known(settings, AS_KNOWN)


@pytest.mark.slow
def test_what_is_learned_later_moves_nothing_that_was_known(
    earlier: tuple[Settings, dict[str, pd.DataFrame]], more: Callable[[Settings, Frames], None], frames: Frames
) -> None:
    assert frames.keys() == CONTRACT.keys()
    settings, before = earlier
    more(settings, _learned_later(frames, _cutoff(EARLIER)))
    _same(before, _known_that_morning(settings))


@pytest.mark.slow
def test_what_has_yet_to_happen_moves_nothing_though_the_source_tells_it(
    earlier: tuple[Settings, dict[str, pd.DataFrame]], load: Callable[..., Settings], frames: Frames
) -> None:
    _, before = earlier
    _same(before, _known_that_morning(load(_not_yet_told(_under_way(frames), EARLIER))))


@pytest.mark.slow
def test_a_past_morning_is_learned_from_as_its_own_night_saw_it(
    earlier: tuple[Settings, dict[str, pd.DataFrame]], load: Callable[..., Settings], frames: Frames
) -> None:
    _, before = earlier
    settings = load(_not_yet_told(_under_way(frames), PAST[-1]))
    build_features(settings, PAST[-1])
    that_night = _known(settings, {FEATURES: f"as_of_on = DATE '{PAST[-1]}'"})[FEATURES]
    learned = before[FEATURES][pd.to_datetime(before[FEATURES]["as_of_on"]).dt.date == PAST[-1]]
    _same(
        {FEATURES: that_night.drop(columns="is_training")},
        {FEATURES: learned.drop(columns="is_training").reset_index(drop=True)},
    )


@pytest.mark.slow
def test_night_by_night_gives_what_one_build_gives(
    built: Settings,
    load: Callable[..., Settings],
    more: Callable[[Settings, Frames], None],
    frames: Frames,
    run_date: date,
) -> None:
    settings = load({name: rows[rows["pull_id"] <= 2] for name, rows in frames.items()})
    build_features(settings, date(2025, 11, 2))
    more(settings, {name: rows[rows["pull_id"] > 2] for name, rows in frames.items()})
    build_features(settings, run_date)
    tonight = AS_KNOWN | {
        FEATURES: f"as_of_on = DATE '{run_date}'",
        "marts.fct_churn_labels": f"as_of_on = DATE '{run_date}'",
        "intermediate.int_contact_volume_changes": "true",
    }
    _same(_known(built, tonight), _known(settings, tonight))


@pytest.mark.slow
def test_going_back_a_night_and_on_again_leaves_no_trace(
    load: Callable[..., Settings], built: Settings, frames: Frames, run_date: date
) -> None:
    settings = load(frames)
    for day in (run_date, EARLIER, run_date):
        build_features(settings, day)
    lasting = {name: condition for name, condition in AS_KNOWN.items() if "as_of_on" not in condition}
    _same(_known(built, lasting), _known(settings, lasting))


@pytest.mark.slow
def test_a_sample_of_customers_is_learned_from_as_if_all_were(load: Callable[..., Settings], frames: Frames) -> None:
    """Customers and accounts have pseudonyms here, as in a real warehouse: a sample goes by their first digits."""
    settings = load({name: _under_pseudonyms(rows) for name, rows in frames.items()})
    build_features(settings, EARLIER)
    learned = dict.fromkeys((FEATURES, "marts.fct_churn_labels"), "as_of_on < DATE '2025-10-01'")
    build_training_features(settings, EARLIER, PAST)
    everybody = _known(settings, learned)
    customers = everybody[FEATURES]["customer_id"]
    build_training_features(settings, EARLIER, PAST, max_rows=len(customers) // 2)
    sampled = _known(settings, learned)
    drawn = set(sampled[FEATURES]["customer_id"])
    assert 0.3 < len(drawn) / customers.nunique() < 0.6
    _same(sampled, {name: _in_order(rows[rows["customer_id"].isin(drawn)]) for name, rows in everybody.items()})


def _under_pseudonyms(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{
        column: rows[column].map(lambda name: sha256(name.encode()).hexdigest()[:20], na_action="ignore")
        for column in ("customer_id", "account_id") if column in rows
    })  # fmt: skip
