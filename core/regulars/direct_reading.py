"""Read by the driver alone: no transaction around a statement, nothing between it and the answer."""

import asyncio
from collections import deque
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from regulars.driver_errors import driver_errors
from regulars.sqlite_visits import SqliteReader

__all__ = ["SESSION_OPTION", "DirectReader"]

KEPT_STATEMENTS = 500
KEEP_MEMORY = "SELECT length(repeat(' ', 2000000))"
"""Lets the C library of the database's process see a large block come and go.

From then on it keeps blocks of up to that size; before, it gave the memory of each answer back to the system, and took
it again page by page, which was a fifth of the time of a large answer.
"""

FOR_READING = "PRAGMA query_only = ON; PRAGMA cache_size = -4000"
"""Keeps twice as much of the file in memory as SQLite does otherwise: a page of customers with children fits."""

SESSION_OPTION = "regulars_session"
"""The execution option of an engine that tells how its sessions are set up."""


class DirectReader:
    """Connections of their own, opened as the engine opens its, when they are first needed.

    Taking one from SQLAlchemy's pool, and giving it back, costs as much as the rest of a short request. These carry
    nothing from one statement to the next, so there is nothing to put back between two. Whoever waits for one gets it
    from the hands of whoever had it, in the order of their coming.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        pool: Any = engine.pool
        self._open = _open_sqlite if engine.dialect.name == "sqlite" else _open_postgres
        self._free: list[Any] = [None] * (pool.size() if hasattr(pool, "size") else 0)
        """The connections that nobody uses; None for one that is not open. A database in memory has no second one."""
        self._waiting: deque[asyncio.Future[Any]] = deque()

    async def read_text(self, statement: str, values: tuple[Any, ...], *, patience_s: float) -> str:
        """Return the one text that a statement returns; its values are those of the driver.

        Raises ``TimeoutError`` when that takes longer than ``patience_s``.
        """
        if self._free and (last := self._free[-1]) is not None and not last.is_closed():
            return await self._read(self._free.pop(), statement, values, patience_s)
        async with asyncio.timeout(patience_s):  # which the driver does not count: for a turn, or to connect
            connection = self._free.pop() if self._free else await self._turn()
            return await self._read(connection, statement, values, patience_s)

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._free:
            if connection is not None and not connection.is_closed():
                await connection.close()

    async def _read(self, connection: Any, statement: str, values: tuple[Any, ...], patience_s: float) -> str:
        try:
            if connection is None or connection.is_closed():
                connection = await self._open(self._engine)
            return str(await connection.fetchval(statement, *values, timeout=patience_s))
        except driver_errors():
            raise
        except BaseException:  # nobody knows what it is at
            if connection is not None:
                connection.terminate()
            raise
        finally:
            self._give_back(connection)

    async def _turn(self) -> Any:
        """Return what somebody gives back."""
        turn: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came at the same moment
                self._give_back(turn.result())
            raise

    def _give_back(self, connection: Any) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self._free.append(connection)


async def _open_postgres(engine: AsyncEngine) -> Any:
    import asyncpg  # which the engine has loaded; on SQLite nobody needs it

    dialect: Any = engine.dialect
    _, options = dialect.create_connect_args(engine.url)
    session = engine.get_execution_options().get(SESSION_OPTION, {})
    opened: Any = await asyncpg.connect(
        **{name: value for name, value in options.items() if not name.startswith("prepared_statement")},
        statement_cache_size=KEPT_STATEMENTS,
        max_cached_statement_lifetime=0,
        # Compiling a statement of many short sub-selects to machine code takes longer than running it.
        server_settings={**session, "jit": "off"},
    )
    try:
        await opened.execute(KEEP_MEMORY)
    except BaseException:
        opened.terminate()
        raise
    return opened


async def _open_sqlite(engine: AsyncEngine) -> SqliteReader:
    connection = await engine.raw_connection()
    driver: Any = connection.driver_connection
    connection.detach()  # from the pool, for which another is opened
    await driver.executescript(FOR_READING)
    return SqliteReader(driver)
