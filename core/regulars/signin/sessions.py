"""Keep browsers signed in: open a session, find who it is, and end it."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.access.authentication import key_actor
from regulars.access.keys import hash_key
from regulars.access.models import StaffMember
from regulars.access.owners import is_active_staff_member
from regulars.access.permissions import permissions_of_role
from regulars.access.refusals import Unauthenticated
from regulars.events.service import record_event
from regulars.plugins.manifest import Permission
from regulars.signin.models import StaffSession

__all__ = ["SignedIn", "end_session", "find_session", "form_token", "note_visit", "open_session"]

TOKEN_BYTES = 32
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is known when somebody was last here; finer would be a write at every request."""


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in in a browser; ``is_visit_due`` when the visit should be noted."""

    session_id: UUID
    actor: Actor
    is_visit_due: bool


@dataclass(frozen=True)
class OpenedSession:
    """A new session; ``token`` is what the browser keeps, known to nobody else."""

    session_id: UUID
    token: str = field(repr=False)


async def open_session(
    session: AsyncSession,
    *,
    owner: Literal["staff", "key"],
    owner_id: UUID,
    actor: Actor,
    secret: str,
    lifetime: timedelta,
    now: datetime,
) -> OpenedSession:
    """Sign somebody in and return the new session, always under a new token; sessions that are over are removed."""
    await session.execute(delete(StaffSession).where(col(StaffSession.expires_at) <= now))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = StaffSession(
        hash=_hash(token, secret),
        staff_member_id=owner_id if owner == "staff" else None,
        key_id=owner_id if owner == "key" else None,
        created_at=now,
        seen_at=now,
        expires_at=now + lifetime,
    )
    session.add(row)
    await _record(session, row, type="session.opened", actor=actor, now=now)
    await session.flush()
    return OpenedSession(row.id, token)


async def find_session(
    session: AsyncSession,
    *,
    token: str,
    secret: str,
    idle: timedelta,
    permissions: Sequence[Permission],
    now: datetime,
) -> SignedIn | None:
    """Return who is signed in with this token, with the rights that hold now; None when the session is over.

    It is over after its lifetime, after ``idle`` without a request, and as soon as its owner may no longer come in.
    """
    found = (
        await session.execute(
            select(StaffSession, StaffMember)
            .outerjoin(StaffMember, col(StaffSession.staff_member_id) == col(StaffMember.id))
            .where(
                col(StaffSession.hash) == _hash(token, secret),
                col(StaffSession.expires_at) > now,
                col(StaffSession.seen_at) > now - idle,
            )
        )
    ).one_or_none()
    if found is None:
        return None
    row, person = found[0], found[1]
    actor = await _actor(session, row, person, permissions, now)
    return None if actor is None else SignedIn(row.id, actor, now - row.seen_at >= SEEN_EVERY)


async def note_visit(session: AsyncSession, *, session_id: UUID, now: datetime) -> None:
    """Remember that somebody was here."""
    await session.execute(
        update(StaffSession)
        .where(col(StaffSession.id) == session_id, col(StaffSession.seen_at) < now)
        .values(seen_at=now)
    )


async def end_session(session: AsyncSession, *, token: str, secret: str, actor: Actor, now: datetime) -> None:
    """Sign the browser out; a session that is over already stays so."""
    row = await session.scalar(select(StaffSession).where(col(StaffSession.hash) == _hash(token, secret)))
    if row is not None:
        await session.delete(row)
        await _record(session, row, type="session.ended", actor=actor, now=now)


def form_token(token: str, *, secret: str) -> str:
    """Return what each form of this browser carries; whoever cannot read our pages cannot know it."""
    return hmac.digest(secret.encode(), b"form:" + token.encode(), "sha256").hex()


async def _actor(
    session: AsyncSession,
    row: StaffSession,
    person: StaffMember | None,
    permissions: Sequence[Permission],
    now: datetime,
) -> Actor | None:
    if row.key_id is not None:
        try:
            return await key_actor(session, key_id=row.key_id, now=now, permissions=permissions)
        except Unauthenticated:
            return None
    if person is None or not is_active_staff_member(person):
        return None
    return Actor("staff", person.id, person.name, permissions_of_role(person.role, permissions))


def _hash(token: str, secret: str) -> str:
    return hash_key(f"session:{token}", secret=secret)


async def _record(session: AsyncSession, row: StaffSession, *, type: str, actor: Actor, now: datetime) -> None:
    subject = f"key:{row.key_id}" if row.key_id is not None else f"staff:{row.staff_member_id}"
    await record_event(session, type=type, subject=subject, actor=actor.label, data={"sessionId": str(row.id)}, now=now)
