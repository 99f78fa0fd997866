"""Handle time by concurrency: worked by hand, against chats simulated one by one, and in the requirement."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.staffing.concurrency import Pace, concerns, handle_times, paces, sentences
from forestall.staffing.plan import Known, live_demand, plan_requirement
from forestall.staffing.standards import QueueOverride, Standards
from forestall.staffing.uncertainty import COLUMNS

LEVEL = ServiceLevelSettings(short_abandon_s=0)


def lived(*states, queue="chat"):
    held, seconds, count = zip(*states, strict=True)
    return pd.DataFrame({"queue": queue, "concurrency": held, "contact_s": seconds, "contact_count": count})


@dataclass
class Centre:
    """What agents who hold up to `most` chats did: seconds and ends by number held, and how customers waited."""

    seconds: np.ndarray
    ended: np.ndarray
    waits: np.ndarray

    def states(self):
        held = np.flatnonzero(self.ended)
        return lived(*zip(held, self.seconds[held], self.ended[held], strict=True))


def live(rng, agents, slowness, rate, work, most=None):
    """Chats that go to whoever holds fewest, first come first served; nobody gives up.

    Args:
        slowness: how many times as long each takes with 1, 2, ... held; as many as an agent may hold.
        rate: arrivals a second.
        work: seconds that each chat would take alone, in the order of arrival.
    """
    slow = np.array([1.0, *slowness])
    left = np.full((agents, len(slowness)), np.inf)
    arrives = np.cumsum(rng.exponential(1 / rate, len(work)))
    queue, waits, now, following = [], np.full(len(work), np.nan), 0.0, 0
    seconds, ended = np.zeros(len(slow)), np.zeros(len(slow), int)
    while following < len(work):
        held = np.isfinite(left).sum(axis=1)
        ends = now + left.min(axis=1) * slow[held]
        first = int(ends.argmin())
        until = min(ends[first], arrives[following])
        np.add.at(seconds, held, held * (until - now))
        left -= ((until - now) / slow[held])[:, None]
        now = until
        if ends[first] <= arrives[following]:
            ended[held[first]] += 1
            left[first, left[first].argmin()] = np.inf
        else:
            queue.append(following)
            following += 1
        held = np.isfinite(left).sum(axis=1)
        if queue and held.min() < len(slowness):
            chat, agent = queue.pop(0), int(held.argmin())
            left[agent, np.isinf(left[agent]).argmax()] = work[chat]
            waits[chat] = now - arrives[chat]
    return Centre(seconds, ended, waits[np.isfinite(waits)])


def test_worked_by_hand():
    table = handle_times(lived((1, 60_000, 100), (2, 300_000, 400)), {"chat": 2}).set_index("concurrency")
    assert table["measured_handle_time_s"].tolist() == [600.0, 750.0]
    # Scatter 100 x (600/720 - 1)^2 + 400 x (750/720 - 1)^2 = 3.472, of which chance explains 1: a variance of
    # 2.472 / (500 - 170,000/500) = 0.01545, kept 0.6071 and 0.8607 of the distances.
    assert table["handle_time_s"].tolist() == pytest.approx([647.1, 745.8], abs=0.1)
    assert table["contacts_per_agent_hour"].tolist() == pytest.approx([3600 / 647.1, 7200 / 745.8], abs=0.01)
    # Garwood's interval of 100 counts: 81.36 to 121.63.
    assert table.loc[1, ["handle_time_low_s", "handle_time_high_s"]].tolist() == pytest.approx([493.3, 737.4], abs=0.1)
    assert table["is_standard"].tolist() == [False, True]


def test_more_at_once_never_make_a_contact_faster():
    table = handle_times(lived((1, 7_000_000, 10_000), (2, 12_000_000, 20_000), (3, 8_000_000, 10_000)), {"chat": 2})
    seconds = table["handle_time_s"].to_numpy()
    assert seconds[0] == pytest.approx(seconds[1]) == pytest.approx(19_000_000 / 30_000, rel=0.01)
    assert seconds[2] == pytest.approx(800, rel=0.01)


def test_what_was_hardly_lived_goes_on_as_before_and_says_so():
    table = handle_times(lived((1, 600_000, 1000), (2, 1_500_000, 2000), (3, 90, 29)), {"chat": 4})
    one, two, three, four = table["handle_time_s"]
    assert (three - two, four - three) == pytest.approx((two - one, two - one))
    assert table["contact_count"].tolist() == [1000, 2000, 29, 0]
    assert table["measured_handle_time_s"].isna().tolist() == [False, False, False, True]
    assert "hardly ever held 4 contacts at once" in sentences(table)[1]
    assert paces(table)["chat"].held.tolist() == [1, 2]


def test_who_lived_too_little_has_no_row():
    table = handle_times(
        pd.concat([lived((1, 9000, 29), queue="new"), lived((1, 600_000, 1000))]), {"new": 2, "chat": 2}
    )
    assert set(table["queue"]) == {"chat"}
    assert table["handle_time_ratio"].tolist() == [1.0, 1.0]  # never lived in pairs: as long as alone, and told so
    assert "a guess" in concerns(paces(table), {"chat": 2})[0]
    assert handle_times(lived((1, 9000, 29)), {"chat": 2}).empty
    assert sentences(handle_times(lived((1, 9000, 29)), {"chat": 2})) == []


def test_a_contact_more_that_gains_nothing_is_told():
    # Alone 6 an hour; in pairs 9; by threes 3 x 3600 / 1300 = 8.3.
    table = handle_times(lived((1, 6e7, 100_000), (2, 8e7, 100_000), (3, 13e7, 100_000)), {"chat": 3})
    assert sentences(table) == [
        "chat: a contact takes 600 s alone, 800 s with 2 at once, 1300 s with 3 at once",
        "chat: 3 contacts at once gain nothing: an agent finishes 8.3 an hour, and with 2 at once 9.0 (standards:"
        " concurrency)",
    ]
    assert concerns(paces(table), {"chat": 2, "care": 1}) == []


@pytest.mark.parametrize("kind", ["exponential", "log-normal"])
def test_flat_truth_stays_flat(kind):
    rng = np.random.default_rng(11)
    work = rng.exponential(600, 20_000) if kind == "exponential" else 600 * rng.lognormal(-0.5 * 0.55**2, 0.55, 20_000)
    table = handle_times(live(rng, 8, (1, 1, 1), 1 / 55, work).states(), {"chat": 3})
    assert table["contact_count"].min() > 500
    assert table["measured_handle_time_s"].to_numpy() == pytest.approx(600, rel=0.06)
    assert table["handle_time_ratio"].to_numpy() == pytest.approx(1, abs=0.02)


def test_a_known_slowness_is_found():
    rng = np.random.default_rng(12)
    table = handle_times(
        live(rng, 8, (1, 1.2, 1.7), 1 / 70, rng.exponential(600, 20_000)).states(), {"chat": 3}
    ).set_index("concurrency")
    for held, truth in {1: 600, 2: 720, 3: 1020}.items():
        row = table.loc[held]
        assert row["handle_time_low_s"] < truth < row["handle_time_high_s"]
        assert row["handle_time_s"] == pytest.approx(truth, rel=0.05)


def forecast(contacts, handle_time_s, queue="chat", channel="chat"):
    starts = pd.date_range("2026-03-02 08:00", periods=4, freq="30min", tz="UTC")
    rows = pd.DataFrame({"queue": queue, "channel": channel, "interval_start_at": starts, "local_on": starts.date,
                         "contacts": float(contacts), "handle_time_s": handle_time_s, "is_open": True})  # fmt: skip
    return rows.assign(**dict.fromkeys(COLUMNS, float(contacts)))


def agents_of(rows, standards, table=None):
    known = Known(standards, 0.3) if table is None else Known(standards, 0.3, handle_times=table)
    return plan_requirement(rows, known, LEVEL, 1800)[0]


def test_live_queues_are_staffed_for_the_time_at_their_concurrency():
    table = handle_times(lived((1, 6e7, 100_000), (2, 9e7, 100_000)), {"chat": 2})  # 750 s as lived
    standards = Standards()
    plan = agents_of(forecast(60, 700.0), standards, table)
    longer = agents_of(forecast(60, 700.0 * 900 / 750), standards)
    assert plan["handle_time_s"].to_numpy() == pytest.approx(840, abs=0.1)
    pd.testing.assert_frame_equal(plan, longer, rtol=1e-3)
    assert (plan["agents_net"] > agents_of(forecast(60, 700.0), standards)["agents_net"]).all()
    # Whoever lives a plan through meets the same handle time.
    _, demand = live_demand(forecast(60, 700.0), Known(standards, 0.3, handle_times=table), LEVEL, 1800)
    assert demand.handle_time_s == pytest.approx(plan["handle_time_s"])
    # A queue of which nothing is known stays as it was.
    other = forecast(60, 300.0, "care", "phone")
    pd.testing.assert_frame_equal(agents_of(other, standards, table), agents_of(other, standards))


def test_a_second_chat_is_no_free_gain():
    """600 s alone and 1,200 s in pairs: two at once finish no more, and save only the waits of a larger crowd."""
    table = handle_times(lived((1, 6e7, 100_000), (2, 12e7, 100_000)), {"chat": 2})
    hours = {
        held: agents_of(forecast(60, 900.0), Standards(queues={"chat": QueueOverride(concurrency=held)}), known)[
            "agents_net"
        ].sum()
        for held, known in ((1, table), (2, table))
    }
    assert hours[2] >= 0.85 * hours[1]
    naive = agents_of(forecast(60, 900.0), Standards(queues={"chat": QueueOverride(concurrency=2)}))["agents_net"].sum()
    assert naive < 0.85 * hours[2]


def test_the_agents_of_a_slowing_queue_keep_the_standard_in_a_simulation():
    """Learned while agents mostly held one chat; planned for a busier day, on which all hold two."""
    rng = np.random.default_rng(13)
    quiet = live(rng, 30, (1, 1.5), 1 / 25, rng.exponential(600, 20_000))
    table = handle_times(quiet.states(), {"chat": 2})
    mean = quiet.seconds.sum() / quiet.ended.sum()
    standards = Standards(occupancy_cap=1.0)
    rows = forecast(90, mean)

    def level(agents):
        waits = live(rng, int(agents), (1, 1.5), 90 / 1800, rng.exponential(600, 20_000)).waits[2000:]
        return (waits <= 60).mean()

    ours, naive = (agents_of(rows, standards, known)["agents_net"].iloc[0] for known in (table, None))
    assert level(ours) >= 0.78
    assert level(naive) < 0.5


def test_a_pace_between_and_beyond_what_was_lived():
    pace = Pace(700.0, np.array([1.0, 3.0]), np.array([0.9, 1.1]))
    assert pace.at(np.array([1, 2, 3, 4])).tolist() == pytest.approx([0.9, 1.0, 1.1, 1.2])
    assert float(pace.an_hour(2)) == pytest.approx(2 * 3600 / 700)
