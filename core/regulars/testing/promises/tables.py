"""A plugin promises that its migrations make the tables that its models describe, and take them away again."""

import asyncio
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from regulars.database import open_engine
from regulars.migrations import differences, downgrade, upgrade
from regulars.personal import PII_KINDS, silent_columns
from regulars.plugins.joining.discovery import FoundPlugin
from regulars.revisions import MigrationOwner
from regulars.settings import Settings
from regulars.testing.databases import TestDatabases

__all__ = ["check_annotations", "check_migrations"]


async def check_migrations(databases: TestDatabases, plugin: FoundPlugin) -> None:
    """Check that the tables go up, down and up again, are the same each time, and are those of the models."""
    hooks = plugin.load()
    locate = getattr(hooks, "migrations", None)
    if locate is None:
        return
    owner = MigrationOwner(plugin.id, locate().location)
    with ExitStack() as stack:
        url = await asyncio.to_thread(stack.enter_context, databases.fresh())
        engine = open_engine(Settings(database_url=url))
        try:
            await _check(engine, owner)
        finally:
            await engine.dispose()
            await asyncio.to_thread(stack.close)


def check_annotations(plugin: FoundPlugin) -> None:
    """Check that every column of text, bytes or JSON says what it holds of a person."""
    give = getattr(plugin.load(), "models", None)
    silent = [] if give is None else silent_columns(give())
    assert not silent, (
        f"Nobody says what {', '.join(silent)} of {plugin.id} holds of a person. Give each column"
        ' `Field(sa_column_kwargs=pii("…"))` from regulars, with one of: ' + ", ".join(PII_KINDS) + "."
    )


async def _check(engine: AsyncEngine, owner: MigrationOwner) -> None:
    await upgrade(engine, [owner])
    first = await _seen(engine, owner)
    wrong = await differences(engine, owner)
    assert not wrong, f"The migrations of {owner.name} do not make what its models describe: {wrong}"
    await downgrade(engine, owner, revision="base")
    left = await _seen(engine, owner)
    assert not left, f"After a downgrade to base there is still {', '.join(left)}."
    await upgrade(engine, [owner])
    again = await _seen(engine, owner)
    assert again == first, f"The second upgrade made other tables than the first: {again} instead of {first}"


async def _seen(engine: AsyncEngine, owner: MigrationOwner) -> dict[str, Any]:
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: _tables(sync, owner))


def _tables(connection: Connection, owner: MigrationOwner) -> dict[str, Any]:
    found = inspect(connection)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            sorted((index["name"] or "", bool(index["unique"])) for index in found.get_indexes(name)),
            sorted(str(key["constrained_columns"]) for key in found.get_foreign_keys(name)),
        )
        for name in sorted(found.get_table_names())
        if name.startswith(f"{owner.name}_")
    }
