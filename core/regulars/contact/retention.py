"""Forget audiences that were asked about long ago, with what came out for each customer."""

from datetime import datetime

from sqlalchemy import delete, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.contact.models import ContactAudience, ContactVerdict

__all__ = ["delete_old_audiences"]


async def delete_old_audiences(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` verdicts of audiences that were asked about before that moment, and return how many.

    An audience goes once it has no verdict left.
    """
    key = (col(ContactVerdict.audience_id), col(ContactVerdict.customer_id))
    old = col(ContactAudience.asked_at) < before
    verdicts = select(*key).where(key[0].in_(select(col(ContactAudience.id)).where(old))).limit(limit)
    connection = await session.connection()
    deleted = (await connection.execute(delete(ContactVerdict).where(tuple_(*key).in_(verdicts)))).rowcount
    if deleted < limit:
        has_verdicts = exists().where(key[0] == col(ContactAudience.id))
        await connection.execute(delete(ContactAudience).where(old, ~has_verdicts))
    return deleted
