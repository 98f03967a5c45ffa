from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.changes import CustomerChanges, InvalidTimeZone
from regulars.customers.claims import IdentityTaken
from regulars.customers.identities import read_identity
from regulars.customers.models import Customer
from regulars.customers.service import (
    create_customer,
    update_customer,
)
from regulars.database import Database
from regulars.errors import Conflict, ForbiddenTransition, InvalidInput, NotFound, UnknownValue
from regulars.events.models import Event
from regulars.tables import new_id

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


async def number_of_customers(database: Database) -> int:
    async with database.reading() as session:
        return len((await session.scalars(select(Customer))).all())


async def test_a_new_customer_has_what_was_given_in_its_usual_form(
    database: Database, clerk: Actor, now: datetime
) -> None:
    changes = CustomerChanges(
        display_name="  Anna   Schmidt ", language="de-at", time_zone="Europe/Vienna", jurisdiction="us-fl", age="adult"
    )

    async with database.writing() as session:
        created = await create_customer(session, changes=changes, identities=[EMAIL], actor=clerk, now=now)

    customer = await customer_now(database, created.id)
    assert (customer.display_name, customer.language, customer.time_zone) == ("Anna Schmidt", "de-AT", "Europe/Vienna")
    assert (customer.jurisdiction, customer.age, customer.status, customer.version) == ("US-FL", "adult", "active", 1)
    assert customer.created_at == customer.updated_at == now
    assert await events(database, created.id) == ["customer.created", "identity.added"]


async def test_events_hold_ids_and_no_personal_data(database: Database, new_customer: NewCustomer) -> None:
    await new_customer(EMAIL, changes=CustomerChanges(display_name="Anna Schmidt"))

    async with database.reading() as session:
        written = [event.data for event in await session.scalars(select(Event))]
    assert "anna" not in str(written).casefold()


@pytest.mark.parametrize(
    ("changes", "error", "path"),
    [
        (CustomerChanges(language="german"), InvalidInput, "language"),
        (CustomerChanges(language="en_GB"), InvalidInput, "language"),
        (CustomerChanges(time_zone="Europe/Atlantis"), InvalidTimeZone, "timeZone"),
        (CustomerChanges(time_zone="UTC+2"), InvalidTimeZone, "timeZone"),
        (CustomerChanges(jurisdiction="Florida"), InvalidInput, "jurisdiction"),
        (CustomerChanges(age="old"), UnknownValue, "age"),
        (CustomerChanges(status="gone"), UnknownValue, "status"),
        (CustomerChanges(status=None), UnknownValue, "status"),
        (CustomerChanges(status="erased"), ForbiddenTransition, "status"),
        (CustomerChanges(display_name="x" * 201), InvalidInput, "displayName"),
        (CustomerChanges(display_name="a\x00b"), InvalidInput, "displayName"),
    ],
)
async def test_a_value_that_cannot_be_is_refused_and_nobody_is_created(
    database: Database, clerk: Actor, now: datetime, changes: CustomerChanges, error: type[Exception], path: str
) -> None:
    with pytest.raises(error) as refusal:
        async with database.writing() as session:
            await create_customer(session, changes=changes, identities=[EMAIL], actor=clerk, now=now)

    assert getattr(refusal.value, "path", None) == (path,)
    assert await number_of_customers(database) == 0


@pytest.mark.parametrize(
    "tag", ["de", "gsw", "en-GB", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "de-DE-u-co-phonebk", "und-x-shop"]
)
async def test_a_language_tag_of_bcp_47_is_kept(new_customer: NewCustomer, database: Database, tag: str) -> None:
    customer_id = await new_customer(changes=CustomerChanges(language=tag))

    assert (await customer_now(database, customer_id)).language == tag


async def test_unset_leaves_and_none_clears(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    given = CustomerChanges(display_name="Anna", language="de", age="minor", has_guardian_consent=True)
    customer_id = await new_customer(changes=given)

    async with database.writing() as session:
        changes = CustomerChanges(language=None, age=None, has_guardian_consent=None)
        await update_customer(session, customer_id=customer_id, changes=changes, actor=clerk, now=now)

    customer = await customer_now(database, customer_id)
    assert (customer.display_name, customer.language) == ("Anna", None)
    assert (customer.age, customer.has_guardian_consent) == ("unknown", False)


async def test_an_update_raises_the_version_and_tells_which_columns_changed(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(changes=CustomerChanges(language="de"))
    later = now + timedelta(hours=1)

    async with database.writing() as session:
        changes = CustomerChanges(display_name="Anna", language="de")
        await update_customer(
            session, customer_id=customer_id, changes=changes, expected_version=1, actor=clerk, now=later
        )

    customer = await customer_now(database, customer_id)
    async with database.reading() as session:
        told = await session.scalar(select(Event).where(col(Event.type) == "customer.updated"))
    assert (customer.version, customer.updated_at, customer.created_at) == (2, later, now)
    assert told is not None
    assert told.data == {"changed": ["display_name"]}


async def test_an_update_without_difference_writes_nothing(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(changes=CustomerChanges(language="de"))

    async with database.writing() as session:
        changes = CustomerChanges(language="DE")
        await update_customer(
            session, customer_id=customer_id, changes=changes, actor=clerk, now=now + timedelta(hours=1)
        )

    customer = await customer_now(database, customer_id)
    assert (customer.version, customer.updated_at) == (1, now)
    assert await events(database, customer_id) == ["customer.created"]


async def test_an_update_from_an_old_version_is_a_conflict(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(changes=CustomerChanges(language="de"))
    async with database.writing() as session:
        changes = CustomerChanges(language="fr")
        await update_customer(session, customer_id=customer_id, changes=changes, actor=clerk, now=now)

    changes = CustomerChanges(language="it")
    with pytest.raises(Conflict, match="at version 2, not 1"):
        async with database.writing() as session:
            await update_customer(
                session, customer_id=customer_id, changes=changes, expected_version=1, actor=clerk, now=now
            )

    assert (await customer_now(database, customer_id)).language == "fr"


async def test_an_update_of_somebody_unknown_is_refused(database: Database, clerk: Actor, now: datetime) -> None:
    with pytest.raises(NotFound):
        async with database.writing() as session:
            await update_customer(session, customer_id=new_id(), changes=CustomerChanges(), actor=clerk, now=now)


async def test_an_erased_customer_takes_no_changes(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer()
    async with database.writing() as session:
        (await session.get_one(Customer, customer_id)).status = "erased"

    changes = CustomerChanges(display_name="Anna")
    with pytest.raises(ForbiddenTransition, match="was erased"):
        async with database.writing() as session:
            await update_customer(session, customer_id=customer_id, changes=changes, actor=clerk, now=now)


async def test_an_external_id_has_one_owner_and_the_refusal_names_them(
    database: Database, new_customer: NewCustomer
) -> None:
    owner = await new_customer(CRM_ID)

    with pytest.raises(IdentityTaken, match=f"'C-1' of crm belongs to customer {owner}") as refusal:
        await new_customer(EMAIL, CRM_ID)

    assert refusal.value.conflicting_id == str(owner)
    assert await number_of_customers(database) == 1
