"""`regulars staff`: take up staff members, and let them go."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from regulars.cli.columns import print_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from regulars.access.models import StaffMember
    from regulars.database import Database
    from regulars.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The name by which colleagues know them.")],
    role: Annotated[str, typer.Option(help="admin, analyst, frontline or privacy.")],
    manager: Annotated[UUID | None, typer.Option(help="The id of their manager.")] = None,
    deputy: Annotated[UUID | None, typer.Option(help="The id of their deputy.")] = None,
) -> None:
    """Take up somebody and print their id, for `regulars key create --staff`."""
    from regulars.access.actors import SYSTEM
    from regulars.access.staff import create_staff_member
    from regulars.cli.environment import with_tables

    async def work(database: "Database", _settings: "Settings", now: "datetime") -> "StaffMember":
        async with database.writing() as session:
            return await create_staff_member(
                session, name=name, role=role, manager_id=manager, deputy_id=deputy, actor=SYSTEM, now=now
            )

    typer.echo(str(with_tables(work).id))


@app.command("list")
def list_() -> None:
    """Show everybody who works here or did."""
    from regulars.access.staff import list_staff_members
    from regulars.cli.environment import with_tables

    async def work(database: "Database", _settings: "Settings", _now: "datetime") -> "Sequence[StaffMember]":
        async with database.reading() as session:
            return await list_staff_members(session)

    rows = [
        (str(person.id), person.name, person.role, f"{person.disabled_at:%Y-%m-%d}" if person.disabled_at else "")
        for person in with_tables(work)
    ]
    print_columns(("id", "name", "role", "disabled"), rows)


@app.command("disable")
def disable(
    staff_member_id: Annotated[UUID, typer.Argument(help="The id, as `regulars staff list` shows it.")],
) -> None:
    """Let somebody in no longer; their keys stop holding within five seconds."""
    from regulars.access.actors import SYSTEM
    from regulars.access.staff import disable_staff_member
    from regulars.cli.environment import with_tables

    async def work(database: "Database", _settings: "Settings", now: "datetime") -> str:
        async with database.writing() as session:
            person = await disable_staff_member(session, staff_member_id=staff_member_id, actor=SYSTEM, now=now)
            return person.name

    typer.echo(f"{with_tables(work)} is let in no longer.")
