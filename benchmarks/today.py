"""Time of what planners ask during the day, `forestall what-if` and `forestall intraday`, beside the plan alone.

    python -m benchmarks.today [FOLDER]

Asks the last published night of a company (by default the demo's): twenty per cent more contacts of every queue for a
week, and the rest of that night's day from noon on, when a tenth more came than was forecast. The bare work is
`plan_requirement` on the same rows of the forecast: of all days, and of the night's day. Wanted: under 5 s each.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from datetime import time as clock
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from forestall.operations.intraday import known_of, react
from forestall.operations.what_if import Question, ask
from forestall.publishing.publication import PublishedNight, current_night
from forestall.settings import Settings, load_settings
from forestall.staffing.plan import days_of_queues, plan_requirement

DEMO = Path(__file__).parents[1] / "var" / "demo"
NOON, BUSIER, MORE_PERCENT = clock(12), 1.1, 20.0


class Line(NamedTuple):
    """One question: seconds of it and of its bare work, and how many intervals that plans."""

    asked: str
    seconds: float
    bare_s: float
    interval_count: int


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=DEMO, help="of a company whose night is published")
    settings = load_settings(parser.parse_args().folder / "forestall.toml")
    night = current_night(settings.var_path / "published")
    if night is None:
        raise SystemExit(f"{settings.var_path / 'published'}: no night is published; run `forestall nightly`")
    print("| asked | seconds | bare seconds | intervals |\n|---|--:|--:|--:|")
    for line in lines(settings, night):
        print(f"| {line.asked} | {line.seconds:.2f} | {line.bare_s:.2f} | {line.interval_count} |")


def lines(settings: Settings, night: PublishedNight) -> Iterator[Line]:
    """Ask both questions and do their bare work."""
    forecast, requirement = night.frame("volume_forecast"), night.frame("staffing_requirement")
    known, _ = known_of(settings, night, requirement)
    interval_s = settings.volume.interval_minutes * 60
    days = days_of_queues(night.frame("volume_days"))
    today = forecast[forecast["local_on"] == night.run_date].reset_index(drop=True)
    noon = datetime.combine(night.run_date, NOON, settings.zone)
    came = pd.DataFrame({"queue": today["queue"], "at": today["interval_start_at"],
                         "contacts": BUSIER * today["contacts"], "handled_count": None})  # fmt: skip
    came = came[came["at"] < pd.Timestamp(noon)]

    def plan(rows: pd.DataFrame) -> float:
        return _seconds(lambda: plan_requirement(rows, known, settings.service_level, interval_s, days))

    question = Question(volume_percent=MORE_PERCENT)
    yield Line("forestall what-if", _seconds(lambda: ask(settings, question)), plan(forecast), len(forecast))
    yield Line("forestall intraday", _seconds(lambda: react(settings, noon, came)), plan(today), len(today))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
