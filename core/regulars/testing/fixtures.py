"""Fixtures for pytest, there for every plugin author as soon as `regulars[testing]` is installed."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import pytest_asyncio
import structlog

from regulars.clock import SettableClock
from regulars.database import Database
from regulars.settings import Settings
from regulars.testing.databases import PostgresDatabases, SqliteDatabases, TestDatabases, postgres_server, quick_folder

if TYPE_CHECKING:
    from regulars.testing.app import App
    from regulars.testing.making import GivenPlugin

__all__ = [
    "MakeApp",
    "app",
    "clock",
    "database",
    "database_url",
    "databases",
    "empty_database_url",
    "make_app",
    "plugins",
    "server_settings",
]


def pytest_configure() -> None:
    """Print faults without the values of variables, which would take seconds for each one that a test provokes."""
    *others, _renderer = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, plain])


class MakeApp(Protocol):
    """Makes a server with these plugins, on a database of its own."""

    async def __call__(self, *plugins: "GivenPlugin") -> "App":
        """Return the server; it ends with the test."""
        ...


@pytest.fixture(scope="session")
def sqlite_databases() -> Iterator[SqliteDatabases]:
    """Give a maker of SQLite databases."""
    with TemporaryDirectory(prefix="regulars-", dir=quick_folder()) as folder:
        yield SqliteDatabases(Path(folder))


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest) -> Iterator[PostgresDatabases]:
    """Give a maker of PostgreSQL databases; the processes of one test run share the server."""
    worker = getattr(request.config, "workerinput", {})
    run_id = str(worker.get("testrunuid", "")) or datetime.now(UTC).strftime("%H%M%S%f")
    with postgres_server(run_id) as url:
        databases = PostgresDatabases(url)
        yield databases
        databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> TestDatabases:
    """Give a maker of databases, once for each kind."""
    maker: TestDatabases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases"
    )
    return maker


@pytest.fixture
def database_url(databases: TestDatabases) -> Iterator[str]:
    """Give the address of a fresh database with the core's tables, once for each kind of database."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: TestDatabases) -> Iterator[str]:
    """Give the address of a fresh database without any table, once for each kind of database."""
    with databases.fresh(()) as url:
        yield url


@pytest_asyncio.fixture
async def database(databases: TestDatabases, database_url: str) -> AsyncIterator[Database]:
    """Give a fresh database with the core's tables, once for each kind of database."""
    opened = databases.opened(Settings(database_url=database_url))
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> SettableClock:
    """Give a clock that stands at noon of 2 March 2026 until it is moved."""
    return SettableClock(datetime(2026, 3, 2, 12, tzinfo=UTC))


@pytest.fixture
def plugins() -> Sequence["GivenPlugin"]:
    """Give the plugins of ``app``: none, unless a conftest or a test module says otherwise."""
    return ()


@pytest.fixture
def server_settings() -> dict[str, Any]:
    """Give the settings of ``app`` that differ from the defaults."""
    return {}


@pytest_asyncio.fixture
async def make_app(
    databases: TestDatabases, clock: SettableClock, server_settings: dict[str, Any]
) -> AsyncIterator[MakeApp]:
    """Give a maker of servers, once for each kind of database; all that it made share the clock."""
    from regulars.testing.making import running_app  # the server takes a second to import; not every test needs it

    async with AsyncExitStack() as stack:

        async def make(*plugins: "GivenPlugin") -> "App":
            return await stack.enter_async_context(running_app(databases, plugins, clock, **server_settings))

        yield make


@pytest_asyncio.fixture
async def app(make_app: MakeApp, plugins: Sequence["GivenPlugin"]) -> "App":
    """Give the real server with ``plugins`` enabled, on a fresh database, once for each kind of database."""
    return await make_app(*plugins)
