"""Needs that take too long are given up, and are the fault of the one plugin whose they are."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import Text, literal_column, text

from regulars.contact.needs import need_value
from regulars.contact.readings import NeedsReader
from regulars.contact.rules import ContactRule
from regulars.customers.models import Customer
from regulars.database import Database, open_engine
from regulars.testing.app import App

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)::text",
}
NAME = ContactRule(
    "named", lambda needs, request, at: None, {"name": need_value(Customer.display_name)}, ("marketing",)
)


@pytest_asyncio.fixture
async def hasty(app: App) -> AsyncIterator[Database]:
    """Give the database of the server to somebody who has little time."""
    settings = app.server.settings.model_copy(update={"statement_timeout_s": 0.2})
    database = Database(open_engine(settings))
    yield database
    await database.close()


def reader(dialect: str) -> NeedsReader:
    endless = need_value(literal_column(f"({ENDLESS[dialect]})", Text()))
    slow = replace(NAME, id="slow", needs={"forever": endless})
    return NeedsReader([replace(NAME, owner="quick"), replace(slow, owner="slow")])


@pytest.mark.parametrize("many", [1, 2])
async def test_needs_that_take_too_long_are_lost_and_the_others_are_told(app: App, hasty: Database, many: int) -> None:
    customers = [await app.add_customer(name) for name in ("Ada", "Bo")[:many]]

    async with hasty.reading() as session:
        told, failures = await reader(hasty.dialect).read(session, customers, {}, now=app.clock.now())

    assert [failure.owner for failure in failures] == ["slow"]
    assert [told[id].by_owner["quick"] for id in customers] == [["Ada"], ["Bo"]][:many]


async def test_what_was_written_before_outlives_needs_that_take_too_long(app: App, hasty: Database) -> None:
    ada = await app.add_customer("Ada")

    async with hasty.writing() as session:
        await session.execute(text("UPDATE core_customer SET display_name = 'Ada L.'"))
        told, failures = await reader(hasty.dialect).read(session, [ada], {}, now=app.clock.now())

    assert [failure.owner for failure in failures] == ["slow"]
    assert told[ada].by_owner["quick"] == ["Ada L."]
    async with app.database.reading() as session:
        assert (await session.execute(text("SELECT display_name FROM core_customer"))).scalars().all() == ["Ada L."]
