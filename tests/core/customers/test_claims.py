from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.claims import IdentityTaken, add_identity, remove_identity, verify_identity
from regulars.customers.finding import find_customer, find_customers_by_refs
from regulars.customers.identities import ExternalRef, Identity, read_identity
from regulars.customers.models import CustomerIdentity
from regulars.customers.service import delete_customer
from regulars.database import Database
from regulars.errors import NotFound
from regulars.events.models import Event
from regulars.tables import new_id

NewCustomer = Callable[..., Awaitable[UUID]]
CountStatements = Callable[[], AbstractContextManager[list[str]]]

EMAIL = read_identity("email", "anna@example.org")
CRM_ID = read_identity("external", "C-1", source="crm")


async def found(database: Database, by: UUID | ExternalRef | Identity) -> UUID | None:
    async with database.reading() as session:
        customer = await find_customer(session, by=by)
        return None if customer is None else customer.id


async def identity_of(database: Database, customer_id: UUID) -> CustomerIdentity:
    async with database.reading() as session:
        query = select(CustomerIdentity).where(col(CustomerIdentity.customer_id) == customer_id)
        return (await session.scalars(query)).one()


async def test_one_claim_finds_its_customer(database: Database, new_customer: NewCustomer) -> None:
    customer_id = await new_customer(EMAIL)

    assert await found(database, read_identity("email", "ANNA@example.org")) == customer_id


async def test_several_claims_find_nobody(database: Database, new_customer: NewCustomer) -> None:
    await new_customer(EMAIL)
    await new_customer(EMAIL)

    assert await found(database, EMAIL) is None


async def test_the_verified_owner_is_found_among_the_claims(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    await new_customer(EMAIL)
    owner = await new_customer(EMAIL)
    identity = await identity_of(database, owner)

    async with database.writing() as session:
        await verify_identity(session, identity_id=identity.id, actor=clerk, now=now)

    assert await found(database, EMAIL) == owner
    assert (await identity_of(database, owner)).verified_at == now


async def test_a_second_owner_is_refused_and_the_refusal_names_the_first(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    owner, claimant = await new_customer(EMAIL), await new_customer(EMAIL)
    first, second = await identity_of(database, owner), await identity_of(database, claimant)
    async with database.writing() as session:
        await verify_identity(session, identity_id=first.id, actor=clerk, now=now)

    with pytest.raises(IdentityTaken, match=f"belongs to customer {owner}") as refusal:
        async with database.writing() as session:
            await verify_identity(session, identity_id=second.id, actor=clerk, now=now)

    assert refusal.value.conflicting_id == str(owner)
    assert (await identity_of(database, claimant)).verified_at is None


async def test_verifying_twice_keeps_the_first_proof_and_tells_once(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(EMAIL)
    identity = await identity_of(database, customer_id)

    async with database.writing() as session:
        await verify_identity(session, identity_id=identity.id, actor=clerk, now=now)
        await verify_identity(session, identity_id=identity.id, actor=clerk, now=now.replace(year=2027))

    async with database.reading() as session:
        told = (await session.scalars(select(Event).where(col(Event.type) == "identity.verified"))).all()
    assert (await identity_of(database, customer_id)).verified_at == now
    assert [event.data for event in told] == [{"identityId": str(identity.id), "kind": "email"}]


async def test_a_name_can_be_added_as_proven(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    await new_customer(EMAIL)
    customer_id = await new_customer()

    async with database.writing() as session:
        await add_identity(session, customer_id=customer_id, identity=EMAIL, verified_at=now, actor=clerk, now=now)

    assert await found(database, EMAIL) == customer_id


async def test_adding_the_same_name_again_changes_nothing(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(EMAIL)
    before = await identity_of(database, customer_id)

    async with database.writing() as session:
        again = read_identity("email", "Anna@example.org")
        await add_identity(session, customer_id=customer_id, identity=again, actor=clerk, now=now)

    assert await identity_of(database, customer_id) == before


async def test_a_removed_name_finds_nobody_and_is_free_again(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(CRM_ID)
    identity = await identity_of(database, customer_id)

    async with database.writing() as session:
        await remove_identity(session, identity_id=identity.id, actor=clerk, now=now)

    assert await found(database, CRM_ID) is None
    assert await new_customer(CRM_ID) == await found(database, CRM_ID)


async def test_an_unknown_identity_cannot_be_verified_or_removed(
    database: Database, clerk: Actor, now: datetime
) -> None:
    with pytest.raises(NotFound, match="identity"):
        async with database.writing() as session:
            await verify_identity(session, identity_id=new_id(), actor=clerk, now=now)
    with pytest.raises(NotFound, match="identity"):
        async with database.writing() as session:
            await remove_identity(session, identity_id=new_id(), actor=clerk, now=now)


async def test_a_name_cannot_be_given_to_a_deleted_customer(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer()
    async with database.writing() as session:
        await delete_customer(session, customer_id=customer_id, actor=clerk, now=now)

    with pytest.raises(NotFound):
        async with database.writing() as session:
            await add_identity(session, customer_id=customer_id, identity=EMAIL, actor=clerk, now=now)


async def test_many_references_are_answered_in_order_by_one_statement(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime, count_statements: CountStatements
) -> None:
    first = await new_customer(CRM_ID)
    second = await new_customer(read_identity("external", "C-2", source="crm"))
    deleted = await new_customer(read_identity("external", "C-3", source="crm"))
    async with database.writing() as session:
        await delete_customer(session, customer_id=deleted, actor=clerk, now=now)
    refs = [ExternalRef(*ref.split()) for ref in ("crm C-2", "crm C-3", "shop C-1", "crm C-1", "CRM C-2", "crm null")]

    async with database.reading() as session:
        with count_statements() as statements:
            customers = await find_customers_by_refs(session, refs=refs)

    assert [customer and customer.id for customer in customers] == [second, None, None, first, second, None]
    assert len(statements) == 1


async def test_no_references_are_no_question(database: Database) -> None:
    async with database.reading() as session:
        assert await find_customers_by_refs(session, refs=[]) == []
