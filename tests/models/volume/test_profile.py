import numpy as np
import pytest

from models.volume.candidates import interval_shares, prepare
from models.volume.params import volume_params

PARAMS = volume_params()


def basis(site, history, events, days=365):
    return prepare(history, events, site.run_date, site.ahead, days, PARAMS)


def shape_of(site, name, queue_basis):
    means = site.mean_matrix(name)[queue_basis.start : queue_basis.until]
    total = means.sum(axis=1, keepdims=True)
    return np.divide(means, total, out=np.zeros_like(means), where=total > 0)


def test_shares_of_a_full_day_add_up_to_one_and_follow_the_queue(site, no_events):
    made = site().queue("a", a_day=3000)
    own = basis(made, made.histories()["a"], no_events)
    shares = interval_shares(own, [own], PARAMS)
    is_open = own.intervals.sum(axis=1) > 0
    np.testing.assert_allclose(shares[is_open].sum(axis=1), 1.0)
    assert (shares[own.intervals == 0] == 0).all()
    assert np.abs(shares - shape_of(made, "a", own)).max() < 0.01


def test_a_queue_of_yesterday_borrows_the_shape_of_its_kin(site, no_events):
    made = site()
    since = made.run_date.replace(day=4)
    made.queue("old", a_day=3000, peak=15).queue("new", a_day=10, peak=15, since=since, seed=2)
    made.queue("mail", a_day=3000, peak=3, channel="email")
    bases = {name: basis(made, history, no_events) for name, history in made.histories().items()}
    kin = [bases["old"], bases["new"]]
    lent = interval_shares(bases["new"], kin, PARAMS)
    alone = interval_shares(bases["new"], [bases["new"]], PARAMS)
    truth = shape_of(made, "new", bases["new"])
    assert np.abs(lent - truth).sum() < 0.35 * np.abs(alone - truth).sum()


def test_days_after_a_day_off_have_a_shape_of_their_own(site, no_events):
    """Mornings after a holiday bring twice as much: learned from four of them, used on the next."""
    offs = ["2025-04-22", "2025-05-02", "2025-05-30", "2025-06-10", "2025-04-19"]  # the working day after each

    def rush(local):
        on = local.tz_localize(None).normalize().strftime("%Y-%m-%d")
        return np.where(on.isin(offs) & (local.hour < 12), 2.0, 1.0)

    made = site().queue("a", a_day=20000, factor=rush)
    own = basis(made, made.histories()["a"], no_events)
    shares = interval_shares(own, [own], PARAMS)
    after = (own.kind == 1) & (own.intervals.sum(axis=1) > 0)
    morning = shares[:, :12].sum(axis=1)
    ordinary = (own.kind == 0) & (own.intervals.sum(axis=1) > 0)
    assert morning[after].mean() > morning[ordinary].mean() + 0.05


@pytest.mark.parametrize("queues", [1, 2])
def test_a_queue_without_any_contact_has_an_even_day(site, no_events, queues):
    made = site().queue("a", a_day=3000)
    history = made.histories()["a"]
    empty = basis(
        made,
        type(history)("b", "chat", history.grid, history.is_open, history.days, history.changes.iloc[:0]),
        no_events,
    )
    shares = interval_shares(empty, [empty] * queues, PARAMS)
    is_open = empty.intervals.sum(axis=1) > 0
    np.testing.assert_allclose(shares[is_open & (empty.kind == 0)][0, 8:20], 1 / 12)
