"""`regulars db`: bring the tables up to date, one owner at a time."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from regulars.database import Database
    from regulars.revisions import MigrationOwner, OwnerState
    from regulars.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Owner = Annotated[str, typer.Argument(help="Whose tables: core, or the id of a plugin.")]


@app.command("upgrade")
def upgrade(
    owner: Annotated[str | None, typer.Argument(help="Only these tables: core, or the id of a plugin.")] = None,
) -> None:
    """Bring the tables to the newest revision: the core's first, then those of each enabled plugin."""
    from regulars.cli.environment import with_database
    from regulars.cli.owners import enabled_owners, owner_named
    from regulars.errors import ConfigurationError
    from regulars.revisions import CORE

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> list[ConfigurationError]:
        if owner is not None:
            await _upgrade(database, await owner_named(database, settings, owner))
            return []
        await _upgrade(database, CORE)
        failures: list[ConfigurationError] = []
        for plugin in await enabled_owners(database, settings):
            try:
                await _upgrade(database, plugin)
            except ConfigurationError as failure:  # it stops this plugin only
                failures.append(failure)
        return failures

    failures = with_database(work)
    for failure in failures:
        typer.echo(f"regulars: {failure}", err=True)
    if failures:
        raise typer.Exit(1)


@app.command("current")
def current() -> None:
    """Show at which revision each owner's tables are, and which one is the newest; exit code 1 if one is behind."""
    from regulars.cli.environment import with_database
    from regulars.cli.owners import enabled_owners
    from regulars.revisions import CORE, state_of

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> "Sequence[OwnerState]":
        core = await state_of(database.engine, CORE)
        plugins = await enabled_owners(database, settings) if core.is_newest else ()
        return [core, *[await state_of(database.engine, plugin) for plugin in plugins]]

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
    from regulars.cli.owners import owner_named

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> "Path":
        chosen = await owner_named(database, settings, owner)
        return await migrations.revise(database.engine, chosen, message=message)

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
    from regulars.cli.owners import owner_named
    from regulars.revisions import state_of

    if not yes:
        typer.confirm(
            f"Take the tables of {owner} back to {revision}, with the loss of what newer ones hold?", abort=True
        )

    async def work(database: "Database", settings: "Settings", _now: "datetime") -> "OwnerState":
        chosen = await owner_named(database, settings, owner)
        await migrations.downgrade(database.engine, chosen, revision=revision)
        return await state_of(database.engine, chosen)

    typer.echo(f"{owner}: {with_database(work).current or 'no tables'}")


async def _upgrade(database: "Database", owner: "MigrationOwner") -> None:
    from regulars import migrations
    from regulars.revisions import state_of

    before = await state_of(database.engine, owner)
    await migrations.upgrade(database.engine, [owner])
    after = await state_of(database.engine, owner)
    if before.current == after.current:
        typer.echo(f"{owner.name}: {after.current} (nothing to do)")
    else:
        typer.echo(f"{owner.name}: {before.current or 'no tables'} -> {after.current}")
