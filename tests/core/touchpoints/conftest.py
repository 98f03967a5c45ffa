from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.customers.models import Customer
from regulars.database import Database
from regulars.touchpoints.drafts import TouchpointDraft
from regulars.touchpoints.types import TouchpointTypes, core_touchpoint_types

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def types() -> TouchpointTypes:
    return core_touchpoint_types()


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
def order(customer: Customer) -> Callable[..., TouchpointDraft]:
    def draft(customer_id: UUID = customer.id, **changes: Any) -> TouchpointDraft:
        usual: dict[str, Any] = {
            "type": "order",
            "occurred_at": datetime(2026, 3, 1, 10, tzinfo=UTC),
            "source": "shop",
            "amount": Decimal("12.50"),
            "currency": "EUR",
        }
        return TouchpointDraft(customer_id=customer_id, **(usual | changes))

    return draft


@pytest.fixture
def statements(database: Database) -> Callable[[], AbstractContextManager[list[str]]]:
    @contextmanager
    def recorded() -> Any:
        seen: list[str] = []

        def remember(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
        database.listeners.append(seen.append)
        try:
            yield seen
        finally:
            database.listeners.remove(seen.append)
            event.remove(database.engine.sync_engine, "before_cursor_execute", remember)

    return recorded
