"""`regulars key`: give, replace and take back API keys."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from regulars.cli.columns import print_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from regulars.access.owners import KeyOwner
    from regulars.access.service import IssuedKey, ListedKey
    from regulars.database import Database
    from regulars.plugins.manifest import Permission
    from regulars.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Days = Annotated[int, typer.Option(help="For how many days the key holds, at most 365.")]
KeyId = Annotated[UUID, typer.Argument(help="The id of the key, as `regulars key list` shows it.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, such as the system that will use it.")],
    role: Annotated[str | None, typer.Option(help="For a service with this role.")] = None,
    staff: Annotated[UUID | None, typer.Option(help="For the staff member with this id.")] = None,
    customer: Annotated[UUID | None, typer.Option(help="For the customer with this id.")] = None,
    source: Annotated[
        str | None, typer.Option(help="A write key for the site or app of this name, which can only send events.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="A permission the key is narrowed to; may be repeated.")
    ] = None,
    days: Days = 90,
) -> None:
    """Make a key and print it, this once."""
    owner = _owner(role, staff, customer, source)
    from regulars.access.actors import SYSTEM
    from regulars.access.server_secret import ensure_server_secret
    from regulars.access.service import create_key
    from regulars.cli.environment import with_tables

    async def work(database: "Database", settings: "Settings", now: "datetime") -> "IssuedKey":
        async with database.writing() as session:
            return await create_key(
                session,
                name=name,
                owner=owner,
                scopes=scope,
                lifetime=timedelta(days=days),
                permissions=_permissions(settings),
                secret=await ensure_server_secret(session, configured=settings.secret.get_secret_value()),
                actor=SYSTEM,
                now=now,
            )

    _print_issued(with_tables(work))


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every key: whose it is, until when it holds, never the key itself."""
    from regulars.access.service import list_keys
    from regulars.cli.environment import with_tables

    async def work(database: "Database", _settings: "Settings", now: "datetime") -> "Sequence[ListedKey]":
        async with database.reading() as session:
            return await list_keys(session, now=now)

    listed = with_tables(work)
    if as_json:
        _print_json(listed)
    else:
        _print_table(listed)


@app.command("rotate")
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(min=0, help="For how long the old key still holds.")] = 24,
    days: Days = 90,
) -> None:
    """Make a key in place of another, and print it, this once; both hold for a while."""
    from regulars.access.actors import SYSTEM
    from regulars.access.server_secret import ensure_server_secret
    from regulars.access.service import rotate_key
    from regulars.cli.environment import with_tables

    async def work(database: "Database", settings: "Settings", now: "datetime") -> "IssuedKey":
        async with database.writing() as session:
            return await rotate_key(
                session,
                key_id=key_id,
                overlap=timedelta(hours=overlap_hours),
                lifetime=timedelta(days=days),
                secret=await ensure_server_secret(session, configured=settings.secret.get_secret_value()),
                actor=SYSTEM,
                now=now,
            )

    _print_issued(with_tables(work))


@app.command("revoke")
def revoke(key_id: KeyId) -> None:
    """End a key for good; every server refuses it within five seconds."""
    from regulars.access.actors import SYSTEM
    from regulars.access.service import revoke_key
    from regulars.cli.environment import with_tables

    async def work(database: "Database", _settings: "Settings", now: "datetime") -> str:
        async with database.writing() as session:
            return (await revoke_key(session, key_id=key_id, actor=SYSTEM, now=now)).hint

    typer.echo(f"The key {with_tables(work)} is revoked.")


def _owner(role: str | None, staff: UUID | None, customer: UUID | None, source: str | None) -> "KeyOwner":
    from regulars.access.owners import ForCustomer, ForService, ForSource, ForStaffMember

    match role, staff, customer, source:
        case str(), None, None, None:
            return ForService(role)
        case None, UUID(), None, None:
            return ForStaffMember(staff)
        case None, None, UUID(), None:
            return ForCustomer(customer)
        case None, None, None, str():
            return ForSource(source)
        case _:
            raise typer.BadParameter("Say whose key it is: one of --role, --staff, --customer or --source.")


def _permissions(settings: "Settings") -> "Sequence[Permission]":
    from regulars.access.permissions import CORE_PERMISSIONS
    from regulars.plugins.joining.discovery import discover

    manifests = (found.manifest for found in discover(blocked=settings.blocked_plugins) if found.withheld is None)
    return [*CORE_PERMISSIONS, *(right for manifest in manifests if manifest for right in manifest.permissions)]


def _print_issued(issued: "IssuedKey") -> None:
    typer.echo(
        f"The key {issued.key.name!r} ({issued.key.id}) holds until {issued.key.expires_at:%Y-%m-%d %H:%M} UTC."
        " It is shown this once:",
        err=True,
    )
    typer.echo(issued.text)


def _print_json(listed: "Sequence[ListedKey]") -> None:
    import orjson

    rows = [
        {
            "id": str(entry.key.id),
            "name": entry.key.name,
            "hint": entry.key.hint,
            "owner": entry.owner,
            "scopes": entry.key.scopes,
            "state": entry.state,
            "createdAt": entry.key.created_at,
            "expiresAt": entry.key.expires_at,
        }
        for entry in listed
    ]
    typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())


def _print_table(listed: "Sequence[ListedKey]") -> None:
    rows = [
        (
            str(entry.key.id),
            entry.key.name,
            entry.key.hint,
            entry.owner,
            entry.state,
            f"{entry.key.expires_at:%Y-%m-%d}",
            "all of the owner's" if entry.key.scopes is None else " ".join(map(str, entry.key.scopes)),
        )
        for entry in listed
    ]
    print_columns(("id", "name", "key", "owner", "state", "until", "scopes"), rows)
