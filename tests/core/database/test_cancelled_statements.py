import asyncio
from contextlib import suppress

from sqlalchemy import text

from regulars.database import Database

TWO_ROWS = "SELECT 1 UNION ALL SELECT 2"
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


async def test_a_statement_that_is_cancelled_lets_go_of_its_lock(database: Database) -> None:
    has_begun = asyncio.Event()
    errors: list[BaseException] = []

    async def dawdle() -> None:
        try:
            async with database.writing() as session:
                await session.execute(text("UPDATE core_schema_revision SET number = 1"))
                has_begun.set()
                await session.execute(text(ENDLESS[database.dialect]))
        except BaseException as error:
            errors.append(error)  # what is remembered of the error must not keep the statement alive
            raise

    task = asyncio.create_task(dawdle())
    await has_begun.wait()
    await asyncio.sleep(0.1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    async with asyncio.timeout(10), database.writing() as session:
        await session.execute(text("UPDATE core_schema_revision SET number = 2"))
    assert len(errors) == 1


async def test_a_writer_that_is_given_up_between_two_statements_lets_go_of_its_lock(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(text("UPDATE core_schema_revision SET number = 1"))
        rows = await session.stream(text(TWO_ROWS))
        await rows.fetchone()
        await session.invalidate()

    async with asyncio.timeout(10), database.writing() as other:
        await other.execute(text("UPDATE core_schema_revision SET number = 2"))
    assert rows is not None
