"""Read from PostgreSQL by its driver alone: no transaction around a statement, nothing between it and the answer."""

import asyncio
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["SESSION_OPTION", "DirectReader"]

KEPT_STATEMENTS = 500
KEEP_MEMORY = "SELECT length(repeat(' ', 2000000))"
"""Lets the C library of the database's process see a large block come and go.

From then on it keeps blocks of up to that size; before, it gave the memory of each answer back to the system, and took
it again page by page, which was a fifth of the time of a large answer.
"""

SESSION_OPTION = "regulars_session"
"""The execution option of an engine that tells how its sessions are set up."""


class DirectReader:
    """Connections of their own, opened as the engine opens its, when they are first needed.

    They carry nothing from one statement to the next, so there is nothing to put back between two.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        pool: Any = engine.pool
        self._places = asyncio.Semaphore(pool.size())
        self._free: list[Any] = []

    async def read_text(self, statement: str, values: tuple[Any, ...], *, patience_s: float) -> str:
        """Return the one text that a statement returns; its values are those of the driver.

        Raises ``TimeoutError`` when that takes longer than ``patience_s``.
        """
        if self._free and not self._free[-1].is_closed() and not self._places.locked():
            return await self._read(statement, values, patience_s)
        async with asyncio.timeout(patience_s):  # which the driver does not count: for a place, or to connect
            return await self._read(statement, values, patience_s)

    async def _read(self, statement: str, values: tuple[Any, ...], patience_s: float) -> str:
        async with self._places:
            connection = await self._connection()
            try:
                found: Any = await connection.fetchval(statement, *values, timeout=patience_s)
            except asyncpg.PostgresError:
                self._free.append(connection)
                raise
            except BaseException:  # nobody knows what it is at
                connection.terminate()
                raise
            self._free.append(connection)
            return str(found)

    async def close(self) -> None:
        """Close every connection."""
        while self._free:
            await self._free.pop().close()

    async def _connection(self) -> Any:
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
        dialect: Any = self._engine.dialect
        _, options = dialect.create_connect_args(self._engine.url)
        session = self._engine.get_execution_options().get(SESSION_OPTION, {})
        opened: Any = await asyncpg.connect(
            **{name: value for name, value in options.items() if not name.startswith("prepared_statement")},
            statement_cache_size=KEPT_STATEMENTS,
            max_cached_statement_lifetime=0,
            # Compiling a statement of many short sub-selects to machine code takes longer than running it.
            server_settings={**session, "jit": "off"},
        )
        await opened.execute(KEEP_MEMORY)
        return opened
