from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, update
from sqlmodel import col

from regulars.access.actors import ANONYMOUS, SYSTEM, Actor
from regulars.access.authentication import Authentications, authenticate
from regulars.access.keys import new_key
from regulars.access.owners import ForCustomer, ForService, ForStaffMember, KeyOwner
from regulars.access.permissions import CORE_PERMISSIONS, CUSTOMER_PERMISSIONS
from regulars.access.refusals import ExpiredKey, MalformedKey, OwnerDisabled, RevokedKey, UnknownKey, WrongScheme
from regulars.access.service import IssuedKey, create_key, revoke_key
from regulars.access.staff import create_staff_member, disable_staff_member
from regulars.clock import SettableClock
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.plugins.manifest import Permission

SECRET = "a secret of the tests"


async def give_staff_member(database: Database, role: str, *, now: datetime) -> UUID:
    async with database.writing() as session:
        staff_member = await create_staff_member(session, name="Ada", role=role, actor=SYSTEM, now=now)
    return staff_member.id


async def give_customer(database: Database, *, now: datetime, status: str = "active") -> UUID:
    customer = Customer(status=status, created_at=now, updated_at=now)
    async with database.writing() as session:
        session.add(customer)
    return customer.id


async def give_key(
    database: Database, owner: KeyOwner, *, now: datetime, scopes: Sequence[str] | None = None
) -> IssuedKey:
    async with database.writing() as session:
        return await create_key(
            session,
            name="shop",
            owner=owner,
            scopes=scopes,
            permissions=CORE_PERMISSIONS,
            secret=SECRET,
            actor=SYSTEM,
            now=now,
        )


async def let_in(
    database: Database,
    authorization: str | None,
    *,
    now: datetime,
    permissions: Sequence[Permission] = CORE_PERMISSIONS,
) -> Actor:
    async with database.reading() as session:
        return await authenticate(session, authorization=authorization, now=now, permissions=permissions, secret=SECRET)


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def remember(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", remember)


async def test_without_a_header_the_actor_is_anonymous(database: Database, clock: SettableClock) -> None:
    assert await let_in(database, None, now=clock.now()) == ANONYMOUS


async def test_a_staff_member_has_the_rights_of_the_role(database: Database, clock: SettableClock) -> None:
    staff_id = await give_staff_member(database, "analyst", now=clock.now())
    issued = await give_key(database, ForStaffMember(staff_id), now=clock.now())

    actor = await let_in(database, f"Bearer {issued.text}", now=clock.now())

    assert (actor.kind, actor.id, actor.name, actor.key_id) == ("staff", staff_id, "Ada", issued.key.id)
    assert actor.may("segments:write")
    assert not actor.may("customers:write")


async def test_a_service_has_the_rights_of_its_own_role(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("frontline"), now=clock.now())

    actor = await let_in(database, f"Bearer {issued.text}", now=clock.now())

    assert (actor.kind, actor.name) == ("service", "shop")
    assert actor.may("touchpoints:write")
    assert not actor.may("jobs:read")


async def test_a_customer_has_the_rights_of_customers(database: Database, clock: SettableClock) -> None:
    customer_id = await give_customer(database, now=clock.now())
    issued = await give_key(database, ForCustomer(customer_id), now=clock.now())

    actor = await let_in(database, f"Bearer {issued.text}", now=clock.now())

    assert (actor.kind, actor.customer_id) == ("customer", customer_id)
    assert actor.permissions == CUSTOMER_PERMISSIONS


async def test_the_scheme_is_read_in_any_case(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("analyst"), now=clock.now())

    actor = await let_in(database, f"bearer {issued.text}", now=clock.now())

    assert actor.kind == "service"


async def test_scopes_only_narrow_the_rights_of_the_owner(database: Database, clock: SettableClock) -> None:
    scopes = ["customers:read", "plugins:manage"]
    issued = await give_key(database, ForService("analyst"), scopes=scopes, now=clock.now())

    actor = await let_in(database, f"Bearer {issued.text}", now=clock.now())

    assert actor.permissions == {"customers:read"}


async def test_a_right_of_a_plugin_comes_and_goes_with_the_plugin(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("analyst"), now=clock.now())
    with_plugin = (*CORE_PERMISSIONS, Permission("clv:read", "See lifetime value", ("analyst",)))

    actor = await let_in(database, f"Bearer {issued.text}", now=clock.now(), permissions=with_plugin)
    later = await let_in(database, f"Bearer {issued.text}", now=clock.now())

    assert actor.may("clv:read")
    assert not later.may("clv:read")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic cmdsXzp4", "rgl_alone"])
async def test_another_scheme_is_refused(database: Database, clock: SettableClock, authorization: str) -> None:
    with pytest.raises(WrongScheme, match="Authorization: Bearer"):
        await let_in(database, authorization, now=clock.now())


async def test_a_mistyped_key_is_refused_without_asking_the_database(
    database: Database, clock: SettableClock, statements: list[str]
) -> None:
    with pytest.raises(MalformedKey, match="checksum"):
        await let_in(database, f"Bearer {new_key()[:-2]}", now=clock.now())

    assert statements == []


async def test_an_unknown_key_is_refused(database: Database, clock: SettableClock) -> None:
    with pytest.raises(UnknownKey, match="not known"):
        await let_in(database, f"Bearer {new_key()}", now=clock.now())


async def test_a_key_does_not_hold_under_another_secret(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())

    async with database.reading() as session:
        with pytest.raises(UnknownKey):
            await authenticate(
                session,
                authorization=f"Bearer {issued.text}",
                now=clock.now(),
                permissions=CORE_PERMISSIONS,
                secret="another secret",
            )


async def test_an_expired_key_says_since_when(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())
    clock.advance(timedelta(days=90))

    with pytest.raises(ExpiredKey, match=r"expired on 2026-05-31 at 12:00 UTC") as refusal:
        await let_in(database, f"Bearer {issued.text}", now=clock.now())

    assert refusal.value.code == "UNAUTHENTICATED"
    assert issued.text not in str(refusal.value)


async def test_a_key_holds_until_the_last_moment_of_its_time(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())
    clock.advance(timedelta(days=90) - timedelta(seconds=1))

    actor = await let_in(database, f"Bearer {issued.text}", now=clock.now())

    assert actor.kind == "service"


async def test_a_revoked_key_is_refused(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())
    async with database.writing() as session:
        await revoke_key(session, key_id=issued.key.id, actor=SYSTEM, now=clock.now())

    with pytest.raises(RevokedKey, match="revoked on 2026-03-02 at 12:00 UTC"):
        await let_in(database, f"Bearer {issued.text}", now=clock.now())


async def test_the_key_of_somebody_who_left_is_refused(database: Database, clock: SettableClock) -> None:
    staff_id = await give_staff_member(database, "admin", now=clock.now())
    issued = await give_key(database, ForStaffMember(staff_id), now=clock.now())
    async with database.writing() as session:
        await disable_staff_member(session, staff_member_id=staff_id, actor=SYSTEM, now=clock.now())

    with pytest.raises(OwnerDisabled, match="staff member that is no longer active"):
        await let_in(database, f"Bearer {issued.text}", now=clock.now())


@pytest.mark.parametrize("change", [{"status": "erased"}, {"status": "deceased"}, {"is_deleted": True}])
async def test_the_key_of_a_customer_who_is_gone_is_refused(
    database: Database, clock: SettableClock, change: dict[str, object]
) -> None:
    customer_id = await give_customer(database, now=clock.now())
    issued = await give_key(database, ForCustomer(customer_id), now=clock.now())
    values = {"deleted_at": clock.now()} if "is_deleted" in change else change
    async with database.writing() as session:
        await session.execute(update(Customer).where(col(Customer.id) == customer_id).values(**values))

    with pytest.raises(OwnerDisabled, match="customer that is no longer active"):
        await let_in(database, f"Bearer {issued.text}", now=clock.now())


async def test_the_key_of_a_merged_customer_does_not_open_the_survivor(
    database: Database, clock: SettableClock
) -> None:
    customer_id = await give_customer(database, now=clock.now())
    survivor_id = await give_customer(database, now=clock.now())
    issued = await give_key(database, ForCustomer(customer_id), now=clock.now())
    async with database.writing() as session:
        await session.execute(
            update(Customer).where(col(Customer.id) == customer_id).values(merged_into_id=survivor_id)
        )

    with pytest.raises(OwnerDisabled):
        await let_in(database, f"Bearer {issued.text}", now=clock.now())


async def test_a_warm_process_asks_the_database_nothing(
    database: Database, clock: SettableClock, statements: list[str]
) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())
    authentications = Authentications(database, secret=SECRET)
    cold = await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)
    statements.clear()
    clock.advance(timedelta(seconds=4))

    warm = await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)

    assert warm == cold
    assert statements == []


async def test_a_warm_process_refuses_a_revoked_key_within_five_seconds(
    database: Database, clock: SettableClock
) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())
    authentications = Authentications(database, secret=SECRET)
    await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)
    async with database.writing() as session:
        await revoke_key(session, key_id=issued.key.id, actor=SYSTEM, now=clock.now())
    clock.advance(timedelta(seconds=5))

    with pytest.raises(RevokedKey):
        await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)


async def test_a_clock_that_was_set_back_does_not_prolong_a_revoked_key(
    database: Database, clock: SettableClock
) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())
    authentications = Authentications(database, secret=SECRET)
    await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)
    async with database.writing() as session:
        await revoke_key(session, key_id=issued.key.id, actor=SYSTEM, now=clock.now())
    clock.advance(timedelta(hours=-1))

    with pytest.raises(RevokedKey):
        await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)


async def test_a_warm_process_refuses_a_key_at_the_moment_it_expires(database: Database, clock: SettableClock) -> None:
    issued = await give_key(database, ForService("admin"), now=clock.now())
    authentications = Authentications(database, secret=SECRET)
    clock.advance(timedelta(days=90) - timedelta(seconds=1))
    await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)
    clock.advance(timedelta(seconds=1))

    with pytest.raises(ExpiredKey):
        await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)


async def test_a_warm_process_knows_the_rights_of_a_new_plugin_at_once(
    database: Database, clock: SettableClock
) -> None:
    issued = await give_key(database, ForService("analyst"), now=clock.now())
    authentications = Authentications(database, secret=SECRET)
    with_plugin = (*CORE_PERMISSIONS, Permission("clv:read", "See lifetime value", ("analyst",)))
    before = await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=CORE_PERMISSIONS)

    after = await authentications.actor(f"Bearer {issued.text}", now=clock.now(), permissions=with_plugin)

    assert not before.may("clv:read")
    assert after.may("clv:read")


async def test_a_warm_process_knows_at_most_so_many_keys(
    database: Database, clock: SettableClock, statements: list[str]
) -> None:
    first = await give_key(database, ForService("admin"), now=clock.now())
    second = await give_key(database, ForService("admin"), now=clock.now())
    authentications = Authentications(database, secret=SECRET, capacity=1)
    await authentications.actor(f"Bearer {first.text}", now=clock.now(), permissions=CORE_PERMISSIONS)
    await authentications.actor(f"Bearer {second.text}", now=clock.now(), permissions=CORE_PERMISSIONS)
    statements.clear()

    await authentications.actor(f"Bearer {first.text}", now=clock.now(), permissions=CORE_PERMISSIONS)

    assert statements != []
