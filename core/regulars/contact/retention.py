"""Forget audiences that were asked about long ago, with what came out for each customer."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.contact.models import ContactAudience, ContactVerdict

__all__ = ["delete_old_audiences"]


async def delete_old_audiences(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` verdicts of audiences that were asked about before that moment, and return how many.

    An audience goes once it has no verdict left. They are taken one by one: asked about all old ones at once,
    PostgreSQL would read the verdicts of all others, too.
    """
    old = await session.scalars(select(col(ContactAudience.id)).where(col(ContactAudience.asked_at) < before))
    connection = await session.connection()
    deleted = 0
    for id in old.all():
        of_audience = col(ContactVerdict.audience_id) == id
        some = select(col(ContactVerdict.customer_id)).where(of_audience).limit(limit - deleted)
        gone = delete(ContactVerdict).where(of_audience, col(ContactVerdict.customer_id).in_(some))
        deleted += (await connection.execute(gone)).rowcount
        if deleted == limit:
            break
        await connection.execute(delete(ContactAudience).where(col(ContactAudience.id) == id))
    return deleted
