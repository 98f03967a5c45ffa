"""Take up staff members, and let them go."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM, Actor
from regulars.access.models import StaffMember
from regulars.access.owners import is_active_staff_member
from regulars.access.permissions import ROLES
from regulars.errors import InvalidInput, NotFound, UnknownValue
from regulars.events.service import record_event

__all__ = [
    "active_staff_member",
    "checked_role",
    "create_staff_member",
    "disable_staff_member",
    "follow_issuer",
    "list_staff_members",
]


async def create_staff_member(
    session: AsyncSession,
    *,
    name: str,
    role: str,
    actor: Actor,
    now: datetime,
    manager_id: UUID | None = None,
    deputy_id: UUID | None = None,
) -> StaffMember:
    """Take up somebody who works here.

    Raises ``UnknownValue`` for an unknown role and ``NotFound`` for a manager or deputy who is not here.
    """
    if not name.strip():
        raise InvalidInput("A staff member needs a name.", path=("name",))
    for colleague_id in (manager_id, deputy_id):
        if colleague_id is not None:
            await active_staff_member(session, colleague_id)
    staff_member = StaffMember(
        name=name.strip(), role=checked_role(role), manager_id=manager_id, deputy_id=deputy_id, created_at=now
    )
    session.add(staff_member)
    await session.flush()
    await _record_staff_event(session, staff_member, type="staff_member.created", actor=actor, now=now)
    return staff_member


async def disable_staff_member(
    session: AsyncSession, *, staff_member_id: UUID, actor: Actor, now: datetime
) -> StaffMember:
    """Let somebody in no longer: all their keys stop holding. Raises ``NotFound``."""
    staff_member = await active_staff_member(session, staff_member_id)
    staff_member.disabled_at = now
    await _record_staff_event(session, staff_member, type="staff_member.disabled", actor=actor, now=now)
    return staff_member


async def follow_issuer(
    session: AsyncSession, *, staff_member: StaffMember, name: str, role: str, now: datetime
) -> StaffMember:
    """Give somebody the name and the role that the identity provider tells; raises ``UnknownValue`` for a role."""
    staff_member.name, staff_member.role = name, checked_role(role)
    session.add(staff_member)
    await _record_staff_event(session, staff_member, type="staff_member.changed", actor=SYSTEM, now=now)
    return staff_member


async def active_staff_member(session: AsyncSession, staff_member_id: UUID) -> StaffMember:
    """Return somebody who works here; raises ``NotFound`` for everybody else."""
    staff_member = await session.get(StaffMember, staff_member_id)
    if staff_member is None or not is_active_staff_member(staff_member):
        raise NotFound("active staff member", staff_member_id)
    return staff_member


async def list_staff_members(session: AsyncSession) -> Sequence[StaffMember]:
    """Return everybody who works here or did, by name."""
    return (await session.scalars(select(StaffMember).order_by(col(StaffMember.name), col(StaffMember.id)))).all()


def checked_role(role: str) -> str:
    """Return the role; raises ``UnknownValue`` when there is no such role."""
    if role not in ROLES:
        raise UnknownValue("role", role, ROLES, path=("role",))
    return role


async def _record_staff_event(
    session: AsyncSession, staff_member: StaffMember, *, type: str, actor: Actor, now: datetime
) -> None:
    subject = f"staff:{staff_member.id}"
    facts = {"staffMemberId": str(staff_member.id), "role": staff_member.role}
    await record_event(session, type=type, subject=subject, actor=actor.label, data=facts, now=now)
