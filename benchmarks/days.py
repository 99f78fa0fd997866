"""How good the days of a year (`volume_days`) are at leads that no backtest of the night judges: 57 to 180 days.

    python -m benchmarks.days 1 2 --cutoffs 4
    BANK_CALLS=/path/to/bank_calls_5min.csv python -m benchmarks.days --config examples/bank_calls/forestall.toml

Demo companies of these seeds, or a company whose batch is loaded. At cutoffs four weeks apart, the latest twelve weeks
before the last day that is known, days are forecast as a night would have: WAPE of day totals beside that of
four like weekdays, bias, and which share of days lay within the 80 % interval. Weeks overlap: few cutoffs say little.
"""

import argparse
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from forestall.history.contacts import ContactHistory, last_contact_on, read_contact_history
from forestall.settings import ConfigError, Settings, load_settings
from forestall.simulation.staffing import company_with_history
from forestall.warehouse import open_warehouse
from models.pool import worker_pool
from models.volume.accuracy import bias, wape
from models.volume.backtest import Span, backtest, candidate_rows, weekly_cutoffs, with_actuals
from models.volume.candidates import Candidates, Mapper, forecast_candidates
from models.volume.days import learn_days, volume_days
from models.volume.forecast import apply, forecast_rows, learn, night_forecast
from models.volume.history import History
from models.volume.params import volume_params

STARTS = (57, 85, 127)  # first leads of the buckets
BUCKETS = ("57-84", "85-126", "127-180")
MOST_DAYS = 180
APART, JUDGED_FROM = 4, 12  # weeks between cutoffs; and from the latest to the last day that is known


def main() -> None:
    """Print a table for each company."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=int, nargs="*")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--cutoffs", type=int, default=4)
    parser.add_argument("--world", default="base")
    arguments = parser.parse_args()
    tables = []
    if arguments.config:
        tables.append(
            _judged(load_settings(arguments.config), arguments.cutoffs).assign(company=arguments.config.parent.name)
        )
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            settings = company_with_history(Path(folder), seed, arguments.world)
            tables.append(_judged(settings, arguments.cutoffs).assign(company=f"{arguments.world}-{seed}"))
    if not tables:
        parser.error("name seeds, or a company with --config")
    table = day_table(pd.concat(tables, ignore_index=True))
    Console().print(table.round(4).to_string(), highlight=False, soft_wrap=True)


def day_table(days: pd.DataFrame) -> pd.DataFrame:
    """Measures by company, queue (and `all`, the forecast total) and lead bucket.

    Args:
        days: of `score_days`, with `company`.
    """
    bucketed = days.assign(lead_days=np.array(BUCKETS)[np.searchsorted(STARTS, days["lead_days"], side="right") - 1])
    rows = []
    for key, own in bucketed.groupby(["company", "queue", "lead_days"], sort=False):
        actual, found = own["contacts"].to_numpy(), own["forecast"].to_numpy()
        is_inside = own["contacts"].between(own["p10"], own["p90"])
        rows.append(
            {**dict(zip(("company", "queue", "lead_days"), key, strict=True)), "days": len(own),
             "wape": wape(found, actual), "rival_wape": wape(own["rival"].to_numpy(), actual),
             "bias": bias(found, actual), "coverage_80": float(is_inside.mean())}
        )  # fmt: skip
    return pd.DataFrame(rows).set_index(["company", "queue", "lead_days"])


def score_days(
    days: pd.DataFrame, tonight: Mapping[tuple[str, date], Candidates], histories: Mapping[str, History], known_on: date
) -> pd.DataFrame:
    """Days from `STARTS` on that have passed, beside what came and four like weekdays; closed ones and gaps left out.

    Args:
        days: of `volume_days` at one cutoff.
        tonight: its candidates.
        histories: of all queues.
        known_on: run date as of which contacts are known.

    Returns:
        queue (or `all`, on days without a gap of any queue), lead_days, forecast, rival, p10, p90, contacts.
    """
    cells = pd.concat([candidate_rows(queue, histories[queue], found) for (queue, _), found in tonight.items()])
    cells = cells[(cells["lead_days"] >= STARTS[0]) & (cells["day_on"] < pd.Timestamp(known_on))]
    known = with_actuals(cells, histories, known_on, volume_params())
    grid = next(iter(histories.values())).grid
    each = grid.multiplicity[(known["day_on"] - grid.dates[0]).dt.days.to_numpy(), known["slot"].to_numpy()]
    known = known.assign(contacts=known["contacts"] * each, rival=known["rival"] * each)
    own = known.groupby(["queue", "lead_days"], as_index=False)[["contacts", "rival"]].sum()
    expected = cells.groupby("lead_days")["queue"].nunique()
    told = own.groupby("lead_days")["queue"].nunique()
    whole = own[own["lead_days"].isin(told.index[told == expected.loc[told.index]])]
    total = whole.groupby("lead_days", as_index=False)[["contacts", "rival"]].sum().assign(queue="all")
    levels = {"contacts": "forecast", "contacts_p10": "p10", "contacts_p90": "p90", "scope_value": "queue"}
    forecast = days[days["scope"].isin(["queue", "all"])].rename(columns=levels)
    return pd.concat([own, total], ignore_index=True).merge(
        forecast[["queue", "lead_days", "forecast", "p10", "p90"]], on=["queue", "lead_days"], validate="one_to_one"
    )


def _judged(settings: Settings, count: int) -> pd.DataFrame:
    volume = settings.volume
    with open_warehouse(settings, "benchmark") as warehouse:
        last_on = last_contact_on(warehouse)
        if last_on is None:
            raise ConfigError("benchmarks.days: no contact is known yet; run `forestall nightly` first")
        known_on = last_on + timedelta(days=1)
        first_on = known_on - timedelta(
            days=7 * (JUDGED_FROM + APART * count + volume.backtest_cutoffs) + volume.history_days
        )
        known = read_contact_history(warehouse, settings, known_on, first_on, known_on + timedelta(days=MOST_DAYS))
    latest = known_on - timedelta(weeks=JUDGED_FROM - 1)
    cutoffs = weekly_cutoffs(latest, APART * (count - 1) + 1)[::APART]
    with worker_pool(2) as pool:
        frames = [_at(known, cutoff, known_on, settings, pool.map) for cutoff in cutoffs]
    return pd.concat(frames, ignore_index=True)


def _at(known: ContactHistory, cutoff: date, known_on: date, settings: Settings, run: Mapper) -> pd.DataFrame:
    """Days of one cutoff, scored."""
    params, volume, histories = volume_params(), settings.volume, known.histories
    earlier = weekly_cutoffs(cutoff, volume.backtest_cutoffs)
    span = Span(volume.horizon_days, volume.history_days)
    past = with_actuals(
        backtest(histories, known.events, earlier, span, params, None, run), histories, cutoff, params
    )  # fmt: skip
    learned = learn(past, params)
    tonight = forecast_candidates(histories, known.events, [cutoff], MOST_DAYS, volume.history_days, params, run)
    rows = forecast_rows(tonight, histories, learned, volume.horizon_days)
    forecast = night_forecast(rows, histories, cutoff, volume.horizon_days, params)
    errors = learn_days(apply(past, learned), params.days)
    days = volume_days(forecast, tonight, learned.weights, errors, cutoff, params.days)
    return score_days(days, tonight, histories, known_on)


if __name__ == "__main__":
    main()
