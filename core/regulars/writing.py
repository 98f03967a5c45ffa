"""The session of a change: constant statements go straight to the driver, and the ORM joins in where it is asked.

All of it is one transaction on one connection, which is taken when something first needs it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.util import await_only, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

from regulars.driver_errors import driver_errors
from regulars.notes import NOTES, Notes, NotingSession
from regulars.prepared import Command, Rows, Statement, prepared
from regulars.writers import BEGIN_WRITING, Writers

__all__ = ["MAY_WRITE", "ConditionUnmet", "WritingSession", "fetch", "run"]

MAY_WRITE = "regulars.may_write"
"""In the info of a session, what is called with the name of each table that is written; it raises for some."""

COMMIT = Command("COMMIT")


async def fetch(session: AsyncSession, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
    """Run a constant statement, and return its rows; ``values`` go to its places by their names.

    What waits in the session is not written before: ``flush`` it where the statement asks for that.
    """
    made = prepared(statement, session.get_bind().dialect.name)
    writes = str(statement.table) if isinstance(statement, UpdateBase) else None
    return made.rows(await run(session, made.command(values), writes=writes))


async def run(session: AsyncSession, command: Command, *, writes: str | None = None) -> Rows:
    """Run a statement in the language of the driver, which ``writes`` to a table, and return its rows."""
    if writes is not None:
        _check_writing(session, writes)
    if isinstance(session, WritingSession):
        return await session.run(command)
    connection, rows = await session.connection(), list[Any]()
    for values in [tuple(command.values)] if command.many is None else command.many:
        result: Any = await connection.exec_driver_sql(command.text, values)
        rows += result.all() if result.returns_rows else ()
    return rows


def _check_writing(session: AsyncSession, table: str) -> None:
    may_write = session.info.get(MAY_WRITE)
    if may_write is not None:
        may_write(table)


class ConditionUnmet(Exception):  # no fault: the change is begun anew, and defers nothing
    """What a change deferred could not be done, and so nothing was."""


class _Joining(NotingSession):
    """The ORM's part: it works on the connection that the change holds, and knows what the change knows."""

    def __init__(self, *, writing: "WritingSession", **options: Any) -> None:
        self.writing, self.info = writing, writing.info
        super().__init__(**options)

    def get_bind(self, *arguments: Any, **options: Any) -> Any:
        """Return the connection of the change; outside of any work there is only the engine to be asked about."""
        if in_greenlet():
            return self.writing.connection_to_join()
        return super().get_bind(*arguments, **options)

    def write_notes(self) -> None:
        """Write the notes."""
        await_only(self.writing.run(*self.notes.take(self.writing.dialect)))


class WritingSession(AsyncSession):
    """A session for writing, whose caller commits; ``told`` is told of each statement that passes by SQLAlchemy.

    The ORM's part is made when something first asks for it: that takes longer than to run a statement. Where the caller
    says that it ``defers``, a change by one statement waits for the commit, and may be all of the transaction; if its
    condition does not hold then, ``ConditionUnmet`` is raised, ``is_unmet`` tells so, and the caller begins anew.
    """

    sync_session_class = _Joining

    def __init__(self, engine: AsyncEngine, writers: Writers, told: Callable[[str], None]) -> None:
        self._engine, self._writers, self._told, self.dialect = engine, writers, told, engine.dialect.name
        self._held: PoolProxiedConnection | None = None
        self._joined: Connection | None = None
        self.defers = self.is_unmet = False
        self._deferred: Sequence[Command] = ()
        self._notes = Notes()
        self._info: dict[Any, Any] = {NOTES: self._notes}

    def __getattr__(self, name: str) -> Any:
        """Make the ORM's part, where what it gives to this session is asked for."""
        if self._has_orm():
            raise AttributeError(name, name=name, obj=self)
        super().__init__(self._engine, expire_on_commit=False, writing=self)
        return getattr(self, name)

    @property
    def info(self) -> dict[Any, Any]:
        """Return what is known of the change, by whoever may want to know."""
        return self._info

    def get_bind(self, *_: Any, **__: Any) -> Engine:
        """Return the engine."""
        return self._engine.sync_engine

    def in_transaction(self) -> bool:
        """Tell whether the ORM has joined in."""
        return self._has_orm() and super().in_transaction()

    def in_nested_transaction(self) -> bool:
        """Tell whether there is a savepoint."""
        return self._has_orm() and super().in_nested_transaction()

    async def run(self, *commands: Command) -> Rows:
        """Run statements in the language of the driver, in the transaction, and return the rows that were found last.

        Raises ``DBAPIError`` as SQLAlchemy does.
        """
        await self._settle()
        return await self._run(commands)

    async def _run(self, commands: Sequence[Command]) -> Rows:
        if self.in_nested_transaction():
            await self.connection()  # which sets the savepoint, if nothing has yet
        for command in commands:
            if command is not COMMIT:
                self._told(command.text)
        held = await self._hold()
        try:
            run = _run_on_sqlite if self.dialect == "sqlite" else _run_on_postgres
            return await run(held, commands)
        except driver_errors() as error:
            self._raise(held, error)
        except BaseException:  # nobody knows what the connection is at
            await greenlet_spawn(held.invalidate)
            raise

    async def run_with_notes(self, condition: Command, *, writes: str) -> Rows:
        """Run a change of a table, and write the notes that wait if it returns a row, else forget them; return it."""
        _check_writing(self, writes)
        return await self.run(*self._notes.take(self.dialect, condition))

    def defer_with_notes(self, condition: Command, *, writes: str) -> bool:
        """Let a change of a table wait for the commit, with the notes that wait; tell whether it may.

        On SQLite it may not: its statements are one visit to the driver's thread anyway, which may have to wait for
        writers of other processes, and a commit should not.
        """
        _check_writing(self, writes)
        is_first = self._held is None and not self._deferred
        if not self.defers or not is_first or self.dialect == "sqlite":
            return False
        self._deferred = self._notes.take(self.dialect, condition)
        return True

    async def get_ready(self) -> None:
        """Wait for what a commit would wait for: a connection, where something is deferred."""
        if self._deferred:
            await self._hold()

    async def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what waits."""
        if self.in_transaction():
            await super().flush(objects)
        elif self._notes.waiting:
            await self.run(*self._notes.take(self.dialect))

    async def commit(self) -> None:
        """Write what waits, and let all of it count."""
        if self.in_transaction():
            if self._joined is None and (self._held is not None or self._deferred):
                await self.connection()  # the ORM may have begun without needing one
            await super().commit()
        elif self._deferred and not self._notes.waiting:
            await self._settle(COMMIT)
        elif self._held is not None or self._notes.waiting:
            await self.run(*self._notes.take(self.dialect), COMMIT)
        await self._release()

    async def rollback(self) -> None:
        """Let nothing of it count; the session can begin anew."""
        self._notes.waiting.clear()
        self._deferred = ()
        if self.in_transaction():
            await super().rollback()
        await self._release()

    async def close(self) -> None:
        """Let nothing count that was not committed."""
        if self._has_orm():
            await super().close()
        await self._release()

    async def invalidate(self) -> None:
        """Give up the connection, and with it the transaction."""
        await super().invalidate()
        await self._release()

    async def __aexit__(self, *error: object) -> None:
        """Close the session, where there is anything to close."""
        if self._held is not None or self.in_transaction():
            await asyncio.shield(asyncio.create_task(self.close()))
        elif self._has_orm() and self.identity_map:
            self.expunge_all()

    def connection_to_join(self) -> Connection:
        """Return the connection of the change as the ORM knows it; only for what SQLAlchemy runs for its sessions."""
        if self._joined is None:
            await_only(self._settle())
            held = await_only(self._hold())
            self._joined = Connection(self._engine.sync_engine, connection=held)
        return self._joined

    async def _settle(self, *then: Command) -> None:
        """Do what was deferred."""
        deferred, self._deferred = self._deferred, ()
        if deferred and not await self._run([*deferred, *then]):
            self.is_unmet = True
            raise ConditionUnmet

    def _has_orm(self) -> bool:
        return "sync_session" in vars(self)

    async def _hold(self) -> PoolProxiedConnection:
        if self._held is None:
            self._held = await self._writers.take()
        if not self._held.is_valid:
            raise PendingRollbackError("The connection is lost, and with it the transaction: roll back.")
        return self._held

    async def _release(self) -> None:
        held, self._held, self._joined = self._held, None, None
        if held is not None:
            await self._writers.give_back(held)

    def _raise(self, held: PoolProxiedConnection, error: Exception) -> NoReturn:
        """Raise an error of the driver as SQLAlchemy would."""
        adapted: Any = held.dbapi_connection
        dialect: Any = self._engine.dialect
        try:
            adapted._handle_exception(error)
        except Exception as told:
            known = dialect.loaded_dbapi.Error
            raise DBAPIError.instance(None, None, told, known, hide_parameters=True, dialect=dialect) from error
        raise error


async def _run_on_postgres(held: PoolProxiedConnection, commands: Sequence[Command]) -> Rows:
    driver: Any = held.driver_connection
    if not driver.is_in_transaction():
        if len(commands) == 2 and commands[1] is COMMIT:  # one statement is a transaction by itself
            return await driver.fetch(commands[0].text, *commands[0].values)  # type: ignore[no-any-return]
        adapted: Any = held.dbapi_connection
        await adapted._start_transaction()  # SQLAlchemy does so before its own first statement
    rows: Rows = ()
    for command in commands:
        if command is COMMIT:
            await _commit_on_postgres(held)
        else:
            rows = await driver.fetch(command.text, *command.values)
    return rows


async def _commit_on_postgres(held: PoolProxiedConnection) -> None:
    """Commit what SQLAlchemy's adapter has begun, and let it know."""
    adapted: Any = held.dbapi_connection
    await adapted._call_and_discard(adapted._transaction.commit)


async def _run_on_sqlite(held: PoolProxiedConnection, commands: Sequence[Command]) -> Rows:
    driver: Any = held.driver_connection
    return await driver._execute(_run_here, driver._conn, commands)  # type: ignore[no-any-return]


def _run_here(connection: sqlite3.Connection, commands: Sequence[Command]) -> Rows:
    """Run statements in one visit to the driver's thread, in a transaction that says from the start that it writes."""
    if not connection.in_transaction:
        connection.execute(BEGIN_WRITING)
    rows: Rows = ()
    for command in commands:
        runs = [tuple(command.values)] if command.many is None else command.many
        found = [row for values in runs for row in connection.execute(command.text, values)]
        rows = found or rows
        if command.is_condition and not found:
            break
    return rows
