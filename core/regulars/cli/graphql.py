"""`regulars graphql`: see how the server answers an operation."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regulars.cli.columns import print_columns
from regulars.cli.documents import app as documents
from regulars.cli.summaries import WholeSummaries

if TYPE_CHECKING:
    from regulars.graphql.documents.pricing import Price
    from regulars.graphql.planner.drafts import Note
    from regulars.graphql.planner.explaining import Explanation
    from regulars.graphql.planner.explaining_mutations import ExplainedMutation

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)
app.add_typer(
    documents, name="documents", help="Register documents that clients ask for by their hash.", cls=WholeSummaries
)


@app.command("explain")
def explain_(
    file: Annotated[Path, typer.Argument(help="A file with one query or mutation.", exists=True, dir_okay=False)],
    variables: Annotated[Path | None, typer.Option(help="A JSON file with its variables.", exists=True)] = None,
    role: Annotated[str, typer.Option("--as", help="The role that asks.")] = "admin",
    analyze: Annotated[
        bool, typer.Option("--analyze", help="Run the statements that read, and show what each step took.")
    ] = False,
) -> None:
    """Show how each field is obtained, what it costs, the SQL, and the database's own plan; a mutation is not run."""
    given = {} if variables is None else _read_variables(variables)
    price, explained = asyncio.run(_explain(_read_text(file), given, role, analyze))
    typer.echo(f"Price: {price.requested} points, at most {price.nodes} objects.")
    if not isinstance(explained, Sequence):
        _print_explanation(explained)
        return
    for mutation in explained:
        _print_mutation(mutation, role)


def _print_mutation(mutation: "ExplainedMutation", role: str) -> None:
    typer.echo(f"\n{mutation.key}: {mutation.path} of {mutation.owner}, for the permission {mutation.permission}.")
    if mutation.is_refused:
        typer.echo(f"{role} does not have it, so it is refused.")
        return
    where = "transactions of its own" if mutation.has_own_transactions else "the transaction of the request"
    typer.echo(f"What its function does, in {where}, is not shown: it was not run.\n")
    if mutation.values:
        _print_fields(mutation.values)
    for row in mutation.rows:
        unless = ", unless it was just inserted and so carries all of this" if row.is_carried else ""
        typer.echo(f"\n{row.place}, as it is read once the function has returned it{unless}:")
        _print_explanation(row.explanation)


def _print_explanation(explanation: "Explanation") -> None:
    if explanation.obstacle is not None:
        typer.echo(f"Executed field by field, because {explanation.obstacle}")
        return
    typer.echo("One statement.\n")
    _print_fields(explanation.fields)
    typer.echo(f"\n{explanation.sql}\n")
    for line in explanation.database_plan:
        typer.echo(line)


def _print_fields(fields: "Sequence[Note]") -> None:
    places = [".".join([*(step.key for step in note.place), note.key]) for note in fields]
    rows = [(place, note.path, note.owner, note.kind) for place, note in zip(places, fields, strict=True)]
    print_columns(("PLACE", "FIELD", "OWNER", "KIND"), rows)


def _read_text(file: Path) -> str:
    from regulars.errors import InvalidInput

    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is no text in UTF-8. Write a query or a mutation into it.") from error


def _read_variables(file: Path) -> dict[str, Any]:
    from regulars.errors import InvalidInput

    try:
        read = json.loads(_read_text(file))
    except ValueError as error:
        raise InvalidInput(f"{file} is no JSON: {error}. Write an object with the variables.") from error
    if not isinstance(read, dict):
        raise InvalidInput(f"{file} holds no object. Write the variables by their names.")
    return read


async def _explain(
    query: str, given: dict[str, Any], role: str, analyze: bool
) -> "tuple[Price, Explanation | Sequence[ExplainedMutation]]":
    from uuid import UUID

    from regulars.access.actors import Actor
    from regulars.access.permissions import permissions_of_role
    from regulars.cli.environment import command_settings
    from regulars.errors import InvalidInput
    from regulars.graphql.documents.preparation import InvalidDocument
    from regulars.graphql.planner.explaining import explain
    from regulars.graphql.planner.explaining_mutations import explain_mutations
    from regulars.graphql.planner.reports import Report
    from regulars.graphql.protocol.transport import GraphQLOperation
    from regulars.web.server import Server

    server = Server(command_settings().model_copy(update={"worker": False}))
    async with server.running():
        executor = await server.executor()
        prepared = executor.prepare(GraphQLOperation(query, None, given, {}))
        if isinstance(prepared, InvalidDocument):
            raise prepared
        if prepared.is_subscription:
            raise InvalidInput("A subscription has no plan. Give a file with a query or a mutation.")
        actor = Actor("staff", UUID(int=0), role, permissions_of_role(role, server.permissions))
        price = prepared.price.price(given)
        async with server.database.reading() as session:
            asking = executor.asking(prepared, given, executor.context(session, actor, "explain"), Report())
            if asking is None:
                raise InvalidDocument(prepared.variables.misfits(given))
            if prepared.is_mutation:
                return price, await explain_mutations(
                    executor.planner, server.database, asking, schema=executor.schema, analyze=analyze
                )
            return price, await explain(executor.planner, server.database, asking, analyze=analyze)
