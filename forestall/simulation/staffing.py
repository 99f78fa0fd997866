"""Plans of several demo companies lived through, one company after the other."""

from pathlib import Path

import pandas as pd
from rich.console import Console

from forestall.demo.company import make_company
from forestall.jobs.backtest_staffing import BESIDE, DAYS, OUTREACH, SEED, backtest_staffing
from forestall.jobs.build_features import build_features
from forestall.jobs.pull import pull
from forestall.settings import Settings, load_settings
from forestall.shifts.lived import summary as summary_of_outreach
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
        `summary` over the days of all of them; that of outreach beside the contacts is shown and written too.
    """
    lived, beside, code = [], [], code_version()
    for seed in seeds:
        place = folder / f"{world}-{seed}"
        made = {name: place / f"{cutoffs}x{horizon_days}_{code}_{name}" for name in (DAYS, BESIDE)}
        if not all(file.is_file() for file in made.values()):
            console.print(f"{world}-{seed}: its history is made and read", highlight=False)
            found = backtest_staffing(company_with_history(place, seed, world, scale), cutoffs, horizon_days)
            for name, file in made.items():
                (Path(str(found["folder"])) / name).replace(file)
        lived.append(pd.read_parquet(made[DAYS]))
        beside.append(pd.read_parquet(made[BESIDE]).assign(company=place.name))  # all demo companies have one name
    table = summary(pd.concat(lived, ignore_index=True))
    outreach = summary_of_outreach(pd.concat(beside, ignore_index=True), SEED)
    outreach.to_parquet(folder / OUTREACH, index=False)
    console.print(f"seeds {', '.join(map(str, seeds))} together:", highlight=False)
    for shown in (table, outreach):
        console.print(shown.round(3).to_string(index=False), highlight=False, soft_wrap=True)
    return table
