import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text

from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.databases import PostgresDatabases

LONG_S = 10.0
SAY = "SELECT $1::text"
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
SLEEP = "SELECT pg_sleep(0.3)::text || $1::text"


@pytest.fixture
def url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    with postgres_databases.fresh(()) as url:
        yield url


@pytest_asyncio.fixture
async def narrow(url: str) -> AsyncIterator[Database]:
    """Give a database that is read over one connection."""
    database = Database(open_engine(Settings(database_url=url, pool_size=1)))
    yield database
    await database.close()


async def test_readers_of_one_connection_are_served_in_the_order_of_their_coming(narrow: Database) -> None:
    served: list[str] = []

    async def read(name: str) -> None:
        served.append(await narrow.read_text(SAY, (name,), patience_s=LONG_S))

    await asyncio.gather(*(read(name) for name in "abcde"))

    assert served == ["a", "b", "c", "d", "e"]


async def test_a_reader_that_waits_too_long_gives_up_and_the_next_one_is_served(narrow: Database) -> None:
    slow = asyncio.create_task(narrow.read_text(SLEEP, ("slow",), patience_s=LONG_S))
    hasty = asyncio.create_task(narrow.read_text(SAY, ("hasty",), patience_s=0.05))
    patient = asyncio.create_task(narrow.read_text(SAY, ("patient",), patience_s=LONG_S))

    with pytest.raises(TimeoutError):
        await hasty
    assert (await slow, await patient) == ("slow", "patient")


async def test_a_reader_that_is_cancelled_as_its_turn_comes_passes_it_on(narrow: Database) -> None:
    slow = asyncio.create_task(narrow.read_text(SLEEP, ("slow",), patience_s=LONG_S))
    cancelled = asyncio.create_task(narrow.read_text(SAY, ("cancelled",), patience_s=LONG_S))
    await asyncio.sleep(0.05)
    slow.add_done_callback(lambda _: cancelled.cancel())

    await asyncio.wait({slow, cancelled})

    assert cancelled.cancelled()
    assert await narrow.read_text(SAY, ("next",), patience_s=LONG_S) == "next"


async def test_a_statement_that_fails_leaves_its_connection_to_the_next(narrow: Database) -> None:
    before = await narrow.read_text("SELECT pg_backend_pid()::text", (), patience_s=LONG_S)

    with pytest.raises(asyncpg.UndefinedTableError):
        await narrow.read_text("SELECT * FROM nowhere", (), patience_s=LONG_S)

    assert await narrow.read_text("SELECT pg_backend_pid()::text", (), patience_s=LONG_S) == before


async def test_a_connection_that_the_database_has_ended_is_opened_anew(narrow: Database) -> None:
    await narrow.read_text(SAY, ("first",), patience_s=LONG_S)
    async with narrow.reading() as session:
        await session.execute(text(f"{OTHERS} AND datname = current_database()"))
    await asyncio.sleep(0.05)

    assert await narrow.read_text(SAY, ("next",), patience_s=LONG_S) == "next"
