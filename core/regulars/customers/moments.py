"""The moment of a step that may have waited for others: never before what they did."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.events.models import Event

__all__ = ["moment_after_others"]


async def moment_after_others(session: AsyncSession, *, customer_id: UUID, now: datetime) -> datetime:
    """Return ``now``, or the moment at which the last change of the customer was recorded, if that is later.

    ``now`` is when a step was asked for. While it waits for the customer's lock another may take a slot or record a
    withdrawal, with a later time; seen from ``now`` these would lie ahead, and not count. The same holds for what a
    process wrote whose clock is fast. To be called with the customer locked.
    """
    recorded_at = col(Event.recorded_at)
    later = select(func.max(recorded_at)).where(col(Event.subject) == f"customer:{customer_id}", recorded_at > now)
    return await session.scalar(later) or now
