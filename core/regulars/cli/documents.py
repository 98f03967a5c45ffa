"""`regulars graphql documents`: register documents that clients ask for by their hash."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regulars.cli.columns import print_columns

if TYPE_CHECKING:
    from regulars.database import Database
    from regulars.settings import Settings
    from regulars.trusted_documents.models import TrustedDocument

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Files = Annotated[
    list[Path],
    typer.Argument(
        help="Files with one document each, or JSON files with texts by hash, as code generators write them.",
        exists=True,
        dir_okay=False,
    ),
]


@app.command("register")
def register(files: Files) -> None:
    """Register documents, all of these or none; what is registered already stays as it is."""
    texts = [text for file in files for text in _texts(file)]
    for document in asyncio.run(_register(texts)):
        typer.echo(f"sha256:{document.sha256}  {document.name}")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every document that is registered."""
    from regulars.cli.environment import with_tables
    from regulars.trusted_documents.service import list_documents

    async def work(database: "Database", _settings: "Settings", _now: datetime) -> "Sequence[TrustedDocument]":
        async with database.reading() as session:
            return await list_documents(session)

    found = with_tables(work)
    rows = [
        (f"sha256:{one.sha256}", one.name, one.registered_by, one.registered_at.isoformat(timespec="seconds"))
        for one in found
    ]
    if as_json:
        names = ("documentId", "name", "registeredBy", "registeredAt")
        typer.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2))
    else:
        print_columns(("DOCUMENT", "NAME", "BY", "AT"), rows)


@app.command("remove")
def remove(document_id: Annotated[str, typer.Argument(help="`sha256:…`, as the list shows it.")]) -> None:
    """Forget a document; every server refuses it within five seconds."""
    from regulars.access.actors import SYSTEM
    from regulars.cli.environment import with_tables
    from regulars.trusted_documents.hashes import hash_asked_for
    from regulars.trusted_documents.service import remove_document

    sha256 = hash_asked_for(document_id, {}) or ""

    async def work(database: "Database", _settings: "Settings", now: datetime) -> "TrustedDocument":
        async with database.writing() as session:
            return await remove_document(session, sha256=sha256, actor=SYSTEM, now=now)

    typer.echo(f"Removed sha256:{with_tables(work).sha256}.")


def _texts(file: Path) -> Iterator[str]:
    """Yield the documents in a file; raises ``InvalidInput`` for one under a hash that is not its own."""
    from regulars.errors import InvalidInput
    from regulars.trusted_documents.hashes import document_hash

    text = file.read_text(encoding="utf-8")
    if file.suffix != ".json":
        yield text
        return
    try:
        read = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{file} is no JSON: {error}. Write an object with documents by their hashes.") from error
    if not isinstance(read, dict):
        raise InvalidInput(f"{file} holds no object. Write the documents by their hashes.")
    for id, document in read.items():
        if not isinstance(document, str) or id.removeprefix("sha256:") != document_hash(document):
            raise InvalidInput(
                f"{file} has under {id[:80]} no document with this SHA-256. Let the code generator hash by sha256."
            )
        yield document


async def _register(texts: Sequence[str]) -> "list[TrustedDocument]":
    from regulars.access.actors import SYSTEM
    from regulars.cli.environment import command_settings
    from regulars.graphql.documents.limits import Limits
    from regulars.graphql.documents.preparation import operation_names
    from regulars.trusted_documents.service import register_document
    from regulars.web.server import Server

    server = Server(command_settings().model_copy(update={"worker": False}))
    async with server.running():
        schema = (await server.executor()).schema.graphql
        names = [", ".join(operation_names(schema, text, Limits())) for text in texts]
        now = server.clock.now()
        async with server.database.writing() as session:
            return [
                await register_document(session, text=text, name=name, actor=SYSTEM, now=now)
                for text, name in zip(texts, names, strict=True)
            ]
