import pytest
from sqlalchemy import text

from regulars.database import Database
from regulars.migrations import differences, downgrade, upgrade
from regulars.revisions import CORE, state_of

pytestmark = pytest.mark.row(19)


async def test_a_fresh_database_stands_at_the_newest_revision(database: Database) -> None:
    state = await state_of(database.engine, CORE)

    assert state.is_newest
    assert state.current is not None


async def test_the_core_goes_down_and_up_again(database: Database) -> None:
    await downgrade(database.engine, CORE, revision="base")
    below = await state_of(database.engine, CORE)
    await upgrade(database.engine, [CORE])

    assert below.current is None
    assert (await state_of(database.engine, CORE)).is_newest


async def test_the_migrations_make_what_the_models_describe(database: Database) -> None:
    assert list(await differences(database.engine, CORE)) == []


async def test_a_table_that_no_model_describes_is_a_difference(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE core_forgotten (id INTEGER)"))

    found = await differences(database.engine, CORE)

    assert [(step, table.name) for step, table in found] == [("remove_table", "core_forgotten")]
