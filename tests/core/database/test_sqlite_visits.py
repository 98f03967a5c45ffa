"""What SQLAlchemy asks of SQLite takes as few visits to the driver's thread as can be."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from regulars.database import open_engine
from regulars.settings import Settings


class Visits:
    """Counts what is put before the driver's thread."""

    def __init__(self, queue: Any) -> None:
        self._queue, self.count = queue, 0

    def put_nowait(self, visit: object) -> None:
        self.count += 1
        self._queue.put_nowait(visit)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    engine = open_engine(Settings(database_url=f"sqlite:///{tmp_path}/shop.db"))
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"))
        yield connection
    await engine.dispose()


async def visits_of(connection: AsyncConnection) -> Visits:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    driver._tx = Visits(driver._tx)
    visits: Visits = driver._tx
    return visits


async def test_reading_rows_takes_one_visit(connection: AsyncConnection) -> None:
    visits = await visits_of(connection)

    rows = (await connection.execute(text("SELECT 1 AS one UNION ALL SELECT 2"))).all()

    assert [row.one for row in rows] == [1, 2]
    assert visits.count == 1


async def test_writing_many_rows_takes_one_visit_and_tells_how_many(connection: AsyncConnection) -> None:
    names = [{"name": f"thing {number}"} for number in range(300)]
    visits = await visits_of(connection)

    written = await connection.execute(text("INSERT INTO thing (name) VALUES (:name)"), names)

    assert (written.rowcount, visits.count) == (300, 1)
    assert await connection.scalar(text("SELECT count(*) FROM thing")) == 300


async def test_a_written_row_tells_its_id(connection: AsyncConnection) -> None:
    await connection.execute(text("INSERT INTO thing (id, name) VALUES (7, 'seventh')"))

    written = await connection.execute(text("INSERT INTO thing (name) VALUES ('eighth')"))

    assert (written.lastrowid, written.rowcount) == (8, 1)


async def test_a_statement_that_fails_says_so_and_the_next_one_is_run(connection: AsyncConnection) -> None:
    await connection.execute(text("INSERT INTO thing (name) VALUES ('one')"))

    with pytest.raises(IntegrityError, match="UNIQUE"):
        await connection.execute(text("INSERT INTO thing (name) VALUES ('one')"))

    assert await connection.scalar(text("SELECT count(*) FROM thing")) == 1


async def test_rows_that_are_streamed_come_a_few_at_a_time(connection: AsyncConnection) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

    async with connection.stream(text(numbers)) as rows:
        first = await rows.fetchmany(3)

    assert [row.i for row in first] == [1, 2, 3]
