"""Find out who sends a request, from its Authorization header."""

import base64
import binascii
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import ANONYMOUS, Actor, ActorKind
from regulars.access.keys import hash_key, is_well_formed
from regulars.access.models import ApiKey, StaffMember
from regulars.access.owners import is_active_customer, is_active_staff_member
from regulars.access.permissions import CUSTOMER_PERMISSIONS, SOURCE_SCOPES, permissions_of_role
from regulars.access.refusals import (
    ExpiredKey,
    MalformedKey,
    OwnerDisabled,
    RevokedKey,
    UnknownKey,
    WriteKeyElsewhere,
    WriteKeyMissing,
    WrongScheme,
)
from regulars.access.remembering import Recent
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.plugins.manifest import Permission

__all__ = ["Authentications", "authenticate", "key_actor", "write_key_in"]

SCHEME = "bearer"


@dataclass(frozen=True)
class _Holder:
    """What the database says about a key and its owner; what follows from it depends on the moment."""

    key_id: UUID
    kind: ActorKind
    id: UUID
    name: str
    role: str | None
    source: str
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
    return _not_a_source(_admit(holder, now=now, permissions=permissions), holder.hint)


def write_key_in(authorization: str) -> str:
    """Return the user name of an Authorization header of HTTP Basic; raise ``WriteKeyMissing``."""
    scheme, _, encoded = authorization.strip().partition(" ")
    try:
        user, colon, _ = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise WriteKeyMissing from error
    if scheme.lower() != "basic" or not colon or not user:
        raise WriteKeyMissing
    return user


@dataclass(frozen=True, slots=True)
class _KnownKey:
    """Who came in with a key, and how people recognise the key."""

    actor: Actor
    hint: str


class Authentications:
    """Remembers for a few seconds who holds a key, so that a process asks the database once and not at every request.

    A revoked key therefore lives on for at most ``lifetime``. An expired one ends at once, and other permissions count
    at once. What is remembered has as its name a digest under a secret of this object's own, and never the key.
    """

    def __init__(
        self,
        database: Database,
        *,
        secret: str,
        lifetime: timedelta = timedelta(seconds=5),
        capacity: int = 10_000,
    ) -> None:
        self._database, self._secret = database, secret
        self._own_secret = secrets.token_bytes(32)
        self._recent = Recent[_KnownKey](lifetime=lifetime, capacity=capacity)

    async def actor(self, authorization: str | None, *, now: datetime, permissions: Sequence[Permission]) -> Actor:
        """Return who sends this Authorization header; as ``authenticate``."""
        if authorization is None:
            return ANONYMOUS
        known = await self._known(authorization, _key_in, now=now, permissions=permissions)
        return _not_a_source(known.actor, known.hint)

    async def sender(self, write_key: str, *, now: datetime, permissions: Sequence[Permission]) -> Actor:
        """Return the source whose key this is; as ``authenticate``, and ``WriteKeyMissing`` for another kind of key."""
        actor = (await self._known(write_key, _well_formed, now=now, permissions=permissions)).actor
        if actor.kind != "source":
            raise WriteKeyMissing
        return actor

    async def _known(
        self, credential: str, key_in: Callable[[str], str], *, now: datetime, permissions: Sequence[Permission]
    ) -> _KnownKey:
        name = blake2b(credential.encode(), key=self._own_secret, digest_size=32).hexdigest()
        remembered = self._recent.get(name, now=now, permissions=permissions)
        if remembered is not None:
            return remembered
        key_hash = hash_key(key_in(credential), secret=self._secret)
        async with self._database.reading() as session:
            holder = await _find_holder(session, key_hash=key_hash)
        known = _KnownKey(_admit(holder, now=now, permissions=permissions), holder.hint)
        self._recent.remember(name, known, now=now, expires_at=holder.expires_at, permissions=permissions)
        return known


def _well_formed(key: str) -> str:
    if not is_well_formed(key):
        raise MalformedKey
    return key


def _key_in(authorization: str) -> str:
    scheme, _, key = authorization.strip().partition(" ")
    if scheme.lower() != SCHEME or not key.strip():
        raise WrongScheme
    return _well_formed(key.strip())


async def key_actor(session: AsyncSession, *, key_id: UUID, now: datetime, permissions: Sequence[Permission]) -> Actor:
    """Return whoever holds this key, which came in earlier; raises what ``authenticate`` raises when it has ended."""
    holder = await _holder_where(session, col(ApiKey.id) == key_id)
    if holder is None:
        raise UnknownKey
    return _not_a_source(_admit(holder, now=now, permissions=permissions), holder.hint)


async def _find_holder(session: AsyncSession, *, key_hash: str) -> _Holder:
    holder = await _holder_where(session, col(ApiKey.hash) == key_hash)
    if holder is None:
        raise UnknownKey
    return holder


async def _holder_where(session: AsyncSession, match: ColumnElement[bool]) -> _Holder | None:
    found = (
        await session.execute(
            select(ApiKey, StaffMember, Customer)
            .outerjoin(StaffMember, col(ApiKey.staff_member_id) == col(StaffMember.id))
            .outerjoin(Customer, col(ApiKey.customer_id) == col(Customer.id))
            .where(match)
        )
    ).one_or_none()
    if found is None:
        return None
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
        source=key.source or "",
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
    rights = _rights(holder, permissions)
    return Actor(
        kind=holder.kind,
        id=holder.id,
        name=holder.name,
        permissions=rights if holder.scopes is None else rights & holder.scopes,
        customer_id=holder.id if holder.kind == "customer" else None,
        key_id=holder.key_id,
        source=holder.source,
    )


def _rights(holder: _Holder, permissions: Sequence[Permission]) -> frozenset[str]:
    if holder.kind == "source":
        return SOURCE_SCOPES
    return CUSTOMER_PERMISSIONS if holder.role is None else permissions_of_role(holder.role, permissions)


def _not_a_source(actor: Actor, hint: str) -> Actor:
    if actor.kind == "source":
        raise WriteKeyElsewhere(hint=hint)
    return actor
