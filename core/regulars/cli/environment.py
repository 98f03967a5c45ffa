"""What every command needs: the settings, and a database that was looked at."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from regulars.database import Database, open_engine
from regulars.errors import ConfigurationError
from regulars.preflight import check_database, check_reachable
from regulars.settings import Settings
from regulars.web.logging import set_up_logging

__all__ = ["SettingsRefused", "command_settings", "read_settings", "with_database", "with_tables"]

T = TypeVar("T")


class SettingsRefused(ConfigurationError):
    """The environment sets something to a value that it cannot have."""

    code = "SETTINGS_REFUSED"

    def __init__(self, refused: ValidationError) -> None:
        problems = [
            f"REGULARS_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in refused.errors(include_url=False, include_input=False)
        ]
        super().__init__(" ".join(problem if problem.endswith(".") else f"{problem}." for problem in problems))


def read_settings(**given: object) -> Settings:
    """Return the settings of the environment; what is ``given`` and not None outranks them.

    Raises ``SettingsRefused`` naming each variable that is wrong.
    """
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**chosen)
    except ValidationError as error:
        raise SettingsRefused(error) from None


def command_settings() -> Settings:
    """Return the settings for a command that prints its result: logs go to standard error, out of its way."""
    settings = read_settings()
    set_up_logging(settings, to=sys.stderr)
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
    work: Callable[[Database, Settings, datetime], Awaitable[T]], check: Callable[[Database], Awaitable[None]]
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
