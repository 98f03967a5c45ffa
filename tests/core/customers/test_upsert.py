from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from regulars.access.actors import Actor
from regulars.customers.changes import CustomerChanges
from regulars.customers.finding import find_customer
from regulars.customers.identities import read_identity
from regulars.customers.models import Customer
from regulars.customers.service import (
    SeveralCustomersMatch,
    upsert_customer,
)
from regulars.database import Database
from regulars.errors import InvalidInput

NewCustomer = Callable[..., Awaitable[UUID]]

EMAIL = read_identity("email", "anna@example.org")
OTHER_EMAIL = read_identity("email", "anna.schmidt@example.org")
CRM_ID = read_identity("external", "C-1", source="crm")
OTHER_CRM_ID = read_identity("external", "C-2", source="crm")
SHOP_ID = read_identity("external", "4711", source="shop")


async def number_of_customers(database: Database) -> int:
    async with database.reading() as session:
        return len((await session.scalars(select(Customer))).all())


async def test_an_upsert_creates_once_and_changes_afterwards(database: Database, clerk: Actor, now: datetime) -> None:
    async with database.writing() as session:
        changes = CustomerChanges(display_name="Anna")
        first = await upsert_customer(session, identities=[CRM_ID, EMAIL], changes=changes, actor=clerk, now=now)
    async with database.writing() as session:
        changes = CustomerChanges(language="de")
        second = await upsert_customer(session, identities=[OTHER_EMAIL, CRM_ID], changes=changes, actor=clerk, now=now)

    assert (first.is_new, second.is_new) == (True, False)
    assert second.customer.id == first.customer.id
    assert (second.customer.display_name, second.customer.language) == ("Anna", "de")
    async with database.reading() as session:
        assert [await find_customer(session, by=name) for name in (EMAIL, OTHER_EMAIL)] == [
            await session.get(Customer, first.customer.id)
        ] * 2


async def test_an_upsert_finds_by_the_external_id_before_the_address(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    await new_customer(EMAIL)
    known = await new_customer(CRM_ID)

    async with database.writing() as session:
        found = await upsert_customer(
            session, identities=[EMAIL, CRM_ID], changes=CustomerChanges(), actor=clerk, now=now
        )

    assert found.customer.id == known


async def test_an_upsert_gives_a_known_address_its_external_id(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    known = await new_customer(EMAIL, SHOP_ID)

    async with database.writing() as session:
        found = await upsert_customer(
            session, identities=[CRM_ID, EMAIL], changes=CustomerChanges(), actor=clerk, now=now
        )

    assert (found.customer.id, found.is_new) == (known, False)


async def test_an_upsert_takes_two_external_ids_of_one_source_for_two_people_who_share_an_address(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    partner = await new_customer(CRM_ID, EMAIL)

    async with database.writing() as session:
        found = await upsert_customer(
            session, identities=[OTHER_CRM_ID, EMAIL], changes=CustomerChanges(), actor=clerk, now=now
        )

    assert found.is_new
    assert found.customer.id != partner


async def test_an_upsert_whose_external_ids_lead_to_two_customers_is_refused(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    await new_customer(CRM_ID)
    second = await new_customer(SHOP_ID)

    changes = CustomerChanges(display_name="Anna")
    with pytest.raises(SeveralCustomersMatch) as refusal:
        async with database.writing() as session:
            await upsert_customer(session, identities=[CRM_ID, SHOP_ID], changes=changes, actor=clerk, now=now)

    assert refusal.value.conflicting_id == str(second)


async def test_an_upsert_by_an_address_that_several_claim_is_refused(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    await new_customer(EMAIL)
    await new_customer(EMAIL)

    with pytest.raises(SeveralCustomersMatch):
        async with database.writing() as session:
            await upsert_customer(session, identities=[EMAIL], changes=CustomerChanges(), actor=clerk, now=now)

    assert await number_of_customers(database) == 2


async def test_an_upsert_without_identity_is_refused(database: Database, clerk: Actor, now: datetime) -> None:
    with pytest.raises(InvalidInput, match="at least one identity"):
        async with database.writing() as session:
            await upsert_customer(session, identities=[], changes=CustomerChanges(), actor=clerk, now=now)


async def test_an_upsert_with_a_new_external_id_and_an_address_that_several_claim_creates_a_customer(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    claimants = {await new_customer(EMAIL), await new_customer(EMAIL)}

    async with database.writing() as session:
        changes = CustomerChanges()
        done = await upsert_customer(session, identities=[EMAIL, CRM_ID], changes=changes, actor=clerk, now=now)

    assert done.is_new
    assert done.customer.id not in claimants
