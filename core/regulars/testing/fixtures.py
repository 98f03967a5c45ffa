"""Fixtures for pytest, there for every plugin author as soon as `regulars[testing]` is installed."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from regulars.clock import SettableClock
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.databases import PostgresDatabases, SqliteDatabases, TestDatabases, postgres_server

__all__ = ["clock", "database", "database_url", "databases", "empty_database_url"]


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Give a maker of SQLite databases."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest) -> Iterator[PostgresDatabases]:
    """Give a maker of PostgreSQL databases; the processes of one test run share the server."""
    worker = getattr(request.config, "workerinput", {})
    run_id = str(worker.get("testrunuid", "")) or datetime.now(UTC).strftime("%H%M%S%f")
    with postgres_server(run_id) as url:
        databases = PostgresDatabases(url)
        yield databases
        databases.drop_templates()


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
async def database(database_url: str) -> AsyncIterator[Database]:
    """Give a fresh database with the core's tables, once for each kind of database."""
    opened = Database(open_engine(Settings(database_url=database_url)))
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> SettableClock:
    """Give a clock that stands at noon of 2 March 2026 until it is moved."""
    return SettableClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
