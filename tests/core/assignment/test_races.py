"""Row 7 (b) of the test plan: however many assign at once, each unit has one row, and all are told the same arm."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest
import pytest_asyncio
from sqlalchemy import func, select
from sqlmodel import col
from tests.core.assignment.conftest import Randomiser, units
from tests.plan import Figures

from regulars.assignment.models import AssignedUnit, AssignmentProgramme
from regulars.assignment.service import Assigned, assign_units
from regulars.clock import SettableClock
from regulars.database import Database, open_engine
from regulars.settings import Settings

SEED_OF_RACES = 7
RACES = 50
PROCESSES = 4
EACH = 30


@pytest_asyncio.fixture
async def processes(database_url: str) -> AsyncIterator[Sequence[Database]]:
    """Give databases that share nothing but the database itself, as those of processes do."""
    opened = [Database(open_engine(Settings(database_url=database_url, pool_size=2))) for _ in range(PROCESSES)]
    yield opened
    for database in opened:
        await database.close()


async def race(
    processes: Sequence[Database],
    programmes: Sequence[AssignmentProgramme],
    wanted: Sequence[str],
    clock: SettableClock,
) -> list[Assigned]:
    """Assign all units by each process at once, in an order of its own, each process in the next programme."""

    async def assign(number: int, database: Database) -> Assigned:
        shuffled = list(wanted)
        Random(f"{SEED_OF_RACES} {number} {wanted[0]}").shuffle(shuffled)
        async with database.writing() as session:
            return await assign_units(
                session, programme=programmes[number % len(programmes)], units=shuffled, now=clock.now()
            )

    return await asyncio.gather(*(assign(number, database) for number, database in enumerate(processes)))


async def counts(database: Database) -> tuple[int, int]:
    async with database.reading() as session:
        rows = await session.scalar(select(func.count()).select_from(AssignedUnit)) or 0
        distinct = await session.scalar(select(func.count(func.distinct(col(AssignedUnit.unit))))) or 0
    return rows, distinct


@pytest.mark.row(7)
async def test_processes_that_assign_the_same_units_tell_the_same_arms(
    randomiser: Randomiser, processes: Sequence[Database], clock: SettableClock, figures: Figures
) -> None:
    programme = await randomiser.programme()

    outcomes = [await race(processes, [programme], units(EACH, number * EACH), clock) for number in range(RACES)]

    figures(races=RACES, processes=PROCESSES, units=RACES * EACH)
    told = [[each.by_unit for each in outcome] for outcome in outcomes]
    assert [arms.count(arms[0]) for arms in told] == [PROCESSES] * RACES
    assert await counts(randomiser.database) == (RACES * EACH, RACES * EACH)


@pytest.mark.row(7)
async def test_programmes_of_one_layer_that_assign_the_same_units_share_them(
    randomiser: Randomiser, processes: Sequence[Database], clock: SettableClock, figures: Figures
) -> None:
    programmes = [await randomiser.programme(f"pilot-{number}", layer="mail") for number in range(PROCESSES)]

    outcomes = [await race(processes, programmes, units(EACH, number * EACH), clock) for number in range(RACES)]

    figures(races=RACES, processes=PROCESSES, units=RACES * EACH)
    taken = [sum(len(each.by_unit) for each in outcome) for outcome in outcomes]
    refused = [sum(len(each.excluded) for each in outcome) for outcome in outcomes]
    assert taken == [EACH] * RACES
    assert refused == [EACH * (PROCESSES - 1)] * RACES
    assert await counts(randomiser.database) == (RACES * EACH, RACES * EACH)


@pytest.mark.full
@pytest.mark.row(7)
@pytest.mark.timeout(1200)
async def test_2000_races_end_alike(
    randomiser: Randomiser, processes: Sequence[Database], clock: SettableClock, figures: Figures
) -> None:
    programme = await randomiser.programme(layer="mail")

    outcomes = [await race(processes, [programme], units(EACH, number * EACH), clock) for number in range(2000)]

    figures(races=2000, processes=PROCESSES, units=2000 * EACH)
    assert {len({frozenset(each.by_unit.items()) for each in outcome}) for outcome in outcomes} == {1}
    assert await counts(randomiser.database) == (2000 * EACH, 2000 * EACH)
