"""Bring each owner's tables to their newest revision, with one version table per owner."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Literal

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import SchemaItem
from sqlmodel import AutoString

import regulars
from regulars.crash_points import CrashPoint, reach
from regulars.errors import ConfigurationError
from regulars.revisions import CORE, MigrationFailed, MigrationOwner, UnknownRevision, current_revision
from regulars.tables import Amount, JsonColumn, Table, UtcDateTime

__all__ = [
    "BrokenReferences",
    "differences",
    "downgrade",
    "pending_revisions",
    "revise",
    "run_migrations_of_one_owner",
    "upgrade",
]

LOCK_KEY = 0x5245_4755  # "REGU": one migrating process at a time
LOCK_TIMEOUT = "10s"


class BrokenReferences(ConfigurationError):
    """After a rebuild some rows refer to rows that are gone."""

    code = "BROKEN_REFERENCES"

    def __init__(self, rows: Sequence[Sequence[object]]) -> None:
        self.rows = rows
        tables = ", ".join(sorted({str(row[0]) for row in rows}))
        super().__init__(f"{len(rows)} rows of {tables} refer to missing rows. The migration was rolled back.")


def _config(owner: MigrationOwner, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "regulars_migrations:")
    config.set_main_option("version_locations", owner.location)
    config.set_main_option("path_separator", "newline")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes.update(owner=owner, connection=connection)
    return config


def _is_of(owner: MigrationOwner, item: SchemaItem, name: str | None, kind: str) -> bool:
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
    return bool(table and table.startswith(f"{owner.name}_"))


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime | Amount | JsonColumn):
        return f"regulars.{type(item).__name__}()"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()" if not item.collation else False
    return False


def run_migrations_of_one_owner() -> None:
    """Run what Alembic was asked to do; called by ``env.py``."""
    owner: MigrationOwner = context.config.attributes["owner"]
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Table.metadata,
        version_table=owner.version_table,
        include_object=lambda item, name, kind, _reflected, _other: _is_of(owner, item, name, kind),
        render_as_batch=True,
        render_item=_render,
        transaction_per_migration=False,
        on_version_apply=lambda *_, **__: reach(CrashPoint.MIGRATION_REVISION),
    )
    with context.begin_transaction():
        context.run_migrations()


async def upgrade(engine: AsyncEngine, owners: Sequence[MigrationOwner], *, revision: str = "head") -> None:
    """Bring the tables of each owner to ``revision``, in the order given.

    Each owner's step is one transaction: it happens whole or not at all.
    Raises ``MigrationFailed`` naming the first owner that could not be migrated, and ``UnknownRevision`` where the
    database is newer than this software.
    """
    for owner in owners:
        await _alone(engine, owner, lambda config: command.upgrade(config, revision))


async def downgrade(engine: AsyncEngine, owner: MigrationOwner, *, revision: str) -> None:
    """Take the tables of one owner back to ``revision``; ``base`` removes them with all that they hold."""
    await _alone(engine, owner, lambda config: command.downgrade(config, revision))


async def revise(engine: AsyncEngine, owner: MigrationOwner, *, message: str) -> Path:
    """Write a new revision from the difference between the models and the database; return its file."""
    if owner == CORE:
        _import_models()
    written: list[Path] = []

    def write(config: Config) -> None:
        script = command.revision(config, message=message, autogenerate=True)
        assert script is not None
        assert not isinstance(script, list)
        written.append(Path(script.path))

    await _alone(engine, owner, write)
    return written[0]


async def differences(engine: AsyncEngine, owner: MigrationOwner) -> Sequence[Any]:
    """Return what the tables of an owner lack of its models, and have besides; types are not compared."""
    if owner == CORE:
        _import_models()

    def compare(connection: Connection) -> Sequence[Any]:
        opts = {
            "include_object": lambda item, name, kind, *_: _is_of(owner, item, name, kind),
            "compare_type": False,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=opts), Table.metadata))

    async with engine.connect() as connection:
        return await connection.run_sync(compare)


def _import_models() -> None:
    """Make every table of the core known, not only those that somebody has used in this process."""
    for module in walk_packages(regulars.__path__, "regulars."):
        if module.name.endswith(".models"):
            import_module(module.name)


async def pending_revisions(engine: AsyncEngine, owner: MigrationOwner) -> tuple[str, ...]:
    """Return the revisions that an upgrade would run, the first one first, each with its message.

    Raises ``UnknownRevision`` where the database is newer than this software.
    """
    scripts = ScriptDirectory.from_config(_config(owner))
    current = await current_revision(engine, owner)
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise UnknownRevision(owner.name, current)
    pending = list(scripts.iterate_revisions("head", current or "base"))
    return tuple(f"{script.revision} {script.doc}".strip() for script in reversed(pending))


async def _alone(engine: AsyncEngine, owner: MigrationOwner, step: Any) -> None:
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # A rebuilt parent table would empty its ON DELETE CASCADE children while foreign keys are on,
            # and the switch only works outside a transaction.
            await connection.run_sync(lambda sync: _set_foreign_keys(sync, on=False))
        try:
            await connection.execution_options(regulars_writes=True)
            async with connection.begin():
                await connection.run_sync(lambda sync: _step(sync, owner, step))
        finally:
            if engine.dialect.name == "sqlite":
                await connection.run_sync(lambda sync: _set_foreign_keys(sync, on=True))


def _set_foreign_keys(connection: Connection, *, on: bool) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")
    cursor.close()


def _step(connection: Connection, owner: MigrationOwner, step: Any) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    try:
        step(_config(owner, connection))
    except CommandError as error:
        if "Can't locate revision" in str(error):
            raise UnknownRevision(owner.name, str(error).rsplit("'", 2)[-2]) from error
        raise MigrationFailed(owner.name, error) from error
    except ConfigurationError:
        raise
    except Exception as error:
        raise MigrationFailed(owner.name, error) from error
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        if broken:
            raise BrokenReferences(broken)
