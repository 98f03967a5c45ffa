from regulars.database import Database
from regulars.migrations import CORE, downgrade, state_of, upgrade


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
