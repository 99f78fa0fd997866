"""What is learned later moves nothing of an earlier morning; what comes bit by bit ends up as if at once."""

from collections.abc import Callable
from datetime import date
from hashlib import sha256

import pandas as pd
import pytest

from features.contract import CONTRACT
from forestall.jobs.build_features import build_features, build_training_features
from forestall.settings import Settings
from forestall.warehouse import open_warehouse

Frames = dict[str, pd.DataFrame]
EARLIER = date(2025, 10, 1)
PAST = (date(2025, 4, 1), date(2025, 6, 2))

AS_KNOWN = {
    "marts.fct_customer_features": "as_of_on <= DATE '2025-10-01'",
    "marts.fct_churn_labels": "as_of_on <= DATE '2025-10-01'",
    "intermediate.int_contact_volume_changes": "known_on <= DATE '2025-10-01'",
    "marts.fct_contact_volume": "true",
    "marts.fct_service_kpis": "true",
    "marts.fct_outreach_candidates": "true",
    "marts.fct_agent_time": "true",
    "marts.fct_customer_kpis": "true",
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


@pytest.fixture(scope="module")
def earlier(load: Callable[..., Settings], frames: Frames) -> tuple[Settings, dict[str, pd.DataFrame]]:
    """The company on an earlier morning, and what it knew then."""
    settings = load(frames)
    build_features(settings, EARLIER)
    build_training_features(settings, EARLIER, PAST)
    return settings, _known(settings, AS_KNOWN)


@pytest.mark.slow
def test_what_is_learned_later_moves_nothing_that_was_known(
    earlier: tuple[Settings, dict[str, pd.DataFrame]], more: Callable[[Settings, Frames], None], frames: Frames
) -> None:
    settings, before = earlier
    more(settings, _learned_later(frames, pd.Timestamp(EARLIER, tz="Europe/Berlin").tz_convert("UTC")))
    build_features(settings, EARLIER)
    build_training_features(settings, EARLIER, PAST)
    _same(before, _known(settings, AS_KNOWN))


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
        "marts.fct_customer_features": f"as_of_on = DATE '{run_date}'",
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
    """The customers have pseudonyms here, as in a real warehouse: a sample goes by their first digits."""
    settings = load({name: _under_pseudonyms(rows) for name, rows in frames.items()})
    build_features(settings, EARLIER)
    learned = dict.fromkeys(("marts.fct_customer_features", "marts.fct_churn_labels"), "as_of_on < DATE '2025-10-01'")
    build_training_features(settings, EARLIER, PAST)
    everybody = _known(settings, learned)
    customers = everybody["marts.fct_customer_features"]["customer_id"]
    build_training_features(settings, EARLIER, PAST, max_rows=len(customers) // 2)
    sampled = _known(settings, learned)
    drawn = set(sampled["marts.fct_customer_features"]["customer_id"])
    assert 0.3 < len(drawn) / customers.nunique() < 0.6
    _same(sampled, {name: _in_order(rows[rows["customer_id"].isin(drawn)]) for name, rows in everybody.items()})


def _under_pseudonyms(rows: pd.DataFrame) -> pd.DataFrame:
    if "customer_id" not in rows:
        return rows
    names = rows["customer_id"].map(lambda name: sha256(name.encode()).hexdigest()[:20], na_action="ignore")
    return rows.assign(customer_id=names)
