import asyncio

from sqlalchemy import select

from regulars.access.models import Secret
from regulars.access.server_secret import ensure_server_secret
from regulars.database import Database


async def made_secret(database: Database) -> str:
    async with database.writing() as session:
        return await ensure_server_secret(session, configured="")


async def test_the_secret_is_made_once(database: Database) -> None:
    first = await made_secret(database)

    assert len(first) >= 48
    assert await made_secret(database) == first


async def test_processes_that_start_together_get_the_same_secret(database: Database) -> None:
    secrets = await asyncio.gather(*(made_secret(database) for _ in range(4)))

    assert len(set(secrets)) == 1


async def test_a_configured_secret_stays_out_of_the_database(database: Database) -> None:
    async with database.writing() as session:
        secret = await ensure_server_secret(session, configured="from the operator")

    async with database.reading() as session:
        kept = (await session.scalars(select(Secret))).all()
    assert secret == "from the operator"
    assert kept == []
