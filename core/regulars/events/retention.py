"""Forget events that were told long ago."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.events.models import Event

__all__ = ["delete_told_events"]


async def delete_told_events(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` of the oldest events from before that moment, and return how many.

    What nobody could take of them goes too; an event that was not told yet stays.
    """
    old = (
        select(col(Event.id))
        .where(col(Event.recorded_at) < before, col(Event.dispatched_at).is_not(None))
        .order_by(col(Event.recorded_at))
        .limit(limit)
    )
    connection = await session.connection()
    return (await connection.execute(delete(Event).where(col(Event.id).in_(old)))).rowcount
