import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.clock import SettableClock
from regulars.customers.claims import remove_identity
from regulars.customers.identities import read_identity
from regulars.customers.merges import merge_customers
from regulars.customers.models import Customer, CustomerIdentity
from regulars.database import Database
from regulars.errors import NotFound
from regulars.selfservice.door import CustomerDoor
from regulars.selfservice.models import CustomerSession, MagicLink
from regulars.selfservice.refusals import AddressUnknown, LinkUnknown, TooManyLinks
from regulars.selfservice.service import OpenedSession
from regulars.testing.shop import add_customer

EMAIL = read_identity("email", "anna@example.org")
DOOR = CustomerDoor("a secret of the tests")


@pytest.fixture
async def anna(database: Database, clock: SettableClock) -> UUID:
    async with database.writing() as session:
        return await add_customer(session, name="Anna", email="anna@example.org", external_id=None, now=clock.now())


async def told_nobody(*_: object) -> None:
    return None


async def link_for(database: Database, customer_id: UUID, clock: SettableClock) -> str:
    async with database.writing() as session:
        return await DOOR.make_magic_link(session, customer_id=customer_id, address=EMAIL, now=clock.now())


async def opened(database: Database, link: str, clock: SettableClock) -> str:
    async with database.writing() as session:
        token, _ = await DOOR.open_session(session, link=link, now=clock.now())
    return token


async def seen(database: Database, token: str, clock: SettableClock) -> OpenedSession | None:
    async with database.reading() as session:
        return await DOOR.session_of(session, token=token, now=clock.now())


async def test_a_link_opens_a_session_of_its_customer_for_half_an_hour(
    database: Database, anna: UUID, clock: SettableClock
) -> None:
    token = await opened(database, await link_for(database, anna, clock), clock)

    found = await seen(database, token, clock)
    clock.advance(timedelta(minutes=30))
    later = await seen(database, token, clock)

    assert found is not None
    assert (found.customer.id, found.expires_at - found.opened_at) == (anna, timedelta(minutes=30))
    assert later is None


async def test_a_link_opens_one_session(database: Database, anna: UUID, clock: SettableClock) -> None:
    link = await link_for(database, anna, clock)
    await opened(database, link, clock)

    with pytest.raises(LinkUnknown):
        await opened(database, link, clock)


async def test_of_many_who_use_one_link_at_once_one_comes_in(
    database: Database, anna: UUID, clock: SettableClock
) -> None:
    link = await link_for(database, anna, clock)

    results = await asyncio.gather(*(opened(database, link, clock) for _ in range(8)), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["LinkUnknown"] * 7 + ["str"]


async def test_a_link_is_void_after_a_quarter_of_an_hour(database: Database, anna: UUID, clock: SettableClock) -> None:
    link = await link_for(database, anna, clock)
    clock.advance(timedelta(minutes=15))

    with pytest.raises(LinkUnknown):
        await opened(database, link, clock)


async def test_a_newer_link_voids_the_older_one(database: Database, anna: UUID, clock: SettableClock) -> None:
    older, newer = await link_for(database, anna, clock), await link_for(database, anna, clock)

    with pytest.raises(LinkUnknown):
        await opened(database, older, clock)
    assert await opened(database, newer, clock)


async def test_a_link_is_void_once_its_address_is_not_the_customers(
    database: Database, anna: UUID, clock: SettableClock
) -> None:
    link = await link_for(database, anna, clock)
    async with database.writing() as session:
        row = (await session.scalars(select(CustomerIdentity).where(col(CustomerIdentity.kind) == "email"))).one()
        await remove_identity(session, identity_id=row.id, actor=SYSTEM, now=clock.now())

    with pytest.raises(LinkUnknown):
        await opened(database, link, clock)


async def test_a_link_is_sent_to_no_foreign_address(database: Database, anna: UUID, clock: SettableClock) -> None:
    foreign = read_identity("email", "mallory@example.org")

    with pytest.raises(AddressUnknown):
        async with database.writing() as session:
            await DOOR.make_magic_link(session, customer_id=anna, address=foreign, now=clock.now())

    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(MagicLink)) == 0


async def test_after_five_links_within_an_hour_there_is_no_sixth(
    database: Database, anna: UUID, clock: SettableClock
) -> None:
    await asyncio.gather(*(link_for(database, anna, clock) for _ in range(5)))

    with pytest.raises(TooManyLinks):
        await link_for(database, anna, clock)
    clock.advance(timedelta(hours=1))
    assert await link_for(database, anna, clock)


async def test_an_ended_session_stays_ended(database: Database, anna: UUID, clock: SettableClock) -> None:
    token = await opened(database, await link_for(database, anna, clock), clock)

    async with database.writing() as session:
        await DOOR.end_session(session, token=token, now=clock.now())

    assert await seen(database, token, clock) is None


async def test_the_session_of_a_customer_who_was_merged_is_the_survivors(
    database: Database, anna: UUID, clock: SettableClock
) -> None:
    token = await opened(database, await link_for(database, anna, clock), clock)
    async with database.writing() as session:
        other = await add_customer(session, name="Ann", email="ann@example.org", external_id=None, now=clock.now())
        await merge_customers(
            session,
            survivor_id=other,
            merged_id=anna,
            reason="the same person",
            actor=SYSTEM,
            on_merged=told_nobody,
            now=clock.now(),
        )

    found = await seen(database, token, clock)

    assert found is not None
    assert found.customer.id == other


@pytest.mark.parametrize("status", ["erased", "deceased"])
async def test_nobody_comes_in_for_a_customer_who_is_gone(
    database: Database, anna: UUID, clock: SettableClock, status: str
) -> None:
    link = await link_for(database, anna, clock)
    token = await opened(database, link, clock)
    async with database.writing() as session:
        (await session.get_one(Customer, anna)).status = status

    assert await seen(database, token, clock) is None
    with pytest.raises(NotFound):
        await link_for(database, anna, clock)


async def test_the_database_holds_no_token(database: Database, anna: UUID, clock: SettableClock) -> None:
    link = await link_for(database, anna, clock)
    token = await opened(database, link, clock)

    async with database.reading() as session:
        kept = (
            await session.execute(
                select(MagicLink, CustomerSession).join(CustomerSession, col(CustomerSession.link_id) == MagicLink.id)
            )
        ).one()

    assert link not in str(kept)
    assert token not in str(kept)


def test_a_form_of_one_session_is_no_form_of_another() -> None:
    token = DOOR.form_token("one session")

    assert DOOR.is_form_token("one session", token)
    assert not DOOR.is_form_token("another session", token)
    assert not DOOR.is_form_token("one session", "é")
