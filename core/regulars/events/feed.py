"""Follow the events as they are committed, for subscriptions: one poller for all followers of a process."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from regulars.clock import Clock
from regulars.database import Database
from regulars.errors import ExpectedError
from regulars.events.envelope import EventEnvelope
from regulars.events.models import Event
from regulars.events.service import envelope_of
from regulars.events.wanted import ALL, is_wanted, wanted_types
from regulars.faults import log_fault

__all__ = ["EventFeed", "FellBehind", "running_feed"]

POLL = timedelta(milliseconds=500)
WINDOW = timedelta(seconds=30)
"""How long after its time an event may be committed and still be noticed: longer than a request or a job's commit."""

LARGEST_LOOK = 20_000
LARGEST_READ = 500
LARGEST_BACKLOG = 2_000

log = structlog.get_logger(__name__)


class FellBehind(ExpectedError):
    """A follower took events more slowly than they came."""

    code = "FELL_BEHIND"

    def __init__(self, backlog: int) -> None:
        self.backlog = backlog
        super().__init__(
            f"More than {backlog} events were waiting for you. Follow fewer types or one subject; the rest you missed."
        )


class _Follower:
    def __init__(self, types: frozenset[str], subject: str | None) -> None:
        self.types, self.subject = types, subject
        self.waiting: asyncio.Queue[EventEnvelope | None] = asyncio.Queue()
        self.is_behind = False

    def wants(self, event: EventEnvelope) -> bool:
        return is_wanted(event.type, self.types) and self.subject in (None, event.subject)


class EventFeed:
    """The followers of this process, and which events they have been told.

    Events are committed out of the order of their times, so each look goes back a ``window`` and leaves out what was
    seen. Without followers nothing is asked.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        poll: timedelta = POLL,
        window: timedelta = WINDOW,
        backlog: int = LARGEST_BACKLOG,
    ) -> None:
        self._database, self._clock = database, clock
        self._poll, self._window, self._backlog = poll, window, backlog
        self._followers: set[_Follower] = set()
        self._seen: set[UUID] = set()
        self._last_look: datetime | None = None
        self._looking = asyncio.Lock()
        self._polling: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def followers(self) -> int:
        """Return how many there are."""
        return len(self._followers)

    async def follow(
        self, *, types: Collection[str] = (ALL,), subject: str | None = None
    ) -> AsyncGenerator[EventEnvelope, None]:
        """Give the events that are committed from now on: of the wanted types, about this subject (or any).

        Raises ``FellBehind`` when the caller takes them too slowly. Ends when the feed is closed.
        """
        follower = _Follower(frozenset(types), subject)
        async with self._looking:
            # What can be seen at this moment is past; whatever is committed later comes, whichever time it bears.
            await self._look({*self._followers, follower})
            if self._closing.is_set():
                return
            self._followers.add(follower)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll_while_followed())
        try:
            while (event := await follower.waiting.get()) is not None:
                yield event
        finally:
            self._followers.discard(follower)
        if follower.is_behind:
            raise FellBehind(self._backlog)

    async def close(self) -> None:
        """Let every follower end."""
        self._closing.set()
        for follower in self._followers:
            follower.waiting.put_nowait(None)
        if self._polling is not None:
            await asyncio.wait({self._polling})

    async def _poll_while_followed(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._poll.total_seconds())
            if self._closing.is_set() or not self._followers:
                break
            try:
                async with self._looking:
                    await self._look(self._followers)
            except Exception as error:  # a database that restarts, for one, must not end the subscriptions
                log_fault(log, "feed.look_failed", error)
        self._last_look = None

    async def _look(self, scope: Collection[_Follower]) -> None:
        now = self._clock.now()
        since = (self._last_look or now) - self._window
        async with self._database.reading() as session:
            found = (
                (
                    await session.execute(
                        select(col(Event.id))
                        .where(col(Event.recorded_at) >= since, _wanted_by(scope))
                        .order_by(col(Event.recorded_at).desc(), col(Event.id).desc())
                        .limit(LARGEST_LOOK)
                    )
                )
                .scalars()
                .all()
            )
            if len(found) == LARGEST_LOOK:
                log.warning("feed.flooded", events=LARGEST_LOOK)
            new = [id for id in reversed(found) if id not in self._seen]
            for start in range(0, len(new), LARGEST_READ):
                self._tell(await _events(session, new[start : start + LARGEST_READ]))
        self._seen, self._last_look = set(found), now

    def _tell(self, events: Sequence[EventEnvelope]) -> None:
        for follower in tuple(self._followers):
            for event in filter(follower.wants, events):
                follower.waiting.put_nowait(event)
            if follower.waiting.qsize() > self._backlog:
                follower.is_behind = True
                follower.waiting.put_nowait(None)
                self._followers.discard(follower)


def _wanted_by(followers: Collection[_Follower]) -> ColumnElement[bool]:
    subjects = {follower.subject for follower in followers if follower.subject is not None}
    types = frozenset[str]().union(*(follower.types for follower in followers if follower.subject is None))
    return wanted_types(col(Event.type), types) | col(Event.subject).in_(subjects)


async def _events(session: AsyncSession, ids: Sequence[UUID]) -> list[EventEnvelope]:
    events = await session.scalars(
        select(Event).where(col(Event.id).in_(ids)).order_by(col(Event.recorded_at), col(Event.id))
    )
    return [envelope_of(event) for event in events]


@asynccontextmanager
async def running_feed(
    database: Database,
    *,
    clock: Clock,
    poll: timedelta = POLL,
    window: timedelta = WINDOW,
    backlog: int = LARGEST_BACKLOG,
) -> AsyncIterator[EventFeed]:
    """Give a feed that can be followed while the block lasts; then its followers end."""
    feed = EventFeed(database, clock=clock, poll=poll, window=window, backlog=backlog)
    try:
        yield feed
    finally:
        await feed.close()
