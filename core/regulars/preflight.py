"""Look at the database before anything relies on it, and say in a sentence what is wrong.

ConfigurationError
├── DatabaseUnreachable
├── TablesMissing
└── TablesOutdated
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from regulars.database import Database
from regulars.errors import ConfigurationError
from regulars.revisions import CORE, OwnerState, UnknownRevision, state_of

__all__ = ["DatabaseUnreachable", "TablesMissing", "TablesOutdated", "check_database", "check_reachable"]

PATIENCE_S = 10.0


class DatabaseUnreachable(ConfigurationError):
    """Nothing answers at the address of the database, or it does not let us in."""

    code = "DATABASE_UNREACHABLE"

    def __init__(self, url: URL, reason: str) -> None:
        self.reason = reason
        if url.get_backend_name() == "sqlite":
            message = (
                f"The SQLite file {url.database} cannot be used: {reason}."
                " Check that its folder exists and may be written, or set REGULARS_DATABASE_URL."
            )
        else:
            message = (
                f"PostgreSQL at {_place(url)} cannot be used: {reason}."
                " Check REGULARS_DATABASE_URL, and that the server is running."
            )
        super().__init__(message)


class TablesMissing(ConfigurationError):
    """The database holds no tables yet."""

    code = "TABLES_MISSING"

    def __init__(self, url: URL) -> None:
        super().__init__(f"The database {_place(url)} has no tables yet. Run `regulars db upgrade`.")


class TablesOutdated(ConfigurationError):
    """The tables are those of an older version."""

    code = "TABLES_OUTDATED"

    def __init__(self, *, owner: str, current: str, newest: str | None) -> None:
        self.owner, self.current, self.newest = owner, current, newest
        super().__init__(
            f"The tables of {owner} are at revision {current}, and this version needs {newest}."
            " Run `regulars db upgrade`."
        )


async def check_reachable(database: Database) -> None:
    """Raise ``DatabaseUnreachable`` unless the database answers within ten seconds."""
    async with _within_reach(database.engine.url):
        await database.ping()


@asynccontextmanager
async def _within_reach(url: URL) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.to_thread(_open_file, url)
            yield
    except TimeoutError as error:
        raise DatabaseUnreachable(url, f"no answer within {PATIENCE_S:.0f} seconds") from error
    except DBAPIError as error:
        raise DatabaseUnreachable(url, _reason(error.orig or error)) from error
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnreachable(url, _reason(error)) from error


async def check_database(database: Database) -> OwnerState:
    """Return the state of the core's tables, which are the newest.

    Raises a ``ConfigurationError`` where they are not, or where the database does not answer. A SQLite file that does
    not exist is not made.
    """
    url = database.engine.url
    if _is_missing_file(url):
        raise TablesMissing(url)
    async with _within_reach(url):
        state = await state_of(database.engine, CORE)
    if state.current is None:
        raise TablesMissing(url)
    if not state.is_known:
        raise UnknownRevision(state.owner, state.current)
    if not state.is_newest:
        raise TablesOutdated(owner=state.owner, current=state.current, newest=state.newest)
    return state


def _open_file(url: URL) -> None:
    # The pool drops a connection that fails as it is prepared, and its thread then outlives the event loop.
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(url.database or ":memory:")) as connection:
            connection.execute("PRAGMA schema_version")


def _is_missing_file(url: URL) -> bool:
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return False
    path = Path(str(url.database))
    return path.parent.is_dir() and not path.exists()


def _place(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = str(url.query.get("host", url.host or "localhost"))
    return f"{host}:{url.port or 5432}/{url.database}"


def _reason(error: BaseException) -> str:
    lines = str(error.__cause__ or error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
