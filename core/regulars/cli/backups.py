"""`regulars backup` and `regulars restore`: one file that holds the database, and back."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from regulars.settings import Settings

__all__ = ["backup", "restore"]


def backup(file: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.")]) -> None:
    """Write the database into one compressed file; it may be used meanwhile."""
    from regulars.cli.environment import command_settings
    from regulars.privacy.backups import back_up

    back_up(command_settings(), file)
    typer.echo(
        f"Written: {file} ({file.stat().st_size:,} bytes). Delete it within 35 days: it holds who is erased later."
    )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `regulars backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the database that is there.")
    ] = False,
) -> None:
    """Put a backup in the place of the database, bring its tables up to date, and erase again who was erased since."""
    from regulars.cli.environment import command_settings
    from regulars.privacy.backups import put_back

    settings = command_settings()
    put_back(settings, file, replaces=replace)
    erased, barred = asyncio.run(_bring_up(settings))
    typer.echo(f"Restored {file}. Erased again: {erased} customers; addresses barred again: {barred}.")


async def _bring_up(settings: "Settings") -> tuple[int, int]:
    from regulars.database import Database, open_engine
    from regulars.migrations import upgrade
    from regulars.privacy.reapplying import reapply_erasures
    from regulars.revisions import CORE
    from regulars.web.server import Server

    database = Database(open_engine(settings))
    try:
        await upgrade(database.engine, [CORE])
    finally:
        await database.close()
    server = Server(settings.model_copy(update={"worker": False}))
    async with server.running():
        return await reapply_erasures(server.database, server.host, notes=Path(settings.erasures), clock=server.clock)
