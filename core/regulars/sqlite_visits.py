"""Run a statement in one visit to the thread of SQLite's driver; SQLAlchemy takes one for each step of a cursor."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.util import EMPTY_DICT

__all__ = ["SqliteReader", "connect_in_visits"]

SHORT_S = 0.05


def connect_in_visits(dialect: Dialect, _record: object, arguments: Any, options: Any) -> Any:
    """Return a new connection, as SQLAlchemy's event ``do_connect`` wants it."""
    dbapi: Any = dialect.dbapi
    return _Connection(dbapi, dbapi.connect(*arguments, **options).driver_connection)


@dataclass(frozen=True)
class _Told:
    """What a cursor tells once it is closed."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1


def _run(
    connection: sqlite3.Connection, run: Callable[..., sqlite3.Cursor], asked: tuple[Any, ...]
) -> tuple[_Told, list[Any]]:
    """Return what came of a statement, and its rows; to be called in the driver's thread."""
    cursor = connection.cursor()
    try:
        run(cursor, *asked)
        rows = cursor.fetchall() if cursor.description else []
        return _Told(cursor.description, cursor.rowcount, cursor.lastrowid), rows
    finally:
        cursor.close()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that is there for as long as its statement runs."""

    __slots__ = ()

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = deque()
        self._soft_closed_memoized = EMPTY_DICT
        self._tell(_Told())

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        await self._visit(sqlite3.Cursor.execute, (operation,) if parameters is None else (operation, parameters))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._visit(sqlite3.Cursor.executemany, (operation, seq_of_parameters))

    async def _visit(self, run: Callable[..., sqlite3.Cursor], asked: tuple[Any, ...]) -> None:
        async with self._adapt_connection._execute_mutex:
            driver: Any = self._connection
            told, rows = await driver._execute(_run, driver._conn, run, asked)
        self._rows = deque(rows)
        self._tell(told)

    def _tell(self, told: Any) -> None:
        self._cursor = told

    async def _async_soft_close(self) -> None:
        """Leave the rows: the driver's cursor is closed already."""

    def close(self) -> None:
        """Forget the rows."""
        self._rows.clear()


class _Connection(AsyncAdapt_aiosqlite_connection):
    """A connection whose cursors take one visit; those that stream rows are SQLAlchemy's."""

    __slots__ = ()

    _cursor_cls = _Cursor


class SqliteReader:
    """A connection of SQLite's driver that only reads, asked as one of PostgreSQL's driver is."""

    def __init__(self, driver: Any) -> None:
        self._driver, self._is_lost = driver, False

    async def fetchval(self, statement: str, *values: Any, timeout: float) -> Any:  # noqa: ASYNC109  # as asyncpg has it
        """Return the first value of the first row; raises ``TimeoutError`` after ``timeout`` seconds."""
        driver = self._driver
        ending = asyncio.get_running_loop().call_later(timeout, driver._conn.interrupt)
        try:
            return await driver._execute(_first_value, driver._conn, statement, values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise TimeoutError from error
            raise
        except asyncio.CancelledError:
            self._is_lost = True
            await self._stop()
            self._is_lost = False
            raise
        finally:
            ending.cancel()

    async def _stop(self) -> None:
        # An interrupt that comes before the statement has begun does nothing.
        ended = asyncio.ensure_future(self._driver._execute(bool))
        while not ended.done():
            self._driver._conn.interrupt()
            await asyncio.wait({ended}, timeout=SHORT_S)

    def is_closed(self) -> bool:
        """Tell whether the connection can be used no more."""
        return not self._driver._running

    def terminate(self) -> None:
        """Close the connection if its statement could not be stopped."""
        if self._is_lost:
            self._driver.stop()

    async def close(self) -> None:
        """Close the connection."""
        await self._driver.close()


def _first_value(connection: sqlite3.Connection, statement: str, values: tuple[Any, ...]) -> Any:
    return connection.execute(statement, values).fetchone()[0]
