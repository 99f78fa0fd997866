from benchmarks.bare import BARE
from benchmarks.night import SIZES, WHOLE, Cost, Line, markdown
from forestall.jobs import NIGHT


def test_every_bare_counterpart_belongs_to_a_step() -> None:
    assert set(BARE) <= set(NIGHT)
    assert set(SIZES) == {"small", "medium"}


def test_the_table_has_ratios_where_there_is_bare_work_and_sums_by_night() -> None:
    lines = [
        Line("first", "pull", Cost(3.0, 900), Cost(2.0, 400)),
        Line("first", "publish", Cost(1.0, 300), None),
        Line("first", WHOLE, Cost(3.5, 950), Cost(2.0, 400)),
        Line("second", "pull", Cost(0.5, 200), Cost(0.1, 100)),
    ]
    table = markdown("small", lines).splitlines()
    assert "| first | pull | 3.0 | 900 | 2.0 | 400 | 1.5 |" in table
    assert "| first | publish | 1.0 | 300 |  |  |  |" in table
    assert "| first | forestall nightly | 3.5 | 950 | 2.0 | 400 | 1.8 |" in table
    assert "| **first** | **all steps** | **4.0** | **900** | **2.0** | | |" in table
    assert "| **second** | **all steps** | **0.5** | **200** | **0.1** | | |" in table
