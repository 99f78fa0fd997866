"""Training on worlds whose truth is known: it is found, nothing leaks, and poor data ends in base rates."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from features.columns import features
from models.churn import training
from models.churn.model import MAIN_FILE, ChurnModel
from models.churn.params import ChurnParams, MonotoneParams, churn_params
from models.churn.training import Plan, Trained, as_known_on, fit, label, train
from models.metrics import binary_metrics

HORIZONS = (30, 60, 90)
FIRST = date(2025, 1, 6)
KINDS = {
    "complaints": "number",
    "wait_s": "number",
    "plan": "category",
    "noise": "number",
    "is_contacted_recently": "boolean",
}


def _params(**tuning: float) -> ChurnParams:
    own = churn_params()
    return own.model_copy(update={"tuning": own.tuning.model_copy(update={"trials": 3, **tuning})})


def _plan(**kinds: str) -> Plan:
    return Plan({**KINDS, **kinds}, HORIZONS, 90, 104, _params())


def _world(customers: int, dates: int, step_days: int = 28, seed: int = 7, level: float = -1.6) -> pd.DataFrame:
    """A training set with the true probability of the main horizon in `truth`; some leave within 30 and 60 days."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({
        "customer_id": np.tile([f"c{number:05d}" for number in range(customers)], dates),
        "as_of_on": np.repeat([FIRST + timedelta(days=step_days * back) for back in range(dates)], customers),
        "complaints": random.poisson(0.5, customers * dates).astype(float),
        "wait_s": random.exponential(60, customers * dates),
        "plan": random.choice(["basic", "plus", "pro"], customers * dates),
        "noise": random.normal(size=customers * dates),
        "is_contacted_recently": random.random(customers * dates) < 0.1,
        "weight": 1.0,
    })  # fmt: skip
    is_long = rows["wait_s"] > 120
    logit = (
        level
        + 0.9 * rows["complaints"]
        + 1.2 * (is_long & (rows["plan"] == "basic"))
        - 1.5 * rows["is_contacted_recently"]
    )
    rows["truth"] = 1 / (1 + np.exp(-logit))
    day_left = np.where(random.random(len(rows)) < rows["truth"], random.integers(0, 90, len(rows)), 999)
    return rows.assign(**{label(horizon): (day_left < horizon).astype(float) for horizon in HORIZONS})


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(_world(1500, 10), _plan())


def _auc(rows: pd.DataFrame, said: str, horizon: int = 90) -> float:
    return binary_metrics(rows[label(horizon)].to_numpy(), rows[said].to_numpy())["auc"]


def test_the_known_signal_is_found_on_dates_that_come_later(trained: Trained) -> None:
    assert trained.judged == "newest window"
    judged = trained.predictions
    assert set(judged["as_of_on"]) == {FIRST + timedelta(days=252)}
    assert _auc(judged, "churn_probability_90d") > _auc(judged, "truth") - 0.02
    unseen = _world(8000, 1, seed=99)
    measured = binary_metrics(unseen[label(90)].to_numpy(), trained.model.predict(unseen)[90])
    uncalled = ~unseen["is_contacted_recently"].to_numpy()
    assert measured["auc"] > 0.6
    told = binary_metrics(unseen.loc[uncalled, label(90)].to_numpy(), trained.model.predict(unseen)[90][uncalled])
    assert told["calibration_slope"] == pytest.approx(1, abs=0.15)
    assert told["observed_over_expected"] == pytest.approx(1, abs=0.08)


def test_the_twin_learned_only_from_dates_whose_labels_were_known(trained: Trained) -> None:
    assert trained.twin is not None
    newest = FIRST + timedelta(days=252)
    assert max(trained.twin.about["as_of_dates"]) <= (newest - timedelta(days=104)).isoformat()
    assert max(trained.model.about["as_of_dates"]) == newest.isoformat()


def test_the_model_takes_over_what_the_twin_was_tuned_to_and_nothing_it_judged(trained: Trained) -> None:
    assert trained.twin is not None
    assert trained.model.about["recipe"] == trained.twin.about["recipe"]
    assert trained.model.about["tuned_on"] < "window of 2025-07-02"  # newest window less the gap
    known = as_known_on(_world(1500, 10), _plan(), date(2025, 9, 15))
    assert trained.twin.to_files() == fit(known, _plan()).to_files()


def test_trees_are_tuned_on_a_date_on_which_all_labels_that_they_learn_from_were_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, parts = _world(400, 10), []

    def spy(bins: object, earlier: np.ndarray, later: np.ndarray, *others: object) -> object:
        parts.extend(sorted(set(rows.loc[chosen, "as_of_on"])) for chosen in (earlier, later))
        return tune(bins, earlier, later, *others)

    tune = training.tune
    monkeypatch.setattr(training, "tune", spy)
    fit(rows, _plan())
    learned, judged = parts
    newest = FIRST + timedelta(days=252)
    assert judged == [newest]
    # of dates four weeks apart the last that is 104 days older
    assert learned == [FIRST + timedelta(days=28 * back) for back in range(6)]


def test_a_label_is_known_when_its_window_and_the_grace_are_over() -> None:
    known = as_known_on(_world(1, 10), _plan(), date(2025, 9, 15))
    newest = {h: known.loc[known[label(h)].notna(), "as_of_on"].max() for h in HORIZONS}
    # 104, 74 and 44 days before lie 3 June, 3 July and 2 August; dates are four weeks apart
    assert newest == {90: date(2025, 5, 26), 60: date(2025, 6, 23), 30: date(2025, 7, 21)}
    assert known["as_of_on"].max() == date(2025, 7, 21)


def test_the_number_of_threads_changes_nothing() -> None:
    rows, plan = _world(400, 6), _plan()
    alone = replace(plan, params=plan.params.model_copy(update={"threads": 1}))
    assert fit(rows, plan).to_files() == fit(rows, alone).to_files()


def test_horizons_never_contradict_one_another(trained: Trained) -> None:
    p30, p60, p90 = trained.model.predict(_world(3000, 1, seed=5)).values()
    assert (p30 <= p60).all()
    assert (p60 <= p90).all()
    assert p30.mean() < 0.6 * p90.mean()


def test_risk_means_if_nobody_calls(trained: Trained) -> None:
    rows = _world(2000, 1, seed=5)
    called, spared = (trained.model.predict(rows.assign(is_contacted_recently=flag))[90] for flag in (True, False))
    assert (called == spared).all()
    uncalled = rows[~rows["is_contacted_recently"]]
    assert spared.mean() > rows[label(90)].mean()
    assert trained.model.predict(uncalled)[90].mean() == pytest.approx(uncalled["truth"].mean(), abs=0.03)


def test_shuffled_labels_teach_nothing() -> None:
    rows = _world(600, 8)
    shuffled = rows.assign(**{label(h): rows[label(h)].sample(frac=1, random_state=3).to_numpy() for h in HORIZONS})
    judged = train(shuffled, _plan()).predictions
    assert _auc(judged, "churn_probability_90d") == pytest.approx(0.5, abs=0.06)
    assert judged["churn_probability_90d"].std() < 0.05


def test_a_column_that_is_not_declared_is_not_used() -> None:
    rows = _world(400, 6).assign(left_in_the_end=lambda all_rows: all_rows[label(90)])
    assert "left_in_the_end" not in fit(rows, _plan()).design.names
    leaking = fit(rows, _plan(left_in_the_end="number"))
    assert leaking.importance().index[0] == "left_in_the_end"


def test_the_same_rows_in_any_order_give_the_same_text() -> None:
    rows = _world(400, 6)
    once, again = (train(some, _plan()).model.to_files() for some in (rows, rows.sample(frac=1, random_state=1)))
    assert once == again
    assert any("tree" in text for text in once.values())


def test_files_give_the_model_back(trained: Trained) -> None:
    rows = _world(200, 1, seed=2).assign(plan="never seen")
    read = ChurnModel.from_files(trained.model.to_files())
    for horizon in HORIZONS:
        assert (read.predict(rows)[horizon] == trained.model.predict(rows)[horizon]).all()
    assert read.to_files() == trained.model.to_files()


def test_contributions_name_what_raises_the_risk(trained: Trained) -> None:
    rows = _world(50, 1).assign(complaints=6.0)
    parts = trained.model.contributions(rows)
    assert (parts["complaints"] > 1).all()
    assert parts["noise"].abs().max() < 0.3


SLOPES = [f"slope_{position}" for position in range(8)]


def _sloped(customers: int, dates: int, seed: int = 12) -> pd.DataFrame:
    """A world of straight lines and of one thing that only trees can tell; one slope in ten is not known."""
    random = np.random.default_rng(seed)
    rows = _world(customers, dates, seed=seed)
    rows = rows.assign(**{name: random.normal(size=len(rows)) for name in SLOPES})
    truth = expit(rows[SLOPES].sum(axis=1) * 0.5 + 0.5 * np.sign(rows["wait_s"] - 40) * np.sign(rows["slope_7"]) - 1)
    left = {label(h): (random.random(len(rows)) < truth * h / 90).astype(float) for h in HORIZONS}
    return rows.assign(**left, slope_1=rows["slope_1"].where(random.random(len(rows)) > 0.1))


@pytest.fixture(scope="module")
def sloped() -> ChurnModel:
    return fit(_sloped(500, 5), _plan(**dict.fromkeys(SLOPES, "number")))


def _log_odds(model: ChurnModel, rows: pd.DataFrame) -> np.ndarray:
    matrix = model.design.matrix(rows.assign(is_contacted_recently=False))
    trees, lines = model.boosters[90].predict(matrix, raw_score=True), model.linear.log_odds(matrix)[90]
    of_trees, of_lines = model.linear.weights[90]
    assert min(of_trees, of_lines) > 0.05  # both speak
    return of_trees * trees + of_lines * lines


def test_straight_lines_are_told_better_than_by_trees_alone(sloped: ChurnModel) -> None:
    rows = _sloped(2000, 1, seed=5)
    both, alone = (
        binary_metrics(rows[label(90)].to_numpy(), model.predict(rows, as_it_was=True)[90])
        for model in (sloped, replace(sloped, linear=None))
    )
    assert both["auc"] > alone["auc"] + 0.005
    assert both["calibration_slope"] == pytest.approx(1, abs=0.15)


def test_with_more_rows_than_are_cross_fitted_trees_speak_alone() -> None:
    rows, plan = _sloped(500, 5), _plan(**dict.fromkeys(SLOPES, "number"))
    few = plan.params.calibration.model_copy(update={"max_rows": 2499})
    model = fit(rows, replace(plan, params=plan.params.model_copy(update={"calibration": few})))
    assert model.linear is None
    assert ChurnModel.from_files(model.to_files()).linear is None
    assert model.about["recipe"]["ridge"] == plan.params.linear.default_ridge
    assert binary_metrics(rows[label(90)].to_numpy(), model.predict(rows)[90])["auc"] > 0.7


def test_contributions_are_all_that_tells_customers_apart(sloped: ChurnModel) -> None:
    rows = _sloped(500, 1, seed=4)
    log_odds = _log_odds(sloped, rows)
    beside = log_odds - sloped.contributions(rows).sum(axis=1).to_numpy()
    assert beside == pytest.approx(np.full(500, beside[0]), abs=1e-6)
    assert sloped.predict(rows)[90] == pytest.approx(sloped.calibrations[90](expit(log_odds + sloped.levels[90])))


def test_importance_is_of_trees_and_lines(sloped: ChurnModel) -> None:
    importance = sloped.importance()
    assert importance.sum() == pytest.approx(1)
    assert set(importance.index[:8]) == set(SLOPES)
    of_trees = replace(sloped, linear=None).importance()
    assert importance[SLOPES].sum() != pytest.approx(of_trees[SLOPES].sum(), abs=1e-3)


def test_a_model_with_lines_is_read_back_and_one_of_old_goes_by_its_trees(sloped: ChurnModel) -> None:
    files, rows = sloped.to_files(), _sloped(200, 1, seed=2)
    read = ChurnModel.from_files(files)
    assert (read.predict(rows)[90] == sloped.predict(rows)[90]).all()
    assert (read.contributions(rows) == sloped.contributions(rows)).all(axis=None)
    values = json.loads(files[MAIN_FILE])
    del values["linear"]
    old = ChurnModel.from_files({**files, MAIN_FILE: json.dumps(values)})
    trees = old.boosters[90].predict(old.design.matrix(rows.assign(is_contacted_recently=False)), raw_score=True)
    assert old.predict(rows)[90] == pytest.approx(old.calibrations[90](expit(trees + old.levels[90])))
    beside = trees - old.contributions(rows).sum(axis=1).to_numpy()
    assert beside == pytest.approx(np.full(200, beside[0]), abs=1e-6)


def test_a_known_sign_holds_for_trees_and_lines_together() -> None:
    signs = churn_params().monotone.model_copy(update={"rising": ("slope_0",), "falling": ("slope_2", "slope_3")})
    plan = _plan(**dict.fromkeys(SLOPES, "number"))
    rows = _sloped(500, 5).assign(slope_0=lambda own: -own["slope_0"])  # would fall
    held = fit(rows, replace(plan, params=plan.params.model_copy(update={"monotone": signs})))
    people = _sloped(100, 1, seed=3)
    assert np.isfinite(_log_odds(held, people)).all()
    for name, sign in (("slope_0", 1), ("slope_2", -1), ("slope_3", -1), ("slope_4", 0)):
        told = np.array([held.predict(people.assign(**{name: at}))[90] for at in np.linspace(-3, 3, 13)])
        steps = np.diff(told, axis=0)
        assert (steps >= 0).all() if sign > 0 else (steps <= 0).all() if sign < 0 else (steps > 0.01).any()


def _with_more_leavers(rows: pd.DataFrame, newest: slice) -> pd.DataFrame:
    """Three in ten of the stayers of some dates leave too."""
    has_risen = rows["as_of_on"].isin(sorted(rows["as_of_on"].unique())[newest])
    more = has_risen & (np.random.default_rng(5).random(len(rows)) < 0.3)
    return rows.assign(**{label(h): rows[label(h)].mask(more & rows[label(h)].notna(), 1.0) for h in HORIZONS})


def test_a_shock_of_one_quarter_is_not_expected_of_the_next() -> None:
    calm = _world(300, 16)
    rows = _with_more_leavers(calm, slice(8, 11))
    rows = rows.assign(noise=rows["as_of_on"].map(lambda day: float(day >= date(2025, 8, 18))))  # would tell the date
    expected = fit(rows, _plan()).predict(rows, as_it_was=True)[90].mean()
    assert expected == pytest.approx(calm[label(90)].mean(), rel=0.05)


def test_of_what_the_newest_decisions_show_a_part_is_expected_to_last() -> None:
    rows = _world(600, 16)
    calm, risen = (
        fit(some, _plan()).predict(rows, as_it_was=True)[90].mean()
        for some in (rows, _with_more_leavers(rows, slice(15, 16)))
    )
    assert calm == pytest.approx(rows[label(90)].mean(), rel=0.05)
    assert 1.05 * calm < risen < 1.8 * calm


def test_a_known_sign_holds_for_everybody() -> None:
    rows = _world(600, 6).assign(wait_s=lambda all_rows: -all_rows["wait_s"])  # would fall
    plan = _plan()
    known = plan.params.monotone.model_copy(update={"rising": ("wait_s", "complaints"), "falling": ()})
    held, free = (
        fit(rows, replace(plan, params=plan.params.model_copy(update={"monotone": signs})))
        for signs in (known, known.model_copy(update={"rising": ()}))
    )
    people = _world(200, 1, seed=3).assign(complaints=0.0)
    at = np.linspace(-300, 0, 13)
    told = {name: np.array([model.predict(people.assign(wait_s=wait))[90] for wait in at])
            for name, model in (("held", held), ("free", free))}  # fmt: skip
    assert (np.diff(told["held"], axis=0) >= 0).all()
    assert (np.diff(told["free"], axis=0) < -0.01).any()
    more = held.predict(people.assign(complaints=3.0, wait_s=-60.0))[90]
    assert (more > held.predict(people.assign(wait_s=-60.0))[90]).all()


def test_signs_are_of_features_that_are_numbers() -> None:
    numbers = {column.name for column in features() if not column.is_categorical}
    signs = churn_params().monotone
    assert {*signs.rising, *signs.falling} <= numbers
    with pytest.raises(ValueError, match="csat_last: risk cannot both rise and fall with it"):
        MonotoneParams(rising=("csat_last",), falling=("csat_last",))


def test_a_budget_ends_the_trials_and_their_number_repeats_the_training() -> None:
    rows, plan = _world(400, 6), _plan()
    cut = fit(rows, replace(plan, params=_params(budget_s=1e-3)))
    assert cut.about["trials"] == 1
    assert fit(rows, plan).about["trials"] == 3
    assert fit(rows, replace(plan, params=_params(trials=1))).to_files() == cut.to_files()


def test_a_short_history_is_judged_on_customers_left_out() -> None:
    short = train(_world(1200, 3), _plan())
    assert (short.judged, short.twin) == ("customers left out", None)
    assert _auc(short.predictions, "churn_probability_90d") > _auc(short.predictions, "truth") - 0.03


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (_world(400, 6).assign(**{label(h): 0.0 for h in HORIZONS}), "too few churners"),
        (_world(400, 6).assign(**{label(h): 1.0 for h in HORIZONS}), "too few churners"),
        (_world(10, 6), "too few churners"),
        (_world(400, 6).assign(**dict.fromkeys(KINDS)), "no feature"),
        (_world(400, 6).head(0), "too few churners"),
        (_world(400, 6).assign(**{label(h): np.nan for h in HORIZONS}), "too few churners"),
    ],
    ids=["no churner", "churners only", "ten customers", "all null", "no row", "nothing known"],
)
def test_where_nothing_can_be_learned_base_rates_stand_in_and_say_so(rows: pd.DataFrame, why: str) -> None:
    model = train(rows, _plan()).model
    assert model.kind == "base_rate"
    assert why in model.about["reason"]
    read = ChurnModel.from_files(model.to_files())
    p30, p60, p90 = (values for values in read.predict(_world(5, 1)).values())
    assert 0 < p30[0] <= p60[0] <= p90[0] < 1
    known = rows[label(90)].dropna()
    expected = (known.sum() + 20 * 0.05) / (len(known) + 20)
    assert p90 == pytest.approx(np.full(5, expected))
    assert (read.contributions(_world(5, 1)).size, read.importance().size) == (0, 0)


def test_a_horizon_that_nobody_left_within_is_still_told() -> None:
    model = fit(_world(400, 6).assign(**{label(30): 0.0}), _plan())
    assert sorted(model.boosters) == [60, 90]
    p30, p60, _ = ChurnModel.from_files(model.to_files()).predict(_world(50, 1)).values()
    assert (p30 <= p60).all()
    assert p30.max() < 0.01
