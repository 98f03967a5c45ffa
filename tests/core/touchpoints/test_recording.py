import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.errors import InvalidInput, NotFound, OutOfRange, UnknownValue
from regulars.events.models import Event
from regulars.tables import new_id
from regulars.touchpoints.drafts import TouchpointDraft
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.service import (
    OtherContent,
    RecordedTouchpoint,
    record_touchpoint,
    record_touchpoints,
)
from regulars.touchpoints.types import TouchpointTypes

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TILL = Actor("service", id=new_id(), name="till")

OrderDraft = Callable[..., TouchpointDraft]
Statements = Callable[[], AbstractContextManager[list[str]]]


async def all_touchpoints(database: Database) -> list[Touchpoint]:
    async with database.reading() as session:
        return list(await session.scalars(select(Touchpoint).order_by(col(Touchpoint.id))))


async def count_events(database: Database) -> int:
    async with database.reading() as session:
        return (await session.scalars(select(func.count()).select_from(Event))).one()


async def merged_into(session: AsyncSession, survivor: Customer) -> Customer:
    former = Customer(created_at=NOW, updated_at=NOW, merged_into_id=survivor.id, deleted_at=NOW)
    session.add(former)
    await session.flush()
    return former


async def test_a_touchpoint_is_kept_exactly_as_it_was_told(
    database: Database, types: TouchpointTypes, order: OrderDraft, customer: Customer
) -> None:
    lines = {"lines": [{"product": "Tea", "amount": "12.50"}]}
    draft = order(channel="web", external_id="o-1", amount=Decimal("12.5001"), cost=Decimal("0.8"), payload=lines)

    async with database.writing() as session:
        recorded = await record_touchpoint(session, draft=draft, types=types, actor=TILL, now=NOW)

    [kept] = await all_touchpoints(database)
    assert recorded.is_new
    assert kept.id == recorded.touchpoint.id
    assert (kept.customer_id, kept.profile_id) == (customer.id, customer.id)
    assert (kept.type, kept.channel, kept.source, kept.external_id) == ("order", "web", "shop", "o-1")
    assert (kept.occurred_at, kept.received_at) == (draft.occurred_at, NOW)
    assert (kept.amount, kept.currency, kept.cost) == (Decimal("12.5001"), "EUR", Decimal("0.8"))
    assert kept.payload == {"lines": [{"product": "Tea", "amount": "12.5"}]}


async def test_an_event_tells_of_the_touchpoint_by_its_id_alone(
    session: AsyncSession, types: TouchpointTypes, order: OrderDraft, customer: Customer
) -> None:
    recorded = await record_touchpoint(session, draft=order(external_id="o-1"), types=types, actor=TILL, now=NOW)

    [event] = await session.scalars(select(Event))
    assert (event.type, event.subject, event.actor) == ("touchpoint.recorded", f"customer:{customer.id}", TILL.label)
    assert event.data == {"touchpointId": str(recorded.touchpoint.id), "type": "order"}


async def test_the_same_touchpoint_again_returns_the_one_that_stands(
    database: Database, types: TouchpointTypes, order: OrderDraft
) -> None:
    async with database.writing() as session:
        first = await record_touchpoint(session, draft=order(external_id="o-1"), types=types, actor=TILL, now=NOW)

    async with database.writing() as session:
        again = order(external_id="o-1", amount=Decimal("12.5"))
        second = await record_touchpoint(session, draft=again, types=types, actor=TILL, now=NOW)

    assert not second.is_new
    assert second.touchpoint.id == first.touchpoint.id
    assert len(await all_touchpoints(database)) == 1
    assert await count_events(database) == 1


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"amount": Decimal("12.51")}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"type": "visit"}, "type"),
        ({"channel": "web"}, "channel"),
        ({"cost": Decimal(1)}, "cost"),
        ({"occurred_at": datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC)}, "occurred_at"),
        ({"payload": {"coupon": "MAY"}}, "payload"),
    ],
)
async def test_other_content_under_the_same_external_id_is_refused_and_names_the_first(
    database: Database, types: TouchpointTypes, order: OrderDraft, changes: dict[str, object], difference: str
) -> None:
    async with database.writing() as session:
        first = await record_touchpoint(session, draft=order(external_id="o-1"), types=types, actor=TILL, now=NOW)

    other = order(external_id="o-1", **changes)
    with pytest.raises(OtherContent) as refusal:
        async with database.writing() as session:
            await record_touchpoint(session, draft=other, types=types, actor=TILL, now=NOW)

    assert refusal.value.conflicting_id == str(first.touchpoint.id)
    assert refusal.value.differences == (difference,)
    assert [kept.amount for kept in await all_touchpoints(database)] == [Decimal("12.5")]


async def test_the_same_external_id_of_another_customer_is_other_content(
    session: AsyncSession, types: TouchpointTypes, order: OrderDraft
) -> None:
    bert = Customer(created_at=NOW, updated_at=NOW)
    session.add(bert)
    await session.flush()
    await record_touchpoint(session, draft=order(external_id="o-1"), types=types, actor=TILL, now=NOW)

    with pytest.raises(OtherContent, match="another customer_id"):
        await record_touchpoint(session, draft=order(bert.id, external_id="o-1"), types=types, actor=TILL, now=NOW)


async def test_the_same_touchpoint_sent_twice_at_once_is_recorded_once(
    database: Database, types: TouchpointTypes, order: OrderDraft
) -> None:
    async def send() -> bool:
        async with database.writing() as session:
            return (
                await record_touchpoint(session, draft=order(external_id="o-1"), types=types, actor=TILL, now=NOW)
            ).is_new

    assert sorted(await asyncio.gather(*(send() for _ in range(6)))) == [False] * 5 + [True]
    assert len(await all_touchpoints(database)) == 1


async def test_two_sources_may_use_the_same_external_id(
    database: Database, types: TouchpointTypes, order: OrderDraft
) -> None:
    async with database.writing() as session:
        await record_touchpoint(session, draft=order(external_id="1"), types=types, actor=TILL, now=NOW)
        await record_touchpoint(session, draft=order(external_id="1", source="pos"), types=types, actor=TILL, now=NOW)

    assert len(await all_touchpoints(database)) == 2


async def test_equal_touchpoints_without_external_id_are_two(
    database: Database, types: TouchpointTypes, order: OrderDraft
) -> None:
    async with database.writing() as session:
        results = await record_touchpoints(session, drafts=[order(), order()], types=types, actor=TILL, now=NOW)

    assert [isinstance(result, RecordedTouchpoint) and result.is_new for result in results] == [True, True]
    assert len(await all_touchpoints(database)) == 2


async def test_large_and_small_numbers_in_properties_come_again_as_the_same(
    session: AsyncSession, types: TouchpointTypes, order: OrderDraft
) -> None:
    payload = {"event": "Measured", "properties": {"a": 1e23, "b": 1.0, "c": 10**30, "d": -0.0, "e": 1e-7}}
    draft = order(type="track", amount=None, external_id="t-1", payload=payload)
    await record_touchpoint(session, draft=draft, types=types, actor=TILL, now=NOW)
    session.expire_all()

    again = await record_touchpoint(session, draft=draft, types=types, actor=TILL, now=NOW)

    assert not again.is_new


async def test_a_touchpoint_for_a_merged_customer_stands_in_the_survivors_timeline(
    session: AsyncSession, types: TouchpointTypes, order: OrderDraft, customer: Customer
) -> None:
    former = await merged_into(session, customer)

    recorded = await record_touchpoint(session, draft=order(former.id), types=types, actor=TILL, now=NOW)

    assert recorded.touchpoint.customer_id == customer.id
    assert recorded.touchpoint.profile_id == former.id


async def test_a_touchpoint_sent_again_after_a_merge_is_the_same(
    session: AsyncSession, types: TouchpointTypes, order: OrderDraft, customer: Customer
) -> None:
    former = await merged_into(session, customer)
    await record_touchpoint(session, draft=order(former.id, external_id="o-1"), types=types, actor=TILL, now=NOW)

    again = await record_touchpoint(session, draft=order(external_id="o-1"), types=types, actor=TILL, now=NOW)

    assert not again.is_new


async def test_nothing_is_recorded_for_an_unknown_customer(
    database: Database, types: TouchpointTypes, order: OrderDraft
) -> None:
    with pytest.raises(NotFound):
        async with database.writing() as session:
            await record_touchpoint(session, draft=order(new_id()), types=types, actor=TILL, now=NOW)

    assert await all_touchpoints(database) == []


@pytest.mark.parametrize("gone", [{"deleted_at": NOW}, {"status": "erased"}])
async def test_nothing_is_recorded_for_a_customer_who_is_gone(
    session: AsyncSession, types: TouchpointTypes, order: OrderDraft, gone: dict[str, Any]
) -> None:
    leaver = Customer(created_at=NOW, updated_at=NOW, **gone)
    session.add(leaver)
    await session.flush()

    with pytest.raises(NotFound):
        await record_touchpoint(session, draft=order(leaver.id), types=types, actor=TILL, now=NOW)

    assert list(await session.scalars(select(Touchpoint))) == []


async def test_each_row_of_a_batch_gets_its_own_answer(
    database: Database, types: TouchpointTypes, order: OrderDraft
) -> None:
    async with database.writing() as session:
        await record_touchpoint(session, draft=order(external_id="old"), types=types, actor=TILL, now=NOW)
    drafts = [
        order(external_id="a"),
        order(type="oder"),
        order(external_id="a"),
        order(external_id="a", amount=Decimal(9)),
        order(new_id()),
        order(external_id="old"),
        order(amount=Decimal("NaN")),
    ]

    async with database.writing() as session:
        results = await record_touchpoints(session, drafts=drafts, types=types, actor=TILL, now=NOW)

    [first, unknown_type, again, other, unknown_customer, old, no_number] = results
    assert isinstance(first, RecordedTouchpoint)
    assert isinstance(again, RecordedTouchpoint)
    assert isinstance(old, RecordedTouchpoint)
    assert (first.is_new, again.is_new, old.is_new) == (True, False, False)
    assert again.touchpoint.id == first.touchpoint.id
    assert isinstance(unknown_type, UnknownValue)
    assert isinstance(other, OtherContent)
    assert isinstance(unknown_customer, NotFound)
    assert isinstance(no_number, InvalidInput)
    assert len(await all_touchpoints(database)) == 2
    assert await count_events(database) == 2


async def test_five_hundred_touchpoints_need_no_more_statements_than_two(
    session: AsyncSession, types: TouchpointTypes, order: OrderDraft, statements: Statements
) -> None:
    few = [order(external_id=f"few-{number}") for number in range(2)]
    many = [order(external_id=f"many-{number}") for number in range(500)]
    await session.connection()

    with statements() as for_few:
        await record_touchpoints(session, drafts=few, types=types, actor=TILL, now=NOW)
        await session.flush()
    with statements() as for_many:
        results = await record_touchpoints(session, drafts=many, types=types, actor=TILL, now=NOW)
        await session.flush()

    assert all(isinstance(result, RecordedTouchpoint) for result in results)
    assert len(for_many) == len(for_few)


async def test_a_batch_of_501_is_refused_whole(database: Database, types: TouchpointTypes, order: OrderDraft) -> None:
    with pytest.raises(OutOfRange, match="at most 500"):
        async with database.writing() as session:
            await record_touchpoints(session, drafts=[order()] * 501, types=types, actor=TILL, now=NOW)

    assert await all_touchpoints(database) == []


async def test_an_empty_batch_is_no_error(session: AsyncSession, types: TouchpointTypes) -> None:
    assert await record_touchpoints(session, drafts=[], types=types, actor=TILL, now=NOW) == []
