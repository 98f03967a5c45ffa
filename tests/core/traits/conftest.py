from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table, Uuid, insert
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import SYSTEM
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.plugins.contributions import Trait
from regulars.tables import NOW as MOMENT
from regulars.tables import UtcDateTime
from regulars.traits.models import TraitDefinition
from regulars.traits.registry import TraitRegistry, trait_registry
from regulars.traits.service import define_trait

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

SCORES = Table(
    "scoring_score",
    MetaData(),
    Column("customer_id", Uuid, primary_key=True),
    Column("points", Float),
    Column("tier", String),
    Column("is_loyal", Boolean),
    Column("last_visit", UtcDateTime),
    Column("computed_at", UtcDateTime),
)
LIKES = Table("liking_like", SCORES.metadata, Column("customer_id", Uuid, primary_key=True), Column("count", Integer))


def trait(key: str, type: Any, column: Any, *, table: Table = SCORES, **details: Any) -> Trait:
    usual: dict[str, Any] = {"title": key.title(), "provenance": "inferred", "permission": "scoring:read"}
    return Trait(key=key, type=type, column=column, customer_id=table.c.customer_id, **(usual | details))


@pytest.fixture
def registry() -> TraitRegistry:
    return trait_registry(
        {
            "scoring": [
                trait("scoring.points", "number", SCORES.c.points, as_of=SCORES.c.computed_at),
                trait("scoring.tier", "text", SCORES.c.tier, title="Tier"),
                trait("scoring.is_loyal", "boolean", SCORES.c.is_loyal),
                trait("scoring.last_visit", "time", SCORES.c.last_visit, provenance="observed"),
                trait("scoring.is_recent", "boolean", SCORES.c.last_visit > MOMENT),
            ],
            "liking": [trait("liking.count", "number", LIKES.c.count, table=LIKES, permission="liking:read")],
        }
    )


@pytest_asyncio.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.writing() as session:
        yield session


@pytest_asyncio.fixture
async def plugin_tables(customer: Customer, session: AsyncSession) -> None:
    # The customer is committed first: SQLite has one writer.
    connection = await session.connection()
    await connection.run_sync(SCORES.metadata.create_all)


@pytest.fixture
def score(session: AsyncSession, plugin_tables: None) -> Callable[..., Awaitable[Any]]:
    async def scored(customer_id: UUID, **columns: Any) -> None:
        await session.execute(insert(SCORES).values(customer_id=customer_id, **columns))

    return scored


@pytest.fixture
def like(session: AsyncSession, plugin_tables: None) -> Callable[..., Awaitable[Any]]:
    async def liked(customer_id: UUID, count: int) -> None:
        await session.execute(insert(LIKES).values(customer_id=customer_id, count=count))

    return liked


@pytest_asyncio.fixture
async def customer(database: Database) -> Customer:
    anna = Customer(display_name="Anna", created_at=NOW, updated_at=NOW)
    async with database.writing() as session:
        session.add(anna)
    return anna


@pytest_asyncio.fixture
async def former(session: AsyncSession, customer: Customer) -> Customer:
    berta = Customer(created_at=NOW, updated_at=NOW - timedelta(days=1), merged_into_id=customer.id)
    session.add(berta)
    await session.flush()
    return berta


@pytest.fixture
def define(session: AsyncSession, registry: TraitRegistry) -> Callable[..., Awaitable[TraitDefinition]]:
    async def defined(key: str, type: Any = "text", provenance: Any = "imported", **details: Any) -> TraitDefinition:
        return await define_trait(
            session,
            key=key,
            title=key.title(),
            type=type,
            provenance=provenance,
            registry=registry,
            actor=SYSTEM,
            now=NOW,
            **details,
        )

    return defined
