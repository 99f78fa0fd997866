"""Plans of several demo companies lived through, one company after the other."""

from pathlib import Path

import pandas as pd
from rich.console import Console

from forestall.demo.company import make_company
from forestall.jobs.backtest_staffing import DAYS, backtest_staffing
from forestall.jobs.build_features import build_features
from forestall.jobs.pull import pull
from forestall.settings import Settings, load_settings
from forestall.staffing.lived import summary
from models.provenance import code_version


def company_with_history(folder: Path, seed: int, world: str, scale: float = 1.0) -> Settings:
    """A demo company in a folder of its own, its history read and built, as it stands before its first night."""
    folder.mkdir(parents=True, exist_ok=True)
    company = make_company(folder, seed=seed, world=world, scale=scale)
    settings = load_settings(company.config)
    pull(settings, company.run_date)
    build_features(settings, company.run_date)
    return settings


def backtest_demo_staffing(
    folder: Path, seeds: list[int], world: str, cutoffs: int, horizon_days: int, console: Console, scale: float = 1.0
) -> pd.DataFrame:
    """`backtest_staffing` on the demo company of each seed; what the same code lived through before is read.

    Args:
        folder: where companies and their tables are kept.
        seeds: of the companies.
        world: of the companies.
        cutoffs: how many weekly plans of each.
        horizon_days: of each plan.
        console: where tables go.
        scale: of the companies; 1 is twenty thousand customers.

    Returns:
        `summary` over the days of all of them.
    """
    lived, code = [], code_version()
    for seed in seeds:
        place = folder / f"{world}-{seed}"
        days = place / f"days_{cutoffs}x{horizon_days}_{code}.parquet"
        if not days.is_file():
            console.print(f"{world}-{seed}: its history is made and read", highlight=False)
            found = backtest_staffing(company_with_history(place, seed, world, scale), cutoffs, horizon_days)
            (Path(str(found["folder"])) / DAYS).replace(days)
        lived.append(pd.read_parquet(days))
    table = summary(pd.concat(lived, ignore_index=True))
    console.print(f"seeds {', '.join(map(str, seeds))} together:", highlight=False)
    console.print(table.round(3).to_string(index=False), highlight=False, soft_wrap=True)
    return table
