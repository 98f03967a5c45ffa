import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from regulars.access.actors import SYSTEM, Actor
from regulars.access.models import ApiKey
from regulars.access.owners import ForCustomer, ForService, ForStaffMember, KeyOwner
from regulars.access.permissions import CORE_PERMISSIONS
from regulars.access.refusals import AlreadyRotated, KeyEnded, KeysCannotMintKeys
from regulars.access.service import IssuedKey, create_key, list_keys, revoke_key, rotate_key
from regulars.access.staff import create_staff_member, disable_staff_member
from regulars.clock import SettableClock
from regulars.database import Database
from regulars.errors import InvalidInput, NotFound, OutOfRange, UnknownValue
from regulars.events.models import Event

SECRET = "a secret of the tests"


async def give_key(
    database: Database, clock: SettableClock, owner: KeyOwner | None = None, *, name: str = "shop"
) -> IssuedKey:
    async with database.writing() as session:
        return await create_key(
            session,
            name=name,
            owner=owner or ForService("analyst"),
            permissions=CORE_PERMISSIONS,
            secret=SECRET,
            actor=SYSTEM,
            now=clock.now(),
        )


async def rotate(database: Database, clock: SettableClock, key: ApiKey) -> IssuedKey:
    async with database.writing() as session:
        return await rotate_key(session, key_id=key.id, secret=SECRET, actor=SYSTEM, now=clock.now())


async def stored_keys(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count(col(ApiKey.id)))) or 0


async def test_only_a_hash_of_a_key_is_kept(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, clock)

    async with database.reading() as session:
        kept = await session.get_one(ApiKey, issued.key.id)

    assert issued.text not in kept.model_dump_json()
    assert issued.text not in repr(issued)
    assert len(kept.hash) == 64


async def test_a_key_lives_for_ninety_days_unless_told_otherwise(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, clock)

    assert issued.key.expires_at == clock.now() + timedelta(days=90)


@pytest.mark.parametrize("days", [-1, 0, 366])
async def test_a_key_that_lives_longer_than_a_year_or_not_at_all_is_refused(
    database: Database, clock: SettableClock, days: int
) -> None:
    async with database.writing() as session:
        with pytest.raises(OutOfRange, match="at most 365 days"):
            await create_key(
                session,
                name="shop",
                owner=ForService("analyst"),
                lifetime=timedelta(days=days),
                permissions=CORE_PERMISSIONS,
                secret=SECRET,
                actor=SYSTEM,
                now=clock.now(),
            )

    assert await stored_keys(database) == 0


async def test_an_unknown_scope_is_refused(database: Database, clock: SettableClock) -> None:
    async with database.writing() as session:
        with pytest.raises(UnknownValue, match="Did you mean 'customers:read'"):
            await create_key(
                session,
                name="shop",
                owner=ForService("analyst"),
                scopes=["customer:read"],
                permissions=CORE_PERMISSIONS,
                secret=SECRET,
                actor=SYSTEM,
                now=clock.now(),
            )

    assert await stored_keys(database) == 0


@pytest.mark.parametrize(
    ("owner", "refusal"),
    [
        (ForService("boss"), UnknownValue),
        (ForStaffMember(uuid4()), NotFound),
        (ForCustomer(uuid4()), NotFound),
    ],
)
async def test_an_owner_who_does_not_exist_gets_no_key(
    database: Database, clock: SettableClock, owner: KeyOwner, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await give_key(database, clock, owner)

    assert await stored_keys(database) == 0


async def test_a_key_without_a_name_is_refused(database: Database, clock: SettableClock) -> None:
    with pytest.raises(InvalidInput, match="needs a name"):
        await give_key(database, clock, name=" ")


async def test_somebody_who_left_gets_no_key(database: Database, clock: SettableClock) -> None:
    async with database.writing() as session:
        staff = await create_staff_member(session, name="Ada", role="admin", actor=SYSTEM, now=clock.now())
        await disable_staff_member(session, staff_member_id=staff.id, actor=SYSTEM, now=clock.now())

    with pytest.raises(NotFound):
        await give_key(database, clock, ForStaffMember(staff.id))


async def test_a_key_cannot_mint_keys(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, clock)
    bearer = Actor("service", id=issued.key.service_id, key_id=issued.key.id)

    async with database.writing() as session:
        with pytest.raises(KeysCannotMintKeys):
            await create_key(
                session,
                name="another",
                owner=ForService("analyst"),
                permissions=CORE_PERMISSIONS,
                secret=SECRET,
                actor=bearer,
                now=clock.now(),
            )
        with pytest.raises(KeysCannotMintKeys):
            await rotate_key(session, key_id=issued.key.id, secret=SECRET, actor=bearer, now=clock.now())

    assert await stored_keys(database) == 1


async def test_after_a_rotation_both_keys_hold_for_a_day(database: Database, clock: SettableClock) -> None:
    old = await give_key(database, clock)

    new = await rotate(database, clock, old.key)
    async with database.reading() as session:
        during = await list_keys(session, now=clock.now() + timedelta(hours=23))
        after = await list_keys(session, now=clock.now() + timedelta(days=1))

    assert new.key.replaces_id == old.key.id
    assert [listed.state for listed in during] == ["live", "live"]
    assert [(listed.key.id, listed.state) for listed in after] == [(new.key.id, "live"), (old.key.id, "expired")]


async def test_a_service_keeps_its_identity_through_a_rotation(database: Database, clock: SettableClock) -> None:
    old = await give_key(database, clock)

    new = await rotate(database, clock, old.key)

    assert new.key.service_id == old.key.service_id
    assert (new.key.name, new.key.role) == (old.key.name, old.key.role)


async def test_an_overlap_does_not_prolong_a_key_that_ends_sooner(database: Database, clock: SettableClock) -> None:
    old = await give_key(database, clock)
    ends = old.key.expires_at
    clock.advance(timedelta(days=90) - timedelta(minutes=1))

    await rotate(database, clock, old.key)

    async with database.reading() as session:
        assert (await session.get_one(ApiKey, old.key.id)).expires_at == ends


async def test_a_third_living_key_is_refused(database: Database, clock: SettableClock) -> None:
    old = await give_key(database, clock)
    await rotate(database, clock, old.key)

    with pytest.raises(AlreadyRotated, match="already replaced"):
        await rotate(database, clock, old.key)

    assert await stored_keys(database) == 2


async def test_two_rotations_at_once_make_one_successor(database: Database, clock: SettableClock) -> None:
    old = await give_key(database, clock)

    outcomes = await asyncio.gather(
        rotate(database, clock, old.key), rotate(database, clock, old.key), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyRotated", "IssuedKey"]
    assert await stored_keys(database) == 2


async def test_a_key_that_is_over_cannot_be_rotated(database: Database, clock: SettableClock) -> None:
    old = await give_key(database, clock)
    async with database.writing() as session:
        await revoke_key(session, key_id=old.key.id, actor=SYSTEM, now=clock.now())

    with pytest.raises(KeyEnded, match="Create a new one"):
        await rotate(database, clock, old.key)


async def test_revoking_twice_keeps_the_first_moment(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, clock)
    first = clock.now()
    async with database.writing() as session:
        await revoke_key(session, key_id=issued.key.id, actor=SYSTEM, now=first)
    clock.advance(timedelta(hours=1))

    async with database.writing() as session:
        key = await revoke_key(session, key_id=issued.key.id, actor=SYSTEM, now=clock.now())

    assert key.revoked_at == first


async def test_an_unknown_key_cannot_be_revoked(database: Database, clock: SettableClock) -> None:
    async with database.writing() as session:
        with pytest.raises(NotFound):
            await revoke_key(session, key_id=uuid4(), actor=SYSTEM, now=clock.now())


async def test_each_step_of_a_key_is_told_without_the_key(database: Database, clock: SettableClock) -> None:
    old = await give_key(database, clock)
    new = await rotate(database, clock, old.key)
    async with database.writing() as session:
        await revoke_key(session, key_id=new.key.id, actor=SYSTEM, now=clock.now())

    async with database.reading() as session:
        told = (await session.scalars(select(Event).order_by(col(Event.id)))).all()

    assert [(event.type, event.subject) for event in told] == [
        ("key.created", f"key:{old.key.id}"),
        ("key.rotated", f"key:{new.key.id}"),
        ("key.revoked", f"key:{new.key.id}"),
    ]
    assert told[1].data == {"keyId": str(new.key.id), "replacesId": str(old.key.id)}


async def test_the_list_names_the_owners(database: Database, clock: SettableClock) -> None:
    async with database.writing() as session:
        staff = await create_staff_member(session, name="Ada", role="admin", actor=SYSTEM, now=clock.now())
    await give_key(database, clock, ForStaffMember(staff.id))
    await give_key(database, clock, ForService("frontline"))

    async with database.reading() as session:
        listed = await list_keys(session, now=clock.now())

    assert [entry.owner for entry in listed] == ["service (frontline)", "Ada (admin)"]
