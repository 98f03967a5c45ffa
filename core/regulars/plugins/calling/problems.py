"""What went wrong in plugins: counted in memory at once, and in the database by a transaction of its own."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.clock import Clock
from regulars.database import Database
from regulars.plugins.models import PluginProblem

__all__ = ["Problem", "Problems", "read_problems"]

LONGEST_KEY = 200
LONGEST_MESSAGE = 1000
MOST_KEYS = 100
MANY = "more"

log = structlog.get_logger("regulars.plugins")


@dataclass(frozen=True)
class Problem:
    """Something that went wrong in a plugin, and how often."""

    plugin_id: str
    key: str
    message: str
    is_critical: bool
    count: int
    first_seen_at: datetime
    last_seen_at: datetime


class Problems:
    """The problems that this process has met.

    They are never written inside the transaction in which they came up: it may be the one that fails. On SQLite the
    writing waits in the background until that transaction is over.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Problem] = {}
        self._unwritten: dict[tuple[str, str], Problem] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writing: asyncio.Task[None] | None = None

    def attach(self) -> None:
        """Write in the background of the event loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def report(self, plugin_id: str, key: str, message: str, is_critical: bool = False) -> None:
        """Count a problem; may be called from any thread."""
        with self._lock:
            key = self._bounded(plugin_id, key)
            now = self._clock.now()
            problem = Problem(plugin_id, key, message[:LONGEST_MESSAGE], is_critical, 1, now, now)
            self._known[plugin_id, key] = _counted(self._known.get((plugin_id, key)), problem)
            self._unwritten[plugin_id, key] = _counted(self._unwritten.get((plugin_id, key)), problem)
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed; `settle` or nobody writes it
                self._loop.call_soon_threadsafe(self._write_soon)

    def reporter(self, plugin_id: str) -> Callable[[str, str, bool], None]:
        """Return ``report`` for one plugin, as its context wants it."""
        return lambda key, message, is_critical: self.report(plugin_id, key, message, is_critical)

    def known(self, plugin_id: str) -> tuple[Problem, ...]:
        """Return what this process has met in a plugin, by key."""
        with self._lock:
            return tuple(self._known[key] for key in sorted(self._known) if key[0] == plugin_id)

    async def forget(self, session: AsyncSession, plugin_id: str) -> None:
        """Delete the problems of a plugin."""
        with self._lock:
            for problems in (self._known, self._unwritten):
                for key in [key for key in problems if key[0] == plugin_id]:
                    del problems[key]
        await session.execute(delete(PluginProblem).where(col(PluginProblem.plugin_id) == plugin_id))

    async def resolve(self, plugin_ids: Sequence[str], *, keys: Sequence[str]) -> None:
        """Delete problems of these kinds, which are over, writing only where there are any."""
        if not plugin_ids:
            return
        over = (col(PluginProblem.plugin_id).in_(plugin_ids), col(PluginProblem.key).in_(keys))
        async with self._database.reading() as session:
            if (await session.scalars(select(PluginProblem).where(*over).limit(1))).first() is None:
                return
        async with self._database.writing() as session:
            await session.execute(delete(PluginProblem).where(*over))

    async def settle(self) -> None:
        """Write what is not written yet."""
        if self._writing is not None:
            await self._writing
        await self._write()

    def _bounded(self, plugin_id: str, key: str) -> str:
        key = key[:LONGEST_KEY]
        is_new = (plugin_id, key) not in self._known
        return MANY if is_new and sum(known[0] == plugin_id for known in self._known) >= MOST_KEYS else key

    def _write_soon(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._unwritten:
            with self._lock:
                problems, self._unwritten = self._unwritten, {}
            try:
                async with self._database.writing() as session:
                    for problem in problems.values():
                        await _write_problem(session, problem)
            except (SQLAlchemyError, OSError) as error:
                log.warning("plugin.problems_not_written", problems=len(problems), error=type(error).__name__)
                with self._lock:
                    for key, problem in problems.items():
                        newer = self._unwritten.get(key)
                        self._unwritten[key] = problem if newer is None else _counted(problem, newer)
                return


def _counted(earlier: Problem | None, problem: Problem) -> Problem:
    if earlier is None:
        return problem
    return replace(problem, count=earlier.count + problem.count, first_seen_at=earlier.first_seen_at)


async def _write_problem(session: AsyncSession, problem: Problem) -> None:
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    row = insert(PluginProblem).values(vars(problem))
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["plugin_id", "key"],
            set_={
                "message": row.excluded.message,
                "is_critical": row.excluded.is_critical,
                "count": col(PluginProblem.count) + row.excluded.count,
                "last_seen_at": func.max(PluginProblem.last_seen_at, row.excluded.last_seen_at)
                if insert is sqlite_insert
                else func.greatest(PluginProblem.last_seen_at, row.excluded.last_seen_at),
            },
        )
    )


async def read_problems(session: AsyncSession) -> dict[str, tuple[Problem, ...]]:
    """Return the problems of every process since each plugin was enabled, by plugin, ordered by key."""
    rows = (
        await session.scalars(select(PluginProblem).order_by(col(PluginProblem.plugin_id), col(PluginProblem.key)))
    ).all()
    problems: dict[str, tuple[Problem, ...]] = {}
    for row in rows:
        problems[row.plugin_id] = (*problems.get(row.plugin_id, ()), Problem(**row.model_dump()))
    return problems
