"""Give, replace and take back keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.access.keys import hash_key, hint_of, new_key
from regulars.access.models import ApiKey, StaffMember
from regulars.access.owners import (
    ForCustomer,
    ForService,
    ForSource,
    ForStaffMember,
    KeyOwner,
    is_active_customer,
)
from regulars.access.permissions import SOURCE_SCOPES
from regulars.access.refusals import AlreadyRotated, KeyEnded, KeysCannotMintKeys
from regulars.access.staff import active_staff_member, checked_role
from regulars.customers.identities import read_identity
from regulars.customers.models import Customer
from regulars.errors import InvalidInput, NotFound, OutOfRange, UnknownValue
from regulars.events.service import record_event
from regulars.plugins.manifest import Permission
from regulars.tables import new_id

__all__ = [
    "DEFAULT_LIFETIME",
    "DEFAULT_OVERLAP",
    "LONGEST_LIFETIME",
    "IssuedKey",
    "KeyState",
    "ListedKey",
    "create_key",
    "list_keys",
    "revoke_key",
    "rotate_key",
]

DEFAULT_LIFETIME = timedelta(days=90)
LONGEST_LIFETIME = timedelta(days=365)
DEFAULT_OVERLAP = timedelta(days=1)

KeyState = Literal["live", "expired", "revoked"]


@dataclass(frozen=True)
class IssuedKey:
    """A new key; ``text`` is what its owner sends, shown this once and kept nowhere."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True)
class ListedKey:
    """A key as people see it in a list."""

    key: ApiKey
    owner: str
    state: KeyState


async def create_key(
    session: AsyncSession,
    *,
    name: str,
    owner: KeyOwner,
    permissions: Sequence[Permission],
    secret: str,
    actor: Actor,
    now: datetime,
    scopes: Sequence[str] | None = None,
    lifetime: timedelta = DEFAULT_LIFETIME,
) -> IssuedKey:
    """Make a key for a staff member, a service, a customer or a source.

    ``permissions`` are all that exist, against which ``scopes`` are checked; without scopes the key may do all that
    its owner may do, a source none of the ``SOURCE_SCOPES``. Raises ``KeysCannotMintKeys`` for an actor who came in
    with a key, ``OutOfRange`` for a lifetime beyond a year, ``NotFound`` for an owner who does not exist or is no
    longer active, ``UnknownValue`` for an unknown role or scope, and ``InvalidInput`` for the name of a source.
    """
    _refuse_keys(actor)
    if not name.strip():
        raise InvalidInput("A key needs a name, such as the system that will use it.", path=("name",))
    _check_scopes(scopes, permissions)
    key_id = new_id()
    key = ApiKey(
        id=key_id,
        name=name.strip(),
        hash="",
        hint="",
        kind="",
        scopes=None if scopes is None else sorted(set(scopes)),
        created_at=now,
        expires_at=now + _checked_lifetime(lifetime),
    )
    match owner:
        case ForStaffMember(id=staff_member_id):
            await active_staff_member(session, staff_member_id)
            key.kind, key.staff_member_id = "staff", staff_member_id
        case ForService(role=role):
            key.kind, key.role, key.service_id = "service", checked_role(role), key_id
        case ForCustomer(id=customer_id):
            customer = await session.get(Customer, customer_id)
            if customer is None or not is_active_customer(customer):
                raise NotFound("active customer", customer_id)
            key.kind, key.customer_id = "customer", customer_id
        case ForSource(name=source):
            key.kind, key.source, key.service_id = "source", _checked_source(source), key_id
            key.scopes = sorted(_checked_source_scopes(scopes or ()))
    return await _issue(session, key, type="key.created", secret=secret, actor=actor, now=now)


async def rotate_key(
    session: AsyncSession,
    *,
    key_id: UUID,
    secret: str,
    actor: Actor,
    now: datetime,
    overlap: timedelta = DEFAULT_OVERLAP,
    lifetime: timedelta = DEFAULT_LIFETIME,
) -> IssuedKey:
    """Make a key that takes the place of another; both hold during ``overlap``, then the old one ends.

    The new key has the owner, the name and the scopes of the old one. Raises ``KeysCannotMintKeys``, ``NotFound``,
    ``KeyEnded`` for a key that is already over and ``AlreadyRotated`` for one whose successor is alive, so that never
    more than two are.
    """
    _refuse_keys(actor)
    if overlap < timedelta(0):
        raise OutOfRange("The overlap cannot be negative. Give 0 to end the old key at once.", path=("overlap",))
    old = await _key_for_change(session, key_id)
    if _state_of(old, now) != "live":
        raise KeyEnded(key_id=old.id, hint=old.hint)
    successor_id = await session.scalar(
        select(col(ApiKey.id)).where(
            col(ApiKey.replaces_id) == old.id, col(ApiKey.revoked_at).is_(None), col(ApiKey.expires_at) > now
        )
    )
    if successor_id is not None:
        raise AlreadyRotated(key_id=old.id, hint=old.hint, successor_id=successor_id)
    old.expires_at = min(old.expires_at, now + overlap)
    new = ApiKey(
        name=old.name,
        hash="",
        hint="",
        kind=old.kind,
        role=old.role,
        service_id=old.service_id,
        source=old.source,
        staff_member_id=old.staff_member_id,
        customer_id=old.customer_id,
        scopes=old.scopes,
        replaces_id=old.id,
        created_at=now,
        expires_at=now + _checked_lifetime(lifetime),
    )
    return await _issue(session, new, type="key.rotated", secret=secret, actor=actor, now=now)


async def revoke_key(session: AsyncSession, *, key_id: UUID, actor: Actor, now: datetime) -> ApiKey:
    """End a key for good; revoking it again changes nothing. Raises ``NotFound``."""
    key = await _key_for_change(session, key_id)
    if key.revoked_at is None:
        key.revoked_at = now
        await record_event(
            session,
            type="key.revoked",
            subject=f"key:{key.id}",
            actor=actor.label,
            data={"keyId": str(key.id)},
            now=now,
        )
    return key


async def list_keys(session: AsyncSession, *, now: datetime) -> Sequence[ListedKey]:
    """Return every key, ended ones too, newest first."""
    rows = await session.execute(
        select(ApiKey, StaffMember)
        .outerjoin(StaffMember, col(ApiKey.staff_member_id) == col(StaffMember.id))
        .order_by(col(ApiKey.id).desc())
    )
    return [ListedKey(key, _owner_of(key, staff_member), _state_of(key, now)) for key, staff_member in rows]


def _refuse_keys(actor: Actor) -> None:
    if actor.key_id is not None:
        raise KeysCannotMintKeys


def _checked_lifetime(lifetime: timedelta) -> timedelta:
    if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise OutOfRange(
            f"A key lives for at most {LONGEST_LIFETIME.days} days, and for more than none."
            " Choose a shorter time and rotate the key.",
            path=("lifetime",),
        )
    return lifetime


def _check_scopes(scopes: Sequence[str] | None, permissions: Sequence[Permission]) -> None:
    known = {permission.name for permission in permissions}
    if scopes is None or known.issuperset(scopes):
        return
    raise UnknownValue("permission", min(set(scopes) - known), known, path=("scopes",))


def _checked_source(name: str) -> str:
    return read_identity("external", "1001", name).source


def _checked_source_scopes(scopes: Sequence[str]) -> set[str]:
    if not SOURCE_SCOPES.issuperset(scopes):
        raise UnknownValue("permission of a source", min(set(scopes) - SOURCE_SCOPES), SOURCE_SCOPES, path=("scopes",))
    return set(scopes)


async def _key_for_change(session: AsyncSession, key_id: UUID) -> ApiKey:
    key = await session.get(ApiKey, key_id, with_for_update=True, populate_existing=True)
    if key is None:
        raise NotFound("key", key_id)
    return key


async def _issue(
    session: AsyncSession, key: ApiKey, *, type: str, secret: str, actor: Actor, now: datetime
) -> IssuedKey:
    text = new_key()
    key.hash, key.hint = hash_key(text, secret=secret), hint_of(text)
    session.add(key)
    await _record_key_event(session, key, type=type, actor=actor, now=now)
    await session.flush()
    return IssuedKey(key, text)


async def _record_key_event(session: AsyncSession, key: ApiKey, *, type: str, actor: Actor, now: datetime) -> None:
    facts = {"keyId": str(key.id), "replacesId": None if key.replaces_id is None else str(key.replaces_id)}
    await record_event(session, type=type, subject=f"key:{key.id}", actor=actor.label, data=facts, now=now)


def _state_of(key: ApiKey, now: datetime) -> KeyState:
    if key.revoked_at is not None:
        return "revoked"
    return "live" if key.expires_at > now else "expired"


def _owner_of(key: ApiKey, staff_member: StaffMember | None) -> str:
    if staff_member is not None:
        return f"{staff_member.name} ({staff_member.role})"
    if key.kind == "source":
        return f"source {key.source}"
    return f"service ({key.role})" if key.kind == "service" else f"customer {key.customer_id}"
