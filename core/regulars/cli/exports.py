"""`regulars export`: customers and touchpoints to files of any length."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regulars.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from regulars.contact.requests import ContactRequest
    from regulars.exports.columns import ExportKind
    from regulars.exports.service import ExportState

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Output = Annotated[Path, typer.Argument(help="Where to write; what stands there is replaced.")]
Where = Annotated[str | None, typer.Option(help="A filter as JSON, in the shape of `where` in the API.")]
Column = Annotated[list[str] | None, typer.Option(help="A path of fields, such as identities.value; may be repeated.")]
Format = Annotated[str | None, typer.Option(help="csv or jsonl; else the ending of the name says it.")]
Errors = Annotated[Path | None, typer.Option(help="Where errors go. Default: beside the file.")]


@app.command("customers")
def customers(
    output: Output,
    where: Where = None,
    segment: Annotated[str | None, typer.Option(help="Only customers in the segment with this id.")] = None,
    column: Column = None,
    format: Format = None,
    errors: Errors = None,
    contact: Annotated[
        str | None, typer.Option(help="channel:class, such as email:marketing: only those who may be contacted so.")
    ] = None,
) -> None:
    """Write customers to a file; whoever may use this command sees all of them."""
    wanted = _json(where)
    if segment is not None:
        inside = {"segments": {"anyOf": [segment]}}
        wanted = {"AND": [wanted, inside]} if wanted else inside
    _export("customers", output, wanted, column, format, errors, contact)


@app.command("touchpoints")
def touchpoints(
    output: Output, where: Where = None, column: Column = None, format: Format = None, errors: Errors = None
) -> None:
    """Write touchpoints to a file; whoever may use this command sees all of them."""
    _export("touchpoints", output, _json(where), column, format, errors, None)


def _json(where: str | None) -> "Mapping[str, Any]":
    if where is None:
        return {}
    try:
        read = json.loads(where)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"--where is no JSON: {error}.", path=("where",)) from error
    if not isinstance(read, dict):
        raise InvalidInput("--where is no JSON object.", path=("where",))
    return read


def _export(
    kind: "ExportKind",
    output: Path,
    where: "Mapping[str, Any]",
    columns: list[str] | None,
    format: str | None,
    errors: Path | None,
    contact: str | None,
) -> None:
    from regulars.cli.environment import command_settings
    from regulars.web.server import Server

    chosen = format or ("jsonl" if output.suffix in (".jsonl", ".ndjson") else "csv")
    server = Server(command_settings().model_copy(update={"worker": False}))

    async def work() -> "ExportState":
        async with server.running():
            return await _write(server, kind, output, where, columns, chosen, errors, _contact(contact))

    state = asyncio.run(work())
    typer.echo(f"{state.rows:,} {kind} are in {output}.")
    for reason, count in sorted(state.left_out.items()):
        typer.echo(f"{count:,} were left out: {reason}.")
    if state.problems:
        typer.echo(f"{state.problems:,} values could not be read; see {_beside(output, errors)}.", err=True)


async def _write(
    server: "Any",
    kind: "ExportKind",
    output: Path,
    where: "Mapping[str, Any]",
    columns: list[str] | None,
    format: str,
    errors: Path | None,
    contact: "ContactRequest | None",
) -> "ExportState":
    from contextlib import closing

    from regulars.access.actors import Actor
    from regulars.exports.job import contact_gate
    from regulars.exports.service import ExportState, FileExport, open_at
    from regulars.graphql.export_plans import checked_export

    everything = frozenset(permission.name for permission in server.permissions)
    plan = checked_export(
        await server.executor(),
        kind=kind,
        format=format,
        columns=columns,
        where=where,
        contact=contact,
        actor=Actor("system", name="Regulars", permissions=everything),
    )
    gate = contact_gate(server.database, plan, server.contact_rules, server.consent_registry, server.clock)

    async def tell(state: ExportState) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{state.rows:,} rows", err=True, nl=False)

    beside = _beside(output, errors)
    with closing(open_at(output, 0)) as rows, closing(open_at(beside, 0)) as problems:
        state = await FileExport(plan, server.ask, gate).write(rows, problems, ExportState(), tell=tell)
    if not state.problems:
        beside.unlink()
    return state


def _beside(output: Path, errors: Path | None) -> Path:
    return errors or output.with_suffix(".errors.csv")


def _contact(given: str | None) -> "ContactRequest | None":
    from regulars.contact.requests import ContactRequest

    if given is None:
        return None
    channel, colon, contact_class = given.partition(":")
    if not colon:
        raise InvalidInput("--contact is a channel and a class: email:marketing.", path=("contact",))
    return ContactRequest(channel=channel, contact_class=contact_class)
