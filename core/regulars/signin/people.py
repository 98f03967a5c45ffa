"""Find the staff member behind an issuer's subject, or take them up."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.access.models import StaffMember
from regulars.access.owners import is_active_staff_member
from regulars.access.staff import create_staff_member, follow_issuer
from regulars.signin.models import StaffIdentity
from regulars.signin.refusals import StaffMemberLetGo

__all__ = ["find_or_take_up", "find_staff_member", "name_in", "stands_as_told"]

NAME_CLAIMS = ("name", "preferred_username", "email")
LONGEST_NAME = 200


async def find_staff_member(session: AsyncSession, *, issuer: str, subject: str) -> StaffMember | None:
    """Return the staff member whom the issuer knows by this subject; None for somebody new.

    Raises ``StaffMemberLetGo``.
    """
    found: StaffMember | None = await session.scalar(
        select(StaffMember)
        .join(StaffIdentity, col(StaffIdentity.staff_member_id) == col(StaffMember.id))
        .where(col(StaffIdentity.issuer) == issuer, col(StaffIdentity.subject) == subject)
    )
    if found is not None and not is_active_staff_member(found):
        raise StaffMemberLetGo
    return found


async def find_or_take_up(
    session: AsyncSession, *, issuer: str, subject: str, name: str | None, role: str, now: datetime
) -> StaffMember:
    """Return the staff member of this subject, with the role and the name that the issuer tells today.

    Two requests of somebody new make one row. Raises ``StaffMemberLetGo``.
    """
    found = await find_staff_member(session, issuer=issuer, subject=subject)
    if found is None:
        try:
            async with session.begin_nested():
                found = await create_staff_member(
                    session, name=name or "New colleague", role=role, actor=SYSTEM, now=now
                )
                session.add(StaffIdentity(staff_member_id=found.id, issuer=issuer, subject=subject, created_at=now))
                await session.flush()
        except IntegrityError:
            found = await find_staff_member(session, issuer=issuer, subject=subject)
            assert found is not None
    if not stands_as_told(found, name=name, role=role):
        await follow_issuer(session, staff_member=found, name=name or found.name, role=role, now=now)
    return found


def stands_as_told(staff_member: StaffMember, *, name: str | None, role: str) -> bool:
    """Tell whether the row says what the issuer says; an issuer that tells no name changes none."""
    return staff_member.role == role and name in (None, staff_member.name)


def name_in(claims: Any) -> str | None:
    """Return what the issuer calls the person; None when the token does not say."""
    for claim in NAME_CLAIMS:
        name = claims.get(claim)
        if isinstance(name, str) and name.strip():
            return name.strip()[:LONGEST_NAME]
    return None
