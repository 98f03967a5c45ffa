import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.changes import CustomerChanges
from regulars.customers.claims import IdentityTaken, add_identity, verify_identity
from regulars.customers.identities import read_identity
from regulars.customers.merges import merge_customers, unmerge_customers
from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge, CustomerWord
from regulars.customers.service import (
    create_customer,
    delete_customer,
    restore_customer,
    update_customer,
    upsert_customer,
)
from regulars.customers.survivors import held_survivors, locked_survivors
from regulars.database import Database
from regulars.errors import Conflict
from regulars.touchpoints.models import Touchpoint

NewCustomer = Callable[..., Awaitable[UUID]]
Merge = Callable[..., Awaitable[CustomerMerge]]
Step = Callable[[AsyncSession], Awaitable[object]]

CRM_ID = read_identity("external", "C-1", source="crm")
EMAIL = read_identity("email", "anna@example.org")


async def all_at_once(*attempts: Awaitable[object]) -> Sequence[object]:
    return await asyncio.gather(*attempts, return_exceptions=True)


async def second_of_two(database: Database, first: Step, second: Step) -> object:
    """Begin ``second`` in a session of its own while the transaction of ``first`` is open; return its outcome."""

    async def run_second() -> object:
        async with database.writing() as session:
            return await second(session)

    async with database.writing() as session:
        await first(session)
        waiting = asyncio.create_task(run_second())
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done()
    return (await asyncio.gather(waiting, return_exceptions=True))[0]


async def nothing_more(session: AsyncSession, survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
    """Take part in a merge without doing anything."""


async def merging(session: AsyncSession, survivor_id: UUID, merged_id: UUID, clerk: Actor, now: datetime) -> None:
    await merge_customers(
        session,
        survivor_id=survivor_id,
        merged_id=merged_id,
        reason="the same person",
        actor=clerk,
        on_merged=nothing_more,
        now=now,
    )


async def visited(session: AsyncSession, profile_id: UUID, now: datetime) -> UUID:
    """Record a visit as every writer does; return in whose timeline it stands."""
    customer = (await locked_survivors(session, [profile_id]))[profile_id]
    touchpoint = Touchpoint(
        customer_id=customer.id, profile_id=profile_id, type="visit", occurred_at=now, received_at=now, source="shop"
    )
    session.add(touchpoint)
    return customer.id


async def test_merging_a_into_b_and_b_into_a_at_once_gives_one_merge_and_one_refusal(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    pairs = [(await new_customer(), await new_customer()) for _ in range(5)]

    outcomes = [await all_at_once(merge(one, other), merge(other, one)) for one, other in pairs]

    assert [sorted(type(outcome).__name__ for outcome in pair) for pair in outcomes] == [
        ["AlreadyMerged", "CustomerMerge"]
    ] * 5
    async with database.reading() as session:
        merged = (await session.scalars(select(Customer).where(col(Customer.merged_into_id).is_not(None)))).all()
    assert len(merged) == 5


async def test_merges_in_a_ring_at_once_leave_no_cycle(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    ids = [await new_customer() for _ in range(3)]

    outcomes = await all_at_once(merge(ids[1], ids[0]), merge(ids[2], ids[1]), merge(ids[0], ids[2]))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyMerged", "CustomerMerge", "CustomerMerge"]
    async with database.reading() as session:
        rows = (await session.scalars(select(Customer))).all()
    [survivor] = [row.id for row in rows if row.merged_into_id is None]
    assert {row.merged_into_id for row in rows if row.id != survivor} == {survivor}


async def test_of_two_who_claim_an_external_id_at_once_one_is_refused_and_told_who_has_it(
    database: Database, clerk: Actor, now: datetime
) -> None:
    created: list[UUID] = []

    async def create(session: AsyncSession) -> None:
        changes = CustomerChanges()
        customer = await create_customer(session, changes=changes, identities=[CRM_ID], actor=clerk, now=now)
        created.append(customer.id)

    refusal = await second_of_two(database, create, create)

    assert isinstance(refusal, IdentityTaken)
    assert refusal.conflicting_id == str(created[0])
    async with database.reading() as session:
        assert len((await session.scalars(select(Customer))).all()) == 1


async def test_of_two_who_prove_an_address_at_once_one_is_refused_and_told_who_has_it(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    first, second = await new_customer(EMAIL), await new_customer(EMAIL)
    async with database.reading() as session:
        claims = {row.customer_id: row.id for row in await session.scalars(select(CustomerIdentity))}

    async def prove(session: AsyncSession, customer_id: UUID) -> None:
        await verify_identity(session, identity_id=claims[customer_id], actor=clerk, now=now)

    refusal = await second_of_two(
        database, lambda session: prove(session, first), lambda session: prove(session, second)
    )

    assert isinstance(refusal, IdentityTaken)
    assert refusal.conflicting_id == str(first)


async def test_a_restore_while_somebody_else_takes_the_name_is_refused_and_names_them(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    gone, other = await new_customer(CRM_ID), await new_customer()
    async with database.writing() as session:
        await delete_customer(session, customer_id=gone, actor=clerk, now=now)

    refusal = await second_of_two(
        database,
        lambda session: add_identity(session, customer_id=other, identity=CRM_ID, actor=clerk, now=now),
        lambda session: restore_customer(session, customer_id=gone, actor=clerk, now=now),
    )

    assert isinstance(refusal, IdentityTaken)
    assert refusal.conflicting_id == str(other)


async def test_upserts_of_one_new_address_at_once_create_one_customer(
    database: Database, clerk: Actor, now: datetime
) -> None:
    async def upsert() -> bool:
        async with database.writing() as session:
            changes = CustomerChanges(display_name="Anna")
            done = await upsert_customer(session, identities=[EMAIL], changes=changes, actor=clerk, now=now)
            return done.is_new

    outcomes = await all_at_once(*(upsert() for _ in range(5)))

    assert sorted(map(str, outcomes)) == ["False", "False", "False", "False", "True"]


async def test_of_two_updates_of_one_version_at_once_one_is_a_conflict(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer()

    async def call_her(session: AsyncSession, name: str) -> None:
        changes = CustomerChanges(display_name=name)
        await update_customer(
            session, customer_id=customer_id, changes=changes, expected_version=1, actor=clerk, now=now
        )

    refusal = await second_of_two(
        database, lambda session: call_her(session, "Anna"), lambda session: call_her(session, "Berta")
    )

    assert isinstance(refusal, Conflict)
    async with database.reading() as session:
        assert (await session.get_one(Customer, customer_id)).display_name == "Anna"


async def test_what_is_recorded_while_a_merge_runs_lands_on_the_survivor(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer()

    outcome = await second_of_two(
        database,
        lambda session: merging(session, survivor, merged, clerk, now),
        lambda session: visited(session, merged, now),
    )

    assert outcome == survivor


async def test_what_is_recorded_while_an_unmerge_runs_lands_on_the_one_who_was_merged(
    database: Database, new_customer: NewCustomer, merge: Merge, clerk: Actor, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer()
    made = await merge(survivor, merged)

    outcome = await second_of_two(
        database,
        lambda session: unmerge_customers(session, merge_id=made.id, actor=clerk, on_unmerged=nothing_more, now=now),
        lambda session: visited(session, merged, now),
    )

    assert outcome == merged


async def test_a_merge_waits_for_what_is_being_recorded_and_takes_it_along(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer()

    await second_of_two(
        database,
        lambda session: visited(session, merged, now),
        lambda session: merging(session, survivor, merged, clerk, now),
    )

    async with database.reading() as session:
        [touchpoint] = await session.scalars(select(Touchpoint))
    assert (touchpoint.customer_id, touchpoint.profile_id) == (survivor, merged)


async def test_two_names_given_to_one_customer_at_once_are_both_searchable(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer()

    await second_of_two(
        database,
        lambda session: add_identity(session, customer_id=customer_id, identity=EMAIL, actor=clerk, now=now),
        lambda session: add_identity(session, customer_id=customer_id, identity=CRM_ID, actor=clerk, now=now),
    )

    async with database.reading() as session:
        words = set(await session.scalars(select(col(CustomerWord.word))))
    assert {"anna@example.org", "c-1"} <= words


async def test_whoever_waited_for_a_writer_of_some_customers_holds_all_of_them(
    database: Database, new_customer: NewCustomer
) -> None:
    ids = [await new_customer() for _ in range(3)]

    async def rename(session: AsyncSession) -> None:
        (await locked_survivors(session, ids[1:2]))[ids[1]].display_name = "Berta"
        await session.flush()

    held = await second_of_two(database, rename, lambda session: held_survivors(session, ids))

    assert isinstance(held, dict)
    assert held.keys() == set(ids)
