from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.models import ConsentEvent, ConsentState
from regulars.consents.service import rebuild_states
from regulars.customers.changes import CustomerChanges
from regulars.customers.claims import add_identity
from regulars.customers.finding import find_customer
from regulars.customers.identities import read_identity
from regulars.customers.merges import UnmergeRefused
from regulars.customers.models import Customer, CustomerMerge
from regulars.customers.service import delete_customer, restore_customer, update_customer
from regulars.database import Database
from regulars.errors import NotFound
from regulars.tables import new_id
from regulars.touchpoints.models import Touchpoint

NewCustomer = Callable[..., Awaitable[UUID]]
Merge = Callable[..., Awaitable[CustomerMerge]]
Unmerge = Callable[..., Awaitable[CustomerMerge]]

EMAIL = read_identity("email", "anna@example.org")
CRM_ID = read_identity("external", "C-1", source="crm")


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


async def consent(database: Database, customer_id: UUID, action: str, at: datetime, channel: str = "email") -> None:
    async with database.writing() as session:
        session.add(
            ConsentEvent(
                customer_id=customer_id,
                profile_id=customer_id,
                action=action,
                purpose="marketing.own",
                channel=channel,
                topic="*",
                at=at,
                recorded_at=at,
                actor="customer",
                is_proven=True,
                notice_version="1",
                language="en",
            )
        )
        await session.flush()
        await rebuild_states(session, customer_id=customer_id)


async def statuses(database: Database, customer_id: UUID) -> dict[str, str]:
    async with database.reading() as session:
        rows = await session.scalars(select(ConsentState).where(col(ConsentState.customer_id) == customer_id))
        return {row.channel: row.status for row in rows}


async def test_the_narrower_consent_stands_after_a_merge_and_both_stand_again_after_an_unmerge(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer()
    await consent(database, merged, "withdraw", now - timedelta(days=2))
    await consent(database, survivor, "grant", now - timedelta(days=1))
    await consent(database, survivor, "grant", now - timedelta(days=1), channel="sms")

    made = await merge(survivor, merged)
    narrowed = await statuses(database, survivor), await statuses(database, merged)
    await unmerge(made.id)

    assert narrowed == ({"email": "withdrawn", "sms": "granted"}, {})
    assert await statuses(database, survivor) == {"email": "granted", "sms": "granted"}
    assert await statuses(database, merged) == {"email": "withdrawn"}


async def test_an_unmerge_gives_back_what_was_written_to_the_old_id_since(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer()
    made = await merge(survivor, merged)
    await visit(database, customer_id=survivor, profile_id=merged, now=now)
    await visit(database, customer_id=survivor, profile_id=survivor, now=now)

    await unmerge(made.id)

    assert (await visits(database, survivor), await visits(database, merged)) == ([survivor], [merged])


async def test_a_name_given_to_the_old_id_goes_back_with_it(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge, clerk: Actor, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer()
    made = await merge(survivor, merged)
    async with database.writing() as session:
        given = await add_identity(session, customer_id=merged, identity=EMAIL, actor=clerk, now=now)
    held_by = given.customer_id

    await unmerge(made.id)

    async with database.reading() as session:
        found = await find_customer(session, by=EMAIL)
    assert held_by == survivor
    assert found is not None
    assert found.id == merged


async def test_undoing_the_outer_merge_of_a_chain_leaves_the_inner_one(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge, now: datetime
) -> None:
    first, second, third = await new_customer(), await new_customer(), await new_customer()
    await visit(database, customer_id=first, profile_id=first, now=now)
    await merge(second, first)
    outer = await merge(third, second)

    await unmerge(outer.id)

    assert [await today(database, id) for id in (first, second, third)] == [second, second, third]
    assert await visits(database, second) == [first]


async def test_undoing_the_inner_merge_of_a_chain_is_refused_and_names_the_outer(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge
) -> None:
    first, second, third = await new_customer(), await new_customer(), await new_customer()
    inner = await merge(second, first)
    outer = await merge(third, second)

    with pytest.raises(UnmergeRefused, match=f"Undo merge {outer.id} first"):
        await unmerge(inner.id)

    assert await today(database, first) == third


async def test_of_two_merges_into_one_survivor_the_first_can_be_undone_alone(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge
) -> None:
    survivor = await new_customer()
    first = await new_customer(changes=CustomerChanges(language="de"))
    second = await new_customer(changes=CustomerChanges(language="fr"))
    made = await merge(survivor, first)
    later = await merge(survivor, second)

    await unmerge(made.id)
    with_second = (await row_of(database, survivor)).language
    await unmerge(later.id)

    assert with_second == "fr"
    assert (await row_of(database, survivor)).language is None
    assert [await today(database, id) for id in (first, second)] == [first, second]


async def test_what_was_edited_since_the_merge_stands_after_the_unmerge(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge, clerk: Actor, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer(changes=CustomerChanges(language="de"))
    made = await merge(survivor, merged)
    async with database.writing() as session:
        changes = CustomerChanges(language="it")
        await update_customer(session, customer_id=merged, changes=changes, actor=clerk, now=now)

    await unmerge(made.id)

    assert (await row_of(database, survivor)).language == "it"
    assert (await row_of(database, merged)).language == "de"


async def test_a_merge_can_be_undone_once(new_customer: NewCustomer, merge: Merge, unmerge: Unmerge) -> None:
    made = await merge(await new_customer(), await new_customer())
    await unmerge(made.id)

    with pytest.raises(UnmergeRefused, match="undone already"):
        await unmerge(made.id)


async def test_a_merge_into_a_deleted_survivor_is_undone_after_they_are_restored(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge, clerk: Actor, now: datetime
) -> None:
    survivor, merged = await new_customer(CRM_ID), await new_customer(EMAIL)
    made = await merge(survivor, merged)
    async with database.writing() as session:
        await delete_customer(session, customer_id=merged, actor=clerk, now=now)

    with pytest.raises(UnmergeRefused, match="Restore them first"):
        await unmerge(made.id)
    async with database.writing() as session:
        await restore_customer(session, customer_id=merged, actor=clerk, now=now)
    await unmerge(made.id)

    async with database.reading() as session:
        found = await find_customer(session, by=EMAIL)
    assert found is not None
    assert found.id == merged


async def test_an_unknown_merge_cannot_be_undone(database: Database, unmerge: Unmerge) -> None:
    with pytest.raises(NotFound, match="no merge"):
        await unmerge(new_id())
