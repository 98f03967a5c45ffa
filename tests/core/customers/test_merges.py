from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM, Actor
from regulars.customers.changes import CustomerChanges
from regulars.customers.claims import remove_identity
from regulars.customers.finding import find_customer
from regulars.customers.identities import read_identity
from regulars.customers.merge_pairs import AlreadyMerged, ExplicitMergeNeeded
from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge
from regulars.customers.service import delete_customer
from regulars.database import Database
from regulars.errors import ForbiddenTransition, InvalidInput, NotFound
from regulars.events.models import Event
from regulars.tables import new_id
from regulars.touchpoints.models import Touchpoint
from regulars.traits.models import TraitDefinition, TraitValue

NewCustomer = Callable[..., Awaitable[UUID]]
Merge = Callable[..., Awaitable[CustomerMerge]]
Unmerge = Callable[..., Awaitable[CustomerMerge]]

EMAIL = read_identity("email", "anna@example.org")
CRM_ID = read_identity("external", "C-1", source="crm")
SHOP_ID = read_identity("external", "4711", source="shop")


async def today(database: Database, customer_id: UUID) -> UUID | None:
    async with database.reading() as session:
        customer = await find_customer(session, by=customer_id)
        return None if customer is None else customer.id


async def row_of(database: Database, customer_id: UUID) -> Customer:
    async with database.reading() as session:
        return await session.get_one(Customer, customer_id)


async def visit(database: Database, *, customer_id: UUID, profile_id: UUID, now: datetime) -> None:
    async with database.writing() as session:
        session.add(
            Touchpoint(
                customer_id=customer_id,
                profile_id=profile_id,
                type="visit",
                occurred_at=now,
                received_at=now,
                source="shop",
            )
        )


async def visits(database: Database, customer_id: UUID) -> list[UUID]:
    async with database.reading() as session:
        query = select(col(Touchpoint.profile_id)).where(col(Touchpoint.customer_id) == customer_id)
        return list(await session.scalars(query.order_by(col(Touchpoint.id))))


async def test_the_merged_customers_rows_and_names_belong_to_the_survivor(
    database: Database, new_customer: NewCustomer, merge: Merge, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer(EMAIL)
    await visit(database, customer_id=merged, profile_id=merged, now=now)
    async with database.writing() as session:
        session.add(TraitDefinition(key="vip", title="VIP", type="boolean", provenance="imported", created_at=now))
        await session.flush()
        session.add(
            TraitValue(
                customer_id=merged,
                profile_id=merged,
                key="vip",
                boolean_value=True,
                provenance="imported",
                source="till",
                as_of=now,
            )
        )

    await merge(survivor, merged)

    async with database.reading() as session:
        found = await find_customer(session, by=EMAIL)
        trait = (await session.scalars(select(TraitValue))).one()
    assert found is not None
    assert found.id == survivor
    assert (trait.customer_id, trait.profile_id) == (survivor, merged)
    assert await visits(database, survivor) == [merged]


async def test_the_old_id_leads_to_the_survivor_through_chains(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    first, second, third = await new_customer(), await new_customer(), await new_customer()

    await merge(second, first)
    await merge(third, second)

    assert [await today(database, id) for id in (first, second, third)] == [third] * 3


async def test_the_identified_customer_keeps_their_id_whoever_was_asked_to_survive(
    new_customer: NewCustomer, merge: Merge
) -> None:
    visitor, known = await new_customer(EMAIL), await new_customer(CRM_ID)

    made = await merge(visitor, known)

    assert (made.survivor_id, made.merged_id) == (known, visitor)


async def test_two_identified_customers_are_not_merged_unless_asked_explicitly(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    one, other = await new_customer(CRM_ID), await new_customer(SHOP_ID)

    with pytest.raises(ExplicitMergeNeeded):
        await merge(one, other)

    assert [await today(database, id) for id in (one, other)] == [one, other]


@pytest.mark.parametrize("kind", ["service", "system"])
async def test_two_identified_customers_are_not_merged_by_a_machine(
    new_customer: NewCustomer, merge: Merge, kind: str
) -> None:
    one, other = await new_customer(CRM_ID), await new_customer(SHOP_ID)
    machine = SYSTEM if kind == "system" else Actor("service", id=new_id())

    with pytest.raises(ExplicitMergeNeeded):
        await merge(one, other, explicit=True, actor=machine)


async def test_two_identified_customers_are_merged_when_a_person_asks_explicitly(
    new_customer: NewCustomer, merge: Merge
) -> None:
    one, other = await new_customer(CRM_ID), await new_customer(SHOP_ID)

    made = await merge(one, other, explicit=True)

    assert (made.survivor_id, made.merged_id) == (one, other)


async def test_a_merge_fills_gaps_and_raises_both_versions(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    survivor = await new_customer(changes=CustomerChanges(display_name="Anna"))
    merged = await new_customer(changes=CustomerChanges(display_name="Anne", language="de", status="restricted"))

    await merge(survivor, merged)

    row = await row_of(database, survivor)
    assert (row.display_name, row.language, row.status) == ("Anna", "de", "restricted")
    assert (row.version, (await row_of(database, merged)).version) == (2, 2)


async def test_both_profiles_keep_a_name_that_both_claimed(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    survivor, merged = await new_customer(EMAIL), await new_customer(EMAIL)

    await merge(survivor, merged)

    async with database.reading() as session:
        rows = (await session.scalars(select(CustomerIdentity))).all()
        found = await find_customer(session, by=EMAIL)
    assert found is not None
    assert found.id == survivor
    assert {(row.customer_id, row.profile_id) for row in rows} == {(survivor, survivor), (survivor, merged)}


async def test_a_name_that_came_twice_is_removed_twice(
    database: Database, new_customer: NewCustomer, merge: Merge, clerk: Actor, now: datetime
) -> None:
    survivor, merged = await new_customer(EMAIL), await new_customer(EMAIL)
    await merge(survivor, merged)

    async with database.writing() as session:
        [first, _] = (await session.scalars(select(CustomerIdentity))).all()
        await remove_identity(session, identity_id=first.id, actor=clerk, now=now)

    async with database.reading() as session:
        assert (await session.scalars(select(CustomerIdentity))).all() == []


async def test_a_customer_who_is_part_of_another_is_not_merged_again(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    first, second, third = await new_customer(), await new_customer(), await new_customer()
    await merge(second, first)

    with pytest.raises(AlreadyMerged) as refusal:
        await merge(third, first)
    with pytest.raises(AlreadyMerged):
        await merge(first, second)

    assert refusal.value.conflicting_id == str(second)
    assert await today(database, first) == second


async def test_a_customer_is_not_merged_with_themselves_or_with_nobody(new_customer: NewCustomer, merge: Merge) -> None:
    customer = await new_customer()

    with pytest.raises(InvalidInput, match="Name two customers"):
        await merge(customer, customer)
    with pytest.raises(NotFound):
        await merge(customer, new_id())


async def test_a_deleted_or_erased_customer_is_not_merged(
    database: Database, new_customer: NewCustomer, merge: Merge, clerk: Actor, now: datetime
) -> None:
    customer, deleted, erased = await new_customer(), await new_customer(), await new_customer()
    async with database.writing() as session:
        await delete_customer(session, customer_id=deleted, actor=clerk, now=now)
        (await session.get_one(Customer, erased)).status = "erased"

    with pytest.raises(NotFound):
        await merge(customer, deleted)
    with pytest.raises(ForbiddenTransition, match="was erased"):
        await merge(customer, erased)


async def test_plugins_take_part_in_the_same_transaction_and_can_roll_a_merge_back(
    database: Database, new_customer: NewCustomer, merge: Merge
) -> None:
    survivor, merged = await new_customer(), await new_customer(EMAIL)
    seen: list[tuple[UUID, UUID]] = []

    async def refuse(session: AsyncSession, survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
        made = await session.get_one(CustomerMerge, merge_id)
        seen.append((made.survivor_id, made.merged_id))
        raise ForbiddenTransition("This plugin cannot follow.")

    with pytest.raises(ForbiddenTransition, match="cannot follow"):
        await merge(survivor, merged, on_merged=refuse)

    assert seen == [(survivor, merged)]
    assert await today(database, merged) == merged


async def test_merges_are_told_with_the_ids_of_both(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge
) -> None:
    survivor, merged = await new_customer(), await new_customer()

    made = await merge(survivor, merged)
    await unmerge(made.id)

    async with database.reading() as session:
        query = select(Event).where(col(Event.type).in_(["customer.merged", "customer.unmerged"]))
        told = (await session.scalars(query.order_by(col(Event.id)))).all()
    ids = {"mergeId": str(made.id), "survivorId": str(survivor), "mergedId": str(merged)}
    assert [(event.type, event.subject, event.data) for event in told] == [
        ("customer.merged", f"customer:{survivor}", ids),
        ("customer.unmerged", f"customer:{survivor}", ids),
    ]
