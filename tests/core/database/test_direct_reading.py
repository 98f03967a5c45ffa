"""A statement that the driver alone reads has a time limit, and what it does to its connection harms no other."""

import asyncio
import sqlite3

import asyncpg
import pytest
from sqlalchemy import text

from regulars.database import Database

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)::text",
}
PATIENCE_S = 5.0


async def read(database: Database, statement: str, *, patience_s: float = PATIENCE_S) -> str:
    return await database.read_text(statement, (), patience_s=patience_s)


async def test_a_statement_that_takes_too_long_is_given_up(database: Database) -> None:
    await read(database, "SELECT 'before'")

    with pytest.raises(TimeoutError):
        await read(database, ENDLESS[database.dialect], patience_s=0.1)

    assert await read(database, "SELECT 'after'") == "after"


async def test_a_statement_that_is_cancelled_is_stopped(database: Database) -> None:
    await read(database, "SELECT 'before'")
    task = asyncio.create_task(read(database, ENDLESS[database.dialect], patience_s=60))
    await asyncio.sleep(0.1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await read(database, "SELECT 'after'") == "after"


async def test_a_statement_that_is_cancelled_before_it_has_begun_is_stopped(database: Database) -> None:
    await read(database, "SELECT 'before'")
    task = asyncio.create_task(read(database, ENDLESS[database.dialect], patience_s=60))
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await read(database, "SELECT 'after'") == "after"


async def test_a_statement_that_fails_says_so_and_the_next_one_is_run(database: Database) -> None:
    with pytest.raises((sqlite3.Error, asyncpg.PostgresError), match="core_nothing"):
        await read(database, "SELECT name FROM core_nothing")

    assert await read(database, "SELECT 'after'") == "after"


async def test_what_was_committed_is_read_at_once(database: Database) -> None:
    await read(database, "SELECT 'opened'")

    async with database.writing() as session:
        await session.execute(text("CREATE TABLE thing AS SELECT 'one' AS name"))

    assert await read(database, "SELECT name FROM thing") == "one"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
async def test_a_connection_of_sqlite_writes_nothing(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE thing AS SELECT 'one' AS name"))

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await read(database, "UPDATE thing SET name = 'two' RETURNING name")

    assert await read(database, "SELECT name FROM thing") == "one"
