"""`forestall backtest outreach`: what our list keeps on demo companies, beside simpler lists and the best there can be.

Every policy lives through the same weeks of the same company in a copy of its own; a customer whom nobody calls
draws the same luck in all of them. What is finished is kept in the folder, so a run that was stopped goes on with the
next policy; results of other code are made anew.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
from rich.console import Console

from features.aside import written_aside
from forestall.demo.parameters import FIRST_RUN
from forestall.publishing.outreach_backtest import effect_table, policy_table, told_table, write_backtest
from forestall.records import Summary
from forestall.simulation.policies import POLICIES, Policy
from forestall.simulation.results import by_policy, by_week, effect_beside_truth, told_beside_true
from forestall.simulation.work import WEEK_DAYS
from forestall.simulation.year import Setup, live_year, make_start
from models.provenance import code_version

AFTER: Policy = "after"
EFFECT, MADE = "outreach_effect.parquet", "made"


def backtest_outreach(
    folder: Path, setups: Sequence[Setup], policies: Sequence[Policy] = POLICIES, console: Console | None = None
) -> Summary:
    """Live through all policies on all companies, print the table and write it.

    Args:
        folder: where companies and results are kept: `var/backtests/outreach`.
        setups: the companies; all of as many weeks.
        policies: which.
        console: where progress and tables go.

    Returns:
        `kept_<policy>`: kept margin a night in the weeks after learning, mean over companies; `of_best`,
        `of_recorded`, `over_probability` and `harmed` of ours after learning; `folder`: where the files are.
    """
    console = console or Console()
    years = _Years(folder, code_version(), console)
    rows = pd.concat([years.rows(setup, policy) for setup in setups for policy in policies])
    weeks = by_week(rows.reset_index(drop=True))
    learned_from = setups[0].weeks // 2 + 1
    table = by_policy(weeks, learned_from)
    into = folder / _name(setups)
    write_backtest(into, weeks)
    title = f"kept margin a night, {len(setups)} companies of {setups[0].scale * 20_000:,.0f} customers"
    console.print(policy_table(table, title, f"weeks {learned_from}-{setups[0].weeks}"))
    if AFTER in policies:
        found = [effect_beside_truth(_of(rows, setup), _effects(folder, setup)) for setup in setups]
        console.print(effect_table(found, [setup.name for setup in setups]))
        console.print(told_table(told_beside_true(rows[rows["policy"] == AFTER])))
    console.print(f"table and picture: {into}", highlight=False, soft_wrap=True)
    kept = {f"kept_{policy}": round(float(value), 2) for policy, value in table["kept_late"].items()}
    names = ("of_best", "of_recorded", "over_probability", "harmed")
    own = table.loc[[AFTER]].iloc[0] if AFTER in policies else pd.Series(dtype=float)
    ours = {name: round(float(own[name]), 4) for name in names if name in own and pd.notna(own[name])}
    return {**kept, **ours, "folder": str(into)}


@dataclass(frozen=True)
class _Years:
    """Policies' years, lived once and kept.

    Attributes:
        folder: of all companies.
        code: version of the code that is running, whatever becomes of its files meanwhile.
        console: where progress is told.
    """

    folder: Path
    code: str
    console: Console

    def rows(self, setup: Setup, policy: Policy) -> pd.DataFrame:
        """A policy's year, lived now or read from where it was kept."""
        kept = self.folder / setup.name / f"{policy}.parquet"
        if not kept.is_file() or pd.read_parquet(kept, columns=["code"])["code"].iloc[0] != self.code:
            lived = self._live(setup, policy).assign(seed=setup.seed, world=setup.world, code=self.code)
            with written_aside(kept) as aside:
                lived.to_parquet(aside)
        return pd.read_parquet(kept)

    def _live(self, setup: Setup, policy: Policy) -> pd.DataFrame:
        company = self.folder / setup.name
        start, place = self._start(setup), company / policy
        with self.console.status("") as status:

            def told(week: int) -> None:
                status.update(f"{setup.name}: {policy}, week {week} of {setup.weeks}")

            rows = live_year(start, place, setup, policy, told)
        if policy == AFTER:
            last_on = FIRST_RUN + timedelta(days=WEEK_DAYS * (setup.weeks - 1))
            shutil.copyfile(place / "var" / "runs" / f"{last_on}" / EFFECT, company / EFFECT)
        shutil.rmtree(place)
        self.console.print(f"{setup.name}: {policy} has lived {setup.weeks} weeks", highlight=False)
        return rows

    def _start(self, setup: Setup) -> Path:
        """The company on the eve of its first night; what other code made, or half of it, is taken away."""
        company = self.folder / setup.name
        start = company / f"start-{self.code}"
        if not (start / MADE).is_file():
            for old in company.glob("start-*"):
                shutil.rmtree(old)
            with self.console.status(f"{setup.name}: its history and a first model"):
                make_start(start, setup)
            (start / MADE).touch()
        return start


def _of(rows: pd.DataFrame, setup: Setup) -> pd.DataFrame:
    is_own = (rows["seed"] == setup.seed) & (rows["world"] == setup.world) & (rows["policy"] == AFTER)
    return rows[is_own]


def _effects(folder: Path, setup: Setup) -> pd.DataFrame:
    return pd.read_parquet(folder / setup.name / EFFECT)


def _name(setups: Sequence[Setup]) -> str:
    """The company's, or how many there are from the first on."""
    return setups[0].name if len(setups) == 1 else f"{setups[0].name}_and_{len(setups) - 1}_more"
