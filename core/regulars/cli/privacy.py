"""`regulars privacy`: answer a request for a copy or for erasure, and wait for it."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from regulars.privacy.models import PrivacyRequest

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Customer = Annotated[UUID, typer.Argument(help="The customer's id in the database.")]
Reason = Annotated[str, typer.Option(help="What was asked, and how it is known that they asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")]


@app.command("export")
def export(
    customer: Customer,
    reason: Reason,
    to: Annotated[Path, typer.Option(help="Where the zip goes.")],
    as_json: AsJson = False,
) -> None:
    """Write all that is known of a customer into a zip: JSON for machines, a page for people."""
    request, archive = _answered("export", customer, reason)
    if request.archive is not None:
        shutil.copyfile(archive, to)
    _tell(request, as_json)


@app.command("erase")
def erase(
    customer: Customer,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a customer for good, in the database and in all plugins, and print the certificate."""
    if not yes:
        typer.confirm(f"Erase customer {customer}? This cannot be undone.", abort=True)
    _tell(_answered("erasure", customer, reason)[0], as_json)


def _tell(request: "PrivacyRequest", as_json: bool) -> None:
    from regulars.privacy.certificates import printed

    certificate = request.certificate or {}
    typer.echo(json.dumps(certificate) if as_json else printed(certificate), nl=as_json)
    if request.status != "done":
        typer.echo(f"Still open, and tried again by the server: {request.problem}", err=True)
        raise typer.Exit(1)


def _answered(kind: str, customer: UUID, reason: str) -> "tuple[PrivacyRequest, Path]":
    return asyncio.run(_answer(kind, customer, reason))


async def _answer(kind: str, customer: UUID, reason: str) -> "tuple[PrivacyRequest, Path]":
    from regulars.access.actors import SYSTEM
    from regulars.cli.environment import command_settings
    from regulars.jobs.service import read_job
    from regulars.jobs.worker import running_worker
    from regulars.privacy.archives import archive_path
    from regulars.privacy.models import PrivacyRequest
    from regulars.privacy.requests import PRIVACY_JOB, create_privacy_request, job_of
    from regulars.web.server import Server

    server = Server(command_settings().model_copy(update={"worker": False}))
    async with server.running():
        async with server.database.writing() as session:
            request = await create_privacy_request(
                session, kind=kind, customer_id=customer, reason=reason, actor=SYSTEM, now=server.clock.now()
            )
            job = await job_of(session, request)
        only = {PRIVACY_JOB: server.job_kinds[PRIVACY_JOB]}
        async with running_worker(server.database, only, clock=server.clock, company=lambda: server.company, slots=1):
            while True:
                async with server.database.reading() as session:
                    if (await read_job(session, id=job)).status not in ("QUEUED", "RUNNING"):
                        request = await session.get_one(PrivacyRequest, request.id)
                        return request, archive_path(server.uploads, request.archive or "")
                await asyncio.sleep(0.1)
