from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import SYSTEM, Actor
from regulars.consents.changes import ConsentChange
from regulars.consents.models import ConsentEvent
from regulars.consents.registry import ConsentRegistry, core_consent_registry
from regulars.consents.service import record_consent
from regulars.customers.models import Customer
from regulars.database import Database

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

Record = Callable[..., Awaitable[ConsentEvent]]


@pytest.fixture
def registry() -> ConsentRegistry:
    return core_consent_registry()


@pytest_asyncio.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.writing() as session:
        yield session


@pytest_asyncio.fixture
async def customer(database: Database) -> Customer:
    anna = Customer(display_name="Anna", created_at=NOW, updated_at=NOW)
    async with database.writing() as session:
        session.add(anna)
    return anna


@pytest.fixture
def record(session: AsyncSession, registry: ConsentRegistry, customer: Customer) -> Record:
    async def recorded(
        action: Any,
        purpose: str = "marketing.own",
        channel: str = "email",
        *,
        now: datetime = NOW,
        actor: Actor = SYSTEM,
        customer_id: UUID = customer.id,
        **details: Any,
    ) -> ConsentEvent:
        usual: dict[str, Any] = {"reason": "said so", "notice_version": "n1", "language": "en"}
        change = ConsentChange(
            customer_id=customer_id, action=action, purpose=purpose, channel=channel, **(usual | details)
        )
        return await record_consent(session, change=change, registry=registry, actor=actor, now=now)

    return recorded
