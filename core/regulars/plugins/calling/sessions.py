"""Database sessions for plugins: apart from the core's, and refused when they write what is not the plugin's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.ext.asyncio.engine import AsyncTransaction
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql.dml import UpdateBase

from regulars.errors import RegularsError
from regulars.notes import NotingSession
from regulars.plugins.manifest import PluginManifest
from regulars.writing import MAY_WRITE

__all__ = ["ForeignTable", "TransactionLost", "joined_session", "refuse_foreign_writes"]

ALWAYS_ALLOWED = {"core_event", "core_audit", "core_ledger_words", "core_subject_key"}
"""The outbox and the audit log: whoever changes something tells of it, and says who did it and why."""


class ForeignTable(RegularsError):
    """A plugin wrote to a table that is neither its own nor granted."""

    def __init__(self, plugin_id: str, table: str) -> None:
        self.plugin_id, self.table = plugin_id, table
        entity = table.removeprefix("core_")
        super().__init__(
            f"It may not write to {table}. Call a service of the core, and ask for the grant write {entity!r}"
            " in the manifest."
        )


class TransactionLost(RegularsError):
    """A plugin broke the transaction that it was let into, or was cancelled amid a query; it cannot go on."""

    def __init__(self, plugin_id: str) -> None:
        self.plugin_id = plugin_id
        super().__init__(
            "It broke the transaction, of which nothing was kept."
            " It may have begun one on the connection and not ended it, or not ended a query in time."
        )


def refuse_foreign_writes(session: AsyncSession, manifest: PluginManifest) -> AsyncSession:
    """Let the session write only to tables of the plugin, of granted entities, and to the outbox and the audit log.

    It sees statements that SQLAlchemy builds. Text is not parsed: plugins are trusted code, this catches mistakes.
    """

    def check(table_name: str) -> None:
        if table_name.startswith("core_") and not _may_write(manifest, table_name):
            raise ForeignTable(manifest.id, table_name)

    def before_execute(state: ORMExecuteState) -> None:
        if isinstance(state.statement, UpdateBase):
            check(str(getattr(state.statement.table, "name", "")))

    def before_flush(flushed: Session, _context: object, _instances: object) -> None:
        for changed in (flushed.new, flushed.dirty, flushed.deleted):
            for row in changed:
                check(str(getattr(row, "__tablename__", "")))

    session.info[MAY_WRITE] = check
    event.listen(session.sync_session, "do_orm_execute", before_execute)
    event.listen(session.sync_session, "before_flush", before_flush)
    return session


def _may_write(manifest: PluginManifest, table: str) -> bool:
    granted = {f"core_{grant.partition('.')[0]}" for grant in manifest.grants.write} | ALWAYS_ALLOWED
    return any(table == name or table.startswith(f"{name}_") for name in granted)


@asynccontextmanager
async def joined_session(session: AsyncSession, manifest: PluginManifest) -> AsyncIterator[AsyncSession]:
    """Give a session of the plugin inside the transaction of ``session``, in a savepoint.

    What the plugin commits or rolls back ends no more than its own part. When the block raises, that part is rolled
    back and the transaction can go on. Raises ``TransactionLost`` where it cannot.
    """
    await session.flush()
    connection = await session.connection()
    savepoint = await connection.begin_nested()
    own = refuse_foreign_writes(_session_on(connection), manifest)
    try:
        yield own
        await own.close()
        if connection.get_nested_transaction() is not savepoint:
            raise TransactionLost(manifest.id)
        await savepoint.commit()
    except BaseException as error:
        await _roll_back(own, savepoint, manifest.id)
        if connection.invalidated:
            raise TransactionLost(manifest.id) from error
        raise


def _session_on(connection: AsyncConnection) -> AsyncSession:
    options: dict[str, Any] = {"join_transaction_mode": "create_savepoint", "expire_on_commit": False}
    return AsyncSession(bind=connection, sync_session_class=NotingSession, **options)


async def _roll_back(own: AsyncSession, savepoint: AsyncTransaction, plugin_id: str) -> None:
    try:
        await own.close()
        await savepoint.rollback()
    except Exception as error:
        raise TransactionLost(plugin_id) from error
