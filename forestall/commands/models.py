"""Commands on models: models, rollback."""

from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from forestall.commands.options import Config, RunDate, run_date_of, settings_of


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
