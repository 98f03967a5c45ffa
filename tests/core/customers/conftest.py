from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.customers.changes import CustomerChanges
from regulars.customers.identities import Identity
from regulars.customers.merges import MergeHook, merge_customers, unmerge_customers
from regulars.customers.models import CustomerMerge
from regulars.customers.service import create_customer
from regulars.database import Database
from regulars.tables import new_id

NewCustomer = Callable[..., Awaitable[UUID]]
CountStatements = Callable[[], AbstractContextManager[list[str]]]

NO_CHANGES = CustomerChanges()


async def nothing_more(session: AsyncSession, survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
    """Take part in a merge without doing anything, as where there is no plugin."""


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def clerk() -> Actor:
    return Actor("staff", id=new_id(), name="Clerk")


@pytest.fixture
def new_customer(database: Database, clerk: Actor, now: datetime) -> NewCustomer:
    """Give a function that creates a customer, commits, and returns the id."""

    async def create(*identities: Identity, changes: CustomerChanges = NO_CHANGES) -> UUID:
        async with database.writing() as session:
            customer = await create_customer(session, changes=changes, identities=identities, actor=clerk, now=now)
        return customer.id

    return create


@pytest.fixture
def merge(database: Database, clerk: Actor, now: datetime) -> Callable[..., Awaitable[CustomerMerge]]:
    """Give a function that merges two customers, commits, and returns the merge."""

    async def run(
        survivor_id: UUID,
        merged_id: UUID,
        *,
        explicit: bool = False,
        actor: Actor = clerk,
        on_merged: MergeHook = nothing_more,
    ) -> CustomerMerge:
        async with database.writing() as session:
            return await merge_customers(
                session,
                survivor_id=survivor_id,
                merged_id=merged_id,
                explicit=explicit,
                reason="the same person",
                actor=actor,
                on_merged=on_merged,
                now=now,
            )

    return run


@pytest.fixture
def unmerge(database: Database, clerk: Actor, now: datetime) -> Callable[..., Awaitable[CustomerMerge]]:
    """Give a function that undoes a merge and commits."""

    async def run(merge_id: UUID) -> CustomerMerge:
        async with database.writing() as session:
            return await unmerge_customers(session, merge_id=merge_id, actor=clerk, on_unmerged=nothing_more, now=now)

    return run


@pytest.fixture
def count_statements(database: Database) -> CountStatements:
    """Give a context that lists the statements sent to the database within it."""

    @contextmanager
    def listen() -> Iterator[list[str]]:
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            sent.extend([statement] * (not statement.startswith("BEGIN")))

        event.listen(database.engine.sync_engine, "before_cursor_execute", note)
        yield sent
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)

    return listen
