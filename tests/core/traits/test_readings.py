from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.customers.models import Customer
from regulars.database import Database
from regulars.tables import new_id
from regulars.traits.models import TraitDefinition, TraitValue
from regulars.traits.readings import TraitReading, read_traits
from regulars.traits.registry import TraitRegistry

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ALL = frozenset({"traits:read", "scoring:read", "liking:read"})

Define = Callable[..., Awaitable[TraitDefinition]]
Put = Callable[..., Awaitable[Any]]
Read = Callable[..., Awaitable[dict[UUID, list[TraitReading]]]]


@pytest.fixture
def read(session: AsyncSession, registry: TraitRegistry, plugin_tables: None) -> Read:
    async def found(*customer_ids: UUID, permissions: frozenset[str] = ALL) -> dict[UUID, list[TraitReading]]:
        return await read_traits(
            session, customer_ids=customer_ids, registry=registry, permissions=permissions, now=NOW
        )

    return found


async def say(session: AsyncSession, customer: Customer, key: str, said: str, **details: Any) -> None:
    usual: dict[str, Any] = {"profile_id": customer.id, "provenance": "imported", "source": "crm", "as_of": NOW}
    session.add(TraitValue(customer_id=customer.id, key=key, text_value=said, **(usual | details)))
    await session.flush()


def as_pairs(readings: list[TraitReading]) -> list[tuple[str, Any]]:
    return [(reading.key, reading.value) for reading in readings]


@contextmanager
def counted_statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def remember(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", remember)


async def test_the_companys_traits_and_those_of_plugins_are_read_together_by_key(
    session: AsyncSession, define: Define, read: Read, score: Put, like: Put, customer: Customer
) -> None:
    await define("colour")
    await say(session, customer, "colour", "blue")
    await score(customer.id, points=12.5, tier="gold", is_loyal=True, last_visit=NOW + DAY, computed_at=NOW - DAY)
    await like(customer.id, 3)

    readings = (await read(customer.id))[customer.id]

    assert as_pairs(readings) == [
        ("colour", "blue"),
        ("liking.count", Decimal(3)),
        ("scoring.is_loyal", True),
        ("scoring.is_recent", True),
        ("scoring.last_visit", NOW + DAY),
        ("scoring.points", Decimal("12.5")),
        ("scoring.tier", "gold"),
    ]
    assert readings[0] == TraitReading("colour", "Colour", "text", "imported", "blue", "crm", NOW)
    assert readings[5].as_of == NOW - DAY
    assert readings[6] == TraitReading("scoring.tier", "Tier", "text", "inferred", "gold", "scoring", None)


async def test_values_of_every_type_come_back_as_they_were_set(
    session: AsyncSession, define: Define, read: Read, customer: Customer
) -> None:
    await define("size", "number")
    await define("is_member", "boolean")
    await define("since", "time")
    told: dict[str, Any] = {"provenance": "imported", "source": "crm", "as_of": NOW}
    told |= {"customer_id": customer.id, "profile_id": customer.id}
    session.add_all(
        [
            TraitValue(key="size", number_value=Decimal("41.5"), **told),
            TraitValue(key="is_member", boolean_value=False, **told),
            TraitValue(key="since", time_value=NOW, **told),
        ]
    )

    readings = await read(customer.id)

    assert as_pairs(readings[customer.id]) == [("is_member", False), ("since", NOW), ("size", Decimal("41.5"))]


async def test_what_is_not_known_is_left_out(define: Define, read: Read, score: Put, customer: Customer) -> None:
    await define("colour")
    await score(customer.id, points=float("inf"), tier=None)
    stranger = new_id()

    assert await read(customer.id, stranger) == {customer.id: [], stranger: []}


async def test_each_trait_needs_its_own_permission(
    session: AsyncSession, define: Define, read: Read, score: Put, like: Put, customer: Customer
) -> None:
    await define("colour")
    await say(session, customer, "colour", "blue")
    await score(customer.id, tier="gold")
    await like(customer.id, 3)

    some = await read(customer.id, permissions=frozenset({"traits:read", "liking:read"}))
    none = await read(customer.id, permissions=frozenset({"liking:read", "scoring:read"}))

    assert as_pairs(some[customer.id]) == [("colour", "blue"), ("liking.count", Decimal(3))]
    assert none == {customer.id: []}


async def test_fifty_customers_need_no_more_statements_than_one(
    database: Database, session: AsyncSession, define: Define, read: Read, score: Put
) -> None:
    await define("colour")
    crowd = [Customer(created_at=NOW, updated_at=NOW) for _ in range(50)]
    session.add_all(crowd)
    await session.flush()
    for one in crowd:
        await say(session, one, "colour", "blue")
        await score(one.id, tier="gold")

    with counted_statements(database) as for_one:
        await read(crowd[0].id)
    with counted_statements(database) as for_fifty:
        readings = await read(*(one.id for one in crowd))

    assert len(for_fifty) == len(for_one) == 4
    assert {len(found) for found in readings.values()} == {2}


async def test_the_survivors_own_value_wins_over_a_newer_one_of_a_merged_profile(
    session: AsyncSession, define: Define, read: Read, customer: Customer, former: Customer
) -> None:
    await define("colour")
    await say(session, customer, "colour", "blue", as_of=NOW - DAY)
    await say(session, customer, "colour", "red", profile_id=former.id, as_of=NOW)

    readings = await read(customer.id)

    assert as_pairs(readings[customer.id]) == [("colour", "blue")]


async def test_of_merged_profiles_the_newest_value_wins(
    session: AsyncSession, define: Define, read: Read, customer: Customer, former: Customer
) -> None:
    other = Customer(created_at=NOW, updated_at=NOW, merged_into_id=customer.id)
    session.add(other)
    await session.flush()
    await define("colour")
    await say(session, customer, "colour", "red", profile_id=former.id, as_of=NOW)
    await say(session, customer, "colour", "green", profile_id=other.id, as_of=NOW - DAY)

    readings = await read(customer.id)

    assert as_pairs(readings[customer.id]) == [("colour", "red")]


async def test_nobody_asked_about_costs_no_statement(database: Database, read: Read) -> None:
    with counted_statements(database) as statements:
        assert await read() == {}

    assert statements == []
