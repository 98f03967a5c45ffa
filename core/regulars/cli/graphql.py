"""`regulars graphql`: see how the server answers an operation."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regulars.cli.columns import print_columns
from regulars.cli.documents import app as documents

if TYPE_CHECKING:
    from regulars.graphql.documents.pricing import Price
    from regulars.graphql.planner.explaining import Explanation

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)
app.add_typer(documents, name="documents", help="Register documents that clients ask for by their hash.")


@app.command("explain")
def explain_(
    file: Annotated[Path, typer.Argument(help="A file with one query.", exists=True, dir_okay=False)],
    variables: Annotated[Path | None, typer.Option(help="A JSON file with its variables.", exists=True)] = None,
    role: Annotated[str, typer.Option("--as", help="The role that asks.")] = "admin",
    analyze: Annotated[bool, typer.Option("--analyze", help="Run it, and show what each step took.")] = False,
) -> None:
    """Show how each field of a query is obtained, what it costs, the SQL, and the database's own plan."""
    given = {} if variables is None else _read_variables(variables)
    price, explanation = asyncio.run(_explain(file.read_text(encoding="utf-8"), given, role, analyze))
    typer.echo(f"Price: {price.requested} points, at most {price.nodes} objects.")
    if explanation.obstacle is not None:
        typer.echo(f"Executed field by field, because {explanation.obstacle}")
        return
    typer.echo("One statement.\n")
    places = [".".join([*(step.key for step in note.place), note.key]) for note in explanation.fields]
    rows = [(place, note.path, note.owner, note.kind) for place, note in zip(places, explanation.fields, strict=True)]
    print_columns(("PLACE", "FIELD", "OWNER", "KIND"), rows)
    typer.echo(f"\n{explanation.sql}\n")
    for line in explanation.database_plan:
        typer.echo(line)


def _read_variables(file: Path) -> dict[str, Any]:
    from regulars.errors import InvalidInput

    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{file} is no JSON: {error}. Write an object with the variables.") from error
    if not isinstance(read, dict):
        raise InvalidInput(f"{file} holds no object. Write the variables by their names.")
    return read


async def _explain(query: str, given: dict[str, Any], role: str, analyze: bool) -> "tuple[Price, Explanation]":
    from uuid import UUID

    from regulars.access.actors import Actor
    from regulars.access.permissions import permissions_of_role
    from regulars.cli.environment import command_settings
    from regulars.errors import InvalidInput
    from regulars.graphql.documents.preparation import InvalidDocument
    from regulars.graphql.execution import UNOPENED
    from regulars.graphql.planner.explaining import explain
    from regulars.graphql.planner.reports import Report
    from regulars.graphql.protocol.transport import GraphQLOperation
    from regulars.web.server import Server

    server = Server(command_settings().model_copy(update={"worker": False}))
    async with server.running():
        executor = await server.executor()
        prepared = executor.prepare(GraphQLOperation(query, None, given, {}))
        if isinstance(prepared, InvalidDocument):
            raise prepared
        if prepared.is_mutation or prepared.is_subscription:
            raise InvalidInput("Only a query is answered by a plan. Give a file with a query.")
        actor = Actor("staff", UUID(int=0), role, permissions_of_role(role, server.permissions))
        asking = executor.asking(prepared, given, executor.context(UNOPENED, actor, "explain"), Report())
        if asking is None:
            raise InvalidInput("The variables do not fit what the query declares. Correct the file with the variables.")
        price = prepared.price.price(given)
        return price, await explain(executor.planner, server.database, asking, analyze=analyze)
