import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event as engine_events
from tests.core.events.conftest import Outbox

from regulars.events.envelope import EventEnvelope
from regulars.events.feed import EventFeed, FellBehind, running_feed

POLL = timedelta(milliseconds=20)


class Reader:
    """Somebody who follows the feed in a task and remembers what came."""

    def __init__(self) -> None:
        self.events: list[EventEnvelope] = []

    @property
    def ids(self) -> list[UUID]:
        return [event.id for event in self.events]

    async def until(self, count: int) -> None:
        while len(self.events) < count:  # noqa: ASYNC110  # the feed fills the list
            await asyncio.sleep(0.01)


@asynccontextmanager
async def reading(feed: EventFeed, *types: str, subject: str | None = None) -> AsyncIterator[Reader]:
    """Follow until the block ends; inside it, the following has begun."""
    reader = Reader()

    async def read() -> None:
        async with aclosing(feed.follow(types=types or ("*",), subject=subject)) as events:
            async for event in events:
                reader.events.append(event)

    followers = feed.followers
    task = asyncio.create_task(read())
    while feed.followers == followers:  # noqa: ASYNC110  # the feed counts
        await asyncio.sleep(0.005)
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_follower_of_a_beginning_gets_the_types_that_begin_so(outbox: Outbox) -> None:
    async with (
        running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed,
        reading(feed, "customer.*") as reader,
        reading(feed, "*", subject="customer:7"),
    ):
        await outbox.record("customers.counted")
        (created,) = await outbox.record("customer.created")
        (merged,) = await outbox.record("customer.merged", subject="customer:7")
        await reader.until(2)

    assert reader.ids == [created, merged]


async def test_a_follower_gets_what_is_committed_from_now_on(outbox: Outbox) -> None:
    await outbox.record("customer.created")

    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed, reading(feed) as reader:
        (id,) = await outbox.record("customer.merged", subject="customer:7")
        await reader.until(1)

    assert reader.events == [
        EventEnvelope(id, "customer.merged", outbox.clock.now(), "customer:7", "staff:1", {"n": 0})
    ]


async def test_a_follower_gets_only_the_types_and_the_subject_it_asked_for(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed:
        async with (
            reading(feed) as all_events,
            reading(feed, "customer.merged", "customer.erased") as by_type,
            reading(feed, subject="customer:2") as by_subject,
            reading(feed, "customer.merged", subject="customer:2") as by_both,
        ):
            (created,) = await outbox.record("customer.created", subject="customer:2")
            (other,) = await outbox.record("customer.merged", subject="customer:3")
            (both,) = await outbox.record("customer.merged", subject="customer:2")
            await all_events.until(3)

    assert all_events.ids == [created, other, both]
    assert by_type.ids == [other, both]
    assert by_subject.ids == [created, both]
    assert by_both.ids == [both]


async def test_an_event_that_is_committed_late_is_not_missed(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed, reading(feed) as reader:
        (first,) = await outbox.record()
        await reader.until(1)
        (older,) = await outbox.record(age=timedelta(seconds=20))
        await reader.until(2)

    assert reader.ids == [first, older]


async def test_an_event_comes_once_however_often_it_is_seen(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed, reading(feed) as reader:
        ids = await outbox.record(count=3)
        await reader.until(3)
        await asyncio.sleep(0.15)
        outbox.clock.advance(timedelta(seconds=10))
        (last,) = await outbox.record()
        await reader.until(4)

    assert reader.ids == [*ids, last]


async def test_a_later_follower_is_not_told_of_the_past(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed:
        async with reading(feed, "customer.merged") as early:
            await outbox.record("customer.created")
            async with reading(feed) as late:
                (merged,) = await outbox.record("customer.merged")
                await asyncio.gather(early.until(1), late.until(1))

    assert early.ids == late.ids == [merged]


async def test_a_follower_who_joins_makes_nobody_else_miss_an_event(outbox: Outbox) -> None:
    slowly = timedelta(seconds=0.5)

    async with running_feed(outbox.database, clock=outbox.clock, poll=slowly) as feed, reading(feed) as early:
        (id,) = await outbox.record()
        async with reading(feed):
            await early.until(1)

    assert early.ids == [id]


async def test_without_followers_nothing_is_asked(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed:
        async with reading(feed):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        with CountedStatements(outbox) as count:
            await asyncio.sleep(0.2)

    assert count() == 0


async def test_a_follower_who_is_too_slow_is_told_so_and_costs_no_memory(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL, backlog=5) as feed:
        events = feed.follow()
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.1)
        await outbox.record(count=20)
        await first
        with pytest.raises(FellBehind, match="More than 5 events"):
            _ = [event async for event in events]

    assert feed.followers == 0


async def test_followers_end_when_the_feed_closes(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed:
        events = feed.follow()
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(0.1)

    assert await waiting is None


async def test_whoever_comes_as_the_feed_closes_ends_too(outbox: Outbox) -> None:
    async with running_feed(outbox.database, clock=outbox.clock, poll=POLL) as feed:
        waiting = asyncio.ensure_future(anext(feed.follow(), None))
        await asyncio.sleep(0)

    assert await waiting is None
    assert feed.followers == 0


class CountedStatements:
    """Counts what is asked of the database while the block lasts."""

    def __init__(self, outbox: Outbox) -> None:
        self._engine, self._count = outbox.database.engine.sync_engine, 0

    def _note(self, *_: object) -> None:
        self._count += 1

    def __enter__(self) -> Callable[[], int]:
        engine_events.listen(self._engine, "before_cursor_execute", self._note)
        return lambda: self._count

    def __exit__(self, *_: object) -> None:
        engine_events.remove(self._engine, "before_cursor_execute", self._note)
