"""Run a statement in one visit to the thread of SQLite's driver; SQLAlchemy takes one for each step of a cursor."""

import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.util import EMPTY_DICT

__all__ = ["connect_in_visits"]


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
