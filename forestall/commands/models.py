"""Commands on models: backtest, models, rollback."""

from datetime import date
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from forestall.commands.options import REPOSITORY, Config, RunDate, iso_date, run_date_of, settings_of


def backtest(
    what: Annotated[
        Literal["churn", "volume", "staffing", "outreach"], typer.Argument(help="Which models, plans, or the list.")
    ],
    config: Config = None,
    as_of: Annotated[
        list[date] | None,
        typer.Option(
            parser=iso_date, metavar="YYYY-MM-DD", help="churn: date to score as of, several times; else the newest."
        ),
    ] = None,
    cutoffs: Annotated[int, typer.Option(min=1, help="volume, staffing: how many weekly cutoffs.")] = 9,
    horizon_days: Annotated[
        int, typer.Option("--horizon", "--horizon-days", min=1, help="volume, staffing: how many days ahead.")
    ] = 7,
    outsiders: Annotated[
        bool, typer.Option(help="volume: fit plain Prophet and MSTL too; they take most of the time.")
    ] = True,
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="outreach (else 20), staffing: demo company, several times.")
    ] = None,
    world: Annotated[str, typer.Option(help="with --seed: its numbers, as in `forestall demo`.")] = "base",
    weeks: Annotated[int, typer.Option(min=1, help="outreach: how long lists are worked.")] = 52,
    scale: Annotated[float, typer.Option(min=0.01, help="outreach: size; 1 is 20,000 customers.")] = 0.25,
    policy: Annotated[list[str] | None, typer.Option(help="outreach: only this one, several times.")] = None,
) -> None:
    """Score what would have been said in the past against what happened.

    Volume: ours beside last week, four like weekdays, last year, plain Prophet, MSTL and the noise floor, to
    var/backtests/volume/.
    Staffing: plans made then, lived through with the contacts that came, beside the same planned again at noon, last
    week's plan, Erlang C on the mean and knowing the future; with --seed on demo companies; to var/backtests/staffing/.
    Beside it what outreach does in usable minutes, of what whoever knows every contact could do.
    Churn: beside two rivals on the same rows; the table and pictures go to var/backtests/churn/.
    Outreach: the list beside simpler ones on demo companies that live on under it, whatever --config says; to
    var/backtests/outreach/.

    Example: forestall backtest volume --cutoffs 9, or: forestall backtest churn --as-of 2025-08-01 --as-of 2025-11-01,
    or: forestall backtest outreach --seed 101
    """
    if what == "outreach":
        _backtest_outreach(seed or [20], world, weeks, scale, policy)
        return
    if what == "staffing" and seed:
        from forestall.simulation.staffing import backtest_demo_staffing

        folder = REPOSITORY / "var" / "backtests" / "staffing"
        backtest_demo_staffing(folder, seed, world, cutoffs, horizon_days, Console())
        return
    settings = settings_of(config)
    if what == "volume":
        from forestall.jobs.backtest_volume import backtest_volume

        found = backtest_volume(settings, cutoffs, horizon_days, has_outsiders=outsiders)
        Console().print(f"table and picture: {found['folder']}", highlight=False, soft_wrap=True)
        return
    if what == "staffing":
        from forestall.jobs.backtest_staffing import backtest_staffing

        lived = backtest_staffing(settings, cutoffs, horizon_days)
        Console().print(f"plans and days: {lived['folder']}", highlight=False, soft_wrap=True)
        return
    from forestall.jobs.backtest_churn import backtest_churn

    backtest_churn(settings, as_of or ())


def _backtest_outreach(seeds: list[int], world: str, weeks: int, scale: float, names: list[str] | None) -> None:
    from forestall.simulation.backtest import backtest_outreach
    from forestall.simulation.policies import POLICIES
    from forestall.simulation.year import Setup

    unknown = sorted(set(names or ()) - set(POLICIES))
    if unknown:
        raise typer.BadParameter(f"there is no policy `{unknown[0]}`; known: {', '.join(POLICIES)}")
    setups = [Setup(seed, world, weeks, scale) for seed in seeds]
    backtest_outreach(
        REPOSITORY / "var" / "backtests" / "outreach", setups, [one for one in POLICIES if not names or one in names]
    )


def models(config: Config = None) -> None:
    """List the versions of the churn model, which was in production when, and every decision.

    Example: forestall models
    """
    from models.churn.params import MODEL
    from models.office import terms_in_office
    from models.tracking import alias_moves, aliased, versions

    uri = settings_of(config).tracking_uri
    champion, challenger = aliased(uri, MODEL, "champion"), aliased(uri, MODEL, "challenger")
    known, moves = versions(uri, MODEL), alias_moves(uri, MODEL)
    terms = terms_in_office(moves)
    table = Table(title=MODEL, title_justify="left")
    for name in ("version", "kind", "trained on", "alias", "in production"):
        table.add_column(name)
    for version in known:
        holds = [name for name, one in (("champion", champion), ("challenger", challenger)) if one == version]
        times = [f"{term.first_on} to {term.last_on or 'now'}" for term in terms if term.version == version.number]
        tags = [version.tags.get(name, "") for name in ("kind", "run_date")]
        table.add_row(version.label, *tags, ", ".join(holds), ", ".join(times))
    console = Console()
    console.print(table)
    for move in moves:
        before = "nobody" if move.from_version is None else str(move.from_version)
        told = f"{move.effective_on}  {move.alias}: {before} -> {move.to_version}  {move.reason}"
        console.print(told, highlight=False, soft_wrap=True)
    for version in known:
        if decision := version.tags.get("decision"):
            told = f"{version.label} on {version.tags['decided_on']}: {decision}"
            console.print(told, highlight=False, soft_wrap=True)


def rollback(
    what: Annotated[Literal["churn"], typer.Argument(help="Which model.")] = "churn",
    config: Config = None,
    run_date: RunDate = None,
) -> None:
    """Give the model's alias champion back to the version that held it before.

    It holds from tonight on, or from --run-date on; a night that was published already stays until it is run again.

    Example: forestall rollback churn
    """
    from models.tracking import rollback as go_back

    settings = settings_of(config)
    effective_on = run_date_of(settings, run_date)
    version = go_back(settings.tracking_uri, what, effective_on=effective_on.isoformat())
    Console().print(f"champion is {version.label} from the night of {effective_on}", highlight=False)
