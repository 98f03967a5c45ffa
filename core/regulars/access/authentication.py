"""Find out who sends a request, from its Authorization header."""

import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import ANONYMOUS, Actor, ActorKind
from regulars.access.keys import hash_key, is_well_formed
from regulars.access.models import ApiKey, StaffMember
from regulars.access.owners import is_active_customer, is_active_staff_member
from regulars.access.permissions import CUSTOMER_PERMISSIONS, permissions_of_role
from regulars.access.refusals import (
    ExpiredKey,
    MalformedKey,
    OwnerDisabled,
    RevokedKey,
    UnknownKey,
    WrongScheme,
)
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.plugins.manifest import Permission

__all__ = ["Authentications", "authenticate"]

SCHEME = "bearer"


@dataclass(frozen=True)
class _Holder:
    """What the database says about a key and its owner; what follows from it depends on the moment."""

    key_id: UUID
    kind: ActorKind
    id: UUID
    name: str
    role: str | None
    scopes: frozenset[str] | None
    hint: str
    expires_at: datetime
    revoked_at: datetime | None
    is_owner_active: bool


async def authenticate(
    session: AsyncSession,
    *,
    authorization: str | None,
    now: datetime,
    permissions: Sequence[Permission],
    secret: str,
) -> Actor:
    """Return who sends this Authorization header, with the permissions that hold now.

    Without a header it is ``ANONYMOUS``. ``permissions`` are all that the core and the enabled plugins define. A key's
    scopes only narrow what its owner may do at this moment. Raises an ``Unauthenticated`` that says what is wrong with
    the credentials.
    """
    if authorization is None:
        return ANONYMOUS
    holder = await _find_holder(session, key_hash=hash_key(_key_in(authorization), secret=secret))
    return _admit(holder, now=now, permissions=permissions)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Who came in with a key, when that was found out, and until when it can hold."""

    actor: Actor
    at: datetime
    expires_at: datetime
    permissions: Sequence[Permission]


class Authentications:
    """Remembers for a few seconds who holds a key, so that a process asks the database once and not at every request.

    A revoked key therefore lives on for at most ``lifetime``. An expired one ends at once, and other permissions count
    at once.
    """

    def __init__(
        self,
        database: Database,
        *,
        secret: str,
        lifetime: timedelta = timedelta(seconds=5),
        capacity: int = 10_000,
    ) -> None:
        self._database, self._secret, self._lifetime, self._capacity = database, secret, lifetime, capacity
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def actor(self, authorization: str | None, *, now: datetime, permissions: Sequence[Permission]) -> Actor:
        """Return who sends this Authorization header; as ``authenticate``."""
        if authorization is None:
            return ANONYMOUS
        key_hash = hash_key(_key_in(authorization), secret=self._secret)
        seen = self._seen.get(key_hash)
        if seen is not None and seen.permissions is permissions and self._holds(seen, now):
            return seen.actor
        async with self._database.reading() as session:
            holder = await _find_holder(session, key_hash=key_hash)
        actor = _admit(holder, now=now, permissions=permissions)
        self._remember(key_hash, _Seen(actor, now, holder.expires_at, permissions))
        return actor

    def _holds(self, seen: _Seen, now: datetime) -> bool:
        # A clock that was set back must not prolong the life of a revoked key.
        return seen.at <= now < min(seen.at + self._lifetime, seen.expires_at)

    def _remember(self, key_hash: str, seen: _Seen) -> None:
        self._seen[key_hash] = seen
        self._seen.move_to_end(key_hash)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)


def _key_in(authorization: str) -> str:
    scheme, _, key = authorization.strip().partition(" ")
    if scheme.lower() != SCHEME or not key.strip():
        raise WrongScheme
    if not is_well_formed(key.strip()):
        raise MalformedKey
    return key.strip()


async def _find_holder(session: AsyncSession, *, key_hash: str) -> _Holder:
    found = (
        await session.execute(
            select(ApiKey, StaffMember, Customer)
            .outerjoin(StaffMember, col(ApiKey.staff_member_id) == col(StaffMember.id))
            .outerjoin(Customer, col(ApiKey.customer_id) == col(Customer.id))
            .where(col(ApiKey.hash) == key_hash)
        )
    ).one_or_none()
    if found is None or not hmac.compare_digest(found[0].hash, key_hash):
        raise UnknownKey
    key = found[0]
    staff_member: StaffMember | None = found[1]
    customer: Customer | None = found[2]
    owner_id = key.service_id or key.staff_member_id or key.customer_id
    assert owner_id is not None
    return _Holder(
        key_id=key.id,
        kind=cast("ActorKind", key.kind),
        id=owner_id,
        name=key.name if staff_member is None else staff_member.name,
        role=key.role if staff_member is None else staff_member.role,
        scopes=None if key.scopes is None else frozenset(key.scopes),
        hint=key.hint,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        is_owner_active=(staff_member is None or is_active_staff_member(staff_member))
        and (customer is None or is_active_customer(customer)),
    )


def _admit(holder: _Holder, *, now: datetime, permissions: Sequence[Permission]) -> Actor:
    if holder.revoked_at is not None:
        raise RevokedKey(hint=holder.hint, revoked_at=holder.revoked_at)
    if holder.expires_at <= now:
        raise ExpiredKey(hint=holder.hint, expired_at=holder.expires_at)
    if not holder.is_owner_active:
        raise OwnerDisabled(hint=holder.hint, owner="customer" if holder.kind == "customer" else "staff member")
    rights = CUSTOMER_PERMISSIONS if holder.role is None else permissions_of_role(holder.role, permissions)
    return Actor(
        kind=holder.kind,
        id=holder.id,
        name=holder.name,
        permissions=rights if holder.scopes is None else rights & holder.scopes,
        customer_id=holder.id if holder.kind == "customer" else None,
        key_id=holder.key_id,
    )
