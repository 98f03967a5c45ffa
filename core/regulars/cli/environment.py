"""What most commands need: a database that was looked at."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from regulars.cli.settings import read_settings
from regulars.database import Database, open_engine
from regulars.preflight import check_database, check_reachable
from regulars.settings import Settings
from regulars.web.logging import set_up_logging

__all__ = ["command_settings", "with_database", "with_tables"]

T = TypeVar("T")


def command_settings() -> Settings:
    """Return the settings for a command that prints its result: readable logs go to standard error, out of its way."""
    settings = read_settings()
    set_up_logging(settings.model_copy(update={"mode": "development"}), to=sys.stderr)
    return settings


def with_tables(work: Callable[[Database, Settings, datetime], Awaitable[T]]) -> T:
    """Run ``work`` with a database whose tables are the newest; it gets the time, too.

    Raises a ``ConfigurationError`` that says what is wrong with the database.
    """
    return _with(work, check_database)


def with_database(work: Callable[[Database, Settings, datetime], Awaitable[T]]) -> T:
    """Run ``work`` with a database that answers, whatever its tables are."""
    return _with(work, check_reachable)


def _with(
    work: Callable[[Database, Settings, datetime], Awaitable[T]], check: Callable[[Database], Awaitable[object]]
) -> T:
    settings = command_settings()

    async def run() -> T:
        database = Database(open_engine(settings))
        try:
            await check(database)
            return await work(database, settings, datetime.now(UTC))
        finally:
            await database.close()

    return asyncio.run(run())
