"""One policy's year in its own copy of one company: night, week, night, week."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pandas as pd

from forestall.demo.company import make_company
from forestall.demo.parameters import FIRST_RUN
from forestall.outreach.playbook import load_playbook
from forestall.scheduling.progress import output_in
from forestall.settings import Settings, load_settings
from forestall.simulation.nights import WORKING_DAYS, first_night, rows_of_night
from forestall.simulation.policies import NOBODY, Policy
from forestall.simulation.work import WEEK_DAYS, idle_week, margin_now, work_week
from forestall.sources.pulls import move_files
from forestall.warehouse import open_warehouse

TAKEN = ("reached", "accepted", "declined", "do_not_contact")  # results of somebody who was spoken to
# By nothing that outreach needs.
UNREAD = ("agents", "agent_time", "backlog", "business_events", "contact_volumes", "evaluations")


@dataclass(frozen=True)
class Setup:
    """What is simulated.

    Attributes:
        seed: of the company.
        world: of the company.
        weeks: how long its lists are worked.
        scale: its size; 1 is twenty thousand customers.
        retrain_weeks: weeks between trainings.
        since: first day of its history; None: the demo's own.
    """

    seed: int
    world: str = "base"
    weeks: int = 52
    scale: float = 0.25
    retrain_weeks: int = 13
    since: date | None = None

    @property
    def name(self) -> str:
        return f"{self.world}-{self.seed}_{self.weeks}w_{self.scale:g}"


def make_start(folder: Path, setup: Setup) -> None:
    """The company on the eve of its first night, with its history read and a first model: where all policies begin.

    Its key follows from seed and world, so that arms are the same whenever it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = sha256(f"simulated {setup.world} {setup.seed}".encode()).hexdigest()
    (folder / ".env").write_text(f"FORESTALL_SECRET_KEY={key}\n", encoding="utf-8")
    since = {} if setup.since is None else {"since": setup.since}
    make_company(folder, seed=setup.seed, world=setup.world, scale=setup.scale, until=FIRST_RUN, **since)
    settings = simulated_settings(folder, setup)
    with output_in(settings.var_path / "logs" / "simulation.log"):
        first_night(settings, FIRST_RUN)


def simulated_settings(folder: Path, setup: Setup) -> Settings:
    """The demo's settings, with a week's minutes and budget of a company of its size.

    So small a warehouse costs less time on one thread than it takes to share it out, and gives the same rows.
    """
    settings = load_settings(folder / "forestall.toml")
    size = setup.scale * WORKING_DAYS
    minutes = {team: minutes * size for team, minutes in settings.outreach.team_minutes.items()}
    changed = {"team_minutes": minutes, "budget": settings.outreach.budget * size, "seed": setup.seed}
    outreach = settings.outreach.model_copy(update=changed)
    sources = {name: source for name, source in settings.sources.items() if source.table not in UNREAD}
    warehouse = settings.warehouse.model_copy(update={"threads": 1})
    return settings.model_copy(update={"outreach": outreach, "sources": sources, "warehouse": warehouse})


def live_year(start: Path, folder: Path, setup: Setup, policy: Policy, told: Callable[[int], None]) -> pd.DataFrame:
    """Let a copy of the company live under a policy.

    Args:
        start: of `make_start`.
        folder: of the copy; what stood there is replaced.
        setup: how long.
        policy: who chooses.
        told: is given the number of each week that begins.

    Returns:
        One row a row worked or held out (`work_week`), with policy, week, run_date and kept_margin, and for each week
        one row without row_id that has margin_left: margin a month of everybody there at its end.
    """
    settings = _copy(start, folder, setup)
    weeks = []
    for week in range(1, setup.weeks + 1):
        told(week)
        run_date = FIRST_RUN + timedelta(days=WEEK_DAYS * (week - 1))
        with output_in(settings.var_path / "logs" / "simulation.log"):
            rows = _week(settings, run_date, policy, week, setup)
        weeks.append(rows.assign(policy=policy, week=week, run_date=run_date))
    return pd.concat(weeks, ignore_index=True)


def _week(settings: Settings, run_date: date, policy: Policy, week: int, setup: Setup) -> pd.DataFrame:
    end = pd.DataFrame({"row_id": [None], "is_acted": [False]})
    if policy == NOBODY:
        idle_week(settings.root)
        return end.assign(margin_left=margin_now(settings.root))
    retrains = week > 1 and (week - 1) % setup.retrain_weeks == 0
    rows = rows_of_night(settings, run_date, policy, is_first=week == 1, retrains=retrains)
    own = rows.assign(pseudonym=rows["customer_id"], customer_id=rows["customer"]).drop(columns="customer")
    worked = work_week(settings.root, own, settings.zone)
    kept = worked.assign(is_reached=worked["result"].isin(TAKEN), cost=_cost(worked, settings))
    kept["kept_margin"] = kept["is_reached"] * true_worth(kept) - kept["cost"]
    return pd.concat([kept, end.assign(margin_left=margin_now(settings.root))], ignore_index=True)


def true_worth(rows: pd.DataFrame) -> "pd.Series[float]":
    """What is kept if the call reaches the customer: fall of the chance to leave x remaining margin of who leaves."""
    return rows["fall"] * rows["value_at_risk"].astype(float)


def _cost(worked: pd.DataFrame, settings: Settings) -> "pd.Series[float]":
    """Minutes as they were recorded, and offers that were taken."""
    minutes = worked["minutes"] * float(load_playbook(settings).cost_per_minute)
    return minutes + worked["offer_price"].astype(float).fillna(0.0) * (worked["result"] == "accepted")


def _copy(start: Path, folder: Path, setup: Setup) -> Settings:
    """The company in another folder, where its files count as read."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(start, folder, symlinks=True)
    settings = simulated_settings(folder, setup)
    with open_warehouse(settings, "simulate") as warehouse:
        move_files(warehouse, start, folder)
    return settings
