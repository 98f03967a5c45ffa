from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.claims import IdentityTaken
from regulars.customers.finding import find_customer
from regulars.customers.identities import ExternalRef, read_identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.customers.service import (
    delete_customer,
    restore_customer,
)
from regulars.database import Database
from regulars.errors import Conflict, ForbiddenTransition
from regulars.events.models import Event

NewCustomer = Callable[..., Awaitable[UUID]]

EMAIL = read_identity("email", "anna@example.org")
CRM_ID = read_identity("external", "C-1", source="crm")


async def events(database: Database, customer_id: UUID) -> list[str]:
    async with database.reading() as session:
        query = select(col(Event.type)).where(col(Event.subject) == f"customer:{customer_id}").order_by(col(Event.id))
        return list(await session.scalars(query))


async def customer_now(database: Database, customer_id: UUID) -> Customer:
    async with database.reading() as session:
        return await session.get_one(Customer, customer_id)


async def test_a_deleted_customer_is_not_found_and_holds_no_name(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    gone = await new_customer(CRM_ID, EMAIL)
    async with database.writing() as session:
        await delete_customer(session, customer_id=gone, actor=clerk, now=now)

    successor = await new_customer(CRM_ID, EMAIL)

    async with database.reading() as session:
        by_id = await find_customer(session, by=gone)
        by_ref = await find_customer(session, by=ExternalRef("crm", "C-1"))
        by_email = await find_customer(session, by=EMAIL)
    assert by_id is None
    assert by_ref is not None
    assert by_email is not None
    assert by_ref.id == by_email.id == successor


async def test_a_restored_customer_has_their_names_back(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(CRM_ID, EMAIL)
    async with database.writing() as session:
        await delete_customer(session, customer_id=customer_id, expected_version=1, actor=clerk, now=now)

    async with database.writing() as session:
        await restore_customer(session, customer_id=customer_id, actor=clerk, now=now)

    async with database.reading() as session:
        found = await find_customer(session, by=CRM_ID)
    assert found is not None
    assert (found.id, found.version, found.deleted_at) == (customer_id, 3, None)
    assert (await events(database, customer_id))[-2:] == ["customer.deleted", "customer.restored"]


async def test_a_restore_is_refused_when_somebody_else_has_the_name_by_now(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    gone = await new_customer(CRM_ID, EMAIL)
    async with database.writing() as session:
        await delete_customer(session, customer_id=gone, actor=clerk, now=now)
    owner = await new_customer(CRM_ID)

    with pytest.raises(IdentityTaken) as refusal:
        async with database.writing() as session:
            await restore_customer(session, customer_id=gone, actor=clerk, now=now)

    assert refusal.value.conflicting_id == str(owner)
    async with database.reading() as session:
        identities = await session.scalars(select(CustomerIdentity).where(col(CustomerIdentity.customer_id) == gone))
        assert [identity.retired_at for identity in identities] == [now, now]
    assert (await customer_now(database, gone)).deleted_at == now


async def test_a_restore_of_somebody_who_was_never_deleted_is_refused(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer()

    with pytest.raises(ForbiddenTransition, match="is not deleted"):
        async with database.writing() as session:
            await restore_customer(session, customer_id=customer_id, actor=clerk, now=now)


async def test_a_deletion_from_an_old_version_is_a_conflict(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer()

    with pytest.raises(Conflict):
        async with database.writing() as session:
            await delete_customer(session, customer_id=customer_id, expected_version=7, actor=clerk, now=now)

    assert (await customer_now(database, customer_id)).deleted_at is None
