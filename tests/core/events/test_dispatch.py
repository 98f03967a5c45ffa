import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.core.events.conftest import QUICK, Listener, Outbox

from regulars.events.deliveries import (
    DELAYS,
    claim_deliveries,
    fan_out,
    repeat_deliveries,
)
from regulars.events.envelope import EventEnvelope
from regulars.events.service import record_event

HOUR = timedelta(hours=1)


async def test_a_handler_is_told_what_changed_in_one_envelope(outbox: Outbox) -> None:
    listener = Listener()
    outbox.handle("customer.created", "clv", listener)
    (id,) = await outbox.record(subject="customer:7")

    await outbox.settled()

    (event,) = listener.events
    assert event == EventEnvelope(id, "customer.created", outbox.clock.now(), "customer:7", "staff:1", {"n": 0})
    assert list(await outbox.deliveries()) == []


async def test_what_was_rolled_back_is_never_told(outbox: Outbox) -> None:
    listener = Listener()
    outbox.handle("customer.created", "clv", listener)

    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the session is what the error passes through
        async with outbox.database.writing() as session:
            await record_event(session, type="customer.created", subject="", actor="", data={}, now=outbox.clock.now())
            raise ZeroDivisionError
    await outbox.settled()

    assert listener.calls == []


async def test_events_come_in_batches_of_one_type_oldest_first(outbox: Outbox) -> None:
    listener = Listener()
    outbox.handle("customer.created", "clv", listener)
    outbox.handle("customer.merged", "clv", listener)
    created = await outbox.record("customer.created", count=3)
    merged = await outbox.record("customer.merged", count=2)

    await outbox.settled()

    assert sorted(listener.calls) == sorted([created, merged])


async def test_every_handler_of_a_type_is_told(outbox: Outbox) -> None:
    one, two = Listener(), Listener()
    outbox.handle("customer.created", "clv", one)
    outbox.handle("customer.created", "thank_you", two)
    ids = await outbox.record(count=2)

    await outbox.settled()

    assert one.ids == two.ids == ids


async def test_an_event_that_nobody_handles_is_done_with(outbox: Outbox) -> None:
    outbox.handle("customer.merged", "clv", Listener())
    await outbox.record("customer.created", count=30)

    await outbox.settled()

    assert await outbox.untold() == 0
    assert list(await outbox.deliveries()) == []


async def test_a_handler_that_comes_later_is_not_told_of_the_past(outbox: Outbox) -> None:
    listener = Listener()
    await outbox.record()
    await outbox.settled()

    outbox.handle("customer.created", "clv", listener)
    (later,) = await outbox.record()
    await outbox.settled()

    assert listener.ids == [later]


async def test_a_failed_event_comes_again_with_the_same_id_after_a_pause(outbox: Outbox) -> None:
    listener = Listener(fails_on=lambda event: True)
    outbox.handle("customer.created", "clv", listener)
    (id,) = await outbox.record()

    await outbox.settled()
    (delivery,) = await outbox.deliveries()
    listener.fails_on = lambda event: False
    outbox.clock.advance(DELAYS[0])
    await outbox.settled()

    assert (delivery.attempts, delivery.problem) == (1, "ValueError: cannot take 1 events")
    assert delivery.next_at == outbox.clock.now()
    assert listener.calls == [[id], [id]]
    assert list(await outbox.deliveries()) == []


async def test_after_75_hours_an_event_is_given_up_for_all_to_see(outbox: Outbox) -> None:
    listener = Listener(fails_on=lambda event: True)
    outbox.handle("customer.created", "clv", listener)
    await outbox.record()
    started = outbox.clock.now()

    await attempt_all(outbox)
    tried_for = outbox.clock.now() - started
    outbox.clock.advance(100 * HOUR)
    await outbox.settled()

    (given_up,) = await outbox.deliveries()
    assert len(listener.calls) == 10
    assert 75 * HOUR <= tried_for <= 76 * HOUR
    assert (given_up.next_at, given_up.problem) == (None, "ValueError: cannot take 1 events")
    assert given_up.failed_at == started + tried_for
    ((handler, words),) = outbox.reports
    assert handler == "clv"
    assert words.startswith("1 events of type customer.created were given up after 10 attempts: ValueError")


async def test_what_was_given_up_can_be_told_again(outbox: Outbox) -> None:
    listener = Listener(fails_on=lambda event: True)
    outbox.handle("customer.created", "clv", listener)
    ids = await outbox.record(count=2)
    await attempt_all(outbox)

    listener.fails_on = lambda event: False
    async with outbox.database.writing() as session:
        repeated = await repeat_deliveries(session, handler="clv", now=outbox.clock.now())
    await outbox.settled()

    assert repeated == 2
    assert listener.calls[-1] == ids
    assert list(await outbox.deliveries()) == []


async def test_one_bad_event_soon_stands_alone(outbox: Outbox) -> None:
    ids = await outbox.record(count=150)
    listener = Listener(fails_on=lambda event: event.id == ids[70])
    outbox.handle("customer.created", "clv", listener)

    await attempt_all(outbox, attempts=5)

    assert sorted(listener.ids) == sorted({*ids} - {ids[70]})
    assert [delivery.event_id for delivery in await outbox.deliveries()] == [ids[70]]


async def test_a_handler_without_an_end_counts_as_failed(outbox: Outbox) -> None:
    async def wait(events: Sequence[EventEnvelope]) -> None:
        await asyncio.sleep(60)

    outbox.handle("customer.created", "clv", wait)
    await outbox.record()

    await outbox.settled()

    (delivery,) = await outbox.deliveries()
    assert (delivery.attempts, delivery.problem) == (1, "It did not end within 0.3 seconds.")


async def test_a_hanging_handler_holds_up_nobody_else(outbox: Outbox) -> None:
    quick, slow = Listener(), []

    async def wait(events: Sequence[EventEnvelope]) -> None:
        slow.append(len(events))
        await asyncio.sleep(60)

    outbox.handle("customer.created", "slow", wait)
    outbox.handle("customer.created", "quick", quick)
    ids = await outbox.record(count=600)

    async with outbox.dispatcher(replace(QUICK, timeout=timedelta(seconds=60))):
        await until(lambda: len(quick.ids) == 600)
        await asyncio.sleep(0.1)

    assert quick.ids == ids
    assert slow == [500]


async def test_two_dispatchers_share_the_events_and_tell_each_once(outbox: Outbox) -> None:
    listener = Listener()
    outbox.handle("customer.created", "clv", listener)
    small = replace(QUICK, handled_batch=7, grace=timedelta(seconds=5))
    ids = await outbox.record(count=300)

    async with outbox.dispatcher(small), outbox.dispatcher(small):
        await outbox.settled()

    assert sorted(listener.ids) == sorted(ids)


async def test_two_who_fan_out_at_once_take_different_events(outbox: Outbox) -> None:
    await outbox.record(count=100)

    async def take() -> int:
        async with outbox.database.writing() as session:
            return await fan_out(session, {"customer.created": ["clv"]}, limit=20, now=outbox.clock.now())

    taken = await asyncio.gather(*(take() for _ in range(5)))

    assert sum(taken) + await outbox.untold() == 100
    assert len(await outbox.deliveries()) == sum(taken)


async def test_what_a_dead_dispatcher_had_claimed_is_told_by_another_after_its_lease(outbox: Outbox) -> None:
    listener = Listener()
    outbox.handle("customer.created", "clv", listener)
    (id,) = await outbox.record()
    async with outbox.database.writing() as session:
        await fan_out(session, {"customer.created": ["clv"]}, limit=10, now=outbox.clock.now())
        await claim_deliveries(session, "clv", lease=timedelta(seconds=60), now=outbox.clock.now())

    outbox.clock.advance(timedelta(seconds=59))
    early = await claimed_now(outbox, "clv")
    outbox.clock.advance(timedelta(seconds=1))
    await outbox.settled()

    assert early == []
    assert listener.ids == [id]


async def test_a_handler_that_is_away_finds_its_events_when_it_is_back(outbox: Outbox) -> None:
    listener = Listener()
    outbox.handle("customer.created", "clv", listener)
    (id,) = await outbox.record()
    async with outbox.database.writing() as session:
        await fan_out(session, {"customer.created": ["clv"]}, limit=10, now=outbox.clock.now())

    handlers = outbox.handlers.pop("customer.created")
    async with outbox.dispatcher():
        await asyncio.sleep(0.1)
    while_away = listener.ids
    outbox.handlers["customer.created"] = handlers
    await outbox.settled()

    assert while_away == []
    assert listener.ids == [id]


async def test_a_dispatcher_outlives_a_database_that_is_out_of_order(outbox: Outbox) -> None:
    listener = Listener()
    outbox.handle("customer.created", "clv", listener)
    (id,) = await outbox.record()
    await rename(outbox, "core_event", "core_event_away")

    async with outbox.dispatcher():
        await asyncio.sleep(0.2)
        await rename(outbox, "core_event_away", "core_event")
        await until(lambda: bool(listener.ids))

    assert listener.ids == [id]


async def rename(outbox: Outbox, old: str, new: str) -> None:
    async with outbox.database.writing() as session:
        await session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # the dispatcher makes it so
        await asyncio.sleep(0.02)


async def attempt_all(outbox: Outbox, attempts: int = len(DELAYS) + 1) -> None:
    """Let the clock run through so many attempts."""
    await outbox.settled()
    for delay in DELAYS[: attempts - 1]:
        outbox.clock.advance(delay)
        await outbox.settled()


async def claimed_now(outbox: Outbox, handler: str) -> list[UUID]:
    async with outbox.database.writing() as session:
        claimed = await claim_deliveries(session, handler, lease=timedelta(seconds=60), now=outbox.clock.now())
    return [] if claimed is None else [event.id for event in claimed.events]
