"""Open the database, and give out sessions that read or that write."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, PoolResetState, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from regulars.direct_reading import SESSION_OPTION, DirectReader
from regulars.notes import NotingSession
from regulars.settings import Settings
from regulars.sqlite_functions import SQLITE_FUNCTIONS
from regulars.sqlite_visits import connect_in_visits
from regulars.writers import BEGIN_WRITING, LONGEST_WAIT_S, Writers
from regulars.writing import WritingSession

__all__ = ["Database", "begin_sqlite", "open_engine", "patience", "usual_patience"]

PATIENCE_OPTION = "regulars_patience_s"
"""The execution option of an engine that tells how long one statement may take."""

SHORT_S = 0.05
"""How long a cancelled statement on SQLite may go on before it is stopped."""


def open_engine(settings: Settings) -> AsyncEngine:
    """Return an engine for the configured database; nothing is connected yet.

    The values of a statement stay out of error messages, and so out of logs. The engine's options carry the configured
    secrets, under which services hash.
    """
    options: dict[str, Any] = {"regulars_secrets": settings.secrets, PATIENCE_OPTION: settings.statement_timeout_s}
    if settings.database.get_backend_name() == "sqlite":
        engine = create_async_engine(
            settings.database,
            hide_parameters=True,
            execution_options=options,
            connect_args={"timeout": LONGEST_WAIT_S},
            pool_reset_on_return=None,
        )
        event.listen(engine.sync_engine, "reset", _reset_sqlite)
        event.listen(engine.sync_engine, "do_connect", connect_in_visits)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", begin_sqlite)
        event.listen(engine.sync_engine, "invalidate", _release_sqlite)
        return engine
    session = {
        "timezone": "UTC",
        "datestyle": "ISO",
        "application_name": "regulars",
        "statement_timeout": str(int(settings.statement_timeout_s * 1000)),
    }
    return create_async_engine(
        settings.database,
        hide_parameters=True,
        execution_options={**options, SESSION_OPTION: session},
        pool_size=settings.pool_size,
        max_overflow=settings.pool_size,
        connect_args={"server_settings": session},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased must not stay in free pages
    cursor.close()
    for name, function in SQLITE_FUNCTIONS.items():
        connection.create_function(name, 1, function, deterministic=True)


def _reset_sqlite(connection: Any, _record: object, state: PoolResetState) -> None:
    # Each rollback is a visit to the driver's thread, and mostly there is nothing to take back.
    if not state.terminate_only and connection.driver_connection.in_transaction:
        connection.rollback()


def begin_sqlite(connection: Connection) -> None:
    """Begin a transaction as the options of a connection say."""
    # A reader that turns into a writer can meet "database is locked" at once; a writer says so from the start.
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:
        return
    writes = connection.get_execution_options().get("regulars_writes", False)
    connection.exec_driver_sql(BEGIN_WRITING if writes else "BEGIN")


def _release_sqlite(connection: Any, _record: object, _error: object) -> None:
    # A statement that was cancelled goes on in the driver's thread, and what it read keeps the transaction and its lock
    # alive beyond the closing of the connection. So it is rolled back there first, and stopped when it takes long. An
    # interrupt that comes when nothing runs would meet the rollback itself, and the lock would stay.
    driver = connection.driver_connection
    sqlite = driver._connection
    if sqlite is None:
        return
    turn, has_ended = threading.Lock(), threading.Event()

    def roll_back() -> None:
        with turn:
            has_ended.set()
        sqlite.rollback()

    def interrupt() -> None:
        with turn:
            if not has_ended.is_set():
                sqlite.interrupt()

    driver._tx.put_nowait((None, roll_back))
    asyncio.get_running_loop().call_later(SHORT_S, interrupt)


@asynccontextmanager
async def patience(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    """Let the database give up a statement that takes longer; a savepoint around it can be returned to.

    Cancelling the statement from here would cost the connection, and with it the transaction.
    """
    if connection.dialect.name == "sqlite":
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        ending = asyncio.get_running_loop().call_later(seconds, driver._connection.interrupt)
        try:
            yield
        finally:
            ending.cancel()
        return
    options = connection.sync_engine.get_execution_options()
    usual = options.get(SESSION_OPTION, {}).get("statement_timeout", "0")
    await connection.execute(_STATEMENT_TIMEOUT, {"timeout": f"{seconds * 1000:.0f}"})
    yield
    await connection.execute(_STATEMENT_TIMEOUT, {"timeout": usual})


@asynccontextmanager
async def usual_patience(session: AsyncSession, *, at_most_s: float = math.inf) -> AsyncIterator[None]:
    """Let SQLite give up a statement that takes long, as PostgreSQL does by itself; ``at_most_s`` is for SQLite alone.

    That is ``REGULARS_STATEMENT_TIMEOUT_S``. Nothing is written meanwhile, or it would be rolled back.
    """
    bind = session.get_bind()
    if bind.dialect.name != "sqlite":
        yield
        return
    usual_s = bind.get_execution_options().get(PATIENCE_OPTION, math.inf)
    async with patience(await session.connection(), min(usual_s, at_most_s)):
        yield


_STATEMENT_TIMEOUT = text("SELECT set_config('statement_timeout', :timeout, true)")


@asynccontextmanager
async def _closed_if_used(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """Give a session; closing one that has read nothing would take longer than opening it."""
    try:
        yield session
    finally:
        if session.in_transaction():
            async with session:
                pass


class Database:
    """The engine with its kinds of session.

    ``apart`` is a second engine on the same database, for those who hold a connection already: were they to take
    another from the same pool, enough of them at once would all wait for one another. ``listeners`` are told of
    statements that pass by SQLAlchemy.
    """

    def __init__(self, engine: AsyncEngine, *, apart: AsyncEngine | None = None) -> None:
        self.engine, self._apart = engine, apart or engine
        options: dict[str, Any] = {"expire_on_commit": False, "autoflush": True, "sync_session_class": NotingSession}
        self._readers_apart: async_sessionmaker[AsyncSession] = async_sessionmaker(self._apart, **options)
        self._readers: async_sessionmaker[AsyncSession] = async_sessionmaker(engine, **options)
        self._direct = DirectReader(engine)
        self.listeners: list[Callable[[str], None]] = []
        self._writing = engine.execution_options(regulars_writes=True)
        self._writers = Writers(engine)

    @property
    def engines(self) -> tuple[AsyncEngine, ...]:
        """Return every engine that sessions use."""
        return (self.engine,) if self._apart is self.engine else (self.engine, self._apart)

    @property
    def kept_for_writers(self) -> int:
        """Return how many connections of the engine wait for the next writer."""
        return self._writers.kept

    @property
    def dialect(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Give a session for reading; whatever it changes is rolled back."""
        async with _closed_if_used(self._readers()) as session:
            yield session

    @asynccontextmanager
    async def reading_apart(self) -> AsyncIterator[AsyncSession]:
        """Give a session for reading to code that must not harm the session of the request that it serves."""
        async with _closed_if_used(self._readers_apart()) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Give a session for writing that commits at the end, or rolls back on any error."""
        async with self.writing_session() as session:
            yield session
            await session.commit()

    async def read_text(self, statement: str, values: tuple[Any, ...], *, patience_s: float) -> str:
        """Return the one text that a statement returns, which is in the language of the driver.

        There is no transaction around it: one statement sees one state of the database. Raises ``TimeoutError`` when
        it takes longer than ``patience_s``.
        """
        self._tell(statement)
        return await self._direct.read_text(statement, values, patience_s=patience_s)

    def writing_session(self) -> WritingSession:
        """Return a session for writing whose caller commits."""
        return WritingSession(self._writing, self._writers, self._tell)

    def _tell(self, statement: str) -> None:
        for listener in self.listeners:
            listener(statement)

    async def ping(self) -> None:
        """Ask the database for a sign of life."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._direct.close()
        await self._writers.close()
        for engine in self.engines:
            await engine.dispose()
