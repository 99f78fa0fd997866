"""`forestall backtest`: what would have been said in the past, against what happened."""

from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from forestall.commands.options import REPOSITORY, Config, iso_date, settings_of

backtest = typer.Typer(no_args_is_help=True, help="Score what would have been said in the past against what happened.")

Cutoffs = Annotated[int, typer.Option(min=1, help="How many weekly cutoffs.")]
Horizon = Annotated[int, typer.Option("--horizon", "--horizon-days", min=1, help="How many days ahead.")]
World = Annotated[str, typer.Option(help="The demo company's numbers, as in `forestall demo`.")]


@backtest.command()
def churn(
    config: Config = None,
    as_of: Annotated[
        list[date] | None,
        typer.Option(
            parser=iso_date, metavar="YYYY-MM-DD", help="Date to score as of, several times; else the newest."
        ),
    ] = None,
) -> None:
    """The churn model, trained on what was known before, beside two rivals on the same rows.

    The table and pictures go to var/backtests/churn/.

    Example: forestall backtest churn --as-of 2025-08-01 --as-of 2025-11-01
    """
    from forestall.jobs.backtest_churn import backtest_churn

    backtest_churn(settings_of(config), as_of or ())


@backtest.command()
def volume(
    config: Config = None,
    cutoffs: Cutoffs = 9,
    horizon_days: Horizon = 7,
    outsiders: Annotated[bool, typer.Option(help="Fit plain Prophet and MSTL too; they take most of the time.")] = True,
) -> None:
    """The forecast beside last week, four like weekdays, last year, plain Prophet, MSTL and the noise floor.

    The table and a picture go to var/backtests/volume/.

    Example: forestall backtest volume --cutoffs 9 --horizon 7
    """
    from forestall.jobs.backtest_volume import backtest_volume

    found = backtest_volume(settings_of(config), cutoffs, horizon_days, has_outsiders=outsiders)
    Console().print(f"table and picture: {found['folder']}", highlight=False, soft_wrap=True)


@backtest.command()
def staffing(
    config: Config = None,
    cutoffs: Cutoffs = 9,
    horizon_days: Horizon = 7,
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="A demo company instead of the configured one, several times.")
    ] = None,
    world: World = "base",
) -> None:
    """Plans made then, lived through with the contacts that came.

    Beside them the same planned again at noon, last week's plan, Erlang C on the mean and knowing the future; and
    what outreach does in usable minutes, of what whoever knows every contact could do. Tables and days go to
    var/backtests/staffing/.

    Example: forestall backtest staffing --cutoffs 8, or: forestall backtest staffing --seed 921 --seed 922
    """
    if seed:
        from forestall.simulation.staffing import backtest_demo_staffing

        folder = REPOSITORY / "var" / "backtests" / "staffing"
        backtest_demo_staffing(folder, seed, world, cutoffs, horizon_days, Console())
        return
    from forestall.jobs.backtest_staffing import backtest_staffing

    lived = backtest_staffing(settings_of(config), cutoffs, horizon_days)
    Console().print(f"plans and days: {lived['folder']}", highlight=False, soft_wrap=True)


@backtest.command()
def outreach(
    seed: Annotated[list[int] | None, typer.Option(min=0, help="Demo company, several times; else 20.")] = None,
    world: World = "base",
    weeks: Annotated[int, typer.Option(min=1, help="How long lists are worked.")] = 52,
    scale: Annotated[float, typer.Option(min=0.01, help="Size; 1 is 20,000 customers.")] = 0.25,
    policy: Annotated[list[str] | None, typer.Option(help="Only this one, several times.")] = None,
) -> None:
    """The list beside simpler ones, on demo companies that live on under each of them.

    Tables and a picture go to var/backtests/outreach/.

    Example: forestall backtest outreach --seed 101 --policy probability --policy after
    """
    from forestall.simulation.backtest import backtest_outreach
    from forestall.simulation.policies import POLICIES
    from forestall.simulation.year import Setup

    unknown = sorted(set(policy or ()) - set(POLICIES))
    if unknown:
        raise typer.BadParameter(f"there is no policy `{unknown[0]}`; known: {', '.join(POLICIES)}")
    setups = [Setup(one, world, weeks, scale) for one in seed or (20,)]
    chosen = [one for one in POLICIES if not policy or one in policy]
    backtest_outreach(REPOSITORY / "var" / "backtests" / "outreach", setups, chosen)
