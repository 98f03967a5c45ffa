"""Read by the driver alone: no transaction around a statement, nothing between it and the answer."""

import asyncio
from collections import deque
from dataclasses import dataclass
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

QUICK_S = 0.01
"""How long a statement on SQLite runs before the next one begins beside it."""

SESSION_OPTION = "regulars_session"
"""The execution option of an engine that tells how its sessions are set up."""


@dataclass(eq=False, slots=True)
class _Place:
    """Where a connection is kept, once it is opened."""

    connection: Any = None

    @property
    def is_open(self) -> bool:
        return self.connection is not None and not self.connection.is_closed()


class DirectReader:
    """Connections of their own, opened as the engine opens its, when they are first needed.

    Taking one from SQLAlchemy's pool, and giving it back, costs as much as the rest of a short request. These carry
    nothing from one statement to the next, so there is nothing to put back between two. Who waits is served in the
    order of coming, by the connection that was used last.

    On SQLite one statement runs after another: in several threads of one process they would wait for one another at
    every turn, for the lock that SQLite has around its memory, and for Python's. A statement that goes on for longer
    than ``quick_s`` gets company, so that it holds up nobody.
    """

    def __init__(self, engine: AsyncEngine, *, quick_s: float = QUICK_S) -> None:
        self._engine, self._quick_s = engine, quick_s
        pool: Any = engine.pool
        # A database in memory has no second connection.
        self._places = [_Place() for _ in range(pool.size() if hasattr(pool, "size") else 0)]
        self._free = self._places.copy()
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._open = _open_sqlite if self._is_sqlite else _open_postgres
        self._at_once = 1 if self._is_sqlite else len(self._places)
        self._quick: set[_Place] = set()
        """Where statements run that count; those that are not quick count no more."""
        self._waiting: deque[asyncio.Future[_Place]] = deque()

    async def read_text(self, statement: str, values: tuple[Any, ...], *, patience_s: float) -> str:
        """Return the one text that a statement returns; its values are those of the driver.

        Raises ``TimeoutError`` when that takes longer than ``patience_s``.
        """
        if self._has_room() and self._free[-1].is_open:
            return await self._read(self._take(), statement, values, patience_s)
        async with asyncio.timeout(patience_s):  # which the driver does not count: for a turn, or to connect
            return await self._read(await self._turn(), statement, values, patience_s)

    async def close(self) -> None:
        """Close every connection, after those who came before are served."""
        for _ in self._places:
            place = await self._turn()
            self._pass_on(place)
            if place.is_open:
                await place.connection.close()
        self._free = self._places.copy()

    async def _read(self, place: _Place, statement: str, values: tuple[Any, ...], patience_s: float) -> str:
        passing_on = None
        if self._is_sqlite:
            passing_on = asyncio.get_running_loop().call_later(self._quick_s, self._pass_on, place)
        try:
            if not place.is_open:
                place.connection = await self._open(self._engine)
            return str(await place.connection.fetchval(statement, *values, timeout=patience_s))
        except driver_errors():
            raise
        except BaseException:  # nobody knows what it is at
            if place.connection is not None:
                place.connection.terminate()
            raise
        finally:
            if passing_on is not None:
                passing_on.cancel()
            self._free.append(place)
            self._pass_on(place)

    async def _turn(self) -> _Place:
        """Return a place when one is free, and nobody came before."""
        if self._has_room():
            return self._take()
        turn: asyncio.Future[_Place] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came at the same moment
                self._free.append(turn.result())
                self._pass_on(turn.result())
            raise

    def _has_room(self) -> bool:
        return bool(self._free) and len(self._quick) < self._at_once

    def _take(self) -> _Place:
        place = self._free.pop()
        self._quick.add(place)
        return place

    def _pass_on(self, place: _Place) -> None:
        """Let the next one begin, for a statement has ended or takes long."""
        self._quick.discard(place)
        while self._waiting and self._has_room():
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(self._take())


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
