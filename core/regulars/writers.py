"""The connections of those who write: some are kept for the next, and on SQLite each waits for a turn.

SQLite has one writer at a time and lets the others look again and again who comes first, so the writers of a process
queue before they begin.
"""

import asyncio
import sqlite3
from typing import Any

from sqlalchemy import PoolProxiedConnection, QueuePool
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

__all__ = ["BEGIN_WRITING", "LONGEST_WAIT_S", "Writers"]

BEGIN_WRITING = "BEGIN IMMEDIATE"
"""Says on SQLite from the start that a transaction writes."""

LONGEST_WAIT_S = 30
"""How long a writer waits for those before it; SQLite waits as long for writers of other processes."""


class Writers:
    """Gives connections to those who write, who may give back only such as have nothing under way.

    Taking one from SQLAlchemy's pool, and giving it back, costs as much as a statement. So some that came from there
    are kept: at most as many as the pool usually has, which leaves those to the others that it may open besides.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: list[PoolProxiedConnection] = []
        self._turn = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @property
    def kept(self) -> int:
        """Return how many connections wait for the next writer."""
        return len(self._kept)

    async def take(self) -> PoolProxiedConnection:
        """Return a connection; raises ``OperationalError`` when its turn does not come."""
        if self._turn is not None:
            await _await(self._turn)
        try:
            while self._kept:
                if self._is_at_rest(kept := self._kept.pop()):
                    return kept
                await greenlet_spawn(kept.invalidate)
            return await self._engine.raw_connection()
        except BaseException:
            self._end_turn()
            raise

    async def give_back(self, held: PoolProxiedConnection) -> None:
        """Take a connection back, and roll back what is under way on it."""
        try:
            pool = self._engine.pool
            if isinstance(pool, QueuePool) and len(self._kept) < pool.size() and self._is_at_rest(held):
                self._kept.append(held)
            else:
                await greenlet_spawn(held.close)
        finally:
            self._end_turn()

    async def close(self) -> None:
        """Give back to the pool what is kept."""
        while self._kept:
            await greenlet_spawn(self._kept.pop().close)

    def _is_at_rest(self, held: PoolProxiedConnection) -> bool:
        driver: Any = held.driver_connection if held.is_valid else None
        if driver is None:
            return False
        if self._turn is not None:
            return not driver.in_transaction
        return not (driver.is_closed() or driver.is_in_transaction())

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.release()


async def _await(turn: asyncio.Lock) -> None:
    try:
        async with asyncio.timeout(LONGEST_WAIT_S):
            await turn.acquire()
    except TimeoutError as error:
        raise OperationalError(BEGIN_WRITING, None, sqlite3.OperationalError("database is locked")) from error
