import pandas as pd
import pytest

from forestall.staffing.shrinkage import estimate_shrinkage


def agent_time(*rows):
    return pd.DataFrame(rows, columns=["local_on", "team", "activity", "is_planned", "agent_s"])


def test_by_hand_without_breaks():
    lost = estimate_shrinkage(
        agent_time(
            ("2026-03-02", "care", "available", False, 7_000),
            ("2026-03-02", "care", "break", False, 1_000),
            ("2026-03-02", "care", "sick", False, 2_000),
            ("2026-03-02", "care", "training", False, 1_000),
        ),
        fallback=0.3,
    )
    assert lost.share == pytest.approx(0.3)
    assert list(lost.by_cause) == ["sick", "training"]
    assert lost.by_cause["sick"] == pytest.approx(0.2)


def test_an_activity_counts_as_it_happened_or_else_as_planned():
    lost = estimate_shrinkage(
        agent_time(
            ("2026-03-02", "care", "available", True, 10_000),
            ("2026-03-02", "care", "available", False, 8_000),
            ("2026-03-02", "care", "sick", False, 2_000),
            ("2026-03-02", "care", "vacation", True, 4_000),
            ("2026-03-02", "sales", "available", True, 5_000),
            ("2026-03-02", "sales", "vacation", True, 1_000),
        ),
        fallback=0.3,
    )
    assert lost.share == pytest.approx(7_000 / 20_000)


@pytest.mark.parametrize("rows", [(), (("2026-03-02", "care", "sick", False, 100),)])
def test_without_usable_records_the_settings_tell(rows):
    lost = estimate_shrinkage(agent_time(*rows), fallback=0.25)
    assert (lost.share, dict(lost.by_cause)) == (0.25, {})
    assert lost.source.startswith("settings")
