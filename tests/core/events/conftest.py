"""An outbox that tests fill, and handlers that remember what they were told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest_asyncio
from sqlalchemy import func
from sqlmodel import col, select

from regulars.clock import SettableClock
from regulars.database import Database
from regulars.events.dispatch import Handle, Pace, running_dispatcher
from regulars.events.envelope import EventEnvelope
from regulars.events.models import Event, EventDelivery
from regulars.events.service import record_event

QUICK = Pace(poll=timedelta(milliseconds=20), timeout=timedelta(milliseconds=300), grace=timedelta(milliseconds=200))


class Outbox:
    """One database, the handlers that a test names, and dispatchers for them."""

    def __init__(self, database: Database, clock: SettableClock) -> None:
        self.database, self.clock = database, clock
        self.handlers: dict[str, list[tuple[str, Handle]]] = {}
        self.reports: list[tuple[str, str]] = []

    def handle(self, type: str, name: str, handle: Handle) -> None:
        self.handlers.setdefault(type, []).append((name, handle))

    async def record(
        self,
        type: str = "customer.created",
        *,
        subject: str = "customer:1",
        count: int = 1,
        age: timedelta = timedelta(),
    ) -> list[UUID]:
        async with self.database.writing() as session:
            events = [
                await record_event(
                    session, type=type, subject=subject, actor="staff:1", data={"n": n}, now=self.clock.now() - age
                )
                for n in range(count)
            ]
        return [event.id for event in events]

    def dispatcher(self, pace: Pace = QUICK) -> AbstractAsyncContextManager[None]:
        return running_dispatcher(
            self.database,
            self.handlers,
            clock=self.clock,
            pace=pace,
            report=lambda handler, problem: self.reports.append((handler, problem)),
        )

    async def settled(self) -> None:
        """Dispatch until no event is untold and no delivery is due."""
        async with self.dispatcher(replace(QUICK, grace=timedelta(seconds=5))):
            while await self._has_work():  # noqa: ASYNC110  # the dispatcher writes the rows
                await asyncio.sleep(0.02)

    async def deliveries(self) -> Sequence[EventDelivery]:
        async with self.database.reading() as session:
            return (await session.scalars(select(EventDelivery).order_by(col(EventDelivery.event_id)))).all()

    async def untold(self) -> int:
        async with self.database.reading() as session:
            found = select(func.count()).select_from(Event).where(col(Event.dispatched_at).is_(None))
            return await session.scalar(found) or 0

    async def _has_work(self) -> bool:
        now = self.clock.now()
        return await self.untold() > 0 or any(
            delivery.next_at is not None and delivery.next_at <= now + timedelta(seconds=1)
            for delivery in await self.deliveries()
        )


class Listener:
    """A handler that remembers each call, and fails on the events that it is told to."""

    def __init__(self, fails_on: Callable[[EventEnvelope], bool] = lambda event: False) -> None:
        self.calls: list[list[UUID]] = []
        self.events: list[EventEnvelope] = []
        self.fails_on = fails_on

    async def __call__(self, events: Sequence[EventEnvelope]) -> None:
        self.calls.append([event.id for event in events])
        bad = [event for event in events if self.fails_on(event)]
        if bad:
            raise ValueError(f"cannot take {len(bad)} events\nwith details")
        self.events.extend(events)

    @property
    def ids(self) -> list[UUID]:
        return [event.id for event in self.events]


@pytest_asyncio.fixture
async def outbox(database: Database, clock: SettableClock) -> AsyncIterator[Outbox]:
    yield Outbox(database, clock)
