"""How good the forecast of contacts is on demo companies, whether its intervals hold, and how fast it is.

    python -m benchmarks.volume quality 201 202 --cutoffs 26 --horizon 28
    python -m benchmarks.volume speed

`quality` makes the companies of these seeds one after the other and runs `forestall backtest volume` on each; plain
Prophet and MSTL only with --outsiders, since they take ten times as long. Wanted: ours at most .90 of the better of
four like weekdays and plain Prophet, on no queue above 1.02 of it, coverage of .77 to .83. Choose on other seeds.
Beside it stands what is left to whoever knows the company's true means of every interval, outages and all
(`known_mean`), and by day, on days that a holiday or an event marks, ours, the rival and these means (`marked_...`).

`speed` forecasts 100 queues x 56 days x 48 intervals with quantiles, days of a year and all, beside the bare work:
the Prophet fits alone. The first night of a week also fits its new cutoff; both are told.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from rich.console import Console

from features.calendar import Calendar
from forestall.jobs.backtest_volume import Walked, backtest_volume, walk
from forestall.settings import load_settings
from forestall.simulation.staffing import company_with_history
from models.pool import worker_pool
from models.volume.backtest import Span, backtest, with_actuals
from models.volume.candidates import forecast_candidates
from models.volume.contest import OURS
from models.volume.daily import DailyFit, DailyTask, fit_daily
from models.volume.days import DAYS_AHEAD, learn_days, volume_days
from models.volume.forecast import apply, forecast_rows, learn, night_forecast
from models.volume.history import Grid, History, build_histories
from models.volume.marks import day_marks
from models.volume.params import volume_params

RUN_DATE, HISTORY_DAYS, HORIZON_DAYS, CUTOFFS = date(2026, 3, 2), 730, 56, 6
CHANNELS = ("phone", "chat", "email", "web_form")


def main() -> None:
    """Print the tables of one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = parser.add_subparsers(dest="task", required=True)
    quality = tasks.add_parser("quality")
    quality.add_argument("seeds", type=int, nargs="+")
    quality.add_argument("--cutoffs", type=int, default=26)
    quality.add_argument("--horizon", type=int, default=7, dest="horizon_days")
    quality.add_argument("--scale", type=float, default=1.0)
    quality.add_argument("--world", default="base")
    quality.add_argument("--outsiders", action="store_true")
    quality.add_argument("--keep", type=Path, help="folder in which companies and their fits stay for the next time")
    speed = tasks.add_parser("speed")
    speed.add_argument("--queues", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.task == "speed":
        Console().print(_speed(arguments.queues), highlight=False)
        return
    tables, beside = zip(*[_judged(seed, arguments) for seed in arguments.seeds], strict=True)
    found = quality_table(pd.concat(tables, ignore_index=True)).join(pd.concat(beside))
    Console().print(found.round(4).to_string(), highlight=False, soft_wrap=True)


def quality_table(table: pd.DataFrame) -> pd.DataFrame:
    """Ours over the better rival by seed and queue, over all leads, and whether 80 % intervals hold.

    Args:
        table: `contest_rows` of each company, with its `seed`.
    """
    index = ["seed", "queue"]
    over_all = table[table["lead_bucket"] == "all"]
    wape = over_all.pivot_table(index=index, columns="method", values="wape")
    rivals = [name for name in ("four_like_weekdays", "plain_prophet") if name in wape.columns]
    ours = over_all[over_all["method"] == OURS].set_index(index)
    told = ["noise_floor_wape", "bias", "coverage_80_pooled", "coverage_80_low", "coverage_80_high"]
    return wape.assign(over_better=wape[OURS] / wape[rivals].min(axis=1)).join(ours[told])


def beside_the_truth(rows: pd.DataFrame) -> pd.DataFrame:
    """WAPE of the true means, and by day on marked days that of ours, the rival and the true means; by queue and `all`.

    Args:
        rows: intervals: queue, day_on, cutoff_on, is_marked, contacts, forecast, rival, known_mean.
    """
    said = ["forecast", "rival", "known_mean"]
    days = rows[rows["is_marked"]].groupby(["queue", "cutoff_on", "day_on"], as_index=False)[[*said, "contacts"]].sum()

    def errors(of: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
        off = of[list(names)].sub(of["contacts"], axis=0).abs().assign(queue=of["queue"], contacts=of["contacts"])
        by_queue = off.groupby("queue").sum()
        sums = pd.concat([by_queue.sum().to_frame("all").T, by_queue])
        return sums.div(sums.pop("contacts"), axis=0)

    marked = errors(days, said).rename(columns={"forecast": "marked_ours", "rival": "marked_rival",
                                                "known_mean": "marked_known_mean"})  # fmt: skip
    return errors(rows, ["known_mean"]).join(marked).rename_axis("queue")


def _judged(seed: int, arguments: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as made:
        folder = (arguments.keep or Path(made)) / f"{arguments.world}-{seed}"
        config = folder / "forestall.toml"
        if config.is_file():
            settings = load_settings(config)
        else:
            settings = company_with_history(folder, seed, arguments.world, arguments.scale)
        found = backtest_volume(
            settings, arguments.cutoffs, arguments.horizon_days, has_outsiders=arguments.outsiders
        )  # fmt: skip
        accuracy = pd.read_parquet(Path(str(found["folder"])) / "accuracy.parquet").assign(seed=seed)
        walked = walk(settings, arguments.cutoffs, arguments.horizon_days, has_outsiders=False)  # its fits are stored
        beside = beside_the_truth(_with_truth(walked, folder))
    return accuracy, pd.concat({seed: beside}, names=["seed"])


def _with_truth(walked: Walked, folder: Path) -> pd.DataFrame:
    """What would have been published, with the true mean of each interval and whether its day is marked."""
    histories, rows = walked.known.histories, walked.forward.intervals
    grid = next(iter(histories.values())).grid
    true = pd.concat([pd.read_parquet(file) for file in sorted((folder / "truth").glob("intensity_*.parquet"))])
    true["cell"] = grid.cells_of(pd.DatetimeIndex(true["interval_start_at"]))
    marks = [
        day_marks(own.days, walked.known.events, queue, volume_params().daily).assign(queue=queue)
        for queue, own in histories.items()
    ]
    marked = pd.concat(marks).rename(columns={"ds": "day_on"})
    marked = marked[~marked["holiday"].str.startswith("month: ")][["queue", "day_on"]].drop_duplicates()
    cell = (rows["day_on"] - grid.dates[0]).dt.days * grid.slots + rows["slot"]
    rows = rows.assign(cell=cell).merge(marked.assign(is_marked=True), on=["queue", "day_on"], how="left")
    means = true.groupby(["queue", "cell"])["contacts"].mean().rename("known_mean").reset_index()
    rows = rows.merge(means, on=["queue", "cell"], how="left", validate="many_to_one")
    return rows.assign(is_marked=rows["is_marked"].notna(), known_mean=rows["known_mean"].fillna(0.0))


def _speed(queues: int) -> str:
    params, span = volume_params(), Span(HORIZON_DAYS, HISTORY_DAYS)
    events = pd.DataFrame(columns=["name", "starts_on", "ends_on", "queues", "known_on"])
    histories = made_histories(queues)
    bare = 0.0

    def timed(fit: Callable[[DailyTask], DailyFit], tasks: Iterable[DailyTask]) -> list[DailyFit]:
        nonlocal bare
        started = time.perf_counter()
        found = pool.map(fit, tasks)
        bare += time.perf_counter() - started
        return found

    with worker_pool(2) as pool:
        pool.map(abs, range(20))  # starting workers is no part of the work
        started = time.perf_counter()
        newest = backtest(histories, events, [RUN_DATE - timedelta(days=HORIZON_DAYS)], span, params, None, timed)
        cutoff_s, cutoff_bare_s, bare = time.perf_counter() - started, bare, 0.0
        # The other cutoffs of a week are stored: this one stands for all, moved by weeks.
        past = pd.concat(
            [newest.assign(cutoff_on=newest["cutoff_on"] - pd.Timedelta(weeks=step)) for step in range(CUTOFFS)],
            ignore_index=True,
        )
        started = time.perf_counter()
        scored = with_actuals(past, histories, RUN_DATE, params)
        learned = learn(scored, params)
        tonight = forecast_candidates(
            histories, events, [RUN_DATE], DAYS_AHEAD, HISTORY_DAYS, params, timed, partial(fit_daily, with_model=True)
        )
        rows = forecast_rows(tonight, histories, learned, HORIZON_DAYS)
        forecast = night_forecast(rows, histories, RUN_DATE, HORIZON_DAYS, params)
        errors = learn_days(apply(scored, learned), params.days)
        days = volume_days(forecast, tonight, learned.weights, errors, RUN_DATE, params.days)
        night_s = time.perf_counter() - started
    cpu_s = sum(
        sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )  # fmt: skip
    used = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return (
        f"{queues} queues: {len(forecast)} intervals and {len(days)} days in {night_s:.1f} s, of which fits "
        f"{bare:.1f} s; the week's new cutoff {cutoff_s:.1f} s, of which fits {cutoff_bare_s:.1f} s; "
        f"{cpu_s:.0f} CPU seconds all told, peak memory {used:.0f} MB (the largest process and the largest worker)"
    )


def made_histories(queues: int, seed: int = 1) -> dict[str, History]:
    """Queues of all sizes over two years of half-hours, open from 08:00 to 20:00 where they are live."""
    calendar = Calendar.model_validate({"default": {"hours": {"default": "08:00-20:00", "sunday": "closed"}}})
    first_on = RUN_DATE - timedelta(days=HISTORY_DAYS)
    grid = Grid(first_on, HISTORY_DAYS + DAYS_AHEAD, 30, ZoneInfo("Europe/Berlin"))
    known = grid.instants[grid.local < pd.Timestamp(RUN_DATE, tz=grid.zone)]
    local = known.tz_convert(grid.zone)
    rng = np.random.default_rng(seed)
    hour = np.asarray(local.hour + local.minute / 60)
    week = np.array([1.3, 1.1, 1.0, 1.0, 0.9, 0.5, 0.3])[np.asarray(local.day_of_week)]
    shape = week * (np.exp(-((hour - 11) ** 2) / 18) + 0.1)
    on = local.tz_localize(None).normalize()
    frames = []
    for place, size in enumerate(np.exp(rng.uniform(np.log(20), np.log(3000), queues))):
        count = rng.poisson(size * shape * 48 / shape.sum() * len(np.unique(on)) / 48)
        frames.append(
            pd.DataFrame(
                {"queue": f"q{place:03d}", "channel": CHANNELS[place % len(CHANNELS)], "interval_start_at": known,
                 "known_on": on + pd.Timedelta(days=1), "contacts": count, "handled_count": count,
                 "handle_time_s": 240.0 * count}
            )[count > 0]
        )  # fmt: skip
    return build_histories(pd.concat(frames, ignore_index=True), grid, calendar)


if __name__ == "__main__":
    main()
