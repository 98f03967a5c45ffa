"""What the page on the randomiser shows is what it does."""

from typing import Any

import pytest
from tests.docs.pages import DOCS, blocks_of

from regulars.assignment.draws import drawing
from regulars.clock import SettableClock
from regulars.database import Database

PAGE = DOCS / "explanation" / "how-the-randomiser-works.md"


@pytest.fixture
def page() -> dict[str, Any]:
    """Give what the page defines."""
    names: dict[str, Any] = {}
    for block in blocks_of(PAGE):
        exec(block.text, names)
    return names


def test_the_numbers_are_computed_as_the_page_says(page: dict[str, Any]) -> None:
    drawn = drawing("a seed", "birthday")("customer-7")

    assert page["draw"]("a seed", "entry", "birthday", "customer-7") == drawn.entry
    assert page["draw"]("a seed", "arm", "birthday", "customer-7") == drawn.arm


async def test_a_plugin_assigns_as_the_page_shows(
    page: dict[str, Any], database: Database, clock: SettableClock
) -> None:
    customers = [f"customer-{number}" for number in range(200)]

    async with database.writing() as session:
        today = await page["thanked"](session, customers, now=clock.now())
    async with database.writing() as session:
        tomorrow = await page["thanked"](session, customers[::-1], now=clock.now())

    assert today == tomorrow
    assert 130 < len(today) < 190
