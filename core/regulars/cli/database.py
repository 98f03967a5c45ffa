"""`regulars db`: bring the tables up to date, one owner at a time."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from regulars.database import Database
    from regulars.migrations import MigrationOwner, OwnerState
    from regulars.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Owner = Annotated[str, typer.Argument(help="Whose tables: core, or the id of a plugin.")]


@app.command("upgrade")
def upgrade(
    owner: Annotated[str | None, typer.Argument(help="Only these tables: core, or the id of a plugin.")] = None,
) -> None:
    """Bring the tables to the newest revision: the core's first, then each plugin's."""
    from regulars import migrations
    from regulars.cli.environment import with_database

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> None:
        for chosen in _owners(settings, owner):
            before = await migrations.state_of(database.engine, chosen)
            await migrations.upgrade(database.engine, [chosen])
            after = await migrations.state_of(database.engine, chosen)
            typer.echo(_step(before, after))

    with_database(work)


@app.command("current")
def current() -> None:
    """Show at which revision each owner's tables are, and which one is the newest; exit code 1 if one is behind."""
    from regulars import migrations
    from regulars.cli.environment import with_database

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> "Sequence[OwnerState]":
        return [await migrations.state_of(database.engine, owner) for owner in _owners(settings, None)]

    states = with_database(work)
    for state in states:
        hint = "newest" if state.is_newest else f"newest is {state.newest}: run `regulars db upgrade`"
        typer.echo(f"{state.owner}: {state.current or 'no tables'} ({hint})")
    if not all(state.is_newest for state in states):
        raise typer.Exit(1)


@app.command("revise")
def revise(owner: Owner, message: Annotated[str, typer.Option("--message", "-m", help="What changes.")]) -> None:
    """Write a new revision from the difference between the models and the database."""
    from regulars import migrations
    from regulars.cli.environment import with_tables

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> "Path":
        return await migrations.revise(database.engine, _owners(settings, owner)[0], message=message)

    typer.echo(f"Written: {with_tables(work)}. Read it before you run it.")


@app.command("downgrade")
def downgrade(
    owner: Owner,
    revision: Annotated[str, typer.Argument(help="The revision to go back to; base removes the tables.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take one owner's tables back to an older revision; what only newer tables hold is lost."""
    from regulars import migrations
    from regulars.cli.environment import with_database

    if not yes:
        typer.confirm(
            f"Take the tables of {owner} back to {revision}, with the loss of what newer ones hold?", abort=True
        )

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> "OwnerState":
        chosen = _owners(settings, owner)[0]
        await migrations.downgrade(database.engine, chosen, revision=revision)
        return await migrations.state_of(database.engine, chosen)

    typer.echo(f"{owner}: {with_database(work).current or 'no tables'}")


def _owners(_settings: "Settings", name: str | None) -> "Sequence[MigrationOwner]":
    from regulars.errors import UnknownValue
    from regulars.migrations import CORE

    owners = [CORE]
    chosen = [owner for owner in owners if name in {None, owner.name}]
    if not chosen:
        raise UnknownValue("owner of tables", name, [owner.name for owner in owners])
    return chosen


def _step(before: "OwnerState", after: "OwnerState") -> str:
    if before.current == after.current:
        return f"{after.owner}: {after.current} (nothing to do)"
    return f"{after.owner}: {before.current or 'no tables'} -> {after.current}"
