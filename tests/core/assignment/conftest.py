from collections.abc import Sequence
from typing import Any

import pytest

from regulars.assignment.draws import Arm
from regulars.assignment.models import AssignmentProgramme
from regulars.assignment.programmes import create_programme
from regulars.assignment.service import Assigned, assign_units
from regulars.clock import SettableClock
from regulars.database import Database

HALVES = (Arm("control", 0.5), Arm("treated", 0.5))
SEED = "a seed of the tests"


class Randomiser:
    """One database, and programmes in it."""

    def __init__(self, database: Database, clock: SettableClock) -> None:
        self.database, self.clock = database, clock

    async def programme(
        self, key: str = "pilot", *, arms: Sequence[Arm] = HALVES, **details: Any
    ) -> AssignmentProgramme:
        given = {"owner": "experiments", "seed": SEED, "now": self.clock.now(), **details}
        async with self.database.writing() as session:
            return await create_programme(session, key=key, arms=arms, **given)

    async def assign(self, programme: AssignmentProgramme, units: Sequence[str]) -> Assigned:
        async with self.database.writing() as session:
            return await assign_units(session, programme=programme, units=units, now=self.clock.now())


@pytest.fixture
def randomiser(database: Database, clock: SettableClock) -> Randomiser:
    return Randomiser(database, clock)


def units(count: int, begin: int = 0) -> list[str]:
    """Return ids of units."""
    return [f"unit-{number}" for number in range(begin, begin + count)]
